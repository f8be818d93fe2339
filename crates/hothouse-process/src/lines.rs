//! From bytes as they come to lines, with bounded memory.
//!
//! Pure: it reads from nothing, and does not know what a line means. A line ends with a newline; a carriage return
//! before it belongs to the end. Of encodings it knows only where a character of UTF-8 must not be cut.

use memchr::memchr_iter;

/// A line buffer that is emptied keeps no more memory than this.
const KEEP: usize = 16 * 1024;

/// Cuts a stream of bytes into lines. Holds at most one unfinished line.
#[derive(Debug)]
pub(crate) struct Lines {
    unfinished: Vec<u8>,
    limit: usize,
    overflow: Overflow,
    skipping: bool,
}

/// What becomes of a line that is longer than the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overflow {
    /// It is left out: reported once, when it passes the limit, and skipped up to its end.
    Skip,
    /// It is given in pieces as long as the limit, or up to three bytes shorter, so that no character is cut.
    Split,
}

/// One thing found in the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// A line without its end, or the last piece of one that was split.
    Text(&'a [u8]),
    /// A piece of a line that goes on in the next one.
    Piece(&'a [u8]),
    /// A line is longer than the limit and is left out.
    TooLong,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub(crate) fn new(limit: usize, overflow: Overflow) -> Lines {
        Lines { unfinished: Vec::new(), limit: limit.max(1), overflow, skipping: false }
    }

    /// Takes the next bytes and gives every line that they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        let mut begin = 0;
        for end in memchr_iter(b'\n', bytes) {
            self.finish_line(&bytes[begin..end], each);
            begin = end + 1;
        }
        self.extend(&bytes[begin..], each);
    }

    /// The stream has ended: gives what stands after the last newline, if anything.
    pub(crate) fn end(&mut self, each: &mut dyn FnMut(Line<'_>)) {
        if !self.unfinished.is_empty() {
            self.finish_line(&[], each);
        }
        self.skipping = false;
    }

    /// What has come of a line that is not at its end.
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.unfinished
    }

    /// Takes the rest of a line, up to its newline.
    fn finish_line(&mut self, rest: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        if !self.skipping && self.unfinished.is_empty() && rest.len() <= self.limit {
            return each(Line::Text(without_return(rest)));
        }
        self.extend(rest, each);
        if !self.skipping {
            each(Line::Text(without_return(&self.unfinished)));
        }
        self.skipping = false;
        self.unfinished.clear();
        self.unfinished.shrink_to(KEEP);
    }

    /// Takes a part of a line that is not its end.
    fn extend(&mut self, mut part: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        while !self.skipping && self.unfinished.len() + part.len() > self.limit {
            match self.overflow {
                Overflow::Skip => {
                    each(Line::TooLong);
                    self.skipping = true;
                    self.unfinished = Vec::new();
                }
                Overflow::Split => {
                    let (head, rest) = part.split_at(self.limit - self.unfinished.len());
                    self.unfinished.extend_from_slice(head);
                    let cut = whole_characters(&self.unfinished);
                    each(Line::Piece(&self.unfinished[..cut]));
                    self.unfinished.drain(..cut);
                    part = rest;
                }
            }
        }
        if !self.skipping {
            self.unfinished.extend_from_slice(part);
        }
    }
}

/// How much of it can be taken without cutting a character in two. All of it, if it does not end as UTF-8 does, or if
/// nothing would be left.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(4).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(lead) = tail.map(|after| bytes.len() - 1 - after) else { return bytes.len() };
    let length = match bytes[lead] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if lead > 0 && lead + length > bytes.len() { lead } else { bytes.len() }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(limit: usize, overflow: Overflow, parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(limit, overflow);
        let mut found = Vec::new();
        let mut each = |line: Line<'_>| match line {
            Line::Text(text) => found.push(String::from_utf8_lossy(text).into_owned()),
            Line::Piece(text) => found.push(String::from_utf8_lossy(text).into_owned() + "+"),
            Line::TooLong => found.push("TOO LONG".into()),
        };
        parts.iter().for_each(|part| lines.feed(part, &mut each));
        lines.end(&mut each);
        found
    }

    #[test]
    fn where_the_stream_is_split_changes_nothing() {
        let text = "one\r\n\ntwo \u{e4}\u{1f331}\nseven letters\nlast".as_bytes();
        for limit in [9, 12, 13, 100] {
            for overflow in [Overflow::Skip, Overflow::Split] {
                let whole = lines(limit, overflow, &[text]);
                for at in 0..=text.len() {
                    let (head, tail) = text.split_at(at);
                    assert_eq!(lines(limit, overflow, &[head, tail]), whole, "split at {at}, limit {limit}");
                }
                let single: Vec<&[u8]> = text.chunks(1).collect();
                assert_eq!(lines(limit, overflow, &single), whole, "byte by byte, limit {limit}");
            }
        }
        let expected = ["one", "", "two \u{e4}\u{1f331}", "seven letters", "last"];
        assert_eq!(lines(100, Overflow::Skip, &[text]), expected);
    }

    #[test]
    fn a_line_of_exactly_the_limit_fits_and_one_byte_more_does_not() {
        assert_eq!(lines(3, Overflow::Skip, &[b"abc\nabcd\nab\n"]), ["abc", "TOO LONG", "ab"]);
        assert_eq!(lines(3, Overflow::Split, &[b"abc\nabcd\nab\n"]), ["abc", "abc+", "d", "ab"]);
        assert_eq!(lines(3, Overflow::Skip, &[b"ab", b"cd", b"ef", b"\nx"]), ["TOO LONG", "x"]);
        assert_eq!(lines(3, Overflow::Skip, &[b"abcd"]), ["TOO LONG"]);
    }

    #[test]
    fn a_split_cuts_no_character_and_takes_bytes_that_are_none() {
        let text = "a\u{e4}\u{20ac}\u{1f331}\n".as_bytes();
        assert_eq!(lines(4, Overflow::Split, &[text]), ["a\u{e4}+", "\u{20ac}+", "\u{1f331}"]);
        assert_eq!(lines(2, Overflow::Split, &[b"\x80\x80\x80\n"]), ["\u{fffd}\u{fffd}+", "\u{fffd}"]);
        assert_eq!(lines(1, Overflow::Split, &["\u{e4}".as_bytes()]), ["\u{fffd}+", "\u{fffd}"]);
        assert_eq!(whole_characters(b"ab\xf0\x9f\x8c"), 2);
        assert_eq!(whole_characters(b"ab\xff"), 3);
    }

    #[test]
    fn a_line_without_end_does_not_grow() {
        let mut lines = Lines::new(1000, Overflow::Skip);
        let mut reports = 0;
        for _ in 0..1000 {
            lines.feed(&[b'x'; 900], &mut |line| reports += u32::from(line == Line::TooLong));
        }
        assert_eq!(reports, 1);
        assert!(lines.unfinished.capacity() <= 2000);
    }

    #[test]
    fn memory_of_a_large_line_is_given_back() {
        let mut lines = Lines::new(1 << 20, Overflow::Skip);
        lines.feed(&vec![b'x'; 1 << 20], &mut |_| panic!("not finished"));
        let mut length = 0;
        lines.feed(b"\n", &mut |line| {
            if let Line::Text(text) = line {
                length = text.len();
            }
        });
        assert_eq!(length, 1 << 20);
        assert!(lines.unfinished.capacity() <= KEEP);
    }
}
