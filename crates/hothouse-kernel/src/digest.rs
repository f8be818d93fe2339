//! A fingerprint of what happened, for whoever replays a journal and must know whether the same came of it.
//!
//! Words of plugins take no part in it: in a journal they may have been redacted.

use core::time::Duration;

use hothouse_protocol::FallbackMode;

use crate::degradation::Service;
use crate::event::{Event, Happening};
use crate::failure::Failure;
use crate::input::Targets;
use crate::phase::StopCause;
use crate::{PluginId, Seq};

impl Event {
    /// Mixes into `so_far` all of this event that is no text: its number, its cause, when it was, and what it is about.
    /// The same events in the same order give the same number.
    #[must_use]
    pub fn digest(&self, so_far: u64) -> u64 {
        let head = [self.seq.number(), self.cause.map_or(0, Seq::number), self.at.as_nanos()];
        head.into_iter().chain(words(&self.what)).fold(so_far, mix)
    }
}

fn mix(so_far: u64, word: u64) -> u64 {
    (so_far.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn words(what: &Happening) -> [u64; 5] {
    use Happening as H;
    let id = |plugin: &PluginId| u64::from(plugin.0);
    match what {
        H::StartBegan { request, by, targets: asked, plugins } => {
            [1, request.0, *by as u64, targets(asked), u64::from(*plugins)]
        }
        H::StopRequested { request, by, targets: asked } => [2, request.0, *by as u64, targets(asked), 0],
        H::RestartRequested { request, by, targets: asked } => [3, request.0, *by as u64, targets(asked), 0],
        H::Launched { plugin, incarnation } => [4, id(plugin), incarnation.0, 0, 0],
        H::Initialized { plugin, incarnation } => [5, id(plugin), incarnation.0, 0, 0],
        H::Ready { plugin, incarnation, took } => [6, id(plugin), incarnation.0, nanos(*took), 0],
        H::Failed { plugin, incarnation, failure: why } => [7, id(plugin), incarnation.0, failure(why), 0],
        H::Withdrawn { plugin, failure: why } => [8, id(plugin), 0, failure(why), 0],
        H::UnwindBegan { request, failed } => [9, request.0, failed.as_ref().map_or(u64::MAX, id), 0, 0],
        H::StopBegan { plugin, incarnation, cause, rung } => {
            [10, id(plugin), incarnation.0, stop_cause(cause), *rung as u64]
        }
        H::DestroyFailed { plugin, incarnation, .. } => [11, id(plugin), incarnation.0, 0, 0],
        H::StopEscalated { plugin, incarnation, from, to } => {
            [12, id(plugin), incarnation.0, *from as u64, *to as u64]
        }
        H::Stopped { plugin, incarnation } => [13, id(plugin), incarnation.0, 0, 0],
        H::Abandoned { plugin, incarnation } => [14, id(plugin), incarnation.0, 0, 0],
        H::StartEnded { request, all_successful } => [15, request.0, u64::from(*all_successful), 0, 0],
        H::StopEnded { request } => [16, request.0, 0, 0, 0],
        H::ApplyBegan { request, by, stops, starts } => {
            [19, request.0, *by as u64, u64::from(*stops), u64::from(*starts)]
        }
        H::Replaced { request } => [20, request.0, 0, 0, 0],
        H::HealthChanged { plugin, incarnation, from, to, .. } => {
            [21, id(plugin), incarnation.0, *from as u64, *to as u64]
        }
        H::HostLate { plugin, incarnation, late } => [22, id(plugin), incarnation.0, nanos(*late), 0],
        H::RestartScheduled { plugin, incarnation, attempt, of, pause } => {
            [23, id(plugin), incarnation.0, mix(*attempt, *of), nanos(*pause)]
        }
        H::RestartCancelled { plugin, incarnation } => [24, id(plugin), incarnation.0, 0, 0],
        H::GaveUp { plugin, incarnation, attempts } => [25, id(plugin), incarnation.0, *attempts, 0],
        H::ModeSet { request, by, plugin, mode: set } => [26, request.0, *by as u64, id(plugin), mode(*set)],
        H::ModeChanged { plugin, incarnation, service: now, .. } => {
            [27, id(plugin), incarnation.0, service(now), 0]
        }
        H::RecoveryTried { plugin, incarnation, attempt, of, .. } => {
            [28, id(plugin), incarnation.0, *attempt, *of]
        }
        H::Refused { request, .. } => [17, request.0, 0, 0, 0],
        H::Ignored { plugin, incarnation, reason } => [18, id(plugin), incarnation.0, *reason as u64, 0],
    }
}

fn targets(targets: &Targets) -> u64 {
    match targets {
        Targets::All => u64::MAX,
        Targets::Some(plugins) => plugins.iter().fold(0, |so_far, plugin| mix(so_far, u64::from(plugin.0))),
    }
}

fn failure(failure: &Failure) -> u64 {
    let root = failure.root.map_or(u64::MAX, |root| u64::from(root.0));
    mix(mix(failure.code as u64, failure.stage as u64), root)
}

fn stop_cause(cause: &StopCause) -> u64 {
    match cause {
        StopCause::Asked => 1,
        StopCause::Restart => 2,
        StopCause::Removed => 5,
        StopCause::Unwind(plugin) => mix(3, u64::from(plugin.0)),
        StopCause::Failure(why) => mix(4, failure(why)),
    }
}

fn mode(mode: Option<FallbackMode>) -> u64 {
    mode.map_or(0, |mode| mode as u64 + 1)
}

fn service(service: &Service) -> u64 {
    let Service { mode: serves, forced, switched, missing, .. } = service;
    let flags = u64::from(*forced) << 1 | u64::from(*switched);
    mix(mix(mode(*serves), flags), missing.len() as u64)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Code, Stage};
    use crate::{Incarnation, Instant};
    use alloc::sync::Arc;

    #[test]
    fn numbers_count_and_words_do_not() {
        let failed = |message: &str, code: Code| Event {
            seq: Seq::FIRST.next(),
            cause: Some(Seq::FIRST),
            at: Instant::from_millis(3),
            what: Happening::Failed {
                plugin: PluginId(1),
                incarnation: Incarnation(1),
                failure: Arc::new(Failure::new(code, Stage::Run, message)),
            },
        };
        let one = failed("the password is tulip", Code::Exited);
        assert_eq!(one.digest(7), failed("the password is ***", Code::Exited).digest(7));
        assert_ne!(one.digest(7), failed("the password is tulip", Code::Panicked).digest(7));
        assert_ne!(one.digest(7), one.digest(8));
        assert_ne!(one.digest(7), Event { cause: None, ..one }.digest(7));
    }
}
