//! What one plugin serves, as far as it was told, and the stay in its fallback.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{Instant, Need, Service};
use hothouse_protocol::FallbackMode;

/// A stay in a fallback that ends at once the first time, and later every time that follows soon upon another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stay {
    /// Whether it lasts.
    pub on: bool,
    /// How many there were, each soon after the one before.
    series: u32,
    left: Option<Instant>,
    /// Since when nothing asks for it.
    idle: Option<Instant>,
    /// More happened at one moment than can be told from outside.
    pub unsure: bool,
}

impl Stay {
    /// Takes in whether anything asks for it; `left` says that it was seen to end in this step.
    pub fn take_in(&mut self, wanted: bool, ended: bool, now: Instant, pacing: &Pacing) {
        let is_over = |stay: &Stay| stay.idle.is_some_and(|idle| idle + stay.longer(pacing) <= now);
        if self.on && ended && is_over(self) {
            self.leave(now);
        }
        match (wanted, self.on) {
            (true, false) => {
                let soon = self.left.is_some_and(|left| now.since(left) < pacing.stable);
                self.series = if soon { self.series + 1 } else { 1 };
                (self.on, self.unsure) = (true, self.unsure && soon);
            }
            (true, true) => {
                // It may have ended for a moment, between two things that happened at once.
                self.unsure |= is_over(self);
                self.idle = None;
            }
            (false, true) => {
                self.idle.get_or_insert(now);
                if is_over(self) {
                    self.leave(now);
                }
            }
            (false, false) => {}
        }
    }

    fn leave(&mut self, now: Instant) {
        *self = Stay { left: Some(now), series: self.series, unsure: self.unsure, ..Stay::default() };
    }

    /// How much longer than asked for this stay lasts.
    fn longer(&self, pacing: &Pacing) -> Duration {
        let doublings = match self.series {
            0 | 1 => return Duration::ZERO,
            more => (more - 2).min(90),
        };
        let nanos = pacing.base.as_nanos().saturating_mul(1 << doublings).min(pacing.cap.as_nanos());
        Duration::from_nanos_u128(nanos)
    }
}

/// What one plugin serves, and why.
#[derive(Clone, Debug, Default)]
pub struct Fallback {
    /// What it was told to serve in this life; `None`: nothing was said.
    pub told: Option<Arc<Service>>,
    /// The mode that an operator has set.
    pub forced: Option<FallbackMode>,
    /// It is left only by an operator's word.
    pub latched: Option<Need>,
    /// The stay in the mode.
    pub mode: Stay,
    /// The stay of the features.
    pub switches: Stay,
    /// How often it was tried to bring back what is away.
    pub tries: u64,
    /// The earliest moment of the next try.
    pub next_try: Option<Instant>,
}

impl Fallback {
    /// The mode that it was told.
    pub fn mode_told(&self) -> Option<FallbackMode> {
        self.told.as_ref()?.mode
    }
}
