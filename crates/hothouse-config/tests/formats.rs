//! The same project in YAML, TOML and JSON is the same project.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::environment;
use hothouse_config::{PluginConfig, Position, Project};

const YAML: &str = r#"
version: 1
name: shop
startup: {timeout: 5000, parallel: true, context: {n: 9007199254740993}}
host: {maxConcurrentStarts: 4, stopTimeout: 3000}
plugins:
  - name: db
    version: 1.4.0
    run:
      command: [postgres, -D, data]
      ready: {tcp: "127.0.0.1:5432"}
      stopSignal: SIGINT
    env: {PORT: 5432, PGPASSWORD: "${file:secret.txt}"}
  - name: worker
    run: {process: [worker, "${env:REGION}"], transport: stdio}
    cwd: bin
    dependencies: {db: "^1"}
    optionalDependencies: [metrics]
    config: {exact: 9223372036854775807, half: 0.50, on: true, list: [1, "two", {three: 3}]}
    expectedStart: 120
    lifecycle:
      health: {timeout: 700}
      degradation: {criticalDependencies: [db]}
"#;

const TOML: &str = r#"
version = 1
name = "shop"

[startup]
timeout = 5_000
parallel = true
context.n = 9007199254740993

[host]
maxConcurrentStarts = 4
stopTimeout = 3e3

[[plugins]]
name = "db"
version = "1.4.0"
run.command = ["postgres", "-D", "data"]
run.ready.tcp = "127.0.0.1:5432"
run.stopSignal = "SIGINT"
env = { PORT = 5432, PGPASSWORD = "${file:secret.txt}" }

[[plugins]]
name = "worker"
cwd = "bin"
dependencies.db = "^1"
optionalDependencies = ["metrics"]
expectedStart = 120
run = { process = ["worker", "${env:REGION}"], transport = "stdio" }

[plugins.config]
exact = 9223372036854775807
half = 0.50
on = true
list = [1, "two", { three = 3 }]

[plugins.lifecycle.health]
timeout = 700

[plugins.lifecycle.degradation]
criticalDependencies = ["db"]
"#;

const JSON: &str = r#"{
  "version": 1, "name": "shop",
  "startup": {"timeout": 5000, "parallel": true, "context": {"n": 9007199254740993}},
  "host": {"maxConcurrentStarts": 4, "stopTimeout": 3000},
  "plugins": [
    {"name": "db", "version": "1.4.0",
     "run": {"command": ["postgres", "-D", "data"], "ready": {"tcp": "127.0.0.1:5432"}, "stopSignal": "SIGINT"},
     "env": {"PORT": 5432, "PGPASSWORD": "${file:secret.txt}"}},
    {"name": "worker", "run": {"process": ["worker", "${env:REGION}"], "transport": "stdio"}, "cwd": "bin",
     "dependencies": {"db": "^1"}, "optionalDependencies": ["metrics"],
     "config": {"exact": 9223372036854775807, "half": 0.50, "on": true, "list": [1, "two", {"three": 3}]},
     "expectedStart": 120,
     "lifecycle": {"health": {"timeout": 700}, "degradation": {"criticalDependencies": ["db"]}}}
  ]
}"#;

/// Loads a text under a file name of that format, and takes away what the text's shape decides.
fn placeless(extension: &str, text: &str) -> Project {
    let file = format!("tests/golden/same.{extension}");
    let mut project = match Project::from_bytes(&file, text, &environment()) {
        Ok(loaded) => loaded.project,
        Err(problems) => panic!("{problems}"),
    };
    project.file.clear();
    project.places = hothouse_config::Places::default();
    project.plugins.iter_mut().for_each(without_place);
    project
}

fn without_place(plugin: &mut PluginConfig) {
    plugin.at = Position::START;
    let PluginConfig {
        dependencies, optional_dependencies, degradation_critical, degradation_optional, ..
    } = plugin;
    for list in [dependencies, optional_dependencies, degradation_critical, degradation_optional] {
        list.iter_mut().for_each(|dependency| dependency.at = Position::START);
    }
}

#[test]
fn one_project_in_three_formats() {
    let yaml = placeless("yaml", YAML);
    for (extension, text) in [("yml", YAML), ("toml", TOML), ("json", JSON)] {
        let other = placeless(extension, text);
        assert_eq!(yaml, other, "{extension}");
    }
    assert_eq!(
        yaml.plugins[1].config.reveal(),
        r#"{"exact":9223372036854775807,"half":0.50,"on":true,"list":[1,"two",{"three":3}]}"#
    );
    assert_eq!(yaml.context.unwrap().reveal(), r#"{"n":9007199254740993}"#);
    assert_eq!(yaml.secrets.redact("it is s3cr3t-from-file!"), "it is ***!");
}

#[test]
fn json_is_judged_as_strictly_as_by_a_json_reader() {
    let hostile = [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "-",
        "tru",
        "nul",
        "NaN",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"a\nb\"",
        "\"a",
        "1 2",
        "{\"a\" 1}",
        "{\"a\":}",
        "\u{a0}1",
        "[1 2]",
        "// x\n1",
        "\"\\u+123\"",
    ];
    for text in hostile {
        let ours = Project::from_bytes("x.json", text, &environment()).unwrap_err();
        assert!(hothouse_protocol::json::parse(text).is_err(), "{text}");
        assert_eq!(ours.errors.len(), 1, "{text}: {ours}");
        assert!(ours.errors[0].path.is_empty() && ours.errors[0].at.is_some(), "{text}: {ours}");
    }
    let fine =
        ["\"\\u0041\\ud83d\\ude00\\/\\b\\f\"", "-0.0e-5", "[[],{},\"\"]", "\t\r\n true ", "{\"\":{\"\":0}}"];
    for text in fine {
        let ours = Project::from_bytes("x.json", text, &environment()).unwrap_err();
        assert!(hothouse_protocol::json::parse(text).is_ok(), "{text}");
        assert!(
            !ours.to_string().contains("not a number") && !ours.to_string().contains("expected a value"),
            "{ours}"
        );
    }
}
