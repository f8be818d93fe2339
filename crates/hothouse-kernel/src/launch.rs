//! The way up: from waiting to ready, and what follows for everybody else when it fails.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use hothouse_protocol::HealthStatus;

use crate::action::Action;
use crate::event::Happening;
use crate::failure::{Code, Failure, Stage};
use crate::graph::{Edge, Need};
use crate::health::Tally;
use crate::input::StartOptions;
use crate::kernel::{Kernel, Life, Plugin};
use crate::phase::{Phase, StopCause};
use crate::startup::run::Progress;
use crate::teardown::Place;
use crate::timers::Timer;
use crate::view::Desired;
use crate::{PluginId, Seq};

/// How a plugin that others wait for stands.
enum Prospect {
    Ready,
    /// It is on its way, or will be.
    Pending,
    /// It will not come by itself.
    Lost,
}

impl Kernel {
    /// Launches whoever may be launched and has a place; true if anything changed.
    pub(crate) fn launch_free(&mut self) -> bool {
        let mut changed = false;
        let limit = self.settings.max_concurrent_starts.map_or(u32::MAX, NonZeroU32::get);
        while self.in_flight < limit && self.unwinds.is_empty() {
            let free = self.runs.iter_mut().find_map(|(id, run)| Some((*id, run.take_free()?)));
            let Some((run, plugin)) = free else { break };
            // A plugin that was stopped meanwhile may wait again, but as a member of another start.
            if self.plugin(plugin).member.is_some_and(|member| member.run == run) {
                changed |= self.try_launch(plugin);
            }
        }
        if self.unwinds.is_empty() {
            changed |= self.launch_returning(limit);
        }
        changed
    }

    /// Launches a plugin, unless something it needs has been lost since it was found free.
    pub(crate) fn try_launch(&mut self, plugin: PluginId) -> bool {
        if !matches!(self.phase(plugin), Phase::Waiting) {
            return false;
        }
        if let Some(lost) = self.lost_dependency(plugin) {
            let failure = self.dependency_failed(lost);
            self.fail_waiting(plugin, failure, self.taken_away_by(lost));
            return true;
        }
        let outstanding = self.pending_dependencies(plugin);
        if outstanding > 0 {
            self.plugin_mut(plugin).outstanding = outstanding;
            return false;
        }
        if let Some(away) = self.would_go_again_without(plugin) {
            let failure = self.dependency_failed(away);
            self.fail_waiting(plugin, failure, self.taken_away_by(away));
            return true;
        }
        let Some(options) = self.options_of(plugin) else { return false };
        if options.timeout.is_zero() {
            let message =
                "it was not running, and startup.timeout is 0: no time at all is allowed to wait for it";
            let failure = Failure::new(Code::StartupTimeout, Stage::Wait, message);
            self.fail_waiting(plugin, failure, self.plugin(plugin).last);
            return true;
        }
        self.launch(plugin, options);
        true
    }

    /// How a plugin is started that belongs to a start, or comes back by itself.
    fn options_of(&mut self, plugin: PluginId) -> Option<StartOptions> {
        let back = self.plugin(plugin).back;
        match self.run_of(plugin) {
            Some((_, run)) => Some(run.options),
            None => back.reviving.then_some(back.options),
        }
    }

    fn launch(&mut self, plugin: PluginId, options: StartOptions) {
        let now = self.now;
        self.launches += 1;
        self.in_flight += 1;
        if let Some((member, run)) = self.run_of(plugin) {
            run.launched(member.entry, now);
        }
        let launch = self.launches;
        let plugin_mut = self.plugin_mut(plugin);
        let incarnation = plugin_mut.life.incarnation.next();
        plugin_mut.life = Life {
            incarnation,
            phase: Phase::Waiting,
            since: now,
            launched: now,
            launch,
            readiness: None,
            place: Place::default(),
            initialized: false,
            tally: Tally::default(),
            checks: 0,
            says_degraded: false,
            objection: None,
            watch: None,
            not_ready: None,
        };
        plugin_mut.back.options = options;
        self.forget_service(plugin);
        let until = now + options.timeout;
        self.enter(plugin, Phase::Initializing { until });
        self.say_next(plugin, Happening::Launched { plugin, incarnation });
        self.act(Action::Init { plugin, incarnation, until });
    }

