//! What plugins log: kept whole, bounded, without secrets, and readable with a host and without one.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use common::{Folder, Up, hothouse, repository, run};
use serde_json::Value;

fn fixture(name: &str) -> String {
    repository().join("fixtures/plugins").join(name).display().to_string()
}

/// A command about the project in this folder, whether a host runs or not.
fn logs(folder: &Folder, args: &[&str]) -> common::Output {
    run(hothouse().arg("logs").args(args).arg("-p").arg(&folder.0))
}

fn entries(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["text"].as_str().unwrap()).collect()
}

/// The most memory that the process ever had, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Everything in the files of a folder of logs.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_flood_is_whole_on_the_disk_and_bounded_in_memory() {
    const LINES: usize = 200_000;
    let text = format!(
        "version: 1\nstartup: {{timeout: 110000}}\nhost: {{stateDir: state, logs: {{maxSize: 1048576, keep: 1000}}}}\nplugins:\n  \
         - {{name: quiet, run: {{command: [sleep, '1000']}}}}\n  \
         - {{name: '@acme/flood', run: {{command: ['{}', '{LINES}'], ready: {{exit: 0}}}}}}\n",
        fixture("flood.py")
    );
    let folder = Folder::with_project("flood-whole", &text);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    let peak = peak_memory(up.pid());
    assert_eq!(up.command(&["down"]).status, Some(0));
    let (status, events, stderr) = up.end();
    assert_eq!(status.code(), Some(0), "{stderr}");

    // Whoever watched missed some of it, or saw all; either way each line was seen or counted.
    let of_type = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    let lost: u64 = of_type("lost").map(|event| event["count"].as_u64().unwrap()).sum();
    assert_eq!(of_type("log").count() as u64 + lost, LINES as u64);

    let kept = files(&folder.0.join("state/logs"));
    assert!(kept.len() > 10, "{} files", kept.len());
    assert!(kept.iter().all(|(_, text)| text.len() <= 1_048_576 && text.ends_with(b"\n")));
    let read = logs(&folder, &["@acme/flood", "--json"]);
    assert_eq!(read.status, Some(0), "{}", read.stderr);
    let mut number = 0;
    for line in read.stdout.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let text = entry["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("line {number} ")), "{number}: {text}");
        number += 1;
    }
    assert_eq!(number, LINES);
    let total: usize = kept.iter().map(|(_, text)| text.len()).sum();
    assert!(peak < 64 * 1024, "{peak} KiB of memory for {total} bytes of log");
}

/// Lines as no plugin should write them.
const ODD: &str = r#"
import os
os.write(1, b"one\r\n\n" + b"a\0b\xff\x1b[31m\n" + b"x" * 150000 + "\u00e4".encode() * 40000 + b"\n")
os.write(2, b"no end")
"#;

#[test]
fn odd_lines_are_kept_as_they_were() {
    let folder = Folder::with_project(
        "odd-lines",
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: odd, run: {command: [/usr/bin/python3, odd.py], ready: {exit: 0}}}\n",
    );
    folder.write("odd.py", ODD);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    assert_eq!(up.command(&["down"]).status, Some(0));
    up.end();

    let read = entries(&logs(&folder, &["--json"]).stdout);
    let (stdout, stderr): (Vec<Value>, Vec<Value>) =
        read.into_iter().partition(|entry| entry["stream"] == "stdout");
    assert_eq!(texts(&stderr), ["no end"]);
    assert_eq!(texts(&stdout[..3]), ["one", "", "a\0b\u{fffd}\u{1b}[31m"]);
    let pieces = &stdout[3..];
    assert!(pieces.len() > 3, "{}", pieces.len());
    for (number, piece) in pieces.iter().enumerate() {
        assert_eq!(piece["continues"] == true, number + 1 < pieces.len());
        assert!(piece["text"].as_str().unwrap().len() <= 64 * 1024);
    }
    assert_eq!(texts(pieces).concat(), "x".repeat(150_000) + &"\u{e4}".repeat(40_000));

    let [(_, kept)] = &files(&folder.0.join("state/logs"))[..] else { panic!("one file") };
    let kept = std::str::from_utf8(kept).unwrap();
    assert!(kept.contains("odd 1 stdout info | a\\x00b\\xff\\x1b[31m\n"), "the file is safe to print");
    assert!(kept.contains("odd 1 stdout info + xxx"), "a piece is marked");
    let shown = logs(&folder, &["-n", "99"]).stdout;
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

