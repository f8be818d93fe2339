//! Every way in which a command can be ready.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use hothouse_kernel::{Code, Rung};
use hothouse_process::probe::{Address, Endpoint, HttpTarget};
use hothouse_process::{CommandLoader, Readiness};
use hothouse_runtime::Stream;

use crate::bench::{Host, Life, command, fixture, words};

fn answers(endpoint: Endpoint) -> Readiness {
    Readiness::Answers(endpoint)
}

fn sleeps(host: &Host, ready: Readiness) -> Life<'_> {
    let life = host.command(command(words(&["sleep", "1000000"]), ready));
    life.initialized();
    life.start();
    life
}

fn end(life: &Life<'_>) {
    life.clear();
    life.stop(Rung::Kill);
    assert_eq!(life.exit().how, "was killed by SIGKILL");
    assert_eq!(life.answers().len(), 1, "{:?}", life.answers());
}

#[test]
fn by_running() {
    let host = Host::new();
    let life = sleeps(&host, Readiness::Spawned);
    life.is_started();
    assert!(life.instance.pid().is_some());
    assert_eq!(life.call(1, "x", "null").unwrap_err().code, "NOT_CALLABLE");
    end(&life);
    assert_eq!(life.instance.pid(), None);
}

#[test]
fn by_a_byte_on_a_descriptor() {
    let host = Host::new();
    for number in [3, 4, 9] {
        let life =
            host.command(command(fixture("program.py", &["fd", &number.to_string()]), Readiness::Fd(number)));
        life.started();
        end(&life);
    }
    // Ready before anybody asks.
    let life =
        host.command(command(words(&["sh", "-c", "echo >&3; echo done; sleep 1000000"]), Readiness::Fd(3)));
    life.said("done");
    life.started();
    end(&life);
    // An end without a word is not readiness.
    let life = host.command(command(words(&["sh", "-c", "exec 3>&-; exit 4"]), Readiness::Fd(3)));
    life.initialized();
    life.start();
    assert_eq!(life.exit().how, "exited with code 4");
    assert!(life.answers().iter().all(|answer| answer != "Started"));
}

#[test]
fn by_sd_notify() {
    let host = Host::new();
    let lines = ["STATUS=warming up", "READY=0", "X=1\nSTATUS=here\nREADY=1"];
    let arguments: Vec<&str> = ["notify"].into_iter().chain(lines).collect();
    let life = host.command(command(fixture("program.py", &arguments), Readiness::Notify));
    life.started();
    let said = life.log(|line| line.stream == Stream::Host);
    assert_eq!(said.text, "status: warming up");
    end(&life);
}

#[test]
fn by_a_line_of_its_log() {
    let host = Host::new();
    let pattern = regex::Regex::new("^listening on \\d+$").unwrap();
    for program in [
        fixture("program.py", &["log", "listening soon", "listening on 80"]),
        words(&["sh", "-c", "printf 'listening on 1\\r\\n' >&2; sleep 1000000"]),
        // A line without an end counts once nothing can follow it.
        words(&["sh", "-c", "printf 'listening on 1'; exec >&- 2>&-; sleep 1000000"]),
    ] {
        let life = host.command(command(program, Readiness::Log(pattern.clone())));
        life.started();
        end(&life);
    }
    let life = host.command(command(words(&["sh", "-c", "echo listening on x"]), Readiness::Log(pattern)));
    life.initialized();
    life.start();
    assert!(life.exit().how.starts_with("exited with code 0 before it was ready"));
    assert!(life.answers().iter().all(|answer| answer != "Started"));
}

#[test]
fn by_a_tcp_port() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let tcp = answers(Endpoint::Tcp(Address::new("127.0.0.1", address.port())));
    let life = sleeps(&host, tcp);
    assert_eq!(life.not_ready(), format!("tcp {address}: Connection refused"));
    let _listener = TcpListener::bind(address).unwrap();
    life.order(|instance| instance.probe());
    life.is_started();
    end(&life);
}

/// A port that nobody listens on at the moment.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Answers one request after the other with these, and listens no more.
fn serve(address: SocketAddr, answers: &'static [&'static str]) -> JoinHandle<()> {
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = client.read(&mut request).unwrap();
            let request = std::str::from_utf8(&request[..length]).unwrap();
            assert!(request.starts_with("GET /ready?x HTTP/1.1\r\n"), "{request}");
            client.write_all(answer.as_bytes()).unwrap();
        }
    })
}

