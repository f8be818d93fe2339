//! The messages of the plugin contract, the same in every runtime.
//!
//! In `process` plugins they are JSON-RPC parameters and results; in `native` ones the arguments of the trait. Verbs
//! that a plugin may leave out are named in its [`Description`]; the host never finds out by trying.

use std::collections::BTreeMap;
use std::fmt;

use hothouse_kernel::{Need, Service};
use hothouse_protocol::json::Value;
use hothouse_protocol::{HealthStatus, Schema};
use serde::{Deserialize, Serialize};

use crate::Json;

/// The version of the contract that this host speaks. A plugin that answers `init` with another one is refused.
pub const VERSION: u32 = 1;

/// What `init` carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitParams {
    /// The version of the contract that the host speaks.
    pub contract: u32,
    /// The plugin's own name.
    pub plugin: String,
    /// The plugin's own version.
    pub version: String,
    /// The number of this life.
    pub incarnation: u64,
    /// The plugin's configuration, as it stands in the project file; `null` if there is none.
    pub config: Json,
    /// `startup.context`, unchanged; `null` if there is none.
    pub context: Json,
    /// What the plugin may ask of the host, by name: `log`, `call`, `health`.
    pub capabilities: Vec<String>,
}

/// What `start` carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartParams {
    /// The number of this life.
    pub incarnation: u64,
    /// `startup.context`, unchanged; `null` if there is none.
    pub context: Json,
}

/// What `call` carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallParams {
    /// The method, one of those the plugin exports.
    pub method: String,
    /// The argument.
    pub payload: Json,
    /// How long the caller waits from now on, in milliseconds; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The plugin that calls; absent if it is an operator or the embedding program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// W3C trace context of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The same for every attempt at the same thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The number of this life.
    pub incarnation: u64,
}

/// What `mode` carries: what the plugin serves from now on, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModeParams {
    /// The fallback mode; `degraded` where only features are switched; `normal` when everything is served as ever.
    pub mode: String,
    /// Which features are on and which are off, as far as that is declared for now.
    pub features: BTreeMap<String, bool>,
    /// What is away.
    pub missing: Vec<MissingPlugin>,
    /// The number of this life.
    pub incarnation: u64,
}

/// A plugin that is away, as those are told that depend on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingPlugin {
    /// Its name.
    pub plugin: String,
    /// Whether it is critical.
    pub critical: bool,
    /// Why it is away, as it would follow "which".
    pub why: String,
}

impl ModeParams {
    /// What that life is told of what it serves.
    pub fn new(service: &Service, incarnation: u64) -> ModeParams {
        let in_force = service.features.iter().filter(|_| service.switched);
        let missing = service.missing.iter().map(|missing| MissingPlugin {
            plugin: missing.name.as_ref().into(),
            critical: missing.need == Need::Hard,
            why: missing.why.as_ref().into(),
        });
        ModeParams {
            mode: service.as_str().into(),
            features: in_force.map(|switch| (switch.feature.as_ref().into(), switch.enabled)).collect(),
            missing: missing.collect(),
            incarnation,
        }
    }
}

/// What `destroy` carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestroyParams {
    /// Why, for the plugin's own log.
    pub reason: String,
    /// The number of this life.
    pub incarnation: u64,
}

/// What a plugin says of itself in answer to `init`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Description {
    /// The version of the contract that it speaks; absent means the host's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<u32>,
    /// The methods that it exports. Each is a name, or an object with more about it.
    #[serde(deserialize_with = "methods")]
    pub methods: Vec<Method>,
    /// The hooks that it has, by name.
    pub hooks: Vec<String>,
    /// Its features, by name.
    pub features: Vec<String>,
    /// Which of the optional verbs it has: `start`, `restore`, `health`, `hook`, `mode`, `drain`, `snapshot`,
    /// `destroy`. Absent: `start` and `destroy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbs: Option<Vec<String>>,
    /// The schema versions of its state that it can read, the one that it writes first.
    pub state: Vec<u64>,
}

/// One method that a plugin exports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// It changes nothing.
    pub readonly: bool,
    /// Its last good answer may be given again while it cannot answer.
    pub cacheable: bool,
    /// It works whatever is missing.
    pub essential: bool,
    /// Doing it twice is doing it once.
    pub idempotent: bool,
    /// The feature that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// JSON Schema of its argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
    /// JSON Schema of its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
}

impl Method {
    /// A method of that name of which nothing else is known.
    pub fn named(name: impl Into<String>) -> Method {
        Method { name: name.into(), ..Method::default() }
    }
}

fn methods<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Method>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Name(String),
        Full(serde_json::Value),
    }
    let entries = Vec::<Entry>::deserialize(deserializer)?;
    let method = |entry| match entry {
        Entry::Name(name) => Ok(Method::named(name)),
        Entry::Full(value) => serde_json::from_value(value).map_err(serde::de::Error::custom),
    };
    entries.into_iter().map(method).collect()
}

