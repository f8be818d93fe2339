//! What people complain of in other supervisors, as far as it takes real processes and a real clock to see that it does
//! not happen here; the rest is in `hothouse-host/tests/pains.rs`. The test's name is the complaint.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use common::{Folder, Up};

/// The first time that it is asked for its health it stops its host, answers at once, and lets the host go on when the
/// time for the answer is long over.
const STARVES_ITS_HOST: &str = r#"
import json, os, signal, socket, time
channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
answers, checks, host = channel.makefile("w"), 0, None
for line in channel.makefile("r"):
    question = json.loads(line)
    verb, result = question["method"], None
    if verb == "init":
        result = {"methods": ["checks"], "verbs": ["start", "destroy", "health"]}
    elif verb == "call":
        result = checks
    elif verb == "health":
        checks += 1
        result = {"healthy": True}
        host = int(open("host.pid").read()) if os.path.exists("host.pid") else None
        if host and not os.path.exists("starved"):
            os.kill(host, signal.SIGSTOP)
    print(json.dumps({"jsonrpc": "2.0", "id": question.get("id"), "result": result}), file=answers, flush=True)
    if verb == "health" and host and not os.path.exists("starved"):
        time.sleep(3)
        open("starved", "w").write("over")
        os.kill(host, signal.SIGCONT)
"#;

/// systemd's watchdog, Kubernetes on a full node: the supervisor did not get to run, so it kills what it supervises.
#[test]
fn watchdog_kills_under_host_starvation() {
    let yaml = "version: 1\nplugins:\n  - name: db\n    run: {process: [python3, db.py]}\n    lifecycle: \
                {health: {interval: 1000, timeout: 2000, failureThreshold: 1, autoRestart: true}}\n";
    let folder = Folder::with_project("pains-starvation", yaml);
    folder.write("db.py", STARVES_ITS_HOST);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("ready", Some("db"));
    // Written whole before it is read: the plugin finds all of it or nothing.
    folder.write("host.pid.new", &up.pid().to_string());
    fs::rename(folder.0.join("host.pid.new"), folder.0.join("host.pid")).unwrap();
    let checks = |up: &Up| -> u32 {
        let output = up.command(&["call", "db", "checks"]);
        output.stdout.trim().parse().unwrap_or_else(|_| panic!("{}", output.stderr))
    };
    while !folder.0.join("starved").exists() {
        std::thread::yield_now();
    }
    let before = checks(&up);
    while checks(&up) < before + 2 {
        std::thread::yield_now();
    }
    up.signal("-TERM");
    let (status, events, stderr) = up.end();
    assert!(status.success(), "{stderr}");
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert!(!kinds.contains(&"failed") && !kinds.contains(&"restartScheduled"), "{events:#?}");
}

/// Every pid file: the machine was started anew, the number belongs to somebody else now, and he is killed.
#[test]
fn pid_reuse() {
    let yaml =
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: db, run: {command: [sleep, '100000']}}\n";
    let folder = Folder::with_project("pains-reuse", yaml);
    let socket = folder.0.join("s");
    let host = || Up::start(&folder.0, &["--socket", socket.to_str().unwrap()], &[]);
    let mut up = host();
    up.wait_for("ready", Some("db"));
    // While the host runs its ledger stands; the stranger is put into it with a beginning that is not his own.
    let ledger = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
    let is_ledger = |path: &std::path::PathBuf| {
        fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.starts_with("life ")))
    };
    let ledger = { ledger }.find(is_ledger).expect("a host that runs has a ledger");
    let mut stranger = Command::new("sleep").arg("100000").process_group(0).spawn().unwrap();
    let text = fs::read_to_string(&ledger).unwrap();
    fs::write(&ledger, format!("{text}life {} 1 db/1\n", stranger.id())).unwrap();
    up.signal("-KILL");
    let _ = up.end();
    let mut next = host();
    next.wait_for("ready", Some("db"));
    assert!(stranger.try_wait().unwrap().is_none(), "a stranger was killed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    next.signal("-TERM");
    assert!(next.end().0.success());
}
