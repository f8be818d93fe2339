//! The way back of a plugin that fell: the pause before it is tried again, the giving up, and the launch that belongs to
//! no request.
//!
//! A plugin comes back by itself only if it was ready before, since somebody asked for it: what has never worked is
//! reported to whoever started it, and left alone. Its dependents run on meanwhile; what they do without it is
//! [`degradation`](crate::degradation)'s business.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::backoff::jittered;
use crate::event::Happening;
use crate::failure::{Code, Failure};
use crate::graph::Need;
use crate::input::StartOptions;
use crate::jitter::Roll;
use crate::kernel::Kernel;
use crate::phase::{Phase, Rest, StopCause};
use crate::startup::run::Progress;
use crate::view::Desired;
use crate::{Instant, PluginId, Seq};

/// How a plugin comes back by itself.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Return {
    /// How many restarts have been made since it last was well for long enough.
    pub(crate) attempts: u64,
    /// It has been ready since somebody asked for it.
    pub(crate) proven: bool,
    /// Its wait, or its launch, belongs to no request: it is coming back.
    pub(crate) reviving: bool,
    /// It failed only because something that it needs is away, and comes back with that.
    pub(crate) awaits: bool,
    /// How it was started last.
    pub(crate) options: StartOptions,
}

impl Kernel {
    /// How many restarts count against a plugin now.
    pub(crate) fn attempts(&self, plugin: PluginId) -> u64 {
        let plugin = self.plugin(plugin);
        let well_since = plugin.life.watch.as_deref().and_then(|watch| watch.well_since);
        let is_calm = well_since.is_some_and(|since| self.now.since(since) >= self.settings.restart.stable);
        if is_calm { 0 } else { plugin.back.attempts }
    }

    /// The number of the restart that a plugin would be given now, if it would be given one.
    pub(crate) fn next_attempt(&self, plugin: PluginId) -> Option<u64> {
        let health = self.health_settings(plugin).filter(|health| health.auto_restart)?;
        let attempts = self.attempts(plugin);
        (self.comes_back(plugin) && attempts < health.max_restart_attempts).then(|| attempts + 1)
    }

    /// Whether a plugin that is being stopped because it failed is going to be started again.
    pub fn will_be_restarted(&self, plugin: PluginId) -> bool {
        self.plugins.len() > plugin.index() && self.next_attempt(plugin).is_some()
    }

    /// Whether a plugin that fell is to come back at all, as far as others are concerned.
    fn comes_back(&self, plugin: PluginId) -> bool {
        let own = self.plugin(plugin);
        own.desired == Desired::Up
            && own.back.proven
            && !self.is_held_by_a_start(plugin)
            && !self.apply_waits_for(plugin)
            && self.graph.contains(plugin)
    }

    /// Whether its failure undoes, or is part of undoing, the start that it belongs to.
    fn is_held_by_a_start(&self, plugin: PluginId) -> bool {
        let run = self.plugin(plugin).member.and_then(|member| self.runs.get(&member.run));
        run.is_some_and(|run| run.options.rollback_on_failure || run.progress == Progress::Unwinding)
    }

    /// The pause before that attempt.
    pub(crate) fn pause_before(&self, plugin: PluginId, attempt: u64) -> Duration {
        let Some(health) = self.health_settings(plugin) else { return Duration::ZERO };
        let roll = Roll::of(self.settings.seed, [u64::from(plugin.0), u64::MAX, attempt]);
        jittered(health.restart_backoff, &self.settings.restart, attempt, roll)
    }

    /// A plugin that runs is unhealthy: it is stopped at once and started again, if it has an attempt left. If it has
    /// none it is left running: that is more than nothing.
    pub(crate) fn restart_sick(&mut self, plugin: PluginId, failure: Arc<Failure>) {
        if self.next_attempt(plugin).is_some() {
            self.tell_failed(plugin, &failure, self.plugin(plugin).last);
            self.stop_out_of_turn(plugin, StopCause::Failure(failure));
        } else if self.comes_back(plugin) {
            self.give_up(plugin);
        }
    }

