//! One table per rule of the protocol, beyond what the sample verdicts happen to cover.

use hothouse_protocol::json::{self, Value};
use hothouse_protocol::{
    AdvancedPluginLifecycleConfig, DistributedStateConfig, GracefulDegradation, HotReloadConfig,
    PluginHealthCheck, PluginStartupResult, PluginUpdateStrategy, Schema, SchemaName, StartupOptions,
};

fn value(text: &str) -> Value {
    json::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The normal form as text, or the issues, one per line.
fn verdict(schema: SchemaName, text: &str) -> String {
    match schema.validate(&value(text)) {
        Ok(output) => output.to_string(),
        Err(issues) => issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn defaults_fill_only_objects_that_are_there() {
    use SchemaName::{AdvancedPluginLifecycleConfig, PluginUpdateStrategy};
    assert_eq!(verdict(AdvancedPluginLifecycleConfig, "{}"), "{}");
    assert_eq!(
        verdict(AdvancedPluginLifecycleConfig, r#"{"observability":{}}"#),
        r#"{"observability":{"enableMetrics":true,"enableTracing":true,"enableProfiling":false,"metricsInterval":60000}}"#
    );
    assert_eq!(verdict(PluginUpdateStrategy, "{}"), r#"{"mode":"manual"}"#);
    assert_eq!(
        verdict(PluginUpdateStrategy, r#"{"schedule":{}}"#),
        r#"{"mode":"manual","schedule":{"timezone":"UTC","maintenanceWindow":60}}"#
    );
}

#[test]
fn default_is_what_an_empty_object_reads_as() {
    fn check<T: Schema + Default + PartialEq + std::fmt::Debug>() {
        assert_eq!(T::parse(&value("{}")), Ok(T::default()));
    }
    check::<PluginHealthCheck>();
    check::<HotReloadConfig>();
    check::<GracefulDegradation>();
    check::<PluginUpdateStrategy>();
    check::<AdvancedPluginLifecycleConfig>();
    check::<StartupOptions>();
}

#[test]
fn integers_are_doubles_without_a_fraction() {
    let interval = |number: &str| {
        let verdict = PluginHealthCheck::parse(&value(&format!("{{\"interval\":{number}}}")));
        verdict.map(|check| check.interval).map_err(|issues| issues[0].to_string())
    };
    for (text, number) in
        [("1000", 1000), ("1000.0", 1000), ("1e3", 1000), ("9007199254740991.4", 9_007_199_254_740_991)]
    {
        assert_eq!(interval(text), Ok(number), "{text}");
    }
    let at_least = "interval: expected an integer of at least 1000, found";
    let at_most = "interval: expected an integer of at most 9007199254740991, found";
    for (text, message) in [
        ("999", format!("{at_least} 999")),
        ("-1e21", format!("{at_least} -1e+21")),
        ("1000.5", format!("{at_least} 1000.5")),
        ("0.5", format!("{at_least} 0.5")),
        ("1e-400", format!("{at_least} 0")),
        ("9007199254740992", format!("{at_most} 9007199254740992")),
        ("1e21", format!("{at_most} 1e+21")),
        ("1e400", format!("{at_least} a number too large for a 64-bit float")),
        ("null", format!("{at_least} null")),
        ("\"1000\"", format!("{at_least} the string \"1000\"")),
    ] {
        assert_eq!(interval(text), Err(message), "{text}");
    }
}

#[test]
fn numbers_have_inclusive_bounds() {
    let schema = SchemaName::AdvancedPluginLifecycleConfig;
    let limits = |member: &str| verdict(schema, &format!("{{\"resources\":{{{member}}}}}"));
    for good in [
        "\"maxCpu\":0",
        "\"maxCpu\":100",
        "\"maxCpu\":0.5",
        "\"maxMemory\":-9007199254740991",
        "\"timeout\":-1",
    ] {
        assert_eq!(limits(good), format!("{{\"resources\":{{{good}}}}}"));
    }
    let cpu = "resources.maxCpu: expected a number from 0 to 100, found";
    assert_eq!(limits("\"maxCpu\":-0.1"), format!("{cpu} -0.1"));
    assert_eq!(limits("\"maxCpu\":100.1"), format!("{cpu} 100.1"));
    assert_eq!(limits("\"maxCpu\":1e400"), format!("{cpu} a number too large for a 64-bit float"));
    let memory = "resources.maxMemory: expected an integer from -9007199254740991 to 9007199254740991, found";
    assert_eq!(limits("\"maxMemory\":-9007199254740992"), format!("{memory} -9007199254740992"));
    assert_eq!(limits("\"maxMemory\":0.5"), format!("{memory} 0.5"));
}

#[test]
fn proto_is_no_member_of_free_objects_and_data_further_in() {
    let input = r#"{"provider":"custom","customConfig":{"__proto__":1,"a":{"__proto__":2},"":null}}"#;
    let output = r#"{"provider":"custom","customConfig":{"a":{"__proto__":2},"":null}}"#;
    assert_eq!(verdict(SchemaName::DistributedStateConfig, input), output);

    let input = r#"{"plugin":{"__proto__":{},"x":{"__proto__":1},"name":"a"},"success":true,"duration":0}"#;
    let output = r#"{"plugin":{"name":"a","x":{"__proto__":1}},"success":true,"duration":0}"#;
    assert_eq!(verdict(SchemaName::PluginStartupResult, input), output);

    let input = r#"{"context":{"__proto__":1},"__proto__":{"timeout":5}}"#;
    let context = StartupOptions::parse(&value(input)).ok().and_then(|options| options.context);
    assert_eq!(context, Some(value(r#"{"__proto__":1}"#)));
}

#[test]
fn null_is_a_value_where_anything_goes_and_wrong_elsewhere() {
    assert_eq!(
        StartupOptions::parse(&value(r#"{"context":null}"#)).map(|o| o.context),
        Ok(Some(Value::Null))
    );
    assert_eq!(StartupOptions::parse(&value("{}")).map(|o| o.context), Ok(None));
    assert_eq!(
        verdict(SchemaName::HotReloadConfig, r#"{"watchPatterns":null,"distributedConfig":null}"#),
        "watchPatterns: expected a list, found null\ndistributedConfig: expected an object, found null"
    );
}

#[test]
fn all_problems_are_reported_in_the_order_of_the_schema() {
    let input = r#"{
        "rolledBack": ["a", 1, null],
        "totalDuration": -1,
        "results": [
            {"duration": "1", "success": true, "plugin": {"version": 1}},
            7,
            {"plugin": {"name": "b"}, "success": true, "duration": 0, "error": {}}
        ]
    }"#;
    let expected = [
        "results[0].plugin.name: missing; expected a string",
        "results[0].plugin.version: expected a string, found the number 1",
        "results[0].duration: expected a number of at least 0, found the string \"1\"",
        "results[1]: expected an object, found the number 7",
        "results[2].error.name: missing; expected a string",
        "results[2].error.message: missing; expected a string",
        "totalDuration: expected a number of at least 0, found -1",
        "allSuccessful: missing; expected true or false",
        "rolledBack[1]: expected a string, found the number 1",
        "rolledBack[2]: expected a string, found null",
    ];
    assert_eq!(verdict(SchemaName::StartupOrchestrationResult, input), expected.join("\n"));
}

#[test]
fn words_and_date_times_say_what_is_allowed() {
    assert_eq!(
        verdict(SchemaName::PluginHealthCheck, r#"{"restartBackoff":"exponental"}"#),
        r#"restartBackoff: expected "fixed", "linear" or "exponential", found "exponental"; did you mean "exponential"?"#
    );
    assert_eq!(
        verdict(SchemaName::PluginHealthStatus, "\"fine\""),
        r#"(root): expected "healthy", "degraded", "unhealthy", "failed", "recovering" or "unknown", found "fine""#
    );
    assert_eq!(
        verdict(SchemaName::PluginHealthReport, r#"{"status":"healthy","timestamp":"2026-02-29T00:00:00Z"}"#),
        "timestamp: expected a UTC date-time such as \"2026-11-22T01:02:03.004Z\", \
         found \"2026-02-29T00:00:00Z\": there is no such day"
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let auth = r#"{"provider":"redis","auth":{"username":"u5er","password":"hunter2","token":"t0ken","certificate":"c3rt"}}"#;
    let config = DistributedStateConfig::parse(&value(auth));
    let shown = format!("{config:?}");
    for secret in ["u5er", "hunter2", "t0ken", "c3rt"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let password = config.ok().and_then(|config| config.auth?.password);
    assert_eq!(password.as_ref().map(hothouse_protocol::Secret::expose), Some("hunter2"));
    assert_eq!(
        verdict(
            SchemaName::DistributedStateConfig,
            r#"{"provider":"redis","auth":{"password":12345,"token":true}}"#
        ),
        "auth.password: expected a string, found a number\nauth.token: expected a string, found a boolean"
    );
}

#[test]
fn long_texts_are_shortened_in_problems() {
    let problem = verdict(SchemaName::PluginHealthStatus, &format!("\"{}\"", "é".repeat(1_000_000)));
    assert!(problem.len() < 400, "{} bytes", problem.len());
    assert!(problem.ends_with("é…\""), "{problem}");
}

#[test]
fn unknown_members_are_dropped_and_can_be_asked_for() {
    let input = value(
        r#"{"helth":{}, "health":{"Interval":1}, "degradation":{"degradedFeatures":[{"feature":"a","enabled":true,"x":1}]},
            "hotReload":{"distributedConfig":{"provider":"custom","customConfig":{"anything":1}}}}"#,
    );
    assert!(AdvancedPluginLifecycleConfig::parse(&input).is_ok());
    let unknown = AdvancedPluginLifecycleConfig::unknown_members(&input);
    let shown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "health.Interval: unknown member; did you mean \"interval\"?",
            "degradation.degradedFeatures[0].x: unknown member",
            "helth: unknown member; did you mean \"health\"?",
        ]
    );
}

#[test]
fn a_plugin_keeps_what_it_does_not_know() {
    let input = r#"{"plugin":{"name":"a","extra":[1e400],"version":"1"},"success":true,"duration":0.25}"#;
    let Ok(mut result) = PluginStartupResult::parse(&value(input)) else { panic!("{input} is good") };
    assert_eq!(result.plugin.other, json::Object::from([("extra", value("[1e400]"))]));
    result.plugin.other.insert("name", "an impostor");
    assert_eq!(
        result.to_value().to_string(),
        r#"{"plugin":{"name":"a","version":"1","extra":[1e400]},"success":true,"duration":0.25}"#
    );
}

#[test]
fn schemas_have_names() {
    for name in SchemaName::ALL {
        assert_eq!(name.as_str().parse(), Ok(*name));
    }
    let unknown = |text: &str| text.parse::<SchemaName>().map_err(|e| e.to_string());
    assert_eq!(
        unknown("PluginHealthChek"),
        Err("there is no schema \"PluginHealthChek\"; did you mean PluginHealthCheck?".into())
    );
    assert!(
        unknown("Nonsense")
            .is_err_and(|e| e.contains("; the schemas are PluginHealthStatus, PluginHealthCheck, "))
    );
}
