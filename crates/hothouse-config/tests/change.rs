//! What counts as a change of a project file, where it stands, and what follows from it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hothouse_config::{Effect, Environment, Project};

const OLD: &str = r#"
version: 1
name: shop
startup: {parallel: true}
host: {stopTimeout: 5000}
plugins:
  - name: db
    run: {command: [sleep, "9"], ready: {tcp: "localhost:5432"}}
    env: {PORT: 8080, TOKEN: "${env:TOKEN}"}
    config: {size: 1, deep: {a: true, b: [1, {x: 1, y: 2}]}}
  - name: api
    run: {shell: "sleep 9"}
    dependencies: [db]
    expectedStart: 10
"#;

fn load(text: &str, token: &str) -> Project {
    let environment = Environment::empty()
        .with_variable("TOKEN", token)
        .with_variable("PATH", "/usr/bin:/bin")
        .without_machine_checks();
    match Project::from_bytes("hothouse.yaml", text, &environment) {
        Ok(loaded) => loaded.project,
        Err(problems) => panic!("{problems}"),
    }
}

fn changes(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (load(old, "s3cret"), load(new, "s3cret"));
    let changes = old.changes_to(&new);
    let settings = changes.settings.iter().map(|change| (String::new(), change));
    let plugins = changes
        .plugins
        .iter()
        .flat_map(|(name, keys)| keys.iter().map(move |key| (format!("{name}: "), key)));
    settings
        .chain(plugins)
        .map(|(who, change)| format!("{who}{} at {}: {:?}", change.key, change.at, change.effect))
        .collect()
}

#[test]
fn what_is_written_differently_is_no_change() {
    let new = r#"
# A comment, another order of keys and plugins, defaults spelt out.
plugins:
  - dependencies: {db: "*"}
    run: {shell: 'sleep 9', stopSignal: TERM}
    expectedStart: 10
    version: 0.0.0
    name: api
  - name: db
    run:
      ready: {tcp: "localhost:5432"}
      command: sleep 9
    config: {deep: {b: [1, {y: 2, x: 1}], a: yes}, size: 0x1}
    env: {TOKEN: "${env:TOKEN}", PORT: "8080"}
    cleanEnv: false
startup: {timeout: 30000, parallel: true, rollbackOnFailure: true}
host: {stopTimeout: 5000, killTimeout: 2000}
name: shop
version: 1
"#
    .replace("{db: \"*\"}", "[db]")
    .replace("a: yes", "a: true");
    assert_eq!(changes(OLD, &new), Vec::<String>::new());
    let (old, new) = (load(OLD, "s3cret"), load(&new, "s3cret"));
    assert_eq!(old.plugins[0].fingerprint(), new.plugins[1].fingerprint());
    assert_eq!(old.plugins[1].fingerprint(), new.plugins[0].fingerprint());
}

#[test]
fn every_change_is_named_with_its_place_and_what_follows() {
    let new = OLD
        .replace("8080", "8081")
        .replace("a: true", "a: false")
        .replace("[1, {x: 1, y: 2}]", "[1, {x: 1, y: 3}]")
        .replace("[sleep, \"9\"]", "[sleep, \"10\"]")
        .replace(
            "    dependencies: [db]\n    expectedStart: 10\n",
            "    optionalDependencies: [db]\n    expectedStart: 20\n    mayCall: [db]\n",
        )
        .replace("5000", "6000, maxLine: 65536, stateDir: /tmp/x, calls: {queue: 9}, restart: {base: 5}, passiveHealth: {meanMs: 9}")
        .replace("parallel: true", "parallel: true, context: {a: 1}");
    assert_eq!(
        changes(OLD, &new),
        [
            "startup.context at 4:27: NextStart",
            "host.stopTimeout at 5:8: Now",
            "host.maxLine at 5:27: NextStart",
            "host.stateDir at 5:43: DownUp",
            "host.calls.queue at 5:69: Now",
            "host.restart.base at 5:90: Now",
            "host.passiveHealth.meanMs at 5:116: Now",
            "api: dependencies at 11:5: Restart",
            "api: optionalDependencies at 13:5: Restart",
            "api: expectedStart at 14:5: Now",
            "api: mayCall at 15:5: Now",
            "db: run.command at 8:11: Restart",
            "db: env.PORT at 9:11: Restart",
            "db: config.deep.a at 10:30: Restart",
            "db: config.deep.b at 10:40: Restart",
        ]
    );
}

#[test]
fn a_changed_secret_is_named_and_never_told() {
    let (old, new) = (load(OLD, "first-secret"), load(OLD, "second-secret"));
    let changes = old.changes_to(&new);
    assert_eq!(changes.of("db").len(), 1);
    assert_eq!(
        (changes.of("db")[0].key.as_str(), changes.of("db")[0].effect),
        ("env.TOKEN", Effect::Restart)
    );
    assert!(changes.of("api").is_empty() && changes.of("nobody").is_empty());
    assert!(!format!("{changes:?}").contains("secret"));
    assert_ne!(old.plugins[0].fingerprint(), new.plugins[0].fingerprint());
    let both = old.secrets.with(&new.secrets);
    assert_eq!(both.redact("first-secret second-secret"), "*** ***");
}
