//! The way down: who is cut off, who waits for a turn, the climb of one plugin's ladder, and what is left at the end.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::action::Action;
use crate::event::Happening;
use crate::failure::{Code, Failure, Stage};
use crate::graph::Need;
use crate::input::Exit;
use crate::kernel::Kernel;
use crate::phase::{Phase, Rest, StopCause};
use crate::startup::run::Progress;
use crate::teardown::{Place, Turn};
use crate::{Instant, PluginId, PluginSet, RequestId, Rung, Seq};
use alloc::boxed::Box;

/// Why plugins that have not finished starting are brought down, for their entries in a report.
pub(crate) struct CutOff {
    /// The start on whose behalf it happens; a member of another start that is hit has lost something it needs.
    pub(crate) run: Option<RequestId>,
    /// The plugin that is to blame.
    pub(crate) root: Option<PluginId>,
    /// What happened, as it would follow "not started: ".
    pub(crate) reason: String,
    /// The event that is to blame for what is cut off.
    pub(crate) blame: Seq,
    /// The event by which all of them are brought down.
    pub(crate) by: Seq,
}

impl CutOff {
    /// Because of a request, which that event tells of.
    pub(crate) fn asked_for(told: Seq, reason: &str) -> CutOff {
        CutOff { run: None, root: None, reason: reason.into(), blame: told, by: told }
    }
}

impl Kernel {
    /// Undoes the starts that have failed since the last time; true if there were any.
    pub(crate) fn unwind_failed(&mut self) -> bool {
        let unwinds = core::mem::take(&mut self.unwinds);
        for (request, culprit, blame) in &unwinds {
            self.unwind(*request, *culprit, *blame);
        }
        !unwinds.is_empty()
    }

    /// Undoes a start: what has not begun never will, what is under way is cut off, and what is ready is stopped in
    /// the reverse of the order in which it became so.
    fn unwind(&mut self, request: RequestId, culprit: PluginId, blame: Seq) {
        let by = self.say(Some(blame), Happening::UnwindBegan { request, failed: Some(culprit) });
        let reason = match self.failure_of(culprit) {
            Some(failure) => format!("`{}` failed at {}: {failure}", self.graph.name(culprit), failure.stage),
            None => format!("`{}` failed", self.graph.name(culprit)),
        };
        let members = self.members(request);
        let hit = self.graph.with_dependents(members.iter().copied());
        let cut_off = CutOff { run: Some(request), root: Some(culprit), reason, blame, by };
        self.bring_down(&hit, &StopCause::Unwind(culprit), &cut_off);
        self.reopen(request, &members);
    }

    /// The plugins that belong to a start.
    pub(crate) fn members(&self, request: RequestId) -> Vec<PluginId> {
        let entries = self.runs.get(&request).map(|run| run.report.entries.iter()).into_iter().flatten();
        let own = |plugin: &PluginId| self.plugin(*plugin).member.is_some_and(|member| member.run == request);
        entries.map(|entry| entry.plugin).filter(own).collect()
    }

    /// A start that is being undone ends only when those of its plugins that are up are gone.
    pub(crate) fn reopen(&mut self, request: RequestId, members: &[PluginId]) {
        for plugin in members {
            if !self.phase(*plugin).is_alive() {
                continue;
            }
            let Some(member) = self.plugin_mut(*plugin).member.as_mut().filter(|member| !member.open) else {
                continue;
            };
            member.open = true;
            if let Some(run) = self.runs.get_mut(&request) {
                run.reopened_one();
            }
        }
    }

