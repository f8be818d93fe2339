//! Promises about restarts that nobody asks for: who comes back, when, how often, and who does not.

use hothouse_kernel::event::Happening;
use hothouse_kernel::graph::Need;
use hothouse_kernel::health::Verdict;
use hothouse_kernel::view::Desired;
use hothouse_kernel::{Action, Code, Event, Phase, PluginId, StopCause};

use super::{Kept, Moment, launch, unless};
use crate::ledger::comeback::pauses;
use crate::ledger::{Ledger, Life};

pub(super) fn restarts_only_whom_it_may(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::RestartScheduled { plugin, .. } = &event.what else { return Ok(()) };
    let allowed = ledger.health_settings(*plugin).is_some_and(|health| health.auto_restart);
    unless(!allowed, || format!("{plugin} is to be restarted, and its autoRestart is off"))?;
    let proven = ledger.comebacks[plugin.index()].proven;
    unless(!proven, || format!("{plugin} is to be restarted, and was never ready since it was asked for"))
}

pub(super) fn nobody_sick_is_left_to_itself(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let kernel = moment.step.kernel;
    for plugin in ledger.graph.plugins() {
        let view = kernel.view_of(plugin);
        let is_sick = view.phase == Phase::Ready && view.tally.verdict == Verdict::Unhealthy;
        unless(is_sick && kernel.will_be_restarted(plugin), || {
            format!("{plugin} is unhealthy, could be restarted, and runs on: {view:?}")
        })?;
    }
    Ok(())
}

pub(super) fn no_attempt_beyond_the_maximum(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::RestartScheduled { plugin, attempt, of, .. } = &event.what else { return Ok(()) };
    let most = ledger.health_settings(*plugin).map_or(0, |health| health.max_restart_attempts);
    unless(*attempt > most || *of != most, || {
        format!("{plugin}: attempt {attempt} of {of}, there are {most}")
    })
}

pub(super) fn attempts_count_until_it_was_calm(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::RestartScheduled { plugin, attempt, .. } = &event.what else { return Ok(()) };
    let before = ledger.attempts(*plugin);
    unless(*attempt != before + 1, || {
        let since = ledger.life(*plugin).and_then(|life| life.checks.healthy_since);
        format!("{plugin}: attempt {attempt}, and {before} count against it; well since {since:?}")
    })
}

pub(super) fn attempts_are_told_as_they_count(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let view = moment.step.kernel.view_of(plugin);
        if !matches!(view.phase, Phase::Ready | Phase::Backoff { .. }) {
            continue;
        }
        let counted = ledger.attempts(plugin);
        unless(view.attempts != counted, || {
            format!("{plugin} is said to have had {} restarts, {counted} count", view.attempts)
        })?;
    }
    Ok(())
}

pub(super) fn pauses_are_as_set(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::RestartScheduled { plugin, attempt, pause, .. } = &event.what else { return Ok(()) };
    let Some(health) = ledger.health_settings(*plugin) else { return Ok(()) };
    let (least, most) = pauses(&health, &ledger.settings.restart, *attempt);
    unless(!(least..=most).contains(&pause.as_nanos()), || {
        format!(
            "{plugin} pauses for {pause:?} before attempt {attempt}, between {least} and {most} ns are set"
        )
    })
}

/// Whether an event says that a plugin was launched without being asked for.
fn returned(moment: &Moment<'_>, event: &Event) -> Option<PluginId> {
    let Happening::Launched { plugin, .. } = &event.what else { return None };
    Some(*plugin).filter(|plugin| moment.launched_for(*plugin).is_none())
}

pub(super) fn no_restart_before_its_pause_is_over(
    ledger: &Ledger,
    moment: &Moment<'_>,
    event: &Event,
) -> Kept {
    let Some(plugin) = returned(moment, event) else { return Ok(()) };
    let Some(due) = ledger.comebacks[plugin.index()].due else { return Ok(()) };
    let early = moment.step.now < due.earliest || moment.step.now < due.announced;
    unless(early, || format!("{plugin} is restarted, and its pause lasts until {due:?}"))
}

pub(super) fn a_return_has_a_reason(ledger: &Ledger, moment: &Moment<'_>, event: &Event) -> Kept {
    let Some(plugin) = returned(moment, event) else { return Ok(()) };
    let back = ledger.comebacks[plugin.index()];
    let reason = back.due.is_some() || back.awaits || back.tried;
    unless(!reason, || format!("{plugin} is launched, and nobody has asked for it: {back:?}"))
}

