//! The child of every measurement, the same for the host and for the floor: it does as little as a child can, so that
//! what is measured is what it costs to have one.
//!
//! | arguments | what it does |
//! |---|---|
//! | `fd N MS` | waits for MS milliseconds, writes one byte to descriptor N, and waits to be ended |
//! | `notify MS` | the same, with `READY=1` to `NOTIFY_SOCKET` |
//! | `rpc N MS` | answers every line on descriptor N with a JSON-RPC result at once, `start` after MS milliseconds; it exports the method `echo` |
//! | `trouble N KIND` | the same as `rpc N 0`, but: `hung` answers nothing once it is up; `crashing` ends at its twentieth call; `slow` takes 200 ms for a call; `lying` is well and fails every call; `flapping` is well every other time |
//! | `flood RATE BYTES` | writes RATE bytes in a second to its standard output, as numbered lines of 100 bytes, until there are BYTES of them, and ends; `0`: it does not end |
//!
//! It ends when it is told to, or when whoever spawned it has ended.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{FromRawFd as _, RawFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The length of a line of a flood, its newline included.
const LINE: usize = 100;
/// How many of its first bytes are the number of the line.
const DIGITS: usize = 10;
/// How many lines of a flood are written at once: 8 KB, as much as most languages gather before they write.
const AT_ONCE: usize = 80;
/// How long a flood rests when it is ahead of its pace.
const TICK: Duration = Duration::from_millis(1);

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
        ["trouble", fd, kind] => return trouble(fd.parse()?, kind),
        ["flood", rate, bytes] => return flood(rate.parse()?, bytes.parse()?),
        _ => {
            return Err(
                "usage: bench-child fd N MS | notify MS | rpc N MS | trouble N KIND | flood RATE BYTES"
                    .into(),
            );
        }
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
        let result = match line.contains(r#""method":"init""#) {
            true => r#"{"methods":["echo"]}"#,
            false => "{}",
        };
        if let Some(id) = number_after(&line, r#""id":"#) {
            let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
            answers.write_all(answer.as_bytes())?;
        }
    }
    Ok(())
}

fn trouble(fd: RawFd, kind: &str) -> Result<(), Box<dyn Error>> {
    let channel = channel(fd);
    let mut answers = channel.try_clone()?;
    let (mut calls, mut checks) = (0, 0);
    for line in BufReader::new(channel).lines() {
        let line = line?;
        let is = |verb: &str| line.contains(&format!(r#""method":"{verb}","params""#));
        let mut answer = r#""result":{}"#;
        if line.contains(r#""method":"init""#) {
            answer = r#""result":{"methods":["echo"],"verbs":["start","health"]}"#;
        } else if is("health") {
            checks += 1;
            answer = match kind == "flapping" && checks % 2 == 1 {
                true => r#""result":{"healthy":false,"message":"tired"}"#,
                false => r#""result":{"healthy":true}"#,
            };
        } else if is("call") {
            calls += 1;
            match kind {
                "crashing" if calls == 20 => return Err("it crashes, as it was asked to".into()),
                "slow" => std::thread::sleep(Duration::from_millis(200)),
                "lying" => answer = r#""error":{"code":-32603,"message":"no table"}"#,
                _ => {}
            }
        }
        if kind == "hung" && (is("call") || is("health")) {
            continue;
        }
        if let Some(id) = number_after(&line, r#""id":"#) {
            let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{answer}}}\n");
            answers.write_all(answer.as_bytes())?;
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

/// It does as little as it can between two writes, so that what is measured is what the flood costs those who take it.
fn flood(rate: u64, bytes: u64) -> Result<(), Box<dyn Error>> {
    let mut lines = [b'.'; LINE * AT_ONCE];
    let mut number = [b'0'; DIGITS];
    let mut left = if bytes == 0 { u64::MAX } else { bytes };
    let mut written = 0;
    let begin = Instant::now();
    while left >= LINE as u64 {
        if u128::from(written) > u128::from(rate) * begin.elapsed().as_micros() / 1_000_000 {
            std::thread::sleep(TICK);
            continue;
        }
        let whole = left.min(lines.len() as u64) as usize / LINE * LINE;
        for line in lines[..whole].chunks_exact_mut(LINE) {
            line[..DIGITS].copy_from_slice(&number);
            line[LINE - 1] = b'\n';
            count_up(&mut number);
        }
        write_all(&lines[..whole])?;
        written += whole as u64;
        left -= whole as u64;
    }
    Ok(())
}

/// The next decimal number of as many digits.
fn count_up(number: &mut [u8]) {
    for digit in number.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

/// Past the buffer of the standard library, which would look at every line.
fn write_all(mut bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    while !bytes.is_empty() {
        let length = rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), bytes))?;
        bytes = &bytes[length..];
    }
    Ok(())
}
