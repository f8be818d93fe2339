//! What can be wrong with a value, in words for the person who has to mend it.

use crate::date_time::DateTimeFault;
use crate::json::{Value, write_quoted};
use crate::near_miss::near_miss;
use crate::path::Path;
use crate::wire::{MAX_SAFE_INTEGER, Range};
use alloc::string::String;
use core::fmt::{self, Write as _};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Where, from the validated value on.
    pub path: Path,
    /// What.
    pub problem: Problem,
}

/// A member that no schema knows and that is therefore dropped; probably a slip of the pen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMember {
    /// Where, with the member's own name as the last step.
    pub path: Path,
    /// The known member that is probably meant.
    pub near_miss: Option<&'static str>,
}

/// What is wrong with a value. The text says what is allowed and what was found, not where.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// A required value is absent.
    Missing {
        /// What should be there.
        expected: Expected,
    },
    /// A value of another type.
    WrongType {
        /// What is allowed.
        expected: Expected,
        /// What is there.
        found: Found,
    },
    /// A number that no double can hold (`1e400`).
    NotFinite {
        /// What is allowed.
        expected: Expected,
    },
    /// A number with a fraction where only integers are allowed.
    NotAnInteger {
        /// What is allowed.
        expected: Expected,
        /// What is there.
        found: f64,
    },
    /// A number below what is allowed.
    TooSmall {
        /// What is allowed.
        expected: Expected,
        /// The least allowed number.
        minimum: f64,
        /// What is there.
        found: f64,
    },
    /// A number above what is allowed.
    TooBig {
        /// What is allowed.
        expected: Expected,
        /// The greatest allowed number.
        maximum: f64,
        /// What is there.
        found: f64,
    },
    /// A string that is none of the allowed ones.
    NotOneOf {
        /// The allowed strings.
        allowed: &'static [&'static str],
        /// What is there, shortened if it is long.
        found: String,
        /// The allowed string that is probably meant.
        near_miss: Option<&'static str>,
    },
    /// A string that is not a date-time.
    NotADateTime {
        /// What is there, shortened if it is long.
        found: String,
        /// What is wrong with it.
        fault: DateTimeFault,
    },
}

/// What is allowed in a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// `true` or `false`.
    Boolean,
    /// Any string.
    String,
    /// A date-time in UTC.
    DateTime,
    /// A string out of a list.
    OneOf(&'static [&'static str]),
    /// An integer from `minimum` to 9007199254740991, or from -9007199254740991 if there is no minimum.
    Integer {
        /// The least allowed integer, unless every one is.
        minimum: Option<u64>,
    },
    /// A number between bounds.
    Number(Range),
    /// A list.
    Array,
    /// An object.
    Object,
    /// Anything at all, as long as it is there.
    Anything,
}

/// What was found, as far as it is worth showing.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// `null`.
    Null,
    /// This boolean.
    Bool(bool),
    /// This number.
    Number(f64),
    /// This string, shortened if it is long.
    String(String),
    /// A list.
    Array,
    /// An object.
    Object,
    /// A boolean that must not be shown.
    HiddenBoolean,
    /// A number that must not be shown.
    HiddenNumber,
    /// A string that must not be shown.
    HiddenString,
}

impl Problem {
    /// A string that is none of `allowed`.
    #[must_use]
    pub fn not_one_of(allowed: &'static [&'static str], found: &str) -> Self {
        Self::NotOneOf {
            allowed,
            found: excerpt(found),
            near_miss: near_miss(found, allowed.iter().copied()),
        }
    }

    /// A string that is not a date-time, because of `fault`.
    #[must_use]
    pub fn not_a_date_time(found: &str, fault: DateTimeFault) -> Self {
        Self::NotADateTime { found: excerpt(found), fault }
    }
}

impl Found {
    /// What this value is.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(*number),
            Value::String(text) => Self::String(excerpt(text)),
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// The same without what the value holds: for places that may hold a secret.
    #[must_use]
    pub fn hidden(self) -> Self {
        match self {
            Self::Bool(_) => Self::HiddenBoolean,
            Self::Number(_) => Self::HiddenNumber,
            Self::String(_) => Self::HiddenString,
            other => other,
        }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl fmt::Display for UnknownMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: unknown member", self.path)?;
        write_near_miss(self.near_miss, f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { expected } => write!(f, "missing; expected {expected}"),
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::NotFinite { expected } => {
                write!(f, "expected {expected}, found a number too large for a 64-bit float")
            }
            Self::TooBig { expected: Expected::Integer { .. }, maximum, found } => {
                let (maximum, found) = (Value::Number(*maximum), Value::Number(*found));
                write!(f, "expected an integer of at most {maximum}, found {found}")
            }
            Self::NotAnInteger { expected, found }
            | Self::TooSmall { expected, found, .. }
            | Self::TooBig { expected, found, .. } => {
                write!(f, "expected {expected}, found {}", Value::Number(*found))
            }
            Self::NotOneOf { allowed, found, near_miss } => {
                write!(f, "expected {}, found ", Expected::OneOf(allowed))?;
                write_quoted(found, f)?;
                write_near_miss(*near_miss, f)
            }
            Self::NotADateTime { found, fault } => {
                write!(f, "expected {}, found ", Expected::DateTime)?;
                write_quoted(found, f)?;
                write!(f, ": {fault}")
            }
        }
    }
}

impl core::error::Error for Problem {}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::String => f.write_str("a string"),
            Self::DateTime => f.write_str("a UTC date-time such as \"2026-11-22T01:02:03.004Z\""),
            Self::OneOf(allowed) => write_alternatives(allowed, f),
            Self::Integer { minimum: None } => {
                write!(f, "an integer from -{MAX_SAFE_INTEGER} to {MAX_SAFE_INTEGER}")
            }
            Self::Integer { minimum: Some(minimum) } => write!(f, "an integer of at least {minimum}"),
            Self::Number(range) => write_range(*range, f),
            Self::Array => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::Anything => f.write_str("any value"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "the number {}", Value::Number(*number)),
            Self::String(text) => {
                f.write_str("the string ")?;
                write_quoted(text, f)
            }
            Self::Array => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::HiddenBoolean => f.write_str("a boolean"),
            Self::HiddenNumber => f.write_str("a number"),
            Self::HiddenString => f.write_str("a string"),
        }
    }
}

fn write_alternatives(allowed: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (position, choice) in allowed.iter().enumerate() {
        match position {
            0 => {}
            last if last + 1 == allowed.len() => f.write_str(" or ")?,
            _ => f.write_str(", ")?,
        }
        write_quoted(choice, f)?;
    }
    Ok(())
}

fn write_range(range: Range, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (range.minimum, range.maximum) {
        (None, None) => f.write_str("a number"),
        (Some(minimum), None) => write!(f, "a number of at least {minimum}"),
        (None, Some(maximum)) => write!(f, "a number of at most {maximum}"),
        (Some(minimum), Some(maximum)) => write!(f, "a number from {minimum} to {maximum}"),
    }
}

fn write_near_miss(near_miss: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(meant) = near_miss else { return Ok(()) };
    f.write_str("; did you mean ")?;
    write_quoted(meant, f)?;
    f.write_char('?')
}

/// The beginning of a text: enough to recognise it, never enough to flood a screen.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((end, _)) => {
            let mut shown = String::from(&text[..end]);
            shown.push('…');
            shown
        }
    }
}