    /// Sees to it that none of these plugins runs in the end. First everybody's wish is changed, then those who are
    /// launching are cut off, the one launched last first; those who serve get their turn later.
    pub(crate) fn bring_down(&mut self, plugins: &PluginSet, cause: &StopCause, cut_off: &CutOff) {
        let mut launching = Vec::new();
        let mut given_up = Vec::new();
        for plugin in plugins.iter() {
            if *cause != StopCause::Restart {
                self.no_longer_wanted(plugin, cause);
            }
            if self.is_returning(plugin) {
                // What comes back by itself goes on doing so when it is only what it needs that is restarted.
                if *cause != StopCause::Restart {
                    self.cancel_return(plugin, cause, cut_off.by);
                    given_up.push(plugin);
                }
                continue;
            }
            match self.phase(plugin) {
                Phase::Waiting => {
                    self.enter(plugin, Phase::Down(Rest::NotStarted));
                    self.withdraw(plugin, cut_off);
                    self.close_member(plugin);
                    given_up.push(plugin);
                }
                phase if phase.is_launching() => {
                    launching.push((Reverse(self.plugin(plugin).life.launch), plugin));
                }
                Phase::Ready => self.leave(plugin, cause.clone(), cut_off.by),
                Phase::Leaving(StopCause::Restart) | Phase::Stopping { cause: StopCause::Restart, .. } => {
                    self.change_cause(plugin, cause.clone());
                    if *cause != StopCause::Restart {
                        self.withdraw(plugin, cut_off);
                        given_up.push(plugin);
                    }
                    if matches!(self.phase(plugin), Phase::Leaving(_)) {
                        self.plugin_mut(plugin).last = Some(cut_off.by);
                    }
                }
                _ => {}
            }
        }
        launching.sort_unstable();
        for (_, plugin) in launching {
            self.withdraw(plugin, cut_off);
            self.plugin_mut(plugin).last = Some(cut_off.by);
            self.stop_launching(plugin, cause.clone());
            given_up.push(plugin);
        }
        for plugin in given_up {
            self.outcome_known(plugin);
        }
    }

    /// Notes in its start's report why a plugin that had not finished starting never will.
    fn withdraw(&mut self, plugin: PluginId, cut_off: &CutOff) {
        let launched = self.phase(plugin).is_launching();
        let Some(member) = self.plugin(plugin).member else { return };
        let foreign = cut_off.run.is_some_and(|run| run != member.run);
        let (code, stage, message) = match (foreign, launched) {
            (true, _) => {
                (Code::DependencyFailed, Stage::Wait, format!("what it needs is gone: {}", cut_off.reason))
            }
            (false, true) => {
                (Code::Cancelled, Stage::Start, format!("its start was cut off: {}", cut_off.reason))
            }
            (false, false) => {
                (Code::NotStarted, Stage::Wait, format!("it was not started: {}", cut_off.reason))
            }
        };
        let mut failure = Failure::new(code, stage, message);
        failure.root = cut_off.root;
        let failure = Arc::new(failure);
        if foreign {
            return self.failed(plugin, &failure, Some(cut_off.blame));
        }
        let now = self.now;
        if let Some((member, run)) = self.run_of(plugin) {
            run.failed(member.entry, &failure, now);
        }
        self.say_of(plugin, Some(cut_off.blame), Happening::Withdrawn { plugin, failure });
    }

    /// A serving plugin is to be stopped when its turn comes.
    fn leave(&mut self, plugin: PluginId, cause: StopCause, by: Seq) {
        self.plugin_mut(plugin).last = Some(by);
        let place = Place::of(self.plugin(plugin).life.readiness.unwrap_or_default());
        self.enqueue(plugin, place);
        self.enter(plugin, Phase::Leaving(cause));
    }

    fn enqueue(&mut self, plugin: PluginId, place: Place) {
        let life = &mut self.plugin_mut(plugin).life;
        life.place = place;
        let incarnation = life.incarnation;
        self.teardown.enqueue(Turn { place, plugin, incarnation });
    }

    /// The last place of those that need this plugin and are to be stopped too, if there are any.
    fn place_of_dependents(&self, plugin: PluginId) -> Option<Place> {
        let dependents = self.graph.dependents(plugin).iter().filter(|edge| edge.need == Need::Hard);
        let leaving = dependents.filter(|edge| matches!(self.phase(edge.plugin), Phase::Leaving(_)));
        leaving.map(|edge| self.plugin(edge.plugin).life.place).min()
    }

    /// Changes why a plugin is going, and with that what becomes of it when it is gone.
    pub(crate) fn change_cause(&mut self, plugin: PluginId, new: StopCause) {
        match &mut self.plugin_mut(plugin).life.phase {
            Phase::Leaving(cause) | Phase::Stopping { cause, .. } => *cause = new,
            _ => {}
        }
    }

    /// Begins to stop a plugin that serves at once: what is left of it is no use to anybody.
    pub(crate) fn stop_out_of_turn(&mut self, plugin: PluginId, cause: StopCause) {
        self.teardown.early_began();
        self.begin_stop(plugin, cause);
    }

    /// Begins to stop a plugin that is launching.
    pub(crate) fn stop_launching(&mut self, plugin: PluginId, cause: StopCause) {
        self.teardown.early_began();
        self.begin_stop(plugin, cause);
    }

