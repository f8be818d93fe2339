//! Laws that hold for every text: reading never panics, problems are in order and none is told twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{environment, golden_files};
use hothouse_config::{Problems, Project};
use proptest::prelude::*;

const FORMATS: [&str; 3] = ["tests/golden/x.yaml", "tests/golden/x.toml", "tests/golden/x.json"];

/// Reads a text in every format; whatever is wrong is told in order and once.
fn read(bytes: &[u8]) -> Result<(), TestCaseError> {
    for file in FORMATS {
        match Project::from_bytes(file, bytes, &environment()) {
            Ok(loaded) => drop(format!("{loaded:?}")),
            Err(problems) => well_formed(&problems)?,
        }
    }
    Ok(())
}

fn well_formed(problems: &Problems) -> Result<(), TestCaseError> {
    prop_assert!(!problems.errors.is_empty());
    for list in [&problems.errors, &problems.warnings] {
        let order: Vec<_> =
            list.iter().map(|problem| (problem.at, &problem.path, &problem.message)).collect();
        prop_assert!(order.is_sorted());
        prop_assert!(order.windows(2).all(|pair| pair[0] != pair[1]));
        prop_assert!(list.iter().all(|problem| !problem.message.is_empty()));
    }
    prop_assert!(!problems.to_string().is_empty());
    Ok(())
}

/// A golden file with a stretch replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<Vec<u8>> = golden_files().iter().map(|file| std::fs::read(file).unwrap()).collect();
    let change = (any::<prop::sample::Index>(), 0usize..20, prop::collection::vec(any::<u8>(), 0..8));
    (prop::sample::select(files), prop::collection::vec(change, 1..4)).prop_map(|(mut bytes, changes)| {
        for (start, length, new) in changes {
            let start = start.index(bytes.len() + 1);
            let end = bytes.len().min(start + length);
            bytes.splice(start..end, new);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes)?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-a-z0-9:{}\\[\\],\"'#&*!|>%@`$. \n\t\\\\=]{0,120}") {
        read(text.as_bytes())?;
    }

    #[test]
    fn mutated_files_are_read_or_refused(bytes in mutated()) {
        read(&bytes)?;
    }

    /// Integers of a free-form value reach the plugin digit by digit, whatever their size.
    #[test]
    fn integers_are_exact(number in any::<i128>()) {
        let text = format!("version: 1\nplugins: [{{name: a, run: {{shell: x}}, config: {number}}}]");
        let loaded = Project::from_bytes("x.yaml", text, &environment()).map_err(|p| TestCaseError::fail(p.to_string()))?;
        let expected = number.to_string();
        prop_assert_eq!(loaded.project.plugins[0].config.reveal(), expected.as_str());
    }

    /// Any string survives the way through JSON into a plugin's `config`.
    #[test]
    fn strings_are_exact(text in any::<String>()) {
        let text = text.replace(['$', '\0'], "");
        let json = hothouse_protocol::json::Value::from(text.as_str()).to_string();
        let file = format!(r#"{{"version": 1, "plugins": [{{"name": "a", "run": {{"shell": "x"}}, "config": {json}}}]}}"#);
        let loaded = Project::from_bytes("x.json", file, &environment()).map_err(|p| TestCaseError::fail(p.to_string()))?;
        let read = hothouse_protocol::json::parse(loaded.project.plugins[0].config.reveal()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(read.as_str(), Some(text.as_str()));
    }
}
