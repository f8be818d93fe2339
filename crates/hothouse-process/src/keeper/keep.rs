//! A keeper: the parent of one child, and of everything that the child ever starts.
//!
//! It does nothing but wait. When the child has ended, or the host says so, or the host is gone, it ends whatever is
//! left below it, tells the host, and ends. Only if the child is to be kept does it go on without a host, and waits for
//! the next one (`alone`). If nothing of its child is left, it waits until the host has another one for it, or does not
//! want it any more: a plugin that is started again is then there by the time that it takes to make a process and to end
//! one sooner. It takes no decision, and it outlives nothing.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, set_child_subreaper};

use super::alone::{Alone, Met};
use super::cull::{Whom, cull, reap};
use super::processes::Process;
use super::wire::{Launch, Order, Packed, Told, terminated};
use crate::ledger;
use crate::sys;

/// How long what does not end is waited for until the host is told of it. It is tried again for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a keeper has from the beginning.
pub(super) struct Keeper {
    pub(super) control: OwnedFd,
    pub(super) children: OwnedFd,
    pub(super) ledger: Option<OwnedFd>,
}

/// Why a keeper need not wait any longer.
enum Over {
    /// The child has ended, or is to.
    Child,
    Host,
}

/// The child.
pub(super) struct Kept {
    pub(super) pid: Pid,
    pub(super) began: u64,
    /// Readable when the child has ended, before anybody has waited for it.
    handle: OwnedFd,
    pub(super) status: Option<i32>,
    /// Whether it is worth keeping: it has become ready, and was not asked to end.
    is_ready: bool,
}

impl Keeper {
    /// The whole life of a keeper.
    pub(super) fn run(self, launch: &Launch, fds: Vec<OwnedFd>) {
        if let Err(error) = prepare() {
            return not_spawned(&error, &self.control);
        }
        let mut left = self.serve(launch, fds);
        while let Some((keeper, launch, fds)) = left.and_then(Keeper::wait_for_another) {
            left = keeper.serve(&launch, fds);
        }
    }

    /// Makes a child and keeps it to its end. Returns the keeper if it can keep another one.
    fn serve(self, launch: &Launch, mut fds: Vec<OwnedFd>) -> Option<Keeper> {
        let logs = fds.split_off(launch.targets.len());
        match spawn(launch, &fds) {
            Ok(child) => {
                // What is the child's alone must end with the child.
                drop(fds);
                self.keep(child, launch, logs)
            }
            Err(error) => {
                not_spawned(&error, &self.control);
                None
            }
        }
    }

    /// Asleep until the host has another child for it; `None` if it never will.
    fn wait_for_another(self) -> Option<(Keeper, Launch, Vec<OwnedFd>)> {
        let (launch, fds) = Packed::receive(&self.control)?.unpack_from(&self.control)?;
        Some((self, launch, fds))
    }

    fn keep(mut self, mut child: Kept, launch: &Launch, logs: Vec<OwnedFd>) -> Option<Keeper> {
        let pid = child.pid.as_raw_pid();
        if let Some(ledger) = &self.ledger {
            ledger::note_life(ledger, pid, child.began, &launch.label);
        }
        Told::Spawned { pid: pid.unsigned_abs(), began: child.began }.send(&self.control);
        let mut alone = launch.keep.as_ref().map(|keep| Alone::new(keep, launch, logs));
        let mut was_alone = false;
        while let Over::Host = self.wait_for_the_end(&mut child) {
            let Some(alone) = alone.as_mut().filter(|_| child.is_ready) else { break };
            // Without a ledger nobody would ever find it.
            let Some(ledger) = self.ledger.take() else { break };
            was_alone = true;
            match alone.wait_for_a_host(ledger, &self.children, &mut child) {
                Met::Host { control, ledger } => (self.control, self.ledger) = (control, ledger),
                Met::End { control } => {
                    self.control = control;
                    break;
                }
                Met::Nobody => break,
            }
        }
        let left = self.end_everything(&mut child, PATIENCE);
        Told::Gone { status: child.status.unwrap_or_default(), left }.send(&self.control);
        if left > 0 {
            drop(self.ledger);
            // Only the system itself can hold on to a killed process; whenever it lets go, it is over.
            let children = self.children;
            while cull(&children, Whom::Everybody, PATIENCE, &mut |_, _| {}) > 0 {}
            return None;
        }
        // One that has waited for a host belongs to no spawner, and its host knows it only with its child.
        (!was_alone).then_some(self)
    }

