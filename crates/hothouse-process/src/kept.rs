//! A child that has outlived its host, as the next host finds it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::keeper::connect_to;
use crate::keeper::wire::{LOGS, Order, Told, receive_with, send_with};
use crate::ledger::KeptLine;
use crate::spawn::{Adopted, Spawner};

/// How long the end of one that is not wanted any more is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child that has outlived its host. Its keeper waits for what is to become of it.
pub struct KeptLife {
    line: KeptLine,
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

    /// Takes it over. Blocks for a moment.
    ///
    /// # Errors
    /// If it has ended meanwhile.
    pub(crate) fn adopt(&self, spawner: &Spawner) -> io::Result<Adopted> {
        let Meeting { control, spool, logs } = self.meet()?;
        let ledger = spawner.ledger().ok_or(io::ErrorKind::Unsupported)?;
        send_with(&control, &Order::Adopt.encode(), &[ledger.as_fd()])?;
        Order::Ready.send(&control);
        let [stdout, stderr] = logs;
        let written = read_spool(spool)?;
        let (pid, began, label) = (self.pid(), self.line.began, self.line.label.clone());
        Ok(Adopted { child: spawner.adopted(control, pid, began, label), stdout, stderr, written })
    }

    /// Ends it and everything that it has started, and waits until that is done.
    ///
    /// # Errors
    /// If it does not end.
    pub fn end(self) -> io::Result<()> {
        // One that has gone meanwhile need not be ended.
        let Ok(Meeting { control, .. }) = self.meet() else { return Ok(()) };
        Order::Kill.send(&control);
        let limit = Timespec::try_from(PATIENCE).ok();
        poll(&mut [PollFd::new(&control, PollFlags::IN)], limit.as_ref())?;
        match Told::receive(&control) {
            Ok(Told::Gone { left: 0, .. }) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn meet(&self) -> io::Result<Meeting> {
        let control = connect_to(&self.line.path)?;
        let (packet, fds) = receive_with(&control)?;
        let told = Told::decode(&packet).ok_or(io::ErrorKind::InvalidData)?;
        let is_it = matches!(told, Told::Kept { pid, began } if (pid, began) == (self.pid(), self.line.began));
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

struct Meeting {
    control: OwnedFd,
    spool: File,
    logs: [OwnedFd; LOGS],
}

/// What each stream has written while there was no host.
fn read_spool(mut spool: File) -> io::Result<[Vec<u8>; LOGS]> {
    let mut written = [const { Vec::new() }; LOGS];
    spool.rewind()?;
    for stream in &mut written {
        let mut length = [0; 4];
        spool.read_exact(&mut length)?;
        (&mut spool).take(u32::from_ne_bytes(length).into()).read_to_end(stream)?;
    }
    Ok(written)
}
