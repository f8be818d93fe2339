//! Promises about the numbers of events and about their causes: what `why` tells people is true.

use hothouse_kernel::event::Happening;
use hothouse_kernel::{Event, Input, Phase, StopCause};

use super::{Kept, Moment, unless};
use crate::ledger::{Ledger, Told};

pub(super) fn events_are_numbered_without_gaps(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let expected = ledger.chronicle.last().map_or(1, |told| told.seq.number() + 1);
    unless(event.seq.number() != expected, || format!("event {} comes in the place of {expected}", event.seq))
}

pub(super) fn a_cause_comes_first(_: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    unless(event.cause.is_some_and(|cause| cause >= event.seq), || {
        format!("event {} is caused by event {:?}", event.seq, event.cause)
    })
}

pub(super) fn only_what_comes_from_outside_has_no_cause(
    _: &Ledger,
    moment: &Moment<'_>,
    event: &Event,
) -> Kept {
    let from_outside = match &event.what {
        Happening::StopRequested { .. }
        | Happening::RestartRequested { .. }
        | Happening::ApplyBegan { .. }
        | Happening::StartBegan { .. }
        | Happening::Refused { .. } => matches!(moment.step.input, Input::Requested { .. }),
        Happening::Failed { plugin, .. } | Happening::Ignored { plugin, .. } => {
            matches!(moment.step.input, Input::Answered { plugin: from, .. } if from == plugin)
        }
        Happening::ModeSet { .. } => matches!(moment.step.input, Input::Requested { .. }),
        Happening::HealthChanged { .. } | Happening::HostLate { .. } => true,
        _ => false,
    };
    unless(event.cause.is_none() && !from_outside, || format!("{event:?} has no cause"))
}

/// The event that another one names as its cause.
fn cause_of(ledger: &Ledger, event: &Event) -> Option<Told> {
    ledger.chain(event.cause?).next()
}

pub(super) fn what_follows_from_a_life_names_it(ledger: &Ledger, _: &Moment<'_>, event: &Event) -> Kept {
    let asked_for =
        matches!(&event.what, Happening::StopBegan { cause, .. } if !matches!(cause, StopCause::Failure(_)));
    let by_nobody = cause_of(ledger, event).is_none_or(|told| told.plugin.is_some());
    unless(asked_for && by_nobody, || format!("{event:?} is not caused by what asks for it"))?;
    let plugin = match &event.what {
        Happening::Initialized { plugin, .. }
        | Happening::Ready { plugin, .. }
        | Happening::DestroyFailed { plugin, .. }
        | Happening::StopEscalated { plugin, .. } => *plugin,
        Happening::StopBegan { plugin, cause: StopCause::Failure(_), .. } => *plugin,
        _ => return Ok(()),
    };
    let own = cause_of(ledger, event).is_some_and(|told| told.plugin == Some(plugin));
    unless(!own, || format!("{event:?} is not caused by what happened to {plugin} before"))
}

pub(super) fn a_start_waits_for_what_it_names(ledger: &Ledger, moment: &Moment<'_>, event: &Event) -> Kept {
    let Happening::Launched { plugin, .. } = &event.what else { return Ok(()) };
    let Some(cause) = cause_of(ledger, event) else { return Err(format!("{event:?} has no cause")) };
    let needs = |other| {
        let mut needs = ledger.graph.dependencies(*plugin).iter().map(|edge| edge.plugin);
        // One that does without it may have tried to bring it back.
        let returns = moment.launched_for(*plugin).is_none();
        needs.any(|needed| needed == other)
            || (returns && ledger.graph.dependents(*plugin).iter().any(|edge| edge.plugin == other))
    };
    let named = cause.plugin.is_none_or(|other| other == *plugin || needs(other));
    unless(!named, || {
        format!("{event:?} is caused by an event of {:?}, which it does not need", cause.plugin)
    })?;
    // One that comes back by itself waits for the end of its pause, which no event tells of.
    if moment.launched_for(*plugin).is_none() {
        return Ok(());
    }
    for edge in ledger.graph.dependencies(*plugin) {
        let life = ledger.life(edge.plugin).filter(|life| life.serves() && !life.returned);
        let later = life.and_then(|life| life.ready_by).is_some_and(|ready| ready > cause.seq);
        unless(later, || format!("{event:?}, but {} became ready after that", edge.plugin))?;
    }
    Ok(())
}

pub(super) fn a_failure_leads_to_its_root(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    // What is failed stays so until something happens to it.
    if moment.step.events.is_empty() {
        return Ok(());
    }
    for plugin in ledger.graph.plugins() {
        let view = moment.step.kernel.view_of(plugin);
        let Phase::Failed(failure) = &view.phase else { continue };
        let Some(last) = view.last_event else { return Err(format!("{plugin} failed by no event")) };
        let mut end = None;
        let (mut own, mut root) = (false, failure.root.is_none());
        for told in ledger.chain(last) {
            own |= told.failed && told.plugin == Some(plugin);
            root |= told.plugin == failure.root;
            end = Some(told);
        }
        unless(!own, || format!("{plugin} failed, and its last event {last} does not lead to that"))?;
        unless(!root, || {
            format!("{plugin} failed because of {:?}, and event {last} does not lead there", failure.root)
        })?;
        unless(end.is_none_or(|end| end.cause.is_some()), || {
            format!("the causes of event {last} of {plugin} lead to an event that nobody has seen")
        })?;
    }
    Ok(())
}
