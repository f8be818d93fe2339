//! What happened in a host, and why a plugin is where it is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::health::{MissingInfo, RestartInfo};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventInfo {
    /// Its number. Numbers go on from one run of a host to the next, without gaps within a run.
    pub seq: u64,
    /// The number of the event that brought it about; absent: it comes from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<u64>,
    /// When: RFC 3339, UTC.
    pub time: String,
    /// When, in milliseconds since the host began.
    pub at_ms: f64,
    /// What: `startBegan`, `stopRequested`, `restartRequested`, `launched`, `initialized`, `ready`, `failed`,
    /// `withdrawn`, `unwindBegan`, `stopBegan`, `destroyFailed`, `stopEscalated`, `stopped`, `abandoned`,
    /// `startEnded`, `stopEnded`, `applyBegan`, `replaced`, `refused`, `ignored`, `healthChanged`, `hostLate`,
    /// `restartScheduled`, `restartCancelled`, `gaveUp`, `modeSet`, `modeChanged`, `recoveryTried`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The plugin that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The life that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u64>,
    /// What else there is to say; what that is depends on the kind.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl EventInfo {
    /// A text that this kind of event carries.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.more.get(name)?.as_str()
    }

    /// A text of the failure that this kind of event carries.
    pub fn failure(&self, name: &str) -> Option<&str> {
        self.more.get("failure")?.get(name)?.as_str()
    }
}

/// Why a plugin is where it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The plugin.
    pub plugin: String,
    /// Where it is, as in [`PluginInfo::phase`](crate::PluginInfo::phase).
    pub phase: String,
    /// Since when it is there; absent if nothing ever happened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The moment of this answer. Without a running host, that of the last event that it has written down.
    pub now: String,
    /// Whether the host runs.
    pub running: bool,
    /// What it comes from: the failure, or the request, at the beginning of it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<EventInfo>,
    /// Where the plugin of the root stands in the project file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How it came about, the root first: each event is the cause of the next one.
    pub chain: Vec<EventInfo>,
    /// Whether there was more before the first event of the chain.
    #[serde(default)]
    pub cut: bool,
    /// While it waits: the plugins that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// The protocol's health status; absent without a running host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What spoke against it at its last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// What it serves: a mode, or `degraded` where only features are switched; absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether an operator has set the mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// What it does without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingInfo>,
    /// The plugin that is to blame for the first of those: itself, or what it does without in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// The restart that is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartInfo>,
    /// After so many restarts it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave_up_after: Option<u64>,
}

/// A plugin that others do without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Away {
    /// Its name.
    pub plugin: String,
    /// Why it is away, as it would follow the name: `failed at run: exited with code 3`.
    pub why: String,
    /// Where it is; absent if it is not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Where it stands in the project file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}
