//! The connection with the spawner, and making another one when it is gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::keeper::wire::{self, Launch, terminated};
use crate::keeper::{HOST_FD, LEDGER_FD, NAME};
use crate::ledger::Ledger;
use crate::sys;

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

/// As long as the host lives, somebody has to ask how its own child has ended.
impl Drop for Link {
    fn drop(&mut self) {
        // With this the spawner learns that nothing more is asked of it. It ends when every keeper has.
        let _ = rustix::net::shutdown(&self.spawner.socket, rustix::net::Shutdown::Both);
        let _ = waitid(WaitId::Pid(self.spawner.pid), WaitIdOptions::EXITED);
    }
}

impl Made {
    /// Waits for one whose socket is closed: it has been killed, or is about to be gone.
    fn reap(self) {
        drop(self.socket);
        let _ = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED);
    }
}

fn make(program: &std::path::Path, ledger: Option<&Ledger>, null: &OwnedFd) -> io::Result<Made> {
    let (ours, its) = wire::pair()?;
    let ledger = ledger.map(Ledger::file).transpose()?;
    // Above every number that it is to have there, so that no copy overwrites one that is still needed.
    let above = LEDGER_FD + 1;
    let lift = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, above);
    let (null, its) = (lift(null.as_fd())?, lift(its.as_fd())?);
    let ledger = ledger.map(|ledger| lift(ledger.as_fd())).transpose()?;
    let mut fds = vec![(null.as_fd(), 0), (null.as_fd(), 1), (null.as_fd(), 2), (its.as_fd(), HOST_FD)];
    fds.extend(ledger.as_ref().map(|ledger| (ledger.as_fd(), LEDGER_FD)));
    let plan = sys::Plan {
        path: &terminated(program.as_os_str())?,
        arguments: &[NAME.to_owned()],
        environment: &[],
        cwd: c"/",
        fds: &fds,
    };
    let pid = Pid::from_raw(sys::spawn(&plan)?).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Made { pid, socket: ours })
}
