//! `cargo xtask schema`: the files of `docs/` that are made from code, written or compared.
//!
//! Two kinds: whole files (the JSON Schemas), and blocks between two marks in a page that is otherwise written by hand
//! (the transition tables). Nothing here is trusted to be current: `--check` makes everything again and compares.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use hothouse_protocol::json::Value;
use hothouse_protocol::{SchemaName, Side};

use crate::{lifecycle, repository};

const SCHEMAS: &str = "docs/schema";
const LIFECYCLE: &str = "docs/lifecycle.md";
const REPEAT: &str = "cargo xtask schema";

/// Runs the command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let done = match args {
        [] => write(),
        [check] if check == "--check" => check_all(),
        _ => Err("cargo xtask schema takes nothing, or --check".into()),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// A generated file: where it is, and what it must hold.
struct Generated {
    path: String,
    text: String,
}

fn write() -> Result<String, String> {
    let root = repository::root();
    let files = all(root)?;
    fs::create_dir_all(root.join(SCHEMAS)).map_err(|error| format!("{SCHEMAS}: {error}"))?;
    for file in &files {
        fs::write(root.join(&file.path), &file.text).map_err(|error| format!("{}: {error}", file.path))?;
    }
    Ok(format!("{} generated files written", files.len()))
}

/// Compares every generated file with what it must hold.
///
/// # Errors
/// Which of them differ or do not belong there, and how to make them again.
pub(crate) fn check_all() -> Result<String, String> {
    let root = repository::root();
    let files = all(root)?;
    let mut wrong: Vec<String> = Vec::new();
    for file in &files {
        match fs::read_to_string(root.join(&file.path)) {
            Ok(found) if found == file.text => {}
            Ok(found) => {
                wrong.push(format!("{}:{}: not up to date", file.path, first_difference(&found, &file.text)))
            }
            Err(error) => wrong.push(format!("{}: {error}", file.path)),
        }
    }
    wrong.extend(strangers(root, &files));
    if wrong.is_empty() {
        return Ok(format!("{} generated files are up to date", files.len()));
    }
    Err(format!("{}\nmake them again: {REPEAT}", wrong.join("\n")))
}

/// The line, from 1, at which two texts differ first.
fn first_difference(found: &str, expected: &str) -> usize {
    let same = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b);
    same.count() + 1
}

/// Files among the schemas that nobody makes any more.
fn strangers(root: &Path, files: &[Generated]) -> Vec<String> {
    let entries = fs::read_dir(root.join(SCHEMAS)).into_iter().flatten().flatten();
    // A folder below holds schemas that are written by hand.
    let entries = entries.filter(|entry| entry.path().is_file());
    let paths = entries.map(|entry| format!("{SCHEMAS}/{}", entry.file_name().to_string_lossy()));
    let stranger = |path: &String| files.iter().all(|file| file.path != *path);
    paths.filter(stranger).map(|path| format!("{path}: nothing makes this file; remove it")).collect()
}

fn all(root: &Path) -> Result<Vec<Generated>, String> {
    let mut files = schemas();
    let page = fs::read_to_string(root.join(LIFECYCLE)).map_err(|error| format!("{LIFECYCLE}: {error}"))?;
    let page = with_block(&page, "answers", &lifecycle::answers_table())
        .and_then(|page| with_block(&page, "requests", &lifecycle::requests_table()))
        .map_err(|message| format!("{LIFECYCLE}: {message}"))?;
    files.push(Generated { path: LIFECYCLE.into(), text: page });
    Ok(files)
}

fn schemas() -> Vec<Generated> {
    let sides = [(Side::Input, "input"), (Side::Output, "output")];
    let file = |name: &SchemaName, (side, suffix): (Side, &str)| {
        let mut text = String::new();
        pretty(&name.json_schema(side), 0, &mut text);
        text.push('\n');
        Generated { path: format!("{SCHEMAS}/{name}.{suffix}.json"), text }
    };
    SchemaName::ALL.iter().flat_map(|name| sides.map(|side| file(name, side))).collect()
}

/// Replaces what stands between the marks of a block.
fn with_block(page: &str, name: &str, block: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let missing = || format!("the marks `{}` and `{end}` are missing", begin.trim());
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}{block}{end}{after}"))
}

/// JSON with two spaces per level.
fn pretty(value: &Value, level: usize, out: &mut String) {
    let (inner, outer) = ("  ".repeat(level + 1), "  ".repeat(level));
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (position, (name, value)) in members.iter().enumerate() {
                let opening = if position == 0 { "{" } else { "," };
                let _ = write!(out, "{opening}\n{inner}{}: ", Value::from(name));
                pretty(value, level + 1, out);
            }
            let _ = write!(out, "\n{outer}}}");
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (position, value) in elements.iter().enumerate() {
                let opening = if position == 0 { "[" } else { "," };
                let _ = write!(out, "{opening}\n{inner}");
                pretty(value, level + 1, out);
            }
            let _ = write!(out, "\n{outer}]");
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_protocol::json;

    #[test]
    fn pretty_text_reads_back_to_the_same_value() {
        for file in schemas() {
            let text = json::parse(&file.text).unwrap();
            let name: SchemaName = file.path.split(['/', '.']).nth(2).unwrap().parse().unwrap();
            let side = if file.path.contains(".input.") { Side::Input } else { Side::Output };
            assert_eq!(text, name.json_schema(side), "{}", file.path);
        }
    }

    #[test]
    fn a_block_is_replaced_between_its_marks_and_nowhere_else() {
        let page = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n";
        let new = with_block(page, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- generated: x -->\nnew\n<!-- end: x -->\nb\n");
        assert_eq!(with_block(&new, "x", "new\n").unwrap(), new);
        assert!(with_block(page, "y", "").unwrap_err().contains("generated: y"));
    }

    #[test]
    fn a_difference_is_named_by_its_line() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("a\n", "a\nc\n"), 2);
    }
}
