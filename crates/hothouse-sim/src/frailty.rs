//! Runtimes whose plugins have good and bad times: their health comes and goes, they crash in series, they fall silent,
//! they say that they are well while their calls fail, and they answer checks late, twice, wrongly numbered or never.
//!
//! Starting and stopping is as [`Whims`] have it. A bad time outlasts a life, so that what is restarted fails again.

use std::time::Duration;

use hothouse_kernel::input::Answer;
use hothouse_kernel::{Action, CallCounts, Code, Failure, Input, Instant, PluginId, Stage};
use hothouse_protocol::HealthStatus;
use hothouse_protocol::json::Value;

use crate::behaviour::{Late, Runtime, Whims, about, gone, health};
use crate::rng::Rng;

/// No bad time kills more lives than this: without a pause between two of them nothing else would ever happen.
const CRASHES_AT_MOST: u64 = 40;

/// How a plugin is at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Temper {
    /// All is well.
    Well,
    /// Every life ends by itself soon.
    Crashing,
    /// It says that it is unhealthy, mostly.
    Sick,
    /// It does not answer.
    Silent,
    /// It answers about when its time is up.
    Slow,
    /// It is well and unwell by turns.
    Flapping,
    /// It says that it is well, and its calls fail.
    Lying,
    /// It answers another check than the one that was asked, or twice, or with a failure.
    Confused,
}

#[derive(Clone, Copy, Debug)]
struct Mood {
    temper: Temper,
    until: Instant,
    crashes: u64,
}

/// Runtimes whose plugins have good and bad times.
#[derive(Debug)]
pub struct Frail {
    rng: Rng,
    whims: Whims,
    /// About how long it is from one check to the next.
    scale: Duration,
    /// How many of a thousand times are bad.
    trouble: u64,
    /// How many of a thousand checks are followed by something that the plugin says by itself.
    pushes: u64,
    moods: Vec<Mood>,
}

impl Frail {
    /// Runtimes beside those that misbehave when they start and stop, whose checks are so far apart.
    pub fn new(mut rng: Rng, whims: Whims, scale: Duration) -> Frail {
        let trouble = rng.pick(&[0, 100, 300, 500, 700]);
        let pushes = rng.pick(&[0, 0, 50, 300]);
        Frail { rng, whims, scale, trouble, pushes, moods: Vec::new() }
    }

    fn temper(&mut self, plugin: PluginId, now: Instant) -> Temper {
        let new = Mood { temper: Temper::Well, until: Instant::ZERO, crashes: 0 };
        if self.moods.len() <= plugin.index() {
            self.moods.resize(plugin.index() + 1, new);
        }
        if self.moods[plugin.index()].until <= now {
            let bad = self.rng.per_mille(self.trouble);
            let temper = self.rng.pick(&[
                Temper::Crashing,
                Temper::Crashing,
                Temper::Sick,
                Temper::Sick,
                Temper::Silent,
                Temper::Slow,
                Temper::Flapping,
                Temper::Lying,
                Temper::Confused,
            ]);
            let lasts = self.rng.duration(self.scale / 2, self.scale * 40);
            self.moods[plugin.index()] =
                Mood { temper: if bad { temper } else { Temper::Well }, until: now + lasts, crashes: 0 };
        }
        self.moods[plugin.index()].temper
    }

    /// How long a life that has just been asked to start is going to last, if it ends by itself.
    fn lifetime(&mut self, plugin: PluginId, temper: Temper) -> Option<Duration> {
        if temper == Temper::Crashing {
            let mood = &mut self.moods[plugin.index()];
            mood.crashes += 1;
            if mood.crashes >= CRASHES_AT_MOST {
                mood.temper = Temper::Well;
            }
            return Some(self.rng.duration(Duration::from_micros(10), self.scale * 2));
        }
        self.rng.per_mille(self.trouble / 8).then(|| self.rng.duration(self.scale, self.scale * 100))
    }

    /// What comes of a check.
    fn checked(&mut self, temper: Temper, check: u64, limit: Duration) -> Vec<(Duration, Answer)> {
        let soon = self.rng.duration(Duration::from_nanos(1), Duration::from_secs(1).min(limit));
        let well = match temper {
            Temper::Well | Temper::Lying | Temper::Slow | Temper::Confused => true,
            Temper::Crashing | Temper::Flapping => self.rng.per_mille(500),
            Temper::Sick => self.rng.per_mille(100),
            Temper::Silent => return Vec::new(),
        };
        let calls = if temper == Temper::Lying { self.calls() } else { CallCounts::default() };
        let answer = |check| Answer::Checked { check, health: Box::new(health(well)), calls };
        match temper {
            Temper::Slow => {
                // At the very end of its time, a little before it or after it.
                let nanos = limit.as_nanos() as u64;
                let after = self.rng.pick(&[nanos / 2, nanos.saturating_sub(1), nanos, nanos + 1, nanos * 2]);
                vec![(Duration::from_nanos(after.max(1)), answer(check))]
            }
            Temper::Confused => match self.rng.below(4) {
                0 => vec![(soon, answer(self.rng.below(check)))],
                1 => vec![(soon, answer(check)), (soon * 2, answer(check))],
                2 => vec![(soon, answer(check + 1_000_000)), (soon * 3, answer(check))],
                _ => {
                    let failure =
                        Failure::new(Code::ContractViolated, Stage::Run, "no health that one can read");
                    vec![(soon, Answer::CheckFailed { check, failure: Box::new(failure) })]
                }
            },
            _ => vec![(soon, answer(check))],
        }
    }

    fn calls(&mut self) -> CallCounts {
        let ended = self.rng.below(40);
        let failed = self.rng.below(ended + 1);
        CallCounts { ended, failed, took: self.rng.duration(Duration::ZERO, Duration::from_secs(20)) }
    }

    /// What a plugin says by itself.
    fn says(&mut self, temper: Temper) -> HealthStatus {
        let well = match temper {
            Temper::Sick => false,
            Temper::Flapping => self.rng.per_mille(500),
            _ => self.rng.per_mille(950),
        };
        let details = self.rng.per_mille(300).then(|| [("status", Value::from("degraded"))].into());
        HealthStatus { details, ..health(well) }
    }
}

impl Runtime for Frail {
    fn carry_out(&mut self, now: Instant, action: &Action, answers: &mut Vec<Late>) {
        let Some((plugin, incarnation)) = about(action) else { return };
        let temper = self.temper(plugin, now);
        let mut say = |said: Vec<(Duration, Answer)>| {
            let late = |(after, answer)| Late { after, plugin, incarnation, answer };
            answers.extend(said.into_iter().map(late));
        };
        match action {
            Action::Check { check, until, .. } => {
                say(self.checked(temper, *check, until.since(now)));
                if self.rng.per_mille(self.pushes) {
                    let after = self.rng.duration(Duration::from_nanos(1), self.scale);
                    say(vec![(after, Answer::Pushed(Box::new(self.says(temper))))]);
                }
                return;
            }
            Action::Start { .. } => {
                if let Some(lifetime) = self.lifetime(plugin, temper) {
                    say(vec![(lifetime, gone("was killed by SIGSEGV"))]);
                }
            }
            _ => {}
        }
        self.whims.carry_out(now, action, answers);
    }

    fn asks(&mut self, now: Instant, action: &Action) -> Option<(Duration, Input)> {
        self.whims.asks(now, action)
    }

    fn oversleeps(&mut self) -> Duration {
        self.whims.oversleeps()
    }
}
