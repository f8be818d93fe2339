//! How each Rust type of the protocol goes over the wire: reading with problems, writing, describing.
//!
//! Only types are here that stand for one JSON value of their own. Objects and enumerations are made out of
//! them by the macros of `declare`.

mod member;
mod number;
mod reader;
mod text;

pub(crate) use member::{Member, Properties};
pub(crate) use number::Minimum;
pub use number::{MAX_SAFE_INTEGER, Range};
pub(crate) use reader::Reader;

use crate::json::{Object, Value};
use crate::problem::Expected;
use crate::schema::Side;
use alloc::vec::Vec;

/// A type with a wire form.
pub(crate) trait Wire: Sized {
    /// What narrows the values of this type in one place, e.g. bounds.
    type Rule: Copy;

    /// The rule that lets every value of the type pass.
    const FREE: Self::Rule;

    /// Whether a member of this type may be absent.
    const OPTIONAL: bool = false;

    /// What to say when there is something else, or nothing.
    fn expected(rule: Self::Rule) -> Expected;

    /// Reads a value, or tells `reader` what is wrong with it.
    fn read(value: &Value, rule: Self::Rule, reader: &mut Reader) -> Option<Self>;

    /// The value of an absent member, if it may be absent.
    fn absent() -> Option<Self> {
        None
    }

    /// The wire form.
    fn write(&self) -> Value;

    /// The wire form, unless the member is absent.
    fn write_member(&self) -> Option<Value> {
        Some(self.write())
    }

    /// The JSON Schema of the wire form.
    fn describe(rule: Self::Rule, side: Side) -> Object;
}

impl<T: Wire> Wire for Option<T> {
    type Rule = T::Rule;
    const FREE: Self::Rule = T::FREE;
    const OPTIONAL: bool = true;

    fn expected(rule: Self::Rule) -> Expected {
        T::expected(rule)
    }

    fn read(value: &Value, rule: Self::Rule, reader: &mut Reader) -> Option<Self> {
        T::read(value, rule, reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn write(&self) -> Value {
        self.write_member().unwrap_or_default()
    }

    fn write_member(&self) -> Option<Value> {
        self.as_ref().map(Wire::write)
    }

    fn describe(rule: Self::Rule, side: Side) -> Object {
        T::describe(rule, side)
    }
}

impl<T: Wire> Wire for Vec<T> {
    type Rule = T::Rule;
    const FREE: Self::Rule = T::FREE;

    fn expected(_: Self::Rule) -> Expected {
        Expected::Array
    }

    fn read(value: &Value, rule: Self::Rule, reader: &mut Reader) -> Option<Self> {
        let Value::Array(elements) = value else { return reader.wrong_type(Expected::Array, value) };
        let mut all = Vec::with_capacity(elements.len());
        for (position, element) in elements.iter().enumerate() {
            all.extend(reader.element(position, |reader| T::read(element, rule, reader)));
        }
        // A bad element has been reported; the list is only good whole.
        (all.len() == elements.len()).then_some(all)
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(Wire::write).collect())
    }

    fn describe(rule: Self::Rule, side: Side) -> Object {
        Object::from([("type", Value::from("array")), ("items", T::describe(rule, side).into())])
    }
}

impl Wire for bool {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::Boolean
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        value.as_bool().or_else(|| reader.wrong_type(Expected::Boolean, value))
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }

    fn describe((): (), _: Side) -> Object {
        Object::from([("type", "boolean")])
    }
}

/// Anything at all, `null` included.
impl Wire for Value {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::Anything
    }

    fn read(value: &Value, (): (), _: &mut Reader) -> Option<Self> {
        Some(value.clone())
    }

    fn write(&self) -> Value {
        self.clone()
    }

    fn describe((): (), _: Side) -> Object {
        Object::new()
    }
}

/// A record: an object with any members.
impl Wire for Object {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::Object
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        Some(free_members(members, &[]))
    }

    fn write(&self) -> Value {
        self.clone().into()
    }

    fn describe((): (), _: Side) -> Object {
        Object::from([
            ("type", Value::from("object")),
            ("propertyNames", Object::from([("type", "string")]).into()),
            ("additionalProperties", Object::new().into()),
        ])
    }
}

/// The members whose names are not `taken`, their values untouched. One named `__proto__` is dropped, as
/// assigning it would not have made a member in JavaScript; inside the values it is a name like any other.
pub(crate) fn free_members(members: &Object, taken: &[&str]) -> Object {
    const NEVER_A_MEMBER: &str = "__proto__";
    members
        .iter()
        .filter(|(name, _)| *name != NEVER_A_MEMBER && !taken.contains(name))
        .map(|(name, value)| (name, value.clone()))
        .collect()
}
