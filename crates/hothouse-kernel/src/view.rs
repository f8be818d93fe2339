//! One consistent picture of everything, for the command line, the API and the tests.

use alloc::vec::Vec;

use hothouse_protocol::PluginHealthStatus;

use crate::phase::Phase;
use crate::{Incarnation, Instant, PluginId, Seq};

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

/// The health that follows from a phase and from the check after the start.
pub(crate) fn status(phase: &Phase, passed_check: bool) -> PluginHealthStatus {
    match phase {
        Phase::Failed(_) | Phase::Abandoned(_) => PluginHealthStatus::Failed,
        Phase::Ready | Phase::Leaving(_) if passed_check => PluginHealthStatus::Healthy,
        _ => PluginHealthStatus::Unknown,
    }
}
