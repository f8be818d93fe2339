//! `ps`: how every plugin of a running host stands, once or whenever that changes.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{PluginInfo, RestartInfo};

use crate::cli::PsArgs;
use crate::exit::Exit;
use crate::show::{self, Cell, Column, Style, fitted};

pub(crate) async fn run(args: PsArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    if args.watch {
        return super::watch::run(&client, args.json).await;
    }
    match client.plugins().await {
        Ok(plugins) if args.json => super::print_json(&plugins),
        Ok(plugins) => {
            super::println(&table_of(&plugins.plugins, Style::stdout(), show::stdout_width()));
            let uptime = show::duration(Duration::from_millis(plugins.uptime_ms));
            super::println(&format!("\n{}: host {} up for {uptime}", plugins.project, plugins.pid));
            plugins.plugins.iter().filter_map(failed).for_each(|text| super::println(&text));
        }
        Err(error) => return super::told(&error, args.json),
    }
    Exit::Ok
}

/// Why a plugin failed and what to type next, if it failed by itself: the table may have no room for all of that.
fn failed(plugin: &PluginInfo) -> Option<String> {
    let failure = plugin.failure.as_ref().filter(|failure| failure.root.is_none())?;
    let about = |command: &str| show::hothouse(&format!("{command} {}", plugin.name));
    let next = match plugin.restart {
        Some(_) => format!("nothing; {} says when it is restarted, and when it is given up", about("when")),
        None => format!("{} says how it came to that; {} starts it again", about("why"), about("start")),
    };
    Some(format!("{}\n  next: {next}", show::headline(&plugin.name, failure)))
}

/// The columns, each with how early a narrow terminal does without it.
const COLUMNS: [Column; 9] = [
    Column("PLUGIN", 0),
    Column("VERSION", 6),
    Column("RUNTIME", 5),
    Column("STATE", 0),
    Column("HEALTH", 4),
    Column("PID", 2),
    Column("LIFE", 7),
    Column("SINCE", 3),
    Column("NOTE", 1),
];

/// The table without the line break at its end.
pub(super) fn table_of(plugins: &[PluginInfo], style: Style, width: Option<usize>) -> String {
    let rows: Vec<_> = plugins.iter().map(row).collect();
    fitted(&COLUMNS, &rows, style, width).trim_end().to_owned()
}

/// How a phase is coloured.
pub(super) fn paint(phase: &str) -> fn(Style, &str) -> String {
    match phase {
        "ready" => Style::green,
        "failed" | "abandoned" => Style::red,
        "not-started" | "stopped" => Style::dim,
        _ => Style::yellow,
    }
}

/// Why it does not run or does not do all of its work, in one line.
pub(super) fn note(plugin: &PluginInfo) -> String {
    let failure = plugin.failure.as_ref().map(|failure| {
        let detail = failure.detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
        (failure, format!("{}{detail}", failure.message))
    });
    match (failure, plugin.restart) {
        (Some((_, text)), Some(RestartInfo { attempt, of, in_ms })) => {
            let pause = show::duration(Duration::from_millis(in_ms));
            format!("restart {attempt} of {of} in {pause}: {text}")
        }
        (Some((failure, text)), None) => {
            let after = plugin.gave_up_after.and_then(|restarts| usize::try_from(restarts).ok());
            let gave_up = after.map_or_else(String::new, |restarts| {
                format!("gave up after {}: ", show::count(restarts, "restart"))
            });
            format!("{gave_up}{} at {}: {text}", failure.code, failure.stage)
        }
        (None, _) => {
            let notes = [mode_note(plugin), plugin.objection.clone()];
            notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
    }
}

/// `readonly: without db`.
fn mode_note(plugin: &PluginInfo) -> Option<String> {
    let mode = plugin.mode.as_ref()?;
    let missing: Vec<&str> = plugin.missing.iter().map(|missing| missing.plugin.as_str()).collect();
    let without =
        if missing.is_empty() { String::new() } else { format!(": without {}", missing.join(", ")) };
    let critical = plugin.missing.iter().any(|missing| missing.critical);
    let is_held = !critical && (mode != "degraded" || missing.is_empty());
    Some(match plugin.forced {
        true => format!("{mode}, set by an operator{without}"),
        false if is_held => format!("{mode} still, until it may be left{without}"),
        false => format!("{mode}{without}"),
    })
}

fn row(plugin: &PluginInfo) -> Vec<Cell> {
    vec![
        Cell::painted(plugin.name.clone(), Style::bold),
        Cell::plain(plugin.version.clone()),
        Cell::plain(plugin.runtime.clone()),
        Cell::painted(plugin.phase.clone(), paint(&plugin.phase)),
        Cell::plain(plugin.status.clone()),
        Cell::plain(plugin.pid.map_or_else(|| "–".into(), |pid| pid.to_string())),
        Cell::plain(plugin.incarnation.to_string()),
        Cell::plain(show::duration(Duration::from_millis(plugin.since_ms))),
        Cell::plain(note(plugin)),
    ]
}
