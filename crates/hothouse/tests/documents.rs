//! The commands that start nothing: check, plan, validate, schema, completions.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::collections::BTreeSet;

use common::{Folder, hothouse, repository, run, run_with};
use hothouse_protocol::json::{self, Value};

#[test]
fn the_line_protocol_gives_every_verdict_of_the_sample() {
    let corpus = repository().join("crates/hothouse-protocol/tests/conformance/cases.jsonl");
    let corpus = std::fs::read_to_string(corpus).unwrap();
    let output = run_with(hothouse().args(["validate", "--jsonl"]), corpus.as_bytes());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let answers: Vec<&str> = output.stdout.lines().collect();
    let cases: Vec<&str> = corpus.lines().collect();
    assert_eq!((answers.len(), cases.len()), (400, 400));
    let object = |text: &str| match json::parse(text).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other}"),
    };
    for (case, answer) in cases.iter().zip(&answers) {
        let (case, answer) = (object(case), object(answer));
        for member in ["id", "ok", "output"] {
            assert_eq!(case.get(member), answer.get(member), "{case:?}");
        }
        let paths = |side: &json::Object| -> BTreeSet<String> {
            let Some(Value::Array(issues)) = side.get("issues") else { return BTreeSet::new() };
            let path = |issue: &Value| match issue {
                Value::Object(issue) => issue.get("path").unwrap().to_string(),
                other => panic!("{other}"),
            };
            issues.iter().map(path).collect()
        };
        assert_eq!(paths(&case), paths(&answer), "{case:?}");
    }
}

#[test]
fn a_wrong_document_is_told_everything_at_once() {
    let folder = Folder::new("documents");
    folder.write("options.json", r#"{"timeout": -1, "parallel": "yes", "extra": 1}"#);
    let output = run(hothouse().args(["validate", "StartupOptions"]).arg(folder.0.join("options.json")));
    assert_eq!(output.status, Some(1));
    assert_eq!(output.stderr.lines().count(), 3, "{}", output.stderr);
    assert!(output.stderr.contains("timeout") && output.stderr.contains("parallel"), "{}", output.stderr);
    let right = run_with(hothouse().args(["validate", "StartupOptions", "-", "--json"]), b"{}");
    assert_eq!(right.status, Some(0));
    assert_eq!(right.json()["output"]["timeout"], 30000);
    let unknown = run(hothouse().args(["validate", "StartupOption", "-"]));
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.stderr.contains("StartupOptions"), "{}", unknown.stderr);
}

#[test]
fn every_schema_is_printed_for_both_sides() {
    let names = run(hothouse().args(["schema"]));
    assert_eq!(names.stdout.lines().count(), 13);
    for name in names.stdout.lines() {
        for side in ["input", "output"] {
            let schema = run(hothouse().args(["schema", name, "--side", side])).json();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        }
    }
}

#[test]
fn the_example_is_sound_and_its_plan_is_in_order() {
    let shop = repository().join("examples/shop");
    let check = run(hothouse().arg("check").arg(&shop).arg("--json"));
    assert_eq!(check.json()["ok"], true, "{}", check.stdout);
    let plan = run(hothouse().arg("plan").arg(&shop).args(["--only", "orders", "--json"])).json();
    let steps: Vec<_> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["plugin"].as_str().unwrap()).collect();
    assert_eq!(steps, ["migrate", "inventory", "prices", "orders"]);
}

#[test]
fn a_wrong_project_is_told_everything_at_once_with_places() {
    let folder = Folder::with_project(
        "wrong",
        "version: 1\nplugins:\n  - name: a\n    run: {comand: [sleep, '1']}\n    dependencies: [b]\n  - name: b\n    run: {command: [sleep, '1']}\n    dependencies: [c]\n",
    );
    let check = run(hothouse().arg("check").arg(&folder.0));
    assert_eq!(check.status, Some(3));
    for part in ["hothouse.yaml:4:", "did you mean `command`?", "hothouse.yaml:8:", "`c`"] {
        assert!(check.stderr.contains(part), "{part}: {}", check.stderr);
    }
    let up = run(hothouse().arg("up").arg(&folder.0));
    assert_eq!((up.status, up.stderr), (Some(3), check.stderr));
    let missing = run(hothouse().arg("check").arg(folder.0.join("nothing")));
    assert_eq!(missing.status, Some(3), "{}", missing.stderr);
}

#[test]
fn shells_can_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(hothouse().args(["completions", shell]));
        assert!(script.status == Some(0) && script.stdout.contains("validate"), "{shell}");
    }
}
