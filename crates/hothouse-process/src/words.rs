//! Turning what the operating system and plugins say into text that is safe to show.

use std::fmt::Write as _;
use std::io;

/// The longest piece of a plugin's own text that is repeated in a message, in characters.
const MAX_SHOWN: usize = 300;
/// The same in bytes: one character takes at most four.
pub(crate) const MAX_SHOWN_BYTES: usize = 4 * MAX_SHOWN;

/// What an error of the operating system means, without its number: `Connection refused`.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(end)) => text[..end].to_owned(),
        _ => text,
    }
}

/// Text of a plugin as it may stand in a message: one line, no control characters, not too long.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(MAX_SHOWN_BYTES)];
    let text = String::from_utf8_lossy(head);
    let mut out = String::new();
    let mut characters = text.trim_end().chars();
    for character in characters.by_ref().take(MAX_SHOWN) {
        match character.is_control() {
            true => write!(out, "{}", character.escape_default()).expect("a String takes everything"),
            false => out.push(character),
        }
    }
    if characters.next().is_some() || head.len() < bytes.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lose_their_number_only() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(reason(&refused), "Connection refused");
        assert_eq!(reason(&io::Error::other("odd (os error of sorts)")), "odd (os error of sorts)");
    }

    #[test]
    fn what_is_shown_is_one_short_harmless_line() {
        assert_eq!(shown(b"plain \xc3\xa4  \r\n"), "plain \u{e4}");
        assert_eq!(shown(b"\x1b[31mred\x07 \xff"), "\\u{1b}[31mred\\u{7} \u{fffd}");
        assert_eq!(shown(&[b'x'; 300]).chars().count(), 300);
        assert_eq!(shown(&[b'x'; 5000]).chars().count(), 301);
    }
}
