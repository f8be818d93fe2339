//! A keeper without a host: the child goes on, and the next host can take it over.
//!
//! The child must be able to write its log, so what it writes is read and the last of it kept. Whoever comes is given
//! the log and the child, and brings a ledger of its own. Nothing is started here, and nothing is ended but by order.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};

use super::keep::Kept;
use super::wire::{Keep, Launch, Order, Told, receive_with, send_with};
use crate::ledger::{self, KeptLine};

/// How much of what a child writes to each stream meanwhile is kept: the last of it, in bytes.
const ROOM: usize = 64 * 1024;
/// How long one who has come may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a keeper needs to go on without a host.
pub(super) struct Alone {
    path: PathBuf,
    fingerprint: u64,
    stop_signal: i32,
    label: OsString,
    /// What marks everything that the child has started.
    mark: OsString,
    logs: Vec<Log>,
}

/// One stream of the child's log.
struct Log {
    end: OwnedFd,
    /// Nobody has the other end any more.
    is_over: bool,
    written: VecDeque<u8>,
    /// How many bytes before those were there was no room for.
    lost: u64,
}

/// Who has come.
pub(super) enum Met {
    /// A host whose child it is from now on; without a ledger if the child has only been asked to end.
    Host { control: OwnedFd, ledger: Option<OwnedFd> },
    /// A host that wants it to end at once, and to be told.
    End { control: OwnedFd },
    /// Nobody: the child has ended, or it cannot be found by anybody.
    Nobody,
}

impl Alone {
    pub(super) fn new(keep: &Keep, launch: &Launch, logs: Vec<OwnedFd>) -> Alone {
        let prefix = format!("{}=", ledger::MARK);
        let mark = launch.environment.iter().filter_map(|entry| entry.to_str()?.strip_prefix(&prefix)).next();
        Alone {
            path: PathBuf::from(&keep.path),
            fingerprint: keep.fingerprint,
            stop_signal: keep.stop_signal,
            label: launch.label.clone(),
            mark: mark.unwrap_or_default().into(),
            logs: logs.into_iter().map(Log::new).collect(),
        }
    }

    pub(super) fn wait_for_a_host(&mut self, ledger: OwnedFd, children: &OwnedFd, child: &mut Kept) -> Met {
        let Ok(listener) = listen_at(&self.path) else { return Met::Nobody };
        let line = KeptLine {
            keeper: rustix::process::getpid().as_raw_pid(),
            pid: child.pid.as_raw_pid(),
            began: child.began,
            label: self.label.to_string_lossy().into_owned(),
            fingerprint: self.fingerprint,
            stop_signal: self.stop_signal,
            mark: self.mark.to_string_lossy().into_owned(),
            path: self.path.clone(),
        };
        // Noted before the lock is given up: whoever has the lock next reads this. What is not noted is not found.
        if ledger::note_kept(&ledger, &line).is_err() {
            let _ = std::fs::remove_file(&self.path);
            return Met::Nobody;
        }
        drop(ledger);
        let met = self.serve(&listener, children, child);
        let _ = std::fs::remove_file(&self.path);
        met
    }

    fn serve(&mut self, listener: &OwnedFd, children: &OwnedFd, child: &mut Kept) -> Met {
        while child.status.is_none() {
            let mut fds = vec![PollFd::new(listener, PollFlags::IN), PollFd::new(children, PollFlags::IN)];
            let open = self.logs.iter().filter(|log| !log.is_over);
            fds.extend(open.map(|log| PollFd::new(&log.end, PollFlags::IN)));
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let [came, ended] = [0, 1].map(|at| !fds[at].revents().is_empty());
            drop(fds);
            if ended {
                child.reap(children);
            }
            self.logs.iter_mut().for_each(Log::read);
            if let Some(met) = came.then(|| self.receive(listener, child)).flatten() {
                return met;
            }
        }
        Met::Nobody
    }

