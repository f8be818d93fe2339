//! Holds a value to a JSON Schema, as far as the schemas of this repository go. A word of a schema that it does not know
//! is an error of the schema: nothing is taken for a rule and then not looked at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hothouse_protocol::DateTime;
use regex::Regex;
use serde_json::{Map, Value};

/// Schemas by file, read when they are first named.
#[derive(Default)]
pub struct Schemas {
    files: HashMap<PathBuf, Value>,
}

/// Words that say nothing about values, or that the schemas of the protocol bring along.
const SILENT: [&str; 7] = ["$schema", "$defs", "title", "description", "default", "x-run", "propertyNames"];

impl Schemas {
    /// What is wrong with a value, each with its place; nothing if it is as the file says.
    pub fn problems(&mut self, file: &Path, value: &Value) -> Vec<String> {
        let schema = self.file(file);
        let mut problems = Vec::new();
        self.check(&schema, file, value, "$", &mut problems);
        problems
    }

    /// A schema as it stands in its file.
    pub fn file(&mut self, file: &Path) -> Value {
        let read = |file: &Path| {
            let text =
                std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        self.files.entry(file.to_owned()).or_insert_with(|| read(file)).clone()
    }

    fn check(&mut self, schema: &Value, file: &Path, value: &Value, at: &str, problems: &mut Vec<String>) {
        let rules = schema.as_object().unwrap_or_else(|| panic!("{}: {schema} is no schema", file.display()));
        for (word, rule) in rules {
            match word.as_str() {
                "$ref" => {
                    let (file, schema) = self.named(rule.as_str().unwrap(), file);
                    self.check(&schema, &file, value, at, problems);
                }
                "oneOf" => self.one_of(rule.as_array().unwrap(), file, value, at, problems),
                "type" if !is_of_type(rule, value) => problems.push(format!("{at}: {value} is no {rule}")),
                "const" if rule != value => problems.push(format!("{at}: {value} is not {rule}")),
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    problems.push(format!("{at}: {value} is none of {rule}"))
                }
                "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                    problems.push(format!("{at}: {value} is less than {rule}"))
                }
                "maximum" if value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()) => {
                    problems.push(format!("{at}: {value} is more than {rule}"))
                }
                "maxItems"
                    if value.as_array().is_some_and(|items| items.len() as u64 > rule.as_u64().unwrap()) =>
                {
                    problems.push(format!("{at}: more than {rule} elements"))
                }
                "items" => {
                    for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, file, item, &format!("{at}[{nth}]"), problems);
                    }
                }
                "required" => {
                    for name in rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
                        if value.as_object().is_some_and(|members| !members.contains_key(name)) {
                            problems.push(format!("{at}: `{name}` is missing"));
                        }
                    }
                }
                "pattern" if value.as_str().is_some_and(|text| !is_match(rule, text)) => {
                    problems.push(format!("{at}: {value} does not match {rule}"))
                }
                "format" => {
                    assert_eq!(rule, "date-time", "{}: no other format is known here", file.display());
                    if value.as_str().is_some_and(|text| DateTime::check(text).is_err()) {
                        problems.push(format!("{at}: {value} is no {rule}"));
                    }
                }
                "properties" | "additionalProperties" => {}
                "type" | "const" | "enum" | "minimum" | "maximum" | "maxItems" | "pattern" => {}
                silent if SILENT.contains(&silent) => {}
                unknown => panic!("{}: `{unknown}` is not known to this validator", file.display()),
            }
        }
        if let Some(members) = value.as_object() {
            self.members(rules, file, members, at, problems);
        }
    }

    fn members(
        &mut self,
        rules: &Map<String, Value>,
        file: &Path,
        members: &Map<String, Value>,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        let known = rules.get("properties").and_then(Value::as_object);
        for (name, member) in members {
            let at = format!("{at}.{name}");
            match (known.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
                (Some(schema), _) => self.check(schema, file, member, &at, problems),
                (None, Some(Value::Bool(false))) => problems.push(format!("{at}: not in the schema")),
                (None, Some(schema)) => self.check(schema, file, member, &at, problems),
                (None, None) => {}
            }
        }
    }

    fn one_of(
        &mut self,
        choices: &[Value],
        file: &Path,
        value: &Value,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        let mut fits = 0;
        let mut nearest: Option<Vec<String>> = None;
        for choice in choices {
            let mut own = Vec::new();
            self.check(choice, file, value, at, &mut own);
            fits += usize::from(own.is_empty());
            if nearest.as_ref().is_none_or(|nearest| own.len() < nearest.len()) {
                nearest = Some(own);
            }
        }
        match fits {
            1 => {}
            0 => problems.extend(nearest.into_iter().flatten()),
            many => problems.push(format!("{at}: {many} of the choices fit, not one")),
        }
    }

    /// `FILE#/a/b`, relative to the file in which it stands.
    fn named(&mut self, name: &str, from: &Path) -> (PathBuf, Value) {
        let (file, pointer) = name.split_once('#').unwrap_or((name, ""));
        let file = if file.is_empty() { from.to_owned() } else { from.parent().unwrap().join(file) };
        let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {name}: {error}", from.display()));
        let whole = self.file(&file);
        let schema =
            whole.pointer(pointer).unwrap_or_else(|| panic!("{}: {name} is not there", from.display()));
        (file, schema.clone())
    }
}

fn is_match(pattern: &Value, text: &str) -> bool {
    Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text)
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("`{other}` is no type"),
    };
    match rule {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}
