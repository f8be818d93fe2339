//! What the kernel must know of a plugin and of the host before it can decide. All of it is fixed when the kernel is
//! made; where a setting comes from (the project file, the embedding program) is not known here.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::degradation::Degradation;
use crate::health::{HealthSettings, Passive};
use crate::ladder::Ladder;
use crate::restart::Pacing;
use crate::startup::probe::ProbeSchedule;

/// Settings of the host as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// How many plugins may be starting at the same time (`host.maxConcurrentStarts`). `None`: no limit.
    pub max_concurrent_starts: Option<NonZeroU32>,
    /// How restarts that nobody asks for are paced (`host.restart`).
    pub restart: Pacing,
    /// When a plugin's calls speak against it (`host.passiveHealth`).
    pub passive: Passive,
    /// What jitter is rolled from. Two hosts of different seeds do not do the same thing at the same time.
    pub seed: u64,
}

/// Settings of one plugin.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PluginSettings {
    /// How it is stopped, and how long each step may take.
    pub ladder: Ladder,
    /// The longest that one check of its health may take (`health.timeout`).
    pub check_timeout: Duration,
    /// When to ask again, if its readiness must be asked for.
    pub probe: ProbeSchedule,
    /// What its readiness depends on, for the message when it does not come: `READY=1 by sd_notify`. `None`: the answer
    /// to `start`.
    pub waits_for: Option<Box<str>>,
    /// How long its start is expected to take. It breaks ties for a place among a limited number: the longest
    /// remaining path goes first. `None`: nothing is known, all such plugins weigh the same.
    pub expected_start: Option<Duration>,
    /// How its health is watched (`lifecycle.health`); `None`: not at all, and it is not restarted by itself.
    pub health: Option<HealthSettings>,
    /// What it still does without its dependencies (`lifecycle.degradation`); `None`: nobody cares.
    pub degradation: Option<Arc<Degradation>>,
}

impl Default for PluginSettings {
    fn default() -> PluginSettings {
        PluginSettings {
            ladder: Ladder::default(),
            check_timeout: Duration::from_millis(5000),
            probe: ProbeSchedule::default(),
            waits_for: None,
            expected_start: None,
            health: None,
            degradation: None,
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
