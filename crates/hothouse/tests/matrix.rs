//! Every subset of eight processes away × every fallback × every kind of method, for dependents that are processes too,
//! through the control socket and as the plugins are told; held to the kernel's oracle.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;
#[path = "../../hothouse-kernel/tests/matrix/oracle.rs"]
mod oracle;

use common::{Folder, Up};
use hothouse_api::{CallRequest, Client, ClientError};
use serde_json::{Value, json};

use oracle::{CRITICAL, DEPENDENCIES, FEATURES, Fate, MODES, fate, subsets, told};

/// A dependency says of itself what it is told to say, a dependent has the methods that stand in its configuration. Both
/// print what they are told of their mode.
const PLUGIN: &str = r#"
import json, os, socket
channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
answers, healthy = channel.makefile("w"), True
def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), file=answers, flush=True)
for line in channel.makefile("r"):
    question = json.loads(line)
    verb, params, result = question["method"], question.get("params"), None
    if verb == "init":
        result = {"methods": params["config"], "verbs": ["health", "mode"]}
    elif verb == "health":
        result = healthy
    elif verb == "mode":
        print(json.dumps(params), flush=True)
    elif verb == "call" and params["method"] in ("sick", "well"):
        healthy = params["method"] == "well"
        send({"method": "host/health", "params": healthy})
    if "id" in question:
        send({"id": question["id"], "result": result})
"#;

fn names(of: u32) -> Vec<String> {
    (0..DEPENDENCIES).filter(|number| of & (1 << number) != 0).map(|number| format!("d{number}")).collect()
}

/// One method for each thing that a method can say of itself, and for each feature with and without being essential. All
/// that they can say together is asked of native plugins, which answer faster.
fn methods() -> Vec<(String, oracle::Method)> {
    let mut methods = oracle::methods();
    methods.retain(|(_, method)| {
        let said = [method.readonly, method.cacheable, method.essential];
        let most = if method.feature.is_none() { 1 } else { usize::from(method.essential) };
        said.into_iter().filter(|said| *said).count() <= most
    });
    methods
}

fn project() -> Value {
    let run = json!({ "process": ["python3", "plugin.py"] });
    let dependency = |name: String| {
        json!({ "name": name, "run": run, "config": ["sick", "well"], "lifecycle": {
            "health": { "interval": 3_600_000, "failureThreshold": 1 },
        }})
    };
    let method = |(name, method): (String, oracle::Method)| {
        json!({ "name": name, "readonly": method.readonly, "cacheable": method.cacheable,
            "essential": method.essential, "feature": method.feature })
    };
    let methods: Vec<Value> = methods().into_iter().map(method).collect();
    let features = FEATURES.map(|(feature, enabled)| json!({ "feature": feature, "enabled": enabled }));
    let dependent = |mode: &str| {
        json!({ "name": mode, "run": run, "config": methods, "lifecycle": { "degradation": {
            "fallbackMode": mode,
            "criticalDependencies": names(CRITICAL),
            "optionalDependencies": names(!CRITICAL),
            "degradedFeatures": features,
            "autoRecovery": { "maxAttempts": 0 },
        }}})
    };
    let plugins: Vec<Value> =
        names(u32::MAX).into_iter().map(dependency).chain(MODES.map(dependent)).collect();
    // With a base of nothing, what comes and goes is not waited out.
    json!({ "version": 1, "startup": { "parallel": true }, "host": { "restart": { "base": 0 } }, "plugins": plugins })
}

/// What becomes of a call, as its caller sees it.
async fn called(client: &Client, plugin: &str, method: &str) -> Fate {
    let request: CallRequest = serde_json::from_value(json!({ "plugin": plugin, "method": method })).unwrap();
    match client.call(&request).await {
        Ok(answer) if answer.stale.is_some() => Fate::FromCache,
        Ok(_) => Fate::Answered,
        Err(ClientError::Refused(problem)) if problem.code == "FEATURE_OFF" => Fate::FeatureOff,
        Err(ClientError::Refused(problem)) if problem.code == "REFUSED_BY_MODE" => Fate::Refused,
        Err(error) => panic!("{plugin} {method}: {error}"),
    }
}

/// The next thing that a dependent has printed.
fn heard(up: &mut Up) -> (String, Value) {
    loop {
        let event = up.wait_for("log", None);
        let (plugin, text) = (event["plugin"].as_str().unwrap(), event["text"].as_str().unwrap());
        if MODES.contains(&plugin) {
            return (plugin.to_owned(), serde_json::from_str(text).unwrap());
        }
    }
}

#[test]
fn callers_and_processes_see_every_subset_as_the_oracle_says() {
    let folder = Folder::new("matrix");
    folder.write("plugin.py", PLUGIN);
    folder.write("hothouse.json", &project().to_string());
    let socket = folder.0.join("s");
    let mut up = Up::start(&folder.0, &["--socket", socket.to_str().unwrap()], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    let client = Client::new(&socket);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let methods = methods();
    let mut before = 0;
    for away in subsets() {
        if away != before {
            let dependency = format!("d{}", (away ^ before).trailing_zeros());
            let says = if away > before { "sick" } else { "well" };
            assert_eq!(runtime.block_on(called(&client, &dependency, says)), Fate::Answered);
            // Every dependent is told of every change, and by then the router has changed over.
            let mut untold: Vec<&str> = MODES.into();
            while !untold.is_empty() {
                let (mode, params) = heard(&mut up);
                let missing: Vec<&str> = params["missing"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|missing| missing["plugin"].as_str().unwrap())
                    .collect();
                assert_eq!(missing, names(away), "{mode}");
                let at = untold.iter().position(|other| *other == mode).expect("nobody is told twice");
                assert_eq!(params["mode"], told(untold.swap_remove(at), away), "{away:08b}");
            }
            before = away;
        }
        for mode in MODES {
            for (name, method) in &methods {
                let seen = runtime.block_on(called(&client, mode, name));
                assert_eq!(seen, fate(mode, away, *method), "{mode} {away:08b} {method:?}");
            }
        }
    }
}
