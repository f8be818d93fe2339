//! What a plugin may use, and what is recorded about it.

use crate::declare::object;
use crate::wire::{Minimum, Range};

object! {
    defaulted
    /// What a plugin may use at most; what is absent is not limited.
    ResourceLimits {
        /// Memory, in bytes.
        max_memory as "maxMemory": Option<i64>;
        /// Processor time, in percent of one core.
        max_cpu as "maxCpu": Option<f64> [Range::between(0.0, 100.0)];
        /// Calls at the same time.
        max_connections as "maxConnections": Option<i64>;
        /// Time that one call may take, in milliseconds.
        timeout as "timeout": Option<i64>;
    }
}

object! {
    defaulted
    /// What is recorded about a plugin.
    Observability {
        /// Whether figures are collected.
        enable_metrics as "enableMetrics": bool = true;
        /// Whether calls and lifecycle operations are traced.
        enable_tracing as "enableTracing": bool = true;
        /// Whether the plugin may be profiled.
        enable_profiling as "enableProfiling": bool = false;
        /// Time from one collection of figures to the next, in milliseconds.
        metrics_interval as "metricsInterval": u64 [Minimum(1000)] = 60_000;
    }
}