pub(super) fn nobody_comes_back_only_to_go(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Action::Init { plugin, .. } = action else { return Ok(()) };
    let declared = ledger.graph.decl(*plugin).settings.degradation.as_ref();
    let without = declared.is_some_and(|declared| !declared.enabled);
    if !without || moment.launched_for(*plugin).is_some() {
        return Ok(());
    }
    let away = ledger.away(*plugin);
    let critical = away.iter().find(|(_, need)| *need == Need::Hard);
    unless(critical.is_some(), || format!("{plugin} is launched, and has no fallback for {critical:?}"))
}

pub(super) fn given_up_until_asked_for(ledger: &Ledger, moment: &Moment<'_>, event: &Event) -> Kept {
    let Some(plugin) = returned(moment, event) else { return Ok(()) };
    let back = ledger.comebacks[plugin.index()];
    unless(back.given_up && !back.tried && !back.awaits, || {
        format!("{plugin} was given up, and is launched: {back:?}")
    })
}

pub(super) fn gives_up_when_all_is_tried(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::GaveUp { plugin, attempts, .. } = &event.what else { return Ok(()) };
    let counted = ledger.attempts(*plugin);
    let health = ledger.health_settings(*plugin).filter(|health| health.auto_restart);
    let exhausted = health.is_some_and(|health| counted >= health.max_restart_attempts);
    unless(!exhausted || *attempts != counted, || {
        format!("{plugin} is given up after {attempts} restarts, {counted} count, set is {health:?}")
    })
}

pub(super) fn pauses_only_as_long_as_it_may(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let Phase::Backoff { attempt, .. } = moment.step.kernel.view_of(plugin).phase else { continue };
        let health = ledger.health_settings(plugin).filter(|health| health.auto_restart);
        let allowed = health.is_some_and(|health| attempt <= health.max_restart_attempts);
        unless(!allowed, || format!("{plugin} pauses before attempt {attempt}, set is {health:?}"))?;
        unless(ledger.comebacks[plugin.index()].due.is_none(), || format!("{plugin} pauses for nothing"))?;
    }
    Ok(())
}

pub(super) fn a_blink_takes_nobody_along(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::StopBegan { plugin, cause: StopCause::Failure(failure), .. } = &event.what else {
        return Ok(());
    };
    let Some(life) = ledger.life(*plugin).filter(|life| life.serves()) else { return Ok(()) };
    let own = match failure.code {
        Code::Unhealthy => life.checks.verdict() == Verdict::Unhealthy,
        Code::DependencyFailed => {
            let declared = ledger.graph.decl(*plugin).settings.degradation.as_ref();
            declared.is_some_and(|declared| !declared.enabled)
        }
        _ => false,
    };
    unless(!own, || format!("{plugin} serves and is stopped, although it has not failed itself: {failure:?}"))
}

pub(super) fn who_lost_a_dependency_comes_back_with_it(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let kernel = moment.step.kernel;
    let longest = ledger.settings.restart.cap;
    for plugin in ledger.graph.plugins() {
        let back = ledger.comebacks[plugin.index()];
        let view = kernel.view_of(plugin);
        if !matches!(view.phase, Phase::Failed(_)) {
            continue;
        }
        let since = back.could_since.filter(|_| view.desired == Desired::Up);
        let waits =
            since.is_some_and(|since| kernel.next_deadline().is_none_or(|next| next > since + longest));
        unless(waits, || format!("{plugin} could come back since {since:?}, and nobody looks at it"))?;
    }
    Ok(())
}

impl Ledger {
    /// Whether a plugin that went for want of another one has all that it needs again.
    pub(super) fn could_come_back(&self, plugin: PluginId) -> bool {
        let back = self.comebacks[plugin.index()];
        let gone = self.life(plugin).is_some_and(|life| life.ended.is_some() && !life.abandoned);
        let needed = self.graph.dependencies(plugin).iter().filter(|edge| edge.need == Need::Hard);
        let serves = |needed: PluginId| self.life(needed).is_some_and(Life::stays);
        let declared = self.graph.decl(plugin).settings.degradation.as_ref();
        let without = declared.is_some_and(|declared| !declared.enabled);
        let critical = without && self.away(plugin).iter().any(|(_, need)| *need == Need::Hard);
        back.awaits
            && back.proven
            && gone
            && !critical
            && !self.is_member_of_an_open_start(plugin)
            && self.replacing().next().is_none()
            && { needed }.all(|edge| serves(edge.plugin) || launch::has_fallback(self, plugin, edge.plugin))
    }

    /// Takes in who could come back now.
    pub(super) fn note_who_could_come_back(&mut self) {
        for plugin in std::sync::Arc::clone(&self.graph).plugins() {
            let now = self.now();
            let could = self.could_come_back(plugin);
            let back = &mut self.comebacks[plugin.index()];
            back.could_since = could.then(|| back.could_since.unwrap_or(now));
        }
    }
}
