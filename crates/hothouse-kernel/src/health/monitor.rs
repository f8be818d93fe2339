//! The monitor: asks every plugin that serves, in its interval, and counts what comes back.
//!
//! To wake up costs a host more than to ask. So whenever a check is due, those that may be made by now are made with it:
//! the ones that come at their earliest. They are few at a time, so that plugins are not asked in herds.
//!
//! Checks of one life never overlap: an answer that takes longer than the interval puts the next check off. A check
//! whose time is up counts as one failure, and its answer does not count any more. If the kernel itself comes so late
//! that it cannot be the plugin's fault, the check gets its time once more.

mod forecast;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use hothouse_protocol::{HealthStatus, PluginHealthStatus};

use super::{CallCounts, HealthSettings, Tally, Verdict, says_degraded};
use crate::action::Action;
use crate::event::{Happening, IgnoredReason};
use crate::failure::{Code, Failure, Stage};
use crate::jitter::Roll;
use crate::kernel::Kernel;
use crate::phase::Phase;
use crate::timers::Timer;
use crate::{Instant, PluginId};

/// The first check of a life comes within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// By how many percent the time from one check to the next may be shorter than the interval, and by how many longer.
const EARLY: u32 = 5;
const LATE_BY: u32 = 15;

/// So many checks are made at a time at most, unless more of them are due.
const TOGETHER: usize = 32;

/// No plugin is asked more often, whatever is set: the protocol allows nothing below a second.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);

/// A kernel that is told the time so much after it asked for it belongs to a host that did not get to run.
const LATE: Duration = Duration::from_millis(50);

/// How the health of one life is watched.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Watch {
    /// When it is asked next.
    next: Instant,
    /// From when on it may be asked already, along with others.
    opens: Instant,
    /// What it has been asked and has not answered.
    asked: Option<Asked>,
    /// Since when it is healthy.
    pub(crate) well_since: Option<Instant>,
}

/// A check that is under way.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Asked {
    until: Instant,
    /// It has been given its time once more already.
    excused: bool,
}

impl Watch {
    /// When it must be looked at again.
    pub(crate) fn deadline(&self) -> Instant {
        self.asked.map_or(self.next, |asked| asked.until)
    }

    /// No answer is awaited any more. A check that was due meanwhile is due now.
    fn answered(&mut self, now: Instant) {
        self.asked = None;
        self.next = self.next.max(now);
    }

    /// When that check is made by itself, and from when on along with others, if one was made at `now` in that interval.
    fn follow(&mut self, now: Instant, interval: Duration, roll: Roll) {
        let spread = interval.saturating_mul(EARLY + LATE_BY) / 100;
        self.opens = now + soonest(interval);
        self.next = self.opens + roll.below(spread);
    }

    /// When it is asked next; `None` while a check is under way.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.asked.is_none().then_some(self.next)
    }
}

/// The shortest time from one check to the next.
fn soonest(interval: Duration) -> Duration {
    interval.saturating_sub(interval.saturating_mul(EARLY) / 100)
}

/// What was done when it was time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// It was not.
    Nothing,
    /// A check was made.
    Asked,
    /// A check that has taken too long was dealt with.
    Unanswered,
}

impl Kernel {
    /// How a plugin's health is watched, if it is.
    pub(crate) fn health_settings(&self, plugin: PluginId) -> Option<HealthSettings> {
        self.graph.decl(plugin).settings.health
    }

    /// A plugin has become ready: from now on its health is watched.
    pub(crate) fn watch(&mut self, plugin: PluginId) {
        let Some(settings) = self.health_settings(plugin) else { return };
        let next = self.now + self.roll(plugin, 0).below(settings.interval.min(FIRST_WITHIN));
        let now = self.now;
        let life = &mut self.plugin_mut(plugin).life;
        let well_since = (life.tally.verdict == Verdict::Healthy).then_some(now);
        life.watch = Some(Box::new(Watch { next, opens: next, asked: None, well_since }));
        self.look_again(plugin);
    }

    /// Other settings may hold for a plugin from now on, whose health was watched like this before.
    pub(crate) fn watch_anew(&mut self, plugin: PluginId, before: Option<HealthSettings>) {
        let settings = self.health_settings(plugin);
        if before == settings || !self.phase(plugin).is_serving() {
            return;
        }
        let Some(settings) = settings else { return self.watch_no_more(plugin) };
        let (now, roll) = (self.now, self.roll(plugin, self.plugin(plugin).life.checks));
        if let Some(watch) = self.watch_of(plugin) {
            let (next, opens) = (watch.next, watch.opens);
            watch.follow(now, settings.interval, roll);
            (watch.next, watch.opens) = (watch.next.min(next), watch.opens.min(opens));
            self.look_again(plugin);
        } else if *self.phase(plugin) == Phase::Ready {
            self.watch(plugin);
        }
        if self.plugin(plugin).life.tally.verdict == Verdict::Unhealthy {
            self.still_sick(plugin);
        }
    }

