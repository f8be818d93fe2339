//! Ending everything below this process.
//!
//! This process is a subreaper: whoever loses their parent becomes its child. So nothing can leave: not by a double
//! fork, not by a session of its own, not by closing its descriptors. What is below is killed from above, and whoever
//! was made meanwhile is found the next time, until there is no child left. The system itself says when that is.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, pidfd_send_signal, wait,
};

use super::processes::{Process, below};
use crate::sys;

/// The first pause between two looks, and the longest. They matter only to what does not end at once.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// So many looks in a row at which nobody was there, and between which nobody had ended, are taken for the truth where
/// the system cannot tell it.
const QUIET_LOOKS: u32 = 5;

/// Whose end is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Whom<'a> {
    /// Everything below this process.
    Everybody,
    /// Everything but these children and what is below them.
    AllBut(&'a [i32]),
}

impl Whom<'_> {
    fn spares(self, pid: i32) -> bool {
        matches!(self, Whom::AllBut(spared) if spared.contains(&pid))
    }
}

/// Kills until nothing is left of those whose end is wanted, or until `patience` is over. Each child that is waited
/// for is told to `ended`, with its wait status. Returns how many processes are left.
pub(crate) fn cull(
    children: &OwnedFd,
    whom: Whom<'_>,
    patience: Duration,
    ended: &mut dyn FnMut(i32, i32),
) -> u32 {
    let deadline = Instant::now() + patience;
    let [mut pause, longest] = PAUSES;
    let mut quiet = 0;
    loop {
        // Whoever has ended and is not spared shows that there was somebody, even if nobody is seen now.
        let mut somebody_ended = false;
        let has_children = reap(&mut |pid, status| {
            somebody_ended |= !whom.spares(pid);
            ended(pid, status);
        });
        if !has_children {
            return 0;
        }
        let left = kill_below(whom);
        quiet = if left == 0 && !somebody_ended { quiet + 1 } else { 0 };
        // Where somebody is spared, the system cannot say that nobody else is there; several looks can.
        if quiet == QUIET_LOOKS && matches!(whom, Whom::AllBut(_)) {
            return 0;
        }
        if Instant::now() >= deadline {
            return left.max(1);
        }
        await_child(children, pause);
        pause = if left > 0 || somebody_ended { PAUSES[0] } else { (pause * 2).min(longest) };
    }
}

/// Waits for every child that has ended. False if there is no child at all.
pub(crate) fn reap(ended: &mut dyn FnMut(i32, i32)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid.as_raw_pid(), status.as_raw()),
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Kills whatever is below at this moment, and says how much that was.
fn kill_below(whom: Whom<'_>) -> u32 {
    let own = rustix::process::getpid().as_raw_pid();
    let mut all = Vec::new();
    for process in Process::all().filter(|process| !whom.spares(process.pid)) {
        // A child is killed as soon as it is seen: one that makes another and ends is gone a moment later.
        if process.parent == own && !process.is_zombie {
            kill_child(process.pid);
        }
        all.push(process);
    }
    let found = below(own, &all);
    for process in found.iter().filter(|process| process.parent != own) {
        kill_exactly(process);
    }
    found.iter().filter(|process| !process.is_zombie).count() as u32
}

/// Nobody but this process waits for its child, so the number is the child's.
fn kill_child(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills this process and no other: its number may be somebody else's by now.
pub(crate) fn kill_exactly(process: &Process) {
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    // The handle is held, so whoever has the number now is whom the handle means.
    if Process::look(process.pid).is_some_and(|now| now.began == process.began) {
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
}

/// Waits until a child has ended, but not longer than this.
fn await_child(children: &OwnedFd, longest: Duration) {
    let mut fds = [PollFd::new(children, PollFlags::IN)];
    let longest = Timespec::try_from(longest).ok();
    if poll(&mut fds, longest.as_ref()).is_ok_and(|ready| ready > 0) {
        sys::forget_signals(children);
    }
}
