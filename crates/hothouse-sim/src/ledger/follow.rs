//! What follows for the book of health, restarts and fallbacks from what was seen.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::event::Happening;
use hothouse_kernel::health::Verdict;
use hothouse_kernel::input::{Answer, Request};
use hothouse_kernel::{Action, Code, Graph, HealthSettings, Instant, Need, PluginId, StopCause};
use hothouse_protocol::FallbackMode;
use hothouse_protocol::json::Value;

use super::checks::{OpenCheck, Window, speaks_against};
use super::comeback::{Comeback, Due, pauses};
use super::fallback::Fallback;
use super::{Ledger, Life, Stage};

impl Ledger {
    /// How the health of a plugin is watched.
    pub fn health_settings(&self, plugin: PluginId) -> Option<HealthSettings> {
        self.graph.decl(plugin).settings.health
    }

    /// What the time that has passed means for the checks under way.
    pub(super) fn note_time(&mut self) {
        let now = self.now;
        (self.timed_out, self.excused, self.replaced) = (Vec::new(), Vec::new(), None);
        for plugin in Arc::clone(&self.graph).plugins() {
            let settings = self.health_settings(plugin);
            let limit = self.graph.decl(plugin).settings.check_timeout;
            let Some(life) = self.life_mut(plugin).filter(|life| life.stays()) else { continue };
            let Some(open) = life.checks.open.as_mut().filter(|open| open.until <= now) else { continue };
            if open.excuses(now) {
                (open.excused, open.until) = (true, now + limit);
                self.excused.push(plugin);
                continue;
            }
            (life.checks.open, life.checks.over) = (None, Some(now));
            life.checks.says_degraded = false;
            self.timed_out.push(plugin);
            self.count(plugin, false, settings);
        }
    }

    fn count(&mut self, plugin: PluginId, passed: bool, settings: Option<HealthSettings>) {
        let now = self.now;
        let attempts = self.attempts(plugin);
        let Some(life) = self.life_mut(plugin) else { return };
        life.checks.count(passed, settings, now);
        if life.checks.healthy_since.is_none() {
            self.comebacks[plugin.index()].attempts = attempts;
        }
    }

    /// What a plugin says of its health, asked or not.
    pub(super) fn note_health(&mut self, plugin: PluginId, answer: &Answer) {
        let (passive, now) = (self.settings.passive, self.now);
        let settings = self.health_settings(plugin);
        let Some(life) = self.life_mut(plugin) else { return };
        let starting = life.stage == Stage::Check;
        let (health, against) = match answer {
            Answer::Checked { health, calls, .. } => {
                (Some(health), !starting && speaks_against(&passive, *calls))
            }
            Answer::Pushed(health) => (Some(health), false),
            _ => (None, true),
        };
        if !matches!(answer, Answer::Pushed(_)) && !starting {
            (life.checks.open, life.checks.over) = (None, Some(now));
        }
        let passed = health.is_some_and(|health| health.healthy) && !against;
        if starting && !passed {
            return;
        }
        let status = health.and_then(|health| health.details.as_ref()?.get("status"));
        let degraded = matches!(status, Some(Value::String(status)) if status.as_str() == "degraded");
        life.checks.says_degraded = !starting && passed && degraded;
        // The check after the start is no matter of the monitor's settings, if there are none.
        let settings =
            settings.or_else(|| starting.then_some(HealthSettings { success_threshold: 1, ..ANY }));
        self.count(plugin, passed, settings);
    }

    /// How many restarts count against a plugin.
    pub fn attempts(&self, plugin: PluginId) -> u64 {
        let watched = self.health_settings(plugin).and_then(|_| self.life(plugin));
        let well = watched.and_then(|life| life.checks.healthy_since);
        let calm = well.is_some_and(|since| self.now.since(since) >= self.settings.restart.stable);
        if calm { 0 } else { self.comebacks[plugin.index()].attempts }
    }

