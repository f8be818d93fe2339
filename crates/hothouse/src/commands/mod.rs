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
mod output;
pub(crate) mod plan;
pub(crate) mod ps;
pub(crate) mod schema;
pub(crate) mod startup;
pub(crate) mod validate;
mod watch;
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
    let (exit, next) = match error {
        ClientError::NotRunning { .. } => (Exit::NotRunning, format!("{} starts one", hothouse("up"))),
        ClientError::Broken(_) => {
            (Exit::Internal, format!("{} shows whether it is still there", hothouse("ps")))
        }
        ClientError::Refused(problem) => refused(problem),
    };
    if json {
        let problem = match error {
            ClientError::Refused(problem) => problem.clone(),
            ClientError::NotRunning { .. } => problem("NOT_RUNNING", error),
            ClientError::Broken(_) => problem("BROKEN", error),
        };
        print_json(&serde_json::json!({ "error": problem }));
    } else {
        let code = match error {
            ClientError::Refused(problem) if exit == Exit::CallFailed => format!("{}: ", problem.code),
            _ => String::new(),
        };
        let next = if next.is_empty() { String::new() } else { format!("\n  next: {next}") };
        let text: Vec<String> = format!("{code}{error}").lines().map(show::harmless).collect();
        show::error(&format!("{}{next}", text.join("\n")));
    }
    exit
}

/// The exit code for a refusal, and what to do about it, if that can be known here.
fn refused(problem: &Problem) -> (Exit, String) {
    match problem.code.as_str() {
        "REFUSED" | "NOT_FOUND" | "BAD_REQUEST" | "UNKNOWN_PLUGIN" => {
            (Exit::Refused, format!("{} shows the plugins and where they are", hothouse("ps")))
        }
        "CONFIG" => (
            Exit::Config,
            format!("mend the file and run {} again; nothing was touched", hothouse("plan --diff")),
        ),
        "NOT_RUNNING" | "GONE" => (Exit::CallFailed, format!("{} says why", hothouse("ps"))),
        "TIMEOUT" => (Exit::CallFailed, "`--timeout MS` waits longer".into()),
        // The plugin's own error: what to do about it only the plugin knows.
        _ => (Exit::CallFailed, String::new()),
    }
}

fn problem(code: &str, error: &ClientError) -> Problem {
    Problem { code: code.into(), message: error.to_string(), retryable: true }
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
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}
