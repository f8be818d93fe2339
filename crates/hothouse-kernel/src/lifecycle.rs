//! The transition tables of one life: phase × answer, and phase × time. Pure functions; what a move means for the
//! rest of the graph is decided where the move is made.

use alloc::boxed::Box;

use hothouse_protocol::HealthStatus;

use crate::Instant;
use crate::event::IgnoredReason;
use crate::failure::Failure;
use crate::health::CallCounts;
use crate::input::{Answer, Exit};
use crate::ladder::Rung;
use crate::phase::Phase;

/// What follows from an answer.
pub(crate) enum Move {
    /// `init` is done: run `start`.
    RunStart,
    /// It is up: check its health if that is wanted, else it is ready.
    CameUp,
    /// It is not up yet, for this reason: ask again later.
    AskLater(Box<str>),
    /// The check after the start passed: it is ready.
    Passed(Box<HealthStatus>),
    /// The check after the start did not pass.
    NotPassed(Box<HealthStatus>),
    /// The monitor's check of that number was answered.
    Checked(u64, Result<Box<HealthStatus>, Box<Failure>>, CallCounts),
    /// It says by itself how it is.
    Pushed(Box<HealthStatus>),
    /// What was asked of it failed.
    Fail(Box<Failure>),
    /// `destroy` has answered, with this error if any: take the next step down.
    Destroyed(Option<Box<str>>),
    /// Nothing is left of it.
    End(Box<Exit>),
    /// Nothing.
    Ignore(IgnoredReason),
}

/// What an answer about the current life means in this phase, where `asked` is the number of its last check.
pub(crate) fn on_answer(phase: &Phase, asked: u64, answer: Answer) -> Move {
    match (phase, answer) {
        (Phase::Initializing { .. }, Answer::Initialized) => Move::RunStart,
        (Phase::Starting { ask_at: None, .. }, Answer::Started) => Move::CameUp,
        (Phase::Starting { ask_at: None, .. }, Answer::NotReady(reason)) => Move::AskLater(reason),
        (Phase::Checking { .. }, Answer::Checked { check, .. } | Answer::CheckFailed { check, .. })
            if check != asked =>
        {
            Move::Ignore(IgnoredReason::NotAsked)
        }
        (Phase::Checking { .. }, Answer::Checked { health, .. }) if health.healthy => Move::Passed(health),
        (Phase::Checking { .. }, Answer::Checked { health, .. }) => Move::NotPassed(health),
        (Phase::Checking { .. }, Answer::CheckFailed { failure, .. }) => Move::Fail(failure),
        (Phase::Ready, Answer::Checked { check, health, calls }) => Move::Checked(check, Ok(health), calls),
        (Phase::Ready, Answer::CheckFailed { check, failure }) => {
            Move::Checked(check, Err(failure), CallCounts::default())
        }
        (Phase::Ready, Answer::Pushed(health)) => Move::Pushed(health),
        (phase, Answer::Failed(failure)) if phase.is_launching() => Move::Fail(failure),
        (Phase::Stopping { rung: Rung::Destroy, .. }, Answer::Destroyed(error)) => Move::Destroyed(error),
        (phase, Answer::Gone(exit)) if phase.is_alive() => Move::End(exit),
        (Phase::Abandoned(_), Answer::Gone(exit)) => Move::End(exit),
        (phase, _) if phase.is_alive() => Move::Ignore(IgnoredReason::NotAsked),
        _ => Move::Ignore(IgnoredReason::StaleIncarnation),
    }
}

/// What follows from the time.
pub(crate) enum TimeMove {
    /// The start has taken too long.
    StartTimedOut,
    /// It is time to ask again whether it is ready.
    Ask,
    /// The check has taken too long.
    CheckTimedOut,
    /// The step of the stop has taken too long: take the next one.
    Escalate(Rung),
    /// The pause before its restart is over.
    ComeBack,
}

/// What the time means in this phase, if anything.
pub(crate) fn on_time(phase: &Phase, now: Instant) -> Option<TimeMove> {
    match phase {
        Phase::Initializing { until } | Phase::Starting { until, .. } if *until <= now => {
            Some(TimeMove::StartTimedOut)
        }
        Phase::Starting { ask_at: Some(ask_at), .. } if *ask_at <= now => Some(TimeMove::Ask),
        Phase::Checking { until } if *until <= now => Some(TimeMove::CheckTimedOut),
        Phase::Stopping { until, rung, .. } if *until <= now => Some(TimeMove::Escalate(*rung)),
        Phase::Backoff { until, .. } if *until <= now => Some(TimeMove::ComeBack),
        _ => None,
    }
}