    /// What an event means for who comes back.
    pub(super) fn follow_event(&mut self, what: &Happening) {
        let now = self.now;
        match what {
            Happening::Ready { plugin, .. } => {
                let back = &mut self.comebacks[plugin.index()];
                (back.proven, back.awaits, back.tried) = (true, false, false);
                let first = self.health_settings(*plugin).map(|health| Window::first(now, health.interval));
                if let Some(life) = self.life_mut(*plugin) {
                    life.checks.due = first;
                }
                self.fallbacks[plugin.index()].told = None;
            }
            Happening::Launched { plugin, .. } => {
                let back = &mut self.comebacks[plugin.index()];
                (back.due, back.awaits, back.could_since) = (None, false, None);
                let fallback = &mut self.fallbacks[plugin.index()];
                (fallback.told, fallback.tries, fallback.next_try) = (None, 0, None);
            }
            Happening::RestartScheduled { plugin, attempt, pause, .. } => {
                let least = self.health_settings(*plugin).map_or(0, |health| {
                    let (least, _) = pauses(&health, &self.settings.restart, *attempt);
                    u64::try_from(least).unwrap_or(u64::MAX)
                });
                let due = Due { earliest: now + Duration::from_nanos(least), announced: now + *pause };
                let back = &mut self.comebacks[plugin.index()];
                *back =
                    Comeback { attempts: *attempt, due: Some(due), given_up: false, tried: false, ..*back };
                if let Some(life) = self.life_mut(*plugin) {
                    life.checks.healthy_since = None;
                }
            }
            Happening::RestartCancelled { plugin, .. } => self.stays_down(*plugin),
            Happening::GaveUp { plugin, .. } => {
                let back = &mut self.comebacks[plugin.index()];
                (back.given_up, back.tried) = (true, false);
            }
            Happening::StopBegan { plugin, cause: StopCause::Failure(failure), .. } => {
                let served = self.life(*plugin).is_some_and(Life::serves);
                self.comebacks[plugin.index()].awaits |= served && failure.code == Code::DependencyFailed;
                if failure.code == Code::DependencyFailed {
                    self.note_lost_in_passing(*plugin, true);
                }
            }
            Happening::StopBegan { plugin, .. } => self.note_lost_in_passing(*plugin, false),
            Happening::Failed { plugin, failure, .. } if failure.code == Code::DependencyFailed => {
                let back = &mut self.comebacks[plugin.index()];
                back.awaits |= back.proven || back.due.is_some() || back.tried;
                back.tried = false;
            }
            Happening::Failed { plugin, .. } => self.comebacks[plugin.index()].tried = false,
            Happening::StopRequested { targets, .. } => {
                let hit = self.graph.with_dependents(self.named(targets).iter());
                hit.iter().for_each(|plugin| self.stays_down(plugin));
            }
            Happening::UnwindBegan { request, .. } => {
                let members = self.open.get(request).map(|open| open.members.clone()).unwrap_or_default();
                let hit = self.graph.with_dependents(members);
                hit.iter().for_each(|plugin| self.stays_down(plugin));
            }
            Happening::ModeSet { plugin, mode, .. } => {
                let fallback = &mut self.fallbacks[plugin.index()];
                fallback.forced = *mode;
                if mode.is_none() {
                    fallback.latched = None;
                    (fallback.mode, fallback.switches) = Default::default();
                }
            }
            Happening::ModeChanged { plugin, service, .. } => {
                let seen = service.missing.iter().map(|missing| missing.need).min();
                self.fallbacks[plugin.index()].seen = seen;
            }
            Happening::RecoveryTried { plugin, attempt, missing, .. } => {
                self.note_try(*plugin, *attempt, missing)
            }
            _ => {}
        }
    }

    /// Nothing of what would have brought a plugin back does.
    fn stays_down(&mut self, plugin: PluginId) {
        let back = &mut self.comebacks[plugin.index()];
        (back.due, back.awaits, back.tried, back.could_since) = (None, false, false, None);
    }

