//! Promises about the way up: who is launched when, and by what it becomes ready.

use std::cmp::Reverse;

use hothouse_kernel::event::Happening;
use hothouse_kernel::graph::Need;
use hothouse_kernel::input::Answer;
use hothouse_kernel::{Action, Event, Input, Phase, PluginId};

use super::{Kept, Moment, life, settled, unless};
use crate::behaviour::about;
use crate::ledger::{Ledger, Life, Stage, Verdict};

pub(super) fn launches_only_upon_ready_dependencies(
    ledger: &Ledger,
    moment: &Moment<'_>,
    action: &Action,
) -> Kept {
    let Action::Init { plugin, .. } = action else { return Ok(()) };
    let needed = ledger.graph.dependencies(*plugin).iter().filter(|edge| edge.need == Need::Hard);
    for edge in needed.filter(|edge| !does_without(ledger, moment, *plugin, edge.plugin)) {
        let serves = ledger.life(edge.plugin).is_some_and(Life::serves);
        // Whoever was launched and cut off in one step may have lost its dependency in between.
        let cut_off = ledger.life(*plugin).is_some_and(|life| life.stop.is_some());
        let ready = matches!(moment.step.kernel.view_of(edge.plugin).phase, Phase::Ready);
        unless(!serves || !(ready || cut_off), || {
            format!("{plugin} is launched, but {} which it needs is not ready", edge.plugin)
        })?;
    }
    Ok(())
}

/// Whether a plugin that comes back by itself has a fallback for that dependency, and need not wait for it.
fn does_without(ledger: &Ledger, moment: &Moment<'_>, plugin: PluginId, dependency: PluginId) -> bool {
    moment.launched_for(plugin).is_none() && has_fallback(ledger, plugin, dependency)
}

/// Whether a plugin has a fallback for the time in which that dependency is away.
pub(super) fn has_fallback(ledger: &Ledger, plugin: PluginId, dependency: PluginId) -> bool {
    let declared = ledger.graph.decl(plugin).settings.degradation.as_ref();
    let name = ledger.graph.name(dependency);
    declared
        .is_some_and(|declared| declared.enabled && declared.critical.iter().any(|needed| **needed == *name))
}

pub(super) fn launches_only_after_optional_outcomes(
    ledger: &Ledger,
    moment: &Moment<'_>,
    action: &Action,
) -> Kept {
    let Action::Init { plugin, .. } = action else { return Ok(()) };
    let waits = ledger.graph.dependencies(*plugin).iter();
    for edge in waits.filter(|edge| !does_without(ledger, moment, *plugin, edge.plugin)) {
        let starting = ledger.life(edge.plugin).is_some_and(|life| {
            matches!(life.stage, Stage::Init | Stage::Start | Stage::Check) && life.stop.is_none()
        });
        unless(starting, || format!("{plugin} is launched, but {} is still starting", edge.plugin))?;
    }
    Ok(())
}

pub(super) fn one_life_at_a_time(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let Happening::Launched { plugin, incarnation } = &event.what else { return Ok(()) };
    let lives = &ledger.lives[plugin.index()];
    unless(incarnation.0 != lives.len() as u64 + 1, || {
        format!("{plugin} has had {} lives and is launched as {incarnation}", lives.len())
    })?;
    unless(lives.last().is_some_and(|life| life.stage != Stage::Gone), || {
        format!("{plugin} is launched, but its last life is not gone")
    })
}

pub(super) fn nothing_starts_after_a_stop_of_everything(
    ledger: &Ledger,
    _: &Moment<'_>,
    action: &Action,
) -> Kept {
    let launch = matches!(action, Action::Init { .. });
    unless(launch && ledger.stopped_all, || format!("{action:?} after a stop of everything"))
}

pub(super) fn places_are_limited(ledger: &Ledger, _: &Moment<'_>) -> Kept {
    let limit = ledger.settings.max_concurrent_starts.map_or(u32::MAX, std::num::NonZeroU32::get);
    unless(ledger.in_flight > limit, || {
        format!("{} plugins are starting, the limit is {limit}", ledger.in_flight)
    })
}

