//! Taking secrets out of lines, also where a line is kept in several pieces.
//!
//! Lines come one by one and are gathered; the whole gathering is searched for secrets at once, and line by line only if
//! one is found. Of a piece that goes on, an end that may be the beginning of a secret is held back and put before the
//! next piece.

use std::borrow::Cow;

use hothouse_runtime::{Level, RawLine, Stream};

use super::Redact;
use super::room::Room;

/// So many bytes are gathered before they are passed on in the middle of a batch.
const FULL: usize = 64 * 1024;
/// And so many lines: what is added to each is about as much as that.
const MANY: usize = 1024;

/// Lines of one life on their way to be kept.
#[derive(Default)]
pub(crate) struct Gathering {
    /// What is held back of each stream, by its number.
    held: [Vec<u8>; Stream::ALL.len()],
}

/// What is done with a line: its stream, its level, whether it goes on, and its text.
pub(crate) type OnLine<'a> = &'a mut dyn FnMut((Stream, Level, bool), &[u8]);

/// What is known of a line beside its text.
pub(crate) struct Gathered {
    stream: Stream,
    level: Level,
    continues: bool,
    /// Where in `texts` the line ends; it begins after the newline of the one before.
    end: usize,
}

impl Gathering {
    /// Takes a line into `room`; true if it is time to pass on what is there.
    pub(crate) fn add(&mut self, line: RawLine<'_>, redact: Option<&dyn Redact>, room: &mut Room) -> bool {
        let RawLine { stream, level, text, continues } = line;
        let held = &mut self.held[stream as usize];
        let texts = &mut room.texts;
        let begin = texts.len();
        texts.append(held);
        texts.extend_from_slice(text);
        if let Some(redact) = redact.filter(|_| continues) {
            let cut = begin + unbegun(&texts[begin..], redact);
            held.extend_from_slice(&texts[cut..]);
            texts.truncate(cut);
            if cut == begin {
                // All of it is held back.
                return false;
            }
        }
        let end = texts.len();
        texts.push(b'\n');
        room.gathered.push(Gathered { stream, level, continues, end });
        texts.len() >= FULL || room.gathered.len() >= MANY
    }
}

/// Gives every line that was gathered, without secrets.
pub(crate) fn give(texts: &[u8], lines: &[Gathered], redact: Option<&dyn Redact>, each: OnLine<'_>) {
    let redact = redact.filter(|redact| !is_clean(texts, *redact));
    let mut begin = 0;
    for line in lines {
        let text = &texts[begin..line.end];
        let text = redact.map_or(Cow::Borrowed(text), |redact| redacted(text, redact));
        each((line.stream, line.level, line.continues), &text);
        begin = line.end + 1;
    }
}

/// Whether there is surely no secret in it.
fn is_clean(texts: &[u8], redact: &dyn Redact) -> bool {
    std::str::from_utf8(texts).is_ok_and(|text| matches!(redact.redact(text), Cow::Borrowed(_)))
}

/// A text without secrets. They are text, so none of them has bytes in it that are no UTF-8.
pub(crate) fn redacted<'t>(text: &'t [u8], redact: &dyn Redact) -> Cow<'t, [u8]> {
    if let Ok(text) = std::str::from_utf8(text) {
        return match redact.redact(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
    }
    let mut clean = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        clean.extend_from_slice(redact.redact(chunk.valid()).as_bytes());
        clean.extend_from_slice(chunk.invalid());
    }
    Cow::Owned(clean)
}

/// How much of a text that goes on can be given away: no secret begins in it that may end in what follows.
fn unbegun(text: &[u8], redact: &dyn Redact) -> usize {
    let last = text.utf8_chunks().last();
    match last.filter(|chunk| chunk.invalid().is_empty()) {
        Some(chunk) => text.len() - chunk.valid().len() + redact.unbegun(chunk.valid()),
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Word(&'static str);

    impl Redact for Word {
        fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
            match text.contains(self.0) {
                true => Cow::Owned(text.replace(self.0, "***")),
                false => Cow::Borrowed(text),
            }
        }

        fn unbegun(&self, text: &str) -> usize {
            let begun = (1..self.0.len()).rev().find(|length| text.ends_with(&self.0[..*length]));
            text.len() - begun.unwrap_or(0)
        }
    }

    fn line(text: &[u8], continues: bool) -> RawLine<'_> {
        RawLine { stream: Stream::Stdout, level: Level::Info, text, continues }
    }

    fn given(pieces: &[(&[u8], bool)]) -> String {
        let mut gathering = Gathering::default();
        let word = Word("hunter22");
        let mut all = String::new();
        for (text, continues) in pieces {
            let mut room = Room::default();
            gathering.add(line(text, *continues), Some(&word), &mut room);
            give(&room.texts, &room.gathered, Some(&word), &mut |(_, _, continues), text| {
                all += &String::from_utf8_lossy(text);
                all += if continues { "+" } else { "|" };
            });
        }
        all
    }

    #[test]
    fn a_secret_is_found_wherever_a_long_line_is_cut() {
        let text = b"user hunter22 in";
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            let whole = given(&[(head, true), (tail, false)]).replace('+', "");
            assert_eq!(whole, "user *** in|", "cut at {cut}");
        }
        assert_eq!(given(&[(b"hun", true), (b"ter", true), (b"22\xff", false)]), "***\u{fffd}|");
        assert_eq!(given(&[(b"hun", true), (b"", false)]), "hun|", "what was held back is not lost");
    }

    #[test]
    fn bytes_that_are_no_text_hide_no_secret() {
        assert_eq!(given(&[(b"\xffhunter22\xfe", false)]), "\u{fffd}***\u{fffd}|");
        assert_eq!(given(&[(b"\xffhunter\xfe22", true), (b"x", false)]), "\u{fffd}hunter\u{fffd}22+x|");
    }

    #[test]
    fn streams_are_held_back_by_themselves() {
        let (mut gathering, mut room) = (Gathering::default(), Room::default());
        let word = Word("secret");
        let mut lines = Vec::new();
        gathering.add(line(b"a sec", true), Some(&word), &mut room);
        gathering.add(RawLine { stream: Stream::Stderr, ..line(b"ret", false) }, Some(&word), &mut room);
        gathering.add(line(b"ret", false), Some(&word), &mut room);
        give(&room.texts, &room.gathered, Some(&word), &mut |_, text| lines.push(text.to_owned()));
        assert_eq!(lines, [b"a ".to_vec(), b"ret".to_vec(), b"***".to_vec()]);
    }

    #[test]
    fn neither_many_bytes_nor_many_lines_are_gathered_before_they_are_passed_on() {
        for (text, at_most) in [(&[b'x'; 1000][..], FULL / 1000 + 1), (b"", MANY)] {
            let (mut gathering, mut room) = (Gathering::default(), Room::default());
            while !gathering.add(line(text, false), None, &mut room) {}
            assert!(room.gathered.len() <= at_most && room.texts.len() < 2 * FULL);
        }
    }
}
