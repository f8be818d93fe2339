//! Replacing the graph of a running host: what must go is stopped, the graph is replaced, what must come is started.
//! What is not concerned runs on, with its life, its number and its place in the order of readiness.
//!
//! The plan is a value ([`ApplyPlan`]); carrying it out follows it step by step. A number belongs to a name for ever
//! ([`Graph::succeeding`](crate::Graph::succeeding)), so nothing that is kept per plugin, no timer and no answer on its
//! way has to be translated, and a name that comes back goes on with the lives it has had. A plugin that could not be
//! ended stays known and fenced off, declared or not.

mod plan;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::action::{Action, Outcome};
use crate::event::Happening;
use crate::failure::Code;
use crate::input::{Asker, Targets};
use crate::kernel::{Kernel, Plugin};
use crate::phase::{Phase, Rest, StopCause};
use crate::requests::Asked;
use crate::startup::plan::{Plan, Step, Why};
use crate::startup::report::StartReport;
use crate::stop::CutOff;
use crate::view::{self, Desired};
use crate::{Instant, PluginId, PluginSet, RequestId, Seq};

use plan::Standing;
pub use plan::{ApplyPlan, Change, Resting, StartStep, StartWhy, StopStep, StopWhy};

/// Why nothing else is started while an apply stops what must go.
pub(crate) const REPLACING: &str = "an apply is under way; ask again when it is over";

/// What an apply came to.
#[derive(Clone, PartialEq, Debug)]
pub struct ApplyReport {
    /// What was to be done.
    pub plan: ApplyPlan,
    /// The plugins that were stopped because they had to go, in the order in which they were gone.
    pub stopped: Vec<PluginId>,
    /// Those that could not be ended at all, and are fenced off.
    pub abandoned: Vec<PluginId>,
    /// Plugins of the plan that were not started because a stop was asked for before their time had come.
    pub withdrawn: Vec<PluginId>,
    /// What the starts came to. Times count from the request.
    pub start: StartReport,
    /// Whoever serves at the end, in the order of the declarations.
    pub running: Vec<PluginId>,
}

/// A replacement under way.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Applying {
    id: RequestId,
    by: Asker,
    /// What it was waited for last.
    last_event: Seq,
    /// The stop of everything that cut it off.
    cut_by: Option<Seq>,
    change: Change,
    plan: ApplyPlan,
    began: Instant,
    /// The plugins that must go and are still there.
    left: PluginSet,
    stopped: Vec<PluginId>,
    abandoned: Vec<PluginId>,
    /// What was asked to stop meanwhile, with what needs it.
    cut: PluginSet,
    withdrawn: Vec<PluginId>,
    /// Whether the graph has been replaced.
    replaced: bool,
}

impl Kernel {
    /// What a change would do now.
    ///
    /// # Errors
    /// Why it would be refused: a request is under way, or the graph was not made from this kernel's own.
    pub fn plan_apply(&self, change: &Change) -> Result<ApplyPlan, String> {
        if let Some(what) = self.under_way() {
            return Err(format!("{what} is under way; ask again when it is over"));
        }
        // What a start or a restart leaves behind when it ends early may still be on its way down.
        let moves =
            |plugin: &PluginId| self.phase(*plugin).is_alive() && *self.phase(*plugin) != Phase::Ready;
        if let Some(plugin) = (0..self.plugins.len() as u32).map(PluginId).find(moves) {
            let (name, phase) = (self.graph.name(plugin), self.phase(plugin).as_str());
            return Err(format!("`{name}` is {phase}; ask again when that is over"));
        }
        if !change.graph.succeeds(&self.graph) {
            return Err(String::from("the new graph was made from another one than that which it replaces"));
        }
        Ok(ApplyPlan::new(&self.graph, change, |plugin| self.standing(plugin)))
    }

