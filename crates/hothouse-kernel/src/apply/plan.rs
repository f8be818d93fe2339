//! What a changed configuration touches, in which order, and why: computed as a value before anything moves.

use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::graph::{Need, PluginDecl};
use crate::input::StartOptions;
use crate::settings::Settings;
use crate::teardown::{Place, Turn};
use crate::{Graph, Incarnation, PluginId, PluginSet};

/// A new configuration for a running host.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Change {
    /// The new graph, made with [`Graph::succeeding`] from the one it replaces. Settings of plugins in it hold from the
    /// replacement on, also for those that run.
    pub graph: Arc<Graph>,
    /// The new settings of the host.
    pub settings: Settings,
    /// Plugins whose instances are made of something else than before, as far as the driver knows. What stands in the
    /// graph, versions and dependencies, is compared here.
    pub redefined: PluginSet,
    /// How to start what must come.
    pub options: StartOptions,
    /// Start whatever does not run, also what was stopped on purpose.
    pub start_all: bool,
}

/// What a change will do.
#[derive(Clone, PartialEq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ApplyPlan {
    /// Plugins that are new, in the order of the new declarations.
    pub added: Vec<PluginId>,
    /// Plugins that are declared no more, in the order of the old declarations.
    pub removed: Vec<PluginId>,
    /// Plugins whose definition differs, in the order of the new declarations.
    pub changed: Vec<PluginId>,
    /// The plugins that will be stopped, in the order in which they will be.
    pub stops: Vec<StopStep>,
    /// The plugins that will be started, dependencies first. A sequential start follows this order exactly.
    pub starts: Vec<StartStep>,
    /// Plugins that are new, or changed, or will be stopped, and that will not run afterwards.
    pub resting: Vec<(PluginId, Resting)>,
    /// Plugins that nothing happens to, in the order of the new declarations.
    pub untouched: Vec<PluginId>,
}

/// One plugin that will be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StopStep {
    /// The plugin.
    pub plugin: PluginId,
    /// Why.
    pub why: StopWhy,
}

/// Why a plugin will be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StopWhy {
    /// It is declared no more.
    Removed,
    /// Its definition differs.
    Changed,
    /// It needs this plugin, which is removed or replaced, or runs upon one that is.
    Needs(PluginId),
}

/// One plugin that will be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StartStep {
    /// The plugin.
    pub plugin: PluginId,
    /// Why.
    pub why: StartWhy,
}

/// Why a plugin will be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StartWhy {
    /// It is new.
    Added,
    /// It ran, and its definition differs.
    Changed,
    /// It had failed, and its definition differs.
    Mended,
    /// It ran, or would have, and it needs this plugin, which is replaced.
    Upon(PluginId),
    /// It was wanted before, and did not run: a start that failed was undone, or what it needs did not run.
    Wanted,
    /// This plugin of the plan needs it.
    NeededBy(PluginId),
    /// Everything that does not run was asked for.
    Asked,
}

/// Why a plugin will not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Resting {
    /// It was not wanted before, and is not now.
    NotWanted,
    /// It was stopped on purpose.
    Stopped,
    /// Its last life could not be ended.
    Fenced,
    /// It needs this plugin, which will not run.
    Without(PluginId),
}

/// How a plugin stands before the change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It serves; the number is its place in the order of becoming ready.
    Ready(u64),
    /// It failed.
    Failed,
    /// It failed because something that it needs had.
    FailedForWant,
    /// It failed and comes back by itself.
    Returning,
    /// It is wanted and does not run: a start that failed was undone, or what it needs did not run.
    Wanted,
    /// It was never wanted.
    Idle,
    /// It was stopped on purpose.
    Stopped,
    /// Its last life could not be ended.
    Fenced,
}

impl ApplyPlan {
    /// Whether nothing is stopped or started.
    pub fn touches_nothing(&self) -> bool {
        self.stops.is_empty() && self.starts.is_empty()
    }

    pub(crate) fn new(old: &Graph, change: &Change, standing: impl Fn(PluginId) -> Standing) -> ApplyPlan {
        Planner::new(old, change, standing).plan()
    }
}

/// A plan in the making.
struct Planner<'a, S> {
    old: &'a Graph,
    new: &'a Graph,
    start_all: bool,
    standing: S,
    removed: Vec<PluginId>,
    added: PluginSet,
    changed: PluginSet,
    /// What is removed or changed, and whatever needs it.
    hit: PluginSet,
}

