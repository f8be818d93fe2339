//! The channel of a process: manners, good and bad.

use std::sync::mpsc;

use hothouse_kernel::{Code, Rung, Stage};
use hothouse_process::{ProcessSpec, Transport};
use hothouse_runtime::{Json, Level, Stream};

use crate::bench::{DEADLINE, Host, Life, fixture, process, words};

fn rude(manner: &str, transport: Transport) -> ProcessSpec {
    process(fixture("rude.py", &[manner]), transport)
}

fn end(life: &Life<'_>) {
    life.stop(Rung::Kill);
    life.exit();
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[test]
fn plain_node_speaks_the_contract() {
    let host = Host::new();
    let spec = process(words(&["node", "echo.mjs"]), Transport::Fd);
    let life = host.process(spec);
    assert_eq!(life.initialized().methods[0].name, "echo");
    life.start();
    life.is_started();
    assert_eq!(life.call(1, "echo", "[1]"), Ok(json(r#"{"method":"echo","payload":[1]}"#)));
    life.stop(Rung::Destroy);
    life.answered("destroyed", |answer| format!("{answer:?}").starts_with("Destroyed(None)").then_some(()));
    life.stop(Rung::Close);
    assert_eq!(life.exit().how, "exited with code 0");
}

#[test]
fn garbage_is_reported_and_harms_nothing() {
    let host = Host::new();
    for transport in [Transport::Fd, Transport::Stdio] {
        let life = host.process(rude("garbage", transport));
        life.started();
        assert_eq!(life.said("still here"), "");
        assert_eq!(life.call(1, "echo", "1"), Ok(json("1")));
        let misbehaved = life.misbehaved();
        let mut expected = vec![
            "it wrote a line that is no JSON-RPC message: `hello`",
            "it wrote a line that is not UTF-8: `\u{fffd}\u{fffd}`",
            "it wrote a line without \"jsonrpc\":\"2.0\": `{}`",
            "it wrote a message that has neither `method` nor `result` nor `error`: `{\"jsonrpc\":\"2.0\"}`",
            "it answered question 999, which is not open (any more)",
            "it wrote a message that answers a question that was not asked: its `id` is no such number: ",
            "it asked for `host/unknown`, and the host knows no method `host/unknown`; it knows `host/log`, `host/call` and",
            "its call of `host/log` was called with wrong parameters: invalid type: integer `7`",
        ];
        if transport == Transport::Stdio {
            let stray = life.log(|line| line.stream == Stream::Stdout);
            assert_eq!((stray.level, stray.text.as_str()), (Level::Warn, "hello"));
            expected.drain(..3);
        }
        assert_eq!(misbehaved.len(), expected.len(), "{misbehaved:#?}");
        for (found, expected) in misbehaved.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
        end(&life);
    }
}

#[test]
fn what_is_printed_on_the_channel_goes_to_the_log() {
    let host = Host::new();
    let life = host.process(rude("prints", Transport::Stdio));
    life.started();
    assert_eq!(life.call(1, "echo", "\"x\""), Ok(json("\"x\"")));
    assert_eq!(life.log(|line| line.text == "ready").level, Level::Warn);
    assert!(life.misbehaved().is_empty());
    end(&life);
    let life = host.process(rude("prints", Transport::Fd));
    life.started();
    assert_eq!(life.log(|line| line.text == "ready").level, Level::Info);
    end(&life);
}

#[test]
fn garbage_instead_of_an_answer_explains_the_end() {
    let host = Host::new();
    let exit = host.process(rude("garbage_and_exit", Transport::Fd)).exit();
    assert_eq!(exit.how, "exited with code 7");
    assert_eq!(
        exit.detail.unwrap(),
        "instead of answering `init` it wrote a line that is no JSON-RPC message: `Traceback: no module named \
         hothouse`; last line on stderr: could not load settings"
    );
    let exit = host.process(rude("garbage_and_exit", Transport::Stdio)).exit();
    assert_eq!(exit.detail.unwrap(), "last line on stderr: could not load settings");
}

#[test]
fn half_a_line_is_waited_for_until_the_end() {
    let host = Host::new();
    let life = host.process(rude("half_a_line", Transport::Fd));
    life.said("half of it is written");
    life.stop(Rung::Kill);
    life.exit();
    assert_eq!(life.answers().len(), 1, "{:?}", life.answers());
}

#[test]
fn a_line_over_the_limit_is_skipped() {
    let host = Host::new();
    let life = host.process(rude("huge_line", Transport::Fd));
    life.started();
    assert_eq!(life.call(1, "echo", "1"), Ok(json("1")));
    assert_eq!(life.misbehaved(), ["it wrote a line longer than 1048576 bytes (host.maxLine)"]);
    end(&life);
}

#[test]
fn a_second_answer_is_no_answer() {
    let host = Host::new();
    let life = host.process(rude("answers_twice", Transport::Fd));
    life.started();
    assert_eq!(life.call(1, "echo", "null"), Ok(json("1")));
    assert_eq!(life.call(2, "echo", "null"), Ok(json("1")));
    assert_eq!(life.misbehaved()[0], "it answered question 2, which is not open (any more)");
    end(&life);
}

#[test]
fn one_that_does_not_read_is_overloaded_and_holds_up_nobody() {
    let host = Host::new();
    let life = host.process(rude("deaf", Transport::Fd));
    life.started();
    let payload = format!("\"{}\"", "x".repeat(1 << 20));
    let (told, answers) = mpsc::channel();
    (0..16).for_each(|id| life.ask_for(&told, id, "echo", &payload));
    let next = || answers.recv_timeout(DEADLINE).unwrap().unwrap_err();
    // Those that find no room are answered at once, the others never.
    let error = next();
    assert_eq!(
        error.to_string(),
        "OVERLOADED: it does not read its channel, and no more messages can wait for it"
    );
    assert!(error.retryable);
    let other = host.process(rude("prints", Transport::Fd));
    other.started();
    assert_eq!(other.call(1, "echo", "1"), Ok(json("1")));
    end(&life);
    let errors: Vec<_> = (1..16).map(|_| next().code).collect();
    assert!(errors.iter().any(|code| code == "GONE"), "those that waited are told: {errors:?}");
}

#[test]
fn one_that_closes_its_channel_can_still_be_stopped() {
    let host = Host::new();
    let life = host.process(rude("closes_channel", Transport::Fd));
    life.started();
    life.said("closed");
    assert_eq!(life.call(1, "echo", "1").unwrap_err().code, "GONE");
    assert_eq!(life.check().unwrap_err().to_string(), "GONE: it has closed its channel");
    life.stop(Rung::Destroy);
    life.answered("destroyed", |answer| format!("{answer:?}").starts_with("Destroyed").then_some(()));
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "was killed by SIGTERM");
}

#[test]
fn one_that_never_reads_its_answers_is_not_heard_for_ever() {
    let host = Host::new();
    let life = host.process(rude("chatty", Transport::Fd));
    life.started();
    // What it is owed is bounded, so at some point nothing more is read of it. It can be ended all the same.
    end(&life);
}

#[test]
fn what_init_answers_must_describe_the_plugin() {
    let host = Host::new();
    let line = r#"import os; os.write(3, b'{"jsonrpc":"2.0","id":1,"result":{"methods":7}}\n'); os.read(3, 9999); os.read(3, 1)"#;
    let life = host.process(process(words(&["/usr/bin/python3", "-ISc", line]), Transport::Fd));
    let failure = life.failure();
    assert_eq!((failure.code, failure.stage), (Code::ContractViolated, Stage::Init));
    let message = "its answer to `init` does not describe it: invalid type: integer `7`, expected a sequence";
    assert!(failure.message.starts_with(message), "{}", failure.message);
    end(&life);
}

#[test]
fn an_error_carries_its_stack() {
    let host = Host::new();
    let line = r#"import os; os.write(3, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no","data":{"stack":"at main"}}}\n'); os.read(3, 9999); os.read(3, 1)"#;
    let life = host.process(process(words(&["/usr/bin/python3", "-ISc", line]), Transport::Fd));
    let failure = life.failure();
    assert_eq!((&*failure.message, failure.stack.as_deref()), ("-32000: no", Some("at main")));
    end(&life);
}
