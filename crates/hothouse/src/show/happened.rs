//! What happened, in words: for events that come as JSON, from a running host or from its files.

use hothouse_api::EventInfo;
use serde_json::Value;

use super::ladder::escalated;
use super::style::{Style, harmless};

/// One event in one line: when, its number and that of its cause, the plugin, what. `width` is that of the plugins'
/// names.
pub(crate) fn event_line(event: &EventInfo, width: usize, style: Style) -> String {
    let cause = event.cause.map_or(String::new(), |cause| format!("← {cause}"));
    let plugin = format!("{:width$}", event.plugin.as_deref().unwrap_or(""));
    let what = painted(event, style);
    let text =
        format!("{} {:>6} {cause:8} {} {what}", style.dim(&event.time), event.seq, style.bold(&plugin));
    text.trim_end().to_owned()
}

/// What happened, coloured by whether it is good.
pub(crate) fn painted(event: &EventInfo, style: Style) -> String {
    let text = happened(event);
    match event.kind.as_str() {
        "ready" => style.green(&text),
        "healthChanged" => match event.text("to") {
            Some("healthy") => style.green(&text),
            Some("unhealthy" | "failed") => style.red(&text),
            _ => style.yellow(&text),
        },
        "gaveUp" => style.red(&text),
        "modeChanged" if event.text("to") == Some("normal") => style.green(&text),
        "restartScheduled" | "hostLate" | "modeChanged" => style.yellow(&text),
        "failed" if event.failure("code") == Some("DEPENDENCY_FAILED") => style.yellow(&text),
        "failed" | "abandoned" => style.red(&text),
        "unwindBegan" | "destroyFailed" | "stopEscalated" => style.yellow(&text),
        "withdrawn" | "ignored" | "initialized" => style.dim(&text),
        _ => text,
    }
}

/// What happened. The plugin that it happened to is not named.
pub(crate) fn happened(event: &EventInfo) -> String {
    let text = |name: &str| harmless(event.text(name).unwrap_or("?"));
    match event.kind.as_str() {
        "startBegan" => match event.cause {
            None => format!("a start of {} was asked for by {}", targets(event), by(event)),
            Some(_) => "what was stopped is started again".into(),
        },
        "stopRequested" => format!("a stop of {} was asked for by {}", targets(event), by(event)),
        "restartRequested" => format!("a restart of {} was asked for by {}", targets(event), by(event)),
        "applyBegan" => format!(
            "the project file is applied for {}: {} to stop, {} to start",
            by(event),
            number(event, "stops"),
            number(event, "starts")
        ),
        "replaced" => "from here on the changed project file holds".into(),
        "launched" => match event.incarnation {
            None | Some(1) => "starting".into(),
            Some(life) => format!("starting (life {life})"),
        },
        "initialized" => "initialized".into(),
        "ready" => format!("ready in {}", took(event)),
        "failed" if event.failure("code") == Some("DEPENDENCY_FAILED") => {
            let was_up = event.failure("stage") == Some("run");
            format!("{}: {}", if was_up { "stopped" } else { "not started" }, failure(event))
        }
        "failed" => format!("failed at {}: {}", event.failure("stage").unwrap_or("?"), failure(event)),
        "withdrawn" => failure(event),
        "unwindBegan" => match event.text("failed") {
            Some(plugin) => format!("the start is undone, because `{plugin}` failed"),
            None => "the start is cut off".into(),
        },
        "stopBegan" => match event.text("reason") {
            Some("restart") => "stopping, to be started again".into(),
            Some("removed") => "stopping: it is in the project file no more".into(),
            Some("unwind") => "stopping: the start is undone".into(),
            Some("failure") => "what is left of it is cleared away".into(),
            _ => "stopping".into(),
        },
        "destroyFailed" => format!("`destroy` failed: {}", text("message")),
        "stopEscalated" => escalated(&text("from"), &text("to"), None),
        "stopped" => "stopped".into(),
        "abandoned" => "could not be ended; it is fenced off and left alone".into(),
        "startEnded" => match event.more.get("allSuccessful") {
            Some(Value::Bool(true)) => "the start is over: everything is ready".into(),
            _ => "the start is over: not everything is ready".into(),
        },
        "stopEnded" => "the stop is over".into(),
        "restartScheduled" => {
            let pause = super::duration(milliseconds(event, "pauseMs"));
            format!("restart {} of {} in {pause}", number(event, "attempt"), number(event, "of"))
        }
        "restartCancelled" => "not restarted by itself, because something else was asked for".into(),
        "gaveUp" => given_up(number(event, "attempts")),
        "healthChanged" => {
            let why = event.text("why").map_or_else(String::new, |why| format!(": {}", harmless(why)));
            format!("{}, was {}{why}", text("to"), text("from"))
        }
        "hostLate" => late(milliseconds(event, "lateMs")),
        "modeSet" => match event.text("mode") {
            Some(mode) => format!("its mode was set to {} by {}", harmless(mode), by(event)),
            None => format!("its mode was released by {}", by(event)),
        },
        "modeChanged" => mode_changed(event),
        "recoveryTried" => {
            recovery_tried(number(event, "attempt"), number(event, "of"), &names_of_missing(event))
        }
        "refused" => format!("refused: {}", text("why")),
        "ignored" => format!("an answer was ignored: {}", text("reason")),
        other => harmless(other),
    }
}

