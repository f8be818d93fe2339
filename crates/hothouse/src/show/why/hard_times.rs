//! The same for plugins that do not do all of their work: those that do without something, those that are not healthy,
//! and those that are going to be restarted.

use std::time::Duration;

use hothouse_api::{Away, PluginInfo, Why};
use hothouse_config::Project;

use super::{between, is_about, unix_ms};
use crate::show::advice::hothouse;
use crate::show::style::Style;
use crate::show::{duration, place};

/// The longest chain of plugins that do without each other.
const LONGEST_CHAIN: usize = 64;

/// The plugin that is to blame for what this one does without: where one that is away does without another one in turn,
/// that one.
pub(crate) fn away(plugin: &str, all: &[PluginInfo], project: &Project) -> Option<Away> {
    let info = |name: &str| all.iter().find(|info| info.name == name);
    let mut name = info(plugin)?.missing.first()?.plugin.as_str();
    for _ in 0..LONGEST_CHAIN {
        let Some(deeper) = info(name).and_then(without) else { break };
        name = deeper;
    }
    let info = info(name);
    Some(Away {
        plugin: name.into(),
        why: info.map_or_else(|| "is not declared".into(), why_away),
        phase: info.map(|info| info.phase.clone()),
        place: place(name, project),
    })
}

/// The plugin for whose sake this one is away.
fn without(info: &PluginInfo) -> Option<&str> {
    let disabled = (info.mode.as_deref() == Some("disabled") && !info.forced)
        .then(|| info.missing.first().map(|missing| missing.plugin.as_str()));
    let root = || info.failure.as_ref()?.root.as_deref().filter(|root| *root != info.name);
    disabled.flatten().or_else(root)
}

/// Why a plugin is away, as it would follow its name.
fn why_away(info: &PluginInfo) -> String {
    if let Some(failure) = &info.failure {
        let detail = failure.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
        return format!("failed at {}: {}{detail}", failure.stage, failure.message);
    }
    match (info.phase.as_str(), &info.objection) {
        ("ready" | "leaving", Some(objection)) => format!("is {}: {objection}", info.status),
        ("ready" | "leaving", None) if info.mode.as_deref() == Some("disabled") => {
            "was disabled by an operator".into()
        }
        ("ready" | "leaving", None) => format!("is {}", info.status),
        ("not-started", _) => "was not started".into(),
        (phase, _) => format!("is {phase}"),
    }
}

/// The root cause, if it is one of those.
pub(super) fn first_line(why: &Why, style: Style) -> Option<String> {
    if !is_up(why) {
        return None;
    }
    let at = |place: Option<&String>| place.map_or_else(String::new, |place| format!(" [{place}]"));
    let plugin = &why.plugin;
    match (&why.mode, &why.away, &why.objection) {
        (Some(mode), _, _) if why.forced => {
            Some(format!("`{plugin}` serves as {mode}, because an operator has set that"))
        }
        (Some(mode), _, _) if is_held(why) => Some(format!(
            "`{plugin}` serves as {mode} still, although nothing critical is away any more: what comes and goes is waited \
             out, and without autoRecovery an operator ends it"
        )),
        (Some(_), Some(away), _) => {
            let painted = away.why.replacen("failed", &style.red("failed"), 1);
            Some(format!("`{}` {painted}{}", away.plugin, at(away.place.as_ref())))
        }
        (Some(_), None, _) => None,
        (None, _, Some(objection)) => {
            let status = why.status.as_deref().unwrap_or("unhealthy");
            let own = why.place.as_ref().filter(|_| {
                why.root.as_ref().is_none_or(|root| root.plugin.is_none() || is_about(root, plugin))
            });
            Some(format!("`{plugin}` is {}: {objection}{}", style.red(status), at(own)))
        }
        (None, _, None) => None,
    }
}

/// Whether it serves less although nothing that is away now is a reason for it.
fn is_held(why: &Why) -> bool {
    let critical = why.missing.iter().any(|missing| missing.critical);
    !critical && (why.mode.as_deref() != Some("degraded") || why.missing.is_empty())
}

fn is_up(why: &Why) -> bool {
    matches!(why.phase.as_str(), "ready" | "leaving")
}

/// What follows from it for the plugin.
pub(super) fn second_line(why: &Why) -> Option<String> {
    let plugin = &why.plugin;
    let now = if why.running { "" } else { ", as far as is known: no host is running" };
    if let Some(restart) = why.restart {
        let pause = duration(Duration::from_millis(restart.in_ms));
        let (attempt, of) = (restart.attempt, restart.of);
        return Some(format!("that is why `{plugin}` is restarted in {pause}: restart {attempt} of {of}"));
    }
    let mode = why.mode.as_ref().filter(|_| is_up(why) && !why.forced && !is_held(why))?;
    let serves = if mode == "degraded" {
        "has some of its features switched".into()
    } else {
        format!("serves as {mode}")
    };
    // Not since it is ready, but since it serves no more than that.
    let since = why.chain.last().filter(|last| last.kind == "modeChanged").map(|last| last.time.as_str());
    let times = (since.or(why.since.as_deref()).and_then(unix_ms), unix_ms(&why.now));
    let how_long = match times {
        (Some(since), Some(now)) => format!(", for {}", between(since, now)),
        _ => String::new(),
    };
    Some(format!("that is why `{plugin}` {serves}{how_long}{now}"))
}

/// What to type next.
pub(super) fn next(why: &Why) -> Option<String> {
    if !why.running {
        return None;
    }
    let plugin = &why.plugin;
    let about = |command: &str, plugin: &str| hothouse(&format!("{command} {plugin}"));
    if why.restart.is_some() {
        return Some(format!(
            "nothing; {} says what comes if it fails again; {} shows what it logged",
            about("when", plugin),
            about("logs", plugin)
        ));
    }
    if !is_up(why) {
        return None;
    }
    match (&why.mode, &why.away, &why.objection) {
        (Some(_), _, _) if why.forced => {
            Some(format!("{} ends that", hothouse(&format!("mode {plugin} --release"))))
        }
        (Some(_), _, _) if is_held(why) => {
            Some(format!("wait, or {} ends it", hothouse(&format!("mode {plugin} --release"))))
        }
        (Some(_), Some(away), _) => Some(match away.phase.as_deref() {
            None => format!("add `{}` to the project file, then {}", away.plugin, hothouse("apply")),
            Some("failed" | "stopped" | "not-started") => format!(
                "{} starts it; {} says whether it is tried by itself",
                about("start", &away.plugin),
                about("when", plugin)
            ),
            Some("ready") => format!(
                "{} shows what it logged; {} what is going to happen",
                about("logs", &away.plugin),
                about("when", &away.plugin)
            ),
            Some(_) => format!("nothing; {} says when it is back", about("when", &away.plugin)),
        }),
        (Some(_), None, _) => None,
        (None, _, Some(_)) => Some(format!(
            "{} shows what it logged; {} what is going to happen",
            about("logs", plugin),
            about("when", plugin)
        )),
        (None, _, None) => None,
    }
}