    fn give_up(&mut self, plugin: PluginId) {
        let incarnation = self.plugin(plugin).life.incarnation;
        let attempts = self.attempts(plugin);
        self.say_next(plugin, Happening::GaveUp { plugin, incarnation, attempts });
    }

    /// Nothing is left of a plugin that failed. What becomes of it: it is tried again after a pause, or waits for what it
    /// needs, or is failed for good.
    pub(crate) fn fall(&mut self, plugin: PluginId, failure: Arc<Failure>) {
        let may_await = self.plugin(plugin).back.awaits && failure.code == Code::DependencyFailed;
        match self.next_attempt(plugin) {
            Some(attempt) if !may_await => return self.back_off(plugin, failure, attempt),
            None if !may_await && self.is_exhausted(plugin) => self.give_up(plugin),
            _ => {}
        }
        self.enter(plugin, Phase::Failed(failure));
        self.at_rest(plugin);
        if may_await {
            self.return_if_possible(plugin, self.plugin(plugin).last);
        }
    }

    /// Whether a plugin that would be restarted has had all its attempts.
    fn is_exhausted(&self, plugin: PluginId) -> bool {
        let health = self.health_settings(plugin).filter(|health| health.auto_restart);
        health.is_some_and(|health| health.max_restart_attempts > 0) && self.comes_back(plugin)
    }

    fn back_off(&mut self, plugin: PluginId, failure: Arc<Failure>, attempt: u64) {
        self.leave_start(plugin);
        let pause = self.pause_before(plugin, attempt);
        let of = self.health_settings(plugin).map_or(0, |health| health.max_restart_attempts);
        let until = self.now + pause;
        let own = self.plugin_mut(plugin);
        own.back.attempts = attempt;
        own.back.reviving = false;
        // What was well is over, whatever becomes of the next life.
        own.life.watch = None;
        let incarnation = own.life.incarnation;
        self.enter(plugin, Phase::Backoff { failure, attempt, until });
        self.say_next(plugin, Happening::RestartScheduled { plugin, incarnation, attempt, of, pause });
        self.stop_request_sees_gone(plugin, false);
        if pause.is_zero() {
            self.come_back(plugin);
        }
    }

    /// A plugin that comes back by itself has come to its outcome in the start that it belonged to, if that is still under
    /// way: from now on its lives are no business of that start.
    fn leave_start(&mut self, plugin: PluginId) {
        let member = &mut self.plugin_mut(plugin).member;
        *member = member.take().filter(|member| member.open);
    }

    /// The pause is over, or what was missing is there: it is launched as soon as it can be.
    pub(crate) fn come_back(&mut self, plugin: PluginId) {
        self.leave_start(plugin);
        self.wait(plugin);
        let back = &mut self.plugin_mut(plugin).back;
        back.reviving = true;
        back.awaits = false;
        self.count_awaited(plugin);
    }

    /// Launches whoever comes back by itself and can; true if anything changed.
    pub(crate) fn launch_returning(&mut self, limit: u32) -> bool {
        let mut changed = false;
        while self.in_flight < limit && !self.is_replacing() {
            let Some(plugin) = self.returning.pop_front() else { break };
            if self.is_returning(plugin) {
                changed |= self.try_launch(plugin);
            }
        }
        changed
    }

    /// Whether a plugin does not run and comes back by itself: it pauses before an attempt, or waits for its launch.
    pub(crate) fn is_returning(&self, plugin: PluginId) -> bool {
        match self.phase(plugin) {
            Phase::Backoff { .. } => true,
            Phase::Waiting => self.plugin(plugin).back.reviving,
            _ => false,
        }
    }

    /// A plugin that would have come back by itself shall not.
    pub(crate) fn cancel_return(&mut self, plugin: PluginId, cause: &StopCause, by: Seq) {
        let incarnation = self.plugin(plugin).life.incarnation;
        let rest = if matches!(cause, StopCause::Unwind(_)) { Rest::Unwound } else { Rest::Stopped };
        self.plugin_mut(plugin).back.reviving = false;
        self.enter(plugin, Phase::Down(rest));
        self.say_of(plugin, Some(by), Happening::RestartCancelled { plugin, incarnation });
        self.stop_request_sees_gone(plugin, false);
    }

