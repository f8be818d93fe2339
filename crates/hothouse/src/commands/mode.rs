//! `mode`: sets what a plugin serves, whatever is missing, or releases it.

use std::path::PathBuf;

use hothouse_api::{Answered, ModeNow, SetMode};

use super::change::under_way;
use crate::cli::ModeArgs;
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(args: ModeArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let mode = args.mode.map(|mode| mode.as_str().to_owned());
    let set = SetMode { plugin: args.plugin, mode, wait_ms: args.wait.wait_ms() };
    match client.set_mode(&set).await {
        Ok(Answered::Done(now)) if args.json => super::print_json(&now),
        Ok(Answered::Done(now)) => super::println(&told(&now, set.mode.is_some())),
        Ok(Answered::UnderWay(what)) => return under_way(&what, args.json, args.wait),
        Err(error) => return super::told(&error, args.json),
    }
    Exit::Ok
}

fn told(now: &ModeNow, is_set: bool) -> String {
    let ModeNow { plugin, phase, mode, missing, .. } = now;
    if !matches!(phase.as_str(), "ready" | "leaving") {
        let what = if is_set { "set" } else { "released" };
        return format!("{plugin}: {what}; it is {phase}, and that holds as soon as it serves");
    }
    if is_set {
        let release = show::hothouse(&format!("mode {plugin} --release"));
        return format!("{plugin}: serves as {mode} until {release}");
    }
    let without: Vec<&str> = missing.iter().map(|missing| missing.plugin.as_str()).collect();
    match (mode.as_str(), without.is_empty()) {
        ("normal", _) => format!("{plugin}: released, and serves as ever"),
        (mode, true) => format!("{plugin}: released, and serves as {mode}"),
        (mode, false) => format!("{plugin}: released, and serves as {mode}: without {}", without.join(", ")),
    }
}
