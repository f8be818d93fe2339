//! Promises about the replacement of the graph: what it may touch, when it happens, and what is left afterwards.

use hothouse_kernel::action::Outcome;
use hothouse_kernel::event::Happening;
use hothouse_kernel::graph::Need;
use hothouse_kernel::input::Request;
use hothouse_kernel::{Action, Change, Event, Graph, Phase, PluginId, PluginSet, StopCause};

use super::{Kept, Moment, unless};
use crate::ledger::{Ledger, Life, Stage};

/// What an apply may stop: what is declared no more, what differs, and what needs that. Worked out here anew, without
/// the kernel's plan.
fn concerned(old: &Graph, change: &Change) -> PluginSet {
    let needs = |graph: &Graph, plugin: PluginId| {
        let mut needs: Vec<(String, Need)> =
            graph.decl(plugin).edges.iter().map(|edge| (edge.to.clone(), edge.need)).collect();
        needs.sort();
        needs.dedup_by(|later, first| later.0 == first.0);
        needs
    };
    let differs = |plugin: &PluginId| {
        let new = &*change.graph;
        !new.contains(*plugin)
            || change.redefined.contains(*plugin)
            || old.decl(*plugin).version != new.decl(*plugin).version
            || needs(old, *plugin) != needs(new, *plugin)
    };
    old.with_dependents(old.plugins().filter(differs))
}

pub(super) fn stops_only_what_it_concerns(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::StopBegan { plugin, cause, .. } = &event.what else { return Ok(()) };
    let mut applies = ledger.replacing().map(|change| concerned(&ledger.graph, change));
    match cause {
        StopCause::Removed => {
            let removed = ledger.replacing().any(|change| !change.graph.contains(*plugin));
            unless(!removed, || format!("{plugin} is stopped as removed, and no apply removes it"))
        }
        StopCause::Restart if ledger.replacing().next().is_some() => {
            let concerned = applies.any(|concerned| concerned.contains(*plugin));
            unless(!concerned, || {
                format!("{plugin} is stopped to be started again, and nothing it is made of differs")
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn replaced_only_when_what_must_go_is_gone(
    ledger: &Ledger,
    _: &Moment<'_>,
    event: &Event,
) -> Kept {
    let Happening::Replaced { request } = &event.what else { return Ok(()) };
    let Some(Request::Apply(change)) = ledger.open.get(request).map(|open| &open.request) else {
        return Err(format!("nobody asked for the replacement {}", request.0));
    };
    let there = |plugin: &PluginId| ledger.life(*plugin).is_some_and(|life| life.ended.is_none());
    match concerned(&ledger.graph, change).iter().find(there) {
        Some(plugin) => Err(format!("the graph is replaced while {plugin} lives")),
        None => Ok(()),
    }
}

pub(super) fn nothing_runs_undeclared(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let all = (0..ledger.graph.room() as u32).map(PluginId);
    for plugin in all.filter(|plugin| !ledger.graph.contains(*plugin)) {
        let phase = moment.step.kernel.view_of(plugin).phase;
        unless(!phase.is_at_rest(), || format!("{plugin} is {phase:?} and declared no more"))?;
        let life = ledger.life(plugin);
        let ended = life.is_none_or(|life| life.ended.is_some());
        unless(!ended, || format!("{plugin} is declared no more, and lives: {life:?}"))?;
        let fenced = life.is_some_and(|life| life.stage == Stage::Abandoned);
        unless(fenced != matches!(phase, Phase::Abandoned(_)), || {
            format!("{plugin} is {phase:?}: {life:?}")
        })?;
    }
    Ok(())
}

pub(super) fn does_what_it_planned(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Action::Complete { request, outcome: Outcome::Applied(report) } = action else { return Ok(()) };
    let Some(open) = ledger.open.get(request) else { return Ok(()) };
    let mut began: Vec<_> = ledger
        .graph
        .plugins()
        .chain((0..ledger.graph.room() as u32).map(PluginId).filter(|plugin| !ledger.graph.contains(*plugin)))
        .flat_map(|plugin| ledger.lives[plugin.index()].iter().map(move |life| (plugin, life)))
        // One that fails meanwhile is stopped for that, and out of turn.
        .filter_map(|(plugin, life)| match life.stop.as_ref()? {
            (_, StopCause::Failure(_)) => None,
            (when, _) => Some((*when, plugin, life)),
        })
        .filter(|(when, _, life)| *when > open.at && life.launched < open.at)
        .collect();
    began.sort_unstable_by_key(|(when, ..)| *when);
    let stops: Vec<PluginId> = report.plan.stops.iter().map(|step| step.plugin).collect();
    let stopped: Vec<PluginId> =
        began.iter().map(|(_, plugin, _)| *plugin).filter(|plugin| stops.contains(plugin)).collect();
    // One that ends by itself before its turn is not stopped, and what it needed need not wait for those that need it.
    let all_were_there = stopped.len() == stops.len();
    unless(all_were_there && stopped != stops, || format!("planned to stop {stops:?}, stopped {stopped:?}"))?;
    let gone = |plugin: &PluginId| {
        let before = |life: &&Life| life.launched < open.at;
        ledger.lives[plugin.index()].iter().rev().find(before).is_none_or(|life| life.ended.is_some())
    };
    let left = stops.iter().find(|plugin| !gone(plugin));
    unless(left.is_some(), || format!("{left:?} was to be stopped, and is there"))?;
    let starts = report.plan.starts.iter().map(|step| step.plugin);
    let (cut, entries) = (&report.withdrawn, &report.start.entries);
    let expected: Vec<PluginId> = starts.filter(|plugin| !cut.contains(plugin)).collect();
    let came: Vec<PluginId> = entries.iter().map(|entry| entry.plugin).collect();
    unless(expected != came, || format!("planned to start {expected:?}, started {came:?}"))
}
