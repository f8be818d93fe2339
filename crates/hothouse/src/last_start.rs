//! The report of the last start, kept as long as the host runs, for those who ask later what it was made of.

use std::sync::{Mutex, OnceLock, PoisonError};

use hothouse_api::{LastStart, Started};
use hothouse_protocol::DateTime;
use hothouse_runtime::unix_ms;

/// The last start that has ended; a start that had nothing to do does not count.
#[derive(Debug, Default)]
pub(crate) struct LastStartKept {
    last: Mutex<Option<LastStart>>,
    first: OnceLock<bool>,
}

/// The moment of a request, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked(i64);

impl Asked {
    /// Now.
    pub(crate) fn now() -> Asked {
        Asked(unix_ms())
    }
}

impl LastStartKept {
    /// Keeps what a start came to.
    pub(crate) fn keep(&self, project: &str, asked: Asked, start: &Started) {
        if start.result.results.is_empty() {
            return;
        }
        let began = DateTime::from_unix_ms(asked.0).to_string();
        let last = LastStart { project: project.into(), began, start: start.clone() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// The first start of this host has ended, and every plugin was ready then or not.
    pub(crate) fn first_ended(&self, successful: bool) {
        // There is one first start, and it is told once.
        let _ = self.first.set(successful);
    }

    /// Whether the first start was successful; `None` while it is under way.
    pub(crate) fn first(&self) -> Option<bool> {
        self.first.get().copied()
    }

    /// The last one; `None` before the first has ended.
    pub(crate) fn last(&self) -> Option<LastStart> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
