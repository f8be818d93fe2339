//! What an operator or the embedding program can ask for: start, stop, restart. Each request is checked as a whole
//! before anything is changed, and is answered exactly once.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hothouse_protocol::FallbackMode;

use crate::action::{Action, Outcome};
use crate::apply::REPLACING;
use crate::event::Happening;
use crate::input::{Asker, Request, StartOptions, Targets};
use crate::kernel::{Kernel, Member};
use crate::phase::{Phase, StopCause};
use crate::restart::Return;
use crate::startup::plan::{LeftOut, Plan};
use crate::startup::run::{Progress, Run};
use crate::stop::CutOff;
use crate::view::Desired;
use crate::{PluginId, PluginSet, RequestId, Seq};

/// A stop that has not come to its end.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct StopWait {
    id: RequestId,
    /// The plugins that are still there.
    left: PluginSet,
    abandoned: Vec<PluginId>,
    /// The event that was waited for last: the request itself, or the end of a plugin.
    last_event: Seq,
}

/// A request, as far as it is part of the explanation of what follows.
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) by: Asker,
    pub(crate) targets: Targets,
}

impl Kernel {
    pub(crate) fn request(&mut self, id: RequestId, by: Asker, request: Request) {
        self.settled = false;
        let done = match request {
            _ if self.is_open(id) => Err(String::from("a request of that number is under way")),
            Request::Start { .. } | Request::Restart { .. } if self.is_replacing() => {
                Err(String::from(REPLACING))
            }
            Request::Start { targets, options } => self.request_start(Asked { id, by, targets }, options),
            Request::Stop { targets } => self.request_stop(Asked { id, by, targets }),
            Request::Restart { targets, options } => self.request_restart(Asked { id, by, targets }, options),
            Request::Apply(change) => self.request_apply(id, by, *change),
            Request::SetMode { plugin, mode } => self.request_mode(id, by, plugin, mode),
        };
        if let Err(why) = done {
            self.say(None, Happening::Refused { request: id, why: why.as_str().into() });
            self.act(Action::Complete { request: id, outcome: Outcome::Refused(why) });
        }
    }

    /// What a start of these plugins would do now.
    pub fn plan_start(&self, targets: &Targets) -> Plan {
        Plan::start(&self.graph, targets, |plugin| self.left_out(plugin))
    }

    fn is_open(&self, id: RequestId) -> bool {
        self.runs.contains_key(&id) || self.stops.iter().any(|stop| stop.id == id) || self.is_applying(id)
    }

    fn request_start(&mut self, request: Asked, options: StartOptions) -> Result<(), String> {
        let asked = self.resolve(&request.targets)?;
        let plan = self.plan_start(&request.targets);
        let mut starting = plan.left_out.iter().filter(|(_, why)| *why == LeftOut::Starting);
        if let Some((plugin, _)) = starting.find(|(plugin, _)| asked.contains(*plugin)) {
            return Err(format!("`{}` is being started already", self.graph.name(*plugin)));
        }
        self.refuse_if_held(plan.steps.iter().map(|step| step.plugin))?;
        self.begin_run(request, &plan, options, None);
        Ok(())
    }

    fn request_stop(&mut self, Asked { id, by, targets }: Asked) -> Result<(), String> {
        let asked = self.resolve(&targets)?;
        let mut hit = self.graph.with_dependents(asked.iter());
        let told = self.say(None, Happening::StopRequested { request: id, by, targets: targets.clone() });
        self.cut_apply(&targets, &hit, told);
        let cut_off = CutOff::asked_for(told, "a stop was asked for");
        let cut_runs: Vec<RequestId> = match targets {
            Targets::All => self.runs.keys().copied().collect(),
            Targets::Some(_) => Vec::new(),
        };
        for run in &cut_runs {
            self.cut_run(*run, told);
        }
        self.bring_down(&hit, &StopCause::Asked, &cut_off);
        for run in &cut_runs {
            let members = self.members(*run);
            self.reopen(*run, &members);
        }
        let at_rest: Vec<PluginId> = hit.iter().filter(|plugin| self.phase(*plugin).is_at_rest()).collect();
        let mut abandoned = Vec::new();
        for plugin in at_rest {
            hit.remove(plugin);
            if matches!(self.phase(plugin), Phase::Abandoned(_)) {
                abandoned.push(plugin);
            }
        }
        self.stops.push(StopWait { id, left: hit, abandoned, last_event: told });
        self.end_stops();
        Ok(())
    }

    fn request_mode(
        &mut self,
        id: RequestId,
        by: Asker,
        plugin: PluginId,
        mode: Option<FallbackMode>,
    ) -> Result<(), String> {
        if !self.graph.contains(plugin) {
            return Err(format!("there is no plugin {plugin}"));
        }
        let told = self.say(None, Happening::ModeSet { request: id, by, plugin, mode });
        self.set_mode(plugin, mode, told);
        self.act(Action::Complete { request: id, outcome: Outcome::ModeSet });
        Ok(())
    }

