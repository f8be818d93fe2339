//! The connection with the spawner, and making another one when it is gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

use crate::keeper::wire::{self, Launch, terminated};
use crate::keeper::{HOST_FD, LEDGER_FD, NAME};
use crate::ledger::Ledger;
use crate::sys;

/// How long the end of the spawner is waited for. It is there already if every child has ended, and what does not end
/// must not keep the host.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// The way to a spawner.
pub(super) struct Link {
    program: PathBuf,
    ledger: Option<Ledger>,
    null: OwnedFd,
    spawner: Made,
}

struct Made {
    pid: Pid,
    socket: OwnedFd,
}

impl Link {
    /// Makes a spawner.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn new(program: PathBuf, ledger: Option<Ledger>, null: OwnedFd) -> io::Result<Link> {
        let spawner = make(&program, ledger.as_ref(), &null)?;
        Ok(Link { program, ledger, null, spawner })
    }

    /// Where the keeper of a life waits for the next host. `None`: there will be nothing to find it by.
    pub(super) fn meeting_place(&self, label: &str) -> Option<PathBuf> {
        Some(self.ledger.as_ref()?.meeting_place(label))
    }

    /// Has a child made. If the spawner has been killed, another one is made first.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn launch(
        &mut self,
        launch: &Launch,
        control: BorrowedFd<'_>,
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        match launch.send(&self.spawner.socket, control, fds) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
                ) =>
            {
                let another = make(&self.program, self.ledger.as_ref(), &self.null)?;
                std::mem::replace(&mut self.spawner, another).reap();
                launch.send(&self.spawner.socket, control, fds)
            }
            sent => sent,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // With this the spawner learns that nothing more is asked of it. It ends when every keeper has.
        let _ = rustix::net::shutdown(&self.spawner.socket, rustix::net::Shutdown::Both);
        if self.spawner.ends_within(LAST_BREATH) {
            let _ = waitid(WaitId::Pid(self.spawner.pid), WaitIdOptions::EXITED);
        }
    }
}

impl Made {
    fn ends_within(&self, limit: Duration) -> bool {
        let Ok(handle) = pidfd_open(self.pid, PidfdFlags::empty()) else { return true };
        let limit = Timespec::try_from(limit).ok();
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], limit.as_ref()).is_ok_and(|ended| ended > 0)
    }

    /// Waits for one whose socket is closed: it has been killed, or is about to be gone.
    fn reap(self) {
        drop(self.socket);
        let _ = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED);
    }
}

fn make(program: &std::path::Path, ledger: Option<&Ledger>, null: &OwnedFd) -> io::Result<Made> {
    let (ours, its) = wire::pair()?;
    let file = ledger.map(Ledger::file).transpose()?;
    // Above every number that it is to have there, so that no copy overwrites one that is still needed.
    let above = LEDGER_FD + 1;
    let lift = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, above);
    let (null, its) = (lift(null.as_fd())?, lift(its.as_fd())?);
    let file = file.map(|file| lift(file.as_fd())).transpose()?;
    let mut fds = vec![(null.as_fd(), 0), (null.as_fd(), 1), (null.as_fd(), 2), (its.as_fd(), HOST_FD)];
    fds.extend(file.as_ref().map(|file| (file.as_fd(), LEDGER_FD)));
    let plan = sys::Plan {
        path: &terminated(program.as_os_str())?,
        arguments: &[NAME.to_owned()],
        environment: &[],
        cwd: c"/",
        fds: &fds,
    };
    let pid = Pid::from_raw(sys::spawn(&plan)?).ok_or(io::ErrorKind::InvalidData)?;
    // It makes nothing before it is asked to.
    if let Some(ledger) = ledger {
        ledger.enclose(pid.as_raw_pid());
    }
    Ok(Made { pid, socket: ours })
}
