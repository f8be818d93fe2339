//! What every command prints with `--json` is as its published schema says.
//!
//! A schema is a file `docs/schema/cli/COMMAND.json`, and that file alone: its member `x-run` lists how the command is
//! run here, in order, against a running shop:
//!
//! | member | meaning |
//! |---|---|
//! | `args` | the command line. `$FOLDER` is a folder of this test's own, `$EXAMPLES` the examples |
//! | `status` | the exit code, 0 if it is not there |
//! | `input` | what stands on standard input |
//! | `prints` | `value` (if it is not there): one JSON value; `lines`: one on each line; `text`: this is no output to check, only a step on the way |
//! | `last` | it ends the host, so it comes after all others |

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]
#![allow(unreachable_pub, reason = "a module of each test, not a crate")]

#[path = "../common/mod.rs"]
mod common;
mod validator;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{Folder, Up, free_port, hothouse, repository, run, run_with};
use serde_json::{Value, json};
use validator::Schemas;

/// The schemas of commands, by command. Files whose name begins with `_` are parts of others.
fn files() -> Vec<(String, PathBuf)> {
    let folder = repository().join("docs/schema/cli");
    let mut files: Vec<(String, PathBuf)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| !name.starts_with('_'))
        .collect();
    files.sort();
    files
}

#[test]
fn every_command_prints_what_its_schema_says() {
    let folder = Folder::new("schemas");
    folder.write("wrong.yaml", "version: 1\nplugins:\n  - {name: a, run: {comand: x}, dependencies: [b]}\n");
    let (port, data) = (free_port().to_string(), folder.0.join("data"));
    let report = folder.0.join("report.json");
    let env = [("SHOP_PORT", port.as_str()), ("SHOP_DATA", data.to_str().unwrap())];
    let shop = repository().join("examples/shop");
    let mut up = Up::start(&shop, &["--report", report.to_str().unwrap()], &env);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    // It is all there when the host says what it came to.
    while run(hothouse().args(["startup", "blame"]).env("HOTHOUSE_PROJECT", &shop)).status != Some(0) {}

    let mut schemas = Schemas::default();
    let mut runs = Vec::new();
    for (name, file) in files() {
        let listed = schemas.file(&file)["x-run"].as_array().cloned().unwrap_or_default();
        assert!(!listed.is_empty(), "{name}: a schema without `x-run` is held to nothing");
        runs.extend(listed.into_iter().map(|run| (name.clone(), file.clone(), run)));
    }
    runs.sort_by_key(|(_, _, run)| run["last"] == true);
    let mut wrong = Vec::new();
    for (name, file, listed) in &runs {
        for value in printed(listed, &folder.0, &shop, &env) {
            let problems = schemas.problems(file, &value);
            wrong.extend(problems.iter().map(|problem| format!("{name}: {}: {problem}", listed["args"])));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    let file = repository().join("docs/schema/cli/up.json");
    let problems: Vec<String> = events.iter().flat_map(|event| schemas.problems(&file, event)).collect();
    assert!(problems.is_empty(), "up: {}", problems.join("\n"));
}

/// What a listed run prints.
fn printed(listed: &Value, folder: &Path, shop: &Path, env: &[(&str, &str)]) -> Vec<Value> {
    let examples = repository().join("examples");
    let fill = |word: &Value| {
        let word = word.as_str().unwrap().replace("$FOLDER", folder.to_str().unwrap());
        word.replace("$EXAMPLES", examples.to_str().unwrap())
    };
    let args: Vec<String> = listed["args"].as_array().unwrap().iter().map(fill).collect();
    let mut command = hothouse();
    command.args(&args).envs(env.iter().copied()).env("HOTHOUSE_PROJECT", shop);
    let output = run_with(&mut command, listed["input"].as_str().unwrap_or_default().as_bytes());
    let status = listed["status"].as_i64().unwrap_or(0);
    assert_eq!(output.status.map(i64::from), Some(status), "{args:?}: {}{}", output.stdout, output.stderr);
    let parse =
        |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"));
    match listed["prints"].as_str().unwrap_or("value") {
        "value" => vec![parse(&output.stdout)],
        "lines" => output.stdout.lines().map(parse).collect(),
        "text" => Vec::new(),
        other => panic!("{args:?}: `{other}` is nothing that a run prints"),
    }
}

#[test]
fn every_command_with_json_has_a_schema_and_every_schema_a_command() {
    let help = run(hothouse().arg("help")).stdout;
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that goes on stands further to the right.
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let has_json = |name: &&str| {
        let help = run(hothouse().args([name, "--help"])).stdout;
        // `startup` has it below each of its questions.
        help.contains("--json") || help.contains("Commands:")
    };
    let commands: BTreeSet<String> = names.filter(has_json).map(str::to_owned).collect();
    assert!(commands.len() > 10, "{commands:?}");
    let schemas: BTreeSet<String> = files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(commands, schemas, "add docs/schema/cli/COMMAND.json, with `x-run`");
}

#[test]
fn objects_in_the_schemas_have_no_other_members_than_those_named() {
    fn look(schema: &Value, at: &str, open: &mut Vec<String>) {
        if let Some(members) = schema.as_object() {
            if members.get("type") == Some(&json!("object"))
                && members.get("additionalProperties") != Some(&json!(false))
            {
                open.push(at.to_owned());
            }
            for (name, member) in members.iter().filter(|(name, _)| *name != "x-run") {
                look(member, &format!("{at}/{name}"), open);
            }
        }
        for (nth, item) in schema.as_array().into_iter().flatten().enumerate() {
            look(item, &format!("{at}/{nth}"), open);
        }
    }
    let mut schemas = Schemas::default();
    let mut open = Vec::new();
    for (name, file) in files() {
        look(&schemas.file(&file), &name, &mut open);
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let folder = Folder::new("validator");
    folder.write(
        "a.json",
        r#"{"oneOf": [{"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}, "s": {"enum": ["x"]}}, "required": ["n"], "additionalProperties": false}, {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 2}, {"type": "string", "pattern": "^[^+]+$", "format": "date-time"}]}"#,
    );
    let file = folder.0.join("a.json");
    let mut schemas = Schemas::default();
    for right in [
        json!({"n": 1}),
        json!({"n": 2, "s": "x"}),
        json!([]),
        json!(["a", null]),
        json!("2026-01-31T00:00:00Z"),
    ] {
        assert_eq!(schemas.problems(&file, &right), [""; 0], "{right}");
    }
    for wrong in [
        json!({}),
        json!({"n": 0}),
        json!({"n": 1.5}),
        json!({"n": 1, "s": "y"}),
        json!({"n": 1, "t": 1}),
        json!([1]),
        json!(["a", "b", "c"]),
        json!(7),
        json!("2026-02-31T00:00:00Z"),
        json!("2026-01-31T00:00:00+00:00"),
    ] {
        assert!(!schemas.problems(&file, &wrong).is_empty(), "{wrong}");
    }
}
