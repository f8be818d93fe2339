//! What a start came to, plugin by plugin, with the times at which things happened.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use hothouse_protocol::{
    HealthStatus, PluginMetadata, PluginStartupResult, StartupError, StartupOrchestrationResult,
};

use crate::failure::Failure;
use crate::{Graph, Instant, PluginId};

/// The outcome of one start. [`StartReport::to_protocol`] gives the protocol's own form of it.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StartReport {
    /// One entry per plugin of the plan, in its order.
    pub entries: Vec<Entry>,
    /// When the start was asked for.
    pub began: Instant,
    /// When the last plugin was ready, or when the last one of an unwound start was gone.
    pub ended: Instant,
    /// The plugin that failed first, if any.
    pub failed: Option<PluginId>,
    /// Whether a stop was asked for before the start was complete.
    pub stopped: bool,
    /// The plugins that were stopped again because the start failed, in the order in which they were stopped.
    pub rolled_back: Vec<PluginId>,
}

/// What the start of one plugin came to.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// The plugin.
    pub plugin: PluginId,
    /// When it was launched; `None` if it never was.
    pub launched: Option<Instant>,
    /// When its `init` had completed.
    pub initialized: Option<Instant>,
    /// When it was ready, or had failed, or was cut off.
    pub settled: Option<Instant>,
    /// Why it is not running, if it did not start.
    pub failure: Option<Arc<Failure>>,
    /// What its health check after the start said, if there was one.
    pub health: Option<Box<HealthStatus>>,
}

impl Entry {
    pub(crate) fn new(plugin: PluginId) -> Entry {
        Entry { plugin, launched: None, initialized: None, settled: None, failure: None, health: None }
    }

    /// Whether it became ready, whatever happened to it afterwards.
    pub fn succeeded(&self) -> bool {
        self.failure.is_none() && self.settled.is_some()
    }

    /// The time from its launch until it was ready or had failed; zero if it was never launched.
    pub fn duration(&self) -> Duration {
        match (self.launched, self.settled) {
            (Some(launched), Some(settled)) => settled.since(launched),
            _ => Duration::ZERO,
        }
    }
}

impl StartReport {
    /// Whether every plugin started, and the start was neither undone nor cut off.
    pub fn all_successful(&self) -> bool {
        !self.stopped && self.entries.iter().all(Entry::succeeded)
    }

    /// Wall time from the request to the end.
    pub fn total_duration(&self) -> Duration {
        self.ended.since(self.began)
    }

    /// The chain of plugins that decided how long the start took: the one that was ready last, what it had to wait
    /// for longest, and so on to one that waited for nothing. First to last.
    pub fn critical_path(&self, graph: &Graph) -> Vec<PluginId> {
        let mut settled: Vec<Option<Instant>> = alloc::vec![None; graph.room()];
        for entry in self.entries.iter().filter(|entry| entry.launched.is_some()) {
            settled[entry.plugin.index()] = entry.settled;
        }
        let latest = |plugins: &mut dyn Iterator<Item = PluginId>| {
            plugins
                .filter_map(|plugin| Some((settled[plugin.index()]?, core::cmp::Reverse(plugin))))
                .max()
                .map(|(_, plugin)| plugin.0)
        };
        let mut path = Vec::new();
        let mut next = latest(&mut self.entries.iter().map(|entry| entry.plugin));
        while let Some(plugin) = next {
            path.push(plugin);
            next = latest(&mut graph.dependencies(plugin).iter().map(|edge| edge.plugin));
        }
        path.reverse();
        path
    }

    /// The same in the protocol's form.
    pub fn to_protocol(&self, graph: &Graph) -> StartupOrchestrationResult {
        StartupOrchestrationResult {
            results: self.entries.iter().map(|entry| result(entry, graph)).collect(),
            total_duration: millis(self.total_duration()),
            all_successful: self.all_successful(),
            rolled_back: (self.failed.is_some() || self.stopped).then(|| {
                self.rolled_back.iter().map(|plugin| graph.name(*plugin).to_owned()).collect::<Vec<String>>()
            }),
        }
    }
}

fn result(entry: &Entry, graph: &Graph) -> PluginStartupResult {
    let decl = graph.decl(entry.plugin);
    PluginStartupResult {
        plugin: PluginMetadata {
            name: decl.name.clone(),
            version: Some(decl.version.to_string()),
            other: Default::default(),
        },
        success: entry.succeeded(),
        duration: millis(entry.duration()),
        error: entry.failure.as_ref().map(|failure| StartupError {
            name: failure.code.class().to_owned(),
            message: failure.to_string(),
            stack: failure.stack.as_ref().map(ToString::to_string),
            code: Some(failure.code.as_str().to_owned()),
        }),
        health: entry.health.as_deref().cloned(),
    }
}

/// Milliseconds with their fraction, as the protocol counts.
fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
