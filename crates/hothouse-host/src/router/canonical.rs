//! Arguments in a form that is the same for the same arguments: without spaces, members in the order of their names.
//!
//! Numbers stay as they are written. Two that mean the same and are written otherwise (`1.0`, `1`) count as different,
//! which costs an answer; that two different ones never count as the same is what matters.

use std::collections::BTreeMap;

use hothouse_runtime::Json;
use serde_json::value::RawValue;

/// Deeper arguments than this are taken as they stand.
const DEPTH: usize = 64;

/// The canonical form of the arguments of a call.
pub(super) fn canonical(json: &Json) -> Box<str> {
    let mut out = String::with_capacity(json.as_str().len());
    match write(json.as_str(), DEPTH, &mut out) {
        Some(()) => out.into(),
        None => json.as_str().into(),
    }
}

fn write(text: &str, depth: usize, out: &mut String) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                separate(at, out);
                out.push_str(&serde_json::to_string(&name).ok()?);
                out.push(':');
                write(value.get(), depth, out)?;
            }
            out.push('}');
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (at, value) in elements.into_iter().enumerate() {
                separate(at, out);
                write(value.get(), depth, out)?;
            }
            out.push(']');
        }
        b'"' => {
            let string: String = serde_json::from_str(text).ok()?;
            out.push_str(&serde_json::to_string(&string).ok()?);
        }
        _ => out.push_str(text),
    }
    Some(())
}

fn separate(at: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        canonical(&Json::parse(text).unwrap()).into()
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        assert_eq!(
            of(r#"{ "b" : [1, {"d":2,"c":null}], "a":"\u0078" }"#),
            r#"{"a":"x","b":[1,{"c":null,"d":2}]}"#
        );
        assert_eq!(of(" null "), "null");
        assert_ne!(of("9007199254740993"), of("9007199254740992"), "digits are not rounded");
    }

    #[test]
    fn what_is_too_deep_is_taken_as_it_is() {
        let deep = format!("{}{}", "[ ".repeat(100), "]".repeat(100));
        assert_eq!(of(&deep), deep);
    }
}
