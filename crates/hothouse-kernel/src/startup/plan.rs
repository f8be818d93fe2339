//! Which plugins a request starts, in which order, and why: computed as a value before anything moves, so that a
//! person can read it and a test can compare it.

use alloc::vec::Vec;

use crate::input::Targets;
use crate::{Graph, PluginId, PluginSet};

/// What a start will do.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The plugins that will be started, dependencies first, ties in the order of the declarations. A sequential
    /// start follows this order exactly.
    pub steps: Vec<Step>,
    /// Plugins that are wanted or needed and are left out.
    pub left_out: Vec<(PluginId, LeftOut)>,
}

/// One plugin of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The plugin.
    pub plugin: PluginId,
    /// Why it is in the plan.
    pub why: Why,
}

/// Why a plugin is in a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It was asked for.
    Asked,
    /// This plugin of the plan needs it.
    NeededBy(PluginId),
    /// It ran, and it needs this plugin, which is restarted.
    RanUpon(PluginId),
}

/// Why a plugin is not in a plan although it is wanted or needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LeftOut {
    /// It is ready.
    Ready,
    /// Another start is bringing it up already.
    Starting,
}

impl Plan {
    /// The plan for starting the targets and whatever they need. `left_out` says which plugins are not to be started
    /// again, and why.
    pub fn start(graph: &Graph, targets: &Targets, left_out: impl Fn(PluginId) -> Option<LeftOut>) -> Plan {
        match targets {
            Targets::All => Plan::among(graph.order().iter().copied(), left_out, |_| Why::Asked),
            Targets::Some(asked) => {
                let wanted = graph.with_dependencies(asked.iter().copied());
                let in_order = in_order(graph, &wanted);
                let direct: PluginSet = collect(graph, asked);
                let needed_by = |plugin: PluginId| {
                    let dependents = graph.dependents(plugin).iter().map(|edge| edge.plugin);
                    match dependents.into_iter().find(|dependent| wanted.contains(*dependent)) {
                        Some(dependent) if !direct.contains(plugin) => Why::NeededBy(dependent),
                        _ => Why::Asked,
                    }
                };
                Plan::among(in_order.into_iter(), left_out, needed_by)
            }
        }
    }

    /// The plan for starting again, after a restart of `asked`, all of `ran`.
    pub fn restart(
        graph: &Graph,
        asked: &PluginSet,
        ran: &PluginSet,
        left_out: impl Fn(PluginId) -> Option<LeftOut>,
    ) -> Plan {
        let why = |plugin: PluginId| {
            if asked.contains(plugin) {
                return Why::Asked;
            }
            let mut needs = graph.dependencies(plugin).iter().map(|edge| edge.plugin);
            if let Some(needed) = needs.find(|needed| ran.contains(*needed)) {
                return Why::RanUpon(needed);
            }
            let mut needed_by = graph.dependents(plugin).iter().map(|edge| edge.plugin);
            needed_by.find(|dependent| ran.contains(*dependent)).map_or(Why::Asked, Why::NeededBy)
        };
        Plan::among(in_order(graph, ran).into_iter(), left_out, why)
    }

    fn among(
        plugins: impl Iterator<Item = PluginId>,
        left_out: impl Fn(PluginId) -> Option<LeftOut>,
        why: impl Fn(PluginId) -> Why,
    ) -> Plan {
        let mut plan = Plan { steps: Vec::with_capacity(plugins.size_hint().0), left_out: Vec::new() };
        for plugin in plugins {
            match left_out(plugin) {
                Some(reason) => plan.left_out.push((plugin, reason)),
                None => plan.steps.push(Step { plugin, why: why(plugin) }),
            }
        }
        plan
    }
}

fn collect(graph: &Graph, plugins: &[PluginId]) -> PluginSet {
    let mut set = PluginSet::with_room(graph.room());
    for plugin in plugins.iter().filter(|plugin| graph.contains(**plugin)) {
        set.insert(*plugin);
    }
    set
}

/// The plugins of a set, dependencies first.
fn in_order(graph: &Graph, set: &PluginSet) -> Vec<PluginId> {
    let mut plugins: Vec<PluginId> = set.iter().collect();
    plugins.sort_unstable_by_key(|plugin| graph.position(*plugin));
    plugins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PluginDecl;
    use alloc::vec;

    #[test]
    fn a_start_of_one_takes_what_it_needs_and_says_why() {
        let graph = Graph::build(vec![
            PluginDecl::new("web").needs("api").likes("cache"),
            PluginDecl::new("api").needs("db"),
            PluginDecl::new("db"),
            PluginDecl::new("cache"),
            PluginDecl::new("other"),
        ])
        .unwrap();
        let [web, api, db] = [0, 1, 2].map(PluginId);
        let plan =
            Plan::start(&graph, &Targets::Some(vec![web]), |plugin| (plugin == db).then_some(LeftOut::Ready));
        assert_eq!(
            plan.steps,
            [Step { plugin: api, why: Why::NeededBy(web) }, Step { plugin: web, why: Why::Asked }]
        );
        assert_eq!(plan.left_out, [(db, LeftOut::Ready)]);
    }
}