    /// Hands the child to whoever has come, if they want it.
    fn receive(&mut self, listener: &OwnedFd, child: &mut Kept) -> Option<Met> {
        let control = accept_with(listener, SocketFlags::CLOEXEC).ok()?;
        let spool = self.spool().ok()?;
        let mut fds: Vec<BorrowedFd<'_>> = vec![spool.as_fd()];
        fds.extend(self.logs.iter().map(|log| log.end.as_fd()));
        let told = Told::Kept { pid: child.pid.as_raw_pid().unsigned_abs(), began: child.began };
        send_with(&control, &told.encode(), &fds).ok()?;
        let limit = Timespec::try_from(PATIENCE).ok();
        poll(&mut [PollFd::new(&control, PollFlags::IN)], limit.as_ref()).ok().filter(|ready| *ready > 0)?;
        let (packet, fds) = receive_with(&control).ok()?;
        match (Order::decode(&packet)?, fds.into_iter().next()) {
            (Order::Adopt, Some(ledger)) => {
                ledger::note_life(&ledger, child.pid.as_raw_pid(), child.began, &self.label);
                ledger::note_mark(&ledger, &self.mark);
                // It is that host's now. Should that host be killed too, this has been said.
                self.logs.iter_mut().for_each(|log| (log.written, log.lost) = (VecDeque::new(), 0));
                Some(Met::Host { control, ledger: Some(ledger) })
            }
            (Order::Signal(number), _) => {
                child.signal(number);
                Some(Met::Host { control, ledger: None })
            }
            (Order::Kill, _) => Some(Met::End { control }),
            _ => None,
        }
    }

    /// What has been kept of the log: of each stream how much that is, how much is lost, and what is kept.
    fn spool(&self) -> std::io::Result<File> {
        let mut spool = File::from(memfd_create("log", MemfdFlags::CLOEXEC)?);
        for log in &self.logs {
            let (head, tail) = log.written.as_slices();
            spool.write_all(&(log.written.len() as u64).to_ne_bytes())?;
            spool.write_all(&log.lost.to_ne_bytes())?;
            spool.write_all(head)?;
            spool.write_all(tail)?;
        }
        Ok(spool)
    }
}

impl Log {
    fn new(end: OwnedFd) -> Log {
        Log { end, is_over: false, written: VecDeque::new(), lost: 0 }
    }

    /// Reads once from what the child has written, if there is anything; the host had made the end one that is never
    /// waited for.
    fn read(&mut self) {
        if self.is_over {
            return;
        }
        let mut chunk = [MaybeUninit::uninit(); 16 * 1024];
        match rustix::io::read(&self.end, &mut chunk) {
            Ok((bytes, _)) if !bytes.is_empty() => {
                self.written.extend(bytes.iter());
                let surplus = self.written.len().saturating_sub(ROOM);
                self.written.drain(..surplus);
                self.lost += surplus as u64;
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            _ => self.is_over = true,
        }
    }
}

/// A path of any length, as one that a socket can have: by a descriptor of its folder, which is given as well and must
/// be kept open as long as the path is used.
fn short(path: &Path) -> std::io::Result<(OwnedFd, SocketAddrUnix)> {
    let folder = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let folder = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let number = folder.as_raw_fd();
    let address = SocketAddrUnix::new(Path::new(&format!("/proc/self/fd/{number}")).join(name))?;
    Ok((folder, address))
}

fn listen_at(path: &Path) -> std::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let (_folder, address) = short(path)?;
    // The name is of this life alone, so whatever lies there is of nobody.
    let _ = std::fs::remove_file(path);
    // For nobody but this user, whatever the folder allows.
    let mask = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = bind(&socket, &address);
    rustix::process::umask(mask);
    bound?;
    listen(&socket, 4)?;
    Ok(socket)
}

/// The next host's way to a keeper that is alone.
///
/// # Errors
/// Those of the system; nobody is there if it is refused.
pub(crate) fn connect_to(path: &Path) -> std::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let (_folder, address) = short(path)?;
    connect(&socket, &address)?;
    Ok(socket)
}