    /// Begins to stop the plugin whose turn it is, if it is anybody's; true if anything changed.
    pub(crate) fn stop_next(&mut self) -> bool {
        while let Some(turn) = self.teardown.next() {
            let life = &self.plugin(turn.plugin).life;
            if life.incarnation != turn.incarnation {
                continue;
            }
            if let Phase::Leaving(cause) = &life.phase {
                let cause = cause.clone();
                if let Some(place) = self.place_of_dependents(turn.plugin) {
                    self.enqueue(turn.plugin, place.behind());
                    continue;
                }
                self.teardown.began(turn.plugin);
                self.begin_stop(turn.plugin, cause);
                return true;
            }
        }
        false
    }

    /// Takes the first step down. What `init` has built up is owed a `destroy`; where `init` has not completed there
    /// is nothing to destroy, only something to let go of.
    fn begin_stop(&mut self, plugin: PluginId, cause: StopCause) {
        let life = &self.plugin(plugin).life;
        let (incarnation, initialized) = (life.incarnation, life.initialized);
        let first = if initialized { Rung::Destroy } else { Rung::Close };
        let ladder = self.graph.decl(plugin).settings.ladder;
        match ladder.from(first) {
            Some((rung, limit)) => {
                self.note_rolled_back(plugin);
                let what = Happening::StopBegan { plugin, incarnation, cause: cause.clone(), rung };
                self.say_next(plugin, what);
                self.take_rung(plugin, cause, rung, self.now + limit);
            }
            None => {
                self.stop_over(plugin);
                self.abandon(plugin, cause);
            }
        }
    }

    /// Notes that a plugin is stopped because its start is being undone. A plugin of a restart that was not launched
    /// again, and one whose `init` never completed, leave nothing to roll back.
    fn note_rolled_back(&mut self, plugin: PluginId) {
        let initialized = self.plugin(plugin).life.initialized;
        let Some((member, run)) = self.run_of(plugin) else { return };
        let launched = run.entry(member.entry).launched.is_some();
        if run.progress == Progress::Unwinding && launched && initialized {
            run.report.rolled_back.push(plugin);
        }
    }

    fn take_rung(&mut self, plugin: PluginId, cause: StopCause, rung: Rung, until: Instant) {
        let incarnation = self.plugin(plugin).life.incarnation;
        self.enter(plugin, Phase::Stopping { cause, rung, until });
        self.act(Action::Stop { plugin, incarnation, rung, until });
    }

    /// `destroy` has answered.
    pub(crate) fn destroyed(&mut self, plugin: PluginId, error: Option<Box<str>>) {
        let incarnation = self.plugin(plugin).life.incarnation;
        if let Some(message) = error {
            self.say_next(plugin, Happening::DestroyFailed { plugin, incarnation, message });
        }
        self.climb(plugin, Rung::Destroy);
    }

    /// A step has taken longer than it may.
    pub(crate) fn escalate(&mut self, plugin: PluginId, from: Rung) {
        let incarnation = self.plugin(plugin).life.incarnation;
        if let Some((to, _)) = self.graph.decl(plugin).settings.ladder.after(from) {
            self.say_next(plugin, Happening::StopEscalated { plugin, incarnation, from, to });
        }
        self.climb(plugin, from);
    }

    /// Takes the step after `from`, or gives the plugin up.
    fn climb(&mut self, plugin: PluginId, from: Rung) {
        let Phase::Stopping { cause, .. } = self.phase(plugin) else { return };
        let cause = cause.clone();
        match self.graph.decl(plugin).settings.ladder.after(from) {
            Some((rung, limit)) => self.take_rung(plugin, cause, rung, self.now + limit),
            None => {
                self.stop_over(plugin);
                self.abandon(plugin, cause);
            }
        }
    }

    /// Nothing more can be done to end it: it is fenced off.
    fn abandon(&mut self, plugin: PluginId, cause: StopCause) {
        let incarnation = self.plugin(plugin).life.incarnation;
        let restart = (cause == StopCause::Restart).then(|| Arc::new(Kernel::still_there()));
        let cause = restart.clone().map_or(cause, StopCause::Failure);
        self.enter(plugin, Phase::Abandoned(cause));
        self.say_next(plugin, Happening::Abandoned { plugin, incarnation });
        self.act(Action::Abandon { plugin, incarnation });
        if let Some(failure) = restart {
            self.failed(plugin, &failure, self.plugin(plugin).last);
        }
        self.at_rest(plugin);
    }

