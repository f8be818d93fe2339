//! No output of this crate shows a secret.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{FILE_SECRET, TOKEN, environment, golden_files};
use hothouse_config::{Environment, Project};

/// Everything that can be printed about a file.
fn outputs(file: impl AsRef<std::path::Path>, text: &[u8], environment: &Environment) -> String {
    match Project::from_bytes(file, text, environment) {
        Ok(loaded) => format!("{loaded:?} {loaded:#?} {:?}", loaded.project.plugin_decls()),
        Err(problems) => format!("{problems} {problems:#?} {}", problems.to_json_value()),
    }
}

#[test]
fn wrong_or_right_no_file_gives_its_secrets_away() {
    for file in golden_files() {
        let shown = outputs(&file, &std::fs::read(&file).unwrap(), &environment());
        for secret in [TOKEN, FILE_SECRET, "/srv/shop of ours"] {
            assert!(!shown.contains(secret), "{}: {secret}\n{shown}", file.display());
        }
        // Literal passwords of secrets.yaml.
        assert!(!shown.contains("hunter"), "{}\n{shown}", file.display());
    }
}

#[test]
fn an_interpolated_value_is_shown_nowhere_whatever_is_wrong_with_it() {
    let template = std::fs::read_to_string("tests/golden/secrets.yaml").unwrap();
    for value in [
        "1.2.3.4-private",
        "http://private",
        "[private",
        "(private",
        "* private * * *",
        "private\nline",
        "-private/..",
        "",
    ] {
        let environment = environment().with_variable("TOKEN", value);
        let shown = outputs("tests/golden/secrets.yaml", template.as_bytes(), &environment);
        assert!(!shown.contains("private"), "{value}\n{shown}");
    }
}

#[test]
fn secrets_are_known_by_where_they_come_from_and_by_name() {
    let text = r#"
version: 1
plugins:
  - name: a
    run: {shell: "run ${env:PLAIN}"}
    env: {DB_PASSWORD: "${env:FROM_NAME_OF_KEY}", X: "${env:MY_TOKEN}", Y: "${file:secret.txt}", PASSWORD: literal-password, Z: "${env:NONE:-fallback}"}
    config: {auth: {user: "${env:UNDER_AUTH}"}, key: "literal-key", tls: {passphrase: [literal-phrase]}}
    dependencies: {auth-service: ">=1.0"}
  - {name: auth-service, version: 1.0.0, run: {shell: x}}
"#;
    let variables = [
        ("PLAIN", "plain-value"),
        ("FROM_NAME_OF_KEY", "value-of-key"),
        ("MY_TOKEN", "value-of-token"),
        ("UNDER_AUTH", "value-of-auth"),
    ];
    let environment = variables
        .iter()
        .fold(environment(), |environment, (name, value)| environment.with_variable(name, value));
    let loaded = Project::from_bytes("tests/golden/x.yaml", text, &environment).unwrap();
    let secrets = &loaded.project.secrets;
    for secret in
        ["value-of-key", "value-of-token", FILE_SECRET, "literal-password", "value-of-auth", "literal-phrase"]
    {
        assert_eq!(secrets.redact(secret), "***", "{secret}");
    }
    for plain in ["plain-value", "fallback", "literal-key", ">=1.0"] {
        assert_eq!(secrets.redact(plain), plain);
    }
    assert_eq!(loaded.project.plugins[0].env[0].1.as_ref().unwrap().reveal(), "value-of-key");
}
