//! `start`, `stop`, `restart`, `down`: change what runs, and say what came of it. Each waits until it is done, unless told
//! otherwise.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{Answered, Change, ClientError, Started, Stopped, UnderWay};

use super::survivors;
use crate::cli::{ChangeArgs, DownArgs, StopArgs, WaitArgs};
use crate::exit::Exit;
use crate::show::{self, Style};

pub(crate) async fn start(args: ChangeArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.start(&change(args.plugins, args.timeout, args.wait)).await;
    started(outcome, args.json, args.wait)
}

pub(crate) async fn restart(args: ChangeArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.restart(&change(args.plugins, args.timeout, args.wait)).await;
    started(outcome, args.json, args.wait)
}

pub(crate) async fn stop(args: StopArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.stop(&change(args.plugins, None, args.wait)).await;
    stopped(outcome, args.json, args.wait, "stopped")
}

pub(crate) async fn down(args: DownArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let outcome = client.down(&change(Vec::new(), None, args.wait)).await;
    if let Err(ClientError::NotRunning { socket, .. }) = &outcome
        && let Some(exit) = survivors::end(&args, socket)
    {
        return exit;
    }
    stopped(outcome, args.json, args.wait, "the host has ended; stopped")
}

fn change(plugins: Vec<String>, timeout_ms: Option<u64>, wait: WaitArgs) -> Change {
    Change { plugins: (!plugins.is_empty()).then_some(plugins), timeout_ms, wait_ms: wait.wait_ms() }
}

/// Says that it goes on, and how to see how far it is.
pub(super) fn under_way(what: &UnderWay, json: bool, wait: WaitArgs) -> Exit {
    let watch = format!("{} shows how far it is", show::hothouse("ps"));
    match (json, wait.is_content()) {
        (true, _) => super::print_json(what),
        (false, true) => super::println(&format!("accepted: {}; {watch}", what.under_way)),
        (false, false) => {
            let waited = wait.wait_ms().unwrap_or_default();
            show::error(&format!(
                "`{}` is not over after {waited} ms, and goes on\n  next: {watch}",
                what.under_way
            ));
        }
    }
    if wait.is_content() { Exit::Ok } else { Exit::StillGoing }
}

fn started(outcome: Result<Answered<Started>, ClientError>, json: bool, wait: WaitArgs) -> Exit {
    let started = match outcome {
        Ok(Answered::Done(started)) => started,
        Ok(Answered::UnderWay(what)) => return under_way(&what, json, wait),
        Err(error) => return super::told(&error, json),
    };
    let ok = started.result.all_successful;
    if json {
        let mut value = serde_json::to_value(&started).unwrap_or_default();
        if !ok {
            value["next"] = show::after_failed_start(&started, true).into();
        }
        super::print_json(&value);
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

fn stopped(outcome: Result<Answered<Stopped>, ClientError>, json: bool, wait: WaitArgs, done: &str) -> Exit {
    let stopped = match outcome {
        Ok(Answered::Done(stopped)) => stopped,
        Ok(Answered::UnderWay(what)) => return under_way(&what, json, wait),
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
