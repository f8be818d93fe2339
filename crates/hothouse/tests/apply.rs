//! A project file that changes under a running host: `plan --diff`, `apply`, and how long one waits. Processes tell who was
//! touched: whoever keeps its pid was not.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::collections::BTreeMap;

use common::{Folder, Up, hothouse, plugins, run};
use serde_json::Value;

const SHOP: &str = r#"
version: 1
startup: {parallel: false}
plugins:
  - {name: db, run: {command: [sleep, "1000"]}, env: {SIZE: 1, TOKEN: "${env:SHOP_TOKEN}"}}
  - {name: api, run: {command: [sleep, "1000"]}, dependencies: [db]}
  - {name: web, run: {command: [sleep, "1000"]}, dependencies: [api]}
  - {name: mail, run: {command: [sleep, "1000"]}}
"#;

/// The process of every plugin that has one.
fn pids(up: &Up) -> BTreeMap<String, u64> {
    let ps = up.command(&["ps", "--json"]).json();
    let plugins = ps["plugins"].as_array().unwrap().clone();
    let pid = |plugin: &Value| Some((plugin["name"].as_str()?.to_owned(), plugin["pid"].as_u64()?));
    plugins.iter().filter_map(pid).collect()
}

fn names(list: &Value) -> Vec<String> {
    let name = |item: &Value| item.as_str().or(item["plugin"].as_str()).unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

fn shop(name: &str) -> (Folder, Up) {
    let folder = Folder::with_project(name, SHOP);
    let mut up = Up::start(&folder.0, &[], &[("SHOP_TOKEN", "tok-5ecret-1")]);
    up.wait_for("startEnded", None);
    (folder, up)
}

#[test]
fn an_apply_does_what_plan_diff_says_and_touches_nobody_else() {
    let (folder, up) = shop("apply");
    let edits = [
        ("env of db", SHOP.replace("SIZE: 1", "SIZE: 2")),
        ("comments, order of keys, formats", SHOP.replace("SIZE: 1", "\"SIZE\": '2' ") + "# that is all\n"),
        ("a new one, and one less", SHOP.replace("SIZE: 1", "SIZE: 2").replace("name: mail", "name: post")),
        (
            "dependencies",
            SHOP.replace("SIZE: 1", "SIZE: 2")
                .replace("name: mail", "name: post")
                .replace(", dependencies: [api]}", ", dependencies: [post]}"),
        ),
        ("back to the beginning", SHOP.to_owned()),
        ("nothing", SHOP.to_owned()),
        (
            "the host",
            SHOP.replace(
                "{parallel: false}",
                "{parallel: false, timeout: 20000}\nhost: {stopTimeout: 3000, stateDir: elsewhere}",
            ),
        ),
    ];
    let mut touched = 0;
    for (what, text) in edits {
        folder.write("hothouse.yaml", &text);
        let before = pids(&up);
        let plan = up.command(&["plan", "--diff", "--json"]);
        assert_eq!(plan.status, Some(0), "{what}: {}", plan.stderr);
        assert_eq!(pids(&up), before, "{what}: a plan moves nothing");
        let plan = plan.json();
        assert_eq!(up.command(&["apply", "--dry-run", "--json"]).json(), plan, "{what}");
        let applied = up.command(&["apply", "--json"]);
        assert_eq!(applied.status, Some(0), "{what}: {}", applied.stderr);
        let applied = applied.json();
        assert_eq!(applied["plan"], plan, "{what}");
        let after = pids(&up);
        let (stops, starts) = (names(&plan["stops"]), names(&plan["starts"]));
        assert_eq!(names(&applied["stopped"]), stops, "{what}");
        for plugin in names(&plan["untouched"]) {
            assert_eq!(before.get(&plugin), after.get(&plugin), "{what}: {plugin} was touched");
        }
        for plugin in &stops {
            assert!(before[plugin] > 0 && before.get(plugin) != after.get(plugin), "{what}: {plugin}");
        }
        let new: Vec<&String> = after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
        let mut expected: Vec<&String> = starts.iter().collect();
        expected.sort();
        assert_eq!(new, expected, "{what}");
        let gone = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect::<Vec<_>>();
        assert_eq!(gone, names(&plan["removed"]), "{what}");
        touched += stops.len() + starts.len();
    }
    assert!(touched >= 14, "{touched}");
    assert_eq!(up.command(&["down"]).status, Some(0));
    let (status, _, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
}

#[test]
fn plan_diff_names_settings_places_and_reasons_and_no_secret() {
    let (folder, up) = shop("diff");
    let text = SHOP
        .replace("SIZE: 1, ", "")
        .replace(
            "  - {name: mail, run: {command: [sleep, \"1000\"]}}\n",
            "  - {name: new, run: {command: [sleep, \"9\"]}}\n",
        )
        .replace(
            "{parallel: false}",
            "{parallel: false}\nhost: {stateDir: elsewhere, maxConcurrentStarts: 2}",
        )
        .replace("${env:SHOP_TOKEN}", "tok-5ecret-2");
    folder.write("hothouse.yaml", &text);
    let plan = up.command(&["plan", "--diff"]);
    assert_eq!(plan.status, Some(0), "{}", plan.stderr);
    let lines: Vec<String> =
        plan.stdout.lines().map(|line| line.replace(folder.0.to_str().unwrap(), "")).collect();
    let expected = [
        "+ new /hothouse.yaml:9:5",
        "- mail",
        "~ db /hothouse.yaml:6:5",
        "    env.SIZE /hothouse.yaml:6:49: replaces the plugin",
        "    env.TOKEN /hothouse.yaml:6:55: replaces the plugin",
        "~ host.stateDir /hothouse.yaml:4:8: needs: down, up",
        "~ host.maxConcurrentStarts /hothouse.yaml:4:29: holds at once",
        "stops, in this order:",
        "  1 mail: it is in the file no more",
        "  2 web: it needs `api`, which goes or is replaced",
        "  3 api: it needs `db`, which goes or is replaced",
        "  4 db: it is defined anew",
        "starts, dependencies first:",
        "  1 db: it is defined anew",
        "  2 api: it runs upon `db`, which is replaced",
        "  3 web: it runs upon `api`, which is replaced",
        "  4 new: it is new",
    ];
    assert_eq!(lines, expected);
    let applied = up.command(&["apply"]);
    assert_eq!(applied.status, Some(0), "{}", applied.stderr);
    assert!(applied.stdout.contains("host.stateDir: needs: down, up\n"), "{}", applied.stdout);
    for text in [plan.stdout, applied.stdout, applied.stderr] {
        assert!(!text.contains("5ecret"), "{text}");
    }
    assert_eq!(up.command(&["down"]).status, Some(0));
    let (_, events, stderr) = up.end();
    assert!(!stderr.contains("5ecret") && !format!("{events:?}").contains("5ecret"));
    assert!(plugins(&events, "stopBegan").contains(&"mail".to_owned()));
}

#[test]
fn what_is_wrong_is_told_and_touches_nothing() {
    let (folder, up) = shop("wrong");
    let before = pids(&up);
    folder.write("hothouse.yaml", &SHOP.replace("dependencies: [db]", "dependencies: [bd]"));
    for args in [&["apply"][..], &["plan", "--diff"][..], &["apply", "--no-wait"][..]] {
        let output = up.command(args);
        assert_eq!(output.status, Some(3), "{}{}", output.stdout, output.stderr);
        assert!(
            output.stderr.contains("hothouse.yaml:6:") && output.stderr.contains("`bd`"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains("\n  next: "), "{}", output.stderr);
    }
    let json = up.command(&["apply", "--json"]).json();
    assert_eq!(json["error"]["code"], "CONFIG");
    assert_eq!(pids(&up), before);
    assert_eq!(up.command(&["down"]).status, Some(0));
    up.end();
    let none = run(hothouse().args(["plan", "--diff"]).arg(&folder.0).env("SHOP_TOKEN", "x"));
    assert_eq!(none.status, Some(5), "{}", none.stderr);
    assert!(
        none.stderr.contains("no host is running") && none.stderr.contains("next: `hothouse up"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_start_that_fails_within_an_apply_is_undone_and_the_rest_runs_on() {
    let (folder, up) = shop("fails");
    let before = pids(&up);
    let bad = "  - {name: bad, run: {command: [sh, -c, 'echo no disk >&2; exit 3'], ready: {exit: 0}}, dependencies: [good]}\n";
    let good = "  - {name: good, run: {command: [sleep, '1000']}}\n";
    folder.write("hothouse.yaml", &(SHOP.to_owned() + bad + good));
    let applied = up.command(&["apply"]);
    assert_eq!(applied.status, Some(4), "{}{}", applied.stdout, applied.stderr);
    assert!(
        applied.stderr.starts_with("error: `bad` failed at start: exited with code 3"),
        "{}",
        applied.stderr
    );
    assert!(
        applied.stderr.contains("  unwound, in this order: ") && applied.stderr.contains("good"),
        "{}",
        applied.stderr
    );
    assert!(applied.stdout.contains("untouched: db, api, web, mail"), "{}", applied.stdout);
    assert_eq!(pids(&up), before);
    folder.write("hothouse.yaml", &(SHOP.to_owned() + &bad.replace("exit 3", "exit 0") + good));
    let applied = up.command(&["apply", "--json"]).json();
    assert_eq!(names(&applied["running"]), ["db", "api", "web", "mail", "bad", "good"]);
    assert_eq!(names(&applied["plan"]["starts"]), ["good", "bad"]);
    let after = pids(&up);
    assert!(before.iter().all(|(name, pid)| after.get(name) == Some(pid)));
    assert_eq!(up.command(&["down"]).status, Some(0));
    up.end();
}

#[test]
fn what_was_stopped_on_purpose_stays_stopped_unless_everything_is_asked_for() {
    let (folder, up) = shop("stopped");
    up.command(&["stop", "mail"]);
    folder.write("hothouse.yaml", &SHOP.replace("{name: mail, ", "{name: mail, env: {A: b}, "));
    let applied = up.command(&["apply"]);
    assert_eq!(applied.status, Some(0), "{}", applied.stderr);
    assert!(
        applied.stdout.contains("not running: mail: it was stopped on purpose; `hothouse start mail"),
        "{}",
        applied.stdout
    );
    assert!(!pids(&up).contains_key("mail"));
    let applied = up.command(&["apply", "--start"]);
    assert!(applied.stdout.starts_with("started: mail in "), "{}{}", applied.stdout, applied.stderr);
    assert_eq!(up.command(&["down"]).status, Some(0));
    up.end();
}

#[test]
fn whoever_does_not_wait_is_told_and_it_goes_on() {
    let (folder, mut up) = shop("wait");
    let slow = "  - {name: slow, run: {command: [sh, -c, 'read line <&4; echo up >&3; exec sleep 1000'], ready: {fd: 3}}}\n";
    // It is ready when somebody writes into this pipe, and not before.
    let fifo = folder.0.join("go");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let slow = slow.replace("read line <&4", &format!("read line < {}", fifo.display()));
    folder.write("hothouse.yaml", &(SHOP.to_owned() + &slow));

    let applied = up.command(&["apply", "--no-wait"]);
    assert_eq!(applied.status, Some(0), "{}", applied.stderr);
    assert!(applied.stdout.starts_with("accepted: apply; `hothouse ps"), "{}", applied.stdout);
    up.wait_for("launched", Some("slow"));
    let again = up.command(&["apply"]);
    assert_eq!(again.status, Some(7), "{}", again.stderr);
    assert!(again.stderr.contains("another apply is under way"), "{}", again.stderr);
    let refused = up.command(&["start", "slow", "--no-wait"]);
    assert_eq!(
        refused.status,
        Some(7),
        "a refusal is told also to those who do not wait: {}",
        refused.stderr
    );
    std::fs::write(&fifo, "go\n").unwrap();
    up.wait_for("ready", Some("slow"));

    let restart = up.command(&["restart", "slow", "--wait-timeout", "1"]);
    assert_eq!(restart.status, Some(11), "{}{}", restart.stdout, restart.stderr);
    assert!(restart.stderr.contains("`restart` is not over after 1 ms, and goes on"), "{}", restart.stderr);
    std::fs::write(&fifo, "go\n").unwrap();
    up.wait_for("ready", Some("slow"));
    let json = up.command(&["stop", "web", "--no-wait", "--json"]);
    assert_eq!((json.status, json.json()["underWay"].as_str()), (Some(0), Some("stop")));
    up.wait_for("stopped", Some("web"));
    let start = up.command(&["start", "web", "--wait-timeout", "60000"]);
    assert_eq!(start.status, Some(0), "{}", start.stderr);
    assert_eq!(run(hothouse().args(["stop", "--no-wait", "--wait"])).status, Some(2));

    let down = up.command(&["down", "--no-wait"]);
    assert_eq!(down.status, Some(0), "{}", down.stderr);
    let (status, _, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
}
