//! Why a plugin is where it is, told to a tired person: the root cause first, then how it led here, then what to type.

mod hard_times;

use std::time::Duration;

use hothouse_api::{EventInfo, FailureInfo, RootCause, Why};
use hothouse_protocol::DateTime;

pub(crate) use hard_times::away;

use super::advice::hothouse;
use super::happened::{by, failure, given_up, happened, painted};
use super::style::{Style, harmless};
use super::{in_words, next_step, table};
use crate::show::Cell;

/// The event that a plugin's state comes from: the first failure that is no mere consequence, else what was asked for.
pub(crate) fn root_of(phase: &str, chain: &[EventInfo]) -> Option<EventInfo> {
    let failed =
        |event: &&EventInfo| event.kind == "failed" && event.failure("code") != Some("DEPENDENCY_FAILED");
    // A plugin that is up, or on its way there, is so in spite of what failed before.
    let up = matches!(phase, "ready" | "waiting" | "initializing" | "starting" | "checking");
    chain.iter().find(failed).filter(|_| !up).or(chain.first()).cloned()
}

/// The whole explanation.
pub(crate) fn why(why: &Why, style: Style) -> String {
    let mut lines = vec![first_line(why, style)];
    lines.extend(second_line(why));
    if !why.chain.is_empty() {
        lines.push(String::new());
        lines.push(chain(why, style));
    }
    lines.push(String::new());
    lines.push(format!("next: {}", next(why)));
    lines.join("\n")
}

/// The root cause: what, which plugin, at which stage, why, and where that stands in the project file.
fn first_line(why: &Why, style: Style) -> String {
    let Some(root) = &why.root else {
        return format!("`{}` was never asked to start", why.plugin);
    };
    if let Some(line) = hard_times::first_line(why, style) {
        return line;
    }
    let place = why.place.as_ref().map_or(String::new(), |place| format!(" [{place}]"));
    match (why.phase.as_str(), root.kind.as_str()) {
        ("ready", _) => ready(why, root),
        ("abandoned", _) => {
            format!(
                "`{}` could not be ended: it is still there after the last step of stopping it{place}",
                why.plugin
            )
        }
        (_, "failed") => {
            let plugin = root.plugin.as_deref().unwrap_or("?");
            let stage = root.failure("stage").unwrap_or("?");
            let failed = style.red("failed");
            format!("`{plugin}` {failed} at {stage}: {}{place}", failure(root))
        }
        _ => match &root.plugin {
            Some(plugin) => format!("`{plugin}`: {}", happened(root)),
            None => happened(root),
        },
    }
}

/// `api` is ready since …: started by the operator, after `db` became ready.
fn ready(why: &Why, root: &EventInfo) -> String {
    let since = why.since.as_deref().unwrap_or("?");
    if root.kind == "failed" && is_about(root, &why.plugin) {
        let stage = root.failure("stage").unwrap_or("?");
        return format!(
            "`{}` is ready since {since} ({}): restarted by itself after it failed at {stage}: {}",
            why.plugin,
            for_how_long(why),
            failure(root)
        );
    }
    let mut since_then = why.chain.iter().skip_while(|event| event.seq <= root.seq);
    if root.kind == "healthChanged"
        && since_then.any(|event| event.kind == "launched" && is_about(event, &why.plugin))
    {
        let what = root.text("to").unwrap_or("?");
        let said = root.text("why").map_or_else(String::new, |said| format!(": {}", harmless(said)));
        let how_long = for_how_long(why);
        return format!(
            "`{}` is ready since {since} ({how_long}): restarted by itself after it became {what}{said}",
            why.plugin
        );
    }
    if let Some(line) = well_again(why, root) {
        return line;
    }
    if root.kind == "healthChanged" {
        let how_long = for_how_long(why);
        return format!("`{}` is ready since {since} ({how_long}), and {}", why.plugin, happened(root));
    }
    let again = if root.kind == "restartRequested" { "started again" } else { "started" };
    let by = if root.text("by").is_some() { format!(" by {}", by(root)) } else { String::new() };
    let launched =
        why.chain.iter().position(|event| event.kind == "launched" && is_about(event, &why.plugin));
    let before = launched.and_then(|at| why.chain.get(at.checked_sub(1)?));
    let after = match before.map(|event| (event.kind.as_str(), event.plugin.as_deref())) {
        Some(("ready", Some(other))) => format!(", after `{other}` became ready"),
        Some(("failed", Some(other))) => {
            format!(", without `{other}`, which it does not need and which failed")
        }
        _ => String::new(),
    };
    format!("`{}` is ready since {since} ({}): {again}{by}{after}", why.plugin, for_how_long(why))
}