    /// Nobody asks any more how a plugin is, so nothing that it was counts.
    fn watch_no_more(&mut self, plugin: PluginId) {
        let life = &mut self.plugin_mut(plugin).life;
        (life.watch, life.tally, life.says_degraded, life.objection) = (None, Tally::default(), false, None);
        self.availability_may_change(plugin);
    }

    fn roll(&self, plugin: PluginId, check: u64) -> Roll {
        let life = self.plugin(plugin).life.incarnation.0;
        Roll::of(self.settings.seed, [u64::from(plugin.0), life, check])
    }

    /// Asks, or counts a check that has taken too long, if it is time.
    pub(crate) fn watch_time(&mut self, plugin: PluginId) -> Watched {
        let now = self.now;
        let Some(watch) = self.watch_of(plugin).filter(|watch| watch.deadline() <= now) else {
            return Watched::Nothing;
        };
        match watch.asked {
            None => {
                self.ask(plugin);
                Watched::Asked
            }
            Some(asked) => {
                self.unanswered(plugin, asked);
                Watched::Unanswered
            }
        }
    }

    /// So many checks were due. Makes others along with them that may be made by now, as long as they come next.
    pub(crate) fn ask_others_early(&mut self, due: usize) {
        if due == 0 {
            return;
        }
        for _ in due..TOGETHER {
            self.drop_dead_timers();
            let Some(Timer { at, plugin, .. }) = self.timers.next() else { return };
            let now = self.now;
            let is_open = |watch: &mut Watch| watch.next() == Some(at) && watch.opens <= now;
            if !self.watch_of(plugin).is_some_and(is_open) {
                return;
            }
            self.ask(plugin);
        }
    }

    fn watch_of(&mut self, plugin: PluginId) -> Option<&mut Watch> {
        let life = &mut self.plugin_mut(plugin).life;
        life.watch.as_deref_mut().filter(|_| life.phase == Phase::Ready)
    }

    fn ask(&mut self, plugin: PluginId) {
        let Some(settings) = self.health_settings(plugin) else { return };
        let check = self.next_check(plugin);
        let until = self.now + self.graph.decl(plugin).settings.check_timeout;
        let (now, roll) = (self.now, self.roll(plugin, check));
        let incarnation = self.plugin(plugin).life.incarnation;
        if let Some(watch) = self.watch_of(plugin) {
            watch.asked = Some(Asked { until, excused: false });
            watch.follow(now, settings.interval.max(LEAST_INTERVAL), roll);
            self.act(Action::Check { plugin, incarnation, check, until });
            self.look_again(plugin);
        }
    }

    /// The number of a check that is about to be made.
    pub(crate) fn next_check(&mut self, plugin: PluginId) -> u64 {
        let life = &mut self.plugin_mut(plugin).life;
        life.checks = life.checks.saturating_add(1);
        life.checks
    }

    /// Asks at once, unless it is being asked.
    pub(crate) fn ask_now(&mut self, plugin: PluginId) {
        if self.watch_of(plugin).is_some_and(|watch| watch.asked.is_none()) {
            self.ask(plugin);
        }
    }

    /// The time of a check is up.
    fn unanswered(&mut self, plugin: PluginId, asked: Asked) {
        let limit = self.graph.decl(plugin).settings.check_timeout;
        let (now, late) = (self.now, self.now.since(asked.until));
        let incarnation = self.plugin(plugin).life.incarnation;
        let Some(watch) = self.watch_of(plugin) else { return };
        if late >= LATE && !asked.excused {
            watch.asked = Some(Asked { until: now + limit, excused: true });
            self.look_again(plugin);
            self.say(None, Happening::HostLate { plugin, incarnation, late });
            return;
        }
        watch.answered(now);
        self.look_again(plugin);
        self.count(plugin, Err(format!("it did not answer within {} ms", limit.as_millis())));
    }

    /// A check has been answered.
    pub(crate) fn checked(
        &mut self,
        plugin: PluginId,
        check: u64,
        answer: Result<&HealthStatus, &Failure>,
        calls: CallCounts,
    ) {
        let now = self.now;
        let life = &self.plugin(plugin).life;
        let incarnation = life.incarnation;
        let current = life.checks == check;
        let Some(watch) = self.watch_of(plugin).filter(|watch| current && watch.asked.is_some()) else {
            return self.ignore(plugin, incarnation, IgnoredReason::NotAsked);
        };
        watch.answered(now);
        self.look_again(plugin);
        let outcome = match answer {
            Ok(health) => self.judge(health, calls),
            Err(failure) => Err(String::from(&*failure.message)),
        };
        self.count(plugin, outcome);
        if self.watch_of(plugin).is_some_and(|watch| watch.next <= now) {
            self.ask_now(plugin);
        }
    }

