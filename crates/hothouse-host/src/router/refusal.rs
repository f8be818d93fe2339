//! Why the host does not pass a call on, or answers it itself, in words.

use std::time::Duration;

use hothouse_kernel::degradation::{Admission, FeatureSwitch, Missing, Service};
use hothouse_kernel::{Incarnation, Need};
use hothouse_protocol::{FallbackMode, near_miss};
use hothouse_runtime::contract::{Description, PluginError};

pub(super) fn unknown_plugin(target: &str) -> PluginError {
    PluginError::new("UNKNOWN_PLUGIN", format!("there is no plugin named `{target}`"))
}

pub(super) fn not_callable(target: &str, runtime: &str) -> PluginError {
    let message = format!("`{target}` is a {runtime} plugin: it is supervised, but has no methods");
    PluginError::new("NOT_CALLABLE", message)
}

/// `why`: as it would follow "it does not serve".
pub(super) fn not_running(target: &str, why: &str) -> PluginError {
    PluginError::new("NOT_RUNNING", format!("`{target}` does not serve: {why}")).retryable()
}

pub(super) fn unknown_method(target: &str, method: &str, description: Option<&Description>) -> PluginError {
    let known =
        description.map_or_else(|| "none".into(), |description| exported_instead(description, method));
    PluginError::new("UNKNOWN_METHOD", format!("`{target}` exports no method `{method}`; it exports {known}"))
}

/// What a plugin exports instead of that method, for a person, and which of it may be meant.
pub(crate) fn exported_instead(description: &Description, method: &str) -> String {
    let names = || description.methods.iter().map(|method| method.name.as_str());
    let quoted: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    let exported = if quoted.is_empty() { "none".into() } else { quoted.join(", ") };
    let near = near_miss(method, names()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    exported + &near
}

pub(super) fn not_granted(caller: &str, target: &str) -> PluginError {
    let message = format!(
        "`{caller}` may not call `{target}`: it is neither among its dependencies nor in its `mayCall`"
    );
    PluginError::new("NOT_GRANTED", message)
}

/// A call by a life that is over.
pub(super) fn caller_is_over(caller: &str, incarnation: Incarnation) -> PluginError {
    PluginError::new("GONE", format!("life {incarnation} of `{caller}`, which calls, is over"))
}

pub(super) fn dependency_away(caller: &str, missing: &Missing) -> PluginError {
    let Missing { name, why, .. } = missing;
    let message = format!("`{caller}` is in the mode `offline`: `{name}`, which it calls, {why}");
    PluginError::new("DEPENDENCY_AWAY", message).retryable()
}

/// The life that was at it did not answer.
pub(super) fn gone(target: &str, incarnation: Incarnation, method: &str, why: &str) -> PluginError {
    let message = format!("life {incarnation} of `{target}` did not answer `{method}`: {why}");
    PluginError::new("GONE", message).retryable()
}

pub(super) fn overloaded(target: &str, waiting: usize, limit: Option<u32>) -> PluginError {
    let limit = match limit {
        Some(1) => "one is under way, which is as many as may be at a time (resources.maxConnections)".into(),
        Some(limit) => {
            format!("{limit} are under way, which is as many as may be at a time (resources.maxConnections)")
        }
        None => "it is not up yet".into(),
    };
    let message = format!(
        "no more calls of `{target}` can wait: {waiting} do already, as many as may (host.calls.queue), and {limit}"
    );
    PluginError::new("OVERLOADED", message).retryable()
}

/// `circle`: the names from the caller on, along those who wait for one another, back to the caller.
pub(super) fn circle(circle: &[String]) -> PluginError {
    let names: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("this call would wait for itself: {}", names.join(" → "));
    PluginError::new("CALL_CYCLE", message)
}

/// How long a caller waited, and whose limit that was.
pub(super) struct Limit {
    pub(super) time: Duration,
    pub(super) is_callees: bool,
}

impl Limit {
    fn words(&self) -> String {
        let whose = if self.is_callees { " (resources.timeout)" } else { "" };
        format!("{} ms{whose}", self.time.as_micros().div_ceil(1000))
    }
}

pub(super) fn did_not_answer(method: &str, limit: &Limit) -> PluginError {
    let message = format!("`{method}` did not answer within {}", limit.words());
    PluginError::new("TIMEOUT", message).retryable()
}

/// `why`: what it waited for, as it would follow "because".
pub(super) fn never_had_its_turn(target: &str, method: &str, limit: &Limit, why: &str) -> PluginError {
    let message = format!("`{method}` was not passed on to `{target}` within {}: {why}", limit.words());
    PluginError::new("TIMEOUT", message).retryable()
}

/// What a plugin's mode refuses. `None` for what it lets through.
pub(super) fn by_service(
    target: &str,
    method: &str,
    service: &Service,
    admission: &Admission<'_>,
) -> Option<PluginError> {
    match admission {
        Admission::Pass | Admission::FromCache => None,
        Admission::ModeRefuses(mode) => Some(by_mode(target, method, service, *mode)),
        Admission::FeatureOff(switch) => Some(feature_off(target, method, service, switch)),
    }
}

fn by_mode(target: &str, method: &str, service: &Service, mode: FallbackMode) -> PluginError {
    let serves = match mode {
        FallbackMode::Minimal => "which serves only what stays on without it",
        FallbackMode::Cached => "which serves only cacheable methods",
        FallbackMode::Readonly => "which serves only methods that change nothing",
        FallbackMode::Offline | FallbackMode::Disabled => "which serves nothing",
    };
    let why = why(service);
    let mode = mode.as_str();
    let message = format!("`{target}` does not serve `{method}` in the mode `{mode}`, {serves}: {why}");
    PluginError::new("REFUSED_BY_MODE", message).retryable()
}

pub(super) fn nothing_kept(target: &str, method: &str, service: &Service) -> PluginError {
    let message = format!(
        "`{target}` answers `{method}` in the mode `cached` with its last good result, and there is none for these \
         arguments yet: {}",
        why(service)
    );
    PluginError::new("REFUSED_BY_MODE", message).retryable()
}

fn feature_off(target: &str, method: &str, service: &Service, switch: &FeatureSwitch) -> PluginError {
    let reason = switch.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    let message = format!(
        "`{target}` does not serve `{method}`: its feature `{}` is off{reason}: {}",
        switch.feature,
        why(service)
    );
    PluginError::new("FEATURE_OFF", message).retryable()
}

/// What is away, the critical first; or whose will it is.
fn why(service: &Service) -> String {
    let of = |need| service.missing.iter().filter(move |missing| missing.need == need);
    let missing = of(Need::Hard).chain(of(Need::Optional));
    let missing: Vec<String> = missing.map(|Missing { name, why, .. }| format!("`{name}` {why}")).collect();
    match (service.forced, missing.is_empty()) {
        (true, true) => "an operator has set it so".into(),
        (true, false) => format!("an operator has set it so; also, {}", missing.join(", ")),
        (false, _) => missing.join(", "),
    }
}

pub(super) fn host_ended() -> PluginError {
    PluginError::new("HOST_ENDED", "the host has ended")
}
