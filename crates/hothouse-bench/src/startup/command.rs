//! Programs without verbs, from the request to the last one that is ready.

use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};

use super::floor::{Children, hear_from_all};
use super::hosts::{self, Kind};
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::table::{Row, Sheet, Target};

const CHILDREN: usize = 100;
const ROUNDS: usize = 15;

/// What a host may take, in floors.
const MOST: Target = Target::Ratio(1.5);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for children in [1, CHILDREN] {
        let target = (children == CHILDREN).then_some(MOST);
        let times = in_turns(ROUNDS, || host(Kind::Byte, children), || floor_by_byte(children))?;
        let what = format!("{children} commands to ready, a byte on a pipe");
        sheet.rows(&Row::beside(&what, &times, target))?;
        let times = in_turns(ROUNDS, || host(Kind::Notify, children), || floor_by_notify(children))?;
        let what = format!("{children} commands to ready, sd_notify");
        sheet.rows(&Row::beside(&what, &times, target))?;
    }
    Ok(())
}

pub(super) fn host(kind: Kind, children: usize) -> Outcome<Duration> {
    let host = hosts::of_children(kind, Duration::ZERO, hosts::unconnected(children))?;
    hosts::time_to_ready(&host)
}

fn floor_by_byte(count: usize) -> Outcome<Duration> {
    let program = hosts::child()?;
    let asked = Instant::now();
    let mut children = Children::none();
    let mut ends = Vec::new();
    for _ in 0..count {
        let (end, its) = pipe_with(PipeFlags::CLOEXEC)?;
        children.spawn(&program, &["fd", "0", "0"], None, Some(its))?;
        ends.push(end);
    }
    hear_from_all(ends)?;
    Ok(asked.elapsed())
}

/// A socket each, so that it is known who is ready.
fn floor_by_notify(count: usize) -> Outcome<Duration> {
    let program = hosts::child()?;
    let asked = Instant::now();
    let mut children = Children::none();
    let mut ends = Vec::new();
    for number in 0..count {
        let name = format!("hothouse-bench-{}-{number}", std::process::id());
        let end = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        children.spawn(&program, &["notify", "0"], Some(("NOTIFY_SOCKET", &format!("@{name}"))), None)?;
        ends.push(OwnedFd::from(end));
    }
    hear_from_all(ends)?;
    Ok(asked.elapsed())
}
