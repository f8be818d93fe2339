//! Where problems are gathered while a file is read, and how one is put together.

use super::{Excerpt, Problem, Problems, Related, Severity};
use crate::path::Path;
use crate::source::{Position, Source, Span};

/// At most this many errors, and this many warnings, are kept: a file of the wrong kind has thousands.
const MAX_PROBLEMS: usize = 200;

/// Gathers problems; nothing that reads or checks stops at the first.
#[derive(Default)]
pub(crate) struct Report {
    drafts: Vec<(Severity, Draft)>,
    hidden: Vec<Span>,
}

/// A problem being put together. Boxed, because it is what most functions return in their rare case.
pub(crate) struct Draft(Box<Parts>);

#[derive(Default)]
struct Parts {
    at: Option<Span>,
    path: String,
    message: String,
    found: Option<String>,
    allowed: Option<String>,
    hint: Option<String>,
    related: Vec<Related>,
}

impl Draft {
    pub(crate) fn new(at: Span, path: &Path, message: impl Into<String>) -> Draft {
        let parts =
            Parts { at: Some(at), path: path.to_string(), message: message.into(), ..Parts::default() };
        Draft(Box::new(parts))
    }

    /// A problem of the file as a whole.
    pub(crate) fn of_file(message: impl Into<String>) -> Draft {
        Draft(Box::new(Parts { message: message.into(), ..Parts::default() }))
    }

    /// "expected `allowed`, found `found`".
    pub(crate) fn expected(
        at: Span,
        path: &Path,
        allowed: impl Into<String>,
        found: impl Into<String>,
    ) -> Draft {
        let (allowed, found) = (allowed.into(), found.into());
        Draft::new(at, path, format!("expected {allowed}, found {found}")).found(found).allowed(allowed)
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Draft {
        self.0.found = Some(found.into());
        self
    }

    pub(crate) fn allowed(mut self, allowed: impl Into<String>) -> Draft {
        self.0.allowed = Some(allowed.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Draft {
        self.0.hint = Some(hint.into());
        self
    }

    /// Replaces the hint if there is another.
    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Draft {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// "did you mean `near`?" if there is a near miss.
    pub(crate) fn near(self, near: Option<&str>) -> Draft {
        self.maybe_hint(near.map(|near| format!("did you mean `{near}`?")))
    }

    pub(crate) fn related(mut self, at: Position, note: impl Into<String>) -> Draft {
        self.0.related.push(Related { at, note: note.into() });
        self
    }

    fn order(&self) -> (Option<Span>, &str, &str) {
        (self.0.at, &self.0.path, &self.0.message)
    }

    fn finish(self, severity: Severity, source: &Source, hidden: &[Span]) -> Problem {
        let Parts { at, path, message, found, allowed, hint, related } = *self.0;
        let excerpt = at.and_then(|span| Excerpt::of(source, span, hidden));
        Problem {
            severity,
            file: source.path.clone(),
            at,
            path,
            message,
            found,
            allowed,
            hint,
            related,
            excerpt,
        }
    }
}

impl Report {
    pub(crate) fn error(&mut self, draft: Draft) {
        self.drafts.push((Severity::Error, draft));
    }

    pub(crate) fn warning(&mut self, draft: Draft) {
        self.drafts.push((Severity::Warning, draft));
    }

    /// Whether a hint that is dear to find will still be seen: false once there are more problems than are kept.
    pub(crate) fn wants_hints(&self) -> bool {
        self.drafts.len() < MAX_PROBLEMS
    }

    /// A stretch of the file that excerpts must not show: a password written there as it is.
    pub(crate) fn hide(&mut self, span: Span) {
        self.hidden.push(span);
    }

    /// All problems of the file: in the order of the text, each once, errors and warnings apart, at most
    /// [`MAX_PROBLEMS`] of either.
    pub(crate) fn finish(self, source: &Source) -> Problems {
        let Report { mut drafts, hidden } = self;
        drafts.sort_by(|(_, a), (_, b)| a.order().cmp(&b.order()));
        drafts.dedup_by(|(_, a), (_, b)| a.order() == b.order());
        let mut problems = Problems::default();
        for (severity, draft) in drafts {
            let list = match severity {
                Severity::Error => &mut problems.errors,
                Severity::Warning => &mut problems.warnings,
            };
            if list.len() < MAX_PROBLEMS {
                list.push(draft.finish(severity, source, &hidden));
            } else {
                problems.omitted += 1;
            }
        }
        problems
    }
}
