//! How long to wait before a restart: a pure function of the attempt.

use core::time::Duration;

use hothouse_protocol::RestartBackoff;

use crate::jitter::Roll;

/// What the host sets about restarts of every plugin (`host.restart`); the protocol sets the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pacing {
    /// The delay before the first attempt (`base`).
    pub base: Duration,
    /// The longest delay (`cap`).
    pub cap: Duration,
    /// By how many percent a delay is made longer or shorter, never beyond the cap (`jitter`).
    pub jitter: u8,
    /// How long a plugin must stay well for its attempts to be counted from zero again (`stable`).
    pub stable: Duration,
}

impl Default for Pacing {
    fn default() -> Pacing {
        Pacing {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(300),
            jitter: 10,
            stable: Duration::from_secs(60),
        }
    }
}

/// The delay before that attempt, counted from 1, without jitter: `b`, `b·n` or `b·2^(n-1)`, and never more than the
/// cap.
pub fn delay(backoff: RestartBackoff, pacing: &Pacing, attempt: u64) -> Duration {
    let factor = match backoff {
        RestartBackoff::Fixed => 1,
        RestartBackoff::Linear => u128::from(attempt.max(1)),
        // A base of one nanosecond reaches any cap before the 95th doubling.
        RestartBackoff::Exponential => 1 << attempt.saturating_sub(1).min(96),
    };
    let nanos = pacing.base.as_nanos().saturating_mul(factor).min(pacing.cap.as_nanos());
    nanos_long(nanos)
}

/// The same, made longer or shorter by the roll.
pub(crate) fn jittered(backoff: RestartBackoff, pacing: &Pacing, attempt: u64, roll: Roll) -> Duration {
    roll.around(delay(backoff, pacing, attempt), pacing.jitter).min(pacing.cap)
}

fn nanos_long(nanos: u128) -> Duration {
    let second = 1_000_000_000;
    let seconds = u64::try_from(nanos / second).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanos % second) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use RestartBackoff::{Exponential, Fixed, Linear};
    use alloc::vec::Vec;

    const SECOND: Duration = Duration::from_secs(1);

    fn delays(backoff: RestartBackoff, pacing: &Pacing) -> Vec<u64> {
        (1..=6).map(|attempt| delay(backoff, pacing, attempt).as_secs()).collect()
    }

    #[test]
    fn fixed_linear_and_exponential_up_to_the_cap() {
        let pacing = Pacing { cap: 10 * SECOND, ..Pacing::default() };
        assert_eq!(delays(Fixed, &pacing), [1, 1, 1, 1, 1, 1]);
        assert_eq!(delays(Linear, &Pacing { base: 2 * SECOND, ..pacing }), [2, 4, 6, 8, 10, 10]);
        assert_eq!(delays(Exponential, &pacing), [1, 2, 4, 8, 10, 10]);
        assert_eq!(delays(Fixed, &Pacing { base: 20 * SECOND, ..pacing }), [10; 6]);
    }

    #[test]
    fn to_the_end_of_the_integers() {
        let huge = Pacing { base: Duration::MAX, cap: Duration::MAX, ..Pacing::default() };
        let tiny = Pacing { base: Duration::from_nanos(1), ..huge };
        for attempt in [1, 2, 3, 63, 64, 65, 95, 96, 97, 1 << 32, u64::MAX - 1, u64::MAX] {
            for backoff in [Fixed, Linear, Exponential] {
                assert_eq!(delay(backoff, &huge, attempt), Duration::MAX, "{backoff} {attempt}");
                let none = Pacing { base: Duration::ZERO, ..huge };
                assert_eq!(delay(backoff, &none, attempt), Duration::ZERO);
                let before = delay(backoff, &tiny, attempt - 1);
                assert!(delay(backoff, &tiny, attempt) >= before, "{backoff} {attempt}");
                let capped = Pacing { cap: SECOND, ..tiny };
                assert!(delay(backoff, &capped, attempt) <= SECOND);
            }
        }
        assert_eq!(delay(Linear, &tiny, u64::MAX).as_nanos(), u128::from(u64::MAX));
        assert_eq!(delay(Exponential, &tiny, u64::MAX), Duration::MAX);
        // There is no attempt before the first.
        assert_eq!(delay(Exponential, &tiny, 0), delay(Exponential, &tiny, 1));
    }

    #[test]
    fn jitter_moves_a_delay_and_never_beyond_the_cap() {
        let pacing = Pacing { cap: 4 * SECOND, jitter: 50, ..Pacing::default() };
        for number in 0..1000 {
            let roll = Roll::of(1, [number, 0, 0]);
            let first = jittered(Exponential, &pacing, 1, roll);
            assert!((SECOND / 2..=SECOND * 3 / 2).contains(&first), "{first:?}");
            assert!(jittered(Exponential, &pacing, 3, roll) <= pacing.cap);
        }
    }
}
