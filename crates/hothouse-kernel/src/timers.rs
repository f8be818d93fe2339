//! When to look at whom again.
//!
//! A timer says only *look at this life at this moment*; what it means is in the life's phase. So a timer is never
//! cancelled: one that does not match its life's phase any more is dropped when it comes to the front.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use crate::{Incarnation, Instant, PluginId};

/// One moment at which one life must be looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timer {
    pub(crate) at: Instant,
    pub(crate) plugin: PluginId,
    pub(crate) incarnation: Incarnation,
}

/// All timers, the earliest in front.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) {
        if timer.at < Instant::MAX {
            self.heap.push(Reverse(timer));
        }
    }

    pub(crate) fn next(&self) -> Option<Timer> {
        self.heap.peek().map(|timer| timer.0)
    }

    pub(crate) fn drop_next(&mut self) {
        self.heap.pop();
    }
}
