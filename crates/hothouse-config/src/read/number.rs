//! Number literals of the three formats as JSON text, without losing a digit.

/// What a plain word turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Numeral {
    /// JSON text of the number.
    Number(String),
    /// Infinity or not-a-number.
    NotFinite,
    /// Digits in base 8 or 16 of which there are too many.
    TooLarge,
}

/// Reads a plain scalar as YAML 1.2's core schema does; `None` if it is no number.
pub(super) fn yaml(text: &str) -> Option<Numeral> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Numeral::NotFinite),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Numeral::NotFinite),
        _ => {}
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| all_digits(digits, radix)) {
            return Some(
                u128::from_str_radix(digits, radix)
                    .map_or(Numeral::TooLarge, |n| Numeral::Number(n.to_string())),
            );
        }
    }
    decimal(text).map(Numeral::Number)
}

fn all_digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` as JSON text: no `+`, no leading zeros, digits on both
/// sides of the point.
pub(super) fn decimal(text: &str) -> Option<String> {
    let (minus, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let fraction_digits = fraction.unwrap_or("");
    if !digits(whole) || !digits(fraction_digits) || (whole.is_empty() && fraction_digits.is_empty()) {
        return None;
    }
    let mut json = String::from(minus);
    let trimmed = whole.trim_start_matches('0');
    json.push_str(if trimmed.is_empty() { "0" } else { trimmed });
    if !fraction_digits.is_empty() {
        json.push('.');
        json.push_str(fraction_digits);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
        json.push('e');
        json.push_str(exponent);
    }
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::{Numeral, yaml};

    #[test]
    fn yaml_numbers_become_json_numbers() {
        let table = [
            ("0", "0"),
            ("-12", "-12"),
            ("+12", "12"),
            ("0012", "12"),
            ("9223372036854775807", "9223372036854775807"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("0x1F", "31"),
            ("0o17", "15"),
            (".5", "0.5"),
            ("1.", "1"),
            ("1.10", "1.10"),
            ("-1.5e+3", "-1.5e+3"),
            ("1E3", "1e3"),
        ];
        for (text, json) in table {
            assert_eq!(yaml(text), Some(Numeral::Number(json.into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_stays_a_word() {
        for text in [
            "", "-", ".", "+.", "1_000", "1e", "e3", "0x", "0xG", "0b1", "1.2.3", "12:30", "1,5", "inf",
            "-0x1",
        ] {
            assert_eq!(yaml(text), None, "{text}");
        }
        for text in [".inf", "-.INF", "+.Inf", ".NaN"] {
            assert_eq!(yaml(text), Some(Numeral::NotFinite), "{text}");
        }
        assert_eq!(yaml(&format!("0x{}", "F".repeat(40))), Some(Numeral::TooLarge));
    }
}
