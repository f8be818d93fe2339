//! One line of a log as it is kept, in files and in memory.
//!
//! ```text
//! 2026-11-22T01:02:03.004Z db 1 stdout info | listening on 5432
//! TIME                     PLUGIN LIFE STREAM LEVEL MARK TEXT
//! ```
//!
//! Words with one space between them, then the text. The mark is `|`, or `+` if the text goes on in the next line of the
//! same stream, because it was too long for one. In the text a backslash is `\\`, and control characters (but for the
//! tab) and bytes that are no UTF-8 are `\xNN`: so a line is one line of UTF-8 that is safe to print, and the bytes come
//! back as they were.

use std::ops::Range;

use hothouse_protocol::DateTime;
use hothouse_runtime::{Level, Stream};

use super::names;

/// One line of a plugin's log, as it was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// When it reached the host, in RFC 3339 UTC with milliseconds; two such texts compare as the times do.
    pub time: String,
    /// The plugin.
    pub plugin: String,
    /// The life that wrote it.
    pub incarnation: u64,
    /// Where it came from.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// The line, without its end. What was no UTF-8 is replaced.
    pub text: String,
    /// Whether the line was too long for one record, and goes on in the next of the same stream.
    pub continues: bool,
}

/// A kept line, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) time: &'a str,
    plugin: &'a str,
    incarnation: u64,
    stream: Stream,
    pub(crate) level: Level,
    continues: bool,
    text: &'a [u8],
}

/// What stands in the lines of one life, whatever they say.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    words: String,
}

impl LogRecord {
    /// The record that a kept line holds; `None` if it is none, such as one whose beginning was cut off by a crash.
    pub fn read(line: &[u8]) -> Option<LogRecord> {
        Parts::of(line).map(|parts| parts.record())
    }
}

impl<'a> Parts<'a> {
    /// Takes a line apart; its newline may be there or not.
    pub(crate) fn of(line: &'a [u8]) -> Option<Parts<'a>> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut words = line.splitn(7, |byte| *byte == b' ');
        let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
        let time = word().filter(|time| DateTime::check(time).is_ok())?;
        let plugin = word()?;
        let incarnation = word()?.parse().ok()?;
        let stream = word()?;
        let stream = Stream::ALL.into_iter().find(|known| known.as_str() == stream)?;
        let level = word()?;
        let level = Level::ALL.into_iter().find(|known| known.as_str() == level)?;
        let continues = match word()? {
            "|" => false,
            "+" => true,
            _ => return None,
        };
        let text = words.next().unwrap_or_default();
        Some(Parts { time, plugin, incarnation, stream, level, continues, text })
    }

    pub(crate) fn record(&self) -> LogRecord {
        LogRecord {
            time: self.time.into(),
            plugin: names::from_line(self.plugin),
            incarnation: self.incarnation,
            stream: self.stream,
            level: self.level,
            text: String::from_utf8_lossy(&unescaped(self.text)).into_owned(),
            continues: self.continues,
        }
    }
}

impl Author {
    pub(crate) fn new(plugin: &str, incarnation: u64) -> Author {
        Author { words: format!(" {} {incarnation} ", names::in_line(plugin)) }
    }
}

/// Lines of one author that have the same time, one below the other.
pub(crate) struct Page<'a> {
    author: &'a Author,
    time: &'a str,
    lines: &'a mut Vec<u8>,
    /// What kind the last line was of, and where in `lines` that stands which comes before its text.
    last: Option<(Kind, Range<usize>)>,
}

/// The stream of a line, its level, and whether it goes on.
pub(crate) type Kind = (Stream, Level, bool);

impl<'a> Page<'a> {
    /// Lines that are added to `lines`. `time` is that of [`DateTime`], with milliseconds.
    pub(crate) fn new(author: &'a Author, time: &'a str, lines: &'a mut Vec<u8>) -> Page<'a> {
        Page { author, time, lines, last: None }
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, kind: Kind, text: &[u8]) {
        let begin = self.lines.len();
        match self.last.take().filter(|(last, _)| *last == kind) {
            // In a flood every line begins like the one before.
            Some((_, same)) => self.lines.extend_from_within(same),
            None => self.begin(kind),
        }
        self.last = Some((kind, begin..self.lines.len()));
        escape(text, self.lines);
        self.lines.push(b'\n');
    }

    fn begin(&mut self, (stream, level, continues): Kind) {
        let mark = if continues { " + " } else { " | " };
        let words = [self.time, &self.author.words, stream.as_str(), " ", level.as_str(), mark];
        words.iter().for_each(|word| self.lines.extend_from_slice(word.as_bytes()));
    }
}

/// Adds text to a line so that it stays one line of UTF-8 without control characters.
fn escape(text: &[u8], line: &mut Vec<u8>) {
    // Every byte is looked at, because that can be done with many at once.
    if text.iter().fold(true, |plain, byte| plain & is_plain(*byte)) {
        return line.extend_from_slice(text);
    }
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            match character {
                '\\' => line.extend_from_slice(b"\\\\"),
                '\t' => line.push(b'\t'),
                c if c.is_control() => escape_bytes(bytes, line),
                _ => line.extend_from_slice(bytes),
            }
        }
        escape_bytes(chunk.invalid(), line);
    }
}

