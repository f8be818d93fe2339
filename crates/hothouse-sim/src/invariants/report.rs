//! Promises about what a start reports at its end, held against what was seen of it.

use hothouse_kernel::startup::report::{Entry, StartReport};
use hothouse_kernel::{Action, Code, Phase, PluginId, Stage, StopCause};

use super::{Kept, Moment, unless};
use crate::ledger::{Ledger, Life, Open, options_of, report_of};

/// The report in an action, and the request it ends.
fn report<'a>(ledger: &'a Ledger, action: &'a Action) -> Option<(&'a Open, &'a StartReport)> {
    let Action::Complete { request, outcome } = action else { return None };
    Some((ledger.open.get(request)?, report_of(outcome)?))
}

/// The life that an entry is about, if the plugin was launched.
fn life_of<'a>(ledger: &'a Ledger, open: &Open, entry: &Entry) -> Option<&'a Life> {
    let launched = entry.launched?;
    let lives = ledger.lives[entry.plugin.index()].iter();
    lives.into_iter().find(|life| life.launched.at == launched && life.launched > open.at)
}

pub(super) fn agrees_with_what_was_seen(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Some((open, report)) = report(ledger, action) else { return Ok(()) };
    unless(report.began != open.at.at || report.ended != moment.step.now, || {
        format!("it lasted from {} to {}", report.began, report.ended)
    })?;
    let positions = || report.entries.iter().map(|entry| ledger.graph.position(entry.plugin));
    unless(!positions().is_sorted(), || String::from("entries are not in the order of the plan"))?;
    for entry in &report.entries {
        entry_agrees(ledger, open, entry).map_err(|how| format!("{entry:?}: {how}"))?;
    }
    let failed = report.failed.and_then(|failed| report.entries.iter().find(|entry| entry.plugin == failed));
    unless(report.failed.is_some() && failed.is_none_or(|entry| entry.failure.is_none()), || {
        format!("{:?} is said to have failed first", report.failed)
    })?;
    let sound = report.entries.iter().all(|entry| entry.failure.is_none());
    unless(report.all_successful() != (sound && !report.stopped), || String::from("all_successful"))?;
    unless(report.failed.is_none() && !sound && !report.stopped && !asked_to_stop(report), || {
        String::from("entries failed, but nobody failed first")
    })
}

/// Whether all that did not start was cut off by a stop of one's own.
fn asked_to_stop(report: &StartReport) -> bool {
    let mut codes = report.entries.iter().filter_map(|entry| entry.failure.as_ref());
    codes.all(|failure| matches!(failure.code, Code::Cancelled | Code::NotStarted))
}

fn entry_agrees(ledger: &Ledger, open: &Open, entry: &Entry) -> Kept {
    let life = life_of(ledger, open, entry);
    unless(entry.launched.is_some() && life.is_none(), || String::from("no such launch was seen"))?;
    unless(entry.settled.is_none(), || String::from("it came to no outcome"))?;
    let seen = life.and_then(|life| life.initialized).map(|stamp| stamp.at);
    unless(entry.initialized != seen, || format!("`init` completed at {seen:?}"))?;
    let ready = life.and_then(|life| life.ready).map(|stamp| stamp.at);
    let Some(failure) = &entry.failure else {
        return unless(ready != entry.settled, || format!("it was ready at {ready:?}"));
    };
    let launched = life.is_some();
    let possible = match failure.code {
        Code::NotStarted | Code::Abandoned => !launched,
        // A plugin without a fallback may lose what it needs while its start is under way.
        Code::DependencyFailed => ready.is_none() || failure.stage == Stage::Run,
        Code::StartupTimeout | Code::SpawnFailed => ready.is_none(),
        Code::Cancelled | Code::InitFailed | Code::StartFailed | Code::Unhealthy => {
            launched && ready.is_none()
        }
        Code::Exited | Code::Panicked | Code::ContractViolated => launched,
    };
    unless(!possible, || format!("{} cannot be, {life:?}", failure.code))
}

pub(super) fn an_undone_start_leaves_nothing_running(
    ledger: &Ledger,
    moment: &Moment<'_>,
    action: &Action,
) -> Kept {
    let Some((open, report)) = report(ledger, action) else { return Ok(()) };
    let undone = options_of(&open.request).is_some_and(|options| options.rollback_on_failure);
    if !(report.stopped || undone && report.failed.is_some()) {
        return Ok(());
    }
    for entry in &report.entries {
        let Some(life) = life_of(ledger, open, entry) else { continue };
        // A plugin that was being stopped because somebody asked may have been taken over by a later start.
        let phase = moment.step.kernel.view_of(entry.plugin).phase;
        let taken_over = ledger.started_since(open)
            && matches!(phase, Phase::Leaving(_) | Phase::Stopping { .. })
            && report.failed != Some(entry.plugin);
        unless(life.ended.is_none() && !taken_over, || format!("{} still lives", entry.plugin))?;
    }
    Ok(())
}

