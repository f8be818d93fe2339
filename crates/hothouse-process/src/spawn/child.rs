//! A child that runs, and the right to end it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open, waitid,
};
use tokio::io::Interest;

use crate::sys;

/// A child process that leads a process group of its own. It has not been waited for, so its number is its own.
///
/// Dropping it kills the group.
#[derive(Debug)]
pub struct SpawnedChild {
    pid: Pid,
    pidfd: OwnedFd,
    is_reaped: bool,
}

impl SpawnedChild {
    /// Takes charge of a child that has just been spawned and not been waited for.
    pub(super) fn adopt(pid: libc::pid_t) -> io::Result<SpawnedChild> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(SpawnedChild { pid, pidfd, is_reaped: false }),
            Err(error) => {
                // A child that cannot be watched must not run. It is killed, so the wait for it is short.
                let _ = kill_process_group(pid, Signal::KILL);
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
                Err(error.into())
            }
        }
    }

    /// Its number, for people to look at.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// Sends a signal to the whole group; nothing if it is not there any more.
    pub fn signal_group(&self, signal: Signal) {
        if !self.is_reaped {
            // It can fail only because every process of the group has changed to another user, or is gone.
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Whether this process belongs to the child's group.
    pub fn has_in_group(&self, pid: Pid) -> bool {
        rustix::process::getpgid(Some(pid)) == Ok(self.pid)
    }

    /// Kills what is left of the group of a child that has ended, then waits for the child, which gives its number
    /// back. In this order: before the wait the group's number cannot be anybody else's.
    ///
    /// `None` if something else has waited for it.
    pub fn reap(&mut self) -> Option<WaitIdStatus> {
        self.signal_group(Signal::KILL);
        let id = WaitId::PidFd(self.pidfd.as_fd());
        let status = waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        self.is_reaped = !matches!(status, Ok(None));
        status.ok().flatten()
    }

    /// Waits for a killed child beside everything else, so that it does not stay as a zombie.
    fn reap_later(&self) {
        let (Ok(runtime), Ok(pidfd)) =
            (tokio::runtime::Handle::try_current(), pidfd_open(self.pid, PidfdFlags::empty()))
        else {
            return;
        };
        runtime.spawn(async move {
            if let Ok(pidfd) = sys::watch(pidfd, Interest::READABLE)
                && pidfd.readable().await.is_ok()
            {
                let _ = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            }
        });
    }
}

impl Drop for SpawnedChild {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.reap();
        }
        if !self.is_reaped {
            self.reap_later();
        }
    }
}

impl AsFd for SpawnedChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The descriptor becomes readable when the child has ended.
impl AsRawFd for SpawnedChild {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }
}
