//! What happened and why, for people: progress, logs, explanations. Nothing in the host decides by an event.
//!
//! Events are numbered, and each names the one that brought it about:
//!
//! | event | its cause |
//! |---|---|
//! | `StartBegan` | none; of a restart, `RestartRequested` |
//! | `StopRequested`, `RestartRequested`, `ApplyBegan`, `Refused`, `Ignored` | none: they come from outside |
//! | `Replaced` | what the apply was waiting for last, else `ApplyBegan`; its `StartBegan` follows from it |
//! | `Launched` | what it waited for last: a dependency's `Ready` (or its failure, if it was optional), the end of its last life in a restart, else `StartBegan`. A wait for a place or for its turn is no cause |
//! | `Initialized`, `Ready` | what happened to it before: `Launched`, `Initialized` |
//! | `Failed` by itself | none |
//! | `Failed` because its time was up | what happened to it before |
//! | `Failed` for want of a dependency | the dependency's `Failed`, or what else took the dependency away |
//! | `Withdrawn` | the culprit's `Failed`, or the request |
//! | `UnwindBegan` | `Failed`, or `StopRequested` |
//! | `StopBegan` | its own `Failed`, `UnwindBegan`, or the request |
//! | `StopEscalated`, `DestroyFailed`, `Abandoned`, `Stopped` | what happened to it before: `StopBegan`, `StopEscalated` |
//! | `HealthChanged`, `HostLate` | none: they come from outside |
//! | `Failed` because it is unhealthy | the `HealthChanged` |
//! | `RestartScheduled`, `GaveUp` | what happened to it before: its own `Failed`, `Stopped` |
//! | `RestartCancelled` | the request |
//! | `ModeSet` | none: it comes from outside |
//! | `ModeChanged` | what changed the dependency, or `ModeSet` |
//! | `RecoveryTried` | what happened to it before: `ModeChanged` |
//! | `StartEnded`, `StopEnded` | the event that was waited for last |

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use hothouse_protocol::{FallbackMode, PluginHealthStatus};

use crate::degradation::Service;
use crate::failure::Failure;
use crate::input::{Asker, Targets};
use crate::phase::StopCause;
use crate::{Incarnation, Instant, PluginId, RequestId, Rung, Seq};