    /// The failure of a plugin that is to start although its last life could not be ended.
    pub(crate) fn still_there() -> Failure {
        let message =
            "its last life could not be ended; it may still hold what it held, so no second one is started";
        Failure::new(Code::Abandoned, Stage::Stop, message)
    }

    /// Nothing is left of a plugin.
    pub(crate) fn gone(&mut self, plugin: PluginId, exit: &Exit) {
        let life = &self.plugin(plugin).life;
        let incarnation = life.incarnation;
        match life.phase.clone() {
            Phase::Stopping { cause, .. } => {
                let cause = self.with_last_words(plugin, cause, exit);
                self.stop_over(plugin);
                self.say_next(plugin, Happening::Stopped { plugin, incarnation });
                self.come_to_rest(plugin, cause);
            }
            Phase::Leaving(cause) => {
                self.say_next(plugin, Happening::Stopped { plugin, incarnation });
                self.come_to_rest(plugin, cause);
            }
            Phase::Abandoned(cause) => {
                self.say_next(plugin, Happening::Stopped { plugin, incarnation });
                self.enter(plugin, Kernel::rest(cause));
            }
            phase => {
                if phase.is_launching() {
                    self.free_place(plugin);
                }
                let failure = Arc::new(ended_by_itself(&phase, exit));
                match self.next_attempt(plugin) {
                    Some(_) => drop(self.tell_failed(plugin, &failure, None)),
                    None => self.failed(plugin, &failure, None),
                }
                self.fall(plugin, failure);
            }
        }
    }

    /// A plugin that failed and is cleared away has said its last words only now; they belong to why it failed.
    fn with_last_words(&mut self, plugin: PluginId, cause: StopCause, exit: &Exit) -> StopCause {
        let (StopCause::Failure(failure), Some(words)) = (&cause, &exit.detail) else { return cause };
        if failure.detail.is_some() {
            return cause;
        }
        let told = Arc::new(Failure::clone(failure).with_detail(words.as_str()));
        if let Some((member, run)) = self.run_of(plugin) {
            let entry = run.entry(member.entry);
            if entry.failure.as_ref() == Some(failure) {
                entry.failure = Some(Arc::clone(&told));
            }
        }
        StopCause::Failure(told)
    }

    /// The stop of a plugin is over, one way or the other.
    fn stop_over(&mut self, plugin: PluginId) {
        self.teardown.ended(plugin);
        if self.plugin(plugin).life.readiness.is_none() {
            self.free_place(plugin);
        }
    }

    fn come_to_rest(&mut self, plugin: PluginId, cause: StopCause) {
        let restart =
            cause == StopCause::Restart && self.plugin(plugin).member.is_some_and(|member| member.open);
        if restart {
            self.stop_request_sees_gone(plugin, false);
            self.wait(plugin);
            self.count_awaited(plugin);
        } else if let StopCause::Failure(failure) = cause {
            self.fall(plugin, failure);
        } else {
            self.enter(plugin, Kernel::rest(cause));
            self.at_rest(plugin);
        }
    }

    /// The phase that follows when a plugin that was stopped for that cause is gone.
    fn rest(cause: StopCause) -> Phase {
        match cause {
            StopCause::Asked | StopCause::Restart | StopCause::Removed => Phase::Down(Rest::Stopped),
            StopCause::Unwind(_) => Phase::Down(Rest::Unwound),
            StopCause::Failure(failure) => Phase::Failed(failure),
        }
    }

    pub(crate) fn at_rest(&mut self, plugin: PluginId) {
        let abandoned = matches!(self.phase(plugin), Phase::Abandoned(_));
        self.close_member(plugin);
        self.stop_request_sees_gone(plugin, abandoned);
        self.outcome_known(plugin);
    }
}

/// The failure of a plugin that ended although nobody had asked it to.
fn ended_by_itself(phase: &Phase, exit: &Exit) -> Failure {
    let stage = match phase {
        Phase::Initializing { .. } => Stage::Init,
        Phase::Starting { .. } => Stage::Start,
        Phase::Checking { .. } => Stage::Check,
        _ => Stage::Run,
    };
    let code = if exit.panicked { Code::Panicked } else { Code::Exited };
    let mut failure = Failure::new(code, stage, exit.how.as_str());
    failure.detail = exit.detail.as_deref().map(Into::into);
    failure
}
