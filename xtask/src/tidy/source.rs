//! Rust text without what is not code, and where in it the tests are.
//!
//! It is no parser: it knows comments, strings and characters, and nothing else of the language.

/// The same text with every comment, string and character blanked out; lines and offsets stay.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => end_of_line(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => end_of_block(bytes, at),
            b'"' => end_of_string(bytes, at),
            b'r' if !is_word(bytes, at) => end_of_raw_string(bytes, at).unwrap_or(at),
            b'\'' => end_of_character(bytes, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Whole characters are blanked, byte by byte, so what is left is whole characters too.
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the byte before `at` belongs to the same word.
fn is_word(bytes: &[u8], at: usize) -> bool {
    // `br"…"` is a raw string as well.
    let before = if at > 0 && bytes[at - 1] == b'b' { at - 1 } else { at };
    before > 0 && is_word_byte(bytes[before - 1])
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn end_of_block(bytes: &[u8], begin: usize) -> usize {
    let (mut at, mut depth) = (begin + 2, 1);
    while at < bytes.len() && depth > 0 {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += 1;
        }
    }
    at
}

fn end_of_string(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn end_of_raw_string(bytes: &[u8], begin: usize) -> Option<usize> {
    let hashes = bytes[begin + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = begin + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let length = bytes[open + 1..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(bytes.len(), |length| open + 1 + length + close.len()))
}

/// The end of a character; `None` if the quote begins a lifetime.
fn end_of_character(bytes: &[u8], begin: usize) -> Option<usize> {
    if bytes.get(begin + 1) == Some(&b'\\') {
        let length = bytes.get(begin + 3..)?.iter().position(|byte| *byte == b'\'')?;
        return Some(begin + 3 + length + 1);
    }
    let width = match bytes.get(begin + 1)? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (bytes.get(begin + 1 + width) == Some(&b'\'')).then_some(begin + 2 + width)
}

/// Where the code that only tests see begins: at the first test module, or at once in a file of tests.
pub(crate) fn tests_begin(path: &str, code: &str) -> usize {
    let is_test_file = path.contains("/tests/") || path.ends_with("/tests.rs");
    if is_test_file {
        return 0;
    }
    code.match_indices("#[cfg(test)]")
        .find(|(at, mark)| code[at + mark.len()..].trim_start().starts_with("mod "))
        .map_or(code.len(), |(at, _)| at)
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Where `word` stands in `text` as a whole word, or as the whole end or beginning of one if it does not begin or end
/// with a letter.
pub(crate) fn find_word<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = text.as_bytes();
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let end = at + word.len();
        let joined = |outer: Option<&u8>, inner: u8| {
            outer.is_some_and(|outer| is_word_byte(*outer)) && is_word_byte(inner)
        };
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !joined(before, bytes[*at]) && !joined(bytes.get(end), bytes[end - 1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" 'i' '\\'' '\\u{41}' 'ä' &'l str r\"j\" r#\"k\"l\"# br\"m\" var\"n\"";
        let code = code_only(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "e", "&'l", "str", "b", "var"]);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.find('\n'), text.find('\n'));
    }

    #[test]
    fn unfinished_text_is_no_trouble() {
        for text in ["\"", "\"\\", "/*", "'", "'\\", "r#\"", "r", "'ä", "//"] {
            assert_eq!(code_only(text).len(), text.len(), "{text}");
        }
    }

    #[test]
    fn tests_begin_at_their_module() {
        let code = "#[cfg(test)]\nextern crate std;\n#[cfg(test)]\nmod tests {}";
        assert_eq!(tests_begin("a/src/lib.rs", code), 31);
        assert_eq!(tests_begin("a/tests/b.rs", code), 0);
        assert_eq!(tests_begin("a/src/b.rs", "fn f() {}"), 9);
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(find_word("std::a xstd::b std::c", "std::").collect::<Vec<_>>(), [0, 15]);
        assert_eq!(find_word("f.await f.awaits", ".await").collect::<Vec<_>>(), [1]);
    }
}
