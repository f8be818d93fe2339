//! What a host has written down of what happened, read where no host answers, or where it has forgotten.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use hothouse_api::{Away, EventInfo, MissingInfo, Why};
use hothouse_config::Project;
use hothouse_host::read_events;
use serde_json::Value;

use crate::show;

/// The longest chain of causes that is told.
const LONGEST_CHAIN: usize = 32;

/// The events after number `after` in that folder.
pub(crate) fn values(folder: &Path, after: u64) -> io::Result<Vec<Value>> {
    let mut values = Vec::new();
    read_events(folder, after, |event| values.push(event))?;
    Ok(values)
}

/// The same, without what is no event.
pub(crate) fn events(folder: &Path, after: u64) -> io::Result<Vec<EventInfo>> {
    Ok(values(folder, after)?.into_iter().filter_map(info).collect())
}

/// An event out of its JSON.
pub(crate) fn info(event: Value) -> Option<EventInfo> {
    serde_json::from_value(event).ok()
}

/// Where the plugin that a root is about stands in the project file; where it is about none, the one that was asked
/// about.
pub(crate) fn place_of(root: Option<&EventInfo>, plugin: &str, project: &Project) -> Option<String> {
    show::place(root?.plugin.as_deref().unwrap_or(plugin), project)
}

/// Why a plugin was where it was when the host was last heard of.
pub(crate) fn why(plugin: &str, events: &[EventInfo], project: &Project) -> Why {
    let run = |event: &EventInfo| event.more.get("run").and_then(Value::as_u64);
    let last_run = events.last().and_then(run);
    let of_run: Vec<&EventInfo> = events.iter().filter(|event| run(event) == last_run).collect();
    let own = of_run.iter().filter(|event| event.plugin.as_deref() == Some(plugin) && moves(event));
    let own: Vec<&EventInfo> = own.copied().collect();
    let (chain, cut) = own.last().map_or((Vec::new(), false), |last| chain(last, &of_run));
    let phase = phase(&own);
    let root = show::root_of(phase, &chain);
    Why {
        plugin: plugin.into(),
        phase: phase.into(),
        since: own.last().map(|event| event.time.clone()),
        now: of_run.last().map_or(String::new(), |event| event.time.clone()),
        running: false,
        place: place_of(root.as_ref(), plugin, project),
        root,
        chain,
        cut,
        gave_up_after: gave_up_after(phase, &own),
        ..served(&own, phase, project)
    }
}

/// Whether an event has to do with where its plugin is. That a plugin is healthy after its start is as expected.
fn moves(event: &EventInfo) -> bool {
    match event.kind.as_str() {
        "ignored" | "hostLate" => false,
        "healthChanged" => (event.text("from"), event.text("to")) != (Some("unknown"), Some("healthy")),
        _ => true,
    }
}

/// What a plugin served when the host was last heard of, as far as its events tell.
fn served(own: &[&EventInfo], phase: &str, project: &Project) -> Why {
    let last = own.iter().rev().find(|event| matches!(event.kind.as_str(), "modeChanged" | "launched"));
    let changed = last.filter(|event| phase == "ready" && event.kind == "modeChanged");
    let Some(changed) = changed.filter(|event| event.text("to") != Some("normal")) else {
        return Why::default();
    };
    let missing = changed.more.get("missing").cloned().unwrap_or_default();
    let missing: Vec<MissingInfo> = serde_json::from_value(missing).unwrap_or_default();
    let away = missing.first().map(|first| Away {
        plugin: first.plugin.clone(),
        why: first.why.clone(),
        phase: None,
        place: show::place(&first.plugin, project),
    });
    Why {
        mode: changed.text("to").map(str::to_owned),
        forced: changed.more.get("forced").and_then(Value::as_bool).unwrap_or(false),
        missing,
        away,
        ..Why::default()
    }
}

/// After how many restarts it was given up, if that was the last that became of it.
fn gave_up_after(phase: &str, own: &[&EventInfo]) -> Option<u64> {
    let last = own.last().filter(|event| phase == "failed" && event.kind == "gaveUp")?;
    last.more.get("attempts")?.as_u64()
}

/// What led to an event, the root first, and whether there was more before that.
fn chain(last: &EventInfo, events: &[&EventInfo]) -> (Vec<EventInfo>, bool) {
    let by_number: HashMap<u64, &EventInfo> = events.iter().map(|event| (event.seq, *event)).collect();
    let back = std::iter::successors(Some(last), |event| by_number.get(&event.cause?).copied());
    let mut chain: Vec<EventInfo> = back.take(LONGEST_CHAIN).cloned().collect();
    chain.reverse();
    let cut = chain.first().is_some_and(|first| first.cause.is_some());
    (chain, cut)
}

/// The phase that a plugin was in after these events, which are its own.
fn phase(own: &[&EventInfo]) -> &'static str {
    let mut failed = false;
    own.iter().fold("not-started", |before, event| {
        failed |= event.kind == "failed";
        match event.kind.as_str() {
            "launched" => {
                failed = false;
                "initializing"
            }
            "initialized" => "starting",
            "ready" => "ready",
            "failed" => "failed",
            "withdrawn" if before == "not-started" => "not-started",
            "stopBegan" => "stopping",
            "stopped" if failed => "failed",
            "stopped" => "stopped",
            "abandoned" => "abandoned",
            "restartScheduled" => "backoff",
            "restartCancelled" => "stopped",
            _ => before,
        }
    })
}
