//! What `down` does where no host answers: it ends what one that was killed has left, kept on purpose or not.
//!
//! While it does so it has the right to be the host of that socket, so that no `up` begins to take over what is being
//! ended.

use std::path::Path;

use hothouse_api::{Problem, Stopped};
use hothouse_config::{HostSettings, Project};
use hothouse_kernel::Graph;
use hothouse_kernel::input::Targets;
use hothouse_kernel::startup::plan::Plan;
use hothouse_process::{Ledger, LedgerError};
use serde_json::json;

use crate::cli::DownArgs;
use crate::exit::Exit;
use crate::kept::{self, Kept};
use crate::socket::{self, Unavailable};
use crate::{places, project, show};

/// Ends what is left, and says so; `None`: nothing was.
pub(super) fn end(args: &DownArgs, socket: &Path) -> Option<Exit> {
    // Where no host ever was, nothing is left, and nothing is to be made.
    if !places::ledger(socket).exists() {
        return None;
    }
    let _claim = match socket::claim(socket) {
        Ok(claim) => claim,
        Err(unavailable) => return Some(unclaimed(unavailable, args.json)),
    };
    match end_claimed(args, socket) {
        Ok(ended) => ended.map(|ended| ended.tell(args.json)),
        Err(error) => {
            let (next, exit) = kept::after(&error, &show::hothouse("down"));
            Some(refuse(&error.to_string(), &next, exit, args.json))
        }
    }
}

/// What was ended.
struct Ended {
    /// What was kept on purpose: the plugin, and the number of its process.
    kept: Vec<(String, u32)>,
    /// What nobody was there to end, a line for each process.
    left: Vec<String>,
}

fn end_claimed(args: &DownArgs, socket: &Path) -> Result<Option<Ended>, LedgerError> {
    let (_ledger, leftovers) = Ledger::take(&places::ledger(socket))?;
    // A file that is wrong by now is no reason to leave anything running.
    let project = project::read(args.place.project()).ok().map(|loaded| loaded.project);
    let grace =
        project.as_ref().map_or_else(|| HostSettings::default().stop_timeout, |it| it.host.stop_timeout);
    let order = project.as_ref().map_or_else(Vec::new, in_order);
    let kept = Kept::new(leftovers.kept, grace).end_in_reverse(&order)?;
    let ended = Ended { kept, left: leftovers.ended };
    Ok(if ended.kept.is_empty() && ended.left.is_empty() { None } else { Some(ended) })
}

/// The plugins in the order in which they start.
fn in_order(project: &Project) -> Vec<String> {
    let Ok(graph) = Graph::build(project.plugin_decls()) else { return Vec::new() };
    let plan = Plan::start(&graph, &Targets::All, |_| None);
    plan.steps.iter().map(|step| graph.name(step.plugin).to_owned()).collect()
}

impl Ended {
    fn tell(self, json: bool) -> Exit {
        if json {
            let stopped = self.kept.into_iter().map(|(plugin, _)| plugin).collect();
            super::print_json(&Stopped { stopped, abandoned: Vec::new() });
            return Exit::Ok;
        }
        let kept: Vec<String> =
            self.kept.iter().map(|(plugin, pid)| format!("{plugin} (process {pid})")).collect();
        for (what, ended) in [("had kept running", kept), ("had left", self.left)] {
            if !ended.is_empty() {
                let ended = ended.join(", ");
                super::println(&format!(
                    "no host is running; ended what one that was killed {what}: {ended}"
                ));
            }
        }
        Exit::Ok
    }
}

/// Somebody has begun to be the host meanwhile, or it cannot be told.
fn unclaimed(unavailable: Unavailable, json: bool) -> Exit {
    match unavailable {
        Unavailable::Taken { .. } => {
            let next = format!("{} when it has come up", show::hothouse("down"));
            refuse("a host is beginning to run for this project just now", &next, Exit::Refused, json)
        }
        Unavailable::TooLong(text) | Unavailable::Failed(text) => {
            let (message, next) = text.split_once("\n  next: ").unwrap_or((&text, "choose another --socket"));
            refuse(message, next, Exit::Internal, json)
        }
    }
}

fn refuse(message: &str, next: &str, exit: Exit, json: bool) -> Exit {
    if json {
        let error = Problem {
            code: exit.as_str().into(),
            message: message.into(),
            retryable: true,
            place: None,
            trace: None,
        };
        super::print_json(&json!({ "error": error, "next": next }));
    } else {
        show::error(&format!("{message}\n  next: {next}"));
    }
    exit
}