    /// `init` has completed.
    pub(crate) fn run_start(&mut self, plugin: PluginId) {
        let now = self.now;
        let life = &mut self.plugin_mut(plugin).life;
        let Phase::Initializing { until } = life.phase else { return };
        let incarnation = life.incarnation;
        life.initialized = true;
        // The deadline is that of the launch and its timer is set, so this does not go through `enter`.
        life.phase = Phase::Starting { until, probes: 0, ask_at: None };
        life.since = now;
        if let Some((member, run)) = self.run_of(plugin) {
            run.entry(member.entry).initialized = Some(now);
        }
        self.say_next(plugin, Happening::Initialized { plugin, incarnation });
        self.act(Action::Start { plugin, incarnation, until });
    }

    /// It is not ready yet and cannot say by itself when it is.
    pub(crate) fn ask_later(&mut self, plugin: PluginId, reason: Box<str>) {
        let now = self.now;
        let schedule = self.graph.decl(plugin).settings.probe;
        let life = &mut self.plugin_mut(plugin).life;
        let Phase::Starting { probes, ask_at, .. } = &mut life.phase else { return };
        *probes = probes.saturating_add(1);
        let at = now + schedule.pause(*probes);
        *ask_at = Some(at);
        life.not_ready = Some(reason);
        let incarnation = life.incarnation;
        self.timers.set(Timer { at, plugin, incarnation });
    }

    /// The pause before the next probe is over.
    pub(crate) fn ask_again(&mut self, plugin: PluginId) {
        let life = &mut self.plugin_mut(plugin).life;
        let incarnation = life.incarnation;
        if let Phase::Starting { ask_at, .. } = &mut life.phase {
            *ask_at = None;
            self.act(Action::Probe { plugin, incarnation });
        }
    }

    /// It is up. That makes it ready, unless its health is to be checked first.
    pub(crate) fn came_up(&mut self, plugin: PluginId) {
        if !self.plugin(plugin).back.options.health_check {
            return self.ready(plugin);
        }
        let check = self.next_check(plugin);
        let until = self.now + self.graph.decl(plugin).settings.check_timeout;
        let incarnation = self.plugin(plugin).life.incarnation;
        self.enter(plugin, Phase::Checking { until });
        self.act(Action::Check { plugin, incarnation, check, until });
    }

    /// It passed its check.
    pub(crate) fn passed(&mut self, plugin: PluginId, health: Box<HealthStatus>) {
        self.keep_health(plugin, health);
        let passes = self.health_settings(plugin).map_or(1, |health| health.success_threshold);
        self.plugin_mut(plugin).life.tally.pass(passes);
        self.ready(plugin);
    }

    /// It did not pass its check.
    pub(crate) fn not_passed(&mut self, plugin: PluginId, health: Box<HealthStatus>) {
        let said = health.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
        self.keep_health(plugin, health);
        let message = format!("it started, but its health check says that it is unhealthy{said}");
        self.launch_failed(plugin, Failure::new(Code::Unhealthy, Stage::Check, message), None);
    }

    fn keep_health(&mut self, plugin: PluginId, health: Box<HealthStatus>) {
        if let Some((member, run)) = self.run_of(plugin) {
            run.entry(member.entry).health = Some(health);
        }
    }

