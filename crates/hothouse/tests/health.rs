//! Health and restarts of real processes through the real command: `examples/health`, as its page goes through it.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use common::{Folder, Up, repository};
use serde_json::{Value, json};

/// The example in a folder of its own, so that tests do not share a host.
fn up(name: &str) -> (Folder, Up) {
    let folder = Folder::new(name);
    for file in ["hothouse.yaml", "counter.py"] {
        std::fs::copy(repository().join("examples/health").join(file), folder.0.join(file)).unwrap();
    }
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    (folder, up)
}

/// Waits until a plugin's health is this.
fn becomes(up: &mut Up, plugin: &str, status: &str) -> Value {
    loop {
        let changed = up.wait_for("healthChanged", Some(plugin));
        if changed["to"] == status {
            return changed;
        }
    }
}

/// Milliseconds of the host's clock at which an event happened.
fn ms(event: &Value) -> f64 {
    event["atMs"].as_f64().unwrap_or_else(|| panic!("{event}"))
}

#[test]
fn a_report_says_what_was_measured() {
    let (_folder, mut up) = up("health-report");
    becomes(&mut up, "counter", "healthy");
    for _ in 0..3 {
        assert_eq!(up.command(&["call", "counter", "count"]).status, Some(0));
    }
    let known = up.command(&["health", "counter", "--json"]).json();
    let report = &known["plugins"][0]["report"];
    assert_eq!((&report["status"], report.get("message")), (&json!("healthy"), None), "{report}");
    let metric = |name: &str| report["metrics"][name].as_f64().unwrap_or_else(|| panic!("{name}: {report}"));
    assert!(metric("uptime") > 0.0 && metric("responseTime") > 0.0);
    assert!(metric("memoryUsage") > 1e6, "a Python takes more than a megabyte: {report}");
    assert!(metric("cpuUsage") >= 0.0);
    assert_eq!((metric("activeConnections"), metric("errorRate")), (0.0, 0.0));
    assert_eq!(report["checks"], json!([{"name": "health", "status": "passed"}]));
    assert_eq!(report["dependencies"], json!([]));

    // What it says by itself counts at once. Now it fails one check, which is less than its threshold.
    assert_eq!(up.command(&["call", "counter", "sicken", "\"no disk\""]).status, Some(0));
    assert_eq!(up.command(&["call", "counter", "tell"]).status, Some(0));
    let degraded = becomes(&mut up, "counter", "degraded");
    assert_eq!((&degraded["from"], &degraded["why"]), (&json!("healthy"), &json!("no disk")));
}

#[test]
fn what_when_says_beforehand_is_what_happens() {
    let (_folder, mut up) = up("health-when");
    let beforehand = up.command(&["when", "counter", "--json"]).json();
    let coming = beforehand["restarts"]["coming"].as_array().unwrap().clone();
    assert_eq!(coming.len(), 2, "{beforehand}");
    for (at, restart) in coming.iter().enumerate() {
        assert_eq!(up.command(&["call", "counter", "die"]).status, Some(8));
        let scheduled = up.wait_for("restartScheduled", Some("counter"));
        assert_eq!((scheduled["attempt"].as_u64(), &scheduled["of"]), (Some(at as u64 + 1), &json!(2)));
        assert_eq!(scheduled["pauseMs"], restart["pauseMs"], "{beforehand}");
        let paused = up.command(&["when", "counter"]);
        assert!(
            paused.stdout.starts_with("counter is waiting to be restarted\n")
                || paused.stdout.starts_with("counter is initializing\n"),
            "{}",
            paused.stdout
        );
        let launched = up.wait_for("launched", Some("counter"));
        let pause = restart["pauseMs"].as_f64().unwrap();
        assert!(ms(&launched) - ms(&scheduled) >= pause - 0.001, "{scheduled} {launched}");
        up.wait_for("ready", Some("counter"));
    }
    assert_eq!(up.command(&["call", "counter", "die"]).status, Some(8));
    assert_eq!(up.wait_for("gaveUp", Some("counter"))["attempts"], 2);
    let given_up = up.command(&["when", "counter"]).stdout;
    assert!(given_up.contains("restarts: it was given up after 2; `hothouse start counter"), "{given_up}");
    let why = up.command(&["why", "counter"]).stdout;
    let first = why.lines().next().unwrap();
    assert!(first.starts_with("`counter` failed at run: exited with code 3 ["), "{why}");
    let ill = up.command(&["health", "counter"]);
    assert_eq!(ill.status, Some(8), "{}", ill.stdout);

    // Whoever starts it begins with a clean slate.
    assert_eq!(up.command(&["start", "counter"]).status, Some(0));
    let anew = up.command(&["when", "counter", "--json"]).json();
    assert_eq!((&anew["restarts"]["made"], &anew["restarts"]["givenUp"]), (&json!(0), &json!(false)));
}

#[test]
fn who_is_sick_is_restarted_and_why_says_so() {
    let (_folder, mut up) = up("health-sick");
    assert_eq!(up.command(&["call", "counter", "sicken", "\"no disk\""]).status, Some(0));
    becomes(&mut up, "counter", "unhealthy");
    up.wait_for("ready", Some("counter"));
    becomes(&mut up, "counter", "healthy");
    let why = up.command(&["why", "counter"]).stdout;
    let first = why.lines().next().unwrap();
    assert!(first.ends_with("restarted by itself after it became unhealthy: no disk"), "{why}");
    // The new life has forgotten what it was told: it counts from the beginning.
    assert_eq!(up.command(&["call", "counter", "count"]).stdout, "1\n");
}

#[test]
fn any_program_can_be_watched_and_is_left_alone_if_nobody_asks_for_more() {
    let (folder, mut up) = up("health-watched");
    becomes(&mut up, "watched", "healthy");
    folder.write("broken", "");
    let unhealthy = becomes(&mut up, "watched", "unhealthy");
    assert!(unhealthy["why"].as_str().unwrap().contains("exit"), "{unhealthy}");
    assert_eq!(up.command(&["health", "watched"]).status, Some(8));
    std::fs::remove_file(folder.0.join("broken")).unwrap();
    becomes(&mut up, "watched", "healthy");
    assert_eq!(up.plugins("launched").iter().filter(|plugin| *plugin == "watched").count(), 1);
}
