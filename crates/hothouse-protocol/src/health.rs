//! How a plugin's health is watched, and the words for how it is.

use crate::declare::{choice, object};
use crate::wire::Minimum;
use alloc::string::String;

choice! {
    /// How a plugin is.
    PluginHealthStatus {
        /// It works.
        Healthy = "healthy",
        /// It works in part, or with failures.
        Degraded = "degraded",
        /// It runs and does not work.
        Unhealthy = "unhealthy",
        /// It does not run and does not come back by itself.
        Failed = "failed",
        /// It is on its way back.
        Recovering = "recovering",
        /// It has not been looked at yet, or is being replaced.
        Unknown = "unknown",
    }
}

choice! {
    /// How the delay before a restart grows with the number of attempts.
    RestartBackoff {
        /// Not at all.
        Fixed = "fixed",
        /// By the same amount each time.
        Linear = "linear",
        /// Twofold each time.
        Exponential = "exponential",
    }
}

object! {
    defaulted
    /// How a plugin's health is watched and what follows from it.
    PluginHealthCheck {
        /// Time from one check to the next, in milliseconds.
        interval as "interval": u64 [Minimum(1000)] = 30_000;
        /// Longest time that one check may take, in milliseconds.
        timeout as "timeout": u64 [Minimum(100)] = 5000;
        /// How many checks in a row must fail before the plugin counts as unhealthy.
        failure_threshold as "failureThreshold": u64 [Minimum(1)] = 3;
        /// How many checks in a row must pass before the plugin counts as healthy.
        success_threshold as "successThreshold": u64 [Minimum(1)] = 1;
        /// What is asked: a method that the plugin exports, or an endpoint.
        check_method as "checkMethod": Option<String>;
        /// Whether an unhealthy or dead plugin is restarted without being asked to.
        auto_restart as "autoRestart": bool = false;
        /// How many restarts are tried before giving up; none if 0.
        max_restart_attempts as "maxRestartAttempts": u64 = 3;
        /// How the delay before a restart grows.
        restart_backoff as "restartBackoff": RestartBackoff = RestartBackoff::Exponential;
    }
}