impl<'a, S: Fn(PluginId) -> Standing> Planner<'a, S> {
    fn new(old: &'a Graph, change: &'a Change, standing: S) -> Planner<'a, S> {
        let new = &*change.graph;
        let differs = |plugin: PluginId| {
            change.redefined.contains(plugin) || redefined(old.decl(plugin), new.decl(plugin))
        };
        let removed: Vec<PluginId> = old.plugins().filter(|plugin| !new.contains(*plugin)).collect();
        let added = new.plugins().filter(|plugin| !old.contains(*plugin)).collect();
        let changed: PluginSet =
            new.plugins().filter(|plugin| old.contains(*plugin) && differs(*plugin)).collect();
        let hit = old.with_dependents(removed.iter().copied().chain(changed.iter()));
        Planner { old, new, start_all: change.start_all, standing, removed, added, changed, hit }
    }

    fn plan(self) -> ApplyPlan {
        let stops = self.stops();
        let able = self.able();
        let starts = self.starts(&able);
        let comes: PluginSet = starts.iter().map(|step| step.plugin).collect();
        let goes = stops.iter().map(|step| step.plugin);
        let touched: PluginSet =
            self.added.iter().chain(self.changed.iter()).chain(goes).chain(comes.iter()).collect();
        let declared = || self.new.plugins();
        ApplyPlan {
            added: declared().filter(|plugin| self.added.contains(*plugin)).collect(),
            changed: declared().filter(|plugin| self.changed.contains(*plugin)).collect(),
            resting: declared()
                .filter(|plugin| touched.contains(*plugin) && !comes.contains(*plugin))
                .map(|plugin| (plugin, self.resting(plugin, &able)))
                .collect(),
            untouched: declared().filter(|plugin| !touched.contains(*plugin)).collect(),
            removed: self.removed,
            stops,
            starts,
        }
    }

    fn stands(&self, plugin: PluginId) -> Standing {
        match (self.standing)(plugin) {
            Standing::Fenced => Standing::Fenced,
            // Whatever it was when it was declared before: it is new.
            _ if self.added.contains(plugin) => Standing::Idle,
            standing => standing,
        }
    }

    /// Whether it serves now and goes on serving.
    fn stays(&self, plugin: PluginId) -> bool {
        matches!(self.stands(plugin), Standing::Ready(_)) && !self.hit.contains(plugin)
    }

    /// Who serves of what is hit, in the order of stopping.
    fn stops(&self) -> Vec<StopStep> {
        let leaving = self.hit.iter().filter_map(|plugin| match self.stands(plugin) {
            Standing::Ready(readiness) => Some((plugin, readiness)),
            _ => None,
        });
        let step = |plugin| StopStep { plugin, why: self.stop_why(plugin) };
        in_order_of_stopping(self.old, leaving).into_iter().map(step).collect()
    }

    fn stop_why(&self, plugin: PluginId) -> StopWhy {
        if !self.new.contains(plugin) {
            return StopWhy::Removed;
        }
        if self.changed.contains(plugin) {
            return StopWhy::Changed;
        }
        self.hit_dependency(plugin).map_or(StopWhy::Changed, StopWhy::Needs)
    }

    /// Something it needs that is hit as well.
    fn hit_dependency(&self, plugin: PluginId) -> Option<PluginId> {
        hard(self.old, plugin).find(|needed| self.hit.contains(*needed))
    }

    /// Who can run afterwards: what stays, and what may be started together with all that it needs.
    fn able(&self) -> PluginSet {
        let mut able = PluginSet::with_room(self.new.room());
        for plugin in self.new.order() {
            let allowed = match self.stands(*plugin) {
                Standing::Fenced => false,
                Standing::Stopped => self.start_all,
                _ => true,
            };
            let has_all = || hard(self.new, *plugin).all(|needed| able.contains(needed));
            if self.stays(*plugin) || (allowed && has_all()) {
                able.insert(*plugin);
            }
        }
        able
    }

    /// Why a plugin shall run that does not or will have been stopped; `None`: nothing asks for it.
    fn wanted(&self, plugin: PluginId) -> Option<StartWhy> {
        let asked = self.start_all.then_some(StartWhy::Asked);
        if self.stays(plugin) {
            return None;
        }
        if self.added.contains(plugin) {
            return Some(StartWhy::Added);
        }
        let changed = self.changed.contains(plugin);
        match self.stands(plugin) {
            Standing::Ready(_) if changed => Some(StartWhy::Changed),
            Standing::Failed | Standing::FailedForWant | Standing::Returning if changed => {
                Some(StartWhy::Mended)
            }
            Standing::Ready(_) | Standing::FailedForWant | Standing::Returning
                if self.hit.contains(plugin) =>
            {
                self.hit_dependency(plugin).map(StartWhy::Upon).or(asked)
            }
            Standing::Wanted if self.changes_anything() => Some(StartWhy::Wanted),
            _ => asked,
        }
    }

    fn changes_anything(&self) -> bool {
        !(self.removed.is_empty() && self.added.is_empty() && self.changed.is_empty())
    }

    /// Who is started: what is wanted and can run, and what that needs.
    fn starts(&self, able: &PluginSet) -> Vec<StartStep> {
        let mut starts: Vec<Option<StartWhy>> = alloc::vec![None; self.new.room()];
        let mut open = Vec::new();
        for plugin in self.new.plugins().filter(|plugin| able.contains(*plugin)) {
            if let Some(why) = self.wanted(plugin) {
                starts[plugin.index()] = Some(why);
                open.push(plugin);
            }
        }
        while let Some(plugin) = open.pop() {
            for needed in hard(self.new, plugin).filter(|needed| !self.stays(*needed)) {
                if starts[needed.index()].is_none() {
                    starts[needed.index()] = Some(StartWhy::NeededBy(plugin));
                    open.push(needed);
                }
            }
        }
        let step = |plugin: &PluginId| Some(StartStep { plugin: *plugin, why: starts[plugin.index()]? });
        self.new.order().iter().filter_map(step).collect()
    }

    fn resting(&self, plugin: PluginId, able: &PluginSet) -> Resting {
        match self.stands(plugin) {
            Standing::Fenced => Resting::Fenced,
            Standing::Stopped => Resting::Stopped,
            _ => match hard(self.new, plugin).find(|needed| !able.contains(*needed)) {
                Some(needed) if self.wanted(plugin).is_some() => Resting::Without(needed),
                _ => Resting::NotWanted,
            },
        }
    }
}

