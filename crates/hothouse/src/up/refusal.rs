//! Why a host did not come up at all, as text for people or as one JSON object for programs.

use hothouse_config::Problems;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::{project, show};

/// Why there is no host.
pub(super) enum Refusal {
    /// The project file is missing or wrong.
    Project(Box<Problems>),
    /// Something else: what, perhaps with a second line that says what to type next, and how the command ends.
    Other(String, Exit),
}

/// What stands between a message and the next step.
const NEXT: &str = "\n  next: ";

impl Refusal {
    /// Says so.
    pub(super) fn tell(&self, as_json: bool) -> Exit {
        if as_json {
            show::print_line(&self.json().to_string());
        } else {
            match self {
                Refusal::Project(problems) => project::print(problems),
                Refusal::Other(message, _) => show::error(message),
            }
        }
        self.exit()
    }

    fn exit(&self) -> Exit {
        match self {
            Refusal::Project(_) => Exit::Config,
            Refusal::Other(_, exit) => *exit,
        }
    }

    fn json(&self) -> Value {
        let code = self.exit().as_str();
        match self {
            Refusal::Project(problems) => {
                let first = problems
                    .errors
                    .first()
                    .map(|problem| format!("{}: {}", problem.place(), problem.message));
                let problems = problems.errors.iter().map(hothouse_config::Problem::to_json_value);
                json!({
                    "type": "error", "code": code, "message": first,
                    "next": format!("mend the file and run {} again", show::hothouse("check")),
                    "problems": problems.collect::<Vec<_>>(),
                })
            }
            Refusal::Other(text, _) => error(code, text),
        }
    }
}

/// A message, perhaps with its next step, as one JSON object.
pub(super) fn error(code: &str, text: &str) -> Value {
    match text.split_once(NEXT) {
        Some((message, next)) => json!({ "type": "error", "code": code, "message": message, "next": next }),
        None => json!({ "type": "error", "code": code, "message": text }),
    }
}

pub(super) fn fail(message: &str, exit: Exit) -> Refusal {
    Refusal::Other(message.to_owned(), exit)
}
