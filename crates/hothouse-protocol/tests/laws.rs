//! Laws that hold for every value and every text.

use hothouse_protocol::json::{self, Object, Value};
use hothouse_protocol::{DateTime, Path, SchemaName, Segment, answer_line, near_miss};
use proptest::prelude::*;

/// Names that some schema knows or treats specially, and values that stand at the edge of some rule.
const NAMES: &[&str] = &[
    "__proto__",
    "health",
    "hotReload",
    "degradation",
    "updates",
    "resources",
    "observability",
    "interval",
    "timeout",
    "restartBackoff",
    "enabled",
    "distributedConfig",
    "provider",
    "customConfig",
    "degradedFeatures",
    "feature",
    "plugin",
    "name",
    "version",
    "success",
    "duration",
    "error",
    "message",
    "status",
    "timestamp",
    "state",
    "pluginId",
    "metadata",
    "results",
    "totalDuration",
    "allSuccessful",
    "rolledBack",
    "context",
    "checks",
    "healthy",
    "details",
    "mode",
    "maxCpu",
];
const TEXTS: &[&str] = &[
    "healthy",
    "exponential",
    "redis",
    "minimal",
    "passed",
    "manual",
    "2026-11-22T01:02:03Z",
    "2026-02-29T00:00:00Z",
    "",
];
const NUMBERS: &[f64] = &[
    0.0,
    0.5,
    1.0,
    100.0,
    1000.0,
    -1.0,
    9_007_199_254_740_991.0,
    9_007_199_254_740_992.0,
    1e300,
    f64::INFINITY,
];

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(NAMES).prop_map(String::from), 1 => any::<String>()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let numbers = any::<f64>().prop_filter("no text stands for NaN", |n| !n.is_nan());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        numbers.prop_map(Value::Number),
        prop::sample::select(NUMBERS).prop_map(Value::Number),
        prop::sample::select(TEXTS).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 80, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((any_name(), inner), 0..24)
                .prop_map(|m| m.into_iter().collect::<Object>().into()),
        ]
    })
}

fn any_schema() -> impl Strategy<Value = SchemaName> {
    prop::sample::select(SchemaName::ALL)
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(value in any_value()) {
        let text = value.to_string();
        prop_assert!(!text.chars().any(|c| c < ' '), "one line without control characters: {text}");
        prop_assert_eq!(json::parse(&text), Ok(value));
    }

    #[test]
    fn any_text_gets_an_answer_of_one_line(text in "(?s).{0,200}") {
        let answer = answer_line(&text);
        prop_assert!(!answer.contains('\n'));
        prop_assert!(json::parse(&answer).is_ok_and(|a| a.as_object().is_some_and(|a| a.contains("ok"))));
        for schema in SchemaName::ALL {
            let _ = schema.validate(&Value::from(text.as_str()));
        }
    }

    #[test]
    fn text_like_json_is_read_or_refused_in_its_place(text in r#"[\[\]{}",:\\u0-9a-fA-F.eE+\- truefalsn]{0,60}"#) {
        match json::parse(&text) {
            Ok(value) => prop_assert_eq!(json::parse(&value.to_string()), Ok(value)),
            Err(error) => prop_assert!(error.offset <= text.len() && error.line >= 1 && error.column >= 1),
        }
    }

    #[test]
    fn a_normal_form_is_its_own_normal_form(schema in any_schema(), value in any_value()) {
        if let Ok(output) = schema.validate(&value) {
            prop_assert_eq!(schema.validate(&output), Ok(output.clone()));
            prop_assert_eq!(schema.unknown_members(&output), []);
        }
    }

    #[test]
    fn an_issue_points_into_the_value_or_at_a_missing_member(schema in any_schema(), value in any_value()) {
        for issue in schema.validate(&value).err().unwrap_or_default() {
            let around = issue.path.parent().unwrap_or_default();
            prop_assert!(at(&value, &around).is_some(), "{issue}");
        }
    }

    #[test]
    fn every_moment_is_a_date_time(ms in any::<i64>(), near in -100_000_000_000_000_i64..300_000_000_000_000) {
        for moment in [ms, near] {
            let text = DateTime::from_unix_ms(moment).to_string();
            prop_assert_eq!(DateTime::check(&text), Ok(()), "{}", text);
        }
    }

    #[test]
    fn date_times_of_any_text_never_panic(text in "[0-9TZ:.+ -]{0,30}") {
        let _ = DateTime::check(&text);
    }

    #[test]
    fn a_near_miss_is_one_of_the_candidates(found in any::<String>()) {
        if let Some(meant) = near_miss(&found, NAMES.iter().copied()) {
            prop_assert!(NAMES.contains(&meant));
        }
    }
}

fn at<'v>(value: &'v Value, path: &Path) -> Option<&'v Value> {
    path.segments().iter().try_fold(value, |value, segment| match segment {
        Segment::Key(name) => value.as_object()?.get(name),
        Segment::Index(position) => value.as_array()?.get(*position),
    })
}
