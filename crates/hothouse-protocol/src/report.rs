//! What a look at a plugin's health found.

use crate::date_time::DateTime;
use crate::declare::{choice, object};
use crate::health::PluginHealthStatus;
use crate::json::Object;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    /// What a look at a plugin's health found.
    PluginHealthReport {
        /// The verdict.
        status as "status": PluginHealthStatus;
        /// When it was reached, in UTC.
        timestamp as "timestamp": DateTime;
        /// The verdict in words.
        message as "message": Option<String>;
        /// What was measured.
        metrics as "metrics": Option<HealthMetrics>;
        /// What was checked, one entry per check.
        checks as "checks": Option<Vec<HealthCheckResult>>;
        /// How the plugins are that this one depends on.
        dependencies as "dependencies": Option<Vec<DependencyHealth>>;
    }
}

object! {
    defaulted
    /// Measured figures of a plugin; what was not measured is absent.
    HealthMetrics {
        /// Time since the plugin started, in milliseconds.
        uptime as "uptime": Option<f64>;
        /// Memory in use, in bytes.
        memory_usage as "memoryUsage": Option<f64>;
        /// Processor time in use, in percent of one core.
        cpu_usage as "cpuUsage": Option<f64>;
        /// How many connections or calls are open.
        active_connections as "activeConnections": Option<f64>;
        /// Errors per minute.
        error_rate as "errorRate": Option<f64>;
        /// Mean time to answer a call, in milliseconds.
        response_time as "responseTime": Option<f64>;
    }
}

object! {
    /// The outcome of one check.
    HealthCheckResult {
        /// What was checked.
        name as "name": String;
        /// How it went.
        status as "status": CheckStatus;
        /// The outcome in words.
        message as "message": Option<String>;
        /// Whatever else the check has to say, in a form of its own.
        data as "data": Option<Object>;
    }
}

choice! {
    /// How a check went.
    CheckStatus {
        /// Well.
        Passed = "passed",
        /// Badly.
        Failed = "failed",
        /// Well enough, but somebody should know.
        Warning = "warning",
    }
}

object! {
    /// How a plugin is that another one depends on.
    DependencyHealth {
        /// The name of the plugin depended on.
        plugin_id as "pluginId": String;
        /// How it is.
        status as "status": PluginHealthStatus;
        /// The same in words.
        message as "message": Option<String>;
    }
}
