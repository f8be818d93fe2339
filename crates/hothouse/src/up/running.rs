//! What is said below a failure that is no part of a start: what goes on running, and what to type. A start that fails
//! says all of that at its end.

use std::collections::BTreeSet;

use hothouse_kernel::event::Happening;
use hothouse_kernel::{Event, Graph, PluginId, Stage};

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
        let Happening::Failed { plugin, failure, .. } = &event.what else { return None };
        if failure.stage != Stage::Run || self.starts > 0 {
            return None;
        }
        let names: Vec<String> = self.plugins.iter().map(|plugin| graph.name(*plugin).to_owned()).collect();
        let plugin = graph.name(*plugin);
        let (logs, start) = (format!("logs {plugin}"), format!("start {plugin}"));
        Some(format!(
            "{}\n  next: {} shows what it logged; {} starts it again",
            show::still_running(&names),
            show::hothouse(&logs),
            show::hothouse(&start)
        ))
    }
}
