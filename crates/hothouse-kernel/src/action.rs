//! What the kernel tells a driver to do. Imperative: a driver does it, or says that it did not work; it never
//! chooses, repeats or puts off.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use crate::apply::ApplyReport;
use crate::degradation::Service;
use crate::startup::report::StartReport;
use crate::{Incarnation, Instant, PluginId, RequestId, Rung};

/// One thing to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Make an instance of the plugin and run its `init`.
    /// Answer: `Initialized`, `Failed` or `Gone`.
    Init {
        /// The plugin.
        plugin: PluginId,
        /// The new life.
        incarnation: Incarnation,
        /// When the kernel stops waiting. For the plugin's information; the driver keeps no time.
        until: Instant,
    },
    /// Run its `start`. Answer: `Started`, `NotReady`, `Failed` or `Gone`.
    Start {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// When the kernel stops waiting.
        until: Instant,
    },
    /// Look once whether it is ready now. Answer: `Started`, `NotReady`, `Failed` or `Gone`.
    Probe {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
    },
    /// Check its health once. Answer: `Checked`, `CheckFailed` or `Gone`.
    Check {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// The number of the check in this life, which the answer repeats.
        check: u64,
        /// When the kernel stops waiting.
        until: Instant,
    },
    /// Take this step of stopping it, whatever else is under way with it, which is to be dropped.
    /// Answer: `Destroyed` to the rung of that name, and to every rung `Gone` as soon as nothing is left.
    Stop {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// The step.
        rung: Rung,
        /// When the kernel goes on to the next step.
        until: Instant,
    },
    /// From here on calls of the plugin go through this, and it is told so if it has the verb. No answer is expected.
    Mode {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// What it serves.
        service: Arc<Service>,
    },
    /// Nobody waits for this life any more: cut it off from everything. No answer is expected; `Gone` is welcome.
    Abandon {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
    },
    /// From here on the graph is that of this request, whose definitions and settings hold for every life to come. The
    /// lives at hand go on.
    Replace {
        /// The [`Request::Apply`](crate::Request::Apply).
        request: RequestId,
    },
    /// Answer the one who asked.
    Complete {
        /// The request that has come to its end.
        request: RequestId,
        /// How it ended.
        outcome: Outcome,
    },
}

/// How a request ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// A start, or a restart, has come to its end, well or not: see the report.
    Started(Box<StartReport>),
    /// The graph was replaced, and what followed from that has come to its end, well or not: see the report.
    Applied(Box<ApplyReport>),
    /// What was to be stopped does not run any more; these did not stop as they should have.
    Stopped {
        /// Plugins that could not be ended at all, and are fenced off.
        abandoned: alloc::vec::Vec<PluginId>,
    },
    /// The mode is set, or released.
    ModeSet,
    /// It was not done, for this reason, and nothing was changed.
    Refused(String),
}
