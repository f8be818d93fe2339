//! Somebody who edits the configuration now and then and has it applied: adds, removes, renames and redefines plugins,
//! changes who needs whom, and often enough changes nothing at all.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::input::{Asker, Request};
use hothouse_kernel::{
    Action, Change, Graph, Input, Instant, PluginDecl, PluginId, PluginSet, RequestId, Settings,
};

use crate::care::Hand;
use crate::random::{options, plugin_settings};
use crate::rng::Rng;

/// Requests of the editor are numbered from here on, away from those of the operator.
const FIRST_REQUEST: u64 = 1_000_000;
/// More applies than this no story has.
const APPLIES_AT_MOST: u64 = 12;

/// The configuration as its author last saw it, and what it is edited by.
#[derive(Debug)]
pub struct Editor {
    rng: Rng,
    graph: Arc<Graph>,
    settings: Settings,
    asked: u64,
    last: Option<(RequestId, Arc<Graph>)>,
    hand: Option<Hand>,
}

impl Editor {
    /// Somebody who begins with that graph.
    pub fn new(rng: Rng, graph: Arc<Graph>, settings: Settings) -> Editor {
        Editor { rng, graph, settings, asked: 0, last: None, hand: None }
    }

    /// The same, who also edits how plugins are cared for, and lets it be when that time has come.
    #[must_use]
    pub(crate) fn with_hand(mut self, hand: Hand) -> Editor {
        self.hand = Some(hand);
        self
    }

    /// What is asked for when something has come to its end: often the moment at which an apply is not refused.
    pub fn reacts_to(&mut self, now: Instant, action: &Action) -> Option<(Duration, Input)> {
        match action {
            Action::Replace { request } => {
                if let Some((_, graph)) = self.last.take_if(|(last, _)| last == request) {
                    self.graph = graph;
                }
                None
            }
            Action::Complete { .. } if self.asked < APPLIES_AT_MOST && self.rng.per_mille(400) => {
                self.asked += 1;
                let id = RequestId(FIRST_REQUEST + self.asked);
                let change = self.edit()?;
                let after = self.rng.duration(Duration::from_nanos(1), Duration::from_secs(600));
                if self.hand.as_ref().is_some_and(|hand| now + after >= hand.until) {
                    return None;
                }
                self.last = Some((id, Arc::clone(&change.graph)));
                Some((
                    after,
                    Input::Requested { id, by: Asker::Operator, request: Request::Apply(Box::new(change)) },
                ))
            }
            _ => None,
        }
    }

    /// The next version; `None` if what came to mind was a circle.
    fn edit(&mut self) -> Option<Change> {
        let mut decls: Vec<PluginDecl> =
            self.graph.plugins().map(|plugin| self.graph.decl(plugin).clone()).collect();
        let mut redefined = Vec::new();
        for _ in 0..self.rng.below(4) {
            self.edit_once(&mut decls, &mut redefined);
        }
        if let Some(hand) = &self.hand {
            hand.edit(&mut self.rng, &mut decls, &mut self.settings);
        }
        let graph = Arc::new(Graph::succeeding(&self.graph, decls).ok()?);
        let redefined: PluginSet = redefined.into_iter().filter_map(|name: String| graph.id(&name)).collect();
        let options = options(&mut self.rng);
        let start_all = self.rng.per_mille(100);
        Some(Change { graph, settings: self.settings.clone(), redefined, options, start_all })
    }

    fn edit_once(&mut self, decls: &mut Vec<PluginDecl>, redefined: &mut Vec<String>) {
        let at = self.rng.below(decls.len() as u64) as usize;
        match self.rng.below(8) {
            0 => {
                // Old names come back now and then.
                let number = self.rng.below(self.graph.room() as u64 + 3);
                let name = match PluginId(number as u32) {
                    known if self.graph.knows(known) => self.graph.name(known).to_owned(),
                    _ => format!("q{}-{number}", self.asked),
                };
                if decls.iter().all(|decl| decl.name != name) {
                    let mut decl = PluginDecl::new(name);
                    decl.settings = plugin_settings(&mut self.rng);
                    if let Some(needed) = decls.get(at) {
                        decl = decl.needs(needed.name.clone());
                    }
                    decls.insert(at, decl);
                }
            }
            1 if decls.len() > 1 => {
                let name = decls.remove(at).name;
                decls.iter_mut().for_each(|decl| decl.edges.retain(|edge| edge.to != name));
            }
            2 | 3 => redefined.extend(decls.get(at).map(|decl| decl.name.clone())),
            4 => {
                let to = self.rng.below(decls.len() as u64) as usize;
                let to = decls[to].name.clone();
                let decl = decls[at].clone();
                decls[at] = if self.rng.per_mille(500) { decl.needs(to) } else { decl.likes(to) };
            }
            5 => drop(decls[at].edges.pop()),
            6 => {
                let moved = decls.remove(at);
                decls.push(moved);
            }
            _ => {}
        }
    }
}