pub(super) fn longest_path_first(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Action::Init { plugin, .. } = action else { return Ok(()) };
    // With several starts under way each has its own order.
    let mut starts = ledger.all_options();
    if !matches!((starts.next(), starts.next()), (Some(only), None) if only.parallel) {
        return Ok(());
    }
    let Some(start) = moment.launched_for(*plugin) else { return Ok(()) };
    let graph = &ledger.graph;
    let rank = |plugin: PluginId| (graph.remaining(plugin), Reverse(graph.position(plugin)));
    let passed_over = graph.plugins().find(|other| {
        rank(*other) > rank(*plugin)
            && moment.launched_for(*other) == Some(start)
            && settled::is_free(ledger, moment.step, *other)
    });
    match passed_over {
        Some(other) => Err(format!("{plugin} is launched, but {other} has the longer path")),
        None => Ok(()),
    }
}

pub(super) fn verbs_in_order(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    let Some((plugin, _)) = about(action) else { return Ok(()) };
    let life = life(ledger, plugin)?;
    let heard = matches!(moment.verdict, Verdict::Heard);
    let said = |wanted: fn(&Answer) -> bool| match moment.step.input {
        Input::Answered { plugin: from, answer, .. } => heard && *from == plugin && wanted(answer),
        _ => false,
    };
    let in_order = match action {
        Action::Start { .. } => life.stage == Stage::Init && said(|answer| *answer == Answer::Initialized),
        // A plugin may be asked again and be given up in one step, and events are noted first.
        Action::Probe { .. } => matches!(life.stage, Stage::Start | Stage::Abandoned) && !life.asked,
        // The monitor asks whoever serves, whatever was said.
        Action::Check { .. } if life.serves() || is_given_up_later(moment, action, plugin) => true,
        Action::Check { .. } => life.stage == Stage::Start && said(|answer| *answer == Answer::Started),
        _ => true,
    };
    unless(!in_order, || format!("{action:?} out of order: {life:?}"))
}

/// Whether a plugin is given up in this step, after that action: events are noted first.
pub(super) fn is_given_up_later(moment: &Moment<'_>, action: &Action, plugin: PluginId) -> bool {
    let mut later = moment.step.actions.iter().skip_while(|other| *other != action);
    later.any(|later| matches!(later, Action::Abandon { plugin: of, .. } if *of == plugin))
}

pub(super) fn one_deadline_for_init_and_start(ledger: &Ledger, moment: &Moment<'_>, action: &Action) -> Kept {
    match action {
        Action::Init { plugin, until, .. } if moment.launched_for(*plugin).is_none() => {
            let timeout = ledger.comebacks[plugin.index()].timeout;
            unless(moment.step.now + timeout != *until, || {
                format!("{action:?}, but {plugin} was last given {timeout:?}")
            })
        }
        Action::Init { until, .. } => {
            let known = ledger.all_options().any(|options| moment.step.now + options.timeout == *until);
            unless(!known, || format!("{action:?}, but no start under way has such a timeout"))
        }
        Action::Start { plugin, until, .. } => {
            let life = life(ledger, *plugin)?;
            unless(life.until != *until, || format!("{action:?}, but `init` had until {}", life.until))
        }
        _ => Ok(()),
    }
}

pub(super) fn ready_only_by_an_answer_in_time(_: &Ledger, moment: &Moment<'_>, event: &Event) -> Kept {
    let Happening::Ready { plugin, incarnation, .. } = &event.what else { return Ok(()) };
    let answered = match moment.step.input {
        Input::Answered { plugin: from, incarnation: of, answer } => {
            (from, of) == (plugin, incarnation)
                && moment.verdict == Verdict::Heard
                && match answer {
                    Answer::Started => true,
                    Answer::Checked { health, .. } => health.healthy,
                    _ => false,
                }
        }
        _ => false,
    };
    unless(!answered, || format!("{plugin} is ready by {:?}", moment.step.input))
}
