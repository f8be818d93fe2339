//! What the loop keeps of what happened, and writes down; and what it tells those who ask why.

use std::sync::Arc;

use hothouse_kernel::{Event, Input, Phase, PluginId};

use super::Engine;
use crate::history::{Explanation, Record};
use crate::notice::Notice;

impl Engine {
    /// Before the kernel takes an input in.
    pub(super) fn note_input(&mut self, input: &Input) {
        if let Some(records) = &mut self.records {
            records.input(self.now, input, self.kernel.next_event());
        }
    }

    /// For every event that comes of it.
    pub(super) fn note_event(&mut self, event: Event) {
        if let Some(records) = &mut self.records {
            let record = Record { unix_ms: self.history.unix_ms(event.at), event };
            records.event(&record, &self.graph);
            self.history.note(record.event);
        } else {
            self.history.note(event);
        }
    }

    /// When all that came of it is known.
    pub(super) fn note_end_of_input(&mut self) {
        if let Some(records) = &mut self.records {
            records.taken_in();
        }
    }

    /// At the end of a batch, before anything is done about it.
    pub(super) fn write_down(&mut self) {
        if let Some(records) = &mut self.records
            && let Some(warning) = records.write(&self.kernel)
        {
            self.unsaid = Some(Arc::new(warning));
            self.tell_unsaid();
        }
        if self.history.is_overfull(self.graph.len()) {
            let kernel = &self.kernel;
            let last = self.graph.plugins().filter_map(|plugin| kernel.view_of(plugin).last_event);
            self.history.let_go(last);
        }
        self.history.tell();
    }

    /// A warning waits for somebody who hears it.
    pub(super) fn tell_unsaid(&mut self) {
        if !self.listeners.is_empty()
            && let Some(warning) = self.unsaid.take()
        {
            self.listeners.tell(&Notice::Warned(Arc::clone(&warning)));
        }
    }

    pub(super) fn explain(&self, plugin: PluginId) -> Explanation {
        let view = self.kernel.view_of(plugin);
        let (chain, cut) = view.last_event.map_or((Vec::new(), false), |last| self.history.chain(last));
        let waits_for = match view.phase {
            Phase::Waiting => {
                let needs = self.graph.dependencies(plugin).iter().map(|edge| edge.plugin);
                needs.filter(|other| !self.kernel.view_of(*other).phase.is_serving()).collect()
            }
            _ => Vec::new(),
        };
        Explanation {
            since_unix_ms: self.history.unix_ms(view.since),
            now_unix_ms: self.history.unix_ms(self.elapsed()),
            view,
            chain,
            cut,
            waits_for,
        }
    }
}
