//! Compact JSON text of a value, on one line.

use super::Value;
use super::number::write_number;
use core::fmt::{self, Write as _};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(true) => f.write_str("true"),
            Self::Bool(false) => f.write_str("false"),
            Self::Number(number) => write_number(*number, f),
            Self::String(text) => write_quoted(text, f),
            Self::Array(elements) => {
                f.write_char('[')?;
                for (position, element) in elements.iter().enumerate() {
                    write_separator(position, f)?;
                    element.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(members) => members.fmt(f),
        }
    }
}

impl fmt::Display for super::Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (position, (name, value)) in self.iter().enumerate() {
            write_separator(position, f)?;
            write_quoted(name, f)?;
            f.write_char(':')?;
            value.fmt(f)?;
        }
        f.write_char('}')
    }
}

/// Writes `text` as a JSON string, quotes included.
pub(crate) fn write_quoted(text: &str, f: &mut impl fmt::Write) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        f.write_str(&rest[..at])?;
        let mut following = rest[at..].chars();
        if let Some(character) = following.next() {
            write_escape(character, f)?;
        }
        rest = following.as_str();
    }
    f.write_str(rest)?;
    f.write_char('"')
}

fn needs_escape(character: char) -> bool {
    matches!(character, '"' | '\\') || character < ' '
}

fn write_escape(character: char, f: &mut impl fmt::Write) -> fmt::Result {
    match character {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        other => write!(f, "\\u{:04x}", u32::from(other)),
    }
}

fn write_separator(position: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if position == 0 { Ok(()) } else { f.write_char(',') }
}

#[cfg(test)]
mod tests {
    use super::super::Object;
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn compact_text() {
        let value = Value::Array(vec![
            Value::Null,
            Value::from(true),
            Value::from(30_000),
            Value::from("a\"\\\n\u{1}é😀"),
            Value::Object(Object::from([("", Value::Array(vec![])), ("b", Object::new().into())])),
        ]);
        assert_eq!(value.to_string(), r#"[null,true,30000,"a\"\\\n\u0001é😀",{"":[],"b":{}}]"#);
    }
}