/// Whether what the graph says of a plugin differs in a way that its instance has to do with. A range is a condition on
/// others, and settings are the kernel's own: both hold at once.
fn redefined(old: &PluginDecl, new: &PluginDecl) -> bool {
    old.version != new.version || needs(old) != needs(new)
}

/// Every plugin that a declaration names, once, with the harder need.
fn needs(decl: &PluginDecl) -> Vec<(&str, Need)> {
    let mut needs: Vec<(&str, Need)> = decl.edges.iter().map(|edge| (edge.to.as_str(), edge.need)).collect();
    needs.sort_unstable();
    needs.dedup_by_key(|(to, _)| *to);
    needs
}

fn hard(graph: &Graph, plugin: PluginId) -> impl Iterator<Item = PluginId> + '_ {
    graph.dependencies(plugin).iter().filter(|edge| edge.need == Need::Hard).map(|edge| edge.plugin)
}

/// The order in which plugins that serve are stopped: by the rules of `teardown`, played through.
fn in_order_of_stopping(graph: &Graph, leaving: impl Iterator<Item = (PluginId, u64)>) -> Vec<PluginId> {
    let turn = |plugin, place| Turn { place, plugin, incarnation: Incarnation::default() };
    let mut places: Vec<Option<Place>> = alloc::vec![None; graph.room()];
    let mut queue = BinaryHeap::new();
    for (plugin, readiness) in leaving {
        let place = Place::of(readiness);
        places[plugin.index()] = Some(place);
        queue.push(turn(plugin, place));
    }
    let mut order = Vec::with_capacity(queue.len());
    while let Some(Turn { plugin, .. }) = queue.pop() {
        let dependents = graph.dependents(plugin).iter().filter(|edge| edge.need == Need::Hard);
        match dependents.filter_map(|edge| places[edge.plugin.index()]).min() {
            Some(place) => {
                places[plugin.index()] = Some(place.behind());
                queue.push(turn(plugin, place.behind()));
            }
            None => {
                places[plugin.index()] = None;
                order.push(plugin);
            }
        }
    }
    order
}
