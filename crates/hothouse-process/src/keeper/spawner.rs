//! The spawner: makes keepers, and cleans up after those that were killed.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::set_child_subreaper;

use super::cull::{Whom, cull, reap};
use super::keep::Keeper;
use super::wire::{Launch, Packed, Told};
use super::{HOST_FD, LEDGER_FD, NAME};
use crate::sys::{self, Fork};

/// How long what a killed keeper has left may take to end until the host is told of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that makes keepers.
struct Spawner {
    /// Gone when the host is.
    host: Option<OwnedFd>,
    ledger: Option<OwnedFd>,
    children: OwnedFd,
    keepers: Vec<Made>,
}

/// A keeper that was made.
struct Made {
    pid: i32,
    /// A copy of its end, so that the host can be told if the keeper cannot tell it any more.
    control: OwnedFd,
    /// The status of one that has ended.
    status: Option<i32>,
}

/// Until the host is gone and every keeper has ended.
pub(super) fn run() -> ! {
    let code = match Spawner::new() {
        Ok(mut spawner) => {
            while spawner.host.is_some() || !spawner.keepers.is_empty() {
                spawner.turn();
            }
            0
        }
        Err(error) => error.raw_os_error().unwrap_or(1),
    };
    std::process::exit(code)
}

impl Spawner {
    fn new() -> std::io::Result<Spawner> {
        sys::ignore_what_is_meant_for_the_host();
        sys::rename(NAME)?;
        set_child_subreaper(Some(rustix::process::getpid()))?;
        let host = sys::inherited(HOST_FD).ok_or(std::io::ErrorKind::NotConnected)?;
        let ledger = sys::inherited(LEDGER_FD);
        Ok(Spawner { host: Some(host), ledger, children: sys::signals_of_children()?, keepers: Vec::new() })
    }

    fn turn(&mut self) {
        let fds = [Some(&self.children), self.host.as_ref()].into_iter().flatten();
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if poll(&mut fds, None).is_err() {
            return;
        }
        let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        let [ended, asked] = [0, 1].map(is_ready);
        drop(fds);
        if ended {
            sys::forget_signals(&self.children);
            self.reap();
        }
        if asked {
            self.serve();
        }
    }

    fn serve(&mut self) {
        let Some(host) = &self.host else { return };
        let Some(packed) = Packed::receive(host) else {
            self.host = None;
            // Whoever holds it is still at work, and here nothing is made any more.
            self.ledger = None;
            return;
        };
        if let Some((launch, control, fds)) = packed.unpack() {
            self.make(&launch, control, fds);
        }
    }

    fn make(&mut self, launch: &Launch, control: OwnedFd, fds: Vec<OwnedFd>) {
        match sys::fork() {
            Ok(Fork::Parent(pid)) => self.keepers.push(Made { pid, control, status: None }),
            Ok(Fork::Child) => {
                // Nothing of the spawner's is the keeper's: an end of somebody else's socket would keep it open.
                self.host = None;
                self.keepers.clear();
                let Ok(children) = self.children.try_clone() else { sys::exit_now(1) };
                Keeper { control, children, ledger: self.ledger.take() }.run(launch, fds);
                sys::exit_now(0)
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                Told::NotSpawned { errno }.send(control);
            }
        }
    }

    /// Waits for those who have ended, and cleans up after a keeper that did not do so itself.
    fn reap(&mut self) {
        let keepers = &mut self.keepers;
        reap(&mut |pid, status| note(keepers, pid, status));
        loop {
            let ended = self.keepers.iter().position(|keeper| keeper.status.is_some());
            let Some(ended) = ended.map(|at| self.keepers.swap_remove(at)) else { return };
            if ended.status != Some(0) {
                self.clean_up_after(&ended);
            }
        }
    }

    fn clean_up_after(&mut self, lost: &Made) {
        let own: Vec<i32> = self.keepers.iter().map(|keeper| keeper.pid).collect();
        let keepers = &mut self.keepers;
        let left = cull(&self.children, Whom::AllBut(&own), PATIENCE, &mut |pid, status| {
            note(keepers, pid, status);
        });
        Told::Lost { left }.send(&lost.control);
    }
}

fn note(keepers: &mut [Made], pid: i32, status: i32) {
    if let Some(keeper) = keepers.iter_mut().find(|keeper| keeper.pid == pid) {
        keeper.status = Some(status);
    }
}