/// That a plugin has had all its restarts.
pub(super) fn given_up(restarts: u64) -> String {
    let restarts = usize::try_from(restarts).unwrap_or(usize::MAX);
    format!("given up after {}", super::count(restarts, "restart"))
}

/// That a check which nobody could look at in time is given its time once more.
pub(super) fn late(by: std::time::Duration) -> String {
    format!("the host itself was {} late; its check is given its time once more", super::duration(by))
}

/// What a plugin serves now, and what for.
pub(super) fn serves(mode: &str, forced: bool, missing: &[Lost]) -> String {
    let names = missing.iter().map(|lost| format!("`{}`", lost.name));
    let without = names.collect::<Vec<_>>().join(", ");
    let critical = missing.iter().any(|lost| lost.critical);
    match mode {
        "normal" => "serves everything again".into(),
        mode if forced => format!("serves as {mode}, as an operator wishes"),
        "degraded" if missing.is_empty() => {
            "its features are still switched, because what it lacked comes and goes".into()
        }
        "degraded" => format!("its features are switched: without {without}"),
        mode if critical => format!("serves as {mode}: without {without}"),
        mode => format!("still serves as {mode}, because what it lacked comes and goes"),
    }
}

/// A dependency that is away.
pub(super) struct Lost {
    pub(super) name: String,
    pub(super) critical: bool,
}

/// A try to bring back what is away.
pub(super) fn recovery_tried(attempt: u64, of: u64, missing: &[String]) -> String {
    format!("try {attempt} of {of} to bring back {}", missing.join(", "))
}

fn mode_changed(event: &EventInfo) -> String {
    let forced = event.more.get("forced").and_then(Value::as_bool).unwrap_or(false);
    let mode = harmless(event.text("to").unwrap_or("?"));
    let lost = |one: &Value| {
        let critical = one.get("critical").and_then(Value::as_bool).unwrap_or(false);
        Some(Lost { name: harmless(one.get("plugin")?.as_str()?), critical })
    };
    let missing: Vec<Lost> = list(event, "missing").iter().filter_map(lost).collect();
    serves(&mode, forced, &missing)
}

fn list<'a>(event: &'a EventInfo, name: &str) -> &'a [Value] {
    event.more.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What is away, by name.
fn names_of_missing(event: &EventInfo) -> Vec<String> {
    let names = list(event, "missing").iter().filter_map(Value::as_str);
    names.map(|name| format!("`{}`", harmless(name))).collect()
}

fn milliseconds(event: &EventInfo, name: &str) -> std::time::Duration {
    let ms = event.more.get(name).and_then(Value::as_f64).unwrap_or(0.0).max(0.0);
    std::time::Duration::try_from_secs_f64(ms / 1e3).unwrap_or(std::time::Duration::MAX)
}

/// The message of a failure, with the plugin's last words if there are any.
pub(crate) fn failure(event: &EventInfo) -> String {
    let message = event.failure("message").unwrap_or("?");
    let detail = event.failure("detail").map_or(String::new(), |detail| format!(" ({detail})"));
    harmless(&format!("{message}{detail}"))
}

/// Who asked.
pub(crate) fn by(event: &EventInfo) -> &'static str {
    match event.text("by") {
        Some("operator") => "the operator",
        Some("signal") => "a signal",
        Some("host") => "the host itself",
        _ => "the program that the host is part of",
    }
}

/// For what it was asked.
fn targets(event: &EventInfo) -> String {
    let Some(Value::Array(plugins)) = event.more.get("targets") else { return "everything".into() };
    let names: Vec<String> =
        plugins.iter().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

fn number(event: &EventInfo, name: &str) -> u64 {
    event.more.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn took(event: &EventInfo) -> String {
    super::duration(milliseconds(event, "tookMs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_can_happen_is_told_in_words() {
        let schema = include_str!("../../../../docs/schema/cli/_events.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let kinds = schema["$defs"]["event"]["oneOf"].as_array().unwrap().iter();
        let kinds: Vec<&str> =
            kinds.map(|kind| kind["properties"]["type"]["const"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"applyBegan") && kinds.contains(&"stopBegan"), "{kinds:?}");
        for kind in kinds {
            let event =
                json!({ "seq": 1, "time": "", "atMs": 0.0, "type": kind, "why": "it is", "reason": "it is" });
            let text = happened(&serde_json::from_value(event).unwrap());
            assert!(text.chars().all(|c| !c.is_uppercase()) && text != "replaced", "{kind}: {text}");
        }
    }

    #[test]
    fn an_apply_and_what_it_takes_away_are_told_as_such() {
        let told = |event: Value| happened(&serde_json::from_value(event).unwrap());
        let apply = json!({
            "seq": 1, "time": "", "atMs": 0.0, "type": "applyBegan", "by": "operator", "stops": 2, "starts": 1,
        });
        assert_eq!(told(apply), "the project file is applied for the operator: 2 to stop, 1 to start");
        let stop = json!({ "seq": 2, "time": "", "atMs": 0.0, "type": "stopBegan", "reason": "removed" });
        assert_eq!(told(stop), "stopping: it is in the project file no more");
    }
}
