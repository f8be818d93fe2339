//! Fallbacks of real processes through the real command: `examples/degradation`, as its page goes through it.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use common::{Folder, Up, repository};
use serde_json::json;

/// The example in a folder of its own. With `patience` nobody has `db` tried again before the test is over.
fn up(name: &str, patience: bool) -> (Folder, Up) {
    let folder = Folder::new(name);
    let example = |file: &str| std::fs::read_to_string(repository().join("examples/degradation").join(file));
    let mut project = example("hothouse.yaml").unwrap();
    if patience {
        assert!(project.contains("retryInterval: 1000,"));
        project = project.replace("retryInterval: 1000,", "retryInterval: 600000,");
    }
    folder.write("hothouse.yaml", &project);
    folder.write("shop.py", &example("shop.py").unwrap());
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    (folder, up)
}

/// `db` dies, is restarted, dies again, and is given up.
fn lose_db(up: &mut Up) {
    assert_eq!(up.command(&["call", "db", "die"]).status, Some(8));
    up.wait_for("ready", Some("db"));
    assert_eq!(up.command(&["call", "db", "die"]).status, Some(8));
    up.wait_for("gaveUp", Some("db"));
}

/// Waits until a plugin serves this.
fn serves(up: &mut Up, plugin: &str, mode: &str) {
    while up.wait_for("modeChanged", Some(plugin))["to"] != mode {}
}

/// What a call gives: its result, or the code of its error.
fn call(up: &Up, plugin: &str, method: &str, payload: &str) -> String {
    let answer = up.command(&["call", plugin, method, payload, "--json"]).json();
    let code = answer["error"]["code"].as_str().map(str::to_owned);
    code.unwrap_or_else(|| answer["result"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

#[test]
fn who_depends_on_what_is_away_does_as_declared_and_comes_back() {
    let (_folder, mut up) = up("degradation", true);
    assert_eq!(call(&up, "cached", "price", "1"), "price");
    lose_db(&mut up);
    serves(&mut up, "patient", "degraded");
    for (plugin, method, outcome) in [
        ("minimal", "ping", "ping"),
        ("minimal", "find", "find"),
        ("minimal", "post", "FEATURE_OFF"),
        ("minimal", "write", "REFUSED_BY_MODE"),
        ("cached", "read", "REFUSED_BY_MODE"),
        ("readonly", "read", "read"),
        ("readonly", "write", "REFUSED_BY_MODE"),
        ("offline", "write", "write"),
        ("offline", "ask", "DEPENDENCY_AWAY"),
        ("disabled", "ping", "REFUSED_BY_MODE"),
        ("stopped", "ping", "NOT_RUNNING"),
        ("patient", "post", "FEATURE_OFF"),
        ("patient", "write", "write"),
    ] {
        assert_eq!(call(&up, plugin, method, "null"), outcome, "{plugin} {method}");
    }
    let known = up.command(&["call", "cached", "price", "1", "--json"]).json();
    assert_eq!(known["result"], "price");
    assert!(known["stale"]["ageMs"].as_f64().unwrap() > 0.0, "{known}");
    assert_eq!(call(&up, "cached", "price", "2"), "REFUSED_BY_MODE", "nothing is made up");
    let refused = up.command(&["call", "minimal", "post", "null"]).stderr;
    let first = refused.lines().next().unwrap();
    let words = ["`mail`", "letters would be lost", "`db` failed at run: exited with code 3"];
    assert!(words.iter().all(|word| first.contains(word)), "{refused}");
    for plugin in ["minimal", "cached", "readonly", "offline", "disabled", "stopped", "patient"] {
        let why = up.command(&["why", plugin]).stdout;
        assert!(why.starts_with("`db` failed at run: exited with code 3 ["), "{plugin}: {why}");
    }

    assert_eq!(up.command(&["start", "db"]).status, Some(0));
    // The second fallback within a short time lasts a little longer than it must.
    for plugin in ["minimal", "cached", "readonly", "offline", "disabled"] {
        assert_eq!(up.command(&["mode", plugin, "--release"]).status, Some(0));
        assert_eq!(call(&up, plugin, "write", "null"), "write", "{plugin}");
        let status = up.command(&["ps", "--json"]).json();
        let one = status["plugins"].as_array().unwrap().iter().find(|one| one["name"] == plugin).unwrap();
        assert_eq!(one["incarnation"], 1, "it was never restarted: {one}");
    }
    while up.wait_for("ready", Some("stopped"))["incarnation"] != 3 {}
}

#[test]
fn what_is_away_is_brought_back_although_its_restarts_are_used_up() {
    let (_folder, mut up) = up("degradation-recovery", false);
    lose_db(&mut up);
    let tried = up.wait_for("recoveryTried", Some("patient"));
    assert_eq!((&tried["attempt"], &tried["of"], &tried["missing"]), (&json!(1), &json!(10), &json!(["db"])));
    assert_eq!(up.wait_for("ready", Some("db"))["incarnation"], 3);
    serves(&mut up, "patient", "normal");
}

#[test]
fn a_mode_that_an_operator_sets_holds_until_it_is_released() {
    let (_folder, mut up) = up("degradation-mode", true);
    assert_eq!(up.command(&["mode", "readonly", "disabled"]).status, Some(0));
    assert_eq!(call(&up, "readonly", "ping", "null"), "REFUSED_BY_MODE");
    let why = up.command(&["why", "readonly"]).stdout;
    assert!(why.starts_with("`readonly` serves as disabled, because an operator has set that\n"), "{why}");
    lose_db(&mut up);
    assert_eq!(call(&up, "readonly", "read", "null"), "REFUSED_BY_MODE");
    // A new life of it is bound by it as well.
    assert_eq!(up.command(&["mode", "readonly", "--release"]).status, Some(0));
    assert_eq!(call(&up, "readonly", "read", "null"), "read");
    assert_eq!(call(&up, "readonly", "write", "null"), "REFUSED_BY_MODE");
}
