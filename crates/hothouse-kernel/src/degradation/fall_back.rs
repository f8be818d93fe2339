//! Who falls back, to what, and until when: the effects of what is away, along the graph.
//!
//! A plugin is *available* while it serves, is not unhealthy, and is not disabled itself. When that changes for one, all
//! that name it in their degradation are looked at again; if one of those becomes disabled by that, so are those that
//! name it in turn. What a plugin serves is told to the router and to the plugin in one step
//! ([`Action::Mode`](crate::Action::Mode)).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hothouse_protocol::FallbackMode;

use super::hold::Hold;
use super::{Degradation, Missing, Service};
use crate::action::Action;
use crate::event::Happening;
use crate::failure::{Code, Failure, Stage};
use crate::graph::Need;
use crate::kernel::Kernel;
use crate::phase::{Phase, Rest, StopCause};
use crate::view::Desired;
use crate::{Instant, PluginId, Seq};

/// Hard times of one plugin. It outlives the plugin's lives, so that an operator's word and the damping of what flaps do.
#[derive(Clone, PartialEq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct HardTimes {
    /// What it serves now; `None`: everything.
    service: Option<Arc<Service>>,
    /// The mode that an operator has set.
    forced: Option<FallbackMode>,
    /// The fallback, once entered, is left only by an operator's word; and whether it was entered for a critical
    /// dependency.
    latched: Option<Need>,
    /// Something critical is away.
    mode: Hold,
    /// Anything is away.
    switches: Hold,
    /// It is stopped because something critical is away and it has no fallback.
    down: Hold,
    /// How often it was tried to bring back what is away.
    tries: u64,
    /// When it is tried next.
    try_at: Option<Instant>,
}

impl HardTimes {
    /// When it must be looked at again, in this phase.
    fn deadline(&self, phase: &Phase) -> Option<Instant> {
        match phase {
            Phase::Ready => {
                // What holds by an operator's word, or by the mode, does not change when it is not wanted any more.
                let mode = self.mode.deadline().filter(|_| self.forced.is_none());
                let switches =
                    self.switches.deadline().filter(|_| self.forced.is_none() && !self.mode.holds());
                [mode, switches, self.try_at].into_iter().flatten().min()
            }
            Phase::Failed(_) => self.down.deadline(),
            _ => None,
        }
    }
}

impl HardTimes {
    /// Nothing is declared for hard times any more: only an operator's word is left.
    fn forget_what_was_declared(&mut self) {
        let HardTimes { service, forced, .. } = core::mem::take(self);
        (self.service, self.forced) = (service, forced);
    }
}

impl Kernel {
    /// What a plugin serves at the moment; `None`: everything, as ever.
    pub fn service_of(&self, plugin: PluginId) -> Option<&Arc<Service>> {
        self.plugins.get(plugin.index())?.hard_times.as_deref()?.service.as_ref()
    }

    /// The tries to bring back what is away that have been made, and when the next one is; `None`: none is to come.
    pub fn recovery_of(&self, plugin: PluginId) -> (u64, Option<Instant>) {
        let hard_times = self.plugins.get(plugin.index()).and_then(|plugin| plugin.hard_times.as_deref());
        hard_times.map_or((0, None), |hard_times| (hard_times.tries, hard_times.try_at))
    }

    pub(crate) fn hard_times_deadline(&self, plugin: PluginId) -> Option<Instant> {
        let own = self.plugin(plugin);
        let comes_back = own.back.awaits || !matches!(own.life.phase, Phase::Failed(_));
        own.hard_times.as_deref().filter(|_| comes_back)?.deadline(&own.life.phase)
    }

    fn degradation(&self, plugin: PluginId) -> Option<&Degradation> {
        self.graph.decl(plugin).settings.degradation.as_deref()
    }

    fn hard_times(&mut self, plugin: PluginId) -> &mut HardTimes {
        self.plugin_mut(plugin).hard_times.get_or_insert_default()
    }

    /// Whether others can rely on a plugin.
    pub(crate) fn is_available(&self, plugin: PluginId) -> bool {
        let life = &self.plugin(plugin).life;
        let disabled =
            || self.service_of(plugin).is_some_and(|service| service.mode == Some(FallbackMode::Disabled));
        life.phase.is_serving() && life.tally.verdict.is_available() && !disabled()
    }

    /// Something has happened to a plugin that others may rely on.
    pub(crate) fn availability_may_change(&mut self, plugin: PluginId) {
        if self.anyone_follows {
            self.settled = false;
            self.touched.push(plugin);
        }
    }

