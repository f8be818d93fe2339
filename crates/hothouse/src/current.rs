//! The project as it is now: read once at the start, and replaced as a whole by every `apply`.

use std::sync::{Arc, PoisonError, RwLock};

use hothouse_config::{Project, Secrets};

/// The project of now. What was a secret once stays one: what was told before may still be repeated.
pub(crate) struct CurrentProject(RwLock<Arc<Project>>);

impl CurrentProject {
    pub(crate) fn new(project: Project) -> CurrentProject {
        CurrentProject(RwLock::new(Arc::new(project)))
    }

    pub(crate) fn get(&self) -> Arc<Project> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is the project.
    pub(crate) fn replace(&self, project: Project) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let secrets = current.secrets.with(&project.secrets);
        *current = Arc::new(Project { secrets, ..project });
    }

    /// From now on these are secrets as well.
    pub(crate) fn hide(&self, secrets: &Secrets) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let secrets = current.secrets.with(secrets);
        *current = Arc::new(Project { secrets, ..Project::clone(&current) });
    }
}
