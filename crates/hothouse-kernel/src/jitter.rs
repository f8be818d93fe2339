//! Spreading moments so that many plugins do not do the same thing at the same time.
//!
//! The kernel rolls no dice: the roll is mixed from a seed that the driver gives and from what it is rolled for, so that
//! the same inputs give the same moments, and a schedule can be told beforehand.

use core::time::Duration;

/// One roll, for one purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Roll(u64);

impl Roll {
    /// The roll for that purpose: the same words give the same roll.
    pub(crate) fn of(seed: u64, words: [u64; 3]) -> Roll {
        Roll(words.into_iter().fold(mix(seed), |so_far, word| mix(so_far ^ word)))
    }

    /// Somewhere from zero up to, and not including, `span`.
    pub(crate) fn below(self, span: Duration) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(((u128::from(self.0) * u128::from(nanos)) >> 64) as u64)
    }

    /// `time`, made longer or shorter by up to that many percent of it.
    pub(crate) fn around(self, time: Duration, percent: u8) -> Duration {
        let span = time.saturating_mul(u32::from(percent.min(100))) / 100;
        let least = time.saturating_sub(span);
        least.saturating_add(self.below(span.saturating_mul(2)))
    }
}

/// Scatters every bit of `word` over the whole of it (the finaliser of SplitMix64).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_stay_within_their_bounds_and_fill_them() {
        let second = Duration::from_secs(1);
        let rolls = || (0..10_000).map(|number| Roll::of(7, [number, 0, 0]));
        assert!(rolls().all(|roll| roll.below(second) < second));
        let tenths = |roll: Roll| roll.below(second).as_millis() / 100;
        for tenth in 0..10 {
            let share = rolls().filter(|roll| tenths(*roll) == tenth).count();
            assert!((800..1200).contains(&share), "{share} of 10,000 in tenth {tenth}");
        }
        let (least, most) = (Duration::from_millis(900), Duration::from_millis(1100));
        assert!(rolls().all(|roll| (least..=most).contains(&roll.around(second, 10))));
        assert_eq!(Roll::of(7, [1, 2, 3]).around(second, 0), second);
    }

    #[test]
    fn nothing_overflows_at_the_end_of_the_integers() {
        for roll in [Roll(0), Roll(u64::MAX)] {
            assert_eq!(roll.around(Duration::ZERO, 100), Duration::ZERO);
            assert!(roll.around(Duration::MAX, 255) >= roll.below(Duration::MAX));
        }
        assert_eq!(Roll::of(7, [1, 2, 3]), Roll::of(7, [1, 2, 3]));
        assert_ne!(Roll::of(7, [1, 2, 3]), Roll::of(8, [1, 2, 3]));
    }
}
