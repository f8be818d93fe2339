//! What a project file is read against: environment variables and the embedder's native plugins.
//!
//! A value of its own, so that a test or an embedder decides what the file may see.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// The surroundings of a project file.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    natives: Option<BTreeSet<String>>,
    skip_machine: bool,
}

impl Environment {
    /// No variables, no native plugins; programs are looked for.
    pub fn empty() -> Environment {
        Environment::default()
    }

    /// The environment variables of this process.
    pub fn of_this_process() -> Environment {
        Environment { variables: std::env::vars_os().collect(), ..Environment::default() }
    }

    /// Adds or replaces one variable.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Environment {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Says which names `run: {native: …}` may use. Without this call the embedding program offers
    /// none, and every `native` plugin is a problem.
    #[must_use]
    pub fn with_natives<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Environment {
        self.natives = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves out the questions about this machine: whether programs and working directories exist.
    /// For checking a file on another machine than the one that will run it.
    #[must_use]
    pub fn without_machine_checks(mut self) -> Environment {
        self.skip_machine = true;
        self
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(std::ffi::OsStr::new(name))
    }

    /// The names of all variables that are text, for near misses.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().filter_map(|name| name.to_str())
    }

    pub(crate) fn natives(&self) -> Option<&BTreeSet<String>> {
        self.natives.as_ref()
    }

    pub(crate) fn checks_machine(&self) -> bool {
        !self.skip_machine
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("natives", &self.natives)
            .field("skip_machine", &self.skip_machine)
            .finish()
    }
}