#[test]
fn no_secret_is_kept_wherever_a_line_is_cut() {
    let secret = "correct-horse-battery";
    // A line is cut after 64 KiB: the secret lies before, across, and after that place.
    let script = format!(
        "for n in 65500 65515 65525 65535 65536 131060; do head -c $n /dev/zero | tr '\\0' x; \
         echo {secret} tail; done; printf '\\377{secret}\\376\\n' >&2"
    );
    let folder = Folder::with_project(
        "secret-cut",
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: teller, run: {command: [sh, tell.sh], ready: {exit: 0}}, env: {PASSWORD: correct-horse-battery}}\n",
    );
    folder.write("tell.sh", &script);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    let asked = up.command(&["logs", "--json"]);
    assert_eq!(up.command(&["down"]).status, Some(0));
    let (_, events, _) = up.end();
    let read = logs(&folder, &["--json"]);
    assert_eq!(read.stdout, asked.stdout, "the same with the host and without it");
    let pieces = entries(&read.stdout);
    let stdout: String = pieces
        .iter()
        .filter(|entry| entry["stream"] == "stdout")
        .map(|e| e["text"].as_str().unwrap())
        .collect();
    assert_eq!(stdout.matches("***").count(), 6);
    assert_eq!(stdout.matches(" tail").count(), 6);
    // No part of it that was cut off stands alone either.
    let shown: String = events.iter().map(Value::to_string).collect();
    let kept = files(&folder.0.join("state/logs")).into_iter();
    let kept: Vec<String> = kept.map(|(_, text)| String::from_utf8(text).unwrap()).collect();
    for text in [&stdout, &shown, &kept.concat(), &read.stdout] {
        for part in [secret, "corre", "horse", "ttery"] {
            assert!(!text.contains(part), "{part}");
        }
    }
}

#[test]
fn a_running_host_is_followed_until_its_end() {
    let folder = Folder::with_project(
        "follow",
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: counter, run: {shell: 'for n in 1 2 3; do echo $n; done; read go < go; for n in 4 5 6; do echo $n; done; exec sleep 1000'}}\n  - {name: other, run: {shell: 'echo other >&2; exec sleep 1000'}}\n",
    );
    let go = folder.0.join("go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let mut up = Up::start(&folder.0, &[], &[]);
    while up.wait_for("log", Some("counter"))["text"] != "3" {}
    let mut follower = hothouse()
        .args(["logs", "-f", "-n", "2", "--json", "--plugin", "counter", "-p"])
        .arg(&folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || {
        let entry: Value = serde_json::from_str(&lines.next()?.unwrap()).unwrap();
        Some(entry["text"].as_str().unwrap().to_owned())
    };
    assert_eq!([next().unwrap(), next().unwrap()], ["2", "3"]);
    fs::write(&go, "now\n").unwrap();
    assert_eq!([next().unwrap(), next().unwrap(), next().unwrap()], ["4", "5", "6"]);

    let unknown = logs(&folder, &["countr"]);
    assert_eq!(unknown.status, Some(7), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("did you mean `counter`?"), "{}", unknown.stderr);
    assert_eq!(logs(&folder, &["--since", "soon"]).status, Some(2));
    assert_eq!(logs(&folder, &["--since", "1h"]).stdout.lines().count(), 7);
    assert_eq!(logs(&folder, &["--since", "9999-01-01"]).stdout, "");
    assert_eq!(logs(&folder, &["--level", "warn"]).stdout, "");
    let shown = logs(&folder, &["other", "-n", "1"]).stdout;
    assert!(shown.ends_with("Z other ! other\n"), "{shown}");

    assert_eq!(up.command(&["down"]).status, Some(0));
    assert_eq!(next(), None, "the end of the host is the end of the log");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    up.end();
    let gone = logs(&folder, &["-f", "-n", "1", "counter"]);
    assert_eq!(gone.status, Some(5), "there is nobody to follow");
    assert!(gone.stdout.ends_with("| 6\n") && gone.stderr.contains("no host is running"), "{}", gone.stderr);
    assert_eq!(logs(&folder, &["countr"]).status, Some(7));
}

#[test]
fn a_host_that_was_killed_leaves_its_logs() {
    let folder = Folder::with_project(
        "killed",
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: chatty, run: {shell: 'echo before; read go; exec sleep 1000'}}\n",
    );
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("log", Some("chatty"));
    up.signal("-KILL");
    up.end();
    let read = logs(&folder, &[]);
    assert!(
        read.status == Some(0) && read.stdout.ends_with("chatty | before\n"),
        "{}{}",
        read.stdout,
        read.stderr
    );
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("log", Some("chatty"));
    assert_eq!(logs(&folder, &[]).stdout.lines().count(), 2, "the next host goes on in the same log");
    assert_eq!(up.command(&["down"]).status, Some(0));
    up.end();
}

#[test]
fn a_failure_is_told_with_the_last_lines_of_the_log() {
    let folder = Folder::with_project(
        "last-lines",
        "version: 1\nhost: {stateDir: state}\nplugins:\n  - {name: bad, run: {shell: 'for n in 1 2 3 4 5 6 7 8 9; do echo step $n; done; echo no disk >&2; exit 3', ready: {exit: 0}}}\n",
    );
    let output = run(hothouse().arg("up").arg(&folder.0).arg("--no-logs"));
    assert_eq!(output.status, Some(4), "{}", output.stderr);
    let (_, told) = output.stderr.split_once("  the last lines of `bad`:\n").unwrap();
    let told: Vec<&str> = told.lines().take_while(|line| line.starts_with("    ")).collect();
    assert_eq!(told.len(), 8, "{}", output.stderr);
    assert!(told.contains(&"    ! no disk") && told.contains(&"    | step 9"), "{told:?}");
    let json = run(hothouse().arg("up").arg(&folder.0).arg("--json"));
    let failed = entries(&json.stdout).into_iter().find(|event| event["type"] == "startFailed").unwrap();
    assert_eq!(failed["outcome"]["rootCause"]["lastLines"].as_array().unwrap().len(), 8);
}
