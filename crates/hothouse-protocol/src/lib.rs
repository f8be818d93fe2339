//! Both protocol documents as types: wire form, defaults, validation with paths, JSON Schema.
//!
//! The protocol has thirteen schemas, listed by [`SchemaName::ALL`]. Each is one Rust type that implements
//! [`Schema`]; a caller who knows a schema only by its name uses [`SchemaName`] itself. Values come from
//! [`json::parse`], whose numbers and repeated names follow JavaScript, because the protocol's rules do.
//!
//! Validation reports every problem at once. Each is an [`Issue`]: where ([`Path`]) and what ([`Problem`]).
//!
//! This crate says how a field is spelt, its unit, default and bounds. It does not say what a host does with
//! it, knows no file and no clock, and checks nothing that the schemas do not (whether a cron expression can
//! be read, whether two fields fit together): that is for the configuration.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod date_time;
mod declare;
pub mod json;
mod line;
mod near_miss;
mod path;
mod problem;
mod schema;
mod secret;
mod wire;

mod degradation;
mod health;
mod lifecycle;
mod reload;
mod report;
mod resources;
mod snapshot;
mod startup;
mod update;

pub use date_time::{DateTime, DateTimeFault};
pub use degradation::{AutoRecovery, DegradedFeature, FallbackMode, GracefulDegradation};
pub use health::{PluginHealthCheck, PluginHealthStatus, RestartBackoff};
pub use lifecycle::AdvancedPluginLifecycleConfig;
pub use line::answer_line;
pub use near_miss::near_miss;
pub use path::{Path, Segment};
pub use problem::{Expected, Found, Issue, Problem, UnknownMember};
pub use reload::{
    DistributedAuth, DistributedProvider, DistributedReplication, DistributedStateConfig, HotReloadConfig,
    StateStrategy,
};
pub use report::{CheckStatus, DependencyHealth, HealthCheckResult, HealthMetrics, PluginHealthReport};
pub use resources::{Observability, ResourceLimits};
pub use schema::{Schema, SchemaName, Side, UnknownSchema};
pub use secret::Secret;
pub use snapshot::{PluginStateSnapshot, SnapshotMetadata};
pub use startup::{
    HealthStatus, PluginMetadata, PluginStartupResult, StartupError, StartupOptions,
    StartupOrchestrationResult,
};
pub use update::{
    AutoUpdateConstraints, PluginUpdateStrategy, UpdateMode, UpdateRollback, UpdateSchedule, UpdateValidation,
};
pub use wire::{MAX_SAFE_INTEGER, Range};