    fn ready(&mut self, plugin: PluginId) {
        let now = self.now;
        self.arrivals += 1;
        let arrivals = self.arrivals;
        let life = &mut self.plugin_mut(plugin).life;
        life.readiness = Some(arrivals);
        life.not_ready = None;
        let (incarnation, took) = (life.incarnation, now.since(life.launched));
        let back = &mut self.plugin_mut(plugin).back;
        (back.proven, back.reviving, back.awaits) = (true, false, false);
        self.enter(plugin, Phase::Ready);
        self.free_place(plugin);
        if let Some((member, run)) = self.run_of(plugin) {
            run.entry(member.entry).settled = Some(now);
        }
        self.say_next(plugin, Happening::Ready { plugin, incarnation, took });
        self.watch(plugin);
        self.serve_what_can_be(plugin);
        self.close_member(plugin);
        self.outcome_known(plugin);
    }

    /// A launched plugin is ready or gone.
    pub(crate) fn free_place(&mut self, plugin: PluginId) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // A start that takes on a plugin on its way down did not launch what is going.
        if let Some((member, run)) = self.run_of(plugin)
            && run.entry(member.entry).launched.is_some()
        {
            run.place_freed();
        }
    }

    pub(crate) fn start_timed_out(&mut self, plugin: PluginId) {
        let life = &self.plugin(plugin).life;
        let (Phase::Initializing { until } | Phase::Starting { until, .. }) = life.phase else { return };
        let limit = until.since(life.launched).as_millis();
        let waits_for = &self.graph.decl(plugin).settings.waits_for;
        let (stage, message) = match (&life.phase, &life.not_ready, waits_for) {
            (Phase::Initializing { .. }, _, _) => {
                (Stage::Init, format!("`init` did not answer within {limit} ms"))
            }
            (_, Some(reason), _) => (Stage::Start, format!("it was not ready within {limit} ms: {reason}")),
            (_, None, Some(waits_for)) => {
                (Stage::Start, format!("it was not ready within {limit} ms: still waiting for {waits_for}"))
            }
            (_, None, None) => (Stage::Start, format!("`start` did not answer within {limit} ms")),
        };
        let last = self.plugin(plugin).last;
        self.launch_failed(plugin, Failure::new(Code::StartupTimeout, stage, message), last);
    }

    pub(crate) fn check_timed_out(&mut self, plugin: PluginId) {
        let limit = self.graph.decl(plugin).settings.check_timeout.as_millis();
        let message = format!("it started, but its health check did not answer within {limit} ms");
        let last = self.plugin(plugin).last;
        self.launch_failed(plugin, Failure::new(Code::Unhealthy, Stage::Check, message), last);
    }

    /// A plugin that was launched cannot become ready. What is left of it is cleared away.
    pub(crate) fn launch_failed(&mut self, plugin: PluginId, failure: Failure, cause: Option<Seq>) {
        let failure = Arc::new(failure);
        self.failed(plugin, &failure, cause);
        if self.phase(plugin).is_launching() {
            self.stop_launching(plugin, StopCause::Failure(failure));
        }
        self.outcome_known(plugin);
    }

    /// A plugin that waited will not be launched, and those that wait for it learn of it.
    pub(crate) fn fail_waiting(&mut self, plugin: PluginId, failure: Failure, cause: Option<Seq>) {
        self.never_launched(plugin, failure, cause);
        self.outcome_known(plugin);
    }

    fn never_launched(&mut self, plugin: PluginId, failure: Failure, cause: Option<Seq>) {
        let failure = Arc::new(failure);
        // What it comes back without would have been told; what it cannot do without it waits for.
        let back = &mut self.plugin_mut(plugin).back;
        back.awaits = core::mem::take(&mut back.reviving) && failure.code == Code::DependencyFailed;
        self.enter(plugin, Phase::Failed(Arc::clone(&failure)));
        self.failed(plugin, &failure, cause);
        self.close_member(plugin);
    }

    /// Notes that a plugin failed. If its start is of the kind that is undone by a failure, nothing more of that start
    /// is launched from now on, and the unwind follows when this input has been taken in.
    pub(crate) fn failed(&mut self, plugin: PluginId, failure: &Arc<Failure>, cause: Option<Seq>) {
        let now = self.now;
        let told = self.tell_failed(plugin, failure, cause);
        let Some((member, run)) = self.run_of(plugin) else { return };
        run.failed(member.entry, failure, now);
        if run.progress == Progress::Starting {
            run.report.failed.get_or_insert(plugin);
            if run.options.rollback_on_failure {
                run.progress = Progress::Unwinding;
                self.unwinds.push((member.run, plugin, told));
            }
        }
    }

    /// Says that a plugin failed, which is nobody's business but its own.
    pub(crate) fn tell_failed(
        &mut self,
        plugin: PluginId,
        failure: &Arc<Failure>,
        cause: Option<Seq>,
    ) -> Seq {
        let incarnation = self.plugin(plugin).life.incarnation;
        let what = Happening::Failed { plugin, incarnation, failure: Arc::clone(failure) };
        let told = self.say_of(plugin, cause, what);
        self.plugin_mut(plugin).failed = Some(told);
        told
    }

    /// Everybody who waits for this plugin learns how it stands now; those that cannot go on without it fail, and
    /// those that wait for them learn that in turn.
    pub(crate) fn outcome_known(&mut self, plugin: PluginId) {
        let mut lost_too = Vec::new();
        let mut next = Some(plugin);
        while let Some(settled) = next {
            let prospect = self.prospect(settled);
            let by = match prospect {
                Prospect::Lost => self.taken_away_by(settled),
                Prospect::Ready | Prospect::Pending => self.plugin(settled).last,
            };
            for at in 0..self.graph.dependents(settled).len() {
                let edge = self.graph.dependents(settled)[at];
                if !matches!(self.phase(edge.plugin), Phase::Waiting) {
                    if matches!(prospect, Prospect::Lost) && !self.has_what_it_needs(edge.plugin) {
                        self.stay_down(edge.plugin);
                    }
                    continue;
                }
                match prospect {
                    Prospect::Pending => {}
                    Prospect::Lost if self.awaits_hard(edge.plugin, settled, edge.need) => {
                        let failure = self.dependency_failed(settled);
                        self.never_launched(edge.plugin, failure, by);
                        lost_too.push(edge.plugin);
                    }
                    Prospect::Ready | Prospect::Lost => self.one_less_outstanding(edge.plugin, by),
                }
            }
            next = lost_too.pop();
        }
    }

    fn one_less_outstanding(&mut self, plugin: PluginId, by: Option<Seq>) {
        let waiting = self.plugin_mut(plugin);
        waiting.outstanding = waiting.outstanding.saturating_sub(1);
        if waiting.outstanding == 0 {
            // Who is told twice, that it failed and that nothing is left of it, was not waited for again.
            waiting.last = waiting.last.max(by);
            self.free(plugin);
        }
    }

    /// A plugin begins to wait for what it needs.
    pub(crate) fn wait(&mut self, plugin: PluginId) {
        self.enter(plugin, Phase::Waiting);
        self.plugin_mut(plugin).desired = Desired::Up;
    }

    /// Counts what a waiting plugin waits for; with nothing to wait for it is free.
    pub(crate) fn count_awaited(&mut self, plugin: PluginId) {
        let outstanding = self.pending_dependencies(plugin);
        self.plugin_mut(plugin).outstanding = outstanding;
        if outstanding == 0 {
            self.free(plugin);
        }
    }

    fn free(&mut self, plugin: PluginId) {
        let Some(member) = self.plugin(plugin).member else {
            return if self.plugin(plugin).back.reviving {
                self.returning.push_back(plugin)
            };
        };
        if let Some(run) = self.runs.get_mut(&member.run) {
            run.freed(&self.graph, member.entry);
        }
    }

    fn prospect(&self, plugin: PluginId) -> Prospect {
        match self.phase(plugin) {
            Phase::Ready => Prospect::Ready,
            Phase::Leaving(StopCause::Restart) | Phase::Stopping { cause: StopCause::Restart, .. } => {
                Prospect::Pending
            }
            Phase::Waiting | Phase::Backoff { .. } => Prospect::Pending,
            phase if phase.is_launching() => Prospect::Pending,
            _ => Prospect::Lost,
        }
    }

    fn pending_dependencies(&self, plugin: PluginId) -> u32 {
        let edges = self.graph.dependencies(plugin).iter();
        let awaited = |edge: &&Edge| {
            let reviving = self.plugin(plugin).back.reviving;
            matches!(self.prospect(edge.plugin), Prospect::Pending)
                && !(reviving && self.falls_back_without(plugin, edge.plugin))
        };
        edges.filter(awaited).count() as u32
    }

    /// The first dependency that is lost, and that a plugin waits for in vain.
    pub(crate) fn lost_dependency(&self, plugin: PluginId) -> Option<PluginId> {
        self.lost_dependencies(plugin).find(|lost| self.awaits_hard(plugin, *lost, Need::Hard))
    }

    /// What a plugin needs and does not come.
    pub(crate) fn lost_dependencies(&self, plugin: PluginId) -> impl Iterator<Item = PluginId> + '_ {
        let needed = self.graph.dependencies(plugin).iter().filter(|edge| edge.need == Need::Hard);
        let lost = |needed: &PluginId| matches!(self.prospect(*needed), Prospect::Lost);
        needed.map(|edge| edge.plugin).filter(lost)
    }

    /// The event by which a plugin was taken away from those that need it.
    pub(crate) fn taken_away_by(&self, lost: PluginId) -> Option<Seq> {
        let Plugin { last, failed, back, .. } = self.plugin(lost);
        // What is left of a plugin that failed is cleared away, and it may be on its way back, unless somebody has
        // stopped it there; what counts is that it failed.
        let returns = back.reviving && matches!(self.prospect(lost), Prospect::Pending);
        failed.filter(|_| returns || self.failure_of(lost).is_some()).or(*last)
    }

    /// The failure of those that need `lost`: it names the plugin that really failed, however far away.
    pub(crate) fn dependency_failed(&self, lost: PluginId) -> Failure {
        let name = self.graph.name(lost);
        let root = match self.failure_of(lost) {
            Some(failure) if failure.code == Code::DependencyFailed => failure.root.unwrap_or(lost),
            _ => lost,
        };
        let message = match self.failure_of(root) {
            Some(failure) if root == lost => {
                format!("it needs `{name}`, which failed at {}: {failure}", failure.stage)
            }
            Some(failure) => format!(
                "it needs `{name}`, which did not start because `{}` failed at {}: {failure}",
                self.graph.name(root),
                failure.stage
            ),
            // It serves, and is of no use to those that need it.
            None if root == lost && self.phase(lost).is_serving() => format!(
                "it needs `{name}`, which {}, and has no fallback (degradation.enabled is false)",
                self.why_away(lost)
            ),
            None if root == lost => format!("it needs `{name}`, which is {}", self.phase(lost).as_str()),
            None if self.phase(root).is_serving() => format!(
                "it needs `{name}`, which does not run because `{}` {}",
                self.graph.name(root),
                self.why_away(root)
            ),
            None => format!(
                "it needs `{name}`, which did not start because `{}` is {}",
                self.graph.name(root),
                self.phase(root).as_str()
            ),
        };
        Failure::new(Code::DependencyFailed, Stage::Wait, message).because_of(root)
    }

    /// Why a plugin is failed, or will be once what is left of it is gone.
    pub(crate) fn failure_of(&self, plugin: PluginId) -> Option<&Failure> {
        match self.phase(plugin) {
            Phase::Failed(failure)
            | Phase::Backoff { failure, .. }
            | Phase::Stopping { cause: StopCause::Failure(failure), .. }
            | Phase::Abandoned(StopCause::Failure(failure)) => Some(failure),
            _ => None,
        }
    }
}