pub(super) fn nothing_is_launched_once_the_unwind_began(
    ledger: &Ledger,
    _: &Moment<'_>,
    action: &Action,
) -> Kept {
    let Some((open, report)) = report(ledger, action) else { return Ok(()) };
    let undone = options_of(&open.request).is_some_and(|options| options.rollback_on_failure);
    unless(open.unwound.is_none() && (report.stopped || undone && report.failed.is_some()), || {
        String::from("the start was to be undone, and nobody said so")
    })?;
    let Some(unwound) = open.unwound else { return Ok(()) };
    for entry in &report.entries {
        let late = life_of(ledger, open, entry).is_some_and(|life| life.launched > unwound);
        unless(late, || format!("{} was launched while its start was undone", entry.plugin))?;
    }
    Ok(())
}

pub(super) fn rolled_back_in_the_order_of_stopping(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Some((open, report)) = report(ledger, action) else { return Ok(()) };
    let Some(unwound) = open.unwound else {
        return unless(!report.rolled_back.is_empty(), || String::from("nothing was undone"));
    };
    let undoes = options_of(&open.request).is_some_and(|options| options.rollback_on_failure);
    let mut stopped = Vec::new();
    for entry in &report.entries {
        let Some(life) = life_of(ledger, open, entry).filter(|life| life.initialized.is_some()) else {
            continue;
        };
        let Some((when, cause)) = &life.stop else { continue };
        // The failing plugin is stopped in the same step in which the unwind is announced, just before it.
        let in_turn =
            *when > unwound || undoes && report.failed == Some(entry.plugin) && when.at == unwound.at;
        let undone = match cause {
            // A plugin that a later start has taken over is stopped on behalf of that one.
            StopCause::Unwind(_) | StopCause::Asked if ledger.started_since(open) => false,
            StopCause::Unwind(failed) => report.failed == Some(*failed),
            StopCause::Failure(_) => report.failed == Some(entry.plugin),
            StopCause::Asked => report.stopped,
            StopCause::Restart | StopCause::Removed => false,
        };
        if in_turn && undone {
            stopped.push((*when, entry.plugin));
        }
    }
    stopped.sort_unstable();
    let missing = stopped.iter().find(|(_, plugin)| !report.rolled_back.contains(plugin));
    unless(missing.is_some(), || format!("{missing:?} is not named"))?;
    let order: Vec<PluginId> = stopped.into_iter().map(|(_, plugin)| plugin).collect();
    let named = report.rolled_back.iter().filter(|plugin| order.contains(plugin));
    unless(!named.eq(&order), || format!("the order was {order:?}, said is {:?}", report.rolled_back))?;
    for plugin in &report.rolled_back {
        let entry = report.entries.iter().find(|entry| entry.plugin == *plugin);
        let life = entry.and_then(|entry| life_of(ledger, open, entry));
        let stopped = life.is_some_and(|life| life.initialized.is_some() && life.stop.is_some());
        unless(!stopped, || format!("{plugin} had nothing to roll back"))?;
    }
    Ok(())
}

pub(super) fn one_after_the_other_if_not_parallel(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Some((open, report)) = report(ledger, action) else { return Ok(()) };
    if options_of(&open.request).is_none_or(|options| options.parallel) {
        return Ok(());
    }
    let lives = report.entries.iter().filter_map(|entry| Some((entry.plugin, life_of(ledger, open, entry)?)));
    let mut before: Option<(PluginId, &Life)> = None;
    for (plugin, life) in lives {
        if let Some((previous, last)) = before {
            let settled = last.ready.or(last.ended);
            unless(settled.is_none_or(|settled| life.launched < settled), || {
                format!("{plugin} was launched before {previous} was ready or gone")
            })?;
        }
        before = Some((plugin, life));
    }
    Ok(())
}

pub(super) fn dependents_of_the_lost_fail_by_name(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Some((_, report)) = report(ledger, action) else { return Ok(()) };
    for entry in &report.entries {
        let Some(failure) = &entry.failure else { continue };
        if failure.code != Code::DependencyFailed {
            continue;
        }
        let Some(root) = failure.root else { return Err(format!("{entry:?} names nobody")) };
        // One without a fallback is stopped for somebody who may serve, but whom nobody can rely on.
        let mut failures = report.entries.iter().filter_map(|entry| entry.failure.as_deref());
        if failures.any(|other| other.stage == Stage::Run && other.root == Some(root)) {
            continue;
        }
        unless(root == entry.plugin, || format!("{entry:?} names itself"))?;
        let needs = ledger.graph.with_dependencies([entry.plugin]);
        // Someone else's unwind may take a plugin along; then the root is the plugin that failed there.
        let taken_along = !needs.contains(root);
        let other = report.entries.iter().find(|other| other.plugin == root);
        let served = other.is_some_and(Entry::succeeded);
        unless(served && !taken_along && !report.stopped && was_never_stopped(ledger, root), || {
            format!("{} blames {root}, which started and was never stopped", entry.plugin)
        })?;
    }
    Ok(())
}

fn was_never_stopped(ledger: &Ledger, plugin: PluginId) -> bool {
    ledger.lives[plugin.index()].iter().all(|life| life.stop.is_none() && life.ended.is_none())
}
