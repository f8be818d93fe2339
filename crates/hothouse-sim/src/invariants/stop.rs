//! Promises about the way down: who is stopped when, by which steps, and what a completed stop says.

use hothouse_kernel::action::Outcome;
use hothouse_kernel::event::Happening;
use hothouse_kernel::graph::Need;
use hothouse_kernel::{Action, Event, Phase, PluginId, Rung, StopCause};

use super::{Kept, Moment, launch, life, unless};
use crate::ledger::{Ledger, Life, Stage, Stamp};

pub(super) fn destroy_is_owed_once(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Action::Stop { plugin, rung, .. } = action else { return Ok(()) };
    let life = life(ledger, *plugin)?;
    let first = !matches!(life.stage, Stage::Stop(_));
    let has_it = ledger.graph.decl(*plugin).settings.ladder.limit(Rung::Destroy).is_some();
    let owed = first && life.initialized.is_some() && has_it;
    let done = *rung == Rung::Destroy;
    unless(owed != done, || format!("destroy owed: {owed}, called: {done}, {life:?}"))
}

pub(super) fn the_ladder_is_climbed_rung_by_rung(
    ledger: &Ledger,
    moment: &Moment<'_>,
    action: &Action,
) -> Kept {
    let Action::Stop { plugin, rung, until, .. } = action else { return Ok(()) };
    let life = life(ledger, *plugin)?;
    let ladder = ledger.graph.decl(*plugin).settings.ladder;
    let expected = match life.stage {
        Stage::Stop(before) => {
            let over = life.until <= moment.step.now || (before == Rung::Destroy && life.destroyed);
            unless(!over, || format!("{rung} follows {before} of {plugin} before its limit is over"))?;
            ladder.after(before)
        }
        _ if life.initialized.is_some() => ladder.from(Rung::Destroy),
        _ => ladder.from(Rung::Close),
    };
    let asked = expected.map(|(rung, limit)| (rung, moment.step.now + limit));
    unless(asked != Some((*rung, *until)), || format!("{action:?}, expected {asked:?}"))
}

pub(super) fn given_up_only_after_the_last_rung(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Action::Abandon { plugin, .. } = action else { return Ok(()) };
    let life = life(ledger, *plugin)?;
    unless(life.stage != Stage::Abandoned, || format!("{plugin} is fenced off, but nobody was told"))?;
    let ladder = ledger.graph.decl(*plugin).settings.ladder;
    let usable = if life.initialized.is_some() { Rung::Destroy } else { Rung::Close };
    let tried = life.stop.is_some() || ladder.from(usable).is_none();
    unless(!tried, || format!("{plugin} is given up without an attempt to stop it"))
}

pub(super) fn stops_one_at_a_time_in_reverse(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::StopBegan { plugin, cause, .. } = &event.what else { return Ok(()) };
    // What failed is of no use to anybody, and is stopped at once.
    if life(ledger, *plugin)?.ready.is_none() || matches!(cause, StopCause::Failure(_)) {
        return Ok(());
    }
    let lives = ledger.lives.iter().filter_map(|lives| lives.last());
    let stopping = lives.filter(|life| life.stop.is_some() && life.ended.is_none()).count();
    unless(stopping > 0, || format!("{plugin} is stopped while another stop is under way"))?;
    for edge in ledger.graph.dependents(*plugin).iter().filter(|edge| edge.need == Need::Hard) {
        let serves = ledger.life(edge.plugin).is_some_and(Life::serves);
        unless(serves && !launch::has_fallback(ledger, edge.plugin, *plugin), || {
            format!("{plugin} is stopped while {} needs it", edge.plugin)
        })?;
    }
    Ok(())
}

pub(super) fn leaves_in_reverse_of_readiness(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let stopped = moment.step.events.iter().filter_map(|event| match &event.what {
        Happening::StopBegan { cause: StopCause::Failure(_), .. } => None,
        Happening::StopBegan { plugin, .. } => ledger.life(*plugin),
        _ => None,
    });
    let Some(ready) = stopped.filter_map(|life| life.ready).max() else { return Ok(()) };
    for plugin in ledger.graph.plugins() {
        let later = counts_as_ready(ledger, moment, plugin).is_some_and(|later| later > ready);
        // One that was started again alone waits for those that need it, although they were ready before it.
        let needed = |plugin| {
            let mut dependents = ledger.graph.with_dependents([plugin]);
            dependents.remove(plugin);
            dependents.iter().any(|dependent| moment.step.kernel.view_of(dependent).phase.is_alive())
        };
        let leaving = matches!(moment.step.kernel.view_of(plugin).phase, Phase::Leaving(_));
        unless(later && leaving && !needed(plugin), || {
            format!("{plugin} was ready later and is to be stopped, but another one went first")
        })?;
    }
    Ok(())
}

/// When a plugin that is to be stopped counts as having become ready: one that was started again alone does so just
/// before those that need it, were ready before it, and have gone since it waits for its turn.
fn counts_as_ready(ledger: &Ledger, moment: &Moment<'_>, plugin: PluginId) -> Option<Stamp> {
    let since = moment.step.kernel.view_of(plugin).since;
    let dependents = ledger.graph.with_dependents([plugin]);
    let lives =
        dependents.iter().filter_map(|dependent| ledger.life(dependent).map(|life| (dependent, life)));
    let counted = lives.filter(|(dependent, life)| {
        let gone = |(stop, _): &(Stamp, StopCause)| stop.at >= since;
        *dependent == plugin || life.stop.as_ref().is_some_and(gone)
    });
    counted.filter_map(|(_, life)| life.ready).min()
}

pub(super) fn a_completed_stop_is_true(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Action::Complete { request, outcome: Outcome::Stopped { abandoned } } = action else {
        return Ok(());
    };
    let Some(open) = ledger.open.get(request) else { return Ok(()) };
    for (plugin, incarnation) in &open.lives {
        let life = &ledger.lives[plugin.index()][incarnation.0 as usize - 1];
        let given_up = life.stage == Stage::Abandoned;
        unless(life.ended.is_none(), || format!("{plugin} still lives"))?;
        unless(given_up && !abandoned.contains(plugin), || format!("{plugin} is there and not named"))?;
    }
    for plugin in abandoned {
        let given_up = ledger.lives[plugin.index()].iter().any(|life| life.abandoned);
        unless(!given_up, || format!("{plugin} is named as given up, but never was"))?;
    }
    Ok(())
}
