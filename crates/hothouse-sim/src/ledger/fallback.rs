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
    /// When it last ended, at the latest.
    left: Option<Instant>,
    /// Since when nothing asks for it.
    idle: Option<Instant>,
    /// More happened at one moment than can be told from outside.
    pub unsure: bool,
    /// It ended while the plugin was leaving, or not before somebody looked again: in the next life.
    unseen: bool,
}

impl Stay {
    /// The plugin is leaving: nobody looks again at it unless something comes or goes.
    pub fn is_not_looked_at(&mut self) {
        (self.unsure, self.unseen) = (true, true);
    }

    /// Takes in whether anything asks for it; `left` says that it was seen to end in this step.
    pub fn take_in(&mut self, wanted: bool, ended: bool, now: Instant, pacing: &Pacing) {
        let unseen = std::mem::take(&mut self.unseen);
        if let Some(over) = self.over(pacing).filter(|over| *over <= now) {
            self.leave(over);
        }
        match (wanted, self.on) {
            (true, false) => {
                let soon = self.left.is_some_and(|left| now.since(left) < pacing.stable);
                self.series = if soon { self.series + 1 } else { 1 };
                (self.on, self.unsure) = (true, self.unsure && soon);
            }
            (true, true) => {
                // It may have ended for a moment, between two things that happened at once.
                self.unsure |= ended;
                self.idle = None;
            }
            (false, true) => {
                self.idle.get_or_insert(now);
                if self.longer(pacing).is_zero() {
                    self.leave(now);
                }
            }
            (false, false) if unseen => self.left = self.left.map(|left| left.max(now)),
            (false, false) => {}
        }
    }

    /// When it is over, if nothing asks for it any more.
    fn over(&self, pacing: &Pacing) -> Option<Instant> {
        self.idle.filter(|_| self.on).map(|idle| idle + self.longer(pacing))
    }

    fn leave(&mut self, at: Instant) {
        *self = Stay { left: Some(at), series: self.series, unsure: self.unsure, ..Stay::default() };
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
    /// What it was told in this step to be away, the graver need.
    pub seen: Option<Need>,
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
