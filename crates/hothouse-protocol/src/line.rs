//! Validation as a line protocol: a JSON line asks, a JSON line answers.
//!
//! A question is `{"id":…,"schema":…,"input":…}`. The answer echoes `id` and says `"ok":true` with the normal
//! form as `output`, or `"ok":false` with `issues`, or `"ok":false` with `error` if the question itself
//! cannot be answered. Reading lines and writing them is the caller's affair.

use crate::json::{self, Object, Value};
use crate::path::{Path, Segment};
use crate::problem::Issue;
use crate::schema::SchemaName;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// Answers one line. The answer is one line too, without its end.
#[must_use]
pub fn answer_line(line: &str) -> String {
    let question = match json::parse(line) {
        Ok(Value::Object(question)) => question,
        Ok(_) => return unanswerable(Value::Null, "the line is JSON but not an object").to_string(),
        Err(error) => {
            return unanswerable(Value::Null, &format!("the line is not JSON: {error}")).to_string();
        }
    };
    let id = question.get("id").cloned().unwrap_or_default();
    match schema_asked_for(&question) {
        Ok(schema) => answer(id, schema, question.get("input")).to_string(),
        Err(why) => unanswerable(id, &why).to_string(),
    }
}

fn schema_asked_for(question: &Object) -> Result<SchemaName, String> {
    match question.get("schema") {
        Some(Value::String(name)) => {
            name.parse().map_err(|unknown: crate::UnknownSchema| unknown.to_string())
        }
        Some(_) => Err("`schema` is not a string; it names the schema to validate with".into()),
        None => Err("`schema` is missing; it names the schema to validate with".into()),
    }
}

fn answer(id: Value, schema: SchemaName, input: Option<&Value>) -> Value {
    let verdict = input.map_or_else(|| Err(schema.without_value()), |input| schema.validate(input));
    let (ok, name, content) = match verdict {
        Ok(output) => (true, "output", output),
        Err(issues) => (false, "issues", Value::Array(issues.iter().map(issue_value).collect())),
    };
    Object::from([("id", id), ("ok", ok.into()), (name, content)]).into()
}

fn unanswerable(id: Value, message: &str) -> Value {
    let error = Object::from([("message", message)]);
    Object::from([("id", id), ("ok", false.into()), ("error", error.into())]).into()
}

fn issue_value(issue: &Issue) -> Value {
    let message = issue.problem.to_string();
    Object::from([("path", path_value(&issue.path)), ("message", message.into())]).into()
}

fn path_value(path: &Path) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "no list in memory has 2^53 elements")]
    let segment_value = |segment: &Segment| match segment {
        Segment::Key(name) => Value::from(name.as_str()),
        Segment::Index(position) => Value::Number(*position as f64),
    };
    Value::Array(path.segments().iter().map(segment_value).collect::<Vec<_>>())
}
