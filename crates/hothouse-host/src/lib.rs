//! The embeddable plugin host.
//!
//! A [`Host`] owns a set of plugins and runs them on a thread of its own: one loop around the kernel, which decides,
//! and the loaders of the plugins, which do. An embedding program describes its plugins ([`PluginSpec`]), makes a
//! host of them and talks to it from anywhere; every method is a request to the loop and may be awaited on any
//! executor, or waited for with [`wait`].
//!
//! The protocol's orchestrator contract is here under its own names: [`Host::orchestrate_startup`],
//! [`Host::rollback`], [`Host::check_health`], [`Host::start_with_timeout`].
//!
//! [`Host::apply`] replaces the whole configuration and touches only what differs; [`Host::plan_apply`] says what that
//! would be.
//!
//! The loop keeps six rules:
//! 1. One input, drain the actions, sleep.
//! 2. What happened is told to the listeners, and written down, before what it caused is done.
//! 3. No action is awaited in the loop; each goes on elsewhere.
//! 4. Every action is answered at most once, with its incarnation. A lost answer is the kernel's problem.
//! 5. Nothing is repeated or chosen here.
//! 6. The end is an input, not a dropped future.
//!
//! Calls go past the loop, from the caller to the plugin that serves: `router`.
//!
//! What plugins log is kept, read and watched beside the loop: [`logs`].
//!
//! What it does not do: it knows no particular runtime, no file format and no wire. Who picks those is the binary, or
//! the embedding program.

mod alarm_clock;
mod apply;
mod command;
mod current;
mod engine;
mod handle;
mod health;
mod history;
mod inbox;
pub mod logs;
mod notice;
mod plugins;
mod records;
mod report;
mod router;
mod spec;
mod wait;

pub use apply::{AppliedReport, ApplyError, ApplyPreview, Configuration};
pub use handle::{BuildError, Host, Refused};
pub use health::{CheckRecord, HealthRecord, Recovery, Schedule};
pub use history::{EventFeed, EventPage, Explanation, Fed, Record, Redact, happening_json};
pub use hothouse_runtime::{CallAnswer, CallOptions};
pub use notice::{Notice, Notices, Warning};
pub use plugins::{HostView, PluginStatus};
pub use records::{RecordSettings, read_events};
pub use report::{StartupReport, Timeline, TimelineEntry};
pub use router::{CallCounts, CallSpan, Trace};
pub use spec::{CallRules, CallSettings, HostSettings, PluginSpec};
pub use wait::wait;
