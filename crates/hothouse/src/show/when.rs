//! What is going to happen to a plugin by itself: from the host's schedule, and in words.

use std::time::Duration;

use hothouse_api::{ComingChecks, ComingRestart, ComingRestarts, Fallback, MissingInfo, RecoveryInfo, When};
use hothouse_host::Schedule;
use hothouse_kernel::degradation::Service;
use hothouse_kernel::{Instant, Need, Phase};
use hothouse_protocol::DateTime;

use super::advice::hothouse;
use super::style::{Style, harmless};
use super::table::rows;
use super::{Cell, duration, in_words};

/// So many tries to bring something back are listed.
const LISTED_TRIES: usize = 5;

/// What is away, as the control API tells it.
pub(crate) fn missing(service: &Service) -> Vec<MissingInfo> {
    let missing = service.missing.iter();
    missing
        .map(|missing| MissingInfo {
            plugin: missing.name.to_string(),
            critical: missing.need == Need::Hard,
            why: harmless(&missing.why),
        })
        .collect()
}

/// A schedule as the control API tells it.
pub(crate) fn when_of(plugin: &str, schedule: &Schedule) -> When {
    let clock = Clock { schedule };
    When {
        plugin: plugin.into(),
        phase: schedule.phase.as_str().into(),
        now: clock.time(schedule.now),
        checks: schedule.checks.map(|(every, threshold)| ComingChecks {
            every_ms: millis(every),
            next: schedule.next_check.map(|at| clock.time(at)),
            failures: schedule.tally.failures,
            unhealthy_at_failures: threshold,
            unhealthy_at: schedule.unhealthy_at.map(|at| clock.time(at)),
        }),
        restarts: schedule.max_attempts.map(|max| restarts(schedule, &clock, max)),
        fallback: schedule.fallback.map(|mode| fallback(schedule, &clock, mode)),
    }
}

/// Turns moments of the host into moments of the wall.
struct Clock<'a> {
    schedule: &'a Schedule,
}

impl Clock<'_> {
    fn time(&self, at: Instant) -> String {
        let (now, unix_ms) = (self.schedule.now, self.schedule.now_unix_ms);
        let to_ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let ms = match at >= now {
            true => unix_ms.saturating_add(to_ms(at.since(now))),
            false => unix_ms.saturating_sub(to_ms(now.since(at))),
        };
        // Later than any calendar reaches is the end of it.
        DateTime::from_unix_ms(ms.min(LAST_UNIX_MS)).to_string()
    }
}

/// The last moment that RFC 3339 can write.
const LAST_UNIX_MS: i64 = 253_402_300_799_999;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn restarts(schedule: &Schedule, clock: &Clock<'_>, max: u64) -> ComingRestarts {
    // Each is told when it is made if those before it fail at once; that can only be said where the first one is due.
    let mut at = schedule.coming.first().and_then(|first| first.due);
    let mut coming = Vec::with_capacity(schedule.coming.len());
    for attempt in &schedule.coming {
        at = at.map(|at| attempt.due.unwrap_or(at + attempt.pause));
        coming.push(ComingRestart {
            attempt: attempt.attempt,
            pause_ms: attempt.pause.as_nanos() as f64 / 1e6,
            at: at.map(|at| clock.time(at)),
        });
    }
    let pauses = matches!(schedule.phase, Phase::Backoff { .. });
    ComingRestarts {
        made: schedule.attempts,
        max,
        given_up: schedule.given_up,
        coming,
        more: schedule.more,
        gives_up_after_ms: schedule.gives_up_after.map(|after| after.as_nanos() as f64 / 1e6),
        gives_up_at: schedule.gives_up_after.filter(|_| pauses).map(|after| clock.time(schedule.now + after)),
        stable_ms: millis(schedule.stable),
        forgotten_at: schedule.forgotten_at.map(|at| clock.time(at)),
    }
}

fn fallback(schedule: &Schedule, clock: &Clock<'_>, mode: Option<&'static str>) -> Fallback {
    let names = |critical: bool| {
        let depends = schedule.depends.iter().filter(move |(_, is_critical)| *is_critical == critical);
        depends.map(|(name, _)| name.clone()).collect()
    };
    let service = schedule.service.as_deref();
    Fallback {
        mode: mode.map(str::to_owned),
        critical: names(true),
        optional: names(false),
        now: service.map(|service| service.as_str().to_owned()),
        forced: service.is_some_and(|service| service.forced),
        missing: service.map(missing).unwrap_or_default(),
        recovery: schedule.recovery.map(|recovery| RecoveryInfo {
            tries: recovery.tries,
            max: recovery.max,
            every_ms: millis(recovery.interval),
            coming: recovery.next.map_or_else(Vec::new, |next| {
                let left = recovery.max.saturating_sub(recovery.tries);
                let left = usize::try_from(left).unwrap_or(usize::MAX).min(LISTED_TRIES);
                let tries = std::iter::successors(Some(next), |at| Some(*at + recovery.interval));
                tries.take(left).map(|at| clock.time(at)).collect()
            }),
        }),
    }
}

/// The whole of it for people.
pub(crate) fn when(when: &When, style: Style) -> String {
    let mut lines = vec![format!("{} is {}", style.bold(&when.plugin), in_words(&when.phase))];
    lines.extend(checks_text(when));
    lines.extend(restarts_text(when, style));
    lines.extend(fallback_text(when));
    if lines.len() == 1 {
        lines.push(
            "nothing is going to happen to it by itself: `lifecycle.health` and \
                    `lifecycle.degradation` say nothing of it"
                .into(),
        );
    }
    lines.join("\n")
}

