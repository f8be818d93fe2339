//! When to ask again whether a plugin is ready, if it cannot say so by itself: fast at first, then slower.

use core::time::Duration;

/// The pauses between readiness probes: each is half as long again as the one before, up to a cap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProbeSchedule {
    /// The pause after the first probe that did not find the plugin ready.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
}

impl ProbeSchedule {
    /// The pause after the probe number `probe`, counted from 1.
    ///
    /// It never shrinks and never exceeds the cap, whatever the number.
    pub fn pause(&self, probe: u32) -> Duration {
        let mut pause = self.first.min(self.cap);
        for _ in 1..probe {
            // A pause of nothing never grows; the cap is reached after some fifty steps from a nanosecond.
            if pause >= self.cap || pause.is_zero() {
                break;
            }
            pause = pause.saturating_add((pause / 2).max(Duration::from_nanos(1))).min(self.cap);
        }
        pause
    }
}

impl Default for ProbeSchedule {
    /// From 1 ms to half a second.
    fn default() -> ProbeSchedule {
        ProbeSchedule { first: Duration::from_millis(1), cap: Duration::from_millis(500) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_half_up_to_the_cap() {
        let schedule = ProbeSchedule::default();
        let micros: alloc::vec::Vec<_> =
            [1, 2, 3, 4, 10, 16, 17, 100].map(|probe| schedule.pause(probe).as_micros()).into();
        assert_eq!(micros, [1000, 1500, 2250, 3375, 38443, 437_893, 500_000, 500_000]);
    }

    #[test]
    fn pauses_are_bounded_to_the_end_of_the_integer() {
        for (first, cap) in [(0, 0), (0, 5), (1, u64::MAX), (u64::MAX, 7), (u64::MAX, u64::MAX), (3, 2)] {
            let schedule =
                ProbeSchedule { first: Duration::from_nanos(first), cap: Duration::from_nanos(cap) };
            let mut last = Duration::ZERO;
            for probe in (0..200).chain([u32::MAX - 1, u32::MAX]) {
                let pause = schedule.pause(probe);
                assert!(pause >= last && pause <= schedule.cap, "probe {probe} of {schedule:?}");
                last = pause;
            }
        }
        let huge = ProbeSchedule { first: Duration::MAX, cap: Duration::MAX };
        assert_eq!(huge.pause(u32::MAX), Duration::MAX);
    }
}
