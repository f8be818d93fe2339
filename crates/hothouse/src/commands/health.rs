//! `health`: what is known of how plugins are; with `--check` they are asked now.

use std::path::PathBuf;

use hothouse_api::{Client, ClientError, Healths};
use hothouse_protocol::PluginHealthStatus;

use crate::cli::HealthArgs;
use crate::exit::Exit;
use crate::show::{self, Style, harmless};

pub(crate) async fn run(args: HealthArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    if args.check {
        return check_all(&client, &args).await;
    }
    match known(&client, &args.plugins).await {
        Ok(known) => {
            if args.json {
                super::print_json(&known);
            } else {
                super::println(&show::healths(&known, Style::stdout(), show::stdout_width()));
            }
            exit_of(&known)
        }
        Err(error) => super::told(&error, args.json),
    }
}

/// What is known of these plugins, or of all.
async fn known(client: &Client, plugins: &[String]) -> Result<Healths, ClientError> {
    if plugins.is_empty() {
        return client.health(None).await;
    }
    let mut known = Healths { project: String::new(), plugins: Vec::new() };
    for plugin in plugins {
        let Healths { project, plugins } = client.health(Some(plugin)).await?;
        known.project = project;
        known.plugins.extend(plugins);
    }
    Ok(known)
}

/// A plugin that is unhealthy or failed makes the command fail, so that it can stand in a script.
fn exit_of(known: &Healths) -> Exit {
    use PluginHealthStatus::{Failed, Unhealthy};
    let is_ill = known.plugins.iter().any(|one| matches!(one.report.status, Unhealthy | Failed));
    if is_ill { Exit::CallFailed } else { Exit::Ok }
}

/// Asks one after the other. What one of them says does not keep the others from being asked.
async fn check_all(client: &Client, args: &HealthArgs) -> Exit {
    let mut exit = Exit::Ok;
    for plugin in &args.plugins {
        match check(client, plugin, args.json).await {
            Exit::Ok => {}
            failed @ (Exit::NotRunning | Exit::Internal) => return failed,
            failed => exit = failed,
        }
    }
    exit
}

async fn check(client: &Client, plugin: &str, json: bool) -> Exit {
    let (health, place) = match client.check_health(plugin).await {
        Ok(answer) => (answer.health, answer.place),
        Err(error) => {
            let asked = format!("health check of `{plugin}`");
            return super::told_of(plugin, &asked, &error, json);
        }
    };
    let healthy = health.healthy;
    if json {
        super::print_json(&health);
    } else {
        let style = Style::stdout();
        let word = if healthy { style.green("healthy") } else { style.red("unhealthy") };
        let message = health.message.map_or_else(String::new, |message| format!(": {}", harmless(&message)));
        let place = place.map_or(String::new(), |place| format!(" [{place}]"));
        super::println(&format!("{plugin}: {word}{message}{place}"));
        if !healthy {
            show::tell(&format!(
                "  next: {} shows what it logged; {} starts it anew",
                show::hothouse(&format!("logs {plugin}")),
                show::hothouse(&format!("restart {plugin}"))
            ));
        }
    }
    if healthy { Exit::Ok } else { Exit::CallFailed }
}
