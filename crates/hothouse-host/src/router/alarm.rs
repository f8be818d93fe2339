//! When the loop must look after calls: the first deadline of every lane that has one.
//!
//! A lane sets its alarm only for a deadline that comes before the one it is set for. Calls that follow one another with
//! the same timeout set it once per timeout, and an idle host is woken once by the last of them, then never.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hothouse_kernel::PluginId;
use tokio::sync::Notify;

pub(super) struct Alarm {
    set: Mutex<BinaryHeap<Reverse<(Instant, PluginId)>>>,
    /// Wakes the loop, so that it sleeps until another moment.
    wake: Arc<Notify>,
}

impl Alarm {
    pub(super) fn new(wake: Arc<Notify>) -> Alarm {
        Alarm { set: Mutex::default(), wake }
    }

    /// A lane is to be looked at then.
    pub(super) fn set(&self, at: Instant, lane: PluginId) {
        let mut set = self.lock();
        let is_first = set.peek().is_none_or(|Reverse((first, _))| at < *first);
        set.push(Reverse((at, lane)));
        drop(set);
        if is_first {
            self.wake.notify_one();
        }
    }

    /// The next moment at which a lane is to be looked at.
    pub(super) fn next(&self) -> Option<Instant> {
        self.lock().peek().map(|Reverse((at, _))| *at)
    }

    /// The next lane that is to be looked at by now, and for when that was said.
    pub(super) fn pop_due(&self, now: Instant) -> Option<(Instant, PluginId)> {
        let mut set = self.lock();
        let Reverse((at, lane)) = *set.peek()?;
        if at > now {
            return None;
        }
        set.pop();
        Some((at, lane))
    }

    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Reverse<(Instant, PluginId)>>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
