//! One consistent picture of everything, for the command line, the API and the tests.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hothouse_protocol::PluginHealthStatus;

use crate::degradation::Service;
use crate::health::{Tally, Verdict};
use crate::kernel::Plugin;
use crate::phase::{Phase, StopCause};
use crate::{Graph, Incarnation, Instant, PluginId, Seq};

/// All plugins at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// The moment: that of the last input.
    pub now: Instant,
    /// Every plugin, in the order of the declarations.
    pub plugins: Vec<PluginView>,
}

/// One plugin at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct PluginView {
    /// The plugin.
    pub plugin: PluginId,
    /// What is wanted of it.
    pub desired: Desired,
    /// Where it is.
    pub phase: Phase,
    /// Since when it is there.
    pub since: Instant,
    /// Its current life, or its last one; 0 if it never lived.
    pub incarnation: Incarnation,
    /// What we tell people about its health. Derived, never stored.
    pub status: PluginHealthStatus,
    /// What its checks amount to.
    pub tally: Tally,
    /// What spoke against it at its last check.
    pub objection: Option<Box<str>>,
    /// How many restarts count against it.
    pub attempts: u64,
    /// When its health is checked next; `None`: it is being checked, or it is not watched.
    pub next_check: Option<Instant>,
    /// What it serves; `None`: everything.
    pub service: Option<Arc<Service>>,
    /// Its place in the order of becoming ready, over all lives of all plugins; `None` if this life never was ready.
    pub readiness: Option<u64>,
    /// The last event that changed it: its own, or the one by which it waits, may be launched, or is to be stopped.
    /// From there the causes lead back to what brought it where it is. `None` if nothing ever happened to it.
    pub last_event: Option<Seq>,
}

/// What is wanted of a plugin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Desired {
    /// It shall run.
    Up,
    /// It shall not run.
    Down,
}

impl Desired {
    /// The word for it in tables and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Desired::Up => "up",
            Desired::Down => "down",
        }
    }
}

/// The health that follows from a phase, the checks and what the plugin serves.
pub(crate) fn status(plugin: &Plugin, in_hard_times: bool) -> PluginHealthStatus {
    use PluginHealthStatus as Status;
    let life = &plugin.life;
    match &life.phase {
        Phase::Failed(_) | Phase::Abandoned(_) => Status::Failed,
        Phase::Ready | Phase::Leaving(_) => match life.tally.verdict {
            Verdict::Unhealthy => Status::Unhealthy,
            Verdict::Recovering => Status::Recovering,
            Verdict::Wavering => Status::Degraded,
            _ if in_hard_times || life.says_degraded => Status::Degraded,
            Verdict::Healthy => Status::Healthy,
            Verdict::Unknown => Status::Unknown,
        },
        Phase::Backoff { .. } => Status::Recovering,
        Phase::Waiting | Phase::Initializing { .. } | Phase::Starting { .. } | Phase::Checking { .. }
            if plugin.back.reviving =>
        {
            Status::Recovering
        }
        Phase::Stopping { cause: StopCause::Failure(_), .. } if plugin.back.proven => Status::Recovering,
        _ => Status::Unknown,
    }
}

/// Whether there is a plugin whose settings make it follow what happens to others.
pub(crate) fn anyone_follows(graph: &Graph) -> bool {
    let follows = |plugin: PluginId| {
        let settings = &graph.decl(plugin).settings;
        settings.health.is_some() || settings.degradation.is_some()
    };
    graph.plugins().any(follows)
}
