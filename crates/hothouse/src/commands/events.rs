//! `events`: what has happened, and with `--follow` what happens, from the running host; without one from its files.

use std::path::PathBuf;

use hothouse_api::{ClientError, EventFeed, EventInfo, Fed};

use crate::cli::EventsArgs;
use crate::exit::Exit;
use crate::show::{self, Style};
use crate::{past, places, project};

pub(crate) async fn run(args: EventsArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let plugin = args.plugin.as_deref();
    if args.follow {
        return match client.follow_events(args.since, plugin).await {
            Ok(feed) => follow(feed, args.json).await,
            Err(nobody @ ClientError::NotRunning { .. }) => nobody_to_follow(&nobody, args.json),
            Err(error) => super::told(&error, args.json),
        };
    }
    match client.events(args.since, plugin).await {
        Ok(events) => print(&events, args.json),
        Err(ClientError::NotRunning { .. }) => return of_the_past(&args),
        Err(error) => return super::told(&error, args.json),
    }
    Exit::Ok
}

/// There is nobody to be followed, but perhaps something to be read.
fn nobody_to_follow(nobody: &ClientError, json: bool) -> Exit {
    let next = format!(
        "{} starts one; {} shows what the last one has written down",
        show::hothouse("up"),
        show::hothouse("events")
    );
    super::told_with(Exit::NotRunning, &next, "", nobody, json)
}

async fn follow(mut feed: EventFeed, json: bool) -> Exit {
    loop {
        match feed.next().await {
            Ok(Some(Fed::Event(event))) => print(std::slice::from_ref(&*event), json),
            Ok(Some(Fed::Missed(count))) if json => {
                super::print_json(&serde_json::json!({ "type": "missed", "count": count }));
            }
            Ok(Some(Fed::Missed(count))) => {
                show::tell(&format!(
                    "{} missing: the host does not have them any more",
                    show::count(to_usize(count), "event")
                ));
            }
            Ok(None) => return Exit::Ok,
            Err(error) => return super::told(&error, json),
        }
    }
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn of_the_past(args: &EventsArgs) -> Exit {
    let project = match project::load(args.place.project()) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    if let Some(name) =
        args.plugin.as_deref().filter(|name| !project.plugins.iter().any(|plugin| plugin.name == *name))
    {
        show::error(&format!(
            "{}\n  next: {} lists them",
            show::no_such_plugin(name, &project),
            show::hothouse("plan")
        ));
        return Exit::Refused;
    }
    let read = places::state_dir(&project).and_then(|folder| {
        past::events(&folder, args.since).map_err(|error| format!("{}: {error}", folder.display()))
    });
    match read {
        Ok(mut events) => {
            show::tell(&whose(&events));
            let wanted = |event: &EventInfo| args.plugin.is_none() || event.plugin == args.plugin;
            events.retain(wanted);
            print(&events, args.json);
            Exit::Ok
        }
        Err(error) => {
            show::error(&error);
            Exit::Internal
        }
    }
}

/// Where events come from that no host tells.
fn whose(events: &[EventInfo]) -> String {
    match events.last() {
        Some(last) => {
            format!("no host is running; this is what was written down, the last of it at {}", last.time)
        }
        None => "no host is running, and no such event is written down".into(),
    }
}

fn print(events: &[EventInfo], json: bool) {
    let names = events.iter().filter_map(|event| event.plugin.as_ref());
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0).clamp(8, 24);
    for event in events {
        if json {
            super::print_json(event);
        } else {
            super::println(&show::event_line(event, width, Style::stdout()));
        }
    }
}
