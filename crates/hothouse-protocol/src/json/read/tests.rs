use super::*;
use alloc::string::ToString;
use alloc::vec;

fn message(text: &str) -> String {
    match parse(text) {
        Ok(value) => panic!("{text} was read as {value}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_of_every_kind() {
    let text = " {\"a\" : [ null ,true,false, -1.5e3 ], \"b\":{} ,\t\"c\":[],\r\n\"\":\"x\"} ";
    let expected = Object::from([
        ("a", Value::Array(vec![Value::Null, true.into(), false.into(), (-1500.0).into()])),
        ("b", Object::new().into()),
        ("c", Value::Array(vec![])),
        ("", "x".into()),
    ]);
    assert_eq!(parse(text), Ok(expected.into()));
    assert_eq!(parse("null"), Ok(Value::Null));
}

#[test]
fn numbers_are_doubles() {
    let table = [
        ("0", 0.0),
        ("0.0", 0.0),
        ("1e3", 1000.0),
        ("1E+2", 100.0),
        ("1000.0", 1000.0),
        ("-1.5E+2", -150.0),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("9007199254740991.4", 9_007_199_254_740_991.0),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
        ("1e99999999999999999999", f64::INFINITY),
        ("5e-324", 5e-324),
    ];
    for (text, number) in table {
        assert_eq!(parse(text), Ok(Value::Number(number)), "{text}");
    }
}

#[test]
fn zero_has_no_sign() {
    for text in ["-0", "-0.0", "-0e5", "1e-400", "-1e-400", "0e99999999999999999999"] {
        let number = parse(text).ok().and_then(|value| value.as_number()).unwrap();
        assert_eq!(number.to_bits(), 0, "{text}");
    }
}

#[test]
fn the_last_of_a_repeated_name_counts() {
    assert_eq!(parse(r#"{"a":1,"b":2,"\u0061":3}"#).unwrap().to_string(), r#"{"a":3,"b":2}"#);
    assert_eq!(parse(r#"{"__proto__":1,"__proto__":2}"#).unwrap().to_string(), r#"{"__proto__":2}"#);
}

#[test]
fn escapes() {
    let table = [
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e9\u0000""#, "Aé\0"),
        (r#""\ud83d\uDE00""#, "😀"),
        (r#""x\u2028y""#, "x\u{2028}y"),
        ("\"\u{7f}\u{2028}😀\"", "\u{7f}\u{2028}😀"),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text), Ok(expected.into()), "{text}");
    }
}

#[test]
fn faults_name_their_place() {
    let table = [
        ("", "line 1, column 1: expected a value, found the end of the text"),
        ("\n \u{a0}1", "line 2, column 2: expected a value, found `\\u{a0}`"),
        (
            "\u{feff}1",
            "line 1, column 1: the text begins with a byte order mark; save it as UTF-8 without one",
        ),
        ("1 2", "line 1, column 3: the text goes on after its value with `2`"),
        ("{}}", "line 1, column 3: the text goes on after its value with `}`"),
        ("[1,]", "line 1, column 4: expected a value, found `]`"),
        ("[1 2]", "line 1, column 4: expected `,` or `]`, found `2`"),
        ("[1", "line 1, column 3: expected `,` or `]`, found the end of the text"),
        ("[", "line 1, column 2: expected a value, found the end of the text"),
        ("{\"a\":1,}", "line 1, column 8: expected a member name in double quotes, found `}`"),
        ("{a:1}", "line 1, column 2: expected a member name in double quotes, found `a`"),
        ("{\"a\" 1}", "line 1, column 6: expected `:` after the member name, found `1`"),
        ("{\"é\":\n  \"ü\" x}", "line 2, column 7: expected `,` or `}`, found `x`"),
        ("True", "line 1, column 1: expected a value, found `True`"),
        ("nulll", "line 1, column 1: expected a value, found `nulll`"),
        ("NaN", "line 1, column 1: expected a value, found `NaN`"),
        ("-Infinity", "line 1, column 2: expected a digit, found `Infinity`"),
        ("01", "line 1, column 2: a number does not begin with more than one zero"),
        ("-", "line 1, column 2: expected a digit, found the end of the text"),
        ("1.", "line 1, column 3: expected a digit after the decimal point, found the end of the text"),
        ("1e+", "line 1, column 4: expected a digit of the exponent, found the end of the text"),
        (".5", "line 1, column 1: expected a value, found `.`"),
        ("\"a", "line 1, column 1: this string never ends"),
        ("[\"a\\\"]", "line 1, column 2: this string never ends"),
        ("\"a\nb\"", "line 1, column 3: a string holds the raw control character U+000A; escape it"),
        ("\"\\x\"", "line 1, column 3: `\\` cannot escape `x`"),
        ("\"\\u12g4\"", "line 1, column 6: expected four hexadecimal digits after `\\u`, found `g4`"),
        (
            "\"\\ud800\"",
            "line 1, column 2: the surrogate escape `\\ud800` has no partner, so it is no character",
        ),
        (
            "\"\\udc00\"",
            "line 1, column 2: the surrogate escape `\\udc00` has no partner, so it is no character",
        ),
        (
            "\"\\udc00\\udc00\"",
            "line 1, column 2: the surrogate escape `\\udc00` has no partner, so it is no character",
        ),
        (
            "\"\\ud83dx\\ude00\"",
            "line 1, column 2: the surrogate escape `\\ud83d` has no partner, so it is no character",
        ),
        (
            "\"\\ud83d\\u0041\"",
            "line 1, column 2: the surrogate escape `\\ud83d` has no partner, so it is no character",
        ),
        ("'a'", "line 1, column 1: expected a value, found `\\'`"),
        ("// no", "line 1, column 1: expected a value, found `/`"),
    ];
    for (text, expected) in table {
        assert_eq!(message(text), expected, "{text}");
    }
    assert_eq!(parse("[\n\"é\", !]").unwrap_err().offset, 8);
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        message(&nested(MAX_DEPTH + 1)),
        "line 1, column 513: nested more deeply than the limit of 512 levels"
    );
    assert!(parse(&"{\"a\":".repeat(1_000_000)).is_err());
    assert!(parse_with("[]", Limits { depth: 0 }).is_err());
    assert!(parse_with("[{}]", Limits { depth: 2 }).is_ok());
    assert!(parse_with("[{\"a\":[]}]", Limits { depth: 2 }).is_err());
}

#[test]
fn the_deepest_value_is_safe_on_a_small_stack() {
    let text = "{\"a\":[".repeat(MAX_DEPTH / 2) + &"]}".repeat(MAX_DEPTH / 2);
    let work = move || {
        let value = parse(&text).unwrap();
        let copy = value.clone();
        assert_eq!(copy, value);
        assert_eq!(copy.to_string(), text);
        assert!(!alloc::format!("{copy:?}").is_empty());
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn an_object_of_many_members_is_read_whole() {
    const MEMBERS: usize = 200_000;
    let members: Vec<String> = (0..MEMBERS).map(|n| format!("\"m{n}\":{n}")).collect();
    let value = parse(&format!("{{{}}}", members.join(","))).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), MEMBERS);
    assert_eq!(object.get("m199999"), Some(&Value::Number(199_999.0)));
}
