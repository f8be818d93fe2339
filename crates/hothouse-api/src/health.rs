//! How plugins are, what is going to happen to them by themselves, and what they serve meanwhile. Moments are RFC 3339,
//! UTC; durations are milliseconds.

use hothouse_protocol::PluginHealthReport;
use serde::{Deserialize, Serialize};

/// How some plugins are. Nothing was asked of them for that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Healths {
    /// The project's name.
    pub project: String,
    /// The plugins, in the order of the project file.
    pub plugins: Vec<PluginHealth>,
}

/// How one plugin is, and how it came to that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginHealth {
    /// Its name.
    pub plugin: String,
    /// The protocol's own report.
    pub report: PluginHealthReport,
    /// Its last checks, the newest last.
    pub history: Vec<CheckInfo>,
}

/// A check that has come to an end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckInfo {
    /// When.
    pub time: String,
    /// The life that was checked.
    pub incarnation: u64,
    /// How it went: `passed` or `failed`.
    pub status: String,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took; absent for health that the plugin told by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
}

/// A dependency that is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingInfo {
    /// Its name.
    pub plugin: String,
    /// Whether it is critical.
    pub critical: bool,
    /// Why it is away, as it would follow "which": `is unhealthy: no disk`.
    pub why: String,
}

/// A restart that nobody asked for and that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartInfo {
    /// Its number, from 1.
    pub attempt: u64,
    /// How many there are.
    pub of: u64,
    /// How long until it is made.
    pub in_ms: u64,
}

/// What is going to happen to a plugin by itself, if nothing else does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// Its name.
    pub plugin: String,
    /// Where it is, as in [`PluginInfo::phase`](crate::PluginInfo::phase).
    pub phase: String,
    /// The moment of this answer.
    pub now: String,
    /// Its checks; absent: it is not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<ComingChecks>,
    /// Its restarts; absent: it is not restarted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<ComingRestarts>,
    /// What it does without its dependencies; absent: nothing is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

/// When a plugin is checked, and when it would be unhealthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComingChecks {
    /// Time from one to the next, within a few percent.
    pub every_ms: u64,
    /// When the next one is; absent: one is under way, or the plugin does not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many have failed in a row.
    pub failures: u64,
    /// How many in a row make it unhealthy.
    pub unhealthy_at_failures: u64,
    /// When that would be at the earliest: if each of those to come fails at once. Absent: it is unhealthy, or does not
    /// serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_at: Option<String>,
}

/// The restarts that a plugin still has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComingRestarts {
    /// How many count against it.
    pub made: u64,
    /// How many there are.
    pub max: u64,
    /// Whether it has had them all, and is restarted no more.
    pub given_up: bool,
    /// Those that it still has, if it goes on failing.
    pub coming: Vec<ComingRestart>,
    /// How many more there are after these; absent: more than anybody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<u64>,
    /// How long after its failure it is given up, if it fails again each time as soon as it is started; from now, if it
    /// pauses already. Absent: not within any number of restarts that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up_after_ms: Option<f64>,
    /// When that is, if the first of them is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up_at: Option<String>,
    /// How long it must stay healthy for its restarts to count from zero again.
    pub stable_ms: u64,
    /// When that is, if some count against it and it stays healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_at: Option<String>,
}

/// One restart that is to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComingRestart {
    /// Its number, from 1.
    pub attempt: u64,
    /// The pause before it, jitter included.
    pub pause_ms: f64,
    /// When it is made, if the plugin pauses for it, or, after that one, fails again as soon as it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What a plugin does when something that it depends on is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// The mode in which it serves without something critical; absent: it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The plugins without which it does so.
    pub critical: Vec<String>,
    /// The plugins without which only its features are switched.
    pub optional: Vec<String>,
    /// What it serves now; absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Whether an operator has set that.
    pub forced: bool,
    /// What is away.
    pub missing: Vec<MissingInfo>,
    /// How what is away is brought back; absent: only by itself, or by an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryInfo>,
}

/// Tries to bring back what a plugin does without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryInfo {
    /// How many have been made.
    pub tries: u64,
    /// How many there are.
    pub max: u64,
    /// Time from one to the next.
    pub every_ms: u64,
    /// When those to come are, the next few of them.
    pub coming: Vec<String>,
}

/// Which mode a plugin shall serve in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetMode {
    /// The plugin.
    pub plugin: String,
    /// The protocol's word for the mode; absent: it is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// How long to wait before the answer is [`UnderWay`](crate::UnderWay); 0: only until it is accepted; absent: for
    /// ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// What a plugin serves after its mode was set or released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModeNow {
    /// The plugin.
    pub plugin: String,
    /// Where it is. What is set holds as soon as it serves.
    pub phase: String,
    /// What it serves: a mode, `degraded` where only features are switched, or `normal`.
    pub mode: String,
    /// Whether an operator has set that.
    pub forced: bool,
    /// What is away.
    pub missing: Vec<MissingInfo>,
}