    /// Whether it would be no news if a plugin that is being asked were [all well](super::is_all_well): nothing that
    /// anybody could see would change, until the next check is due, which is when this is. `calls` are those that the answer
    /// will be judged with.
    pub fn no_news_until(&self, plugin: PluginId, calls: CallCounts) -> Option<Instant> {
        let life = &self.plugin(plugin).life;
        let watch = life.watch.as_deref().filter(|_| life.phase == Phase::Ready)?;
        let is_well = life.tally.verdict == Verdict::Healthy && life.tally.failures == 0;
        let says_nothing = !life.says_degraded && life.objection.is_none();
        let objects = self.settings.passive.objection(calls).is_some();
        (watch.asked.is_some() && is_well && says_nothing && !objects).then_some(watch.next)
    }

    /// A plugin says by itself how it is. That counts like an answer to a check.
    pub(crate) fn pushed(&mut self, plugin: PluginId, health: &HealthStatus) {
        let outcome = self.judge(health, CallCounts::default());
        self.count(plugin, outcome);
    }

    /// Whether that is a good answer, and if so whether the plugin says that it is degraded.
    fn judge(&self, health: &HealthStatus, calls: CallCounts) -> Result<bool, String> {
        if !health.healthy {
            let message = health.message.clone().filter(|message| !message.is_empty());
            return Err(message.unwrap_or_else(|| "it says that it is unhealthy".into()));
        }
        match self.settings.passive.objection(calls) {
            Some(objection) => Err(format!("it says that it is healthy, but {objection}")),
            None => Ok(says_degraded(health)),
        }
    }

    /// Counts the outcome of a check, and lets follow what follows.
    fn count(&mut self, plugin: PluginId, outcome: Result<bool, String>) {
        let settings = self.health_settings(plugin);
        let (failures, passes) = settings.map_or((3, 1), |s| (s.failure_threshold, s.success_threshold));
        let before = self.status(plugin);
        let life = &mut self.plugin_mut(plugin).life;
        let (was, incarnation) = (life.tally.verdict, life.incarnation);
        let why = match outcome {
            Ok(degraded) => {
                life.tally.pass(passes);
                life.says_degraded = degraded;
                None
            }
            Err(why) => {
                life.tally.fail(failures);
                life.says_degraded = false;
                Some(why.into_boxed_str())
            }
        };
        life.objection.clone_from(&why);
        let verdict = life.tally.verdict;
        self.note_wellness(plugin);
        let to = self.status(plugin);
        if to != before {
            let what = Happening::HealthChanged { plugin, incarnation, from: before, to, why: why.clone() };
            if (before, to) == (PluginHealthStatus::Unknown, PluginHealthStatus::Healthy) {
                // As everybody expects: it is where it is because it was started.
                self.say(None, what);
            } else {
                // Whoever is well again is so after what was wrong; what is wrong comes from outside.
                let cause = self.plugin(plugin).last.filter(|_| to == PluginHealthStatus::Healthy);
                self.say_of(plugin, cause, what);
            }
        }
        if was.is_available() != verdict.is_available() {
            self.availability_may_change(plugin);
        }
        if verdict == Verdict::Unhealthy && was != Verdict::Unhealthy {
            self.sick(plugin, why.as_deref().unwrap_or_default());
        }
    }

    /// Keeps since when a plugin is well. One that has been so for long enough begins its attempts anew.
    fn note_wellness(&mut self, plugin: PluginId) {
        let healthy = self.plugin(plugin).life.tally.verdict == Verdict::Healthy;
        if !healthy {
            let attempts = self.attempts(plugin);
            self.plugin_mut(plugin).back.attempts = attempts;
        }
        let now = self.now;
        if let Some(watch) = self.plugin_mut(plugin).life.watch.as_deref_mut() {
            watch.well_since = healthy.then(|| watch.well_since.unwrap_or(now));
        }
    }

    /// A plugin that became unhealthy when nothing could be done about it is so still.
    pub(crate) fn still_sick(&mut self, plugin: PluginId) {
        let why = self.plugin(plugin).life.objection.clone().unwrap_or_default();
        self.sick(plugin, &why);
    }

    /// A plugin has become unhealthy while it runs.
    fn sick(&mut self, plugin: PluginId, why: &str) {
        if !self.health_settings(plugin).is_some_and(|settings| settings.auto_restart) {
            return;
        }
        let failures = self.plugin(plugin).life.tally.failures;
        let message = match failures {
            0 | 1 => format!("it became unhealthy: {why}"),
            many => format!("it became unhealthy, {many} checks in a row failed: {why}"),
        };
        self.restart_sick(plugin, Arc::new(Failure::new(Code::Unhealthy, Stage::Run, message)));
    }
}
