//! Every file of `scenarios/` is a page of text: plugins, inputs at virtual times, and the golden transcript of all
//! that the kernel said and asked for. The directory listing reads like the feature list.
//!
//! `HOTHOUSE_UPDATE_SCENARIOS=1 cargo test -p hothouse-kernel --test scenarios` writes the transcripts anew. Read
//! what has changed before you keep it: a transcript is what a user gets.

#[path = "scenario/story.rs"]
mod story;
#[path = "scenario/transcript.rs"]
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

/// The line between what is told and what comes of it.
const RULE: &str = "\n---\n";

#[test]
fn every_scenario_goes_as_written() {
    let update = std::env::var_os("HOTHOUSE_UPDATE_SCENARIOS").is_some();
    let files = files();
    assert!(!files.is_empty(), "no scenario was found");
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file, update).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A kernel that is written down and read back before every input, and the input too, goes on as if nothing had been.
#[cfg(feature = "serde")]
#[test]
fn every_scenario_goes_the_same_from_checkpoint_to_checkpoint() {
    if std::env::var_os("HOTHOUSE_UPDATE_SCENARIOS").is_some() {
        return;
    }
    for file in files() {
        let text = fs::read_to_string(&file).expect("a scenario is text");
        let (told, golden) = text.split_once(RULE).expect("a scenario has both halves");
        let story = story::parse(told).expect("the other test says what is wrong");
        let seen = transcript::with(&story, |kernel, input| {
            *kernel = through_json(kernel);
            *input = through_json(input);
        });
        assert_eq!(first_difference(golden, &seen), None, "{}", file.display());
    }
}

#[cfg(feature = "serde")]
fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it can be written");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(&folder).expect("the folder of scenarios is part of the sources");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

fn check(file: &Path, update: bool) -> Result<(), String> {
    let text = fs::read_to_string(file).expect("a scenario is text");
    let (told, golden) = text.split_once(RULE).unwrap_or((text.trim_end(), ""));
    let story = story::parse(told).map_err(|error| format!("{}:{error}", file.display()))?;
    let seen = transcript::of(&story);
    if update {
        fs::write(file, format!("{told}{RULE}{seen}")).expect("the sources can be written");
        return Ok(());
    }
    match first_difference(golden, &seen) {
        None => Ok(()),
        Some((line, golden, seen)) => {
            let line = told.lines().count() + 1 + line;
            Err(format!("{}:{line}:\n  golden: {golden}\n  seen:   {seen}", file.display()))
        }
    }
}

fn first_difference<'a>(golden: &'a str, seen: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let (mut left, mut right) = (golden.lines(), seen.lines());
    for line in 1.. {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (one, other) if one != other => {
                return Some((line, one.unwrap_or("(nothing)"), other.unwrap_or("(nothing)")));
            }
            _ => {}
        }
    }
    None
}
