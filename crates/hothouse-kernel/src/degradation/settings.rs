//! What is declared for hard times: the protocol's `GracefulDegradation`, as the kernel reads it.

use alloc::sync::Arc;
use core::time::Duration;

use hothouse_protocol::{AutoRecovery, FallbackMode, GracefulDegradation};

use super::FeatureSwitch;

/// What is declared for hard times of one plugin.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Degradation {
    /// Whether there is a fallback; otherwise the plugin is stopped while a critical dependency is away (`enabled`).
    pub enabled: bool,
    /// The fallback (`fallbackMode`).
    pub mode: FallbackMode,
    /// The plugins without which only the fallback is left (`criticalDependencies`).
    pub critical: Arc<[Arc<str>]>,
    /// The plugins that it can do without (`optionalDependencies`).
    pub optional: Arc<[Arc<str>]>,
    /// Which features are on and which are off while something is away (`degradedFeatures`).
    pub features: Arc<[FeatureSwitch]>,
    /// How the host tries to bring back what is away (`autoRecovery`).
    pub recovery: Recovery,
}

/// How the host tries to bring back what is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recovery {
    /// Whether the plugin's fallback ends by itself, and the host does anything about what is away; otherwise only an
    /// operator ends it (`enabled`).
    pub enabled: bool,
    /// Time from one try to the next (`retryInterval`).
    pub interval: Duration,
    /// How many tries there are (`maxAttempts`).
    pub max_attempts: u64,
}

impl From<&AutoRecovery> for Recovery {
    fn from(recovery: &AutoRecovery) -> Recovery {
        Recovery {
            enabled: recovery.enabled,
            interval: Duration::from_millis(recovery.retry_interval),
            max_attempts: recovery.max_attempts,
        }
    }
}

impl From<&GracefulDegradation> for Degradation {
    /// An absent `autoRecovery` is one with the protocol's defaults.
    fn from(degradation: &GracefulDegradation) -> Degradation {
        let names = |names: &Option<alloc::vec::Vec<alloc::string::String>>| {
            names.iter().flatten().map(|name| Arc::from(name.as_str())).collect()
        };
        Degradation {
            enabled: degradation.enabled,
            mode: degradation.fallback_mode,
            critical: names(&degradation.critical_dependencies),
            optional: names(&degradation.optional_dependencies),
            features: degradation.degraded_features.iter().flatten().map(FeatureSwitch::from).collect(),
            recovery: degradation
                .auto_recovery
                .as_ref()
                .map_or_else(|| Recovery::from(&AutoRecovery::default()), Recovery::from),
        }
    }
}