    /// Those that cannot come back because the graph does not have them any more, or because nobody wants them.
    pub(crate) fn cancel_unwanted_returns(&mut self, by: Seq) {
        let all = (0..self.plugins.len() as u32).map(PluginId);
        let unwanted = |plugin: &PluginId| {
            self.is_returning(*plugin)
                && (self.plugin(*plugin).desired == Desired::Down || !self.graph.contains(*plugin))
        };
        let unwanted: Vec<PluginId> = all.filter(unwanted).collect();
        for plugin in unwanted {
            self.cancel_return(plugin, &StopCause::Removed, by);
            self.outcome_known(plugin);
        }
    }

    /// A plugin that pauses before a restart which it is not allowed any more, after a change of its settings, stays down.
    pub(crate) fn return_only_as_allowed(&mut self, plugin: PluginId, by: Seq) {
        let Phase::Backoff { failure, attempt, .. } = self.phase(plugin) else { return };
        let (failure, attempt) = (Arc::clone(failure), *attempt);
        let health = self.health_settings(plugin).filter(|health| health.auto_restart);
        if health.is_none_or(|health| health.max_restart_attempts < attempt) {
            let incarnation = self.plugin(plugin).life.incarnation;
            self.enter(plugin, Phase::Failed(failure));
            // What it is explained by is still its failure.
            self.say(Some(by), Happening::RestartCancelled { plugin, incarnation });
            self.at_rest(plugin);
        }
    }

    /// A plugin that failed for want of something comes back if nothing is missing any more.
    pub(crate) fn return_if_possible(&mut self, plugin: PluginId, by: Option<Seq>) {
        let waits = matches!(self.phase(plugin), Phase::Failed(_)) && self.plugin(plugin).back.awaits;
        if !waits || !self.comes_back(plugin) || !self.has_what_it_needs(plugin) {
            return self.stay_down(plugin);
        }
        if self.is_held_down(plugin) {
            return self.look_again(plugin);
        }
        self.plugin_mut(plugin).last = by;
        self.come_back(plugin);
    }

    /// Whether nothing that a plugin cannot come back without is lost.
    pub(crate) fn has_what_it_needs(&self, plugin: PluginId) -> bool {
        let mut lost = self.lost_dependencies(plugin);
        lost.all(|lost| self.falls_back_without(plugin, lost))
            && self.first_missing_without_fallback(plugin).is_none()
    }

    /// What serves, but not so that a plugin that comes back could rely on it: without a fallback it would have to go again
    /// as soon as it is ready.
    pub(crate) fn would_go_again_without(&self, plugin: PluginId) -> Option<PluginId> {
        self.first_missing_without_fallback(plugin).filter(|_| self.plugin(plugin).back.reviving)
    }

    /// Whether a plugin that comes back must wait for that dependency. One that has a fallback for it need not.
    pub(crate) fn awaits_hard(&self, plugin: PluginId, dependency: PluginId, need: Need) -> bool {
        need == Need::Hard
            && !(self.plugin(plugin).back.reviving && self.falls_back_without(plugin, dependency))
    }
}

/// The pauses before the attempts that a plugin still has, for whoever wants to know beforehand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Its number, from 1.
    pub attempt: u64,
    /// The pause before it, jitter included.
    pub pause: Duration,
    /// When it is due, if it is the one that the plugin pauses for.
    pub due: Option<Instant>,
}

impl Kernel {
    /// The attempts that a plugin has before it is given up, the one that it pauses for included; at most `most` of
    /// them. Empty if it is not restarted by itself.
    pub fn attempts_left(&self, plugin: PluginId, most: usize) -> Vec<Attempt> {
        let Some(health) = self.health_settings(plugin).filter(|health| health.auto_restart) else {
            return Vec::new();
        };
        let (first, due) = match self.phase(plugin) {
            Phase::Backoff { attempt, until, .. } => (*attempt, Some(*until)),
            _ => (self.attempts(plugin).saturating_add(1), None),
        };
        let attempts = (first..=health.max_restart_attempts).take(most);
        attempts
            .map(|attempt| Attempt {
                attempt,
                pause: self.pause_before(plugin, attempt),
                due: due.filter(|_| attempt == first),
            })
            .collect()
    }
}
