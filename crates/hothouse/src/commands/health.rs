//! `health`: ask one plugin how it is.

use std::path::PathBuf;

use crate::cli::HealthArgs;
use crate::exit::Exit;
use crate::show::{Style, harmless};

pub(crate) async fn run(args: HealthArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let health = match client.health(&args.plugin).await {
        Ok(answer) => answer.health,
        Err(error) => return super::told(&error, args.json),
    };
    let healthy = health.healthy;
    if args.json {
        super::print_json(&health);
    } else {
        let style = Style::stdout();
        let word = if healthy { style.green("healthy") } else { style.red("unhealthy") };
        let message = health.message.map_or_else(String::new, |message| format!(": {}", harmless(&message)));
        super::println(&format!("{}: {word}{message}", args.plugin));
    }
    if healthy { Exit::Ok } else { Exit::CallFailed }
}
