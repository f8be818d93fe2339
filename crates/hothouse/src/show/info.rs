//! A host's picture and reports as the control API tells them.

use std::time::Duration;

use hothouse_api::{PluginInfo, Plugins, RestartInfo, RootCause, Started, Timeline, TimelineEntry};
use hothouse_config::Project;
use hothouse_host::{HostView, StartupReport};
use hothouse_kernel::phase::StopCause;
use hothouse_kernel::{Failure, Graph, Instant, Phase, PluginView};

use super::failure::failure_info;
use super::style::harmless;

/// Every plugin of a host.
pub(crate) fn plugins(view: &HostView, project: &Project, uptime: Duration) -> Plugins {
    let graph = &view.graph;
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let one = |(kernel, status): (&hothouse_kernel::PluginView, &hothouse_host::PluginStatus)| {
        let name = status.identity.name.clone();
        let dependencies = graph.dependencies(kernel.plugin).iter();
        let methods = status.description.as_ref().map(|description| description.methods.iter());
        PluginInfo {
            version: status.identity.version.to_string(),
            runtime: status.runtime.into(),
            desired: kernel.desired.as_str().into(),
            phase: kernel.phase.as_str().into(),
            status: kernel.status.as_str().into(),
            since_ms: millis(view.kernel.now.since(kernel.since)),
            incarnation: kernel.incarnation.0,
            pid: status.pid,
            methods: methods.into_iter().flatten().map(|method| method.name.clone()).collect(),
            dependencies: dependencies.map(|edge| graph.name(edge.plugin).to_owned()).collect(),
            mode: kernel.service.as_deref().map(|service| service.as_str().to_owned()),
            forced: kernel.service.as_deref().is_some_and(|service| service.forced),
            missing: kernel.service.as_deref().map(super::missing).unwrap_or_default(),
            objection: kernel.objection.as_deref().map(harmless),
            restart: restart_of(kernel, graph, view.kernel.now),
            gave_up_after: gave_up_after(kernel, graph),
            failure: failure_of(&kernel.phase).map(|failure| failure_info(failure, &name, graph, project)),
            name,
        }
    };
    Plugins {
        project: project.name.clone(),
        pid: std::process::id(),
        uptime_ms: millis(uptime),
        plugins: view.iter().map(one).collect(),
    }
}

/// The restart that a plugin pauses for.
pub(super) fn restart_of(kernel: &PluginView, graph: &Graph, now: Instant) -> Option<RestartInfo> {
    let Phase::Backoff { attempt, until, .. } = &kernel.phase else { return None };
    let of = graph.decl(kernel.plugin).settings.health?.max_restart_attempts;
    let in_ms = u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX);
    Some(RestartInfo { attempt: *attempt, of, in_ms })
}

/// After how many restarts a plugin was given up, if it was.
pub(super) fn gave_up_after(kernel: &PluginView, graph: &Graph) -> Option<u64> {
    let health = graph.decl(kernel.plugin).settings.health.filter(|health| health.auto_restart)?;
    let had_all = health.max_restart_attempts > 0 && kernel.attempts >= health.max_restart_attempts;
    (had_all && matches!(kernel.phase, Phase::Failed(_))).then_some(kernel.attempts)
}

fn failure_of(phase: &Phase) -> Option<&Failure> {
    match phase {
        Phase::Failed(failure)
        | Phase::Backoff { failure, .. }
        | Phase::Stopping { cause: StopCause::Failure(failure), .. }
        | Phase::Abandoned(StopCause::Failure(failure)) => Some(failure),
        _ => None,
    }
}

/// What a start came to.
pub(crate) fn started(report: &StartupReport, project: &Project) -> Started {
    let mut result = report.result();
    for error in result.results.iter_mut().filter_map(|result| result.error.as_mut()) {
        error.message = harmless(&project.secrets.redact(&error.message));
        error.stack = error.stack.as_ref().map(|stack| project.secrets.redact(stack).into_owned());
    }
    let root_cause = report.root_cause().map(|(plugin, failure)| RootCause {
        plugin: plugin.into(),
        failure: failure_info(failure, plugin, report.graph(), project),
        last_lines: Vec::new(),
    });
    Started { result, timeline: timeline(report), root_cause, still_running: None }
}

/// When what happened.
fn timeline(report: &StartupReport) -> Timeline {
    let timeline = report.timeline();
    let graph = report.graph();
    // Only what was part of the same start was waited for in it.
    let part: std::collections::HashSet<_> = report.raw().entries.iter().map(|entry| entry.plugin).collect();
    let after = |name: &str| {
        let edges = graph.id(name).map(|plugin| graph.dependencies(plugin)).unwrap_or_default();
        let waited = edges.iter().filter(|edge| part.contains(&edge.plugin));
        waited.map(|edge| graph.name(edge.plugin).to_owned()).collect()
    };
    let entry = |entry: hothouse_host::TimelineEntry| TimelineEntry {
        after: after(&entry.plugin),
        plugin: entry.plugin,
        launched_ms: entry.launched,
        initialized_ms: entry.initialized,
        settled_ms: entry.settled,
        success: entry.success,
    };
    Timeline {
        plugins: timeline.entries.into_iter().map(entry).collect(),
        critical_path: timeline.critical_path,
        total_ms: timeline.total,
    }
}
