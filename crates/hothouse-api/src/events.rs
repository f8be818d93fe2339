//! What happened in a host, and why a plugin is where it is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// `startEnded`, `stopEnded`, `applyBegan`, `replaced`, `refused`, `ignored`.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}
