//! The text of a project file and where in it a thing stands.
//!
//! This module reads bytes and counts lines. It knows nothing of YAML, TOML or JSON.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest project file that is read, in bytes. A project file is written by people; one beyond
/// this size is a mistake (a log, a dump), and refusing it early keeps memory bounded.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A place in a file: line and column, both from 1, columns counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Position = Position { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A stretch of a file: first character inside, first character after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First character.
    pub start: Position,
    /// First character after it; never before `start`.
    pub end: Position,
}

impl Span {
    /// A span without width, for what has a place but no text (a missing key, the end of the file).
    pub fn point(at: Position) -> Span {
        Span { start: at, end: at }
    }

    /// The span from `start` to `end`; a wrong order is read as a point.
    pub(crate) fn new(start: Position, end: Position) -> Span {
        Span { start, end: end.max(start) }
    }
}

/// A file's text, kept to turn offsets into positions and to print excerpts.
pub(crate) struct Source {
    /// The file, as the user named it: this is what messages show.
    pub(crate) path: PathBuf,
    /// The whole text, without a leading byte order mark.
    pub(crate) text: String,
    line_starts: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte. Without them a position in a file of one long line (JSON is often
    /// that) would cost the whole line, and reading it the square.
    characters: Vec<usize>,
}

const STRIDE: usize = 1024;

/// Why a file's text could not be had, with the place if it is inside the file.
pub(crate) struct Unreadable {
    /// As much of the text as could be read.
    pub(crate) source: Source,
    pub(crate) at: Option<Position>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Source {
    /// Reads a project file. Refuses what is too large, not UTF-8, or holds NUL (which one of the
    /// three formats would take for the end of the file, in silence).
    pub(crate) fn read(path: &Path) -> Result<Source, Box<Unreadable>> {
        match read_bytes(path, MAX_FILE_BYTES) {
            Err(message) => {
                let help = (!path.exists())
                    .then(|| "run `hothouse check` in the project's folder, or name the file".into());
                Err(Box::new(Unreadable {
                    source: Source::new(path, String::new()),
                    at: None,
                    message,
                    help,
                }))
            }
            Ok(bytes) => Source::from_bytes(path, bytes),
        }
    }

    /// The same checks as [`Source::read`], for bytes already in memory.
    pub(crate) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Source, Box<Unreadable>> {
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(valid))
            }
        };
        let marked = text.starts_with('\u{feff}');
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let source = Source::new(path, text);
        if let Some(offset) = invalid_at {
            let offset = if marked { offset.saturating_sub(3) } else { offset };
            let at = Some(source.position(offset));
            let help = Some("save the file as UTF-8".into());
            return Err(Box::new(Unreadable {
                source,
                at,
                message: "the file is not valid UTF-8 here".into(),
                help,
            }));
        }
        if let Some(offset) = source.text.find('\0') {
            let at = Some(source.position(offset));
            return Err(Box::new(Unreadable {
                source,
                at,
                message: "the file holds a NUL character".into(),
                help: None,
            }));
        }
        Ok(source)
    }

    /// A source from text; lines end at LF, CR LF or CR, as YAML has it.
    pub(crate) fn new(path: &Path, text: String) -> Source {
        let bytes = text.as_bytes();
        let ends_line =
            |i: usize| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
        let line_starts =
            std::iter::once(0).chain((0..bytes.len()).filter(|i| ends_line(*i)).map(|i| i + 1)).collect();
        let characters = std::iter::once(0).chain(bytes.chunks(STRIDE).scan(0, |sum, chunk| {
            *sum += count_characters(chunk);
            Some(*sum)
        }));
        let characters = characters.collect();
        Source { path: path.to_owned(), text, line_starts, characters }
    }

    /// The position of a byte offset; one beyond the end is the end, one inside a character is the next one's.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let column = self.characters_before(offset) - self.characters_before(self.line_starts[line]);
        Position { line: number(line + 1), column: number(column + 1) }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let chunk = offset / STRIDE;
        self.characters[chunk] + count_characters(&self.text.as_bytes()[chunk * STRIDE..offset])
    }

    /// The span of a byte range.
    pub(crate) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.position(range.start), self.position(range.end))
    }

    /// A line's text without its line break; `None` beyond the end.
    pub(crate) fn line(&self, line: u32) -> Option<&str> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.line_starts.get(index)?;
        let end = self.line_starts.get(index + 1).copied().unwrap_or(self.text.len());
        Some(self.text[start..end].trim_end_matches(['\n', '\r']))
    }

    /// The place after the last character.
    pub(crate) fn end(&self) -> Position {
        self.position(self.text.len())
    }
}

/// Counts the bytes that begin a character.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b & 0xc0 != 0x80).count()
}

/// Reads a whole file of at most `limit` bytes; the error is a sentence without the path.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| format!("cannot read the file: {error}"))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells "too large" from "just fits", whatever the file claims its size is.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot read the file: {error}"))?;
    if bytes.len() as u64 > limit {
        return Err(format!("the file is larger than the {limit} bytes that are read at most"));
    }
    Ok(bytes)
}

pub(crate) fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(Path::new("hothouse.yaml"), text.into())
    }

    #[test]
    fn positions_count_characters_and_every_kind_of_line_break() {
        let source = source("ab\r\nüx\rlast\n");
        let table =
            [(0, 1, 1), (2, 1, 3), (4, 2, 1), (5, 2, 2), (6, 2, 2), (8, 3, 1), (13, 4, 1), (999, 4, 1)];
        for (offset, line, column) in table {
            assert_eq!(source.position(offset), Position { line, column }, "offset {offset}");
        }
        assert_eq!(source.line(2), Some("üx"));
        assert_eq!(source.line(4), Some(""));
        assert_eq!(source.line(5), None);
        assert_eq!(source.line(0), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_where_they_stand() {
        let refused = |bytes: &[u8]| match Source::from_bytes(Path::new("x"), bytes.to_vec()) {
            Ok(_) => None,
            Err(why) => why.at,
        };
        assert_eq!(refused(b"a: 1"), None);
        assert_eq!(refused(b"a: 1\nb: \xff"), Some(Position { line: 2, column: 4 }));
        assert_eq!(refused(b"\xef\xbb\xbfa: \xff"), Some(Position { line: 1, column: 4 }));
        assert_eq!(refused(b"a: \0"), Some(Position { line: 1, column: 4 }));
    }
}
