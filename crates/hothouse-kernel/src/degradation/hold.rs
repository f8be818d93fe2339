//! Something that is entered at once and left with care: whoever came and went a short while ago stays longer every time,
//! so that what flaps does not make everybody who depends on it flap too.

use core::time::Duration;

use hothouse_protocol::RestartBackoff;

use crate::Instant;
use crate::restart::{Pacing, delay};

/// Whether it holds, and until when at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Hold {
    on: bool,
    /// How often it was entered without a stable period between.
    entries: u64,
    left: Option<Instant>,
    /// It is not wanted any more and is left then.
    release: Option<Instant>,
}

impl Hold {
    /// Takes in whether it is wanted, and says whether it holds.
    pub(crate) fn want(&mut self, wanted: bool, now: Instant, pacing: &Pacing) -> bool {
        // It was left in its time, whether anybody looked or not.
        if let Some(release) = self.release.filter(|release| *release <= now) {
            self.leave(release);
        }
        match (wanted, self.on) {
            (true, false) => {
                let recent = self.left.is_some_and(|left| now.since(left) < pacing.stable);
                self.entries = if recent { self.entries.saturating_add(1) } else { 1 };
                self.on = true;
            }
            (true, true) => self.release = None,
            (false, true) if self.release.is_none() => match damping(self.entries, pacing) {
                Duration::ZERO => self.leave(now),
                longer => self.release = Some(now + longer),
            },
            (false, true) => {}
            (false, false) => {}
        }
        self.on
    }

    fn leave(&mut self, at: Instant) {
        *self = Hold { on: false, entries: self.entries, left: Some(at), release: None };
    }

    /// Leaves at once, and forgets.
    pub(crate) fn clear(&mut self) {
        *self = Hold::default();
    }

    /// Whether it holds.
    pub(crate) fn holds(&self) -> bool {
        self.on
    }

    /// When it is left, if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.release
    }
}

/// How much longer than wanted the n-th stay lasts: the first not at all, then the base of the restarts, doubled every
/// time, up to their cap.
fn damping(entries: u64, pacing: &Pacing) -> Duration {
    match entries {
        0 | 1 => Duration::ZERO,
        more => delay(RestartBackoff::Exponential, pacing, more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn the_first_time_it_is_left_at_once_and_then_later_every_time() {
        let pacing = Pacing::default();
        let mut hold = Hold::default();
        assert!(hold.want(true, at(0), &pacing) && !hold.want(false, at(5), &pacing));
        let mut now = 6;
        for longer in [1, 2, 4, 8] {
            assert!(hold.want(true, at(now), &pacing));
            assert!(hold.want(false, at(now + 1), &pacing));
            assert_eq!(hold.deadline(), Some(at(now + 1 + longer)));
            assert!(hold.want(false, at(now + longer), &pacing));
            now += 1 + longer;
            assert!(!hold.want(false, at(now), &pacing) && hold.deadline().is_none());
        }
        now += 60;
        assert!(hold.want(true, at(now), &pacing), "after a stable period it counts from the beginning");
        assert!(!hold.want(false, at(now), &pacing));
    }

    #[test]
    fn who_is_wanted_again_before_the_release_stays() {
        let pacing = Pacing::default();
        let mut hold = Hold { on: true, entries: 3, ..Hold::default() };
        assert!(hold.want(false, at(0), &pacing) && hold.deadline() == Some(at(2)));
        assert!(hold.want(true, at(1), &pacing) && hold.deadline().is_none());
        assert!(hold.want(false, at(10), &pacing) && hold.deadline() == Some(at(12)));
        let endless = Hold { on: true, entries: u64::MAX, ..Hold::default() };
        let mut hold = endless;
        assert!(hold.want(false, at(0), &pacing) && hold.deadline() == Some(at(300)));
    }
}
