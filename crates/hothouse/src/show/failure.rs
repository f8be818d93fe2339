//! A failed start, told to a tired person: the root cause and its place first, then what was undone, then what to
//! type next.

use hothouse_api::{FailureInfo, RootCause, Started};
use hothouse_config::Project;
use hothouse_kernel::{Code, Failure, Graph};

use super::advice::hothouse;
use super::log::mark;
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
pub(crate) fn place(plugin: &str, project: &Project) -> Option<String> {
    let plugin = project.plugins.iter().find(|config| config.name == plugin)?;
    Some(format!("{}:{}", project.file.display(), plugin.at))
}

/// The root cause in one line: which plugin, at which stage, why, and where it stands in the project file.
pub(crate) fn headline(plugin: &str, failure: &FailureInfo) -> String {
    let detail = failure.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    let place = failure.place.as_ref().map_or_else(String::new, |place| format!(" [{place}]"));
    format!("`{plugin}` failed at {}: {}{detail}{place}", failure.stage, failure.message)
}

/// Everything that is to be said about a start that failed.
///
/// `running`: whether there is a host that goes on.
pub(crate) fn start_failed(started: &Started, style: Style, running: bool) -> String {
    let first = match &started.root_cause {
        Some(RootCause { plugin, failure, .. }) => headline(plugin, failure),
        None => "the start was cut off, because a stop was asked for".into(),
    };
    let mut lines = vec![format!("{}: {first}", style.red("error"))];
    for (what, plugins) in [
        ("unwound, in this order", started.result.rolled_back.clone().unwrap_or_default()),
        ("cut off while starting", with_code(started, Code::Cancelled)),
        ("not started, for want of what they need", with_code(started, Code::DependencyFailed)),
        ("not started", with_code(started, Code::NotStarted)),
    ] {
        if !plugins.is_empty() {
            lines.push(format!("  {what}: {}", plugins.join(", ")));
        }
    }
    let up = started.still_running.as_deref().filter(|_| running).unwrap_or_default();
    lines.push(still_running(up));
    if let Some(RootCause { plugin, last_lines, .. }) = &started.root_cause
        && !last_lines.is_empty()
    {
        lines.push(format!("  the last lines of `{plugin}`:"));
        lines.extend(
            last_lines.iter().map(|line| format!("    {} {}", mark(&line.stream), harmless(&line.text))),
        );
    }
    lines.push(format!("  next: {}", after_failed_start(started, running)));
    lines.join("\n")
}

/// What runs in spite of a failure.
pub(crate) fn still_running(plugins: &[String]) -> String {
    match plugins {
        [] => "  still running: nothing".into(),
        plugins => format!("  still running: {}", plugins.join(", ")),
    }
}

/// What to type after a start that failed.
pub(crate) fn after_failed_start(started: &Started, running: bool) -> String {
    match &started.root_cause {
        Some(cause) => next_step(cause, running, &with_code(started, Code::DependencyFailed)),
        None => hothouse(if running { "start" } else { "up" }),
    }
}

/// The plugins whose start came to an end of this kind, in the order of the plan.
fn with_code(started: &Started, code: Code) -> Vec<String> {
    let of_code = started.result.results.iter().filter(|result| {
        result.error.as_ref().and_then(|error| error.code.as_deref()) == Some(code.as_str())
    });
    of_code.map(|result| result.plugin.name.clone()).collect()
}

/// What to type next. `running`: whether there is a host that goes on; `lost`: what could not start for want of this
/// plugin, and starts it when it is started.
pub(super) fn next_step(cause: &RootCause, running: bool, lost: &[String]) -> String {
    let RootCause { plugin, failure, last_lines } = cause;
    let again = match (running, lost) {
        (false, _) => hothouse("up"),
        (true, []) => hothouse(&format!("start {plugin}")),
        (true, lost) if lost.len() <= 4 => hothouse(&format!("start {}", lost.join(" "))),
        (true, _) => hothouse("start"),
    };
    let place = failure.place.as_deref().unwrap_or("the project file");
    let logs = hothouse(&format!("logs {plugin}"));
    let code = Code::named(&failure.code);
    match (code, failure.stage.as_str()) {
        (Some(Code::SpawnFailed), _) => format!("see to that, or change `run` at {place}; then {again}"),
        (Some(Code::StartupTimeout), "wait") => {
            format!("raise `startup.timeout` in the project file; then {again}")
        }
        (Some(Code::StartupTimeout), "init") => format!(
            "{logs} shows what it logged; if `{plugin}` does not speak the plugin contract, run it as `command`, not \
             as `process`; if it only needs longer, raise `startup.timeout`; then {again}"
        ),
        (Some(Code::StartupTimeout), _) => {
            format!(
                "see to what `{plugin}` waits for, or raise `startup.timeout`; {logs} shows what it logged; then {again}"
            )
        }
        (Some(Code::Unhealthy), _) if failure.message.contains("did not answer") => format!(
            "{logs} shows what it logged; if it only needs longer, raise `health.timeout` at {place}; then {again}"
        ),
        (Some(Code::ContractViolated), _) => {
            format!("mend `{plugin}`, or its settings at {place}; then {again}")
        }
        (Some(Code::Abandoned), _) => {
            format!(
                "find out what keeps `{plugin}` and end it by hand; {} shows when it is gone; then {again}",
                hothouse("ps")
            )
        }
        _ if last_lines.is_empty() => format!("{logs} shows what it logged; mend it; then {again}"),
        _ => format!("mend what its last lines above say; then {again}"),
    }
}
