//! The protocol's own objects inside a project file: parsed by the protocol crate, reported with positions.
//!
//! An unknown member is legal there, and dropped. In a file that a person wrote it is nearly always a slip, so it is a
//! warning.

use hothouse_protocol::json::{Object, Value as Json};
use hothouse_protocol::{Expected, Issue, Path as Inner, Problem as Fault, Schema, Segment, UnknownMember};

use super::Field;
use crate::problem::{Draft, Report};
use crate::source::Span;
use crate::text::Template;
use crate::tree::{Node, Value};

/// Parses a protocol object; an absent one is an empty one. `None` if anything is wrong with it.
pub(super) fn protocol<T: Schema>(field: Option<&Field<'_>>, report: &mut Report) -> Option<T> {
    let Some(field) = field else { return T::parse(&Json::Object(Object::new())).ok() };
    let json = to_json(field.node);
    for unknown in T::unknown_members(&json) {
        report.warning(unknown_member(field, &unknown, T::NAME.as_str()));
    }
    match T::parse(&json) {
        Ok(value) => Some(value),
        Err(issues) => {
            for draft in issues.iter().filter_map(|issue| problem(field, issue)) {
                report.error(draft);
            }
            None
        }
    }
}

fn unknown_member(field: &Field<'_>, unknown: &UnknownMember, schema: &str) -> Draft {
    let place = locate(field, &unknown.path);
    let name = place.field.path.last_key().unwrap_or_default().escape_debug().to_string();
    let message = format!("unknown member `{name}` of {schema}; it is dropped");
    Draft::new(place.field.key_at, &place.field.path, message).found(name).near(unknown.near_miss)
}

/// The problem that an issue means; `None` if it is about a value that could not be interpolated, which has been
/// reported already.
fn problem(field: &Field<'_>, issue: &Issue) -> Option<Draft> {
    let place = locate(field, &issue.path);
    if place.missing.is_none() && place.field.as_string().is_some_and(Template::is_broken) {
        return None;
    }
    Some(match (&issue.problem, place.missing) {
        (Fault::Missing { expected }, Some(name)) => {
            let at = Span::point(place.field.at().start);
            let message = format!("`{name}` is missing; expected {}", allowed(expected));
            Draft::new(at, &place.field.path.key(name), message).allowed(allowed(expected))
        }
        (fault, _) => unfit(&place.field, fault),
    })
}

fn unfit(field: &Field<'_>, fault: &Fault) -> Draft {
    let (expected, near) = match fault {
        Fault::Missing { expected }
        | Fault::WrongType { expected, .. }
        | Fault::NotFinite { expected }
        | Fault::NotAnInteger { expected, .. }
        | Fault::TooSmall { expected, .. }
        | Fault::TooBig { expected, .. } => (*expected, None),
        Fault::NotOneOf { allowed, near_miss, .. } => (Expected::OneOf(allowed), *near_miss),
        Fault::NotADateTime { .. } => (Expected::DateTime, None),
    };
    let interpolated = field.as_string().is_some_and(Template::is_interpolated);
    let draft = field.expected(allowed(&expected));
    if !interpolated {
        return draft.near(near);
    }
    // A near miss of an interpolated value would tell half of it.
    let is_text = matches!(expected, Expected::String | Expected::OneOf(_) | Expected::DateTime);
    draft.maybe_hint(field.always_string().filter(|_| !is_text))
}

fn allowed(expected: &Expected) -> String {
    match expected {
        Expected::Object => "a map".into(),
        expected => expected.to_string(),
    }
}

/// The setting a protocol path means, or the innermost one there is and the name that is missing in it.
struct Located<'a> {
    field: Field<'a>,
    missing: Option<String>,
}

fn locate<'a>(field: &Field<'a>, path: &Inner) -> Located<'a> {
    let mut here = field.clone();
    for segment in path.segments() {
        let next = match segment {
            Segment::Key(name) => here.get(name),
            Segment::Index(index) => here.elements().and_then(|mut elements| elements.nth(*index)),
        };
        match (next, segment) {
            (Some(next), _) => here = next,
            (None, Segment::Key(name)) => return Located { field: here, missing: Some(name.clone()) },
            (None, Segment::Index(index)) => {
                return Located { field: here, missing: Some(index.to_string()) };
            }
        }
    }
    Located { field: here, missing: None }
}

/// The value as the protocol's reader takes it: numbers as doubles, strings with their real values.
fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        // Every number of the tree is JSON text, which `f64` reads as JavaScript does, too large ones as infinity.
        Value::Number { json, .. } => Json::Number(json.parse().unwrap_or(f64::INFINITY)),
        Value::String(template) => Json::String(template.value()),
        Value::Seq(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.node))).collect())
        }
    }
}
