//! A folder for what a measurement writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Outcome;

/// An empty folder that is removed when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Outcome<Scratch> {
        let path = std::env::temp_dir().join(format!("hothouse-bench-{}-{name}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Scratch(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in the folder for what may be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
