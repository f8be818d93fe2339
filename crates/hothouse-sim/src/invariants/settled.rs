//! Promises about the picture between two inputs: who is where, who waits for what, what is left at the end.

use hothouse_kernel::view::Desired;
use hothouse_kernel::{Kernel, Phase, PluginId, StopCause};

use super::{Kept, Moment, launch, unless};
use crate::ledger::{Ledger, Life, Stage};
use crate::world::Step;

pub(super) fn phase_agrees_with_what_was_seen(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let view = moment.step.kernel.view_of(plugin);
        let stage = ledger.life(plugin).map(|life| life.stage);
        let agrees = match &view.phase {
            Phase::Initializing { .. } => stage == Some(Stage::Init),
            Phase::Starting { .. } => stage == Some(Stage::Start),
            Phase::Checking { .. } => stage == Some(Stage::Check),
            Phase::Ready | Phase::Leaving(_) => stage == Some(Stage::Ready),
            Phase::Stopping { rung, .. } => stage == Some(Stage::Stop(*rung)),
            Phase::Abandoned(_) => stage == Some(Stage::Abandoned),
            Phase::Down(_) | Phase::Failed(_) | Phase::Waiting | Phase::Backoff { .. } => {
                matches!(stage, None | Some(Stage::Gone))
            }
        };
        unless(!agrees, || format!("{plugin} is {:?}, but what was seen is {stage:?}", view.phase))?;
        let lives = ledger.lives[plugin.index()].len() as u64;
        unless(view.incarnation.0 != lives, || {
            format!("{plugin} has had {lives} lives and claims life {}", view.incarnation)
        })?;
    }
    Ok(())
}

pub(super) fn wish_agrees_with_phase(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    for plugin in ledger.graph.plugins() {
        let view = moment.step.kernel.view_of(plugin);
        let wanted = match &view.phase {
            Phase::Waiting | Phase::Ready | Phase::Backoff { .. } => Some(Desired::Up),
            phase if phase.is_launching() => Some(Desired::Up),
            Phase::Leaving(cause) | Phase::Stopping { cause, .. } => match cause {
                StopCause::Restart => Some(Desired::Up),
                StopCause::Asked | StopCause::Removed | StopCause::Unwind(_) => Some(Desired::Down),
                StopCause::Failure(_) => None,
            },
            // What an apply has stopped and will start again is wanted all the while.
            Phase::Down(_) if ledger.replacing().next().is_some() => None,
            Phase::Down(_) => Some(Desired::Down),
            _ => None,
        };
        unless(wanted.is_some_and(|wanted| wanted != view.desired), || {
            format!("{plugin} is {:?} and wanted {:?}", view.phase, view.desired)
        })?;
    }
    Ok(())
}

/// Whether a plugin has come to an outcome, for those that wait for it.
fn has_outcome(phase: &Phase) -> bool {
    match phase {
        Phase::Waiting | Phase::Backoff { .. } => false,
        Phase::Leaving(cause) | Phase::Stopping { cause, .. } => *cause != StopCause::Restart,
        phase => !phase.is_launching(),
    }
}

/// Whether a plugin waits although all that it could wait for has come to an outcome.
pub(super) fn is_free(ledger: &Ledger, step: &Step<'_>, plugin: PluginId) -> bool {
    let kernel = step.kernel;
    let returns = kernel.start_of(plugin).is_none();
    let mut needs = kernel.graph().dependencies(plugin).iter();
    matches!(kernel.view_of(plugin).phase, Phase::Waiting)
        && needs.all(|edge| {
            has_outcome(&kernel.view_of(edge.plugin).phase)
                || (returns && launch::has_fallback(ledger, plugin, edge.plugin))
        })
}

pub(super) fn nobody_waits_for_nothing(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let limit = ledger.settings.max_concurrent_starts.map_or(u32::MAX, std::num::NonZeroU32::get);
    if ledger.in_flight >= limit {
        return Ok(());
    }
    // In a sequential start a plugin may wait for its turn as well, as long as somebody is under way.
    let turns = ledger.all_options().any(|options| !options.parallel);
    let kernel = moment.step.kernel;
    let moving = || {
        let phases = ledger.graph.plugins().map(|plugin| kernel.view_of(plugin).phase);
        phases.into_iter().any(|phase| {
            // A turn may be that of one who waits for somebody who pauses.
            matches!(phase, Phase::Backoff { .. }) || (phase.is_alive() && phase != Phase::Ready)
        })
    };
    // Nothing is launched while an apply stops what must go.
    let replacing = ledger.replacing().next().is_some();
    let free = |plugin: &PluginId| is_free(ledger, moment.step, *plugin);
    for plugin in ledger.graph.plugins().filter(free) {
        let turns = turns && kernel.start_of(plugin).is_some();
        unless(!(replacing || turns && moving()), || {
            format!("{plugin} waits, and there is nothing to wait for")
        })?;
    }
    Ok(())
}

/// When nothing is on its way and nothing is due, nobody may be in between and no request open.
pub(super) fn quiet(ledger: &Ledger, kernel: &Kernel) -> Kept {
    unless(!ledger.open.is_empty(), || format!("never completed: {:?}", ledger.open))?;
    for plugin in ledger.graph.plugins() {
        let phase = kernel.view_of(plugin).phase;
        unless(!phase.is_at_rest() && phase != Phase::Ready, || format!("{plugin} is {phase:?} for ever"))?;
        unless(phase == Phase::Ready && ledger.stopped_all, || {
            format!("{plugin} serves after a stop of everything")
        })?;
        let life = ledger.life(plugin);
        let owed = life.is_some_and(|life: &Life| life.ended.is_none() && !life.serves());
        unless(owed, || format!("{plugin} was left alone in {life:?}"))?;
    }
    Ok(())
}