/// `api` is ready since …, and healthy again since …: before that it was unhealthy: no disk.
fn well_again(why: &Why, root: &EventInfo) -> Option<String> {
    let about_health = |event: &&EventInfo| event.kind == "healthChanged" && is_about(event, &why.plugin);
    let mut changes = why.chain.iter().rev().filter(about_health);
    let well = changes.next().filter(|event| event.text("to") == Some("healthy"))?;
    let ill = changes.next().unwrap_or(root);
    let said = harmless(ill.text("why")?);
    Some(format!(
        "`{}` is ready since {} ({}), and healthy again since {}: before that it was {}: {said}",
        why.plugin,
        why.since.as_deref().unwrap_or("?"),
        for_how_long(why),
        well.time,
        ill.text("to").unwrap_or("?"),
    ))
}

fn second_line(why: &Why) -> Option<String> {
    if let Some(line) = hard_times::second_line(why) {
        return Some(line);
    }
    let now = if why.running { "" } else { ", as far as is known: no host is running" };
    let waits = match why.waits_for.as_slice() {
        [] => String::new(),
        names => format!(
            "; it waits for {}",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    match why.phase.as_str() {
        "ready" if why.running => None,
        "ready" => Some(format!("that was how it stood at {}{now}", why.now)),
        _ if why.root.is_none() && why.running => None,
        phase => {
            let gave_up = why
                .gave_up_after
                .map_or_else(String::new, |restarts| format!("; it was {}", given_up(restarts)));
            let how_long = for_how_long(why);
            let phase = in_words(phase);
            Some(format!("that is why `{}` is {phase}, for {how_long}{now}{waits}{gave_up}", why.plugin))
        }
    }
}

fn chain(why: &Why, style: Style) -> String {
    let now = unix_ms(&why.now);
    let row = |event: &EventInfo| {
        let ago = match (now, unix_ms(&event.time)) {
            (Some(now), Some(then)) => format!("{} ago", between(then, now)),
            _ => event.time.clone(),
        };
        vec![
            Cell::painted(format!("#{}", event.seq), Style::dim),
            Cell::painted(ago, Style::dim),
            Cell::painted(event.plugin.clone().unwrap_or_default(), Style::bold),
            Cell::plain(painted(event, style)),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = why
        .chain
        .iter()
        .enumerate()
        .filter(|(at, _)| is_told(why, *at))
        .map(|(_, event)| row(event))
        .collect();
    if why.cut {
        rows.insert(0, vec![Cell::plain("…")]);
    }
    let text = table::rows(&rows, style);
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// How another plugin got ready is its own story: of that only the end is told.
fn is_told(why: &Why, at: usize) -> bool {
    let event = &why.chain[at];
    let on_the_way = matches!(event.kind.as_str(), "launched" | "initialized");
    let goes_on = why.chain.get(at + 1).is_some_and(|next| {
        next.plugin == event.plugin && matches!(next.kind.as_str(), "initialized" | "ready")
    });
    !(on_the_way && goes_on && !is_about(event, &why.plugin))
}

fn is_about(event: &EventInfo, plugin: &str) -> bool {
    event.plugin.as_deref() == Some(plugin)
}

/// What to type next.
pub(crate) fn next(why: &Why) -> String {
    if let Some(next) = hard_times::next(why) {
        return next;
    }
    let plugin = &why.plugin;
    let start = || if why.running { hothouse(&format!("start {plugin}")) } else { hothouse("up") };
    match why.phase.as_str() {
        "ready" if why.running => {
            format!("nothing; {} shows how it is", hothouse(&format!("health {plugin}")))
        }
        "abandoned" => format!(
            "find out what keeps `{plugin}` and end it by hand; {} shows when it is gone, then {}",
            hothouse("ps"),
            start()
        ),
        "waiting" | "initializing" | "starting" | "checking" | "leaving" | "stopping" if why.running => {
            format!("wait; {} shows what happens", hothouse(&format!("events -f --plugin {plugin}")))
        }
        _ => match why.root.as_ref().filter(|root| root.kind == "failed") {
            Some(root) => {
                let lost: Vec<String> =
                    (root.plugin.as_ref() != Some(plugin)).then(|| plugin.clone()).into_iter().collect();
                next_step(&cause(root, why), why.running, &lost)
            }
            None => format!("{} starts it", start()),
        },
    }
}

fn cause(root: &EventInfo, why: &Why) -> RootCause {
    let text = |name: &str| root.failure(name).unwrap_or_default().to_owned();
    RootCause {
        plugin: root.plugin.clone().unwrap_or_default(),
        failure: FailureInfo {
            code: text("code"),
            stage: text("stage"),
            message: text("message"),
            detail: root.failure("detail").map(str::to_owned),
            root: None,
            place: why.place.clone(),
        },
        last_lines: Vec::new(),
    }
}

fn for_how_long(why: &Why) -> String {
    match (why.since.as_deref().and_then(unix_ms), unix_ms(&why.now)) {
        (Some(since), Some(now)) => between(since, now),
        _ => "ever".into(),
    }
}

fn unix_ms(time: &str) -> Option<i64> {
    time.parse::<DateTime>().ok().map(|time| time.unix_ms())
}

fn between(then: i64, now: i64) -> String {
    super::duration(Duration::from_millis(u64::try_from(now.saturating_sub(then)).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
