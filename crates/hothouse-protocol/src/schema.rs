//! The thirteen schemas: as a trait for those who know the type, by name for those who do not.

mod name;
#[cfg(feature = "serde")]
mod serde;

pub use name::{SchemaName, UnknownSchema};

use crate::json::{Object, Value};
use crate::problem::{Issue, UnknownMember};
use crate::wire::Wire;
use alloc::vec::Vec;

const JSON_SCHEMA_DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Which of the two JSON Schemas of a type is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What may be given: members with a default may be absent.
    Input,
    /// What validation yields: defaults are filled in and unknown members are gone.
    Output,
}

/// A type that is one of the protocol's schemas.
pub trait Schema: Sized {
    /// Its name.
    const NAME: SchemaName;

    /// Validates a value: defaults are filled in, unknown members dropped.
    ///
    /// # Errors
    /// Everything that is wrong, in the order in which the schema names its members.
    fn parse(value: &Value) -> Result<Self, Vec<Issue>>;

    /// The wire form.
    ///
    /// It writes what is there: a value that was made in code and breaks a bound is one that `parse` refuses,
    /// and integers beyond [`MAX_SAFE_INTEGER`](crate::MAX_SAFE_INTEGER) lose their last digits.
    fn to_value(&self) -> Value;

    /// The members of `value`, at any level, that no schema knows and that `parse` therefore drops. The
    /// protocol allows them, but most of them are misspelt. Members inside free-form values are not looked
    /// at.
    fn unknown_members(value: &Value) -> Vec<UnknownMember>;

    /// The JSON Schema (draft 2020-12).
    fn json_schema(side: Side) -> Value;
}

/// What [`Schema::json_schema`] does for every schema.
fn json_schema<T: Wire>(side: Side) -> Value {
    let mut document = Object::from([("$schema", JSON_SCHEMA_DRAFT)]);
    document.extend(T::describe(T::FREE, side));
    document.into()
}
