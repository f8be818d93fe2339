//! Strings and their escapes.

use super::{Fault, Reader};
use alloc::format;
use alloc::string::String;

impl<'t> Reader<'t> {
    /// Reads the string that begins here.
    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let opening = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.plain_run();
            text.push_str(plain);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(control) => {
                    let message =
                        format!("a string holds the raw control character U+{control:04X}; escape it");
                    return Err(self.fault(message));
                }
                None => return Err(Fault { offset: opening, message: "this string never ends".into() }),
            }
        }
    }

    /// Skips to the next quote, backslash or control character and returns what lies before it.
    fn plain_run(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape(start);
            }
            _ => return Err(self.fault(format!("`\\` cannot escape {}", self.here()))),
        };
        self.at += 1;
        Ok(character)
    }

    /// The character of `\uXXXX`, or of a pair of them, whose backslash stands at `start`.
    fn unicode_escape(&mut self, start: usize) -> Result<char, Fault> {
        let first = self.four_hex_digits()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        if first < 0xDC00 && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.four_hex_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return char::from_u32(code).ok_or_else(|| self.fault("this surrogate pair is no character"));
            }
        }
        let message = format!("the surrogate escape `\\u{first:04x}` has no partner, so it is no character");
        Err(Fault { offset: start, message: message.into() })
    }

    fn four_hex_digits(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self
                    .fault(format!("expected four hexadecimal digits after `\\u`, found {}", self.here())));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}
