//! Promises about what is served while something is away: it is what was declared, and it ends.

use hothouse_kernel::event::Happening;
use hothouse_kernel::{Event, Need, PluginId, Service};

use super::{Kept, Moment, unless};
use crate::ledger::Ledger;
use crate::ledger::fallback::Fallback;

/// Whether a word of the kernel may be as it is, where `must` and `may` are by the book.
fn within(is: bool, must: bool, may: bool) -> bool {
    if must { is } else { may || !is }
}

pub(super) fn the_fallback_equals_the_declaration(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        if !ledger.life(plugin).is_some_and(super::super::ledger::Life::stays) {
            continue;
        }
        let service = moment.step.kernel.service_of(plugin);
        let fallback = &ledger.fallbacks[plugin.index()];
        let normal = Service::default();
        let service = service.map_or(&normal, |service| service);
        serves_as_declared(ledger, plugin, service, fallback)
            .map_err(|how| format!("{plugin}: {how}; it serves {service:?}, known is {fallback:?}"))?;
        let told = fallback.told.as_deref().unwrap_or(&normal);
        let same =
            (told.mode, told.forced, told.switched) == (service.mode, service.forced, service.switched);
        unless(!same, || format!("{plugin} was told {told:?}, and serves {service:?}"))?;
    }
    Ok(())
}

fn serves_as_declared(ledger: &Ledger, plugin: PluginId, service: &Service, fallback: &Fallback) -> Kept {
    let declared = ledger.graph.decl(plugin).settings.degradation.as_deref();
    let away = ledger.away(plugin);
    let missing = service.missing.iter().map(|missing| (missing.name.clone(), missing.need));
    unless(!missing.eq(away.iter().cloned()), || format!("away is {away:?}"))?;
    unless(service.forced != fallback.forced.is_some(), || String::from("an operator's word"))?;
    if let Some(forced) = fallback.forced {
        return unless(service.mode != Some(forced) || !service.switched, || format!("set is {forced}"));
    }
    let latched = fallback.latched;
    let critical = away.iter().any(|(_, need)| *need == Need::Hard) || latched == Some(Need::Hard);
    let stay = &fallback.mode;
    let is_right = service.mode.is_none_or(|mode| declared.is_some_and(|declared| declared.mode == mode));
    unless(!is_right, || format!("declared is {declared:?}"))?;
    let must = declared.is_some() && (critical || (stay.on && !stay.unsure));
    unless(!within(service.mode.is_some(), must, stay.unsure), || {
        format!("the mode, critical away: {critical}, {stay:?}")
    })?;
    let must = !away.is_empty() || latched.is_some() || service.mode.is_some();
    let stay = &fallback.switches;
    let must = must || (stay.on && !stay.unsure);
    unless(!within(service.switched, must, stay.unsure), || format!("the features, {stay:?}"))
}

pub(super) fn who_has_no_fallback_goes_down(ledger: &Ledger, _: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let declared = ledger.graph.decl(plugin).settings.degradation.as_ref();
        let without = declared.is_some_and(|declared| !declared.enabled);
        if !without || !ledger.life(plugin).is_some_and(super::super::ledger::Life::stays) {
            continue;
        }
        let away = ledger.away(plugin);
        let critical = away.iter().find(|(_, need)| *need == Need::Hard);
        unless(critical.is_some(), || format!("{plugin} serves without {critical:?}, and has no fallback"))?;
    }
    Ok(())
}

pub(super) fn recovery_ends(ledger: &Ledger, moment: &Moment<'_>, event: &Event) -> Kept {
    let Happening::RecoveryTried { plugin, attempt, of, missing, .. } = &event.what else { return Ok(()) };
    let fallback = &ledger.fallbacks[plugin.index()];
    let Some(declared) = ledger.graph.decl(*plugin).settings.degradation.as_ref() else {
        return Err(format!("{plugin} tries to bring something back, and nothing is declared"));
    };
    let recovery = declared.recovery;
    let allowed = recovery.enabled && *attempt <= recovery.max_attempts && *of == recovery.max_attempts;
    unless(!allowed, || format!("try {attempt} of {of} of {plugin}, set is {recovery:?}"))?;
    unless(*attempt != fallback.tries + 1, || {
        format!("try {attempt} of {plugin} follows try {}", fallback.tries)
    })?;
    unless(missing.is_empty(), || format!("{plugin} tries to bring back nothing"))?;
    let early = fallback.next_try.is_none_or(|next| moment.step.now < next);
    unless(early, || format!("try {attempt} of {plugin} comes before {:?}", fallback.next_try))
}

pub(super) fn recovery_is_tried(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let Some(declared) = ledger.graph.decl(plugin).settings.degradation.as_ref() else { continue };
        let (recovery, fallback) = (declared.recovery, &ledger.fallbacks[plugin.index()]);
        let away = ledger.away(plugin);
        let there = away.iter().any(|(name, _)| ledger.graph.id(name).is_some());
        let stays = ledger.life(plugin).is_some_and(super::super::ledger::Life::stays);
        if !(stays && there && recovery.enabled && fallback.tries < recovery.max_attempts) {
            continue;
        }
        let (tries, next) = moment.step.kernel.recovery_of(plugin);
        unless(tries != fallback.tries || next.is_none(), || {
            format!(
                "{plugin} does without {away:?}; tried {} times, said is {tries}, next {next:?}",
                fallback.tries
            )
        })?;
        let due = moment.step.kernel.next_deadline();
        unless(due.is_none_or(|due| next.is_some_and(|next| due > next)), || {
            format!("{plugin} is to try at {next:?}, the next deadline is {due:?}")
        })?;
    }
    Ok(())
}