/// Whether a byte stands for itself, whatever stands around it.
fn is_plain(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && byte != b'\\'
}

fn escape_bytes(bytes: &[u8], line: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        line.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (byte, length) = match text[at..] {
            [b'\\', b'\\', ..] => (b'\\', 2),
            [b'\\', b'x', high, low, ..] => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (b'\\', 1),
            },
            _ => (text[at], 1),
        };
        bytes.push(byte);
        at += length;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-11-22T01:02:03.004Z";

    fn written(text: &[u8]) -> Vec<u8> {
        let mut line = Vec::new();
        let author = Author::new("@acme/my db", 3);
        Page::new(&author, TIME, &mut line).add((Stream::Stderr, Level::Warn, false), text);
        line
    }

    #[test]
    fn a_line_begins_like_the_one_before_only_if_it_is_of_the_same_kind() {
        let author = Author::new("db", 1);
        let kinds = [
            (Stream::Stdout, Level::Info, false),
            (Stream::Stdout, Level::Info, false),
            (Stream::Stdout, Level::Info, true),
            (Stream::Stderr, Level::Info, true),
            (Stream::Stderr, Level::Info, true),
        ];
        let mut lines = b"what stands there already\n".to_vec();
        let mut page = Page::new(&author, TIME, &mut lines);
        kinds.iter().for_each(|kind| page.add(*kind, b"\\text"));
        let read: Vec<_> = lines.split(|byte| *byte == b'\n').skip(1).filter_map(LogRecord::read).collect();
        let found: Vec<_> = read.iter().map(|line| (line.stream, line.level, line.continues)).collect();
        assert_eq!(found, kinds);
        assert!(read.iter().all(|line| line.text == "\\text" && line.time == TIME));
    }

    #[test]
    fn a_line_reads_well_and_comes_back() {
        let line = written(b"disk is full");
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "2026-11-22T01:02:03.004Z @acme/my%20db 3 stderr warn | disk is full\n"
        );
        let record = LogRecord::read(&line).unwrap();
        assert_eq!((record.plugin.as_str(), record.incarnation), ("@acme/my db", 3));
        assert_eq!((record.stream, record.level, record.continues), (Stream::Stderr, Level::Warn, false));
        assert_eq!((record.time.as_str(), record.text.as_str()), (TIME, "disk is full"));
    }

    #[test]
    fn any_bytes_are_one_harmless_line_and_come_back_as_they_were() {
        let all: Vec<u8> = (0..=255).collect();
        for text in [
            &b""[..],
            b" ",
            b"  two  spaces ",
            b"a\tb",
            b"c:\\x41\\",
            b"\0\r\n\x1b[2J",
            "\u{9b}\u{e4}\u{1f331}".as_bytes(),
            &all,
        ] {
            let line = written(text);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let shown = std::str::from_utf8(&line).unwrap();
            assert!(shown.trim_end_matches('\n').chars().all(|c| c == '\t' || !c.is_control()), "{shown:?}");
            let parts = Parts::of(&line).unwrap();
            assert_eq!(unescaped(parts.text), text, "{shown:?}");
        }
    }

    #[test]
    fn what_is_no_record_is_none() {
        let whole = String::from_utf8(written(b"x")).unwrap();
        for wrong in
            ["", "\n", "x", "2026-11-22T01:02:03.004Z db", &whole[1..], &whole.replace("warn", "loud")]
        {
            assert_eq!(LogRecord::read(wrong.as_bytes()), None, "{wrong}");
        }
        // A crash may cut off the end of the last line; what is there is still of use.
        assert_eq!(LogRecord::read(whole.trim_end().as_bytes()).unwrap().text, "x");
    }
}
