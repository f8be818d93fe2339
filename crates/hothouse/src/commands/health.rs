//! `health`: ask one plugin how it is.

use std::path::PathBuf;

use crate::cli::HealthArgs;
use crate::exit::Exit;
use crate::show::{self, Style, harmless};

pub(crate) async fn run(args: HealthArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let (health, place) = match client.health(&args.plugin).await {
        Ok(answer) => (answer.health, answer.place),
        Err(error) => {
            let asked = format!("health check of `{}`", args.plugin);
            return super::told_of(&args.plugin, &asked, &error, args.json);
        }
    };
    let healthy = health.healthy;
    if args.json {
        super::print_json(&health);
    } else {
        let style = Style::stdout();
        let word = if healthy { style.green("healthy") } else { style.red("unhealthy") };
        let message = health.message.map_or_else(String::new, |message| format!(": {}", harmless(&message)));
        let place = place.map_or(String::new(), |place| format!(" [{place}]"));
        super::println(&format!("{}: {word}{message}{place}", args.plugin));
        if !healthy {
            show::tell(&format!(
                "  next: {} shows what it logged; {} starts it anew",
                show::hothouse(&format!("logs {}", args.plugin)),
                show::hothouse(&format!("restart {}", args.plugin))
            ));
        }
    }
    if healthy { Exit::Ok } else { Exit::CallFailed }
}