/// `in 1.9 s`, or `now`.
fn from_now(when: &When, at: &str) -> String {
    let ms = |time: &str| time.parse::<DateTime>().ok().map(|time| time.unix_ms());
    match (ms(&when.now), ms(at)) {
        (Some(now), Some(at)) if at > now => {
            format!("in {}", duration(Duration::from_millis(at.abs_diff(now))))
        }
        _ => "now".into(),
    }
}

fn checks_text(when: &When) -> Vec<String> {
    let Some(checks) = &when.checks else { return vec!["checks: none; its health is not watched".into()] };
    let every = duration(Duration::from_millis(checks.every_ms));
    let next = match (&checks.next, when.phase.as_str()) {
        (Some(next), _) => format!("the next one {}", from_now(when, next)),
        (None, "ready") => "one is under way".into(),
        (None, _) => "none while it does not serve".into(),
    };
    let mut lines = vec![format!("checks: every {every}, {next}")];
    let (failures, of) = (checks.failures, checks.unhealthy_at_failures);
    let so_far = if failures == 0 { String::new() } else { format!(", {failures} of them so far") };
    let at = checks
        .unhealthy_at
        .as_ref()
        .map_or_else(String::new, |at| format!(": {} at the earliest", from_now(when, at)));
    lines.push(format!("  unhealthy after {of} in a row that fail{so_far}{at}"));
    lines
}

fn restarts_text(when: &When, style: Style) -> Vec<String> {
    let Some(restarts) = &when.restarts else {
        return vec!["restarts: none; it is not restarted by itself (health.autoRestart)".into()];
    };
    let mut lines = Vec::new();
    if restarts.max == 0 {
        return vec!["restarts: none; health.maxRestartAttempts is 0".into()];
    }
    if restarts.given_up {
        let again = hothouse(&format!("start {}", when.plugin));
        lines.push(format!("restarts: it was given up after {}; {again} starts it again", restarts.made));
        return lines;
    }
    let made = match restarts.made {
        0 => String::new(),
        made => format!(", {made} of them count against it"),
    };
    lines.push(format!("restarts: {}{made}", restarts.max));
    let row = |coming: &ComingRestart| {
        let pause = duration(Duration::from_secs_f64(coming.pause_ms.max(0.0) / 1e3));
        let at = coming.at.as_ref().map_or_else(String::new, |at| from_now(when, at));
        vec![
            Cell::plain(format!("  {}", coming.attempt)),
            Cell::plain(format!("{pause} after its failure")),
            Cell::painted(at, Style::dim),
        ]
    };
    let table: Vec<_> = restarts.coming.iter().map(row).collect();
    lines.extend(rows(&table, style).lines().map(str::to_owned));
    match restarts.more {
        Some(0) => {}
        Some(more) => lines.push(format!("  … and {more} more")),
        None => lines.push("  … and more than anybody counts".into()),
    }
    if let Some(after) = restarts.gives_up_after_ms {
        let at = match &restarts.gives_up_at {
            Some(at) => from_now(when, at),
            None => {
                format!("{} after its first failure", duration(Duration::from_secs_f64(after.max(0.0) / 1e3)))
            }
        };
        lines.push(format!("  given up {at}, if it fails each time as soon as it is started"));
    }
    let stable = duration(Duration::from_millis(restarts.stable_ms));
    lines.push(match &restarts.forgotten_at {
        Some(at) => format!("  counted from zero again {}, if it stays healthy", from_now(when, at)),
        None => format!("  counted from zero again once it has been healthy for {stable}"),
    });
    lines
}

fn fallback_text(when: &When) -> Vec<String> {
    let Some(fallback) = &when.fallback else { return Vec::new() };
    let mut lines = Vec::new();
    let names =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    if !fallback.critical.is_empty() {
        let without = names(&fallback.critical);
        lines.push(match &fallback.mode {
            Some(mode) => format!("fallback: {mode}, without {without}"),
            None => format!("fallback: none; it is stopped without {without}, and comes back with it"),
        });
    }
    if !fallback.optional.is_empty() {
        lines.push(format!("features are switched without {}", names(&fallback.optional)));
    }
    if let Some(now) = &fallback.now {
        let why: Vec<String> =
            fallback.missing.iter().map(|missing| format!("`{}` {}", missing.plugin, missing.why)).collect();
        let why = match (fallback.forced, why.is_empty()) {
            (true, _) => format!(
                "an operator has set it; {} ends that",
                hothouse(&format!("mode {} --release", when.plugin))
            ),
            (false, true) => "held until what came and went stays, or an operator releases it".into(),
            (false, false) => why.join("; "),
        };
        lines.push(format!("  now: {now}; {why}"));
    }
    lines.push(match &fallback.recovery {
        None => "  what is away is not brought back by the host (autoRecovery.enabled is false)".into(),
        Some(recovery) => {
            let every = duration(Duration::from_millis(recovery.every_ms));
            match recovery.coming.as_slice() {
                [] if recovery.tries > 0 => format!(
                    "  all {} tries to bring it back have been made; it comes back by itself, or by an operator",
                    recovery.tries
                ),
                [] => format!("  what is away is tried to be brought back every {every}, {} times", recovery.max),
                [next, ..] => format!(
                    "  try {} of {} to bring it back {}, then every {every}",
                    recovery.tries + 1,
                    recovery.max,
                    from_now(when, next)
                ),
            }
        }
    });
    lines
}
