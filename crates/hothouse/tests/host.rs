//! The command as a user runs it: up, ps, call, stop, start, restart, down, signals, failures.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use common::{Folder, Up, free_port, hothouse, plugins, repository, run};
use hothouse_protocol::{SchemaName, json};

const PAIR: &str = r"
version: 1
startup: {parallel: true}
plugins:
  - {name: db, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}}
  - {name: api, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}, dependencies: [db]}
  - {name: web, run: {command: [sleep, '1000']}, dependencies: [api]}
  - {name: mail, run: {command: [sleep, '1000']}}
";

#[test]
fn the_shop_runs_answers_and_stops_in_exact_reverse() {
    let port = free_port().to_string();
    let folder = Folder::new("shop");
    let report = folder.0.join("report.json");
    let data = folder.0.join("data");
    let env = [("SHOP_PORT", port.as_str()), ("SHOP_DATA", data.to_str().unwrap())];
    let args = ["--report", report.to_str().unwrap()];
    let mut up = Up::start(&repository().join("examples/shop"), &args, &env);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);

    let ps = up.command(&["ps", "--json"]).json();
    let phases: Vec<_> =
        ps["plugins"].as_array().unwrap().iter().map(|plugin| plugin["phase"].clone()).collect();
    assert_eq!(phases, ["ready"; 8]);
    let order = up.command(&["call", "orders", "place", r#"{"article": "tulip", "count": 3}"#]);
    assert_eq!(order.status, Some(0), "{}{}", order.stdout, order.stderr);
    assert_eq!(up.command(&["health", "inventory"]).status, Some(0));

    up.signal("-INT");
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    let mut ready = plugins(&events, "ready");
    ready.reverse();
    assert_eq!(plugins(&events, "stopBegan"), ready);

    let result = json::parse(&std::fs::read_to_string(&report).unwrap()).unwrap();
    SchemaName::StartupOrchestrationResult.validate(&result).unwrap();
    let timeline = std::fs::read_to_string(report.with_extension("timeline.json")).unwrap();
    assert!(timeline.contains("criticalPath"));
}

#[test]
fn one_plugin_is_stopped_started_and_restarted_with_what_depends_on_it() {
    let folder = Folder::with_project("pair", PAIR);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    let phase = |up: &Up, name: &str| {
        let ps = up.command(&["ps", "--json"]).json();
        let plugins = ps["plugins"].as_array().unwrap().clone();
        plugins.iter().find(|plugin| plugin["name"] == name).unwrap()["phase"].as_str().unwrap().to_owned()
    };

    let stop = up.command(&["stop", "db"]);
    assert_eq!((stop.status, stop.stdout.as_str()), (Some(0), "stopped: db, api, web\n"), "{}", stop.stderr);
    assert_eq!(
        ["db", "api", "web", "mail"].map(|name| phase(&up, name)),
        ["stopped", "stopped", "stopped", "ready"]
    );

    let start = up.command(&["start", "api", "--json"]);
    assert_eq!(start.json()["result"]["allSuccessful"], true);
    assert_eq!(["db", "api", "web"].map(|name| phase(&up, name)), ["ready", "ready", "stopped"]);

    let restart = up.command(&["restart", "db"]);
    assert!(
        restart.stdout.starts_with("ready in ") && restart.stdout.ends_with(": db, api\n"),
        "{}",
        restart.stdout
    );
    let again = up.command(&["start", "db"]);
    assert_eq!((again.status, again.stdout.as_str()), (Some(0), "nothing to do: it runs already\n"));

    let unknown = up.command(&["stop", "dbb"]);
    assert_eq!(unknown.status, Some(7));
    assert!(
        unknown.stderr.contains("there is no plugin named `dbb`; did you mean `db`?"),
        "{}",
        unknown.stderr
    );
    let call = up.command(&["call", "db", "get"]);
    assert_eq!(call.status, Some(8));
    assert!(
        call.stderr.starts_with("error: call of `get` on `db`: NOT_CALLABLE: `db` is a command plugin"),
        "{}",
        call.stderr
    );

    let down = up.command(&["down"]);
    assert_eq!(down.status, Some(0), "{}", down.stderr);
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    let stopped = plugins(&events, "stopped");
    assert_eq!(stopped[..3], ["web", "api", "db"]);
}

#[test]
fn a_failure_undoes_the_start_and_says_why_in_the_first_line() {
    let text = PAIR.to_owned()
        + "  - {name: bad, run: {command: [sh, -c, 'echo no disk >&2; exit 3'], ready: {exit: 0}}, dependencies: [web]}\n";
    let folder = Folder::with_project("bad", &text);
    let output = run(hothouse().arg("up").arg(&folder.0));
    assert_eq!(output.status, Some(4), "{}", output.stderr);
    let lines: Vec<&str> = output.stderr.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("error: ")).unwrap();
    assert!(
        lines[first].starts_with("error: `bad` failed at start: exited with code 3"),
        "{}",
        output.stderr
    );
    assert!(
        lines[first].contains("no disk") && lines[first].contains("hothouse.yaml:9:"),
        "{}",
        lines[first]
    );
    assert!(lines[first + 1].starts_with("  unwound, in this order: "), "{}", output.stderr);
    assert!(lines.iter().any(|line| line.starts_with("  next: ")), "{}", output.stderr);
}

