//! Events, explanations and the journal, of a real host and of one that has ended.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Folder, Up, hothouse, repository, run};
use serde_json::Value;

const CHAIN: &str = r#"
version: 1
host: {stateDir: state}
startup: {parallel: true, rollbackOnFailure: false}
plugins:
  - {name: db, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}}
  - {name: api, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}, dependencies: [db]}
  - {name: bad, run: {command: [sh, -c, 'echo "no disk for $DB_PASSWORD" >&2; exit 3'], ready: {exit: 0}}, env: {DB_PASSWORD: tulips-and-roses}}
  - {name: web, run: {command: [sleep, '1000']}, dependencies: [bad]}
  - {name: shop, run: {command: [sleep, '1000']}, dependencies: [web]}
"#;

/// A host of that project in a folder of its own, up as far as it comes.
fn up(name: &str) -> (Folder, PathBuf, Up) {
    let folder = Folder::with_project(name, CHAIN);
    let socket = folder.0.join("control.sock");
    let mut up = Up::start(&folder.0, &["--socket", socket.to_str().unwrap()], &[]);
    up.wait_for("startEnded", None);
    (folder, socket, up)
}

fn ask(folder: &Folder, args: &[&str]) -> common::Output {
    let socket = folder.0.join("control.sock");
    run(hothouse().args(args).env("HOTHOUSE_PROJECT", &folder.0).arg("--socket").arg(socket))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

/// Server-sent events, as they come.
struct Stream(BufReader<UnixStream>);

impl Stream {
    fn open(socket: &PathBuf, path: &str, header: &str) -> Stream {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n{header}\r\n").unwrap();
        let mut stream = Stream(BufReader::new(stream));
        assert!(stream.line().contains("200 OK"));
        while stream.line() != "\r\n" {}
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// The next event, with its `id:`; `None` at the end.
    fn next(&mut self) -> Option<(u64, Value)> {
        let mut id = None;
        loop {
            let line = self.line();
            if line.is_empty() {
                return None;
            }
            if let Some(number) = line.strip_prefix("id: ") {
                id = number.trim().parse().ok();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((id.unwrap(), serde_json::from_str(data).unwrap()));
            }
        }
    }
}

#[test]
fn events_are_told_from_any_number_on_and_go_on_live() {
    let (folder, socket, up) = up("events");
    let all = lines(&ask(&folder, &["events", "--json"]).stdout);
    assert_eq!(numbers(&all), (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(all[0]["by"], "operator");
    assert!(
        all.iter()
            .all(|event| event["cause"].as_u64().is_none_or(|cause| Some(cause) < event["seq"].as_u64()))
    );
    let last = all.len() as u64;

    let since = lines(&ask(&folder, &["events", "--json", "--since", "3"]).stdout);
    assert_eq!(since, all[3..]);
    let of_api = lines(&ask(&folder, &["events", "--json", "--plugin", "api"]).stdout);
    assert!(of_api.len() == 3 && of_api.iter().all(|event| event["plugin"] == "api"), "{of_api:?}");
    let text = ask(&folder, &["events"]).stdout;
    assert!(
        text.lines().count() == all.len()
            && text.contains("a start of everything was asked for by the operator")
    );
    let unknown = ask(&folder, &["events", "--plugin", "appi"]);
    assert!(
        unknown.status == Some(7) && unknown.stderr.contains("did you mean `api`?"),
        "{}",
        unknown.stderr
    );

    // Two who listen: one begins before the end of what there is, one says where it was.
    let mut follower = Stream::open(&socket, "/v1/events?since=2&follow=true", "");
    let resumed = format!("accept: text/event-stream\r\nlast-event-id: {last}\r\n");
    let mut resumed = Stream::open(&socket, "/v1/events", &resumed);
    for number in 3..=last {
        assert_eq!(follower.next().unwrap().0, number);
    }
    assert_eq!(ask(&folder, &["stop", "api"]).status, Some(0));
    for stream in [&mut follower, &mut resumed] {
        let (id, event) = stream.next().unwrap();
        assert_eq!(
            (id, event["type"].as_str(), event["targets"][0].as_str()),
            (last + 1, Some("stopRequested"), Some("api"))
        );
    }

    // The end of the host is the end of every stream, with everything that was told before.
    let mut cli = hothouse();
    cli.args(["events", "-f", "--json", "--since", "5"])
        .env("HOTHOUSE_PROJECT", &folder.0)
        .arg("--socket")
        .arg(&socket);
    let mut cli = cli.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut told = BufReader::new(cli.stdout.take().unwrap());
    told.read_line(&mut first).unwrap();
    assert_eq!(numbers(&lines(&first)), [6]);
    assert_eq!(ask(&folder, &["down"]).status, Some(0));
    assert!(cli.wait().unwrap().success());
    let rest: Vec<Value> = told.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(rest.iter().any(|event| event["type"] == "stopped" && event["plugin"] == "db"), "{rest:?}");
    let mut end = 0;
    while let Some((id, _)) = follower.next() {
        end = id;
    }
    drop(up.end());

    // And then the files tell the same, and it is said that it is they.
    let past = ask(&folder, &["events", "--json"]);
    assert!(past.status == Some(0) && past.stderr.starts_with("no host is running; "), "{}", past.stderr);
    let past = lines(&past.stdout);
    assert!(numbers(&past).ends_with(&[end]) && past.len() as u64 == end);
    let of_db = ask(&folder, &["events", "--plugin", "db", "--since", "3"]);
    assert!(of_db.stdout.lines().count() > 1 && of_db.stdout.lines().all(|line| line.contains(" db ")));
    let later = ask(&folder, &["events", "--since", &end.to_string()]);
    assert_eq!((later.status, later.stdout.as_str()), (Some(0), ""));
    assert!(later.stderr.contains("no such event is written down"), "{}", later.stderr);
    let nobody = ask(&folder, &["events", "-f"]);
    assert_eq!((nobody.status, nobody.stdout.as_str()), (Some(5), ""));
    assert!(
        nobody.stderr.contains("no host is running") && nobody.stderr.contains("`hothouse events "),
        "{}",
        nobody.stderr
    );
}

#[test]
fn whoever_follows_is_told_the_very_last_event_of_a_host() {
    let (folder, socket, up) = up("last-event");
    // Now an end has nothing to wait for, and everything comes at once.
    assert_eq!(ask(&folder, &["stop"]).status, Some(0));
    let last = numbers(&lines(&ask(&folder, &["events", "--json"]).stdout)).pop().unwrap();
    let mut followers: Vec<Stream> = (0..32)
        .map(|_| Stream::open(&socket, &format!("/v1/events?since={}&follow=true", last - 1), ""))
        .collect();
    for follower in &mut followers {
        assert_eq!(follower.next().unwrap().0, last);
    }
    assert_eq!(ask(&folder, &["down"]).status, Some(0));
    let ends = followers.iter_mut().map(|follower| {
        let ids = std::iter::from_fn(|| follower.next()).map(|(id, _)| id);
        ids.last()
    });
    let ends: Vec<Option<u64>> = ends.collect();
    drop(up.end());
    let written = numbers(&lines(&ask(&folder, &["events", "--json"]).stdout)).pop();
    assert!(written > Some(last) && ends.iter().all(|end| *end == written), "{written:?}: {ends:?}");
}

#[test]
fn why_tells_the_root_first_with_and_without_a_host_and_no_secret() {
    let (folder, _, up) = up("why");
    let shop = ask(&folder, &["why", "shop"]);
    assert_eq!(shop.status, Some(0), "{}", shop.stderr);
    let first = shop.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("`bad` failed at start: exited with code 3") && first.contains("hothouse.yaml:8:"),
        "{first}"
    );
    assert!(shop.stdout.contains("\nnext: `hothouse logs bad"), "{}", shop.stdout);
    let api = ask(&folder, &["why", "api"]).stdout;
    assert!(api.starts_with("`api` is ready since ") && api.contains("after `db` became ready"), "{api}");
    assert_eq!(ask(&folder, &["stop", "db"]).status, Some(0));
    let json = ask(&folder, &["why", "api", "--json"]).json();
    assert_eq!((&json["root"]["type"], &json["phase"]), (&"stopRequested".into(), &"stopped".into()));
    assert!(json["next"].as_str().unwrap().contains("hothouse start api"), "{json}");
    let unknown = ask(&folder, &["why", "appi"]);
    assert!(
        unknown.status == Some(7) && unknown.stderr.contains("did you mean `api`?"),
        "{}",
        unknown.stderr
    );

    up.signal("-INT");
    drop(up.end());
    let after = ask(&folder, &["why", "shop"]);
    assert!(
        after.stdout.starts_with(first) && after.stdout.contains("no host is running"),
        "{}{}",
        after.stdout,
        after.stderr
    );
    let state = folder.0.join("state");
    let journal = std::fs::read_to_string(state.join("journal/000001.jsonl")).unwrap();
    let events = std::fs::read_to_string(state.join("events.jsonl")).unwrap();
    for text in [&journal, &events, &shop.stdout, &after.stdout] {
        assert!(text.contains("no disk for ***") && !text.contains("tulips"), "{text}");
    }
}

#[test]
fn numbers_go_on_in_the_next_run_and_older_events_come_from_the_files() {
    let (folder, _, first) = up("runs");
    first.signal("-INT");
    drop(first.end());
    let last = *numbers(&lines(&ask(&folder, &["events", "--json"]).stdout)).last().unwrap();
    // A host that was killed leaves half a line.
    let file = folder.0.join("state/events.jsonl");
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"seq\":99").unwrap();

    let socket = folder.0.join("control.sock");
    let mut second = Up::start(&folder.0, &["--socket", socket.to_str().unwrap()], &[]);
    assert_eq!(second.wait_for("startBegan", None)["seq"], last + 1);
    second.wait_for("startEnded", None);
    let all = lines(&ask(&folder, &["events", "--json"]).stdout);
    assert_eq!(numbers(&all), (1..=all.len() as u64).collect::<Vec<_>>());
    let mut stream =
        Stream::open(&socket, "/v1/events?since=0&follow=false", "accept: text/event-stream\r\n");
    for number in 1..=all.len() as u64 {
        assert_eq!(stream.next().unwrap().0, number);
    }
    assert!(stream.next().is_none());
    drop(stream);
    assert_eq!(ask(&folder, &["down"]).status, Some(0));
    drop(second.end());
    assert!(folder.0.join("state/journal/000002.jsonl").exists());
}

#[test]
fn a_host_that_cannot_write_says_so_once_and_runs() {
    let folder = Folder::with_project("unwritable", CHAIN);
    folder.write("state", "a file, and no folder");
    let mut up = Up::start(&folder.0, &[], &[]);
    let warning = up.wait_for("warning", None);
    assert!(warning["message"].as_str().unwrap().contains("are not written down"), "{warning}");
    up.wait_for("startEnded", None);
    assert_eq!(up.command(&["why", "shop"]).status, Some(0));
    assert_eq!(up.command(&["down"]).status, Some(0));
    let (_, events, _) = up.end();
    assert_eq!(events.iter().filter(|event| event["type"] == "warning").count(), 1);
}

#[test]
fn the_journal_of_a_run_is_stepped_through_the_kernel() {
    let (folder, _, up) = up("journal");
    assert_eq!(ask(&folder, &["restart", "db"]).status, Some(0));
    assert_eq!(ask(&folder, &["down"]).status, Some(0));
    drop(up.end());
    let journal = folder.0.join("state/journal/000001.jsonl");
    let replay = || {
        let mut sim = Command::new(env!("CARGO"));
        sim.current_dir(repository()).args([
            "run",
            "--quiet",
            "-p",
            "xtask",
            "--",
            "sim",
            "--trace",
            "--journal",
        ]);
        run(sim.arg(&journal))
    };
    let same = replay();
    assert_eq!(same.status, Some(0), "{}{}", same.stdout, same.stderr);
    assert!(
        same.stdout.contains("each as the host noted") && same.stdout.contains("RestartRequested"),
        "{}",
        same.stdout
    );
    let other =
        std::fs::read_to_string(&journal).unwrap().replacen("\"by\":\"Operator\"", "\"by\":\"Signal\"", 1);
    std::fs::write(&journal, other).unwrap();
    let other = replay();
    assert!(
        other.status == Some(1) && other.stdout.contains("the host noted"),
        "{}{}",
        other.stdout,
        other.stderr
    );
}
