//! One file per command that is not `up`.

pub(crate) mod apply;
pub(crate) mod call;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod complete;
pub(crate) mod completions;
pub(crate) mod events;
pub(crate) mod graph;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod mode;
mod output;
pub(crate) mod plan;
pub(crate) mod ps;
mod refusal;
pub(crate) mod schema;
pub(crate) mod startup;
mod survivors;
pub(crate) mod validate;
mod watch;
pub(crate) mod when;
pub(crate) mod why;

use std::path::{Path, PathBuf};

use hothouse_api::{Client, ClientError, Problem};
use serde::Serialize;

use crate::exit::Exit;
use crate::show::hothouse;
use crate::{places, project, show};

/// A client of the host that runs this project.
fn client(project: Option<&Path>, socket: Option<PathBuf>) -> Result<Client, Exit> {
    if let Some(socket) = socket {
        return Ok(Client::new(socket));
    }
    let file = project::file(project).map_err(|problems| {
        project::print(&problems);
        Exit::Config
    })?;
    let path = places::socket(&file).map_err(|error| {
        show::error(&error);
        Exit::Config
    })?;
    Ok(Client::new(path))
}

/// Says why the host did not do it, and what to type next.
fn told(error: &ClientError, json: bool) -> Exit {
    told_of("PLUGIN", "", error, json)
}

/// The same for something that was asked of this plugin, and what it was: a call, a health check.
fn told_of(plugin: &str, asked: &str, error: &ClientError, json: bool) -> Exit {
    let (exit, next) = match error {
        ClientError::NotRunning { .. } => (Exit::NotRunning, format!("{} starts one", hothouse("up"))),
        ClientError::Broken(_) => {
            (Exit::Internal, format!("{} shows whether it is still there", hothouse("ps")))
        }
        ClientError::Refused(problem) => refusal::exit_and_next(problem, plugin),
    };
    told_with(exit, &next, asked, error, json)
}

/// The same with another next step, and another exit code.
fn told_with(exit: Exit, next: &str, asked: &str, error: &ClientError, json: bool) -> Exit {
    if json {
        let problem = match error {
            ClientError::Refused(problem) => problem.clone(),
            ClientError::NotRunning { .. } => problem("NOT_RUNNING", error),
            ClientError::Broken(_) => problem("BROKEN", error),
        };
        print_json(&serde_json::json!({ "error": problem, "next": next }));
        return exit;
    }
    let (what, place) = match error {
        ClientError::Refused(problem) if exit == Exit::CallFailed => {
            let place = problem.place.as_ref().map_or(String::new(), |place| format!(" [{place}]"));
            let asked = if asked.is_empty() { String::new() } else { format!("{asked}: ") };
            (format!("{asked}{}: ", problem.code), place)
        }
        _ => (String::new(), String::new()),
    };
    let text = format!("{what}{error}{place}");
    let text: Vec<String> = text.lines().map(show::harmless).collect();
    show::error(&format!("{}\n  next: {next}", text.join("\n")));
    exit
}

fn problem(code: &str, error: &ClientError) -> Problem {
    Problem { code: code.into(), message: error.to_string(), retryable: true, place: None, trace: None }
}

/// Prints a value as one line of JSON.
fn print_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => println(&text),
        Err(error) => show::error(&error.to_string()),
    }
}

/// Prints a line; a reader that has gone away is not our affair.
fn println(text: &str) {
    show::print_line(text);
}