#[test]
fn the_failing_example_fails_as_it_says() {
    let output = run(hothouse().arg("up").arg(repository().join("examples/failing")));
    assert_eq!(output.status, Some(4), "{}", output.stderr);
    let error = output.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.starts_with("error: `payments` failed at "), "{error}");
    assert!(output.stderr.contains("\n  unwound, in this order: "), "{}", output.stderr);
}

#[test]
fn a_program_that_is_not_there_is_found_before_anything_starts() {
    let text = PAIR.replace("[sleep, '1000']}}\n", "[/no/such/program]}}\n");
    let folder = Folder::with_project("missing", &text);
    let output = run(hothouse().arg("up").arg(&folder.0));
    assert_eq!(output.status, Some(3), "{}", output.stderr);
    assert!(output.stderr.contains("/no/such/program"), "{}", output.stderr);
}

#[test]
fn without_rollback_the_rest_stays_up() {
    let text = PAIR
        .replace("parallel: true", "parallel: true, rollbackOnFailure: false")
        .replace("echo up >&3; exec sleep 1000'], ready: {fd: 3}}}\n", "exit 1'], ready: {fd: 3}}}\n");
    let folder = Folder::with_project("rest", &text);
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], false);
    let failed = up.wait_for("startFailed", None);
    let results = failed["outcome"]["result"]["results"].as_array().unwrap();
    let code = |name: &str| {
        let result = results.iter().find(|result| result["plugin"]["name"] == name).unwrap();
        result["error"]["code"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(
        ["db", "api", "web", "mail"].map(code),
        ["EXITED", "DEPENDENCY_FAILED", "DEPENDENCY_FAILED", "ok"]
    );
    assert_eq!(up.command(&["down"]).status, Some(0));
    assert_eq!(up.end().0.code(), Some(4), "a host that came up incomplete says so at its end");
}

#[test]
fn a_stop_during_the_start_ends_stopped_and_says_so() {
    let text = PAIR.replace(
        "{command: [sleep, '1000']}, dependencies: [api]",
        "{command: [sleep, '1000'], ready: notify}, dependencies: [api]",
    );
    let folder = Folder::with_project("stop", &text);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("launched", Some("web"));
    up.signal("-TERM");
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(10), "{stderr}");
    let stopped = plugins(&events, "stopped");
    assert_eq!(stopped.len(), 4);
    assert!(events.iter().any(|event| event["type"] == "startFailed"));
}

#[test]
fn a_stop_of_one_plugin_during_the_start_leaves_the_host_and_the_others_up() {
    let text = PAIR.replace(
        "{command: [sleep, '1000']}, dependencies: [api]",
        "{command: [sleep, '1000'], ready: notify}, dependencies: [api]",
    );
    let folder = Folder::with_project("stop-one", &text);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("launched", Some("web"));
    let stop = up.command(&["stop", "web"]);
    assert_eq!((stop.status, stop.stdout.as_str()), (Some(0), "stopped: web\n"), "{}", stop.stderr);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], false);
    let ps = up.command(&["ps", "--json"]).json();
    let phases: Vec<_> =
        ps["plugins"].as_array().unwrap().iter().map(|plugin| plugin["phase"].clone()).collect();
    assert_eq!(phases, ["ready", "ready", "stopped", "ready"]);
    up.signal("-INT");
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(4), "the start was incomplete: {stderr}");
    assert_eq!(plugins(&events, "stopped").len(), 4);
}

