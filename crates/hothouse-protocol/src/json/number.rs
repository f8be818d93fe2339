//! How a double is spelt: the shortest digits that read back to it, with an exponent where JavaScript has one.

use alloc::format;
use core::fmt;

/// Below this magnitude, and from [`EXPONENT_FROM`] on, a number is written with an exponent.
const DECIMAL_FROM: f64 = 1e-6;
const EXPONENT_FROM: f64 = 1e21;

/// Writes `number` as JSON text that reads back to the same double.
///
/// Infinity is written as a literal too large for any double, so that it reads back as infinity.
pub(crate) fn write_number(number: f64, f: &mut impl fmt::Write) -> fmt::Result {
    let magnitude = number.abs();
    if number.is_nan() {
        f.write_str("null")
    } else if number.is_infinite() {
        f.write_str(if number > 0.0 { "1e400" } else { "-1e400" })
    } else if number == 0.0 {
        f.write_str("0")
    } else if (DECIMAL_FROM..EXPONENT_FROM).contains(&magnitude) {
        write!(f, "{number}")
    } else {
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if magnitude >= EXPONENT_FROM => write!(f, "{digits}e+{exponent}"),
            _ => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn numbers_are_spelt_as_in_javascript() {
        let table: &[(f64, &str)] = &[
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-5.0, "-5"),
            (1000.0, "1000"),
            (0.1, "0.1"),
            (1.5, "1.5"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-9, "1.5e-9"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "1e400"),
            (f64::NEG_INFINITY, "-1e400"),
            (f64::NAN, "null"),
        ];
        for (number, expected) in table {
            let mut text = String::new();
            write_number(*number, &mut text).unwrap();
            assert_eq!(&text, expected);
        }
    }
}
