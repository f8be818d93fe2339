//! A child that runs, and the right to end it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::process::{Pid, Signal};

use super::idle::IdleKeepers;
use crate::exit::Ended;
use crate::keeper::wire::{Order, Told};
use crate::ledger::{self, LedgerError};

/// A child process that leads a process group of its own, and whatever it has started. It has a keeper, which nothing
/// of that can get away from.
///
/// Dropping it ends all of it.
#[derive(Debug)]
pub struct SpawnedChild {
    control: Arc<OwnedFd>,
    life: Life,
    /// Where its keeper waits for another child when this one is gone. `None`: the keeper ends.
    home: Option<Arc<IdleKeepers>>,
    /// Whether nothing of it is left, so that there is nobody to kill.
    has_ended: bool,
}

/// What must be known of a life when there is nobody left to ask.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) pid: u32,
    pub(crate) began: u64,
    /// What marks everything that it has started.
    pub(crate) mark: String,
    pub(crate) label: String,
}

impl SpawnedChild {
    /// A child that its keeper has said is there.
    pub(crate) fn new(control: Arc<OwnedFd>, life: Life, home: Option<Arc<IdleKeepers>>) -> SpawnedChild {
        SpawnedChild { control, life, home, has_ended: false }
    }

    /// Its number, for people to look at.
    pub fn pid(&self) -> u32 {
        self.life.pid
    }

    /// Asks the whole group to end, with this signal. A stopped process could not hear that, so it is told to go on as
    /// well.
    pub fn terminate(&self, signal: Signal) {
        Order::Signal(signal.as_raw()).send(&*self.control);
    }

    /// Ends it and everything that it has started, wherever that has gone.
    pub fn kill(&self) {
        Order::Kill.send(&*self.control);
    }

    /// It is ready. If it is to be kept, it is from now on: it goes on if this host is killed, until it is asked to end.
    pub(crate) fn is_worth_keeping(&self) {
        Order::Ready.send(&*self.control);
    }

    /// Whether this process belongs to the child's group.
    pub fn has_in_group(&self, pid: Pid) -> bool {
        let own = i32::try_from(self.life.pid).ok().and_then(Pid::from_raw);
        rustix::process::getpgid(Some(pid)).ok() == own
    }

    /// How it ended. To be asked when the descriptor is readable: by then nothing of it is left, or what is left cannot
    /// be ended.
    pub(crate) fn ended(mut self) -> Ended {
        match Told::receive(&*self.control) {
            Ok(Told::Gone { status, left }) => {
                self.has_ended = left == 0;
                if let (0, Some(home)) = (left, &self.home) {
                    home.put(Arc::clone(&self.control));
                }
                Ended { status: Some(status), left }
            }
            Ok(Told::Lost { left }) => Ended { status: None, left },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ended { status: None, left: 0 },
            _ => {
                // Nobody is left who could say anything. It is ended from here, as after the death of a host.
                let Life { pid, began, mark, label } = &self.life;
                let left = match ledger::end_orphan(mark, *pid, *began, label) {
                    Err(LedgerError::StillThere { pids }) => pids.len() as u32,
                    _ => 0,
                };
                Ended { status: None, left }
            }
        }
    }
}

/// Whoever drops it is not dead, so it is not kept.
impl Drop for SpawnedChild {
    fn drop(&mut self) {
        if !self.has_ended {
            self.kill();
        }
    }
}

impl AsFd for SpawnedChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

/// The descriptor becomes readable when the child and everything that it has started have ended.
impl AsRawFd for SpawnedChild {
    fn as_raw_fd(&self) -> RawFd {
        self.control.as_raw_fd()
    }
}
