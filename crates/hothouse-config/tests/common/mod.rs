//! What the tests of project files share.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files must fail")]

use std::path::PathBuf;

use hothouse_config::Environment;

/// The value of the environment variable that is a secret.
pub(crate) const TOKEN: &str = "t0ken-of-the-test";

/// The content of `golden/secret.txt`.
#[allow(dead_code, reason = "not every test that shares this module needs it")]
pub(crate) const FILE_SECRET: &str = "s3cr3t-from-file";

/// A fixed environment whose `PATH` is `golden/bin`.
pub(crate) fn environment() -> Environment {
    Environment::empty()
        .with_variable("PATH", std::env::current_dir().unwrap().join("tests/golden/bin"))
        .with_variable("HOME_OF_SHOP", "/srv/shop of ours")
        .with_variable("REGION", "the-region")
        .with_variable("NUMBER", "5000")
        .with_variable("TOKEN", TOKEN)
        .with_natives(["greeter", "clock"])
}

/// Every project file of the golden tests, in order.
#[allow(dead_code, reason = "not every test that shares this module needs it")]
pub(crate) fn golden_files() -> Vec<PathBuf> {
    let is_project = |path: &PathBuf| {
        path.extension().is_some_and(|ext| ["yaml", "toml", "json"].iter().any(|e| ext == *e))
    };
    let entries = std::fs::read_dir("tests/golden").unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(is_project).collect();
    files.sort();
    files
}
