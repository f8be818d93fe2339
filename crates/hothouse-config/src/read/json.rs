//! JSON, strictly by RFC 8259, with positions.
//!
//! A reader of its own and not the YAML one: YAML only nearly contains JSON (keys of more than 1024 characters,
//! `\ud83d\ude00` pairs, tabs), and a `.json` file that no other JSON reader takes should be refused here too.

use super::{MAX_DEPTH, MapBuilder, too_deep};
use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::source::{Source, Span};
use crate::text::Template;
use crate::tree::{Entry, Node, Value};

pub(super) fn read(source: &Source, report: &mut Report) -> Option<Node> {
    let mut reader = Reader { source, bytes: source.text.as_bytes(), at: 0, report };
    match reader.document() {
        Ok(node) => Some(node),
        Err(draft) => {
            report.error(draft);
            None
        }
    }
}

struct Reader<'a> {
    source: &'a Source,
    bytes: &'a [u8],
    at: usize,
    report: &'a mut Report,
}

type Read<T> = Result<T, Draft>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Node> {
        self.space();
        let node = self.value(&Path::top(), 0)?;
        self.space();
        if self.at < self.bytes.len() { Err(self.unexpected("the end of the file")) } else { Ok(node) }
    }

    fn value(&mut self, path: &Path, depth: usize) -> Read<Node> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => {
                return Err(too_deep(self.span(start, start + 1), path));
            }
            Some(b'{') => self.map(path, depth)?,
            Some(b'[') => self.seq(path, depth)?,
            Some(b'"') => Value::String(Template::literal(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { value, at: self.span(start, self.at) })
    }

    fn map(&mut self, path: &Path, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut map = MapBuilder::default();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Map(map.entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let start = self.at;
            let key = self.string()?;
            let key_at = self.span(start, self.at);
            self.space();
            if !self.take(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.space();
            let node = self.value(&path.key(&key), depth + 1)?;
            map.insert(Entry { key, key_at, node }, path, self.report);
            self.space();
            if self.take(b'}') {
                return Ok(Value::Map(map.entries));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn seq(&mut self, path: &Path, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Seq(items));
        }
        loop {
            self.space();
            items.push(self.value(&path.index(items.len()), depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Seq(items));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Read<String> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let run = self.at;
            while self.peek().is_some_and(|b| b != b'"' && b != b'\\' && b >= b' ') {
                self.at += 1;
            }
            // Runs end at ASCII bytes, which are always character boundaries.
            text.push_str(self.source.text.get(run..self.at).unwrap_or(""));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => {
                    return Err(
                        self.wrong(self.at, "a control character in a string must be escaped, as `\\n` is")
                    );
                }
                None => return Err(self.wrong(open, "the string that begins here does not end")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 2;
        Ok(match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                return Err(self
                    .wrong(start, "no such escape; allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"));
            }
        })
    }

    fn unicode(&mut self, start: usize) -> Read<char> {
        let first = self.hex(start)?;
        let code = if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex(start)?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.wrong(start, "half of a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.wrong(start, "half of a surrogate pair"))
    }

    fn hex(&mut self, start: usize) -> Read<u32> {
        let digits =
            self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.wrong(start, "`\\u` needs four hexadecimal digits"))
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.take(b'-');
        let leading = self.at;
        let whole = self.digits();
        let zero_first = self.bytes.get(leading) == Some(&b'0');
        let mut good = whole > 0 && !(zero_first && whole > 1);
        if self.take(b'.') {
            good &= self.digits() > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            good &= self.digits() > 0;
        }
        match self.source.text.get(start..self.at) {
            Some(text) if good => Ok(Value::Number { json: text.into(), as_written: true }),
            _ => Err(self.wrong(
                start,
                "not a number as JSON has it (no `+`, no leading zeros, digits after the point)",
            )),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.source.span(start..end)
    }

    fn wrong(&self, at: usize, message: &str) -> Draft {
        Draft::new(self.span(at, at), &Path::top(), message)
    }

    fn unexpected(&self, expected: &str) -> Draft {
        let rest = self.source.text.get(self.at..).unwrap_or("");
        let found =
            rest.chars().next().map_or("the end of the file".into(), |c| format!("`{}`", c.escape_debug()));
        let draft = Draft::expected(self.span(self.at, self.at), &Path::top(), expected, found);
        if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
            return draft.hint("JSON has no comments; hothouse.yaml and hothouse.toml do");
        }
        if rest.starts_with(['}', ']']) {
            return draft.hint("remove the comma before it");
        }
        draft
    }
}
