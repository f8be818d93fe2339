//! Events as JSON: the one form that the file, the control API and `up --json` share.

use std::fmt;
use std::sync::Arc;

use hothouse_kernel::event::Happening;
use hothouse_kernel::input::Targets;
use hothouse_kernel::phase::StopCause;
use hothouse_kernel::{Failure, Graph, Need, PluginId};
use hothouse_protocol::{DateTime, FallbackMode};
use serde_json::{Value, json};

use super::Record;

/// Takes out of a text what nobody may see.
#[derive(Clone)]
pub struct Redact(Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Redact {
    /// Takes out what this function takes out.
    pub fn with(redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Redact {
        Redact(Arc::new(redact))
    }

    /// Takes out nothing.
    pub fn nothing() -> Redact {
        Redact::with(str::to_owned)
    }

    /// The text without what nobody may see.
    pub fn clean(&self, text: &str) -> String {
        (self.0)(text)
    }
}

impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redact")
    }
}

impl PartialEq for Redact {
    /// Whether they are one and the same.
    fn eq(&self, other: &Redact) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Redact {}

impl Record {
    /// The event as one JSON object: `seq`, `cause` if it has one, `time` (RFC 3339, UTC), `atMs` (since the host
    /// began), `type`; `plugin` and `incarnation` where it is about one; and what else there is to say.
    pub fn json(&self, graph: &Graph, redact: &Redact) -> Value {
        let mut value = happening_json(&self.event.what, graph, redact);
        value["seq"] = json!(self.event.seq.number());
        if let Some(cause) = self.event.cause {
            value["cause"] = json!(cause.number());
        }
        value["time"] = DateTime::from_unix_ms(self.unix_ms).to_string().into();
        value["atMs"] = json!(self.event.at.as_nanos() as f64 / 1e6);
        value
    }
}

/// What happened, as a JSON object with a `type`.
pub fn happening_json(what: &Happening, graph: &Graph, redact: &Redact) -> Value {
    let name = |plugin: &PluginId| graph.name(*plugin);
    let failure = |failure: &Failure| {
        json!({
            "code": failure.code.as_str(),
            "stage": failure.stage.as_str(),
            "message": redact.clean(&failure.message),
            "detail": failure.detail.as_deref().map(|detail| redact.clean(detail)),
            "root": failure.root.as_ref().map(name),
        })
    };
    let targets = |targets: &Targets| match targets {
        Targets::All => Value::Null,
        Targets::Some(plugins) => plugins.iter().map(name).collect(),
    };
    match what {
        Happening::StartBegan { request, by, targets: asked, plugins } => json!({
            "type": "startBegan", "request": request.0, "by": by.as_str(), "targets": targets(asked),
            "plugins": plugins,
        }),
        Happening::StopRequested { request, by, targets: asked } => json!({
            "type": "stopRequested", "request": request.0, "by": by.as_str(), "targets": targets(asked),
        }),
        Happening::RestartRequested { request, by, targets: asked } => json!({
            "type": "restartRequested", "request": request.0, "by": by.as_str(), "targets": targets(asked),
        }),
        Happening::Launched { plugin, incarnation } => {
            json!({ "type": "launched", "plugin": name(plugin), "incarnation": incarnation.0 })
        }
        Happening::Initialized { plugin, incarnation } => {
            json!({ "type": "initialized", "plugin": name(plugin), "incarnation": incarnation.0 })
        }
        Happening::Ready { plugin, incarnation, took } => json!({
            "type": "ready", "plugin": name(plugin), "incarnation": incarnation.0,
            "tookMs": took.as_nanos() as f64 / 1e6,
        }),
        Happening::Failed { plugin, incarnation, failure: why } => json!({
            "type": "failed", "plugin": name(plugin), "incarnation": incarnation.0, "failure": failure(why),
        }),
        Happening::Withdrawn { plugin, failure: why } => {
            json!({ "type": "withdrawn", "plugin": name(plugin), "failure": failure(why) })
        }
        Happening::UnwindBegan { request, failed } => {
            json!({ "type": "unwindBegan", "request": request.0, "failed": failed.as_ref().map(name) })
        }
        Happening::StopBegan { plugin, incarnation, cause, rung } => json!({
            "type": "stopBegan", "plugin": name(plugin), "incarnation": incarnation.0,
            "reason": reason(cause), "rung": rung.as_str(),
        }),
        Happening::DestroyFailed { plugin, incarnation, message } => json!({
            "type": "destroyFailed", "plugin": name(plugin), "incarnation": incarnation.0,
            "message": redact.clean(message),
        }),
        Happening::StopEscalated { plugin, incarnation, from, to } => json!({
            "type": "stopEscalated", "plugin": name(plugin), "incarnation": incarnation.0,
            "from": from.as_str(), "to": to.as_str(),
        }),
        Happening::Stopped { plugin, incarnation } => {
            json!({ "type": "stopped", "plugin": name(plugin), "incarnation": incarnation.0 })
        }
        Happening::Abandoned { plugin, incarnation } => {
            json!({ "type": "abandoned", "plugin": name(plugin), "incarnation": incarnation.0 })
        }
        Happening::StartEnded { request, all_successful } => {
            json!({ "type": "startEnded", "request": request.0, "allSuccessful": all_successful })
        }
        Happening::ApplyBegan { request, by, stops, starts } => json!({
            "type": "applyBegan", "request": request.0, "by": by.as_str(), "stops": stops, "starts": starts,
        }),
        Happening::HealthChanged { plugin, incarnation, from, to, why } => json!({
            "type": "healthChanged", "plugin": name(plugin), "incarnation": incarnation.0,
            "from": from.as_str(), "to": to.as_str(), "why": why.as_deref().map(|why| redact.clean(why)),
        }),
        Happening::HostLate { plugin, incarnation, late } => json!({
            "type": "hostLate", "plugin": name(plugin), "incarnation": incarnation.0,
            "lateMs": late.as_nanos() as f64 / 1e6,
        }),
        Happening::RestartScheduled { plugin, incarnation, attempt, of, pause } => json!({
            "type": "restartScheduled", "plugin": name(plugin), "incarnation": incarnation.0,
            "attempt": attempt, "of": of, "pauseMs": pause.as_nanos() as f64 / 1e6,
        }),
        Happening::RestartCancelled { plugin, incarnation } => {
            json!({ "type": "restartCancelled", "plugin": name(plugin), "incarnation": incarnation.0 })
        }
        Happening::GaveUp { plugin, incarnation, attempts } => json!({
            "type": "gaveUp", "plugin": name(plugin), "incarnation": incarnation.0, "attempts": attempts,
        }),
        Happening::ModeSet { request, by, plugin, mode } => json!({
            "type": "modeSet", "request": request.0, "by": by.as_str(), "plugin": name(plugin),
            "mode": mode.map(FallbackMode::as_str),
        }),
        Happening::ModeChanged { plugin, incarnation, from, service } => json!({
            "type": "modeChanged", "plugin": name(plugin), "incarnation": incarnation.0,
            "from": from, "to": service.as_str(), "forced": service.forced,
            "missing": service.missing.iter().map(|missing| json!({
                "plugin": &*missing.name, "critical": missing.need == Need::Hard,
                "why": redact.clean(&missing.why),
            })).collect::<Vec<_>>(),
        }),
        Happening::RecoveryTried { plugin, incarnation, attempt, of, missing } => json!({
            "type": "recoveryTried", "plugin": name(plugin), "incarnation": incarnation.0,
            "attempt": attempt, "of": of, "missing": missing.iter().map(|name| &**name).collect::<Vec<_>>(),
        }),
        Happening::Replaced { request } => json!({ "type": "replaced", "request": request.0 }),
        Happening::StopEnded { request } => json!({ "type": "stopEnded", "request": request.0 }),
        Happening::Refused { request, why } => {
            json!({ "type": "refused", "request": request.0, "why": redact.clean(why) })
        }
        Happening::Ignored { plugin, incarnation, reason } => json!({
            "type": "ignored", "incarnation": incarnation.0, "reason": reason.as_str(),
            "plugin": graph.knows(*plugin).then(|| name(plugin)),
        }),
    }
}

fn reason(cause: &StopCause) -> &'static str {
    match cause {
        StopCause::Asked => "asked",
        StopCause::Restart => "restart",
        StopCause::Removed => "removed",
        StopCause::Unwind(_) => "unwind",
        StopCause::Failure(_) => "failure",
    }
}
