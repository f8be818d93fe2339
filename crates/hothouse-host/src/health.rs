//! How plugins are, as the protocol's `PluginHealthReport` has it, and what is going to happen to them if nothing else
//! does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::degradation::Service;
use hothouse_kernel::health::Tally;
use hothouse_kernel::restart::Attempt;
use hothouse_kernel::{Instant, Phase};
use hothouse_protocol::{CheckStatus, PluginHealthReport};

/// How many of a plugin's last checks are kept.
const KEPT: usize = 32;

/// How a plugin is, and how it came to that.
#[derive(Clone, Debug)]
pub struct HealthRecord {
    /// The report, in exactly the protocol's shape. What could not be measured is absent.
    pub report: PluginHealthReport,
    /// What its checks amount to.
    pub tally: Tally,
    /// Its last checks, the newest last.
    pub history: Vec<CheckRecord>,
}

/// One check that has come to an end.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRecord {
    /// When, in milliseconds since 1970.
    pub unix_ms: i64,
    /// The life that was checked.
    pub incarnation: u64,
    /// How it went.
    pub status: CheckStatus,
    /// What was said.
    pub message: Option<String>,
    /// How long it took; `None` for health that the plugin told by itself.
    pub took: Option<Duration>,
}

/// The last checks of one plugin.
#[derive(Default)]
pub(crate) struct Checks {
    last: VecDeque<CheckRecord>,
    /// The check under way: its number and when it was made.
    pub(crate) under_way: Option<(u64, std::time::Instant)>,
}

impl Checks {
    pub(crate) fn add(&mut self, check: CheckRecord) {
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(check);
    }

    pub(crate) fn newest(&self) -> Option<&CheckRecord> {
        self.last.back()
    }

    pub(crate) fn all(&self) -> Vec<CheckRecord> {
        self.last.iter().cloned().collect()
    }
}

/// What is going to happen to a plugin by itself, and when.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The moment of this picture.
    pub now: Instant,
    /// The same moment in milliseconds since 1970.
    pub now_unix_ms: i64,
    /// Where the plugin is.
    pub phase: Phase,
    /// When its health is checked next; `None`: it is being checked, or it is not watched.
    pub next_check: Option<Instant>,
    /// From one check to the next, and how many failures in a row make it unhealthy; `None`: it is not watched.
    pub checks: Option<(Duration, u64)>,
    /// What its checks amount to so far.
    pub tally: Tally,
    /// When it would be unhealthy at the earliest, by its checks alone: if each of those to come fails at once.
    pub unhealthy_at: Option<Instant>,
    /// How many restarts count against it now.
    pub attempts: u64,
    /// How many there are; `None`: it is not restarted by itself.
    pub max_attempts: Option<u64>,
    /// The restarts that it still has, if it goes on failing: the pause before each, and when the first is due if it is
    /// pausing. No more than so many as are worth showing.
    pub coming: Vec<Attempt>,
    /// How many restarts it still has beside those in `coming`; `None`: more than anybody counts.
    pub more: Option<u64>,
    /// All the pauses that are left together: how long after its failure it is given up, if it fails again each time as
    /// soon as it is started. From now, if it pauses already. `None`: not within any number of restarts that is counted.
    pub gives_up_after: Option<Duration>,
    /// How long it must stay healthy for its attempts to count from zero.
    pub stable: Duration,
    /// When that is, if some count against it and it stays healthy.
    pub forgotten_at: Option<Instant>,
    /// Whether it had its restarts and is not restarted any more.
    pub given_up: bool,
    /// The tries to bring back what it does without: how many have been made, how many there are, when the next is.
    pub recovery: Option<Recovery>,
    /// What it serves at the moment; `None`: everything.
    pub service: Option<Arc<Service>>,
    /// What it falls back to when something critical is away: the mode, or `None` if it is stopped.
    pub fallback: Option<Option<&'static str>>,
    /// Those that it falls back without, and whether each is critical.
    pub depends: Vec<(String, bool)>,
}

/// Tries to bring back what a plugin does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How many have been made.
    pub tries: u64,
    /// How many there are.
    pub max: u64,
    /// Time from one to the next.
    pub interval: Duration,
    /// When the next one is; `None`: none is to come as things are.
    pub next: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_checks_are_kept() {
        let mut checks = Checks::default();
        for unix_ms in 0..100 {
            checks.add(CheckRecord {
                unix_ms,
                incarnation: 1,
                status: CheckStatus::Passed,
                message: None,
                took: None,
            });
        }
        let kept: Vec<i64> = checks.all().iter().map(|check| check.unix_ms).collect();
        assert_eq!(kept, (68..100).collect::<Vec<_>>());
        assert_eq!(checks.newest().map(|check| check.unix_ms), Some(99));
    }
}
