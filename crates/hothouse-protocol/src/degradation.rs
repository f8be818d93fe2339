//! What a plugin still does while plugins that it depends on are away.

use crate::declare::{choice, object};
use crate::wire::Minimum;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    defaulted
    /// What a plugin still does without its dependencies.
    GracefulDegradation {
        /// Whether there is a fallback; otherwise the plugin stops when a critical dependency goes away.
        enabled as "enabled": bool = true;
        /// What is still answered while a critical dependency is away.
        fallback_mode as "fallbackMode": FallbackMode = FallbackMode::Minimal;
        /// Names of the plugins without which only the fallback is left.
        critical_dependencies as "criticalDependencies": Option<Vec<String>>;
        /// Names of the plugins that the plugin can do without.
        optional_dependencies as "optionalDependencies": Option<Vec<String>>;
        /// Which features are on and which are off while a dependency is away.
        degraded_features as "degradedFeatures": Option<Vec<DegradedFeature>>;
        /// How the host tries to bring a missing dependency back.
        auto_recovery as "autoRecovery": Option<AutoRecovery>;
    }
}

choice! {
    /// What is still answered while a critical dependency is away.
    FallbackMode {
        /// Only what belongs to a feature that stays on.
        Minimal = "minimal",
        /// The last good result, marked as stale.
        Cached = "cached",
        /// Only methods that change nothing.
        Readonly = "readonly",
        /// Everything, but calls to the missing plugin fail at once.
        Offline = "offline",
        /// Nothing.
        Disabled = "disabled",
    }
}

object! {
    /// Whether one feature is on while a dependency is away.
    DegradedFeature {
        /// The feature's name.
        feature as "feature": String;
        /// Whether it is on.
        enabled as "enabled": bool;
        /// Why, for whoever is refused.
        reason as "reason": Option<String>;
    }
}

object! {
    defaulted
    /// How the host tries to bring a missing dependency back.
    AutoRecovery {
        /// Whether it tries at all.
        enabled as "enabled": bool = true;
        /// Time from one try to the next, in milliseconds.
        retry_interval as "retryInterval": u64 [Minimum(1000)] = 60_000;
        /// How many tries there are.
        max_attempts as "maxAttempts": u64 = 5;
    }
}