/// One thing that happened, and when.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Its number.
    pub seq: Seq,
    /// The event that brought it about, which is an earlier one. `None`: it comes from outside.
    pub cause: Option<Seq>,
    /// When.
    pub at: Instant,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// A start, or the starting half of a restart, was accepted.
    StartBegan {
        /// The request.
        request: RequestId,
        /// Who asked for it.
        by: Asker,
        /// What was asked for.
        targets: Targets,
        /// How many plugins it is to start.
        plugins: u32,
    },
    /// A stop was accepted.
    StopRequested {
        /// The request.
        request: RequestId,
        /// Who asked for it.
        by: Asker,
        /// What was asked for.
        targets: Targets,
    },
    /// A restart was accepted. Its starting half follows as `StartBegan`.
    RestartRequested {
        /// The request.
        request: RequestId,
        /// Who asked for it.
        by: Asker,
        /// What was asked for.
        targets: Targets,
    },
    /// A plugin's instance is being made.
    Launched {
        /// The plugin.
        plugin: PluginId,
        /// The new life.
        incarnation: Incarnation,
    },
    /// Its `init` has completed.
    Initialized {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
    },
    /// It serves.
    Ready {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// How long it took from its launch.
        took: Duration,
    },
    /// It failed, or cannot start.
    Failed {
        /// The plugin.
        plugin: PluginId,
        /// The life that failed; the last one if it never got to live.
        incarnation: Incarnation,
        /// Why.
        failure: Arc<Failure>,
    },
    /// Its start was cut off, or will not take place, for a reason that is not its own.
    Withdrawn {
        /// The plugin.
        plugin: PluginId,
        /// Why.
        failure: Arc<Failure>,
    },
    /// A start has failed, and all that it started is being stopped again.
    UnwindBegan {
        /// The start.
        request: RequestId,
        /// The plugin that failed; `None` if a stop was asked for.
        failed: Option<PluginId>,
    },
    /// A plugin is being stopped.
    StopBegan {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// Why.
        cause: StopCause,
        /// The first step taken.
        rung: Rung,
    },
    /// Its `destroy` answered with an error, or the answer was no answer. The stop goes on.
    DestroyFailed {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// What it said.
        message: Box<str>,
    },
    /// A step of stopping it took longer than it may; the next one is taken.
    StopEscalated {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// The step that did not do.
        from: Rung,
        /// The step that is taken now.
        to: Rung,
    },
    /// Nothing is left of it, as it was wanted.
    Stopped {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
    },
    /// It is still there after the last step of stopping it. It is fenced off and left alone.
    Abandoned {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
    },
    /// A start has come to its end.
    StartEnded {
        /// The request.
        request: RequestId,
        /// Whether all of it runs.
        all_successful: bool,
    },
    /// A replacement of the graph was accepted. What must go is stopped first.
    ApplyBegan {
        /// The request.
        request: RequestId,
        /// Who asked for it.
        by: Asker,
        /// How many plugins it stops.
        stops: u32,
        /// How many plugins it starts.
        starts: u32,
    },
    /// What had to go is gone, and the graph is replaced; what must come is started now.
    Replaced {
        /// The request.
        request: RequestId,
    },
    /// A plugin's health is another one now.
    HealthChanged {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// How it was.
        from: PluginHealthStatus,
        /// How it is.
        to: PluginHealthStatus,
        /// What speaks against it, if anything does.
        why: Option<Box<str>>,
    },
    /// The host came so late that a check which it could not look at gets its time once more.
    HostLate {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// By how much.
        late: Duration,
    },
    /// A plugin that failed is going to be started again, without being asked to.
    RestartScheduled {
        /// The plugin.
        plugin: PluginId,
        /// The life that is over.
        incarnation: Incarnation,
        /// The number of the restart, from 1.
        attempt: u64,
        /// How many there are.
        of: u64,
        /// How long until it is made.
        pause: Duration,
    },
    /// A restart that was to come does not, because something else was asked for.
    RestartCancelled {
        /// The plugin.
        plugin: PluginId,
        /// Its last life.
        incarnation: Incarnation,
    },
    /// A plugin has had all its restarts.
    GaveUp {
        /// The plugin.
        plugin: PluginId,
        /// Its last life.
        incarnation: Incarnation,
        /// How many restarts there were.
        attempts: u64,
    },
    /// An operator has set or released the mode of a plugin.
    ModeSet {
        /// The request.
        request: RequestId,
        /// Who asked for it.
        by: Asker,
        /// The plugin.
        plugin: PluginId,
        /// The mode; `None`: released.
        mode: Option<FallbackMode>,
    },
    /// A plugin serves something else than before.
    ModeChanged {
        /// The plugin.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// The word for what it served ([`Service::as_str`]).
        from: &'static str,
        /// What it serves now.
        service: Arc<Service>,
    },
    /// It was tried to bring back what a plugin does without.
    RecoveryTried {
        /// The plugin that does without.
        plugin: PluginId,
        /// The life.
        incarnation: Incarnation,
        /// The number of the try, from 1.
        attempt: u64,
        /// How many there are.
        of: u64,
        /// What is away, by name.
        missing: Vec<Box<str>>,
    },
    /// What was to be stopped is stopped.
    StopEnded {
        /// The request.
        request: RequestId,
    },
    /// A request was refused.
    Refused {
        /// The request.
        request: RequestId,
        /// Why.
        why: Box<str>,
    },
    /// An answer arrived that nobody waits for.
    Ignored {
        /// The plugin it is about.
        plugin: PluginId,
        /// The life it is about.
        incarnation: Incarnation,
        /// Why it has no effect.
        reason: IgnoredReason,
    },
}

impl Happening {
    /// The plugin that it is about, if it is about one.
    pub fn plugin(&self) -> Option<PluginId> {
        match self {
            Happening::Launched { plugin, .. }
            | Happening::Initialized { plugin, .. }
            | Happening::Ready { plugin, .. }
            | Happening::Failed { plugin, .. }
            | Happening::Withdrawn { plugin, .. }
            | Happening::StopBegan { plugin, .. }
            | Happening::DestroyFailed { plugin, .. }
            | Happening::StopEscalated { plugin, .. }
            | Happening::Stopped { plugin, .. }
            | Happening::Abandoned { plugin, .. }
            | Happening::HealthChanged { plugin, .. }
            | Happening::HostLate { plugin, .. }
            | Happening::RestartScheduled { plugin, .. }
            | Happening::RestartCancelled { plugin, .. }
            | Happening::GaveUp { plugin, .. }
            | Happening::ModeSet { plugin, .. }
            | Happening::ModeChanged { plugin, .. }
            | Happening::RecoveryTried { plugin, .. }
            | Happening::Ignored { plugin, .. } => Some(*plugin),
            Happening::StartBegan { .. }
            | Happening::StopRequested { .. }
            | Happening::RestartRequested { .. }
            | Happening::ApplyBegan { .. }
            | Happening::Replaced { .. }
            | Happening::UnwindBegan { .. }
            | Happening::StartEnded { .. }
            | Happening::StopEnded { .. }
            | Happening::Refused { .. } => None,
        }
    }
}

/// Why an answer has no effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum IgnoredReason {
    /// There is no such plugin.
    UnknownPlugin,
    /// It is about a life that is over, or that never was.
    StaleIncarnation,
    /// It answers a question that is not open: a second answer, or one to a step that was given up.
    NotAsked,
}

impl IgnoredReason {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            IgnoredReason::UnknownPlugin => "there is no such plugin",
            IgnoredReason::StaleIncarnation => "that life is over, or never was",
            IgnoredReason::NotAsked => "nothing was asked that it could answer",
        }
    }
}
