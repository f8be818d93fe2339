//! One thing that is wrong with a project file: where, what, what is allowed, what to do.

mod collection;
mod excerpt;
mod report;

use std::fmt;
use std::path::PathBuf;

pub use collection::Problems;
pub use excerpt::Excerpt;
pub(crate) use report::{Draft, Report};

use crate::source::{Position, Span};

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The project is not started.
    Error,
    /// The project is started; something in the file has no effect, or surely not the one meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One thing that is wrong, complete: it can be printed without the file.
///
/// None of its texts ever holds an interpolated value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The project file, as the user named it.
    pub file: PathBuf,
    /// Where in the file; `None` if the file as a whole is meant.
    pub at: Option<Span>,
    /// Which setting: `plugins[2].lifecycle.health.interval`. Empty for the file as a whole.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What the file says there.
    pub found: Option<String>,
    /// What it could say.
    pub allowed: Option<String>,
    /// The next thing to do: a near miss, a command, a way round.
    pub hint: Option<String>,
    /// Other places that belong to it: the first of two duplicates, each edge of a cycle.
    pub related: Vec<Related>,
    /// The line of the file, with the place marked.
    pub excerpt: Option<Excerpt>,
}

/// Another place that belongs to a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub at: Position,
    /// What is there.
    pub note: String,
}

impl Problem {
    /// The place as `file:line:column`, or only the file.
    pub fn place(&self) -> String {
        match self.at {
            Some(span) => format!("{}:{}", self.file.display(), span.start),
            None => self.file.display().to_string(),
        }
    }
}

/// First line `place: path: message`, then the excerpt, the related places and the hint, indented.
/// A warning says so after the place.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place())?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        for related in &self.related {
            write!(f, "\n  {}:{}: {}", self.file.display(), related.at, related.note)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}
