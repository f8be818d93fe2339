//! What all three readers produce: one tree in which every key and every value knows its place.
//!
//! Numbers keep their digits (as JSON writes them), so that a 64-bit integer of a free-form `config` reaches the
//! plugin unchanged.

use crate::source::Span;
use crate::text::Template;

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Span,
}

/// A value of the file.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A number as JSON text: without `+`, `_`, leading zeros or another base. `as_written` if the file has the very
    /// same text, so that it may also stand for a string (`PORT: 8080`) without guessing.
    Number {
        json: String,
        as_written: bool,
    },
    String(Template),
    Seq(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value. Keys are unique; the readers have reported any that were not.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Span,
    pub(crate) node: Node,
}

impl Node {
    /// The entry of a key, if this is a map that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What stands here, for "found …". Never an interpolated value.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "null".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number { json, .. } => clipped(json),
            Value::String(template) => {
                format!("\"{}\"", clipped(&template.written().escape_debug().to_string()))
            }
            Value::Seq(items) => if items.is_empty() { "an empty list" } else { "a list" }.into(),
            Value::Map(entries) => if entries.is_empty() { "an empty map" } else { "a map" }.into(),
        }
    }

    /// The value as JSON text; strings with their real values.
    pub(crate) fn to_json(&self) -> String {
        self.json_with(&Template::value)
    }

    /// The value as JSON text; strings as they may be shown.
    pub(crate) fn to_shown_json(&self) -> String {
        self.json_with(&Template::written)
    }

    fn json_with(&self, string: &impl Fn(&Template) -> String) -> String {
        let mut out = String::new();
        write_json(self, string, &mut out);
        out
    }

    /// Whether any string in here, at any depth, holds an interpolated value.
    pub(crate) fn is_interpolated(&self) -> bool {
        self.any(&Template::is_interpolated)
    }

    fn any(&self, test: &impl Fn(&Template) -> bool) -> bool {
        match &self.value {
            Value::String(template) => test(template),
            Value::Seq(items) => items.iter().any(|item| item.any(test)),
            Value::Map(entries) => entries.iter().any(|entry| entry.node.any(test)),
            _ => false,
        }
    }
}

fn write_json(node: &Node, string: &impl Fn(&Template) -> String, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number { json, .. } => out.push_str(json),
        Value::String(template) => write_string(&string(template), out),
        Value::Seq(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, string, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&entry.key, out);
                out.push(':');
                write_json(&entry.node, string, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// At most this many characters of a value are repeated in a message.
const SHOWN_CHARS: usize = 60;

fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
