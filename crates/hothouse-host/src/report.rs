//! What a start came to, in the protocol's form and as a timeline.

use std::sync::Arc;

use hothouse_kernel::startup::report::{Entry, StartReport};
use hothouse_kernel::{Failure, Graph, Instant, PluginId};
use hothouse_protocol::StartupOrchestrationResult;

/// What a start came to.
#[derive(Clone, Debug)]
pub struct StartupReport {
    pub(crate) graph: Arc<Graph>,
    pub(crate) report: StartReport,
}

impl StartupReport {
    /// Whether every plugin started, and the start was neither undone nor cut off.
    pub fn all_successful(&self) -> bool {
        self.report.all_successful()
    }

    /// The protocol's own form of it.
    pub fn result(&self) -> StartupOrchestrationResult {
        self.report.to_protocol(&self.graph)
    }

    /// The plugin that failed first, if any, and why.
    pub fn root_cause(&self) -> Option<(&str, &Failure)> {
        let failed = self.report.failed?;
        let entry = self.report.entries.iter().find(|entry| entry.plugin == failed)?;
        let failure = entry.failure.as_deref()?;
        // What merely follows from another failure is not where to look.
        match failure.root.filter(|root| *root != failed) {
            Some(root) => Some((self.graph.name(root), failure)),
            None => Some((self.graph.name(failed), failure)),
        }
    }

    /// Whether a stop was asked for before the start was complete.
    pub fn was_stopped(&self) -> bool {
        self.report.stopped
    }

    /// The names of the plugins that were stopped again, in that order.
    pub fn rolled_back(&self) -> Vec<&str> {
        self.report.rolled_back.iter().map(|plugin| self.graph.name(*plugin)).collect()
    }

    /// The raw report, in the kernel's terms.
    pub fn raw(&self) -> &StartReport {
        &self.report
    }

    /// The graph that the report is about.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// When what happened, in milliseconds from the request, and what decided how long it took.
    pub fn timeline(&self) -> Timeline {
        let offset = |at: Option<Instant>| at.map(|at| at.since(self.report.began).as_nanos() as f64 / 1e6);
        let names =
            |plugins: &[PluginId]| plugins.iter().map(|plugin| self.graph.name(*plugin).into()).collect();
        let entry = |entry: &Entry| TimelineEntry {
            plugin: self.graph.name(entry.plugin).into(),
            launched: offset(entry.launched),
            initialized: offset(entry.initialized),
            settled: offset(entry.settled),
            success: entry.succeeded(),
        };
        let path = self.report.critical_path(&self.graph);
        Timeline {
            entries: self.report.entries.iter().map(entry).collect(),
            critical_path: names(&path),
            total: self.report.total_duration().as_nanos() as f64 / 1e6,
        }
    }
}

/// When what happened during a start. All times in milliseconds from the request, with fractions.
#[derive(Clone, PartialEq, Debug)]
pub struct Timeline {
    /// One entry per plugin, in the order of the plan.
    pub entries: Vec<TimelineEntry>,
    /// The chain of plugins that decided how long it took, first to last.
    pub critical_path: Vec<String>,
    /// The whole.
    pub total: f64,
}

/// When what happened to one plugin.
#[derive(Clone, PartialEq, Debug)]
pub struct TimelineEntry {
    /// Its name.
    pub plugin: String,
    /// When it was launched; `None` if it never was.
    pub launched: Option<f64>,
    /// When its `init` had completed.
    pub initialized: Option<f64>,
    /// When it was ready, or had failed, or was cut off.
    pub settled: Option<f64>,
    /// Whether it became ready.
    pub success: bool,
}
