//! Health checks by method and by endpoint.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use hothouse_kernel::{Code, Stage};
use hothouse_process::probe::{Endpoint, HealthProbe};
use hothouse_process::{ProcessSpec, Readiness, Transport};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

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

/// Answers one request over TLS with this status, with a certificate that nobody has signed.
fn encrypted(status: &'static str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["somebody.else".into()]).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(config).unwrap();
        let mut stream = Stream::new(&mut tls, &mut stream);
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).unwrap();
        assert_eq!(line, "GET /up HTTP/1.1\r\n");
        stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).unwrap();
    });
    (address, server)
}

#[test]
fn an_endpoint_may_be_encrypted() {
    let host = Host::new();
    let ask = |address: SocketAddr| {
        let check = format!("https://{address}/up");
        let loader = hothouse_process::ProcessLoader::new(specimen(&check), host.spawner.clone());
        let life = host.launch(loader.as_ref(), GOOD);
        life.started();
        life.check().map(|health| (health.healthy, health.message))
    };
    let (address, server) = encrypted("204 No Content");
    assert_eq!(ask(address).unwrap(), (true, None));
    server.join().unwrap();
    let (address, server) = encrypted("503 Service Unavailable");
    let sick = format!("http https://{address}/up: answered 503");
    assert!(format!("{:?}", ask(address)).contains(&sick));
    server.join().unwrap();
    // Whoever speaks no TLS is told so.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let answer = format!("{:?}", ask(address));
    assert!(answer.contains("corrupt message"), "{answer}");
    plain.join().unwrap();
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
