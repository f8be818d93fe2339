//! From JSON text to a value, without recursion.
//!
//! What is still open stands on a stack of our own, so that the depth of the text costs no stack of the
//! thread.

mod string;

use super::{Object, Value};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How many arrays and objects may stand inside one another, unless [`Limits`] says otherwise.
///
/// Values of this depth can be cloned, compared, printed and dropped in a fraction of a 2 MiB stack.
pub const MAX_DEPTH: usize = 512;

/// What text may at most hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many arrays and objects may stand inside one another. More than [`MAX_DEPTH`] is only for threads
    /// with a stack to match: dropping a value takes stack in proportion to its depth.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: MAX_DEPTH }
    }
}

/// Why text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes before the fault.
    pub offset: usize,
    /// Line of the fault, from 1.
    pub line: usize,
    /// Column of the fault in characters, from 1.
    pub column: usize,
    /// What is wrong, without the place.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl core::error::Error for SyntaxError {}

/// Reads one JSON value that fills the whole text, at most [`MAX_DEPTH`] deep.
///
/// # Errors
/// The first place at which `text` is not JSON, or at which it is nested too deeply.
pub fn parse(text: &str) -> Result<Value, SyntaxError> {
    parse_with(text, Limits::default())
}

/// Reads one JSON value that fills the whole text, within `limits`.
///
/// # Errors
/// The first place at which `text` is not JSON, or at which it goes beyond `limits`.
pub fn parse_with(text: &str, limits: Limits) -> Result<Value, SyntaxError> {
    let mut reader = Reader { text, at: 0, limits };
    reader.document().map_err(|fault| fault.located(text))
}

/// A fault before its line and column are counted.
struct Fault {
    offset: usize,
    message: Cow<'static, str>,
}

impl Fault {
    fn located(self, text: &str) -> SyntaxError {
        let before = text.get(..self.offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        SyntaxError {
            offset: self.offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message.into_owned(),
        }
    }
}

/// An array or object that has been opened and not yet closed.
enum Open {
    Array(Vec<Value>),
    /// The members so far, and the name whose value comes next.
    Object(Object, String),
}

/// What a step of the reader found.
enum Step {
    /// A bracket was opened: its first value comes next.
    Opened(Open),
    /// A value is complete.
    Complete(Value),
}

struct Reader<'t> {
    text: &'t str,
    /// Bytes read so far. Only whole characters are skipped, so `text` can be cut here.
    at: usize,
    limits: Limits,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Fault> {
        if self.text.starts_with('\u{feff}') {
            return Err(self.fault("the text begins with a byte order mark; save it as UTF-8 without one"));
        }
        let mut open: Vec<Open> = Vec::new();
        loop {
            match self.value(open.len())? {
                Step::Opened(bracket) => open.push(bracket),
                Step::Complete(value) => {
                    if let Some(whole) = self.close(value, &mut open)? {
                        return self.end(whole);
                    }
                }
            }
        }
    }

    /// Puts a complete value into what is open around it, closing all that ends here. Returns the whole
    /// document once nothing is open any more.
    fn close(&mut self, value: Value, open: &mut Vec<Open>) -> Result<Option<Value>, Fault> {
        let mut value = value;
        loop {
            let Some(innermost) = open.pop() else { return Ok(Some(value)) };
            self.skip_space();
            match innermost {
                Open::Array(mut elements) => {
                    elements.push(value);
                    if self.separator(b']', "`,` or `]`")? {
                        open.push(Open::Array(elements));
                        return Ok(None);
                    }
                    value = Value::Array(elements);
                }
                Open::Object(mut members, name) => {
                    members.insert(name, value);
                    if self.separator(b'}', "`,` or `}`")? {
                        self.skip_space();
                        let name = self.name()?;
                        open.push(Open::Object(members, name));
                        return Ok(None);
                    }
                    value = Value::Object(members);
                }
            }
        }
    }

    fn end(&mut self, value: Value) -> Result<Value, Fault> {
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.fault(format!("the text goes on after its value with {}", self.here())));
        }
        Ok(value)
    }

    /// Whether another member or element follows (`,`) or the bracket closes.
    fn separator(&mut self, closing: u8, expected: &str) -> Result<bool, Fault> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == closing => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.fault(format!("expected {expected}, found {}", self.here()))),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Step, Fault> {
        self.skip_space();
        match self.peek() {
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'"') => Ok(Step::Complete(Value::String(self.string()?))),
            Some(b'-' | b'0'..=b'9') => Ok(Step::Complete(Value::Number(self.number()?))),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word().map(Step::Complete),
            _ => Err(self.fault(format!("expected a value, found {}", self.here()))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Step, Fault> {
        self.open_bracket(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Step::Complete(Value::Array(Vec::new())));
        }
        Ok(Step::Opened(Open::Array(Vec::new())))
    }

    fn object(&mut self, depth: usize) -> Result<Step, Fault> {
        self.open_bracket(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Step::Complete(Value::Object(Object::new())));
        }
        let name = self.name()?;
        Ok(Step::Opened(Open::Object(Object::new(), name)))
    }

    fn open_bracket(&mut self, depth: usize) -> Result<(), Fault> {
        let limit = self.limits.depth;
        if depth >= limit {
            return Err(self.fault(format!("nested more deeply than the limit of {limit} levels")));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// A member's name and the colon after it.
    fn name(&mut self) -> Result<String, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(format!("expected a member name in double quotes, found {}", self.here())));
        }
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fault(format!("expected `:` after the member name, found {}", self.here())));
        }
        self.at += 1;
        Ok(name)
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => return Err(self.fault(format!("expected a value, found {}", self.here()))),
        };
        self.at += length;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64, Fault> {
        let start = self.at;
        self.skip_if(b"-");
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.fault("a number does not begin with more than one zero"));
            }
        } else {
            self.digits("a digit")?;
        }
        if self.skip_if(b".") {
            self.digits("a digit after the decimal point")?;
        }
        if self.skip_if(b"eE") {
            self.skip_if(b"+-");
            self.digits("a digit of the exponent")?;
        }
        // Rust reads every such text, rounds it correctly, and makes infinity of what is too large.
        let number: f64 = self.text[start..self.at].parse().map_err(|_| self.fault("expected a number"))?;
        // Adding positive zero turns a negative zero into it and changes nothing else.
        Ok(number + 0.0)
    }

    fn digits(&mut self, expected: &str) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.fault(format!("expected {expected}, found {}", self.here())));
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skip_if(&mut self, any_of: &[u8]) -> bool {
        let there = self.peek().is_some_and(|byte| any_of.contains(&byte));
        if there {
            self.at += 1;
        }
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What stands here, for a message: a whole word or number if there is one, else one character.
    fn here(&self) -> String {
        const LONGEST_WORD: usize = 24;
        let rest = &self.text[self.at..];
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let mut shown = rest[..word].chars().take(LONGEST_WORD).collect::<String>();
        match rest.chars().next() {
            None => return "the end of the text".into(),
            Some(first) if shown.is_empty() => shown.push(first),
            Some(_) => {}
        }
        format!("`{}`", shown.escape_debug())
    }

    fn fault(&self, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { offset: self.at, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