impl Description {
    /// A description of a plugin that exports these methods and has the verbs `start` and `destroy`.
    pub fn of(methods: &[&str]) -> Description {
        Description {
            methods: methods.iter().map(|name| Method::named(*name)).collect(),
            ..Description::default()
        }
    }

    /// Whether the plugin speaks this host's version of the contract.
    ///
    /// # Errors
    /// Both versions, for a person.
    pub fn check_contract(&self) -> Result<(), String> {
        match self.contract {
            Some(spoken) if spoken != VERSION => Err(format!(
                "it speaks version {spoken} of the plugin contract; this host speaks version {VERSION}"
            )),
            _ => Ok(()),
        }
    }

    /// Whether the plugin has this optional verb.
    pub fn has_verb(&self, verb: &str) -> bool {
        match &self.verbs {
            Some(verbs) => verbs.iter().any(|known| known == verb),
            None => matches!(verb, "start" | "destroy"),
        }
    }

    /// The method of that name.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// How a verb or a call went wrong, in the plugin's words. Codes are open text, never a closed list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginError {
    /// A short word for programs, such as `NOT_FOUND`.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// Whether the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

impl PluginError {
    /// An error with that code and message, not worth a second try.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> PluginError {
        PluginError { code: code.into(), message: message.into(), retryable: false, data: None }
    }

    /// The same error, worth a second try.
    #[must_use]
    pub fn retryable(mut self) -> PluginError {
        self.retryable = true;
        self
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => f.write_str(&self.message),
            code => write!(f, "{code}: {}", self.message),
        }
    }
}

impl std::error::Error for PluginError {}

/// Reads an answer to a health question in any of its forms: a health report (`status`), a health status
/// (`healthy`), or a bare boolean. What the plugin leaves out is filled in: `now_ms` as the time.
///
/// # Errors
/// What is wrong with the answer, for a person.
pub fn read_health(answer: &Value, now_ms: i64) -> Result<HealthStatus, String> {
    match answer {
        Value::Bool(healthy) => {
            Ok(HealthStatus { healthy: *healthy, timestamp: now_ms, details: None, message: None })
        }
        Value::Object(members) if members.get("status").is_some() => read_report(answer, now_ms),
        Value::Object(members) => {
            let mut members = members.clone();
            if members.get("timestamp").is_none() {
                members.insert("timestamp", Value::Number(now_ms as f64));
            }
            HealthStatus::parse(&Value::Object(members)).map_err(|issues| first_issue(&issues))
        }
        _ => Err("a health answer is a boolean, {\"healthy\": …}, or a health report".into()),
    }
}

fn read_report(answer: &Value, now_ms: i64) -> Result<HealthStatus, String> {
    use hothouse_protocol::{PluginHealthReport, PluginHealthStatus};
    let report = PluginHealthReport::parse(answer).map_err(|issues| first_issue(&issues))?;
    let healthy = matches!(report.status, PluginHealthStatus::Healthy | PluginHealthStatus::Degraded);
    let details = match answer {
        Value::Object(members) => Some(members.clone()),
        _ => None,
    };
    Ok(HealthStatus { healthy, timestamp: now_ms, details, message: report.message })
}

fn first_issue(issues: &[hothouse_protocol::Issue]) -> String {
    issues.first().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_protocol::json;

    fn health(text: &str) -> Result<HealthStatus, String> {
        read_health(&json::parse(text).unwrap(), 7)
    }

    #[test]
    fn every_form_of_a_health_answer_is_read() {
        assert!(health("true").unwrap().healthy && !health("false").unwrap().healthy);
        let status = health(r#"{"healthy":false,"message":"no disk","details":{"free":0}}"#).unwrap();
        assert_eq!(
            (status.healthy, status.timestamp, status.message.as_deref()),
            (false, 7, Some("no disk"))
        );
        let report = health(r#"{"status":"degraded","timestamp":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert!(report.healthy && report.details.is_some());
        for wrong in ["1", "null", r#"{"healthy":"yes"}"#, r#"{"status":"fine","timestamp":"x"}"#, "{}"] {
            assert!(health(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_description_may_name_its_methods_or_describe_them() {
        let text = r#"{"methods":["get",{"name":"put","idempotent":true}],"unknown":1}"#;
        let description: Description = serde_json::from_str(text).unwrap();
        assert!(
            !description.method("get").unwrap().idempotent && description.method("put").unwrap().idempotent
        );
        assert!(description.has_verb("start") && !description.has_verb("health"));
        let none: Description = serde_json::from_str(r#"{"verbs":[]}"#).unwrap();
        assert!(!none.has_verb("destroy"));
    }
}
