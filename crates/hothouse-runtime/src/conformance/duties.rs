//! The duties, one function each. `None`: the runtime has nothing that it could do so with.

use hothouse_kernel::{Code, Rung, Stage};

use super::life::Life;
use super::{Behaviour, MESSAGE, METHODS, Subject, refusal};
use crate::{Json, Level, Stream};

pub(super) type Duty = fn(&dyn Subject) -> Option<()>;

/// Every duty, by name.
pub(super) const ALL: [(&str, Duty); 29] = [
    ("a good life from init to gone", a_good_life),
    ("optional verbs may be missing", optional_verbs_may_be_missing),
    ("another contract is refused", another_contract_is_refused),
    ("an error in init is a failure in its own words", an_error_in_init),
    ("a crash in init is the end", a_crash_in_init),
    ("an error in start is a failure in its own words", an_error_in_start),
    ("a crash in start is the end", a_crash_in_start),
    ("an error in destroy is told, and is not the end", an_error_in_destroy),
    ("a crash in destroy is the end", a_crash_in_destroy),
    ("a stop right after the launch", a_stop_right_after_the_launch),
    ("a stop during init", a_stop_during_init),
    ("a stop between init and start", a_stop_between_init_and_start),
    ("a stop during start", a_stop_during_start),
    ("a stop while it serves", a_stop_while_it_serves),
    ("a stop while destroy hangs", a_stop_while_destroy_hangs),
    ("an abandoned life is not answered for", an_abandoned_life),
    ("good health", good_health),
    ("bad health and its reason", bad_health),
    ("an error in health", an_error_in_health),
    ("payloads pass unchanged", payloads_pass_unchanged),
    ("an error of a method passes unchanged", an_error_passes_unchanged),
    ("an unknown method is an error", an_unknown_method),
    ("calls are answered in any order", calls_in_any_order),
    ("a cancelled call does not disturb others", a_cancelled_call),
    ("a crash in a call is an error, and the end", a_crash_in_a_call),
    ("calls that are open at a stop are errors", open_calls_at_a_stop),
    ("calls after a stop are errors", calls_after_a_stop),
    ("it calls others through the host", it_calls_others),
    ("two lives of one plugin at a time", two_lives_at_a_time),
];

/// What is said when all goes well, in order.
fn a_whole_life(life: &Life<'_>) -> Vec<&'static str> {
    let destroyed = life.abilities.rungs.contains(&Rung::Destroy).then_some("destroyed");
    ["described", "initialized", "started"].into_iter().chain(destroyed).chain(["gone"]).collect()
}

/// Stops it as the kernel does: `destroy` first where there is one, and then whatever ends it.
fn stop(life: &Life<'_>) {
    if life.abilities.rungs.contains(&Rung::Destroy) {
        life.stop(Rung::Destroy);
        life.destroyed();
    }
    life.stop_hard();
}

fn a_good_life(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::Good)?;
    life.wait("initialized");
    life.start();
    life.wait("started");
    if life.abilities.verbs {
        let description = life.description();
        let names: Vec<_> = description.methods.iter().map(|method| method.name.as_str()).collect();
        assert_eq!(names, METHODS);
        life.stop(Rung::Destroy);
        assert_eq!(life.destroyed(), None);
        let told = life.logs().into_iter().find(|line| line.stream == Stream::Log);
        let told = told.map(|line| (line.level, line.text));
        assert_eq!(told, Some((Level::Warn, "destroyed: the test is over".into())), "before `destroyed`");
    }
    // The softest step that is left is enough.
    let softest = life.abilities.rungs.iter().find(|rung| **rung > Rung::Destroy)?;
    life.stop(*softest);
    assert!(!life.exit().how.is_empty());
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn optional_verbs_may_be_missing(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::Plain)?;
    assert!(life.check().wait().expect("it lives, so it is healthy").healthy);
    stop(&life);
    life.ends_with(&["described", "initialized", "started", "destroyed", "gone"]);
    Some(())
}

fn another_contract_is_refused(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::OtherContract)?;
    let failure = life.failure();
    assert_eq!((failure.code, failure.stage), (Code::ContractViolated, Stage::Init));
    assert!(failure.message.contains("999"), "{}", failure.message);
    life.stop_hard();
    life.ends_with(&["failed", "gone"]);
    Some(())
}

fn an_error_in_init(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::FailsInInit)?;
    let failure = life.failure();
    assert_eq!((failure.code, failure.stage), (Code::InitFailed, Stage::Init));
    assert_eq!(*failure.message, *refusal().to_string());
    life.stop_hard();
    life.ends_with(&["failed", "gone"]);
    Some(())
}