    /// From now on somebody follows what comes and goes: what is there already has not just come.
    pub(crate) fn note_who_is_available(&mut self) {
        for plugin in (0..self.plugins.len() as u32).map(PluginId) {
            self.plugin_mut(plugin).available = self.is_available(plugin);
        }
    }

    /// Lets those who depend on what has come or gone follow; true if anything changed.
    pub(crate) fn follow_availability(&mut self) -> bool {
        let mut changed = false;
        while let Some(plugin) = self.touched.pop() {
            let available = self.is_available(plugin);
            let own = self.plugin_mut(plugin);
            let turned = core::mem::replace(&mut own.available, available) != available;
            let by = own.last;
            // One that serves, if only to refuse, is enough for those that have declared nothing about it.
            if !self.graph.contains(plugin) || !(turned || self.phase(plugin).is_serving()) {
                continue;
            }
            changed |= turned;
            for at in 0..self.graph.dependents(plugin).len() {
                let dependent = self.graph.dependents(plugin)[at].plugin;
                if turned {
                    self.reconsider(dependent, by);
                }
                self.return_if_possible(dependent, by);
            }
        }
        changed
    }

    /// Whether a plugin has declared what it does without that dependency.
    pub(crate) fn falls_back_without(&self, plugin: PluginId, dependency: PluginId) -> bool {
        let name = self.graph.name(dependency);
        self.degradation(plugin).is_some_and(|degradation| {
            degradation.enabled && degradation.critical.iter().any(|critical| **critical == *name)
        })
    }

    /// The first critical dependency that is away, for a plugin that has no fallback.
    pub(crate) fn first_missing_without_fallback(&self, plugin: PluginId) -> Option<PluginId> {
        let degradation = self.degradation(plugin).filter(|degradation| !degradation.enabled)?;
        let mut critical = degradation.critical.iter().filter_map(|name| self.graph.id(name));
        critical.find(|dependency| !self.is_available(*dependency))
    }

    /// What is away of what a plugin names in its degradation.
    fn missing_of(&self, plugin: PluginId) -> Vec<Missing> {
        let Some(degradation) = self.degradation(plugin) else { return Vec::new() };
        let critical = degradation.critical.iter().map(|name| (name, Need::Hard));
        let optional = degradation.optional.iter().map(|name| (name, Need::Optional));
        let away = |(name, need): (&Arc<str>, Need)| {
            let why = match self.graph.id(name) {
                None => "is not declared".into(),
                Some(dependency) if self.is_available(dependency) => return None,
                Some(dependency) => self.why_away(dependency),
            };
            Some(Missing { name: Arc::clone(name), need, why: why.into_boxed_str() })
        };
        critical.chain(optional).filter_map(away).collect()
    }

    /// Why others cannot rely on a plugin, as it would follow "which".
    pub(crate) fn why_away(&self, plugin: PluginId) -> String {
        let own = self.plugin(plugin);
        match &own.life.phase {
            Phase::Ready | Phase::Leaving(_) => match (&own.life.objection, self.service_of(plugin)) {
                (Some(objection), _) => format!("is unhealthy: {objection}"),
                (None, Some(service)) if service.mode == Some(FallbackMode::Disabled) => {
                    match service.missing.first() {
                        Some(missing) => {
                            format!("is disabled without `{}`, which {}", missing.name, missing.why)
                        }
                        None => "is disabled by an operator".into(),
                    }
                }
                _ => "is recovering".into(),
            },
            Phase::Failed(failure) => format!("failed at {}: {failure}", failure.stage),
            Phase::Backoff { failure, .. } => {
                format!("failed at {} and is to be restarted: {failure}", failure.stage)
            }
            Phase::Stopping { cause: StopCause::Failure(failure), .. } => {
                format!("failed at {}: {failure}", failure.stage)
            }
            Phase::Stopping { cause: StopCause::Restart, .. } => "is being restarted".into(),
            // As it will be in a moment: this is not said anew then.
            Phase::Stopping { .. } => "is stopped".into(),
            Phase::Down(Rest::NotStarted) => "was not started".into(),
            Phase::Down(_) => "is stopped".into(),
            phase => format!("is {}", phase.as_str()),
        }
    }