#[test]
fn by_an_http_answer() {
    let host = Host::new();
    let address = free_address();
    let url = format!("http://{address}/ready?x");
    let target = HttpTarget::parse(&url).unwrap();
    let life = sleeps(&host, answers(Endpoint::Http { target: target.clone(), status: None }));
    assert_eq!(life.not_ready(), format!("http {url}: Connection refused"));
    let server =
        serve(address, &["HTTP/1.1 503 Busy\r\n\r\n", "SSH-2.0\r\n", "", "HTTP/1.1 301 Moved\r\n\r\n"]);
    for reason in [
        "answered 503",
        "it does not answer in HTTP: `SSH-2.0`",
        "it closed the connection without an answer",
    ] {
        life.clear();
        life.order(|instance| instance.probe());
        assert_eq!(life.not_ready(), format!("http {url}: {reason}"));
    }
    life.order(|instance| instance.probe());
    life.is_started();
    end(&life);
    server.join().unwrap();
    let life = sleeps(&host, answers(Endpoint::Http { target, status: Some(204) }));
    assert_eq!(life.not_ready(), format!("http {url}: Connection refused"));
    let server = serve(address, &["HTTP/1.0 204\r\n\r\n"]);
    life.clear();
    life.order(|instance| instance.probe());
    life.is_started();
    end(&life);
    server.join().unwrap();
}

#[test]
fn a_port_that_somebody_else_holds_is_not_readiness() {
    let host = Host::new();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = stranger.local_addr().unwrap();
    let tcp = answers(Endpoint::Tcp(Address::new("127.0.0.1", address.port())));
    let life = host.command(command(words(&["sleep", "1000000"]), tcp));
    let failure = life.failure();
    assert_eq!(failure.code, Code::SpawnFailed);
    assert_eq!(
        &*failure.message,
        format!("{address} accepts connections already, before the plugin was started")
    );
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "never ran");
}

#[test]
fn by_a_command() {
    let host = Host::new();
    let probe = |line: &str| answers(Endpoint::shell(line).unwrap());
    let life = sleeps(&host, probe("echo one >&2; echo no such table >&2; exit 3"));
    let reason = "exited with code 3 (last line on stderr: no such table)";
    assert_eq!(life.not_ready(), format!("exec echo one >&2; echo no such table >&2; exit 3: {reason}"));
    end(&life);
    let life = sleeps(&host, answers(Endpoint::Exec(words(&["./no-such-probe"]))));
    assert!(life.not_ready().ends_with("cannot run ./no-such-probe: No such file or directory (os error 2)"));
    end(&life);
    let life = sleeps(&host, probe("exit 0"));
    life.is_started();
    end(&life);
}

#[test]
fn an_attempt_ends_with_the_stop() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let line = format!("import socket; socket.create_connection(('127.0.0.1', {port})).recv(1)");
    let probe = Endpoint::Exec(words(&["/usr/bin/python3", "-ISc", &line]));
    let life = sleeps(&host, answers(probe));
    let (mut held, _) = listener.accept().unwrap();
    end(&life);
    assert_eq!(held.read(&mut [0]).unwrap_or(0), 0, "the probe is gone");
    // The same for an attempt over the network that is never answered.
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/");
    let target = HttpTarget::parse(&url).unwrap();
    let life = sleeps(&host, answers(Endpoint::Http { target, status: None }));
    assert_eq!(life.not_ready(), format!("http {url}: Connection refused"));
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    life.order(|instance| instance.probe());
    let (mut held, _) = listener.accept().unwrap();
    end(&life);
    // It may have come to ask, or not; the connection has an end in either case.
    held.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn by_having_run() {
    let host = Host::new();
    let life = host.command(command(fixture("program.py", &["exit_with", "0"]), Readiness::Exit0));
    life.started();
    assert!(life.check().unwrap().healthy);
    assert_eq!(life.instance.pid(), None);
    life.clear();
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "exited with code 0");

    let program = fixture("program.py", &["exit_with", "3", "migrating", "table is locked", ""]);
    let life = host.command(command(program, Readiness::Exit0));
    life.initialized();
    life.start();
    let exit = life.exit();
    assert_eq!((exit.how.as_str(), exit.panicked), ("exited with code 3", false));
    assert_eq!(exit.detail.unwrap(), "last line on stderr: table is locked");

    // Stopped while it runs.
    let life = sleeps(&host, Readiness::Exit0);
    end(&life);
}

#[test]
fn probes_begin_as_far_apart_as_they_cost() {
    let host = Host::new();
    let first = |ready| {
        let loader = CommandLoader::new(command(words(&["true"]), ready), host.spawner.clone());
        let abilities = loader.abilities();
        assert_eq!(abilities.rungs, [Rung::Terminate, Rung::Kill]);
        abilities.probe.first.as_millis()
    };
    assert_eq!(first(answers(Endpoint::Tcp(Address::new("localhost", 1)))), 1);
    assert_eq!(first(answers(Endpoint::shell("true").unwrap())), 20);
}
