//! Names of plugins where not every character may stand: in file names, and in lines.
//!
//! What may not stand somewhere is written as `%2F`, so two names never become one.

use std::fmt::Write as _;

/// The longest name of a file without its ending, in bytes. File systems allow 255, and the ending takes its part.
const LONGEST: usize = 200;

/// A plugin's name as the beginning of a file name. One that is too long for that is cut and told apart by a number.
pub(crate) fn in_file(name: &str) -> String {
    let mut stem = escape(name, |byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte));
    if stem.starts_with('.') {
        // Else it would be a hidden file.
        stem.replace_range(..1, "%2E");
    }
    if stem.len() > LONGEST {
        stem.truncate(LONGEST);
        // What is there is ASCII, so this is the end of a character; `%~` is no escape, so it is no other name.
        let _ = write!(stem, "%~{:016x}", hash(name.as_bytes()));
    }
    stem
}

/// A plugin's name as a word of a line.
pub(crate) fn in_line(name: &str) -> String {
    escape(name, |byte| byte > b' ' && byte != b'%' && byte != 0x7f)
}

/// The name that a word of a line stands for.
pub(crate) fn from_line(word: &str) -> String {
    let bytes = word.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let value = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        name.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&name).into_owned()
}

fn escape(name: &str, may_stand: impl Fn(u8) -> bool) -> String {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name.bytes() {
        match may_stand(byte) {
            true => escaped.push(byte),
            false => escaped.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    String::from_utf8(escaped).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// FNV-1a: two names must not share a file by accident, and that is all it is for.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_plain_file_name_of_its_own() {
        assert_eq!(in_file("db"), "db");
        assert_eq!(in_file("@acme/db-1.2"), "@acme%2Fdb-1.2");
        assert_eq!(in_file("../x"), "%2E.%2Fx");
        assert_eq!(in_file("a b\u{e4}%"), "a%20b%C3%A4%25");
        let long = "x".repeat(300);
        let other = format!("{}y", "x".repeat(299));
        assert!(in_file(&long).len() < 230);
        assert_ne!(in_file(&long), in_file(&other));
    }

    #[test]
    fn a_name_is_one_word_of_a_line_and_comes_back() {
        for name in ["db", "@acme/db", "two words", "100%", "%41", "\u{e4}\n\u{7f}", ""] {
            let word = in_line(name);
            assert!(!word.contains([' ', '\n']), "{word}");
            assert_eq!(from_line(&word), name);
        }
    }
}
