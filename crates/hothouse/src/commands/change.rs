//! `start`, `stop`, `restart`, `down`: change what runs, and say what came of it. Each waits until it is done.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{Change, ClientError, Started, Stopped};

use crate::cli::{ChangeArgs, ProjectJson, StopArgs};
use crate::exit::Exit;
use crate::show::{self, Style};

pub(crate) async fn start(args: ChangeArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.start(&change(args.plugins, args.timeout)).await;
    started(outcome, args.json)
}

pub(crate) async fn restart(args: ChangeArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.restart(&change(args.plugins, args.timeout)).await;
    started(outcome, args.json)
}

pub(crate) async fn stop(args: StopArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.stop(&change(args.plugins, None)).await;
    stopped(outcome, args.json, "stopped")
}

pub(crate) async fn down(args: ProjectJson, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    stopped(client.down().await, args.json, "the host has ended; stopped")
}

fn change(plugins: Vec<String>, timeout_ms: Option<u64>) -> Change {
    Change { plugins: (!plugins.is_empty()).then_some(plugins), timeout_ms }
}

fn started(outcome: Result<Started, ClientError>, json: bool) -> Exit {
    let started = match outcome {
        Ok(started) => started,
        Err(error) => return super::told(&error, json),
    };
    let ok = started.result.all_successful;
    if json {
        super::print_json(&started);
    } else if !ok {
        show::tell(&show::start_failed(&started, Style::stderr(), true));
    } else if started.result.results.is_empty() {
        super::println("nothing to do: it runs already");
    } else {
        let total = show::duration(Duration::from_secs_f64(started.timeline.total_ms.max(0.0) / 1e3));
        let names: Vec<&str> = started.result.results.iter().map(|one| one.plugin.name.as_str()).collect();
        super::println(&format!("ready in {total}: {}", names.join(", ")));
    }
    if ok { Exit::Ok } else { Exit::StartFailed }
}

fn stopped(outcome: Result<Stopped, ClientError>, json: bool, done: &str) -> Exit {
    let stopped = match outcome {
        Ok(stopped) => stopped,
        Err(error) => return super::told(&error, json),
    };
    if json {
        super::print_json(&stopped);
    } else if stopped.abandoned.is_empty() {
        match stopped.stopped.join(", ").as_str() {
            "" => super::println(&format!("{done}: nothing was running")),
            names => super::println(&format!("{done}: {names}")),
        }
    } else {
        show::error(&format!("could not be ended, and is fenced off: {}", stopped.abandoned.join(", ")));
    }
    if stopped.abandoned.is_empty() { Exit::Ok } else { Exit::Abandoned }
}
