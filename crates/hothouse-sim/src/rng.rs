//! Chance that can be repeated: a small seeded generator, so that a seed is the whole story of a run.

use std::time::Duration;

/// A SplitMix64 generator. Good enough to choose behaviours by, and nothing else.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.bits() % end }
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// One of these, each as likely as the others.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A duration between the two, short ones as likely as long ones: every order of magnitude has its share.
    pub fn duration(&mut self, from: Duration, to: Duration) -> Duration {
        let (from, to) = (from.as_nanos() as u64 + 1, to.as_nanos() as u64 + 1);
        let doublings = (to / from).max(1).ilog2() as u64 + 1;
        let base = from.saturating_mul(1 << self.below(doublings).min(63));
        Duration::from_nanos(base.saturating_add(self.below(base)).min(to) - 1)
    }
}
