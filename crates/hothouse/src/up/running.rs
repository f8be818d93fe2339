//! What is said below a failure that is no part of a start: what goes on running, and what to type. A start that fails
//! says all of that at its end.

use std::collections::BTreeSet;

use hothouse_kernel::event::Happening;
use hothouse_kernel::{Code, Event, Graph, PluginId, Stage};

use crate::show;

/// Which plugins serve, as far as events tell.
#[derive(Default)]
pub(super) struct Running {
    plugins: BTreeSet<PluginId>,
    /// How many starts are under way.
    starts: usize,
}

impl Running {
    pub(super) fn note(&mut self, event: &Event) {
        match &event.what {
            Happening::StartBegan { .. } => self.starts += 1,
            Happening::StartEnded { .. } => self.starts = self.starts.saturating_sub(1),
            Happening::Ready { plugin, .. } => drop(self.plugins.insert(*plugin)),
            Happening::Failed { plugin, .. }
            | Happening::StopBegan { plugin, .. }
            | Happening::Stopped { plugin, .. }
            | Happening::Abandoned { plugin, .. } => drop(self.plugins.remove(plugin)),
            _ => {}
        }
    }

    /// What is to be said after an event, if it is a plugin's end outside of any start.
    pub(super) fn after(&self, event: &Event, graph: &Graph) -> Option<String> {
        if self.starts > 0 {
            return None;
        }
        let about =
            |command: &str, plugin: PluginId| show::hothouse(&format!("{command} {}", graph.name(plugin)));
        let by_hand = |plugin: PluginId| {
            let (logs, start) = (about("logs", plugin), about("start", plugin));
            format!("{logs} shows what it logged; {start} starts it again")
        };
        let next = match &event.what {
            Happening::Failed { plugin, failure, .. } if failure.stage == Stage::Run => {
                match (failure.code, failure.root) {
                    (Code::DependencyFailed, Some(root)) => {
                        let why = about("why", *plugin);
                        format!("nothing: it comes back with `{}`; {why} says more", graph.name(root))
                    }
                    // Whether it is restarted or given up is told as soon as nothing is left of it.
                    _ if is_restarted(graph, *plugin) => return None,
                    _ => by_hand(*plugin),
                }
            }
            Happening::RestartScheduled { plugin, attempt: 1, pause, .. } => {
                let (when, logs) = (about("when", *plugin), about("logs", *plugin));
                let pause = show::duration(*pause);
                format!(
                    "nothing: it is restarted in {pause}; {when} says what comes if it fails again, {logs} shows \
                     what it logged"
                )
            }
            Happening::GaveUp { plugin, .. } if self.plugins.contains(plugin) => {
                let (logs, restart) = (about("logs", *plugin), about("restart", *plugin));
                format!("it is left running as it is; {logs} shows what it logged; {restart} starts it anew")
            }
            Happening::GaveUp { plugin, .. } => by_hand(*plugin),
            _ => return None,
        };
        let names: Vec<String> = self.plugins.iter().map(|plugin| graph.name(*plugin).to_owned()).collect();
        Some(format!("{}\n  next: {next}", show::still_running(&names)))
    }
}

/// Whether a plugin that ends is restarted by itself, as long as it has an attempt left.
fn is_restarted(graph: &Graph, plugin: PluginId) -> bool {
    let health = graph.decl(plugin).settings.health;
    health.is_some_and(|health| health.auto_restart && health.max_restart_attempts > 0)
}
