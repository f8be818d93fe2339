//! `ps`: how every plugin of a running host stands.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{PluginInfo, Plugins};

use crate::cli::ProjectJson;
use crate::exit::Exit;
use crate::show::{self, Cell, Style, table};

pub(crate) async fn run(args: ProjectJson, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    match client.plugins().await {
        Ok(plugins) if args.json => super::print_json(&plugins),
        Ok(plugins) => print(&plugins),
        Err(error) => return super::told(&error, args.json),
    }
    Exit::Ok
}

fn print(plugins: &Plugins) {
    let rows: Vec<_> = plugins.plugins.iter().map(row).collect();
    let headings = ["PLUGIN", "VERSION", "RUNTIME", "STATE", "HEALTH", "PID", "LIFE", "SINCE", "NOTE"];
    super::println(table(&headings, &rows, Style::stdout()).trim_end());
    let uptime = show::duration(Duration::from_millis(plugins.uptime_ms));
    super::println(&format!("\n{}: host {} up for {uptime}", plugins.project, plugins.pid));
}

fn row(plugin: &PluginInfo) -> Vec<Cell> {
    let state = match plugin.phase.as_str() {
        "ready" => Style::green,
        "failed" | "abandoned" => Style::red,
        "not-started" | "stopped" => Style::dim,
        _ => Style::yellow,
    };
    let note = match &plugin.failure {
        Some(failure) => {
            let detail = failure.detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
            format!("{} at {}: {}{detail}", failure.code, failure.stage, failure.message)
        }
        None => String::new(),
    };
    vec![
        Cell::painted(plugin.name.clone(), Style::bold),
        Cell::plain(plugin.version.clone()),
        Cell::plain(plugin.runtime.clone()),
        Cell::painted(plugin.phase.clone(), state),
        Cell::plain(plugin.status.clone()),
        Cell::plain(plugin.pid.map_or_else(|| "–".into(), |pid| pid.to_string())),
        Cell::plain(plugin.incarnation.to_string()),
        Cell::plain(show::duration(Duration::from_millis(plugin.since_ms))),
        Cell::plain(note),
    ]
}