    fn under_way(&self) -> Option<&'static str> {
        match (&self.applying, self.runs.is_empty(), self.stops.is_empty()) {
            (Some(_), _, _) => Some("another apply"),
            (None, false, _) => Some("a start"),
            (None, true, false) => Some("a stop"),
            (None, true, true) => None,
        }
    }

    fn standing(&self, plugin: PluginId) -> Standing {
        let Some(Plugin { desired, still_wanted, life, .. }) = self.plugins.get(plugin.index()) else {
            return Standing::Idle;
        };
        let wanted = *desired == Desired::Up || *still_wanted;
        match &life.phase {
            Phase::Ready => Standing::Ready(life.readiness.unwrap_or_default()),
            Phase::Abandoned(_) => Standing::Fenced,
            _ if self.is_returning(plugin) => Standing::Returning,
            Phase::Failed(failure) if wanted && failure.code == Code::DependencyFailed => {
                Standing::FailedForWant
            }
            Phase::Failed(_) if wanted => Standing::Failed,
            _ if wanted => Standing::Wanted,
            Phase::Down(Rest::NotStarted) => Standing::Idle,
            _ => Standing::Stopped,
        }
    }

    pub(crate) fn request_apply(&mut self, id: RequestId, by: Asker, change: Change) -> Result<(), String> {
        let plan = self.plan_apply(&change)?;
        let (stops, starts) = (plan.stops.len() as u32, plan.starts.len() as u32);
        let told = self.say(None, Happening::ApplyBegan { request: id, by, stops, starts });
        let left: PluginSet = plan.stops.iter().map(|step| step.plugin).collect();
        let (removed, again) = left.iter().partition(|plugin| !change.graph.contains(*plugin));
        let cut_off = CutOff::asked_for(told, "the configuration was changed");
        self.bring_down(&removed, &StopCause::Removed, &cut_off);
        self.bring_down(&again, &StopCause::Restart, &cut_off);
        self.applying = Some(Box::new(Applying {
            id,
            by,
            last_event: told,
            cut_by: None,
            change,
            plan,
            began: self.now,
            left,
            stopped: Vec::new(),
            abandoned: Vec::new(),
            cut: PluginSet::default(),
            withdrawn: Vec::new(),
            replaced: false,
        }));
        Ok(())
    }

    /// Whether an apply is still stopping what must go.
    pub(crate) fn is_replacing(&self) -> bool {
        self.applying.as_ref().is_some_and(|applying| !applying.replaced)
    }

    pub(crate) fn is_applying(&self, id: RequestId) -> bool {
        self.applying.as_ref().is_some_and(|applying| applying.id == id)
    }

    /// Plugins that are declared no more and could not be ended.
    pub(crate) fn leftovers(&self) -> impl Iterator<Item = PluginId> + '_ {
        let undeclared = |plugin: &PluginId| !self.graph.contains(*plugin);
        let all = (0..self.plugins.len() as u32).map(PluginId).filter(undeclared);
        all.filter(|plugin| matches!(self.phase(*plugin), Phase::Abandoned(_)))
    }

    /// A stop was asked for: what it is about is not started by an apply that has not come to starting yet.
    pub(crate) fn cut_apply(&mut self, targets: &Targets, hit: &PluginSet, by: Seq) {
        if let Some(applying) = self.applying.as_mut().filter(|applying| !applying.replaced) {
            if *targets == Targets::All {
                applying.cut_by.get_or_insert(by);
            }
            applying.cut.extend(hit.iter());
        }
    }

    /// Whether an apply waits for a plugin to be gone.
    pub(crate) fn apply_waits_for(&self, plugin: PluginId) -> bool {
        self.applying.as_ref().is_some_and(|applying| applying.left.contains(plugin))
    }

    /// A plugin is gone, or given up.
    pub(crate) fn apply_sees_gone(&mut self, plugin: PluginId, abandoned: bool) {
        let last = self.plugin(plugin).last;
        let Some(applying) = &mut self.applying else { return };
        if applying.left.remove(plugin) {
            applying.last_event = last.unwrap_or(applying.last_event);
            if abandoned { &mut applying.abandoned } else { &mut applying.stopped }.push(plugin);
        }
    }

    /// A plugin is brought down, and shall not come back by itself. One whose start is undone stays wanted by an
    /// operator who has not said otherwise.
    pub(crate) fn no_longer_wanted(&mut self, plugin: PluginId, cause: &StopCause) {
        self.stay_down(plugin);
        let plugin = self.plugin_mut(plugin);
        let wanted = plugin.still_wanted || plugin.desired == Desired::Up;
        plugin.still_wanted = wanted && matches!(cause, StopCause::Unwind(_));
        plugin.desired = Desired::Down;
    }

    /// Replaces the graph when what must go is gone; true if it did.
    pub(crate) fn replace_if_due(&mut self) -> bool {
        let due = |applying: &Applying| !applying.replaced && applying.left.is_empty();
        if !self.applying.as_deref().is_some_and(due) {
            return false;
        }
        let Some(mut applying) = self.applying.take() else { return false };
        applying.replaced = true;
        let replaced = self.adopt(&applying);
        let steps = self.steps_left(&mut applying);
        let (id, by, options, began) = (applying.id, applying.by, applying.change.options, applying.began);
        let cut_by = applying.cut_by;
        self.applying = Some(applying);
        let targets = Targets::Some(steps.iter().map(|step| step.plugin).collect());
        let plan = Plan { steps, left_out: Vec::new() };
        self.begin_run(Asked { id, by, targets }, &plan, options, Some(replaced));
        if let Some(run) = self.runs.get_mut(&id) {
            run.report.began = began;
        }
        if let Some(by) = cut_by {
            self.cut_run(id, by);
        }
        true
    }

    /// From now on the new graph and the new settings hold.
    fn adopt(&mut self, applying: &Applying) -> Seq {
        let Applying { id, change, plan, last_event, .. } = applying;
        let old = core::mem::replace(&mut self.graph, change.graph.clone());
        self.settings = change.settings.clone();
        self.plugins.resize_with(self.graph.room(), Plugin::new);
        for plugin in &plan.added {
            let plugin = self.plugin_mut(*plugin);
            // Its lives are counted on from those it had when it was declared before; nothing else is left of that, but for
            // what nobody could end.
            if matches!(plugin.life.phase, Phase::Abandoned(_)) {
                let Plugin { back, hard_times, .. } = Plugin::new();
                (plugin.back, plugin.hard_times) = (back, hard_times);
            } else {
                let incarnation = plugin.life.incarnation;
                *plugin = Plugin::new();
                plugin.life.incarnation = incarnation;
            }
            plugin.desired = Desired::Up;
        }
        // Who cannot run now stays wanted, and comes with a later change that lets it.
        for (plugin, _) in &plan.resting {
            let plugin = self.plugin_mut(*plugin);
            plugin.still_wanted |= plugin.desired == Desired::Up;
            plugin.desired = Desired::Down;
        }
        for plugin in &plan.removed {
            self.stay_down(*plugin);
            let plugin = self.plugin_mut(*plugin);
            (plugin.desired, plugin.still_wanted) = (Desired::Down, false);
        }
        let followed = core::mem::replace(&mut self.anyone_follows, view::anyone_follows(&self.graph));
        if !followed {
            self.note_who_is_available();
        }
        let replaced = self.say(Some(*last_event), Happening::Replaced { request: *id });
        self.cancel_unwanted_returns(replaced);
        let graph = Arc::clone(&self.graph);
        // Dependencies first, so that nobody goes by what one of them is going to change.
        for plugin in graph.order().iter().copied() {
            if old.contains(plugin) {
                self.watch_anew(plugin, old.decl(plugin).settings.health);
            }
            self.return_only_as_allowed(plugin, replaced);
            self.reconsider(plugin, Some(replaced));
            self.return_if_possible(plugin, Some(replaced));
        }
        self.act(Action::Replace { request: *id });
        replaced
    }

    /// The starts of the plan, without those that a stop has cut off meanwhile.
    fn steps_left(&mut self, applying: &mut Applying) -> Vec<Step> {
        let cut = self.graph.with_dependents(applying.cut.iter());
        let mut steps = Vec::with_capacity(applying.plan.starts.len());
        for StartStep { plugin, why } in &applying.plan.starts {
            if applying.cut_by.is_some() || cut.contains(*plugin) {
                applying.withdrawn.push(*plugin);
                self.no_longer_wanted(*plugin, &StopCause::Asked);
                continue;
            }
            let why = match why {
                StartWhy::NeededBy(dependent) => Why::NeededBy(*dependent),
                StartWhy::Upon(needed) => Why::RanUpon(*needed),
                _ => Why::Asked,
            };
            steps.push(Step { plugin: *plugin, why });
        }
        steps
    }

    /// How a request that starts plugins ended.
    pub(crate) fn outcome_of(&mut self, id: RequestId, start: StartReport) -> Outcome {
        match self.applying.take_if(|applying| applying.id == id) {
            None => Outcome::Started(Box::new(start)),
            Some(applying) => {
                let Applying { plan, stopped, abandoned, withdrawn, .. } = *applying;
                let serves = |plugin: &PluginId| self.phase(*plugin).is_serving();
                let running = self.graph.plugins().filter(serves).collect();
                Outcome::Applied(Box::new(ApplyReport {
                    plan,
                    stopped,
                    abandoned,
                    withdrawn,
                    start,
                    running,
                }))
            }
        }
    }
}
