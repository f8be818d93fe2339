//! Everything that is wrong with one file.

use std::fmt;

use hothouse_protocol::json::{Object, Value};

use super::{Problem, Severity};

/// All problems of a project file, in the order of its text, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// What keeps the project from being started; at least one if loading failed.
    pub errors: Vec<Problem>,
    /// What has no effect, or surely not the one meant.
    pub warnings: Vec<Problem>,
    /// How many more there are that were left out, because there are too many to read.
    pub omitted: usize,
}

impl Problems {
    /// Errors first, then warnings, each in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.errors.iter().chain(&self.warnings)
    }

    /// Whether there is nothing at all to report.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }

    /// `{"errors": […], "warnings": […], "omitted": 0}`; each problem as [`Problem::to_json_value`] has it.
    pub fn to_json_value(&self) -> Value {
        let list = |problems: &[Problem]| Value::Array(problems.iter().map(Problem::to_json_value).collect());
        let mut object = Object::new();
        object.insert("errors", list(&self.errors));
        object.insert("warnings", list(&self.warnings));
        object.insert("omitted", u32::try_from(self.omitted).unwrap_or(u32::MAX));
        Value::Object(object)
    }
}

/// Each problem in full, then a line that counts them.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.iter() {
            writeln!(f, "{problem}")?;
        }
        let mut counts = Vec::new();
        for (number, noun) in [(self.errors.len(), "error"), (self.warnings.len(), "warning")] {
            match number {
                0 => {}
                1 => counts.push(format!("1 {noun}")),
                number => counts.push(format!("{number} {noun}s")),
            }
        }
        if self.omitted > 0 {
            counts.push(format!("{} more left out", self.omitted));
        }
        f.write_str(&counts.join(", "))
    }
}

impl std::error::Error for Problems {}

impl Problem {
    /// The problem as JSON: `severity`, `file`, `line`, `column`, `path`, `message` always; `endLine`, `endColumn`,
    /// `found`, `allowed`, `hint`, `related` (a list of `{line, column, note}`) where there is something to say.
    /// `line` and `column` are 0 if the file as a whole is meant.
    pub fn to_json_value(&self) -> Value {
        let mut object = Object::new();
        object.insert("severity", self.severity.to_string());
        object.insert("file", self.file.display().to_string());
        object.insert("line", self.at.map_or(0, |span| span.start.line));
        object.insert("column", self.at.map_or(0, |span| span.start.column));
        if let Some(span) = self.at.filter(|span| span.end > span.start) {
            object.insert("endLine", span.end.line);
            object.insert("endColumn", span.end.column);
        }
        object.insert("path", self.path.as_str());
        object.insert("message", self.message.as_str());
        for (name, text) in [("found", &self.found), ("allowed", &self.allowed), ("hint", &self.hint)] {
            if let Some(text) = text {
                object.insert(name, text.as_str());
            }
        }
        if !self.related.is_empty() {
            object.insert("related", self.related_json());
        }
        Value::Object(object)
    }

    fn related_json(&self) -> Vec<Value> {
        let one = |related: &super::Related| {
            let mut object = Object::new();
            object.insert("line", related.at.line);
            object.insert("column", related.at.column);
            object.insert("note", related.note.as_str());
            Value::Object(object)
        };
        self.related.iter().map(one).collect()
    }

    /// Whether it keeps the project from being started.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
