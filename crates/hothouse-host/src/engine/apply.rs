//! Replacing the configuration: the kernel decides what is touched and when the graph is replaced; here the slots follow.

use std::sync::Arc;

use hothouse_kernel::{Change, Graph, GraphError, Input, PluginDecl, Request, RequestId};
use hothouse_runtime::{Abilities, Json};

use super::Engine;
use crate::apply::{ApplyCommand, ApplyError, ApplyPreview, Done};
use crate::handle::Refused;
use crate::plugins::Slot;
use crate::spec::{CallSettings, HostSettings, PluginSpec};

/// Specifications, as the graph takes them.
pub(super) struct Declared {
    pub(super) abilities: Vec<Abilities>,
    pub(super) decls: Vec<PluginDecl>,
}

impl Declared {
    pub(super) fn of(specs: &[PluginSpec], settings: &HostSettings) -> Declared {
        let abilities: Vec<_> = specs.iter().map(|spec| spec.loader.abilities()).collect();
        let decls = specs.iter().zip(&abilities).map(|(spec, abilities)| spec.decl(abilities, settings));
        Declared { decls: decls.collect(), abilities }
    }
}

/// What takes the place of the slots when the graph is replaced.
pub(super) struct Pending {
    specs: Vec<PluginSpec>,
    abilities: Vec<Abilities>,
    context: Json,
    calls: CallSettings,
}

impl Engine {
    pub(super) fn apply(&mut self, command: ApplyCommand) {
        let ApplyCommand { by, settings, plugins, options, context, start_all, done } = command;
        let Declared { abilities, decls } = Declared::of(&plugins, &settings);
        let graph = match Graph::succeeding(&self.graph, decls) {
            Ok(graph) => Arc::new(graph),
            Err(errors) => return unsound(done, errors),
        };
        let differs = |spec: &&PluginSpec| {
            let slot = graph.id(&spec.name).and_then(|plugin| self.slots.get(plugin.index()));
            slot.is_some_and(|slot| slot.is_redefined_by(spec))
        };
        let redefined = plugins.iter().filter(differs).filter_map(|spec| graph.id(&spec.name)).collect();
        let calls = settings.calls.clone();
        let seed = settings.seed.unwrap_or_else(|| self.kernel.settings().seed);
        // What was told of coming pauses stays true.
        let settings = HostSettings { seed: Some(seed), ..settings }.of_kernel();
        let change = Change { graph: Arc::clone(&graph), settings, redefined, options, start_all };
        match done {
            Done::Planned(planned) => {
                let plan = self.kernel.plan_apply(&change);
                let refused = |why| ApplyError::Refused(Refused { why });
                let _ = planned.send(plan.map(|plan| ApplyPreview { graph, plan }).map_err(refused));
            }
            Done::Applied { refused, done } => {
                drop(refused);
                self.last_request += 1;
                let id = RequestId(self.last_request);
                self.requests.insert(id, done);
                self.pending.insert(id, Pending { specs: plugins, abilities, context, calls });
                self.handle(Input::Requested { id, by, request: Request::Apply(Box::new(change)) });
            }
        }
    }

    /// The graph was replaced: from now on lives are made of the new definitions. Those at hand go on.
    pub(super) fn replace(&mut self, request: RequestId) {
        // What has been ordered so far is for instances of before.
        self.flush();
        let Some(Pending { specs, abilities, context, calls }) = self.pending.remove(&request) else {
            return;
        };
        self.call_settings = calls;
        for (spec, abilities) in specs.into_iter().zip(&abilities) {
            let Some(plugin) = self.graph.id(&spec.name) else { continue };
            let slot = Slot { context: context.clone(), ..Slot::new(spec, abilities, plugin) };
            match self.slots.get_mut(plugin.index()) {
                Some(old) => old.redefine(slot),
                // New names are numbered on in the order of the declarations.
                None => self.slots.push(slot),
            }
        }
        self.declare_lanes();
        self.publish_lanes();
    }

    /// Shows the kernel's graph to everybody, before anything is told that needs it to be understood.
    pub(super) fn publish_graph(&mut self) {
        if !Arc::ptr_eq(&self.graph, self.kernel.graph()) {
            self.graph = Arc::clone(self.kernel.graph());
            self.current.set(Arc::clone(&self.graph));
        }
    }
}

fn unsound(done: Done, errors: Vec<GraphError>) {
    match done {
        Done::Planned(planned) => drop(planned.send(Err(ApplyError::Graph(errors)))),
        Done::Applied { refused, .. } => drop(refused.send(errors)),
    }
}
