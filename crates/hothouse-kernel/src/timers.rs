//! When to look at whom again.
//!
//! A timer says only *look at this life at this moment*; what it means is in the life's phase. So a timer is never
//! cancelled: one that does not match its life's phase any more is dropped when it comes to the front.

use alloc::collections::{BinaryHeap, VecDeque};
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
///
/// Most of them are set in the order in which they come due, because most waits are of one length. Those cost nothing
/// but a place in a line; only the others are sorted.
#[derive(Default)]
pub(crate) struct Timers {
    line: VecDeque<Timer>,
    heap: BinaryHeap<Reverse<Timer>>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) {
        if timer.at == Instant::MAX {
            return;
        }
        if self.line.back().is_none_or(|last| *last <= timer) {
            self.line.push_back(timer);
        } else {
            self.heap.push(Reverse(timer));
        }
    }

    pub(crate) fn next(&self) -> Option<Timer> {
        let line = self.line.front().copied();
        let heap = self.heap.peek().map(|timer| timer.0);
        match (line, heap) {
            (Some(line), Some(heap)) => Some(line.min(heap)),
            (line, heap) => line.or(heap),
        }
    }

    pub(crate) fn drop_next(&mut self) {
        if self.next() == self.line.front().copied() {
            self.line.pop_front();
        } else {
            self.heap.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn timers_come_in_order_however_they_were_set() {
        let mut timers = Timers::default();
        for (number, at) in [5, 7, 3, 7, 9, 1, 3].into_iter().enumerate() {
            let (at, plugin) = (Instant::from_nanos(at), PluginId(number as u32));
            timers.set(Timer { at, plugin, incarnation: Incarnation(1) });
        }
        timers.set(Timer { at: Instant::MAX, plugin: PluginId(9), incarnation: Incarnation(1) });
        let mut order = Vec::new();
        while let Some(timer) = timers.next() {
            order.push((timer.at.as_nanos(), timer.plugin.0));
            timers.drop_next();
        }
        assert_eq!(order, [(1, 5), (3, 2), (3, 6), (5, 0), (7, 1), (7, 3), (9, 4)]);
    }
}
