//! Calls of process plugins through the real command: `examples/calls`, as its page goes through it.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::thread;

use common::{Folder, Output, Up, hothouse, repository, run};
use serde_json::json;

/// The example in a folder of its own, so that tests do not share a host.
fn up(name: &str) -> (Folder, Up) {
    let folder = Folder::new(name);
    for file in ["hothouse.yaml", "plugin.py", "ledger.py", "front.py"] {
        std::fs::copy(repository().join("examples/calls").join(file), folder.0.join(file)).unwrap();
    }
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    (folder, up)
}

/// A command beside the host, on a thread of its own.
fn begin(folder: &Folder, args: &'static [&'static str]) -> thread::JoinHandle<Output> {
    let project = folder.0.clone();
    thread::spawn(move || run(hothouse().args(args).env("HOTHOUSE_PROJECT", project)))
}

#[test]
fn a_trace_shows_what_a_call_led_to() {
    let (_folder, up) = up("trace");
    let call = ["call", "front", "statement", r#"{"account": "ada"}"#, "--trace"];
    let shown = up.command(&call);
    assert_eq!((shown.status, shown.stdout.as_str()), (Some(0), "\"ada has 300\"\n"), "{}", shown.stderr);
    let lines: Vec<&str> = shown.stderr.lines().collect();
    assert!(lines[0].starts_with("trace ") && lines.len() == 3, "{}", shown.stderr);
    assert!(lines[1].starts_with("  front statement  ") && lines[2].starts_with("    ledger balance  "));

    let told = up.command(&[&call[..], &["--json"]].concat()).json();
    let calls = told["trace"]["calls"].as_array().unwrap();
    assert_eq!(
        (calls.len(), &calls[0]["plugin"], &calls[1]["plugin"]),
        (2, &json!("front"), &json!("ledger"))
    );
    assert_eq!((&calls[1]["caller"], &calls[1]["parent"]), (&json!("front"), &calls[0]["id"]));
    assert!(calls[0]["tookUs"].as_u64() >= calls[1]["tookUs"].as_u64());

    let failed = up.command(&["call", "front", "statement", r#"{"account": "eve"}"#, "--trace", "--json"]);
    assert_eq!(failed.status, Some(8));
    let error = &failed.json()["error"];
    assert_eq!(
        (&error["code"], &error["trace"]["calls"][1]["outcome"]),
        (&json!("UNKNOWN_ACCOUNT"), &json!("UNKNOWN_ACCOUNT"))
    );
}

#[test]
fn calls_wait_for_a_place_and_then_are_refused() {
    let (folder, mut up) = up("overload");
    let hold = ["call", "ledger", "hold", "--timeout", "5000"];
    let holding = [
        begin(&folder, &["call", "ledger", "hold", "--timeout", "5000"]),
        begin(&folder, &["call", "ledger", "hold", "--timeout", "5000"]),
    ];
    up.wait_for("log", Some("ledger"));
    up.wait_for("log", Some("ledger"));
    // One of these waits until one of the first two is over; for the other there is no room.
    let more = [
        begin(&folder, &["call", "ledger", "balance", r#"{"account": "ada"}"#]),
        begin(&folder, &["call", "ledger", "balance", r#"{"account": "ada"}"#]),
    ];
    let mut more = more.map(|call| call.join().unwrap());
    more.sort_by_key(|output| output.status);
    assert_eq!((more[0].status, more[0].stdout.as_str()), (Some(0), "300\n"));
    assert_eq!(more[1].status, Some(8));
    assert!(more[1].stderr.contains("OVERLOADED: no more calls of `ledger` can wait"), "{}", more[1].stderr);
    for call in holding {
        let over = call.join().unwrap();
        assert!(
            over.stderr.contains("TIMEOUT: `hold` did not answer within 5000 ms"),
            "{hold:?}: {}",
            over.stderr
        );
    }
}

#[test]
fn a_call_that_kills_its_callee_is_told_so_and_the_next_life_answers_the_others() {
    let (_folder, mut up) = up("death");
    let dead = up.command(&["call", "ledger", "die", "--json"]);
    let error = dead.json()["error"].clone();
    assert_eq!((dead.status, &error["code"], &error["retryable"]), (Some(8), &json!("GONE"), &json!(true)));
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("life 1 of `ledger` did not answer `die`: "), "{message}");
    up.wait_for("failed", Some("ledger"));
    let away = up.command(&["call", "ledger", "balance", r#"{"account": "ada"}"#, "--json"]).json();
    assert_eq!(away["error"]["code"], "NOT_RUNNING");
    assert_eq!(up.command(&["start", "ledger", "--no-wait"]).status, Some(0));
    let waited = up.command(&["call", "ledger", "balance", r#"{"account": "ada"}"#]);
    assert_eq!((waited.status, waited.stdout.as_str()), (Some(0), "300\n"), "{}", waited.stderr);
}

#[test]
fn a_circle_of_waiting_calls_is_refused() {
    let (_folder, up) = up("circle");
    let refused = up.command(&["call", "front", "audited", "1", "--json"]).json();
    assert_eq!(refused["error"]["code"], "CALL_CYCLE");
    assert_eq!(refused["error"]["message"], "this call would wait for itself: `ledger` → `front` → `ledger`");
    assert_eq!(up.command(&["call", "front", "sign"]).stdout, "\"signed\"\n", "nothing is stuck");
    assert_eq!(up.command(&["call", "ledger", "audit", "1"]).stdout, "\"signed\"\n", "no circle, no refusal");
}