    /// A stop of everything cuts a start off: nothing more of it is launched.
    pub(crate) fn cut_run(&mut self, id: RequestId, by: Seq) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.report.stopped = true;
        if core::mem::replace(&mut run.progress, Progress::Unwinding) == Progress::Starting {
            self.say(Some(by), Happening::UnwindBegan { request: id, failed: None });
        }
    }

    fn request_restart(&mut self, request: Asked, options: StartOptions) -> Result<(), String> {
        let asked = self.resolve(&request.targets)?;
        let down = self.graph.with_dependents(asked.iter());
        if let Some(plugin) = down.iter().find(|plugin| self.left_out(*plugin) == Some(LeftOut::Starting)) {
            return Err(format!("`{}` is being started; wait for that, or stop it", self.graph.name(plugin)));
        }
        let up =
            |plugin: &PluginId| self.phase(*plugin).is_alive() && self.plugin(*plugin).desired == Desired::Up;
        let again = self.graph.with_dependencies(asked.iter().chain(down.iter().filter(up)));
        let plan = Plan::restart(&self.graph, &asked, &again, |plugin| {
            self.left_out(plugin).filter(|_| !down.contains(plugin))
        });
        self.refuse_if_held(down.iter().chain(plan.steps.iter().map(|step| step.plugin)))?;
        let Asked { id, by, targets } = &request;
        let told = Happening::RestartRequested { request: *id, by: *by, targets: targets.clone() };
        let told = self.say(None, told);
        let cut_off = CutOff::asked_for(told, "a restart was asked for");
        self.bring_down(&down, &StopCause::Restart, &cut_off);
        self.begin_run(request, &plan, options, Some(told));
        Ok(())
    }

    fn resolve(&self, targets: &Targets) -> Result<PluginSet, String> {
        let mut set = PluginSet::with_room(self.graph.len());
        match targets {
            Targets::All => self.graph.plugins().for_each(|plugin| {
                set.insert(plugin);
            }),
            Targets::Some(plugins) => {
                for plugin in plugins {
                    if !self.graph.contains(*plugin) {
                        return Err(format!("there is no plugin {plugin}"));
                    }
                    set.insert(*plugin);
                }
            }
        }
        Ok(set)
    }

    fn left_out(&self, plugin: PluginId) -> Option<LeftOut> {
        match self.phase(plugin) {
            Phase::Ready => Some(LeftOut::Ready),
            Phase::Waiting => Some(LeftOut::Starting),
            Phase::Leaving(StopCause::Restart) | Phase::Stopping { cause: StopCause::Restart, .. } => {
                Some(LeftOut::Starting)
            }
            phase if phase.is_launching() => Some(LeftOut::Starting),
            _ => None,
        }
    }

    /// A start that has failed or was cut off holds its plugins until they are gone: its report is about them.
    fn refuse_if_held(&self, plugins: impl Iterator<Item = PluginId>) -> Result<(), String> {
        let held = |plugin: &PluginId| {
            let open = self.plugin(*plugin).member.is_some_and(|member| member.open);
            open && !self.phase(*plugin).is_at_rest()
        };
        match { plugins }.find(held) {
            Some(plugin) => Err(format!(
                "`{}` is still being stopped after its last start; ask again when that is over",
                self.graph.name(plugin)
            )),
            None => Ok(()),
        }
    }

    /// Begins to carry out a plan: everybody in it waits, and those that need not wait are free.
    pub(crate) fn begin_run(
        &mut self,
        request: Asked,
        plan: &Plan,
        options: StartOptions,
        cause: Option<Seq>,
    ) {
        let Asked { id, by, targets } = request;
        self.expect_many(plan.steps.len());
        let plugins = plan.steps.len() as u32;
        let began = self.say(cause, Happening::StartBegan { request: id, by, targets, plugins });
        self.runs.insert(id, Run::of(plan, options, self.now, began));
        for (entry, step) in plan.steps.iter().enumerate() {
            let plugin = self.plugin_mut(step.plugin);
            plugin.member = Some(Member { run: id, entry: entry as u32, open: true });
            plugin.desired = Desired::Up;
            plugin.back = Return { options, ..Return::default() };
            self.release_latch(step.plugin);
            let plugin = self.plugin_mut(step.plugin);
            match plugin.life.phase {
                // What comes next of these was brought about before.
                Phase::Leaving(StopCause::Restart) | Phase::Stopping { .. } | Phase::Abandoned(_) => {}
                _ => plugin.last = Some(began),
            }
            match plugin.life.phase {
                Phase::Leaving(_) | Phase::Stopping { .. } => {
                    self.change_cause(step.plugin, StopCause::Restart)
                }
                Phase::Abandoned(_) => {}
                _ => self.wait(step.plugin),
            }
        }
        for step in &plan.steps {
            match self.phase(step.plugin) {
                Phase::Waiting => self.count_awaited(step.plugin),
                Phase::Abandoned(_) => {
                    let failure = Arc::new(Kernel::still_there());
                    let cause = StopCause::Failure(Arc::clone(&failure));
                    self.plugin_mut(step.plugin).life.phase = Phase::Abandoned(cause);
                    self.failed(step.plugin, &failure, self.plugin(step.plugin).last);
                    self.close_member(step.plugin);
                    self.outcome_known(step.plugin);
                }
                _ => {}
            }
        }
    }

    /// Tells every open stop that a plugin is gone, or given up.
    pub(crate) fn stop_request_sees_gone(&mut self, plugin: PluginId, abandoned: bool) {
        self.apply_sees_gone(plugin, abandoned);
        let mut over = false;
        let by = self.plugin(plugin).last;
        for stop in &mut self.stops {
            if stop.left.remove(plugin) {
                stop.last_event = by.unwrap_or(stop.last_event);
                over |= stop.left.is_empty();
                if abandoned {
                    stop.abandoned.push(plugin);
                }
            }
        }
        if over {
            self.end_stops();
        }
    }

    fn end_stops(&mut self) {
        while let Some(at) = self.stops.iter().position(|stop| stop.left.is_empty()) {
            let StopWait { id, abandoned, last_event, .. } = self.stops.remove(at);
            self.say(Some(last_event), Happening::StopEnded { request: id });
            self.act(Action::Complete { request: id, outcome: Outcome::Stopped { abandoned } });
        }
    }
}
