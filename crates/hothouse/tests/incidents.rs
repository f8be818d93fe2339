//! Five kinds of trouble at the same time, beside five plugins that are well: nobody who is well notices, every call is
//! answered, and `why` names the cause of each in its first line.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Folder, Output, Up, hothouse, run};

/// What it is comes from its name: `hung` answers nothing once it is up, `crashing` ends when it is called, `slow`
/// takes a fifth of a second for a call, `lying` is well and fails every call, `flapping` is well every other time.
const PLUGIN: &str = r#"
import json, os, socket, sys, time
kind = sys.argv[1]
channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
questions, answers = channel.makefile("r"), channel.makefile("w")
checks = 0

for line in questions:
    question = json.loads(line)
    verb, answer = question["method"], {"result": None}
    if verb == "init":
        answer = {"result": {"methods": ["work"], "verbs": ["start", "health"]}}
    elif verb == "call" and kind == "crashing":
        print("no licence", file=sys.stderr, flush=True)
        os._exit(3)
    elif kind == "hung" and verb in ("call", "health"):
        continue
    elif verb == "call" and kind == "slow":
        time.sleep(0.2)
    elif verb == "call" and kind == "lying":
        answer = {"error": {"code": -32603, "message": "no table"}}
    elif verb == "health":
        checks += 1
        well = kind != "flapping" or checks % 2 == 0
        answer = {"result": {"healthy": well, "message": "" if well else "tired"}}
    if "id" in question:
        print(json.dumps({"jsonrpc": "2.0", "id": question["id"], **answer}), file=answers, flush=True)
"#;

const GOOD: [&str; 5] = ["a", "b", "c", "d", "e"];

fn project() -> String {
    let mut yaml = String::from(
        "version: 1\nhost:\n  restart: {base: 100, jitter: 0}\n  passiveHealth: {minCalls: 1, meanMs: 150}\nplugins:\n",
    );
    let mut plugin = |name: &str, health: &str| {
        yaml += &format!(
            "  - name: {name}\n    run: {{process: [python3, plugin.py, {name}]}}\n    lifecycle: {{health: {{interval: 1000, {health}}}}}\n"
        );
    };
    for name in GOOD {
        plugin(name, "failureThreshold: 1");
    }
    plugin("hung", "timeout: 300, failureThreshold: 1, autoRestart: true, maxRestartAttempts: 1");
    plugin("crashing", "autoRestart: true, maxRestartAttempts: 2");
    for name in ["slow", "lying", "flapping"] {
        plugin(name, "failureThreshold: 1, successThreshold: 1");
    }
    yaml
}

/// Ends the calls when it is dropped, also by what fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A call from a process of its own, as an operator makes it.
fn call(folder: &PathBuf, plugin: &str) -> Output {
    run(hothouse().args(["call", plugin, "work", "--timeout", "2000"]).env("HOTHOUSE_PROJECT", folder))
}

#[test]
fn whoever_is_well_does_not_notice() {
    let folder = Folder::with_project("incidents", &project());
    folder.write("plugin.py", PLUGIN);
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);

    let over = AtomicBool::new(false);
    let ends = Ends(&over);
    let calls = |plugins: &'static [&'static str]| {
        let mut answers = Vec::new();
        while !over.load(Ordering::Relaxed) || answers.is_empty() {
            answers.extend(plugins.iter().map(|plugin| (*plugin, call(&folder.0, plugin))));
        }
        answers
    };
    let (good, bad) = std::thread::scope(|scope| {
        let ends = ends;
        let good = scope.spawn(|| calls(&GOOD));
        let bad = scope.spawn(|| calls(&["hung", "crashing", "slow", "lying", "flapping"]));
        // Everything that is to go wrong has gone wrong, as often as it may.
        let why = |up: &mut Up, plugin: &str, what: &str| loop {
            let changed = up.wait_for("healthChanged", Some(plugin));
            if changed["why"].as_str().is_some_and(|why| why.contains(what)) {
                break;
            }
        };
        let seen = |up: &mut Up, kind: &str, plugin: &str| {
            let is = |event: &serde_json::Value| event["type"] == kind && event["plugin"] == plugin;
            if !up.seen.iter().any(is) {
                up.wait_for(kind, Some(plugin));
            }
        };
        why(&mut up, "lying", "calls failed");
        seen(&mut up, "gaveUp", "crashing");
        seen(&mut up, "restartScheduled", "hung");
        why(&mut up, "flapping", "tired");
        why(&mut up, "slow", "on average");
        drop(ends);
        (good.join().unwrap(), bad.join().unwrap())
    });

    for (plugin, answer) in good {
        assert_eq!(answer.status, Some(0), "{plugin}: {}", answer.stderr);
    }
    for (plugin, answer) in bad {
        // It is answered, with a result or with an error of its own.
        let said = if answer.status == Some(0) { &answer.stdout } else { &answer.stderr };
        assert!(
            matches!(answer.status, Some(0 | 8)) && !said.is_empty(),
            "{plugin}: {:?} {said}",
            answer.status
        );
    }
    let first = |plugin: &str| {
        let why = up.command(&["why", plugin]).stdout;
        why.lines().next().unwrap().to_owned()
    };
    for (plugin, cause) in [
        ("hung", "it did not answer within 300 ms"),
        ("crashing", "`crashing` failed at run: exited with code 3 (last line on stderr: no licence)"),
        ("slow", "ms on average"),
        ("lying", "calls failed"),
        ("flapping", "tired"),
    ] {
        let first = first(plugin);
        assert!(first.contains(cause), "{plugin}: {first}");
    }
    for plugin in GOOD {
        assert!(first(plugin).starts_with(&format!("`{plugin}` is ready since")), "{}", first(plugin));
    }
    up.signal("-TERM");
    let (status, _, stderr) = up.end();
    assert!(status.success(), "{stderr}");
}
