//! Numbers and their bounds. On the wire all of them are doubles; an integer is a double without a fraction.

use super::{Reader, Wire};
use crate::json::{Object, Value};
use crate::problem::{Expected, Problem};
use crate::schema::Side;

/// The greatest integer of the protocol; its negative is the least. Beyond it a double skips integers.
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;
const MAX: f64 = 9_007_199_254_740_991.0;

/// The least integer that is allowed in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minimum(pub(crate) u64);

/// The numbers that are allowed in a place, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Range {
    /// The least allowed number, unless there is none.
    pub minimum: Option<f64>,
    /// The greatest allowed number, unless there is none.
    pub maximum: Option<f64>,
}

impl Range {
    /// All finite numbers.
    pub(crate) const ALL: Self = Self { minimum: None, maximum: None };

    /// Zero and more.
    pub(crate) const NOT_NEGATIVE: Self = Self { minimum: Some(0.0), maximum: None };

    /// From `minimum` to `maximum`.
    pub(crate) const fn between(minimum: f64, maximum: f64) -> Self {
        Self { minimum: Some(minimum), maximum: Some(maximum) }
    }
}

impl Wire for u64 {
    type Rule = Minimum;
    const FREE: Minimum = Minimum(0);

    fn expected(rule: Minimum) -> Expected {
        Expected::Integer { minimum: Some(rule.0) }
    }

    fn read(value: &Value, rule: Minimum, reader: &mut Reader) -> Option<Self> {
        let expected = Self::expected(rule);
        let number = integer(value, expected, reader)?;
        match u64::try_from(number) {
            Ok(number) if number >= rule.0 => Some(number),
            _ => reader.refuse(Problem::TooSmall {
                expected,
                minimum: double(rule.0),
                found: as_double(number),
            }),
        }
    }

    fn write(&self) -> Value {
        Value::Number(double(*self))
    }

    fn describe(rule: Minimum, _: Side) -> Object {
        describe_integer(double(rule.0))
    }
}

impl Wire for i64 {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::Integer { minimum: None }
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        integer(value, Self::expected(()), reader)
    }

    fn write(&self) -> Value {
        Value::Number(as_double(*self))
    }

    fn describe((): (), _: Side) -> Object {
        describe_integer(-MAX)
    }
}

impl Wire for f64 {
    type Rule = Range;
    const FREE: Range = Range::ALL;

    fn expected(rule: Range) -> Expected {
        Expected::Number(rule)
    }

    fn read(value: &Value, rule: Range, reader: &mut Reader) -> Option<Self> {
        let expected = Self::expected(rule);
        let found = finite(value, expected, reader)?;
        match (rule.minimum, rule.maximum) {
            (Some(minimum), _) if found < minimum => {
                reader.refuse(Problem::TooSmall { expected, minimum, found })
            }
            (_, Some(maximum)) if found > maximum => {
                reader.refuse(Problem::TooBig { expected, maximum, found })
            }
            _ => Some(found),
        }
    }

    fn write(&self) -> Value {
        Value::Number(*self)
    }

    fn describe(rule: Range, _: Side) -> Object {
        let mut schema = Object::from([("type", "number")]);
        let bounds = [("minimum", rule.minimum), ("maximum", rule.maximum)];
        schema.extend(bounds.into_iter().filter_map(|(name, bound)| Some((name, bound?))));
        schema
    }
}

/// A number that a double can hold.
fn finite(value: &Value, expected: Expected, reader: &mut Reader) -> Option<f64> {
    match value {
        Value::Number(number) if number.is_finite() => Some(*number),
        Value::Number(_) => reader.refuse(Problem::NotFinite { expected }),
        _ => reader.wrong_type(expected, value),
    }
}

/// An integer within ±[`MAX_SAFE_INTEGER`]. Every greater double has no fraction, so it is too great, not
/// fractional.
fn integer(value: &Value, expected: Expected, reader: &mut Reader) -> Option<i64> {
    let found = finite(value, expected, reader)?;
    if found > MAX {
        return reader.refuse(Problem::TooBig { expected, maximum: MAX, found });
    }
    if found < -MAX {
        let minimum =
            if let Expected::Integer { minimum: Some(minimum) } = expected { double(minimum) } else { -MAX };
        return reader.refuse(Problem::TooSmall { expected, minimum, found });
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the integers of a double; a fraction shows below"
    )]
    let whole = found as i64;
    if as_double(whole) != found {
        return reader.refuse(Problem::NotAnInteger { expected, found });
    }
    Some(whole)
}

fn describe_integer(minimum: f64) -> Object {
    Object::from([("type", Value::from("integer")), ("minimum", minimum.into()), ("maximum", MAX.into())])
}

#[expect(clippy::cast_precision_loss, reason = "the wire has doubles only; what was read from it is exact")]
fn double(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "the wire has doubles only; what was read from it is exact")]
fn as_double(number: i64) -> f64 {
    number as f64
}
