//! What the kernel must know of a plugin and of the host before it can decide. All of it is fixed when the kernel is
//! made; where a setting comes from (the project file, the embedding program) is not known here.

use alloc::boxed::Box;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::ladder::Ladder;
use crate::startup::probe::ProbeSchedule;

/// Settings of the host as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// How many plugins may be starting at the same time (`host.maxConcurrentStarts`). `None`: no limit.
    pub max_concurrent_starts: Option<NonZeroU32>,
}

/// Settings of one plugin.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PluginSettings {
    /// How it is stopped, and how long each step may take.
    pub ladder: Ladder,
    /// The longest its one health check after the start may take (`health.timeout`).
    pub check_timeout: Duration,
    /// When to ask again, if its readiness must be asked for.
    pub probe: ProbeSchedule,
    /// What its readiness depends on, for the message when it does not come: `READY=1 by sd_notify`. `None`: the answer
    /// to `start`.
    pub waits_for: Option<Box<str>>,
    /// How long its start is expected to take. It breaks ties for a place among a limited number: the longest
    /// remaining path goes first. `None`: nothing is known, all such plugins weigh the same.
    pub expected_start: Option<Duration>,
}

impl Default for PluginSettings {
    fn default() -> PluginSettings {
        PluginSettings {
            ladder: Ladder::default(),
            check_timeout: Duration::from_millis(5000),
            probe: ProbeSchedule::default(),
            waits_for: None,
            expected_start: None,
        }
    }
}

impl PluginSettings {
    /// The weight of this plugin on a path: microseconds, at least 1 so that a longer path of unknowns outweighs a
    /// shorter one.
    pub(crate) fn weight(&self) -> u64 {
        let expected = self.expected_start.unwrap_or(Duration::ZERO).as_micros();
        u64::try_from(expected).unwrap_or(u64::MAX).max(1)
    }
}
