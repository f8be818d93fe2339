//! The child of every measurement, the same for the host and for the floor: it does as little as a child can, so that
//! what is measured is what it costs to have one.
//!
//! | arguments | what it does |
//! |---|---|
//! | `fd N MS` | waits for MS milliseconds, writes one byte to descriptor N, and waits to be ended |
//! | `notify MS` | the same, with `READY=1` to `NOTIFY_SOCKET` |
//! | `rpc N MS` | answers every line on descriptor N with an empty JSON-RPC result, `start` after MS milliseconds; it says that it has the method `echo` |
//!
//! It ends when it is told to, or when whoever spawned it has ended.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{FromRawFd as _, RawFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fd", fd, delay] => {
            wait(delay)?;
            channel(fd.parse()?).write_all(b".")?;
        }
        ["notify", delay] => {
            wait(delay)?;
            notify()?;
        }
        ["rpc", fd, delay] => return answer(fd.parse()?, delay),
        _ => return Err("usage: bench-child fd N MS | notify MS | rpc N MS".into()),
    }
    loop {
        std::thread::park();
    }
}

fn wait(milliseconds: &str) -> Result<(), Box<dyn Error>> {
    match milliseconds.parse()? {
        0 => {}
        milliseconds => std::thread::sleep(Duration::from_millis(milliseconds)),
    }
    Ok(())
}

#[expect(unsafe_code, reason = "std takes over an inherited descriptor in no other way")]
fn channel(fd: RawFd) -> File {
    // SAFETY: the descriptor was inherited for this purpose, and nothing else of this program uses it.
    unsafe { File::from_raw_fd(fd) }
}

fn notify() -> Result<(), Box<dyn Error>> {
    let address = std::env::var("NOTIFY_SOCKET")?;
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&address)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}

fn answer(fd: RawFd, delay: &str) -> Result<(), Box<dyn Error>> {
    let channel = channel(fd);
    let mut answers = channel.try_clone()?;
    for line in BufReader::new(channel).lines() {
        let line = line?;
        if line.contains(r#""method":"start""#) {
            wait(delay)?;
        }
        if let Some(id) = number_after(&line, r#""id":"#) {
            let result = if line.contains(r#""method":"init""#) { r#"{"methods":["echo"]}"# } else { "{}" };
            answers
                .write_all(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n").as_bytes())?;
        }
    }
    Ok(())
}

/// The digits that follow `key`. Enough to read the messages of one host, which writes them in one way.
fn number_after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = &line[line.find(key)? + key.len()..];
    let end = rest.find(|character: char| !character.is_ascii_digit())?;
    (end > 0).then(|| &rest[..end])
}
