//! Plugins that speak JSON-RPC, from the request to the last one that is ready.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::command::host;
use super::floor::{Children, hear_from_all};
use super::hosts::{self, Kind};
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::table::{Row, Sheet};

const CHILDREN: usize = 20;
const ROUNDS: usize = 20;

/// One question, as short as one can be.
const LINE: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"init\",\"params\":{}}\n";

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for children in [1, CHILDREN] {
        let times = in_turns(ROUNDS, || host(Kind::Rpc, children), || floor(children))?;
        let what = format!("{children} JSON-RPC processes to ready");
        sheet.rows(&Row::beside(&what, &times, None))?;
    }
    Ok(())
}

/// One line there and one back. A host asks two questions: `init` and `start`.
fn floor(count: usize) -> Outcome<Duration> {
    let program = hosts::child()?;
    let asked = Instant::now();
    let mut children = Children::none();
    let mut ends = Vec::new();
    for _ in 0..count {
        let (mut end, its) = UnixStream::pair()?;
        children.spawn(&program, &["rpc", "0", "0"], None, Some(its.into()))?;
        end.write_all(LINE)?;
        ends.push(OwnedFd::from(end));
    }
    hear_from_all(ends)?;
    Ok(asked.elapsed())
}