    /// A plugin that serves looks again at what is away, and serves what is declared for that.
    pub(crate) fn reconsider(&mut self, plugin: PluginId, by: Option<Seq>) {
        let declared = self.graph.decl(plugin).settings.degradation.clone();
        if declared.is_none() {
            let Some(hard_times) = self.plugin_mut(plugin).hard_times.as_deref_mut() else { return };
            hard_times.forget_what_was_declared();
        }
        if !self.phase(plugin).is_serving() {
            return;
        }
        let missing = self.missing_of(plugin);
        let critical = missing.iter().any(|missing| missing.need == Need::Hard);
        if let (Some(lost), Phase::Ready) = (self.first_missing_without_fallback(plugin), self.phase(plugin))
        {
            return self.take_down(plugin, lost, self.taken_away_by(lost).or(by));
        }
        if missing.is_empty() && self.plugin(plugin).hard_times.is_none() {
            return;
        }
        let (now, pacing) = (self.now, self.settings.restart);
        let is_declared = missing.iter().any(|missing| self.graph.id(&missing.name).is_some());
        let recovery = declared.as_ref().map(|declared| declared.recovery);
        // One that leaves is not latched any more: an operator who restarts it has had his say.
        let stays = *self.phase(plugin) == Phase::Ready;
        let hard_times = self.hard_times(plugin);
        if stays && recovery.is_some_and(|recovery| !recovery.enabled) && !missing.is_empty() {
            let need = if critical { Need::Hard } else { Need::Optional };
            hard_times.latched = Some(hard_times.latched.map_or(need, |latched| latched.min(need)));
        }
        let in_mode = hard_times.mode.want(critical || hard_times.latched == Some(Need::Hard), now, &pacing);
        let away = !missing.is_empty() || hard_times.latched.is_some();
        let switched = hard_times.switches.want(away, now, &pacing) || in_mode;
        match recovery.filter(|recovery| recovery.enabled && recovery.max_attempts > 0) {
            _ if missing.is_empty() => (hard_times.tries, hard_times.try_at) = (0, None),
            Some(recovery) if hard_times.tries < recovery.max_attempts => {
                let first = is_declared.then(|| now + recovery.interval);
                hard_times.try_at = hard_times.try_at.or(first);
            }
            _ => hard_times.try_at = None,
        }
        let mode = hard_times.forced.or_else(|| declared.as_ref().filter(|_| in_mode).map(|d| d.mode));
        let service = Service {
            mode,
            forced: hard_times.forced.is_some(),
            switched: switched || hard_times.forced.is_some(),
            features: declared.map_or_else(|| [].into(), |declared| Arc::clone(&declared.features)),
            missing,
        };
        self.serve(plugin, service, by);
        self.look_again(plugin);
    }

    /// From now on a plugin serves this.
    fn serve(&mut self, plugin: PluginId, service: Service, by: Option<Seq>) {
        let normal = Service::default();
        let hard_times = self.hard_times(plugin);
        let before = hard_times.service.as_deref().unwrap_or(&normal);
        let names = |service: &Service| -> Vec<(Arc<str>, Need)> {
            service.missing.iter().map(|missing| (Arc::clone(&missing.name), missing.need)).collect()
        };
        let same = before.mode == service.mode
            && before.forced == service.forced
            && before.switched == service.switched
            && names(before) == names(&service);
        if same {
            return;
        }
        let from = before.as_str();
        let disabled_changes =
            (before.mode == Some(FallbackMode::Disabled)) != (service.mode == Some(FallbackMode::Disabled));
        let service = Arc::new(service);
        hard_times.service = (!service.is_normal()).then(|| Arc::clone(&service));
        let incarnation = self.plugin(plugin).life.incarnation;
        let what = Happening::ModeChanged { plugin, incarnation, from, service: Arc::clone(&service) };
        if matches!(self.phase(plugin), Phase::Leaving(_)) {
            // What comes next of it was brought about by what asks for its end.
            self.say(by, what);
        } else {
            self.say_of(plugin, by, what);
        }
        self.act(Action::Mode { plugin, incarnation, service });
        if disabled_changes {
            self.availability_may_change(plugin);
        }
    }

    /// A plugin has become ready: what it serves depends on what is away now.
    pub(crate) fn serve_what_can_be(&mut self, plugin: PluginId) {
        if let Some(hard_times) = self.plugin_mut(plugin).hard_times.as_deref_mut() {
            hard_times.service = None;
        }
        self.reconsider(plugin, self.plugin(plugin).last);
    }

    /// A life is over: the next one begins with everything.
    pub(crate) fn forget_service(&mut self, plugin: PluginId) {
        if let Some(hard_times) = self.plugin_mut(plugin).hard_times.as_deref_mut() {
            (hard_times.service, hard_times.tries, hard_times.try_at) = (None, 0, None);
        }
    }

    /// An operator has a say again: the fallback is not held any longer than anything is away.
    pub(crate) fn release_latch(&mut self, plugin: PluginId) {
        if let Some(hard_times) = self.plugin_mut(plugin).hard_times.as_deref_mut() {
            hard_times.latched = None;
        }
    }