fn a_crash_in_init(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::CrashesInInit)?;
    assert!(!life.exit().how.is_empty());
    life.ends_with(&["gone"]);
    Some(())
}

fn an_error_in_start(subject: &dyn Subject) -> Option<()> {
    let life = Life::initialize(subject, Behaviour::FailsInStart)?;
    life.start();
    let failure = life.failure();
    assert_eq!((failure.code, failure.stage), (Code::StartFailed, Stage::Start));
    assert_eq!(*failure.message, *refusal().to_string());
    stop(&life);
    life.ends_with(&["described", "initialized", "failed", "destroyed", "gone"]);
    Some(())
}

fn a_crash_in_start(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::CrashesInStart)?;
    life.wait("initialized");
    life.start();
    assert!(!life.exit().how.is_empty());
    life.ends_with(&["described", "initialized", "gone"]);
    Some(())
}

fn an_error_in_destroy(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::FailsInDestroy)?;
    life.stop(Rung::Destroy);
    assert_eq!(life.destroyed(), Some(refusal().to_string().into()));
    life.stop_hard();
    life.ends_with(&["described", "initialized", "started", "destroyed", "gone"]);
    Some(())
}

fn a_crash_in_destroy(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::CrashesInDestroy)?;
    life.stop(Rung::Destroy);
    life.ends_with(&["described", "initialized", "started", "gone"]);
    Some(())
}

fn a_stop_right_after_the_launch(subject: &dyn Subject) -> Option<()> {
    let life =
        Life::launch(subject, Behaviour::HangsInInit).or_else(|| Life::launch(subject, Behaviour::Good))?;
    life.stop_hard();
    life.exit();
    let verbs = life.abilities.verbs;
    match verbs {
        true => life.ends_with(&["gone"]),
        // Where `init` is only that it runs, it may have completed meanwhile.
        false => drop(life),
    }
    Some(())
}

fn a_stop_during_init(subject: &dyn Subject) -> Option<()> {
    let life = Life::launch(subject, Behaviour::HangsInInit)?;
    life.wait_for_log("in init");
    life.stop_hard();
    life.ends_with(&["gone"]);
    Some(())
}

fn a_stop_between_init_and_start(subject: &dyn Subject) -> Option<()> {
    let life = Life::initialize(subject, Behaviour::Good)?;
    stop(&life);
    let mut expected = a_whole_life(&life);
    expected.retain(|word| *word != "started");
    life.ends_with(&expected);
    Some(())
}

fn a_stop_during_start(subject: &dyn Subject) -> Option<()> {
    let life = Life::initialize(subject, Behaviour::HangsInStart)?;
    life.start();
    life.wait_for_log("in start");
    stop(&life);
    let mut expected = a_whole_life(&life);
    expected.retain(|word| *word != "started");
    life.ends_with(&expected);
    Some(())
}

fn a_stop_while_it_serves(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::Good)?;
    life.stop_hard();
    life.ends_with(&["described", "initialized", "started", "gone"]);
    Some(())
}

fn a_stop_while_destroy_hangs(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::HangsInDestroy)?;
    life.stop(Rung::Destroy);
    life.wait_for_log("in destroy");
    life.stop_hard();
    life.ends_with(&["described", "initialized", "started", "gone"]);
    Some(())
}

fn an_abandoned_life(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::HangsInDestroy)?;
    let call = life.call(1, "hang", "null");
    life.stop(Rung::Destroy);
    life.wait_for_log("in destroy");
    life.abandon();
    assert!(call.wait().is_err());
    assert!(life.call(2, "echo", "1").wait().is_err());
    life.stop_hard();
    Some(())
}

fn good_health(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::Good)?;
    let health = life.check().wait().expect("an answer");
    assert!(health.healthy && health.message.is_none());
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn bad_health(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::Unhealthy)?;
    let health = life.check().wait().expect("an answer");
    assert_eq!((health.healthy, health.message.as_deref()), (false, Some(MESSAGE)));
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn an_error_in_health(subject: &dyn Subject) -> Option<()> {
    let life = Life::start_up(subject, Behaviour::FailsInHealth)?;
    let error = life.check().wait().expect_err("it answers with an error");
    assert_eq!(error.to_string(), refusal().to_string());
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

/// A life that serves, if calls are possible at all.
fn callable(subject: &dyn Subject) -> Option<Life<'_>> {
    let can = subject.loader(Behaviour::Good)?.abilities().verbs;
    if can { Life::start_up(subject, Behaviour::Good) } else { None }
}