    /// Something was away, and in the same step the plugin goes for another reason: for want of something else, or by an
    /// order. That it did without the first counts all the same.
    fn note_lost_in_passing(&mut self, plugin: PluginId, may_latch: bool) {
        let (now, pacing) = (self.now, self.settings.restart);
        let declared = self.graph.decl(plugin).settings.degradation.as_ref();
        let latches = may_latch && declared.is_some_and(|declared| !declared.recovery.enabled);
        let fallback = &mut self.fallbacks[plugin.index()];
        let Some(need) = fallback.seen.take() else { return };
        if latches {
            fallback.latched = Some(fallback.latched.map_or(need, |latched| latched.min(need)));
        }
        if need == Need::Hard && !fallback.mode.on {
            fallback.mode.take_in(true, false, now, &pacing);
        }
        if !fallback.switches.on {
            fallback.switches.take_in(true, false, now, &pacing);
        }
    }

    fn note_try(&mut self, plugin: PluginId, attempt: u64, missing: &[Box<str>]) {
        let recovery =
            self.graph.decl(plugin).settings.degradation.as_ref().map(|declared| declared.recovery);
        let more = recovery.filter(|recovery| attempt < recovery.max_attempts);
        let fallback = &mut self.fallbacks[plugin.index()];
        (fallback.tries, fallback.next_try) = (attempt, more.map(|recovery| self.now + recovery.interval));
        for name in missing {
            let Some(dependency) = self.graph.id(name) else { continue };
            let rests = self.life(dependency).is_none_or(|life| life.ended.is_some());
            self.comebacks[dependency.index()].tried |= rests;
        }
    }

    /// What an action means for the checks and for what is served.
    pub(super) fn follow_action(&mut self, action: &Action) {
        match action {
            Action::Check { plugin, check, until, .. } => {
                let window = self.window_of(*plugin);
                // An apply may have ended the watch in the step in which it asked.
                let watched = self.health_settings(*plugin).is_some();
                let Some(life) = self.life_mut(*plugin) else { return };
                life.checks.last = *check;
                if life.serves() && watched {
                    life.checks.open = Some(OpenCheck { number: *check, until: *until, excused: false });
                    life.checks.due = window;
                }
            }
            Action::Mode { plugin, service, .. } => {
                self.fallbacks[plugin.index()].told = Some(Arc::clone(service));
            }
            _ => {}
        }
    }

    /// When a plugin that is asked now is asked next. If the graph was replaced in this step, it may have been asked
    /// before.
    fn window_of(&self, plugin: PluginId) -> Option<Window> {
        let health = self.health_settings(plugin)?;
        let replaced = self.replaced.as_ref().filter(|old| old.contains(plugin));
        let before = replaced.and_then(|old| old.decl(plugin).settings.health).unwrap_or(health);
        Some(Window::after(self.now, before.interval).or_sooner(self.now, health.interval))
    }

    /// What another graph means for those that go on.
    pub(super) fn follow_change(&mut self, old: &Graph) {
        self.comebacks.resize_with(self.graph.room(), Comeback::default);
        self.fallbacks.resize_with(self.graph.room(), Fallback::default);
        for plugin in Arc::clone(&self.graph).plugins() {
            if !old.contains(plugin) {
                self.comebacks[plugin.index()] = Comeback::default();
                self.fallbacks[plugin.index()] = Fallback::default();
                continue;
            }
            let settings = &self.graph.decl(plugin).settings;
            let now = self.now;
            if let Some(health) =
                settings.health.filter(|health| old.decl(plugin).settings.health != Some(*health))
                && let Some(life) = self.life_mut(plugin).filter(|life| life.stays())
            {
                life.checks.due = life.checks.due.map(|due| due.or_sooner(now, health.interval));
            }
            let settings = &self.graph.decl(plugin).settings;
            let watched = old.decl(plugin).settings.health.is_none() && settings.health.is_some();
            let first = settings.health.map(|health| Window::first(now, health.interval));
            if let Some(life) = self.life_mut(plugin).filter(|life| watched && life.serves()) {
                life.checks.due = first;
                life.checks.healthy_since = (life.checks.verdict() == Verdict::Healthy).then_some(now);
            }
            let settings = &self.graph.decl(plugin).settings;
            let unwatched = old.decl(plugin).settings.health.is_some() && settings.health.is_none();
            if settings.degradation.is_none() {
                let fallback = &mut self.fallbacks[plugin.index()];
                fallback.latched = None;
                (fallback.mode, fallback.switches) = Default::default();
            }
            if let Some(life) = self.life_mut(plugin).filter(|life| unwatched && life.serves()) {
                life.checks = super::Checks { last: life.checks.last, ..Default::default() };
            }
        }
    }

