//! How a set of plugins is started, and what became of it.

mod plugin;

pub use plugin::PluginMetadata;

use crate::declare::object;
use crate::json::{Object, Value};
use crate::wire::Range;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    defaulted
    /// How a set of plugins is started.
    StartupOptions {
        /// Longest time that each plugin may take to start, in milliseconds; 0 leaves no time at all.
        timeout as "timeout": u64 = 30_000;
        /// Whether everything that was started is taken down again as soon as one plugin fails.
        rollback_on_failure as "rollbackOnFailure": bool = true;
        /// Whether each plugin's health is checked once after its start.
        health_check as "healthCheck": bool = false;
        /// Whether plugins that do not wait for one another start at the same time.
        parallel as "parallel": bool = false;
        /// Whatever is handed to every plugin when it starts, unchanged.
        context as "context": Option<Value>;
    }
}

object! {
    /// The answer to one question after a plugin's health.
    HealthStatus {
        /// Whether the plugin is healthy.
        healthy as "healthy": bool;
        /// When it answered, in milliseconds since 1970-01-01T00:00:00Z.
        timestamp as "timestamp": i64;
        /// Whatever else the plugin has to say, in a form of its own.
        details as "details": Option<Object>;
        /// What is wrong with it.
        message as "message": Option<String>;
    }
}

object! {
    /// What became of one plugin's start.
    PluginStartupResult {
        /// Which plugin.
        plugin as "plugin": PluginMetadata;
        /// Whether it started.
        success as "success": bool;
        /// How long that took, in milliseconds with fractions.
        duration as "duration": f64 [Range::NOT_NEGATIVE];
        /// Why it did not start.
        error as "error": Option<StartupError>;
        /// Its health after the start, if that was checked.
        health as "health": Option<HealthStatus>;
    }
}

object! {
    /// Why a plugin did not start.
    StartupError {
        /// The kind of error.
        name as "name": String;
        /// The error in words.
        message as "message": String;
        /// Where in the plugin's code it arose.
        stack as "stack": Option<String>;
        /// The error's code, for programs.
        code as "code": Option<String>;
    }
}

object! {
    /// What became of a start as a whole.
    StartupOrchestrationResult {
        /// What became of each plugin.
        results as "results": Vec<PluginStartupResult>;
        /// How long all of it took, in milliseconds with fractions.
        total_duration as "totalDuration": f64 [Range::NOT_NEGATIVE];
        /// Whether every plugin started.
        all_successful as "allSuccessful": bool;
        /// Names of the plugins that were taken down again, in that order.
        rolled_back as "rolledBack": Option<Vec<String>>;
    }
}
