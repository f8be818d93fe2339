//! The count of one life's checks, and what it amounts to: kept from what was asked, answered and not answered.

use std::time::Duration;

use hothouse_kernel::health::{CallCounts, Passive, Verdict};
use hothouse_kernel::{HealthSettings, Instant};

/// A driver that comes so late did not get to run.
const LATE: Duration = Duration::from_millis(50);

/// A check that nobody has answered yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCheck {
    /// Its number.
    pub number: u64,
    /// When its time is up.
    pub until: Instant,
    /// Whether it was given its time once more.
    pub excused: bool,
}

impl OpenCheck {
    /// Whether its time is up, but so long ago that nobody looked.
    pub fn excuses(&self, now: Instant) -> bool {
        !self.excused && now.since(self.until) >= LATE
    }

    /// Whether an answer counts that comes now.
    pub fn can_be_answered(&self, now: Instant) -> bool {
        now < self.until || self.excuses(now)
    }
}

/// The first check of a life comes within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(2);
/// By how many percent the time between two checks may be shorter, and by how many longer.
const EARLY: u32 = 5;
const LATE_BY: u32 = 15;

/// The earliest and the latest moment at which something is to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Not before.
    pub earliest: Instant,
    /// Not after.
    pub latest: Instant,
}

impl Window {
    /// When a check comes that follows upon one at `now`.
    pub fn after(now: Instant, interval: Duration) -> Window {
        // A nanosecond is lost where spans are rounded.
        let (early, late) = (interval * EARLY / 100, interval * LATE_BY / 100);
        let rounded = Duration::from_nanos(1);
        Window {
            earliest: now + (interval - early).saturating_sub(rounded),
            latest: now + (interval + late + rounded),
        }
    }

    /// When the first check of one comes whose health is watched from now on.
    pub fn first(now: Instant, interval: Duration) -> Window {
        Window { earliest: now, latest: now + interval.min(FIRST_WITHIN) }
    }

    /// Another interval holds from now on: what would be sooner by it is.
    pub fn or_sooner(self, now: Instant, interval: Duration) -> Window {
        let other = Window::after(now, interval);
        Window { earliest: self.earliest.min(other.earliest), latest: self.latest.min(other.latest) }
    }
}

/// The checks of one life.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// The number of the last check that was asked.
    pub last: u64,
    /// The check of the monitor that is under way.
    pub open: Option<OpenCheck>,
    /// When the monitor asks next; `None`: it is not watched.
    pub due: Option<Window>,
    /// When the last check of the monitor was over.
    pub over: Option<Instant>,
    /// How many have failed in a row.
    pub failures: u64,
    /// How many have passed in a row.
    pub passes: u64,
    /// It has failed too often, and has not passed often enough since.
    pub sick: bool,
    /// It has failed since it last passed often enough.
    pub wavering: bool,
    /// It has passed often enough.
    pub known: bool,
    /// Since when it is healthy.
    pub healthy_since: Option<Instant>,
    /// It says that it does not do all of its work.
    pub says_degraded: bool,
}

impl Checks {
    /// Counts a check.
    pub fn count(&mut self, passed: bool, settings: Option<HealthSettings>, now: Instant) {
        let (failures, passes) =
            settings.map_or((3, 1), |settings| (settings.failure_threshold, settings.success_threshold));
        if passed {
            (self.failures, self.passes) = (0, self.passes + 1);
            if self.passes >= passes {
                (self.sick, self.wavering, self.known) = (false, false, true);
            }
        } else {
            (self.failures, self.passes) = (self.failures + 1, 0);
            self.wavering = true;
            self.sick |= self.failures >= failures;
        }
        match self.verdict() {
            Verdict::Healthy => drop(self.healthy_since.get_or_insert(now)),
            _ => self.healthy_since = None,
        }
    }

    /// What the checks amount to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Checks { sick: true, passes: 0, .. } => Verdict::Unhealthy,
            Checks { sick: true, .. } => Verdict::Recovering,
            Checks { wavering: true, .. } => Verdict::Wavering,
            Checks { known: true, .. } => Verdict::Healthy,
            _ => Verdict::Unknown,
        }
    }
}

/// Whether the calls of a plugin speak against it.
pub fn speaks_against(passive: &Passive, calls: CallCounts) -> bool {
    let CallCounts { ended, failed, took } = calls;
    let mean = |limit: Duration| took.as_nanos() / u128::from(ended) >= limit.as_nanos();
    let percent = || u128::from(failed) * 100 / u128::from(ended);
    let least = u128::from(passive.error_percent.max(1));
    ended > 0
        && ended >= passive.min_calls
        && ((failed > 0 && percent() >= least) || passive.mean.is_some_and(mean))
}