#[test]
fn a_host_that_goes_down_starts_nothing_any_more() {
    let deaf = "  - {name: deaf, run: {command: [sh, -c, 'trap \"\" TERM; echo up >&3; while :; do sleep 1000; done'], ready: {fd: 3}}}\n";
    let text = PAIR.replace("plugins:\n", &format!("host: {{stopTimeout: 2000}}\nplugins:\n{deaf}"));
    let folder = Folder::with_project("down", &text);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    up.signal("-INT");
    up.wait_for("stopBegan", None);
    let start = up.command(&["start"]);
    assert_eq!(start.status, Some(7), "{}{}", start.stdout, start.stderr);
    assert!(start.stderr.contains("the host is going down"), "{}", start.stderr);
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(events.iter().all(|event| event["type"] != "launched" || event["incarnation"] == 1));
    assert!(plugins(&events, "stopEscalated").contains(&"deaf".to_owned()));
}

const FLOOD: &str = r#"
import json
def read():
    return json.loads(channel.readline())
def answer(question, result):
    channel.write(json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": result}) + "\n")
    channel.flush()
import socket
sock = socket.socket(fileno=3)
channel = sock.makefile("rw")
answer(read(), {"methods": []})
answer(read(), None)
while True:
    sock.sendall(b"\n" * 60000)
"#;

#[test]
fn a_plugin_that_never_stops_talking_holds_up_nobody() {
    let folder = Folder::with_project(
        "flood",
        "version: 1\nhost: {stopTimeout: 300}\nplugins:\n  - {name: quiet, run: {command: [sleep, '1000']}}\n  - {name: loud, run: {process: [/usr/bin/python3, flood.py]}}\n  - {name: yes, run: {shell: \"yes ''\"}}\n",
    );
    folder.write("flood.py", FLOOD);
    let mut up = Up::start(&folder.0, &["--no-logs"], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true);
    assert_eq!(up.command(&["restart", "quiet"]).status, Some(0));
    let down = up.command(&["down"]);
    assert_eq!(down.status, Some(0), "{}", down.stderr);
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(plugins(&events, "stopped").len(), 4);
}

#[test]
fn output_that_nobody_reads_does_not_hold_up_the_host() {
    let folder = Folder::with_project(
        "unread",
        "version: 1\nplugins:\n  - {name: chatty, run: {shell: 'yes something to say'}}\n",
    );
    let mut host = hothouse();
    let mut host =
        host.arg("up").arg(&folder.0).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let command = |word: &str| run(hothouse().arg(word).arg(&folder.0));
    // It is up when it answers; until then there is nobody to ask.
    while command("ps").status == Some(5) {
        assert!(host.try_wait().unwrap().is_none(), "it ended by itself");
    }
    assert_eq!(command("down").status, Some(0));
    // Read only now that it is asked to end: whatever fits into the pipe has been waiting there.
    let status = host.wait().unwrap();
    assert_eq!(status.code().filter(|code| [0, 10].contains(code)), status.code(), "{status}");
    drop(host.stderr.take());
}

#[test]
fn errors_that_nobody_can_read_are_no_reason_to_panic() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = hothouse().args(["check", "/no/such/project"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_port_that_is_taken_is_not_taken_for_readiness() {
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let text = format!(
        "version: 1\nplugins:\n  - {{name: web, run: {{command: [sleep, '1000'], ready: {{tcp: {port}}}}}}}\n"
    );
    let folder = Folder::with_project("taken", &text);
    let output = run(hothouse().arg("up").arg(&folder.0));
    assert_eq!(output.status, Some(4), "{}", output.stderr);
    let error = output.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    let said = format!("`web` failed at spawn: 127.0.0.1:{port} accepts connections already");
    assert!(error.contains(&said), "{error}");
    drop(stranger);
}

#[test]
fn a_second_host_for_the_same_project_is_refused() {
    let folder = Folder::with_project("second", PAIR);
    let socket = folder.0.join("control.sock");
    let mut up = Up::start(&folder.0, &["--socket", socket.to_str().unwrap()], &[]);
    up.wait_for("startEnded", None);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let second = run(hothouse().arg("up").arg(&folder.0).arg("--socket").arg(&socket));
    assert_eq!(second.status, Some(6), "{}", second.stderr);
    assert!(second.stderr.contains("a host is running for this project already"), "{}", second.stderr);
    let down = run(hothouse().arg("down").arg(&folder.0).arg("--socket").arg(&socket));
    assert_eq!(down.status, Some(0), "{}", down.stderr);
    assert_eq!(up.end().0.code(), Some(0));
    assert!(!socket.exists());
    let nobody = run(hothouse().arg("ps").arg(&folder.0).arg("--socket").arg(&socket));
    assert_eq!(nobody.status, Some(5));
    assert!(nobody.stderr.contains("no host is running for this project"), "{}", nobody.stderr);
    let advised = format!("`hothouse up -p {} --socket {}` starts one", folder.0.display(), socket.display());
    assert!(nobody.stderr.contains(&advised), "{}", nobody.stderr);
}
