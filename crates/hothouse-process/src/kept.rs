//! A child that has outlived its host, as the next host finds it.
//!
//! Its keeper waits for that host, and does with the child what it says. If the keeper is gone as well, the child is
//! ended by what the ledger knows of it. Everything here blocks, for a time that is bounded.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::keeper::connect_to;
use crate::keeper::wire::{LOGS, Order, Told, receive_with, send_with};
use crate::ledger::{self, KeptLine, LedgerError};
use crate::logs::LogEnds;
use crate::spawn::{Life, SpawnedChild, Spawner};

/// How long a keeper is waited for that does not answer at once, and the end of what has been killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A child that has outlived its host. Its keeper waits for what is to become of it.
pub struct KeptLife {
    line: KeptLine,
}

/// A child that has been taken over.
pub(crate) struct Adopted {
    pub(crate) child: SpawnedChild,
    /// Its log, with what it has written meanwhile.
    pub(crate) logs: LogEnds,
    /// How many bytes of stdout and stderr there was no room for meanwhile.
    pub(crate) lost: [u64; LOGS],
}

impl KeptLife {
    pub(crate) fn new(line: KeptLine) -> KeptLife {
        KeptLife { line }
    }

    /// The plugin whose life it is.
    pub fn plugin(&self) -> &str {
        self.line.label.rsplit_once('/').map_or(self.line.label.as_str(), |(plugin, _)| plugin)
    }

    /// Its number, for people to look at.
    pub fn pid(&self) -> u32 {
        self.line.pid.unsigned_abs()
    }

    /// Whether it was made from what has this fingerprint.
    pub(crate) fn is_of(&self, fingerprint: u64) -> bool {
        self.line.fingerprint == fingerprint
    }

    /// Takes it over.
    ///
    /// # Errors
    /// If its keeper is not there any more, or this host has no ledger that it could be written down in.
    pub(crate) fn adopt(&self, spawner: &Spawner) -> io::Result<Adopted> {
        let ledger = spawner.ledger().ok_or(io::ErrorKind::Unsupported)?;
        let Meeting { control, spool, logs: [stdout, stderr] } = self.meet()?;
        let Spool { written, lost } = Spool::read(spool)?;
        send_with(&control, &Order::Adopt.encode(), &[ledger.as_fd()])?;
        let KeptLine { began, mark, label, .. } = self.line.clone();
        let life = Life { pid: self.pid(), began, mark, label };
        let child = SpawnedChild::new(Arc::new(control), life, None);
        let logs = LogEnds { ahead: written, ..LogEnds::new(Some(stdout), stderr) };
        Ok(Adopted { child, logs, lost })
    }

    /// Asks it to end, kills it if it has not ended within `grace`, and waits until it and everything that it has
    /// started are gone.
    ///
    /// # Errors
    /// If something of it does not end.
    pub fn end(&self, grace: Duration) -> Result<(), LedgerError> {
        // The ends of its log are held meanwhile, so that it may say its last words.
        if let Ok(Meeting { control, logs: _logs, .. }) = self.meet() {
            Order::Signal(self.line.stop_signal).send(&control);
            if !has_something(&control, grace) {
                Order::Kill.send(&control);
            }
            if has_something(&control, PATIENCE)
                && matches!(Told::receive(&control), Ok(Told::Gone { left: 0, .. }))
            {
                return Ok(());
            }
        }
        // Nobody keeps it any more, or whoever does can not end it.
        ledger::end_orphan(&self.line.mark, self.pid(), self.line.began, &self.line.label)?;
        self.line.forget();
        Ok(())
    }

    fn meet(&self) -> io::Result<Meeting> {
        let control = connect_to(&self.line.path)?;
        if !has_something(&control, PATIENCE) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (packet, fds) = receive_with(&control)?;
        let told = Told::decode(&packet).ok_or(io::ErrorKind::InvalidData)?;
        let is_it =
            matches!(told, Told::Kept { pid, began } if (pid, began) == (self.pid(), self.line.began));
        let mut fds = fds.into_iter();
        match (is_it, fds.next(), <[OwnedFd; LOGS]>::try_from(fds.collect::<Vec<_>>())) {
            (true, Some(spool), Ok(logs)) => Ok(Meeting { control, spool: File::from(spool), logs }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl fmt::Debug for KeptLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptLife({}, process {})", self.line.label, self.line.pid)
    }
}

/// A keeper that has been met, and what it has brought.
struct Meeting {
    control: OwnedFd,
    spool: File,
    logs: [OwnedFd; LOGS],
}

/// Whether something comes within this time, if only the end.
fn has_something(control: &OwnedFd, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).ok();
    poll(&mut [PollFd::new(control, PollFlags::IN)], limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// What each stream has said while there was no host.
struct Spool {
    written: [Vec<u8>; LOGS],
    lost: [u64; LOGS],
}

impl Spool {
    fn read(mut file: File) -> io::Result<Spool> {
        let mut spool = Spool { written: [const { Vec::new() }; LOGS], lost: [0; LOGS] };
        file.rewind()?;
        for (written, lost) in spool.written.iter_mut().zip(&mut spool.lost) {
            let length = number(&mut file)?;
            *lost = number(&mut file)?;
            (&mut file).take(length).read_to_end(written)?;
        }
        Ok(spool)
    }
}

fn number(file: &mut File) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}
