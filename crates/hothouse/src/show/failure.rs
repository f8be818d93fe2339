//! A failed start, told to a tired person: the root cause and its place first, then what was undone, then what to
//! type next.

use hothouse_api::{FailureInfo, RootCause, Started};
use hothouse_config::Project;
use hothouse_kernel::{Failure, Graph};

use super::advice::hothouse;
use super::style::{Style, harmless};

/// A failure as the control API tells it. What must not be seen is not in it.
pub(crate) fn failure_info(failure: &Failure, plugin: &str, graph: &Graph, project: &Project) -> FailureInfo {
    let clean = |text: &str| harmless(&project.secrets.redact(text));
    let root = failure.root.map(|root| graph.name(root).to_owned());
    FailureInfo {
        code: failure.code.as_str().into(),
        stage: failure.stage.as_str().into(),
        message: clean(&failure.message),
        detail: failure.detail.as_deref().map(clean),
        place: place(root.as_deref().unwrap_or(plugin), project),
        root,
    }
}

/// Where a plugin stands in the project file.
pub(super) fn place(plugin: &str, project: &Project) -> Option<String> {
    let plugin = project.plugins.iter().find(|config| config.name == plugin)?;
    Some(format!("{}:{}", project.file.display(), plugin.at))
}

/// Everything that is to be said about a start that failed.
///
/// `running`: whether there is a host that goes on.
pub(crate) fn start_failed(started: &Started, style: Style, running: bool) -> String {
    let mut lines = Vec::new();
    match &started.root_cause {
        Some(RootCause { plugin, failure }) => {
            let detail = failure.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
            let place = failure.place.as_ref().map_or_else(String::new, |place| format!(" [{place}]"));
            lines.push(format!(
                "{}: `{plugin}` failed at {}: {}{detail}{place}",
                style.red("error"),
                failure.stage,
                failure.message
            ));
        }
        None => {
            lines.push(format!("{}: the start was cut off, because a stop was asked for", style.red("error")))
        }
    }
    let names = |code: &str| {
        let of_code = |result: &&hothouse_protocol::PluginStartupResult| {
            result.error.as_ref().and_then(|error| error.code.as_deref()) == Some(code)
        };
        started
            .result
            .results
            .iter()
            .filter(of_code)
            .map(|result| result.plugin.name.clone())
            .collect::<Vec<_>>()
    };
    let rolled_back = started.result.rolled_back.clone().unwrap_or_default();
    let ready = started.result.results.iter().filter(|result| result.success);
    let up: Vec<String> =
        ready.map(|result| result.plugin.name.clone()).filter(|name| !rolled_back.contains(name)).collect();
    for (what, plugins) in [
        ("unwound, in this order", rolled_back),
        ("cut off while starting", names("CANCELLED")),
        ("not started, for want of what they need", names("DEPENDENCY_FAILED")),
        ("not started", names("NOT_STARTED")),
        ("still running", up),
    ] {
        if !plugins.is_empty() {
            lines.push(format!("  {what}: {}", plugins.join(", ")));
        }
    }
    if let Some(cause) = &started.root_cause {
        lines.push(format!("  next: {}", next_step(cause, running)));
    }
    lines.join("\n")
}

/// What to type next. `running`: whether there is a host that goes on.
fn next_step(cause: &RootCause, running: bool) -> String {
    let RootCause { plugin, failure } = cause;
    let again = if running { hothouse(&format!("start {plugin}")) } else { hothouse("up") };
    let place = failure.place.as_deref().unwrap_or("the project file");
    match (failure.code.as_str(), failure.stage.as_str()) {
        ("SPAWN_FAILED", _) => format!("mend `run` at {place}, then {again}"),
        ("STARTUP_TIMEOUT", "init") => format!(
            "look at its log above; if `{plugin}` does not speak the plugin contract, run it as `command`, not as \
             `process`; then {again}"
        ),
        ("STARTUP_TIMEOUT", _) => {
            format!("look at what `{plugin}` waits for, or raise `startup.timeout`; then {again}")
        }
        ("CONTRACT_VIOLATED", _) => format!("mend `{plugin}` or its settings at {place}, then {again}"),
        _ => format!("mend what its last lines above say, then {again}"),
    }
}
