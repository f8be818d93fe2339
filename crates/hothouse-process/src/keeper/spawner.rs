//! The spawner: makes keepers, and cleans up after those that were killed.
//!
//! A keeper whose child is gone, with everything that it had started, offers to keep another one. A few of those are
//! taken up on it: a plugin that is started again is then there by the time that it takes to make a process and to end
//! one sooner.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::set_child_subreaper;

use super::cull::{Whom, cull, reap};
use super::keep::Keeper;
use super::wire::{self, Launch, Offer, Packed, Told};
use super::{HOST_FD, LEDGER_FD, NAME};
use crate::sys::{self, Fork};

/// How long what a killed keeper has left may take to end until the host is told of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many keepers without a child are kept.
const SPARE: usize = 2;

/// A process that makes keepers.
struct Spawner {
    /// Gone when the host is.
    host: Option<OwnedFd>,
    ledger: Option<OwnedFd>,
    children: OwnedFd,
    keepers: Vec<Made>,
    /// Where keepers offer to keep another child. Gone in a keeper.
    offered: Option<OwnedFd>,
    /// The other end, which every keeper has.
    offers: OwnedFd,
    /// Those that have offered, and have nothing to do.
    spare: Vec<Offer>,
}

/// A keeper that was made.
struct Made {
    pid: i32,
    /// A copy of its end, so that the host can be told if the keeper cannot tell it any more. `None`: it has no child.
    control: Option<OwnedFd>,
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
        let (offered, offers) = wire::pair()?;
        Ok(Spawner {
            host: Some(host),
            ledger,
            children: sys::signals_of_children()?,
            keepers: Vec::new(),
            offered: Some(offered),
            offers,
            spare: Vec::new(),
        })
    }

    fn turn(&mut self) {
        let fds = [Some(&self.children), self.offered.as_ref(), self.host.as_ref()];
        let fds = fds.into_iter().flatten();
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if poll(&mut fds, None).is_err() {
            return;
        }
        let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        let [ended, offered, asked] = [is_ready(0), is_ready(1), is_ready(2)];
        drop(fds);
        if ended {
            sys::forget_signals(&self.children);
            self.reap();
        }
        if offered {
            self.take_up();
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
            self.spare.clear();
            return;
        };
        if !self.hand_to_a_spare_one(&packed)
            && let Some((launch, control, fds)) = packed.unpack()
        {
            self.make(&launch, control, fds);
        }
    }

    /// A keeper that is without a child. It ends when its offer is dropped.
    fn take_up(&mut self) {
        let Some(offer) = self.offered.as_ref().and_then(Offer::receive) else { return };
        // One that was killed meanwhile is none of the keepers any more.
        let Some(keeper) = self.keepers.iter_mut().find(|keeper| keeper.pid == offer.pid) else { return };
        keeper.control = None;
        if self.host.is_some() && self.spare.len() < SPARE {
            self.spare.push(offer);
        }
    }

    /// Hands a launch, as it came, to a keeper that is without a child; false if there is none.
    fn hand_to_a_spare_one(&mut self, packed: &Packed) -> bool {
        while let Some(offer) = self.spare.pop() {
            let keeper = self.keepers.iter_mut().find(|keeper| keeper.pid == offer.pid);
            let control = packed.control().and_then(|control| control.try_clone().ok());
            if let (Some(keeper), Some(control)) = (keeper, control)
                && packed.send(&offer.leash).is_ok()
            {
                keeper.control = Some(control);
                return true;
            }
        }
        false
    }

    fn make(&mut self, launch: &Launch, control: OwnedFd, fds: Vec<OwnedFd>) {
        match sys::fork() {
            Ok(Fork::Parent(pid)) => self.keepers.push(Made { pid, control: Some(control), status: None }),
            Ok(Fork::Child) => {
                // Nothing of the spawner's is the keeper's: an end of somebody else's socket would keep it open.
                self.host = None;
                self.keepers.clear();
                self.offered = None;
                self.spare.clear();
                let (Ok(children), Ok(offers)) = (self.children.try_clone(), self.offers.try_clone()) else {
                    sys::exit_now(1)
                };
                let ledger = self.ledger.take();
                Keeper { control, children, ledger, offers }.run(launch, fds);
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
        if let Some(control) = &lost.control {
            Told::Lost { left }.send(control);
        }
    }
}

fn note(keepers: &mut [Made], pid: i32, status: i32) {
    if let Some(keeper) = keepers.iter_mut().find(|keeper| keeper.pid == pid) {
        keeper.status = Some(status);
    }
}