fn payloads_pass_unchanged(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let long = format!("\"{}\"", "x".repeat(1_000_000));
    let payloads = ["null", "{}", "[true,\"\\n\u{1f331}\"]", "{\"b\":1,\"a\":-2.5}", long.as_str()];
    for (id, payload) in (1..).zip(payloads) {
        assert_eq!(life.call(id, "echo", payload).wait(), Ok(Json::parse(payload).expect("JSON")));
    }
    let spread = life.call(9, "echo", "{\n  \"a\": [\n1,\r\n2]\n}").wait().expect("an answer");
    assert_eq!(spread.read::<serde_json::Value>().ok(), Some(serde_json::json!({"a": [1, 2]})));
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn an_error_passes_unchanged(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let error = life.call(1, "refuse", "1").wait().expect_err("it refuses");
    let expected = refusal();
    assert_eq!(
        (error.code, error.message, error.retryable),
        (expected.code, expected.message, expected.retryable)
    );
    assert!(life.call(2, "echo", "1").wait().is_ok(), "an error is not the end");
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn an_unknown_method(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let error = life.call(1, "ehco", "1").wait().expect_err("there is no such method");
    assert!(error.code == "UNKNOWN_METHOD" && error.message.contains("`ehco`"), "{error}");
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn calls_in_any_order(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let first = life.call(1, "relay", r#"{"plugin":"other","method":"m","payload":1}"#);
    let own = life.own_call();
    assert_eq!(life.call(2, "echo", "2").wait(), Ok(Json::parse("2").expect("JSON")));
    own.reply.send(Ok(Json::parse("3").expect("JSON").into()));
    assert_eq!(first.wait(), Ok(Json::parse("3").expect("JSON")));
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn a_cancelled_call(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let hanging = life.call(1, "hang", "null");
    life.cancel(1);
    life.cancel(1);
    life.cancel(999);
    assert!(hanging.wait().is_err(), "nobody answers it any more");
    assert!(life.call(2, "echo", "1").wait().is_ok());
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn a_crash_in_a_call(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let hanging = life.call(1, "hang", "null");
    let crashing = life.call(2, "crash", "null");
    for call in [crashing, hanging] {
        let error = call.wait().expect_err("it crashed");
        assert!(error.retryable && !error.message.is_empty(), "{error}");
    }
    life.ends_with(&["described", "initialized", "started", "gone"]);
    Some(())
}

fn open_calls_at_a_stop(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let hanging = life.call(1, "hang", "null");
    stop(&life);
    assert!(hanging.wait().expect_err("it is stopped").retryable);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn calls_after_a_stop(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    life.stop(Rung::Destroy);
    assert!(life.call(1, "echo", "1").wait().is_err());
    life.destroyed();
    assert!(life.call(2, "echo", "1").wait().is_err());
    life.stop_hard();
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn it_calls_others(subject: &dyn Subject) -> Option<()> {
    let life = callable(subject)?;
    let payload = r#"{"plugin":"other","method":"m","payload":[1.5,null]}"#;
    let relayed = life.call(1, "relay", payload);
    let own = life.own_call();
    assert_eq!((&*own.target, own.method.as_str()), ("other", "m"));
    assert_eq!(own.payload.read::<serde_json::Value>().ok(), Some(serde_json::json!([1.5, null])));
    own.reply.send(Ok(Json::parse(r#"{"fine":true}"#).expect("JSON").into()));
    let answer = relayed.wait().expect("an answer");
    assert_eq!(answer.read::<serde_json::Value>().ok(), Some(serde_json::json!({"fine": true})));

    let relayed = life.call(2, "relay", payload);
    let own = life.own_call();
    own.reply.send(Err(refusal()));
    let error = relayed.wait().expect_err("the error of the other is handed on");
    assert_eq!((error.code.as_str(), error.retryable), ("E_SPECIMEN", true));

    let relayed = life.call(3, "relay", payload);
    drop(life.own_call());
    assert_eq!(relayed.wait().expect_err("a dropped reply is an error").code, "GONE");
    stop(&life);
    let expected = a_whole_life(&life);
    life.ends_with(&expected);
    Some(())
}

fn two_lives_at_a_time(subject: &dyn Subject) -> Option<()> {
    let old = Life::start_up(subject, Behaviour::Good)?;
    let new = Life::launch_with(subject, old.loader.clone(), Behaviour::Good);
    new.wait("initialized");
    stop(&old);
    let expected = a_whole_life(&old);
    old.ends_with(&expected);
    new.start();
    new.wait("started");
    stop(&new);
    new.ends_with(&expected);
    Some(())
}
