//! The project's secrets: how they are recognised, and how they are taken out of text.
//!
//! Recognition is by name, and errs on the side of hiding. It cannot know a secret that is written into the file as
//! it is under a harmless name.

use std::borrow::Cow;
use std::fmt;

use hothouse_protocol::json::Value;

/// A secret shorter than this is not taken out of text: it would blacken every log line that shares its letters.
pub const MIN_SECRET_BYTES: usize = 4;

/// A line of a secret of several lines is a secret of its own from this length on.
const MIN_LINE_BYTES: usize = 8;

/// How many secrets that overlap are followed to where the first of them begins.
const MAX_OVERLAPS: usize = 8;

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";

/// All secret values of a project.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Longest first, so that a secret that contains another goes as a whole.
    values: Vec<String>,
}

impl Secrets {
    /// No secrets.
    pub fn none() -> Secrets {
        Secrets::default()
    }

    /// These secrets and those of another project: what has been one stays one as long as somebody may still say it.
    #[must_use]
    pub fn with(&self, others: &Secrets) -> Secrets {
        let mut all = self.clone();
        others.values.iter().for_each(|value| all.add_one(value));
        all
    }

    pub(crate) fn add(&mut self, value: &str) {
        self.add_one(value);
        // As it looks in JSON, and with its control characters made visible.
        let in_json = Value::String(value.into()).to_string();
        self.add_one(&in_json[1..in_json.len() - 1]);
        let visible: String = value.chars().map(visible).collect();
        self.add_one(&visible);
        if value.contains('\n') {
            // A plugin that prints a key prints it line by line.
            value
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= MIN_LINE_BYTES)
                .for_each(|line| self.add_one(line));
        }
    }

    fn add_one(&mut self, value: &str) {
        if value.len() < MIN_SECRET_BYTES {
            return;
        }
        let order = |other: &String| {
            (std::cmp::Reverse(other.len()), other.as_str()).cmp(&(std::cmp::Reverse(value.len()), value))
        };
        if let Err(place) = self.values.binary_search_by(order) {
            self.values.insert(place, value.to_owned());
        }
    }

    /// The text with every secret of at least [`MIN_SECRET_BYTES`] bytes replaced by [`REDACTED`], longer ones first.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut redacted = Cow::Borrowed(text);
        for secret in &self.values {
            if redacted.contains(secret.as_str()) {
                redacted = Cow::Owned(redacted.replace(secret.as_str(), REDACTED));
            }
        }
        redacted
    }

    /// How much of a text that goes on elsewhere can be shown by itself, in bytes: no secret begins in it that may end
    /// in what follows, and none that is whole in the text reaches over that place.
    pub fn unbegun(&self, text: &str) -> usize {
        let begun = |secret: &String| {
            let longest = (secret.len() - 1).min(text.len());
            let ends_so = |length: &usize| text.as_bytes().ends_with(&secret.as_bytes()[..*length]);
            (1..=longest).rev().find(ends_so).unwrap_or(0)
        };
        let begun = self.values.iter().map(begun).max().unwrap_or(0);
        self.beside(text, text.len() - begun)
    }

    /// The same place, or an earlier one if that lies in a secret.
    fn beside(&self, text: &str, mut place: usize) -> usize {
        // A secret that overlaps with itself, such as `aaaa`, could lead back to the beginning of any text.
        for _ in 0..MAX_OVERLAPS {
            let around = |secret: &String| {
                let first = place.saturating_sub(secret.len() - 1);
                (first..place).find(|at| text.as_bytes()[*at..].starts_with(secret.as_bytes()))
            };
            match self.values.iter().filter_map(around).min() {
                Some(earlier) => place = earlier,
                None => return place,
            }
        }
        place
    }

    /// How many different texts are hidden: the values, their lines, and how they look escaped.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no secret at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} texts)", self.values.len())
    }
}

fn visible(character: char) -> String {
    if character.is_control() { character.escape_default().to_string() } else { character.to_string() }
}

/// Words that make a name suspicious enough to hide what comes *from outside* under it.
const SUSPICIOUS: [&str; 9] =
    ["pwd", "token", "tokens", "key", "apikey", "auth", "certificate", "cert", "dsn"];

/// Words under which even a value written in the file as it is gets hidden. `key` and `auth` are not among them:
/// `config: {key: id}` is no secret.
const SURELY_SECRET: [&str; 5] = ["pwd", "token", "apikey", "dsn", "pass"];

/// Words that say the same anywhere in a name (`PGPASSWORD`), in both lists.
const ANYWHERE: [&str; 5] = ["password", "passwd", "passphrase", "secret", "credential"];

/// Whether a variable, field or environment key of this name probably holds a secret.
pub(crate) fn looks_secret(name: &str) -> bool {
    has_word(name, &SUSPICIOUS) || is_surely_secret(name)
}

/// Whether a literal under this name is to be treated as a secret.
pub(crate) fn is_surely_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    has_word(name, &SURELY_SECRET) || ANYWHERE.iter().any(|word| lower.contains(word))
}

/// Whether a literal under this name is not repeated in messages. The protocol's `auth` is nobody's business as a
/// whole, although a user name in it is no secret to be taken out of every log.
pub(crate) fn hides_literals(name: &str) -> bool {
    name == "auth" || is_surely_secret(name)
}

/// Whether one of the words is a part of the `camelCase`, `snake_case` or `kebab-case` name.
fn has_word(name: &str, words: &[&str]) -> bool {
    let parts = parts(name);
    words.iter().any(|word| parts.iter().any(|part| part == word))
}

fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            part.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_secret() {
        for name in [
            "PASSWORD",
            "dbPassword",
            "PGPASSWORD",
            "api_key",
            "apiKey",
            "AUTH",
            "x-auth",
            "githubToken",
            "DSN",
            "SENTRY_DSN",
            "TLS_CERTIFICATE",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["HOME", "tokenizer", "keyboard", "monkey", "author", "port", "", "command"] {
            assert!(!looks_secret(name), "{name}");
        }
        assert!(is_surely_secret("password") && !is_surely_secret("key") && !is_surely_secret("maxTokens"));
    }

    #[test]
    fn longer_secrets_go_first_and_short_ones_stay() {
        let mut secrets = Secrets::none();
        for value in ["hunter", "hunter22", "abc", "first line\nsecond line\nx"] {
            secrets.add(value);
        }
        assert_eq!(secrets.redact("hunter22 hunter abc"), "*** *** abc");
        assert_eq!(secrets.redact("log: second line x"), "log: *** x");
        assert!(matches!(secrets.redact("nothing"), Cow::Borrowed(_)));
        assert_eq!(format!("{secrets:?}"), "Secrets(6 texts)");
    }

    #[test]
    fn a_text_is_cut_where_no_secret_is() {
        let mut secrets = Secrets::none();
        ["hunter22", "22-aaaa", "aaaa", "s\u{e4}ge"].iter().for_each(|value| secrets.add(value));
        for (text, shown) in [
            ("plain", "plain"),
            ("a hunt", "a "),
            ("a hunter2", "a "),
            ("a hunter22", "a "),
            ("a hunter22 ", "a hunter22 "),
            ("a s\u{e4}", "a "),
            ("x aaa", "x "),
            ("h", ""),
            ("", ""),
        ] {
            assert_eq!(&text[..secrets.unbegun(text)], shown, "{text}");
        }
        assert!(secrets.unbegun(&"a".repeat(1000)) > 900);
    }
}
