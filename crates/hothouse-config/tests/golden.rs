//! Project files and everything that is said about them: `golden/NAME.EXT` beside `golden/NAME.EXT.expected`.
//!
//! `HOTHOUSE_GOLDEN=write cargo test -p hothouse-config --test golden` writes the expected texts anew; read the
//! difference before keeping it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{environment, golden_files};
use hothouse_config::Project;

/// What is compared: the project and its warnings, or the problems as text and as JSON.
/// Paths are told from this crate's folder, which is another one on every machine.
fn transcript(file: &Path) -> String {
    let text = match Project::load(file, &environment()) {
        Ok(loaded) => {
            let warnings: String = loaded.warnings.iter().map(|warning| format!("{warning}\n")).collect();
            // Where the repository lies is no part of what is expected.
            format!("{warnings}{:#?}\n", loaded.project).replace(env!("CARGO_MANIFEST_DIR"), "…")
        }
        Err(problems) => format!("{problems}\n"),
    };
    text.replace(env!("CARGO_MANIFEST_DIR"), ".")
}

fn expected_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".expected");
    name.into()
}

#[test]
fn every_file_is_judged_as_expected() {
    let write = std::env::var_os("HOTHOUSE_GOLDEN").is_some_and(|value| value == "write");
    let mut different = Vec::new();
    for file in golden_files() {
        let found = transcript(&file);
        let expected_file = expected_file(&file);
        if write {
            fs::write(&expected_file, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if found != expected {
            different.push(format!("{}\n--- expected\n{expected}\n--- found\n{found}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
