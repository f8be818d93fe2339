//! Promises about the watch over health: who is asked when, and what the answers amount to.

use hothouse_kernel::event::Happening;
use hothouse_kernel::{Action, Event, Instant, PluginId};

use super::{Kept, Moment, launch, unless};
use crate::ledger::{Ledger, Life, Stage};

pub(super) fn one_life_serves(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::Ready { plugin, incarnation, .. } = &event.what else { return Ok(()) };
    let others = ledger.lives[plugin.index()].iter().filter(|life| life.incarnation != *incarnation);
    let there = others.into_iter().find(|life| life.stage != Stage::Gone);
    unless(there.is_some(), || format!("{plugin} serves as {incarnation}, and there is {there:?}"))
}

/// The check that the monitor asks for, and the life it asks.
fn asked<'a>(ledger: &'a Ledger, action: &Action) -> Option<(PluginId, u64, &'a Life)> {
    let Action::Check { plugin, check, .. } = action else { return None };
    let life = ledger.life(*plugin).filter(|life| !matches!(life.stage, Stage::Start | Stage::Check))?;
    Some((*plugin, *check, life))
}

pub(super) fn checks_never_overlap(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Some((plugin, check, life)) = asked(ledger, action) else { return Ok(()) };
    let serves = life.stays() || launch::is_given_up_later(moment, action, plugin);
    unless(!serves, || format!("{plugin} is asked for its health, and does not serve: {life:?}"))?;
    unless(life.checks.open.is_some(), || {
        format!("{plugin} is asked as number {check} while {:?} is open", life.checks.open)
    })?;
    unless(check != life.checks.last + 1, || {
        format!("check {check} of {plugin} comes after number {}", life.checks.last)
    })
}

pub(super) fn checks_come_in_their_interval(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Some((plugin, check, life)) = asked(ledger, action) else { return Ok(()) };
    let Some(due) = life.checks.due else { return Ok(()) };
    let name = ledger.graph.name(plugin);
    let tried = moment.step.events.iter().any(|event| match &event.what {
        Happening::RecoveryTried { missing, .. } => missing.iter().any(|missing| **missing == *name),
        _ => false,
    });
    unless(moment.step.now < due.earliest && !tried, || {
        format!("check {check} of {plugin} comes before {}", due.earliest)
    })
}

pub(super) fn nobody_is_forgotten(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let kernel = moment.step.kernel;
    for plugin in ledger.graph.plugins() {
        let Some(life) = ledger.life(plugin).filter(|life| life.stays()) else { continue };
        if ledger.health_settings(plugin).is_none() {
            continue;
        }
        let latest = match (life.checks.open, life.checks.due) {
            (Some(open), _) => open.until,
            (None, Some(due)) => due.latest,
            (None, None) => return Err(format!("{plugin} is watched, and nothing is known of it")),
        };
        let latest = latest.max(moment.step.now);
        let next = kernel.next_deadline().unwrap_or(Instant::MAX);
        unless(next > latest, || {
            format!("{plugin} is to be looked at by {latest}, the next deadline is {next}")
        })?;
        let view = kernel.view_of(plugin).next_check;
        unless(view.is_some() != life.checks.open.is_none(), || {
            format!("{plugin} is asked next at {view:?}, and open is {:?}", life.checks.open)
        })?;
    }
    Ok(())
}

pub(super) fn a_check_out_of_time_counts_once(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in &ledger.timed_out {
        counts_agree(ledger, moment, *plugin)?;
    }
    Ok(())
}

pub(super) fn a_late_host_excuses_once(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let excused = moment.step.events.iter().filter_map(|event| match event.what {
        Happening::HostLate { plugin, .. } => Some(plugin),
        _ => None,
    });
    let mut excused: Vec<PluginId> = excused.collect();
    excused.sort_unstable();
    let mut expected = ledger.excused.clone();
    expected.sort_unstable();
    unless(excused != expected, || {
        format!("the host's lateness excuses {excused:?}, it should excuse {expected:?}")
    })
}

pub(super) fn thresholds_are_exact(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        counts_agree(ledger, moment, plugin)?;
    }
    Ok(())
}

fn counts_agree(ledger: &Ledger, moment: &Moment<'_>, plugin: PluginId) -> Kept {
    let Some(life) = ledger.life(plugin).filter(|life| life.serves()) else { return Ok(()) };
    let (tally, checks) = (moment.step.kernel.view_of(plugin).tally, &life.checks);
    let agree = tally.verdict == checks.verdict()
        && (tally.failures, tally.passes) == (checks.failures, checks.passes);
    unless(!agree, || {
        format!("{plugin} is {tally:?}, its checks amount to {:?}: {checks:?}", checks.verdict())
    })
}
