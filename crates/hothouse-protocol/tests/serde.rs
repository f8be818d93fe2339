//! Through serde, values and schemas follow the same rules as in text.
#![cfg(feature = "serde")]

use hothouse_protocol::json::{self, Value};
use hothouse_protocol::{PluginHealthCheck, PluginHealthStatus, Schema};

#[test]
fn values_go_both_ways() {
    let text = r#"{"a":[null,true,30000,0.5,-1,"x"],"":{}}"#;
    let value = json::parse(text).expect("JSON");
    assert_eq!(serde_json::to_string(&value).expect("serialisable"), text);
    assert_eq!(serde_json::from_str::<Value>(text).expect("deserialisable"), value);
}

#[test]
fn the_last_of_a_repeated_name_counts_and_zero_has_no_sign() {
    let value: Value = serde_json::from_str(r#"{"a":1,"a":-0.0}"#).expect("deserialisable");
    assert_eq!(value.to_string(), r#"{"a":0}"#);
}

#[test]
fn infinite_numbers_are_refused_rather_than_turned_into_null() {
    let error = serde_json::to_string(&Value::Number(f64::INFINITY)).expect_err("no other text for it");
    assert!(error.to_string().contains("1e400"), "{error}");
}

#[test]
fn schemas_serialise_as_their_wire_form_and_deserialise_with_validation() {
    let check = PluginHealthCheck { interval: 2000, ..PluginHealthCheck::default() };
    let text = serde_json::to_string(&check).expect("serialisable");
    assert_eq!(text, check.to_value().to_string());
    assert_eq!(serde_json::from_str::<PluginHealthCheck>(&text).expect("deserialisable"), check);
    assert_eq!(serde_json::to_string(&PluginHealthStatus::Healthy).expect("serialisable"), "\"healthy\"");

    let error =
        serde_json::from_str::<PluginHealthCheck>(r#"{"interval":5,"autoRestart":1}"#).expect_err("bad");
    let message = "not a PluginHealthCheck: interval: expected an integer of at least 1000, found 5; \
                   autoRestart: expected true or false, found the number 1";
    assert!(error.to_string().starts_with(message), "{error}");
}
