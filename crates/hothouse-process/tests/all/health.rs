//! Health checks by method and by endpoint.

use std::net::TcpListener;

use hothouse_kernel::{Code, Stage};
use hothouse_process::probe::{Endpoint, HealthProbe};
use hothouse_process::{ProcessSpec, Readiness, Transport};

use crate::bench::{Host, command, fixture, process, words};

fn specimen(check: &str) -> ProcessSpec {
    let mut spec = process(fixture("specimen.py", &[]), Transport::Fd);
    spec.check = Some(HealthProbe::parse(check).unwrap());
    spec
}

const GOOD: &str = r#"{"behaviour":"good"}"#;

#[test]
fn a_method_that_is_not_exported_is_a_failure_at_once() {
    let host = Host::new();
    let loader = hothouse_process::ProcessLoader::new(specimen("ehco"), host.spawner.clone());
    let failure = host.launch(loader.as_ref(), GOOD).failure();
    assert_eq!((failure.code, failure.stage), (Code::ContractViolated, Stage::Init));
    assert_eq!(
        &*failure.message,
        "its health.checkMethod is `ehco`, and it exports no method `ehco`; it exports `echo`, `refuse`, `hang`, \
         `crash`, `relay`. Did you mean `echo`?"
    );
}

#[test]
fn a_method_is_called_and_must_speak_of_health() {
    let host = Host::new();
    let life = |check: &str| {
        let loader = hothouse_process::ProcessLoader::new(specimen(check), host.spawner.clone());
        let life = host.launch(loader.as_ref(), GOOD);
        life.started();
        life
    };
    // `echo` answers with its argument, which is `null`.
    assert_eq!(
        life("echo").check().unwrap_err().to_string(),
        "CONTRACT_VIOLATED: its answer says nothing of its health: a health answer is a boolean, {\"healthy\": …}, or a \
         health report: `null`"
    );
    assert_eq!(life("refuse").check().unwrap_err().to_string(), "E_SPECIMEN: the specimen says no");
}

#[test]
fn an_endpoint_is_asked_whatever_the_runtime() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let loader =
        hothouse_process::ProcessLoader::new(specimen(&format!("tcp://{address}")), host.spawner.clone());
    let life = host.launch(loader.as_ref(), GOOD);
    life.started();
    assert!(life.check().unwrap().healthy);
    drop(listener);
    // A process that another test has just begun to make may have a copy of the listener for a moment.
    while std::net::TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    let health = life.check().unwrap();
    assert_eq!(health.message.unwrap(), format!("tcp {address}: Connection refused"));
    assert!(!health.healthy);

    let mut spec = command(words(&["sleep", "1000000"]), Readiness::Spawned);
    spec.env = spec.env.set("ANSWER", "4");
    spec.check = Endpoint::shell("exit $ANSWER");
    let life = host.command(spec);
    life.started();
    let health = life.check().unwrap();
    assert_eq!(
        (health.healthy, health.message.as_deref()),
        (false, Some("exec exit $ANSWER: exited with code 4"))
    );
}