    /// Until the child has ended, or everything is to end, or the host is gone.
    fn wait_for_the_end(&self, child: &mut Kept) -> Over {
        while child.status.is_none() {
            let mut fds =
                [PollFd::new(&self.control, PollFlags::IN), PollFd::new(&self.children, PollFlags::IN)];
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let [ordered, ended] = [0, 1].map(|at| !fds[at].revents().is_empty());
            if let Some(over) = ordered.then(|| self.obey(child)).flatten() {
                return over;
            }
            if ended {
                child.reap(&self.children);
            }
        }
        Over::Child
    }

    fn obey(&self, child: &mut Kept) -> Option<Over> {
        loop {
            match Order::receive(&self.control) {
                Ok(Some(Order::Signal(number))) => child.signal(number),
                Ok(Some(Order::Ready)) => child.is_ready = true,
                Ok(Some(Order::Adopt)) => {}
                Ok(Some(Order::Kill)) => return Some(Over::Child),
                Ok(None) => return Some(Over::Host),
                Err(_) => return None,
            }
        }
    }

    fn end_everything(&self, child: &mut Kept, patience: Duration) -> u32 {
        if child.status.is_none() {
            let _ = kill_process_group(child.pid, Signal::KILL);
        }
        let pid = child.pid.as_raw_pid();
        let status = &mut child.status;
        cull(&self.children, Whom::Everybody, patience, &mut |ended, how| {
            if ended == pid {
                *status = Some(how);
            }
        })
    }
}

impl Kept {
    /// Asks it to end. A stopped process could not hear that, so it is told to go on as well.
    pub(super) fn signal(&mut self, number: i32) {
        self.is_ready = false;
        if let Some(signal) = Signal::from_named_raw(number) {
            let _ = kill_process_group(self.pid, signal);
            let _ = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// Waits for everybody who has ended. The child's group is killed first, as long as its number is the child's.
    pub(super) fn reap(&mut self, children: &OwnedFd) {
        sys::forget_signals(children);
        if is_readable(self.handle.as_fd()) {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        let pid = self.pid.as_raw_pid();
        reap(&mut |ended, how| {
            if ended == pid {
                self.status = Some(how);
            }
        });
    }
}

fn not_spawned(error: &std::io::Error, control: &OwnedFd) {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    Told::NotSpawned { errno }.send(control);
}

/// Whoever loses their parent below this process becomes its child; and a signal to the spawner's group is not for it.
fn prepare() -> std::io::Result<()> {
    sys::rename(c"hh-keeper")?;
    rustix::process::setpgid(None, None)?;
    Ok(set_child_subreaper(Some(rustix::process::getpid()))?)
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, Some(&rustix::event::Timespec::default())).is_ok_and(|ready| ready > 0)
}

fn spawn(launch: &Launch, fds: &[OwnedFd]) -> std::io::Result<Kept> {
    let text = |texts: &[std::ffi::OsString]| {
        texts.iter().map(|text| terminated(text)).collect::<std::io::Result<Vec<_>>>()
    };
    let (arguments, environment) = (text(&launch.command)?, text(&launch.environment)?);
    // Every source is above every target, so that no copy overwrites one that is still needed.
    let above = launch.targets.iter().map(|target| target + 1).max().unwrap_or(0);
    let sources =
        fds.iter().map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, above)).collect::<Result<Vec<_>, _>>()?;
    let fds: Vec<_> = sources.iter().map(AsFd::as_fd).zip(launch.targets.iter().copied()).collect();
    let plan = sys::Plan {
        path: &terminated(&launch.file)?,
        arguments: &arguments,
        environment: &environment,
        cwd: &terminated(&launch.cwd)?,
        fds: &fds,
    };
    let pid = sys::spawn(&plan)?;
    let pid = Pid::from_raw(pid).ok_or(std::io::ErrorKind::InvalidData)?;
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(error) => {
            // A child that cannot be watched must not run.
            let _ = kill_process_group(pid, Signal::KILL);
            return Err(error.into());
        }
    };
    let began = Process::look(pid.as_raw_pid()).map_or(0, |process| process.began);
    Ok(Kept { pid, began, handle, status: None, is_ready: false })
}
