//! Where one plugin is. A plugin is in exactly one phase, the phase carries the reason it is there, and no second
//! flag can contradict it.
//!
//! ```text
//!            launch          Initialized       Started          Checked
//! Waiting ───────────▶ Initializing ───▶ Starting ───▶ Checking ───▶ Ready
//!    │                       │              │            │            │ leave (its turn has not come)
//!    │ withdrawn             └──── cut off, failed ──────┤            ▼
//!    ▼                                                   ▼         Leaving
//!  Down ◀──────────────── gone ──────────────────── Stopping ◀────────┘ its turn
//!  Failed ◀──── gone, and it was a failure ──────────────┤
//!                                                        ▼ still there after the last rung
//!                                                    Abandoned
//! ```
//! A life that ends by itself (`Gone`) leaves Initializing, Starting, Checking and Ready for Failed, and Leaving for
//! Down. A plugin that was ready before and is restarted without being asked for goes to Backoff in the place of Failed,
//! and from there, when its pause is over, to Waiting.

use alloc::sync::Arc;
use core::fmt;

use crate::failure::Failure;
use crate::ladder::Rung;
use crate::{Instant, PluginId};

/// Where one plugin is.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// It does not run, and nothing is wrong with that.
    Down(Rest),
    /// It is to start; something that it needs is not ready, or there is no free place.
    Waiting,
    /// Its instance is being made and its `init` runs.
    Initializing {
        /// The end of the time that its start may take.
        until: Instant,
    },
    /// Its `init` is done and its `start` runs.
    Starting {
        /// The end of the time that its start may take.
        until: Instant,
        /// How often it has answered that it is not ready yet.
        probes: u32,
        /// When it is asked again; `None` while an answer is outstanding.
        ask_at: Option<Instant>,
    },
    /// It has started and its health is being checked once.
    Checking {
        /// The end of the time that the check may take.
        until: Instant,
    },
    /// It serves.
    Ready,
    /// It still serves, but it is going to be stopped when those that became ready after it are gone.
    Leaving(StopCause),
    /// It is being stopped.
    Stopping {
        /// Why.
        cause: StopCause,
        /// The step under way.
        rung: Rung,
        /// When the next step is taken.
        until: Instant,
    },
    /// It failed and is going to be started again, without being asked to.
    Backoff {
        /// Why it failed.
        failure: Arc<Failure>,
        /// The number of the restart, from 1.
        attempt: u64,
        /// When it is made.
        until: Instant,
    },
    /// It does not run because it failed, or because something it needs did.
    Failed(Arc<Failure>),
    /// It was told to stop in every way its runtime has, and it is still there. Nobody talks to it any more, and it
    /// is never started again by itself.
    Abandoned(StopCause),
}

/// Why a plugin is down without a failure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rest {
    /// It was never asked to start, or its turn never came.
    NotStarted,
    /// It was stopped because that was asked for.
    Stopped,
    /// It was stopped because the startup that it belonged to failed.
    Unwound,
}

/// Why a plugin is being stopped.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StopCause {
    /// An operator or the embedding program asked.
    Asked,
    /// It, or something that it needs, is to be stopped and started again.
    Restart,
    /// It is declared no more.
    Removed,
    /// A startup failed, and what it had started is unwound. The plugin is the one that failed first.
    Unwind(PluginId),
    /// It failed itself; what is left of it is cleared away.
    Failure(Arc<Failure>),
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopCause::Asked => f.write_str("stop asked for"),
            StopCause::Restart => f.write_str("restart"),
            StopCause::Removed => f.write_str("removed"),
            StopCause::Unwind(failed) => write!(f, "unwinding, {failed} failed"),
            StopCause::Failure(failure) => write!(f, "{} failed", failure.stage),
        }
    }
}

impl Phase {
    /// The word for this phase in tables and in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Phase::Down(Rest::NotStarted) => "not-started",
            Phase::Down(_) => "stopped",
            Phase::Waiting => "waiting",
            Phase::Initializing { .. } => "initializing",
            Phase::Starting { .. } => "starting",
            Phase::Checking { .. } => "checking",
            Phase::Ready => "ready",
            Phase::Leaving(_) => "leaving",
            Phase::Stopping { .. } => "stopping",
            Phase::Backoff { .. } => "backoff",
            Phase::Failed(_) => "failed",
            Phase::Abandoned(_) => "abandoned",
        }
    }

    /// Whether a life is on its way to readiness.
    pub fn is_launching(&self) -> bool {
        matches!(self, Phase::Initializing { .. } | Phase::Starting { .. } | Phase::Checking { .. })
    }

    /// Whether it answers calls.
    pub fn is_serving(&self) -> bool {
        matches!(self, Phase::Ready | Phase::Leaving(_))
    }

    /// Whether nothing of it is left and nothing is under way: it neither runs, nor waits, nor stops.
    pub fn is_at_rest(&self) -> bool {
        matches!(self, Phase::Down(_) | Phase::Failed(_) | Phase::Abandoned(_))
    }

    /// Whether an instance of it may exist that the host has to do with.
    pub fn is_alive(&self) -> bool {
        self.is_launching() || self.is_serving() || matches!(self, Phase::Stopping { .. })
    }

    /// When this phase must be looked at again, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Phase::Starting { until, ask_at, .. } => Some(ask_at.map_or(*until, |ask| ask.min(*until))),
            Phase::Initializing { until }
            | Phase::Checking { until }
            | Phase::Stopping { until, .. }
            | Phase::Backoff { until, .. } => Some(*until),
            _ => None,
        }
    }
}
