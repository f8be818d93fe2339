//! How long pipes are left alone, so that a flood is taken in by the moment and not by the write.
//!
//! The thread that reads is woken by every write, and each time it may be in the way of somebody who shares its processor:
//! of a call, of an answer. To ten thousand small writes in a second that costs the others more than the bytes do. So
//! whatever brings much in a moment is left to gather for the rest of it, in a pipe that is large enough.

use std::time::{Duration, Instant};

/// How long a moment is. A line of a flood is kept at most so much later, and so is one that another plugin writes beside it.
const MOMENT: Duration = Duration::from_millis(1);
/// How much must have come in a moment, in bytes. Nobody who writes less than some 30 MB in a second is ever kept waiting.
const MUCH: usize = 32 * 1024;

/// What has come since a moment began.
pub(super) struct Pace {
    began: Instant,
    taken: usize,
    /// Whether everything that was read of late was read to its end.
    emptied: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Pace {
        Pace { began: now, taken: 0, emptied: true }
    }

    /// A read has brought so much; `emptied`: and nothing was left.
    pub(super) fn took(&mut self, bytes: usize, emptied: bool, now: Instant) {
        if now.saturating_duration_since(self.began) >= MOMENT {
            // A moment begins with what comes first in it.
            (self.began, self.taken) = (now, 0);
        }
        self.taken += bytes;
        self.emptied &= emptied;
    }

    /// To be asked when every pipe has had its turn: how long all of them are to be left alone, if at all.
    pub(super) fn rest(&mut self, now: Instant) -> Option<Duration> {
        let emptied = std::mem::replace(&mut self.emptied, true);
        let left = MOMENT.saturating_sub(now.saturating_duration_since(self.began));
        if !emptied || self.taken < MUCH || left.is_zero() {
            return None;
        }
        self.taken = 0;
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(began: Instant, microseconds: u64) -> Instant {
        began + Duration::from_micros(microseconds)
    }

    #[test]
    fn what_brings_much_in_a_moment_is_left_alone_for_the_rest_of_it() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        pace.took(MUCH - 1, true, at(began, 2000));
        assert_eq!(pace.rest(at(began, 2100)), None);
        pace.took(1, true, at(began, 2200));
        assert_eq!(
            pace.rest(at(began, 2300)),
            Some(Duration::from_micros(700)),
            "it began with the first byte"
        );
        assert_eq!(pace.rest(at(began, 2400)), None, "an order ended the rest, and nothing has come since");
        pace.took(MUCH, true, at(began, 3000));
        assert_eq!(pace.rest(at(began, 3100)), Some(Duration::from_micros(900)));
    }

    #[test]
    fn what_is_not_empty_is_read_on() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        pace.took(10 * MUCH, false, at(began, 50));
        pace.took(5, true, at(began, 80));
        assert_eq!(pace.rest(at(began, 100)), None, "one of two is not");
        pace.took(5, true, at(began, 150));
        assert_eq!(pace.rest(at(began, 200)), Some(Duration::from_micros(800)));
    }

    #[test]
    fn what_comes_slowly_is_never_kept_waiting() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        for write in 1..100 {
            pace.took(MUCH / 5, true, at(began, 300 * write));
            assert_eq!(pace.rest(at(began, 300 * write + 10)), None, "write {write}");
        }
    }
}
