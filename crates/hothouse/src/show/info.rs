//! A host's picture and reports as the control API tells them.

use std::time::Duration;

use hothouse_api::{PluginInfo, Plugins, RootCause, Started, Timeline, TimelineEntry};
use hothouse_config::Project;
use hothouse_host::{HostView, StartupReport};
use hothouse_kernel::phase::StopCause;
use hothouse_kernel::{Failure, Phase};

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

fn failure_of(phase: &Phase) -> Option<&Failure> {
    match phase {
        Phase::Failed(failure)
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
