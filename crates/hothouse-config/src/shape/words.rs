//! Splitting a command line into words as a POSIX shell would, without being one.
//!
//! Quotes and backslashes work; nothing is expanded, and `|`, `>` or `&&` are words like any other (a warning says so).
//! An interpolated value is never split and never read for quotes: it is one word, or part of one.

use crate::text::{Piece, Template, Text};

/// Why a command line cannot be split.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsplit {
    /// This quote is not closed.
    OpenQuote(char),
    /// The line ends in a backslash.
    TrailingBackslash,
}

/// A split command line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    pub(super) words: Vec<Text>,
    /// The first word that only a shell would understand.
    pub(super) operator: Option<String>,
}

/// Splits a command line.
pub(super) fn split(line: &Template) -> Result<Words, Unsplit> {
    let mut splitter = Splitter::default();
    for piece in &line.pieces {
        match piece {
            Piece::Literal(text) => text.chars().for_each(|c| splitter.character(c)),
            Piece::Inserted { value, written } => splitter.insert(value, written),
            Piece::Broken { written } => splitter.insert(written, written),
        }
    }
    splitter.finish()
}

#[derive(Default)]
struct Splitter {
    words: Words,
    word: Option<Word>,
    quote: Option<char>,
    escaped: bool,
}

#[derive(Default)]
struct Word {
    value: String,
    written: String,
    inserted: bool,
    quoted: bool,
}

impl Splitter {
    fn character(&mut self, c: char) {
        if std::mem::take(&mut self.escaped) {
            // Inside double quotes a backslash escapes only what would mean something there.
            if self.quote == Some('"') && !matches!(c, '"' | '\\' | '$' | '`' | '\n') {
                self.push('\\');
            }
            if c != '\n' {
                self.push(c);
            }
            return;
        }
        match (self.quote, c) {
            (Some(quote), c) if c == quote => self.quote = None,
            (Some('\''), c) => self.push(c),
            (_, '\\') => {
                self.escaped = true;
                self.open().quoted = true;
            }
            (Some(_), c) => self.push(c),
            (None, '\'' | '"') => {
                self.quote = Some(c);
                self.open().quoted = true;
            }
            (None, c) if c.is_whitespace() => self.close(),
            (None, c) => self.push(c),
        }
    }

    fn insert(&mut self, value: &str, written: &str) {
        // A backslash right before an inserted value escapes nothing of it.
        if std::mem::take(&mut self.escaped) {
            self.push('\\');
        }
        let word = self.open();
        word.value.push_str(value);
        word.written.push_str(written);
        word.inserted = true;
    }

    fn push(&mut self, c: char) {
        let word = self.open();
        word.value.push(c);
        word.written.push(c);
    }

    fn open(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn close(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !word.quoted && !word.inserted && self.words.operator.is_none() && is_operator(&word.value) {
            self.words.operator = Some(word.value.clone());
        }
        let text = if word.inserted {
            Text::interpolated(word.value, word.written)
        } else {
            Text::literal(word.value)
        };
        self.words.words.push(text);
    }

    fn finish(mut self) -> Result<Words, Unsplit> {
        if let Some(quote) = self.quote {
            return Err(Unsplit::OpenQuote(quote));
        }
        if self.escaped {
            return Err(Unsplit::TrailingBackslash);
        }
        self.close();
        Ok(self.words)
    }
}

fn is_operator(word: &str) -> bool {
    matches!(word, "|" | "||" | "&" | "&&" | ";" | ">" | ">>" | "<" | "<<" | "2>" | "2>&1" | "&>")
        || word.ends_with(';')
        || word.contains("$(")
        || word.contains('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, Unsplit> {
        split(&Template::literal(line))
            .map(|words| words.words.iter().map(|word| word.reveal().to_owned()).collect())
    }

    #[test]
    fn lines_are_split_as_a_shell_does() {
        let table: [(&str, &[&str]); 10] = [
            ("", &[]),
            ("  a  b\tc\n", &["a", "b", "c"]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            ("a''b ''", &["ab", ""]),
            (r"a\ b \\ \'", &["a b", r"\", "'"]),
            (r#""a\"b\n\$x""#, &[r#"a"b\n$x"#]),
            (r"'a\'", &[r"a\"]),
            ("a\\\nb", &["ab"]),
            ("x='1 2'y", &["x=1 2y"]),
            ("$HOME *", &["$HOME", "*"]),
        ];
        for (line, expected) in table {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        assert_eq!(words("a 'b"), Err(Unsplit::OpenQuote('\'')));
        assert_eq!(words("a \"b"), Err(Unsplit::OpenQuote('"')));
        assert_eq!(words("a \\"), Err(Unsplit::TrailingBackslash));
    }

    #[test]
    fn shell_operators_are_noticed() {
        let operator = |line: &str| split(&Template::literal(line)).unwrap().operator;
        assert_eq!(operator("a | b"), Some("|".into()));
        assert_eq!(operator("a > b && c"), Some(">".into()));
        assert_eq!(operator("a '|' \">\""), None);
        assert_eq!(operator("a $(b)"), Some("$(b)".into()));
    }

    #[test]
    fn an_inserted_value_is_never_split() {
        let inserted = Piece::Inserted { value: "x 'y".into(), written: "${env:V}".into() };
        let line =
            Template { pieces: vec![Piece::Literal("a --v=".into()), inserted, Piece::Literal(" b".into())] };
        let words = split(&line).unwrap().words;
        assert_eq!(words.iter().map(Text::reveal).collect::<Vec<_>>(), ["a", "--v=x 'y", "b"]);
        assert_eq!(format!("{words:?}"), r#"["a", "--v=${env:V}", "b"]"#);
    }
}
