//! Calls of a process that answers at once, beside a line there and a line back over a bare socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, wait};
use hothouse_runtime::Json;

use super::show;
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::processors::on_one;
use crate::startup::floor::Children;
use crate::startup::hosts::{self, Kind, parallel};
use crate::table::Sheet;

const CALLS: u32 = 2_000;
const ROUNDS: usize = 15;
/// The nanoseconds beyond the floor that the host should stay within.
const MOST: f64 = 15_000.0;
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    on_one(|| compare(sheet, "a call of a process, on one processor", Some(MOST)))?;
    compare(sheet, "a call of a process, on any processor", None)
}

fn compare(sheet: &mut dyn Sheet, what: &str, most: Option<f64>) -> Outcome<()> {
    let host = hosts::of_children(Kind::Rpc, Duration::ZERO, hosts::unconnected(1))?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("the child did not start".into());
    }
    let mut children = Children::none();
    let (mut end, its) = UnixStream::pair()?;
    children.spawn(&hosts::child()?, &["rpc", "0", "0"], None, Some(its.into()))?;
    let mut answers = BufReader::new(end.try_clone()?);
    let times = in_turns(ROUNDS, || through(&host), || bare(&mut end, &mut answers))?;
    show(sheet, what, CALLS, &times, most)?;
    wait(host.stop_all())?;
    Ok(())
}

fn through(host: &Host) -> Outcome<Duration> {
    let asked = Instant::now();
    for _ in 0..CALLS {
        let options = CallOptions { timeout: Some(LIMIT), ..CallOptions::default() };
        wait(host.call("plugin-0", "echo", Json::null(), options))?;
    }
    Ok(asked.elapsed())
}

/// The same line that the host writes, and one answer to each.
fn bare(end: &mut UnixStream, answers: &mut BufReader<UnixStream>) -> Outcome<Duration> {
    const LINE: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\",\"params\":{\"method\":\"echo\",\"payload\":null,\"deadlineMs\":29999,\"incarnation\":1}}\n";
    let mut line = String::new();
    let asked = Instant::now();
    for _ in 0..CALLS {
        end.write_all(LINE)?;
        line.clear();
        answers.read_line(&mut line)?;
    }
    Ok(asked.elapsed())
}
