//! Strings, secrets and date-times.

use super::{Reader, Wire};
use crate::date_time::DateTime;
use crate::json::{Object, Value};
use crate::problem::{Expected, Found, Problem};
use crate::schema::Side;
use crate::secret::Secret;
use alloc::string::String;

/// The regular expression of the protocol for date-times. It is part of the published interface, so it stands
/// here as published; the check itself is [`DateTime::check`].
const DATE_TIME_PATTERN: &str = concat!(
    r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29",
    r"|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)",
    r"|(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z))$",
);

impl Wire for String {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::String
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            _ => reader.wrong_type(Expected::String, value),
        }
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }

    fn describe((): (), _: Side) -> Object {
        Object::from([("type", "string")])
    }
}

impl Wire for Secret {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::String
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::from(text.as_str())),
            _ => {
                let found = Found::of(value).hidden();
                reader.refuse(Problem::WrongType { expected: Expected::String, found })
            }
        }
    }

    fn write(&self) -> Value {
        Value::from(self.expose())
    }

    fn describe((): (), side: Side) -> Object {
        String::describe((), side)
    }
}

impl Wire for DateTime {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::DateTime
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        let Value::String(text) = value else { return reader.wrong_type(Expected::DateTime, value) };
        text.parse().map_or_else(|fault| reader.refuse(Problem::not_a_date_time(text, fault)), Some)
    }

    fn write(&self) -> Value {
        Value::from(self.as_str())
    }

    fn describe((): (), _: Side) -> Object {
        Object::from([("type", "string"), ("format", "date-time"), ("pattern", DATE_TIME_PATTERN)])
    }
}
