//! How a plugin's health is watched (the protocol's `PluginHealthCheck`): when it is asked, what its answers amount to,
//! and what the calls that it has answered say about it.
//!
//! What follows from it for others is in [`degradation`](crate::degradation), what follows for itself in
//! [`restart`](crate::restart).

mod monitor;
mod verdict;

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use hothouse_protocol::json::Value;
use hothouse_protocol::{HealthStatus, PluginHealthCheck, RestartBackoff};

pub(crate) use monitor::{Watch, Watched};
pub use verdict::{Tally, Verdict};

/// How one plugin's health is watched: the protocol's `PluginHealthCheck`, without what is asked (a matter of drivers)
/// and how long an answer may take ([`PluginSettings::check_timeout`](crate::PluginSettings::check_timeout), which
/// holds for the check after the start too).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HealthSettings {
    /// Time from one check to the next (`interval`).
    pub interval: Duration,
    /// How many checks in a row must fail (`failureThreshold`).
    pub failure_threshold: u64,
    /// How many checks in a row must pass (`successThreshold`).
    pub success_threshold: u64,
    /// Whether it is restarted when it is unhealthy or has ended (`autoRestart`).
    pub auto_restart: bool,
    /// How many restarts are tried before it is given up (`maxRestartAttempts`).
    pub max_restart_attempts: u64,
    /// How the delay before a restart grows (`restartBackoff`).
    pub restart_backoff: RestartBackoff,
}

impl From<&PluginHealthCheck> for HealthSettings {
    fn from(check: &PluginHealthCheck) -> HealthSettings {
        HealthSettings {
            interval: Duration::from_millis(check.interval),
            failure_threshold: check.failure_threshold,
            success_threshold: check.success_threshold,
            auto_restart: check.auto_restart,
            max_restart_attempts: check.max_restart_attempts,
            restart_backoff: check.restart_backoff,
        }
    }
}

/// When the calls that a plugin has answered since its last check speak against it, whatever it says of itself
/// (`host.passiveHealth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Passive {
    /// So many calls must have come to an end for them to count (`minCalls`).
    pub min_calls: u64,
    /// From so many percent of failed calls on they do (`errorPercent`); above 100: never.
    pub error_percent: u8,
    /// From that mean time to an answer on they do (`meanMs`); `None`: never.
    pub mean: Option<Duration>,
}

impl Default for Passive {
    fn default() -> Passive {
        Passive { min_calls: 10, error_percent: 50, mean: None }
    }
}

/// What came of a plugin's calls since its last check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallCounts {
    /// How many came to an end.
    pub ended: u64,
    /// How many of those failed by the plugin's fault.
    pub failed: u64,
    /// How long all of them took together.
    pub took: Duration,
}

impl Passive {
    /// What the calls say against the plugin, if anything.
    pub fn objection(&self, calls: CallCounts) -> Option<String> {
        let CallCounts { ended, failed, took } = calls;
        if ended == 0 || ended < self.min_calls {
            return None;
        }
        if u128::from(failed) * 100 >= u128::from(self.error_percent.max(1)) * u128::from(ended) {
            return Some(format!("{failed} of its last {ended} calls failed"));
        }
        let mean = Duration::from_nanos_u128(took.as_nanos() / u128::from(ended));
        let slow = self.mean.is_some_and(|limit| mean >= limit);
        slow.then(|| format!("its last {ended} calls took {} ms on average", mean.as_millis()))
    }
}

/// Whether a plugin says that it is healthy, and nothing else that counts.
pub fn is_all_well(health: &HealthStatus) -> bool {
    health.healthy && !says_degraded(health)
}

/// Whether a plugin that is healthy says that it does not do all of its work: a report whose status is `degraded`.
fn says_degraded(health: &HealthStatus) -> bool {
    let status = health.details.as_ref().and_then(|details| details.get("status"));
    matches!(status, Some(Value::String(status)) if status.as_str() == "degraded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_speak_against_a_plugin_from_every_limit_on() {
        let passive = Passive { min_calls: 10, error_percent: 50, mean: Some(Duration::from_millis(100)) };
        let objection = |ended, failed, millis| {
            passive.objection(CallCounts { ended, failed, took: Duration::from_millis(millis) })
        };
        assert_eq!(objection(0, 0, 0), None);
        assert_eq!(objection(9, 9, 9000), None, "too few calls to judge by");
        assert_eq!(objection(10, 4, 999), None);
        assert_eq!(objection(10, 5, 0).unwrap(), "5 of its last 10 calls failed");
        assert_eq!(objection(10, 0, 1000).unwrap(), "its last 10 calls took 100 ms on average");
        let huge = CallCounts { ended: u64::MAX, failed: u64::MAX, took: Duration::MAX };
        assert!(passive.objection(huge).is_some());
        let never = Passive { error_percent: 101, mean: None, min_calls: 0 };
        assert_eq!(never.objection(CallCounts { ended: 5, failed: 5, took: Duration::MAX }), None);
    }
}