    /// Whether others can rely on a plugin, by what was seen of it.
    pub fn is_available(&self, plugin: PluginId) -> bool {
        let disabled = self.fallbacks[plugin.index()].mode_told() == Some(FallbackMode::Disabled);
        self.life(plugin).is_some_and(|life| life.serves() && !life.checks.sick) && !disabled
    }

    /// What is away of what a plugin names in its degradation: the critical first, in the order of the declaration.
    pub fn away(&self, plugin: PluginId) -> Vec<(Arc<str>, Need)> {
        let Some(declared) = &self.graph.decl(plugin).settings.degradation else { return Vec::new() };
        let critical = declared.critical.iter().map(|name| (Arc::clone(name), Need::Hard));
        let optional = declared.optional.iter().map(|name| (Arc::clone(name), Need::Optional));
        let away = |(name, _): &(Arc<str>, Need)| self.graph.id(name).is_none_or(|id| !self.is_available(id));
        critical.chain(optional).filter(away).collect()
    }

    /// Takes in what is away now, when all that a step has brought about is noted.
    pub fn follow_what_is_away(&mut self, mode_ended: &[PluginId]) {
        let (now, pacing) = (self.now, self.settings.restart);
        for plugin in Arc::clone(&self.graph).plugins() {
            self.fallbacks[plugin.index()].seen = None;
            let Some(life) = self.life(plugin).filter(|life| life.serves()) else { continue };
            let leaving = life.leaving;
            let away = self.away(plugin);
            let declared = self.graph.decl(plugin).settings.degradation.clone();
            let critical = away.iter().any(|(_, need)| *need == Need::Hard);
            let there = away.iter().any(|(name, _)| self.graph.id(name).is_some());
            let fallback = &mut self.fallbacks[plugin.index()];
            let latches = declared.as_ref().is_some_and(|declared| !declared.recovery.enabled);
            if latches && !leaving && !away.is_empty() {
                let need = if critical { Need::Hard } else { Need::Optional };
                fallback.latched = Some(fallback.latched.map_or(need, |latched| latched.min(need)));
            }
            let ended = mode_ended.contains(&plugin);
            let latched = fallback.latched;
            fallback.mode.take_in(critical || latched == Some(Need::Hard), ended, now, &pacing);
            fallback.switches.take_in(!away.is_empty() || latched.is_some(), false, now, &pacing);
            if leaving {
                fallback.mode.is_not_looked_at();
                fallback.switches.is_not_looked_at();
            }
            if away.is_empty() {
                (fallback.tries, fallback.next_try) = (0, None);
                continue;
            }
            let recovery = declared.map(|declared| declared.recovery);
            let more = recovery.filter(|recovery| recovery.enabled && fallback.tries < recovery.max_attempts);
            fallback.next_try = more
                .and_then(|recovery| fallback.next_try.or_else(|| there.then(|| now + recovery.interval)));
        }
    }

    /// The moment of the last input.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Whether a stop of what it belongs to, or an apply, has something to do with a plugin.
    pub fn is_member_of_an_open_start(&self, plugin: PluginId) -> bool {
        self.open
            .values()
            .any(|open| open.members.contains(&plugin) && !matches!(open.request, Request::Stop { .. }))
    }
}

/// Settings of which only what is named counts.
const ANY: HealthSettings = HealthSettings {
    interval: Duration::ZERO,
    failure_threshold: 3,
    success_threshold: 1,
    auto_restart: false,
    max_restart_attempts: 0,
    restart_backoff: hothouse_protocol::RestartBackoff::Fixed,
};