    /// An operator sets the mode of a plugin, or with `None` releases it.
    pub(crate) fn set_mode(&mut self, plugin: PluginId, mode: Option<FallbackMode>, by: Seq) {
        let hard_times = self.hard_times(plugin);
        hard_times.forced = mode;
        if mode.is_none() {
            hard_times.latched = None;
            hard_times.mode.clear();
            hard_times.switches.clear();
        }
        self.reconsider(plugin, Some(by));
    }

    /// A plugin without a fallback loses something critical: it is stopped, and comes back with it.
    fn take_down(&mut self, plugin: PluginId, lost: PluginId, by: Option<Seq>) {
        let name = self.graph.name(lost);
        let root = self.failure_of(lost).and_then(|failure| failure.root).unwrap_or(lost);
        let message = format!(
            "it needs `{name}`, which {}, and has no fallback (degradation.enabled is false)",
            self.why_away(lost)
        );
        let failure = Arc::new(Failure::new(Code::DependencyFailed, Stage::Run, message).because_of(root));
        let (now, pacing) = (self.now, self.settings.restart);
        self.hard_times(plugin).down.want(true, now, &pacing);
        self.plugin_mut(plugin).back.awaits = true;
        self.failed(plugin, &failure, by);
        self.stop_out_of_turn(plugin, StopCause::Failure(failure));
    }

    /// Whether a plugin that was taken down stays down a little longer, because what it needs comes and goes.
    pub(crate) fn is_held_down(&mut self, plugin: PluginId) -> bool {
        let (now, pacing) = (self.now, self.settings.restart);
        let hard_times = self.plugin_mut(plugin).hard_times.as_deref_mut();
        hard_times.is_some_and(|hard_times| hard_times.down.want(false, now, &pacing))
    }

    /// A plugin that was to come up again has lost what it needs once more.
    pub(crate) fn stay_down(&mut self, plugin: PluginId) {
        let (now, pacing) = (self.now, self.settings.restart);
        let hard_times = self.plugin_mut(plugin).hard_times.as_deref_mut();
        if let Some(hard_times) = hard_times.filter(|hard_times| hard_times.down.deadline().is_some()) {
            hard_times.down.want(true, now, &pacing);
        }
    }

    /// Does what is due in hard times, if anything is.
    pub(crate) fn hard_times_time(&mut self, plugin: PluginId) {
        let now = self.now;
        if self.hard_times_deadline(plugin).is_none_or(|deadline| deadline > now) {
            return;
        }
        let last = self.plugin(plugin).last;
        if matches!(self.phase(plugin), Phase::Failed(_)) {
            return self.return_if_possible(plugin, last);
        }
        if self.hard_times(plugin).try_at.is_some_and(|at| at <= now) {
            self.try_recovery(plugin);
        }
        self.reconsider(plugin, last);
        self.look_again(plugin);
    }

    /// Tries once to bring back what is away.
    fn try_recovery(&mut self, plugin: PluginId) {
        let now = self.now;
        let hard_times = self.hard_times(plugin);
        hard_times.try_at = None;
        let Some(recovery) = self.degradation(plugin).map(|degradation| degradation.recovery) else { return };
        let missing: Vec<Box<str>> =
            self.missing_of(plugin).into_iter().map(|missing| Box::from(&*missing.name)).collect();
        if missing.is_empty() {
            // It has come back at this very moment.
            return;
        }
        let hard_times = self.hard_times(plugin);
        hard_times.tries = hard_times.tries.saturating_add(1);
        let attempt = hard_times.tries;
        let more = recovery.enabled && attempt < recovery.max_attempts;
        hard_times.try_at = more.then(|| now + recovery.interval);
        let incarnation = self.plugin(plugin).life.incarnation;
        let of = recovery.max_attempts;
        let told = self.say_next(
            plugin,
            Happening::RecoveryTried { plugin, incarnation, attempt, of, missing: missing.clone() },
        );
        for name in missing {
            if let Some(dependency) = self.graph.id(&name) {
                self.bring_back(dependency, told);
            }
        }
    }

    /// Does for a plugin that is away what can be done: one that failed is started again, one that is unhealthy is asked
    /// again. One that somebody stopped, that is on its way back, or that would have to go again at once, is left alone.
    fn bring_back(&mut self, plugin: PluginId, by: Seq) {
        let own = self.plugin(plugin);
        match &own.life.phase {
            Phase::Ready => self.ask_now(plugin),
            Phase::Failed(_)
                if own.desired == Desired::Up
                    && own.member.is_none()
                    && !self.is_replacing()
                    && self.first_missing_without_fallback(plugin).is_none() =>
            {
                self.plugin_mut(plugin).last = Some(by);
                self.come_back(plugin);
            }
            _ => {}
        }
    }
}
