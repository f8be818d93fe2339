//! Holds the crate to the sample verdicts of the reference implementation in `tests/conformance`.

use hothouse_protocol::json::{self, Object, Value};
use hothouse_protocol::{Issue, SchemaName, Segment, Side, answer_line};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sample(file: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (path, text)
}

fn cases() -> Vec<Object> {
    let (path, text) = sample("cases.jsonl");
    let case = |line: &str| match json::parse(line) {
        Ok(Value::Object(case)) => case,
        other => panic!("{}: not a case: {other:?}", path.display()),
    };
    text.lines().map(case).collect()
}

fn text<'c>(case: &'c Object, name: &str) -> &'c str {
    case.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("a case without {name}"))
}

/// The paths of a recorded or answered list of issues, each as JSON text.
fn recorded_paths(issues: &Value) -> BTreeSet<String> {
    let path = |issue: &Value| {
        issue.as_object().and_then(|i| i.get("path")).expect("an issue has a path").to_string()
    };
    issues.as_array().expect("issues are a list").iter().map(path).collect()
}

fn path_text(issue: &Issue) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Key(name) => Value::from(name.as_str()),
        Segment::Index(position) => Value::from(u32::try_from(*position).expect("a small list")),
    };
    Value::Array(issue.path.segments().iter().map(segment).collect()).to_string()
}

#[test]
fn all_four_hundred_cases_get_the_reference_verdict() {
    let cases = cases();
    assert_eq!(cases.len(), 400);
    for case in &cases {
        let id = text(case, "id");
        let schema: SchemaName = text(case, "schema").parse().expect("a known schema");
        match schema.validate(&case.get("input").cloned().expect("every case has an input")) {
            Ok(output) => assert_eq!(Some(&output), case.get("output"), "output of {id}"),
            Err(issues) => {
                assert_eq!(case.get("ok"), Some(&Value::Bool(false)), "{id} is good, but: {issues:?}");
                let paths: BTreeSet<_> = issues.iter().map(path_text).collect();
                assert_eq!(
                    paths,
                    recorded_paths(case.get("issues").expect("a case has issues")),
                    "paths of {id}"
                );
            }
        }
    }
}

#[test]
fn the_line_protocol_gives_the_same_verdicts() {
    let (_, lines) = sample("cases.jsonl");
    for (line, case) in lines.lines().zip(cases()) {
        let answer = json::parse(&answer_line(line)).expect("an answer is JSON");
        let answer = answer.as_object().expect("an answer is an object");
        assert_eq!(answer.get("id"), case.get("id"));
        assert_eq!(answer.get("ok"), case.get("ok"), "{line}");
        assert_eq!(answer.get("output"), case.get("output"), "{line}");
        if let Some(issues) = answer.get("issues") {
            assert_eq!(
                recorded_paths(issues),
                recorded_paths(case.get("issues").expect("a case has issues")),
                "{line}"
            );
        }
    }
}

#[test]
fn a_good_output_validates_to_itself_and_has_nothing_unknown() {
    for case in cases() {
        let Some(output) = case.get("output") else { continue };
        let schema: SchemaName = text(&case, "schema").parse().expect("a known schema");
        assert_eq!(schema.validate(output).as_ref(), Ok(output));
        assert_eq!(schema.unknown_members(output), []);
    }
}

#[test]
fn all_twenty_six_json_schemas_equal_the_reference() {
    assert_eq!(SchemaName::ALL.len(), 13);
    for name in SchemaName::ALL {
        for (side, suffix) in [(Side::Input, "input"), (Side::Output, "output")] {
            let (path, expected) = sample(&format!("json-schema/{name}.{suffix}.json"));
            let expected = json::parse(&expected).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(without_descriptions(&name.json_schema(side)), expected, "{name} {suffix}");
        }
    }
}

#[test]
fn every_member_is_described_in_one_sentence_or_more() {
    for name in SchemaName::ALL {
        for side in [Side::Input, Side::Output] {
            assert_described(&name.json_schema(side), name.as_str());
        }
    }
}

fn assert_described(schema: &Value, place: &str) {
    let Some(schema) = schema.as_object() else { return };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let place = format!("{place}.{name}");
            let description = property.as_object().and_then(|p| p.get("description")).and_then(Value::as_str);
            assert!(
                description.is_some_and(|d| d.ends_with('.') && d.trim() == d),
                "{place}: {description:?}"
            );
            assert_described(property, &place);
        }
    }
    if let Some(items) = schema.get("items") {
        assert_described(items, place);
    }
}

fn without_descriptions(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept =
                members.iter().filter(|(name, value)| !(*name == "description" && value.as_str().is_some()));
            Value::Object(kept.map(|(name, value)| (name, without_descriptions(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_descriptions).collect()),
        other => other.clone(),
    }
}
