//! How one plugin comes back by itself: its attempts, and the pause before the next one.

use std::time::Duration;

use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{HealthSettings, Instant};
use hothouse_protocol::RestartBackoff;

/// A restart that was announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    /// The earliest moment by the settings that held then.
    pub earliest: Instant,
    /// The moment that was announced.
    pub announced: Instant,
}

/// How one plugin comes back by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comeback {
    /// It has been ready since somebody asked for it.
    pub proven: bool,
    /// How many restarts were announced since it was well for long enough.
    pub attempts: u64,
    /// The restart that is to come.
    pub due: Option<Due>,
    /// It has had all its attempts, and nobody has asked for it since.
    pub given_up: bool,
    /// It failed only for want of another one, and may come back with that.
    pub awaits: bool,
    /// A plugin that does without it has tried to bring it back.
    pub tried: bool,
    /// Since when all is there that it awaits.
    pub could_since: Option<Instant>,
    /// How long its start may take, as it was asked for last.
    pub timeout: Duration,
}

/// The shortest and the longest pause before that attempt.
pub fn pauses(health: &HealthSettings, pacing: &Pacing, attempt: u64) -> (u128, u128) {
    let (base, cap) = (pacing.base.as_nanos(), pacing.cap.as_nanos());
    let mut pause = match health.restart_backoff {
        RestartBackoff::Linear => base.saturating_mul(u128::from(attempt)),
        RestartBackoff::Fixed | RestartBackoff::Exponential => base,
    };
    if health.restart_backoff == RestartBackoff::Exponential && base > 0 {
        for _ in 1..attempt {
            if pause >= cap {
                break;
            }
            pause *= 2;
        }
    }
    let pause = pause.min(cap);
    let spread = pause * u128::from(pacing.jitter.min(100)) / 100;
    // A nanosecond is lost where spans are rounded.
    ((pause - spread).saturating_sub(1), (pause + spread + 1).min(cap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_set_and_stay_within_jitter_and_cap() {
        let ms = |ms| Duration::from_millis(ms);
        let pacing = Pacing { base: ms(100), cap: ms(1000), jitter: 10, stable: ms(0) };
        let health = |restart_backoff| HealthSettings {
            restart_backoff,
            ..HealthSettings::from(&hothouse_protocol::PluginHealthCheck::default())
        };
        let whole = |backoff, attempt| {
            let (least, most) = pauses(&health(backoff), &pacing, attempt);
            (least.div_ceil(1_000_000), most / 1_000_000)
        };
        assert_eq!(whole(RestartBackoff::Fixed, 7), (90, 110));
        assert_eq!(whole(RestartBackoff::Linear, 3), (270, 330));
        assert_eq!(whole(RestartBackoff::Exponential, 4), (720, 880));
        assert_eq!(whole(RestartBackoff::Exponential, u64::MAX), (900, 1000));
    }
}
