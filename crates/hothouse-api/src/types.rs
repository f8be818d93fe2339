//! Bodies of requests and answers. Names on the wire are camelCase; times are milliseconds.

use hothouse_protocol::{HealthStatus, StartupOrchestrationResult};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::health::{MissingInfo, RestartInfo};
use crate::logs::LogLine;

/// Every plugin of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plugins {
    /// The project's name.
    pub project: String,
    /// The host's own process.
    pub pid: u32,
    /// How long the host has been running.
    pub uptime_ms: u64,
    /// The plugins, in the order of the project file.
    pub plugins: Vec<PluginInfo>,
}

/// How everything stands, with a mark that is another one as soon as something changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginsNow {
    /// To be given with the next question.
    pub mark: String,
    /// Every plugin.
    pub plugins: Plugins,
}

/// How one plugin stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What runs it: `native`, `process`, `command`.
    pub runtime: String,
    /// What is wanted of it: `up` or `down`.
    pub desired: String,
    /// Where it is: `not-started`, `waiting`, `initializing`, `starting`, `checking`, `ready`, `leaving`,
    /// `stopping`, `stopped`, `backoff`, `failed`, `abandoned`.
    pub phase: String,
    /// The protocol's health status.
    pub status: String,
    /// How long it has been there.
    pub since_ms: u64,
    /// The number of its current or last life; 0 if it never lived.
    pub incarnation: u64,
    /// Its process, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The methods that it exports, while it lives.
    pub methods: Vec<String>,
    /// What it needs, by name.
    pub dependencies: Vec<String>,
    /// What it serves: a mode, or `degraded` where only features are switched; absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether an operator has set the mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// What it does without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingInfo>,
    /// What spoke against it at its last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// The restart that is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartInfo>,
    /// After so many restarts it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave_up_after: Option<u64>,
    /// Why it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureInfo>,
}

/// Why a plugin is not running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureInfo {
    /// The code, as in the protocol's `error.code`.
    pub code: String,
    /// How far it had come.
    pub stage: String,
    /// What happened.
    pub message: String,
    /// Its last words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The plugin that really failed, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Where the plugin stands in the project file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Which plugins to start, stop or restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Change {
    /// Their names. Absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<String>>,
    /// The longest that each start may take; absent: as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How long to wait for the end before the answer is [`UnderWay`]; 0: only until it is accepted; absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// The answer, with status 202, to a change that was accepted and has not come to its end. It goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    /// What is under way: `start`, `restart`, `stop`, `down`, `apply`, `mode`.
    pub under_way: String,
}

/// What a start or a restart came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The protocol's own report.
    pub result: StartupOrchestrationResult,
    /// When what happened.
    pub timeline: Timeline,
    /// The plugin that failed first, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<RootCause>,
    /// After a failure: what runs all the same, of the whole host, in the order of the project file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_running: Option<Vec<String>>,
}

/// The last start of a host that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastStart {
    /// The project's name.
    pub project: String,
    /// When it was asked for: RFC 3339, UTC.
    pub began: String,
    /// What it came to.
    pub start: Started,
}

/// The plugin that failed first, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootCause {
    /// Its name.
    pub plugin: String,
    /// Why it failed.
    pub failure: FailureInfo,
    /// The last lines of its log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<LogLine>,
}

/// When what happened during a start, in milliseconds from the request, with fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// One entry per plugin, in the order of the plan.
    pub plugins: Vec<TimelineEntry>,
    /// The chain of plugins that decided how long it took, first to last.
    pub critical_path: Vec<String>,
    /// The whole.
    pub total_ms: f64,
}

/// When what happened to one plugin. What did not happen is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// Its name.
    pub plugin: String,
    /// Its launch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched_ms: Option<f64>,
    /// The end of its `init`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initialized_ms: Option<f64>,
    /// Its readiness, or its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<f64>,
    /// Whether it became ready.
    pub success: bool,
    /// What it waited for, of what was part of the same start.
    #[serde(default)]
    pub after: Vec<String>,
}

/// What was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    /// The plugins that were stopped: those asked for that ran, and what needed them, in the order of the project file.
    pub stopped: Vec<String>,
    /// Plugins that could not be ended at all.
    pub abandoned: Vec<String>,
}

/// A call of a method.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallRequest {
    /// The plugin.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// The argument; absent: `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// How long to wait; absent: 30 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The same for every attempt at the same thing; handed to the plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// W3C trace context of the caller; handed on to the plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Whether the answer shall say what the call led to, and where the time went. It begins a trace of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trace: bool,
}

/// The answer to a call that succeeded. One that failed is a [`Problem`] with the plugin's own code.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallAnswer {
    /// The plugin's answer.
    pub result: Box<RawValue>,
    /// Set if the result is an earlier one that was kept, because the plugin cannot give a new one at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<Stale>,
    /// The trace, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<CallTrace>,
}

/// How old a result is that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stale {
    /// Its age in milliseconds.
    pub age_ms: u64,
}

/// What a call led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallTrace {
    /// The number of the trace, as it stands in a W3C trace context.
    pub id: String,
    /// Every finished call of it, in the order in which they were asked for. Plugins that do not pass the trace context on
    /// have none below theirs.
    pub calls: Vec<TracedCall>,
}

/// One call of a trace. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TracedCall {
    /// Its number.
    pub id: String,
    /// The call that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The plugin that called; absent if it was whoever began the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The plugin that was called.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// When it was asked for, from the beginning of the trace.
    pub start_us: u64,
    /// How long it waited before it was passed on to the plugin.
    pub waited_us: u64,
    /// How long it took, the wait included.
    pub took_us: u64,
    /// `ok`, `stale`, or the code of the error.
    pub outcome: String,
}

/// A plugin's health.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthAnswer {
    /// What it says, or what the probe of it says.
    pub health: HealthStatus,
    /// Where the plugin stands in the project file, if it is unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// For programs: one of those in `docs/messages.md`, or a plugin's own.
    pub code: String,
    /// For a person.
    pub message: String,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Where the plugin that it is about stands in the project file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The trace of the call that failed, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<CallTrace>>,
}
