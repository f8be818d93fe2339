//! JSON as JavaScript reads it: every number an IEEE double, the last of a repeated name counts.
//!
//! [`parse`] reads, `Display` writes compact text that reads back to the same value. It does not stream, keeps
//! no positions of what it has read, and gives no name a special meaning (`__proto__` is the schemas' affair).

mod number;
mod object;
mod read;
#[cfg(feature = "serde")]
mod serde;
mod write;

use alloc::string::String;
use alloc::vec::Vec;

pub use object::{IntoIter, Iter, Object};
pub use read::{Limits, MAX_DEPTH, SyntaxError, parse, parse_with};
pub(crate) use write::write_quoted;

/// A JSON value.
///
/// Cloning, comparing, printing and dropping a value take stack in proportion to its depth. What [`parse`]
/// returns is at most [`MAX_DEPTH`] deep, which is safe on any thread; code that builds values by other means
/// keeps to the same limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number. Text that no finite double can hold (`1e400`) is infinite here, and an infinite number is
    /// written as such text again. No text stands for NaN: [`parse`] never returns it, and it is written as
    /// `null`, as JavaScript does.
    Number(f64),
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Named members.
    Object(Object),
}

impl Value {
    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(value) = self { Some(*value) } else { None }
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(value) = self { Some(value) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(value) = self { Some(value) } else { None }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(value.into())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::Array(value)
    }
}

impl From<Object> for Value {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}
