//! Arguments and results held against what plugins declare, when the host is told to.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use hothouse_host::{CallOptions, CallSettings, Host, HostSettings, PluginSpec, wait};
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, Method, PluginError};
use hothouse_runtime::native::{Incoming, Init, NativeLoader, Plugin, Pool};
use serde_json::{Value, json};

/// Doubles numbers. It must be asked with a number, and 21 makes it break its own word.
struct Doubles {
    params: Value,
}

impl Plugin for Doubles {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        let method = Method {
            params: Some(self.params.clone().into()),
            result: Some(json!({"type": "integer"}).into()),
            ..Method::named("double")
        };
        Ok(Description { methods: vec![method, Method::named("free")], ..Description::default() })
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        let number: Value = serde_json::from_str(call.payload.as_str()).unwrap();
        Ok(match number.as_i64() {
            Some(21) => json!("forty-two").into(),
            Some(number) => json!(number * 2).into(),
            None => Json::null(),
        })
    }
}

fn host(validate: bool, params: &Value) -> Host {
    let calls = CallSettings { validate, ..CallSettings::default() };
    let params = params.clone();
    Host::spawn(HostSettings { calls, ..HostSettings::default() }, move || {
        let make = move || Doubles { params: params.clone() };
        vec![PluginSpec::new("math", NativeLoader::new(&Pool::new(), make))]
    })
    .unwrap()
}

fn ask(host: &Host, method: &str, payload: Value) -> Result<String, PluginError> {
    let answer = wait(host.call("math", method, payload.into(), CallOptions::default()));
    answer.map(|answer| answer.result.as_str().to_owned())
}

#[test]
fn what_is_wrong_never_arrives() {
    let started = |validate| {
        let host = host(validate, &json!({"type": "integer", "maximum": 100}));
        assert!(wait(host.orchestrate_startup(&StartupOptions::default())).unwrap().all_successful());
        host
    };
    let strict = started(true);
    assert_eq!(ask(&strict, "double", json!(4)).unwrap(), "8");
    let error = ask(&strict, "double", json!("four")).unwrap_err();
    assert_eq!(error.code, "BAD_PARAMS");
    assert_eq!(error.message, "the argument of `double` is wrong: /: value is not of type \"integer\"");
    assert_eq!(ask(&strict, "double", json!(101)).unwrap_err().code, "BAD_PARAMS");
    let error = ask(&strict, "double", json!(21)).unwrap_err();
    assert_eq!(error.code, "BAD_RESULT");
    assert_eq!(
        error.message,
        "`double` gave a result that its own schema forbids: /: value is not of type \"integer\""
    );
    assert_eq!(ask(&strict, "free", json!("four")).unwrap(), "null", "of which nothing is declared");
    // Only what breaks its own word is the plugin's fault.
    let counts = strict.call_counts("math").unwrap();
    assert_eq!((counts.ended(), counts.failed), (5, 1));

    let easy = started(false);
    assert_eq!(ask(&easy, "double", json!("four")).unwrap(), "null");
    assert_eq!(ask(&easy, "double", json!(21)).unwrap(), "\"forty-two\"");
}

#[test]
fn a_schema_that_is_none_fails_the_start() {
    let start = |validate| {
        let host = host(validate, &json!({"type": "strang"}));
        let report = wait(host.orchestrate_startup(&StartupOptions::default())).unwrap();
        report.root_cause().map(|(_, failure)| failure.message.to_string())
    };
    let failure = start(true).unwrap();
    let first =
        "`host.calls.validate` is on, and `math` declares `params` of `double`, which is no JSON Schema: ";
    assert!(failure.starts_with(first), "{failure}");
    assert_eq!(start(false), None);
}
