//! A string of the project that may hold interpolated values.
//!
//! The value is for the plugin alone. Everything that a person or a log can see (`Debug`, `Display`,
//! messages) shows the text as it was written in the file: `${env:NAME}`, never what NAME holds.

use std::fmt;

/// A string setting: its value, and how it was written in the file if the two differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    value: String,
    written: Option<String>,
}

impl Text {
    /// A string with the value it was written with.
    pub fn literal(value: impl Into<String>) -> Text {
        Text { value: value.into(), written: None }
    }

    /// A string whose value came, in part at least, from the environment or a file.
    pub fn interpolated(value: impl Into<String>, written: impl Into<String>) -> Text {
        Text { value: value.into(), written: Some(written.into()) }
    }

    /// The real value. Hand it to the plugin; never print it.
    pub fn reveal(&self) -> &str {
        &self.value
    }

    /// What may be shown: the text as written in the file.
    pub fn shown(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.value)
    }

    /// Whether any part of the value came from outside the file.
    pub fn is_interpolated(&self) -> bool {
        self.written.is_some()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.shown(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

/// A string while it is still in pieces, so that a shell-like split never cuts an inserted value.
#[derive(Clone, PartialEq)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// One piece of a [`Template`].
#[derive(Clone, PartialEq)]
pub(crate) enum Piece {
    /// Text of the file.
    Literal(String),
    /// A value from outside and its `${…}`.
    Inserted { value: String, written: String },
    /// A `${…}` that could not be resolved; the problem has been reported.
    Broken { written: String },
}

impl Template {
    pub(crate) fn literal(text: impl Into<String>) -> Template {
        Template { pieces: vec![Piece::Literal(text.into())] }
    }

    /// Whether a value is missing: rules about the value must then not be applied to it.
    pub(crate) fn is_broken(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Broken { .. }))
    }

    pub(crate) fn is_interpolated(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_)))
    }

    pub(crate) fn text(&self) -> Text {
        if self.is_interpolated() {
            Text::interpolated(self.value(), self.written())
        } else {
            Text::literal(self.value())
        }
    }

    /// The value, with the written text where there is none.
    pub(crate) fn value(&self) -> String {
        self.concatenated(|piece| match piece {
            Piece::Literal(text) | Piece::Inserted { value: text, .. } | Piece::Broken { written: text } => {
                text
            }
        })
    }

    /// The text that may be shown.
    pub(crate) fn written(&self) -> String {
        self.concatenated(|piece| match piece {
            Piece::Literal(text)
            | Piece::Inserted { written: text, .. }
            | Piece::Broken { written: text } => text,
        })
    }

    fn concatenated<'a>(&'a self, of: impl Fn(&'a Piece) -> &'a String) -> String {
        self.pieces.iter().map(|piece| of(piece).as_str()).collect()
    }
}
