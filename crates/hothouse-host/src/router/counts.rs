//! What is counted of the calls of one plugin.
//!
//! A call counts as failed when that is the callee's fault: no answer, or one that says that the callee itself is at a
//! loss. An error of the plugin's own making that another try would not mend is an answer like any other.

use std::time::{Duration, Instant};

use hothouse_runtime::contract::PluginError;

/// What became of the calls of a plugin since the host began, and of late.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CallCounts {
    /// Calls that were passed on and answered, with a result or with an error of the plugin's own.
    pub answered: u64,
    /// Calls that were passed on and failed through the plugin's fault: no answer in time, none at all, or an error that
    /// says that the plugin is not itself (retryable, `INTERNAL`, JSON-RPC's own codes, no code).
    pub failed: u64,
    /// The time that all of these took, from when they were passed on.
    pub total_time: Duration,
    /// Calls that the plugin is at now.
    pub running: u32,
    /// Calls that wait for it now.
    pub waiting: u32,
    /// Failed calls in the last minute.
    pub failed_last_minute: u64,
    /// How long calls took on average in the last minute; `None` if there were none.
    pub mean_response_time: Option<Duration>,
}

impl CallCounts {
    /// How many calls came to an end of either kind.
    pub fn ended(&self) -> u64 {
        self.answered + self.failed
    }
}

/// What has become of the calls of a plugin since the host began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) ended: u64,
    pub(crate) failed: u64,
    pub(crate) took: Duration,
}

/// The last minute is kept in so many pieces, and is exact to one of them.
const PIECES: usize = 12;
const PIECE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Counts {
    answered: u64,
    failed: u64,
    total: Duration,
    /// Made with the first call: most plugins of a large host are never called.
    recent: Option<Box<Recent>>,
}

struct Recent {
    began: Instant,
    pieces: [Piece; PIECES],
}

#[derive(Clone, Copy, Default)]
struct Piece {
    /// Which piece of time since the first call, from 0.
    number: u64,
    ended: u64,
    failed: u64,
    total: Duration,
}

impl Counts {
    /// A call that was passed on at `since` has come to its end.
    pub(super) fn note(&mut self, since: Instant, now: Instant, failed: bool) {
        let took = now.saturating_duration_since(since);
        self.answered += u64::from(!failed);
        self.failed += u64::from(failed);
        self.total += took;
        let recent = self
            .recent
            .get_or_insert_with(|| Box::new(Recent { began: now, pieces: [Piece::default(); PIECES] }));
        let number = recent.number(now);
        let piece = &mut recent.pieces[(number % PIECES as u64) as usize];
        if piece.number != number {
            *piece = Piece { number, ..Piece::default() };
        }
        piece.ended += 1;
        piece.failed += u64::from(failed);
        piece.total += took;
    }

    /// How many calls have come to an end, how many of them failed, and how long all of them took.
    pub(super) fn totals(&self) -> Totals {
        Totals { ended: self.answered + self.failed, failed: self.failed, took: self.total }
    }

    pub(super) fn counts(&self, now: Instant, running: u32, waiting: usize) -> CallCounts {
        let last = self.recent.as_ref().map_or_else(Piece::default, |recent| recent.last_minute(now));
        let mean = last.total.as_nanos().checked_div(last.ended.into());
        CallCounts {
            answered: self.answered,
            failed: self.failed,
            total_time: self.total,
            running,
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            failed_last_minute: last.failed,
            mean_response_time: mean
                .map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))),
        }
    }
}

impl Recent {
    fn number(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / PIECE.as_secs()
    }

    fn last_minute(&self, now: Instant) -> Piece {
        let now = self.number(now);
        let recent = self.pieces.iter().filter(|piece| piece.number + PIECES as u64 > now);
        recent.fold(Piece::default(), |sum, piece| Piece {
            number: now,
            ended: sum.ended + piece.ended,
            failed: sum.failed + piece.failed,
            total: sum.total + piece.total,
        })
    }
}

/// Whether an error says that the callee is at a loss.
pub(super) fn is_callees_fault(error: &PluginError) -> bool {
    let code = error.code.as_str();
    let is_rpc = code.strip_prefix("-32").is_some_and(|rest| rest.len() == 3);
    error.retryable || is_rpc || matches!(code, "" | "INTERNAL" | "TIMEOUT" | "GONE" | "BAD_RESULT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_an_error_is() {
        let own = |code: &str| is_callees_fault(&PluginError::new(code, "x"));
        let fault = ["", "INTERNAL", "TIMEOUT", "GONE", "BAD_RESULT", "-32603", "-32000"];
        assert_eq!(fault.map(own), [true; 7]);
        assert_eq!(["NOT_FOUND", "BAD_PARAMS", "-3", "-320001", "32000"].map(own), [false; 5]);
        assert!(is_callees_fault(&PluginError::new("BUSY", "x").retryable()));
    }

    #[test]
    fn the_last_minute_passes_by() {
        let mut counts = Counts::default();
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let ms = Duration::from_millis;
        assert_eq!(counts.counts(began, 0, 0), CallCounts::default());
        counts.note(at(0), at(0) + ms(10), false);
        counts.note(at(30), at(30) + ms(30), true);
        let seen = counts.counts(at(31), 1, 2);
        assert_eq!((seen.answered, seen.failed, seen.total_time, seen.ended()), (1, 1, ms(40), 2));
        assert_eq!((seen.failed_last_minute, seen.mean_response_time), (1, Some(ms(20))));
        assert_eq!((seen.running, seen.waiting), (1, 2));
        let later = counts.counts(at(70), 0, 0);
        assert_eq!((later.failed_last_minute, later.mean_response_time), (1, Some(ms(30))));
        let much_later = counts.counts(at(700), 0, 0);
        assert_eq!((much_later.failed_last_minute, much_later.mean_response_time), (0, None));
        assert_eq!(much_later.ended(), 2);
        counts.note(at(700), at(700) + ms(5), false);
        assert_eq!(counts.counts(at(701), 0, 0).mean_response_time, Some(ms(5)));
    }
}
