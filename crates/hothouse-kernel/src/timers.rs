//! When to look at whom again.
//!
//! A timer says only *look at this life at this moment*; what it means is in the life's phase. So a timer is never
//! cancelled: one that does not match its life's phase any more is dropped when it comes to the front.

use core::cmp::Reverse;

use crate::urgency::Urgency;
use crate::{Incarnation, Instant, PluginId};

/// One moment at which one life must be looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Timer {
    pub(crate) at: Instant,
    pub(crate) plugin: PluginId,
    pub(crate) incarnation: Incarnation,
}

/// All timers, the earliest in front.
#[derive(Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Timers {
    queue: Urgency<Reverse<Timer>>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) {
        if timer.at < Instant::MAX {
            self.queue.push(Reverse(timer));
        }
    }

    pub(crate) fn next(&self) -> Option<Timer> {
        self.queue.peek().map(|timer| timer.0)
    }

    pub(crate) fn drop_next(&mut self) {
        self.queue.pop();
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
