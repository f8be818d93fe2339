//! `host.onHostDeath: keep` with the real command: a program outlives a host that is killed, and the next one has it.
//!
//! What lives is read from `/proc`, never asked of the host.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::{Folder, PATIENCE, Up, hothouse, run};

/// Says that it is ready, and makes processes all the time; then, when told to, writes far more than a pipe holds, and says so in a file.
const WEB: &str = "echo ready; while [ ! -e flood ]; do sleep 0.02; done; \
                   i=0; while [ $i -lt 20000 ]; do echo \"line $i\"; i=$((i+1)); done; echo over > flooded; \
                   exec sleep 100000";

struct Project(Folder);

impl Project {
    /// A project with these plugins, each a line of YAML.
    fn new(name: &str, plugins: &[&str]) -> Project {
        let folder = Folder::new(&format!("kept-{name}"));
        folder.write("web.sh", WEB);
        let project = Project(folder);
        project.describe("keep", plugins);
        project
    }

    fn describe(&self, on_host_death: &str, plugins: &[&str]) {
        let host = format!("host: {{onHostDeath: {on_host_death}, stopTimeout: 2000, stateDir: state}}");
        let plugins: String = plugins.iter().map(|plugin| format!("  - {plugin}\n")).collect();
        self.0.write(
            "hothouse.yaml",
            &format!("version: 1\nstartup: {{parallel: true}}\n{host}\nplugins:\n{plugins}"),
        );
    }

    fn folder(&self) -> &Path {
        &self.0.0
    }

    fn host(&self, args: &[&str]) -> Up {
        let mut command = hothouse();
        command
            .arg("up")
            .arg(self.folder())
            .arg("--json")
            .arg("--socket")
            .arg(self.folder().join("s"))
            .args(args);
        Up::of(command, self.folder())
    }

    fn up(&self) -> Up {
        let mut up = self.host(&[]);
        let ended = up.wait_for("startEnded", None);
        assert_eq!(ended["allSuccessful"], true, "{:#?}", up.seen);
        up
    }

    /// The number of a plugin's process, as the host has it.
    fn pid(&self, plugin: &str) -> u32 {
        let output = run(hothouse()
            .args(["ps", "--json", "--socket"])
            .arg(self.folder().join("s"))
            .arg(self.folder()));
        let ps = output.json();
        let plugins = ps["plugins"].as_array().unwrap();
        let found = plugins.iter().find(|one| one["name"] == plugin).unwrap_or_else(|| panic!("{ps:#}"));
        u32::try_from(found["pid"].as_u64().unwrap()).unwrap()
    }

    /// Stops everything, and says what the host had printed beside its events.
    fn down(&self, up: Up) -> String {
        let output =
            run(hothouse().arg("down").arg("--socket").arg(self.folder().join("s")).arg(self.folder()));
        assert_eq!(output.status, Some(0), "{}{}", output.stdout, output.stderr);
        let (status, _, stderr) = up.end();
        assert!(status.success(), "{stderr}");
        until("something is left", || self.processes().is_empty());
        let sockets = fs::read_dir(self.folder()).unwrap().flatten();
        let sockets = sockets.filter(|entry| entry.file_name().to_str().unwrap().starts_with("s.lives."));
        assert_eq!(sockets.count(), 0);
        stderr
    }

    /// Every process that works in the project's folder: its programs.
    fn processes(&self) -> Vec<u32> {
        let folder = fs::metadata(self.folder()).unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_here = |pid: &u32| {
            let cwd = fs::metadata(format!("/proc/{pid}/cwd"));
            cwd.is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == (folder.dev(), folder.ino()))
        };
        pids.filter(is_here).collect()
    }
}

impl Drop for Project {
    /// A test that failed leaves nothing that waits for a host.
    fn drop(&mut self) {
        let pids: Vec<String> = self.processes().iter().map(ToString::to_string).collect();
        if !pids.is_empty() {
            let _ = Command::new("/bin/kill").arg("-KILL").args(pids).status();
        }
    }
}

fn kill(pids: &[u32]) {
    signal("-KILL", pids);
}

fn signal(signal: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    assert!(Command::new("/bin/kill").arg(signal).args(pids).status().unwrap().success());
}

/// Kills the host, and waits until it is gone.
fn kill_host(up: Up) {
    kill(&[up.pid()]);
    let (status, ..) = up.end();
    assert!(!status.success());
}

fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

const KEPT: &str = "{name: web, run: {command: [sh, web.sh], ready: {log: ^ready$}}}";

#[test]
fn a_program_outlives_its_host_twice_and_ends_with_the_third() {
    let project = Project::new("adopted", &[KEPT]);
    let up = project.up();
    let web = project.pid("web");
    kill_host(up);
    project.0.write("flood", "");
    // It gets there only if somebody reads what it writes.
    until("it is blocked", || project.folder().join("flooded").exists());
    assert!(is_alive(web));
    let mut up = project.up();
    assert_eq!(project.pid("web"), web);
    let last = |up: &mut Up| while up.wait_for("log", Some("web"))["text"] != "line 19999" {};
    if !up.seen.iter().any(|event| event["text"] == "line 19999") {
        last(&mut up);
    }
    kill_host(up);
    let up = project.up();
    assert_eq!(project.pid("web"), web);
    let stderr = project.down(up);
    assert!(stderr.contains(&format!("web: process {web} has outlived")), "{stderr}");
    assert!(stderr.contains("is taken over"), "{stderr}");
    assert!(!is_alive(web));
    // The log of all three is one.
    let logs = run(hothouse().args(["logs", "-n", "100000", "-p"]).arg(project.folder()));
    assert_eq!(logs.stdout.matches("line 19999").count(), 1, "{}", logs.stdout);
}

#[test]
fn other_arguments_end_the_survivor_before_another_one_is_started() {
    let project = Project::new("changed", &[KEPT]);
    let up = project.up();
    let web = project.pid("web");
    kill_host(up);
    // It says so if the first one is there.
    let looks = format!("[ -e /proc/{web} ] && touch second-copy; echo ready; exec sleep 100000");
    project.0.write("other.sh", &looks);
    project.describe("keep", &["{name: web, run: {command: [sh, other.sh], ready: {log: ^ready$}}}"]);
    let up = project.up();
    assert_ne!(project.pid("web"), web);
    assert!(!is_alive(web) && !project.folder().join("second-copy").exists());
    let stderr = project.down(up);
    assert!(stderr.contains("is ended when the plugin starts"), "{stderr}");
}

#[test]
fn what_is_not_wanted_any_more_is_ended() {
    let other = "{name: other, run: {command: [sleep, '100000']}}";
    for (name, on_host_death, plugins) in
        [("removed", "keep", [other].as_slice()), ("configured", "stop", &[other, KEPT])]
    {
        let project = Project::new(name, &[KEPT, other]);
        let up = project.up();
        let (web, second) = (project.pid("web"), project.pid("other"));
        kill_host(up);
        assert!(is_alive(web) && is_alive(second));
        project.describe(on_host_death, plugins);
        let up = project.up();
        assert!(!is_alive(web));
        assert_eq!(is_alive(second), on_host_death == "keep");
        let stderr = project.down(up);
        assert!(stderr.contains(&format!("web: process {web} has outlived")), "{stderr}");
        assert!(stderr.contains("is not to be kept any more"), "{stderr}");
        assert!(!is_alive(second));
    }
}

#[test]
fn one_that_this_host_never_starts_is_ended_with_it() {
    let other = "{name: other, run: {command: [sleep, '100000']}}";
    let project = Project::new("only", &[KEPT, other]);
    let up = project.up();
    let web = project.pid("web");
    kill_host(up);
    let mut up = project.host(&["--only", "other"]);
    up.wait_for("startEnded", None);
    assert!(is_alive(web));
    project.down(up);
    assert!(!is_alive(web));
}

#[test]
fn whoever_was_not_ready_or_runs_once_is_ended_with_the_host() {
    let never = "{name: never, run: {command: [sleep, '100000'], ready: {log: ^ready$}}}";
    let once = "{name: once, run: {command: [sleep, '100001'], ready: {exit: 0}}}";
    let project = Project::new("not-ready", &[never, once]);
    let up = project.host(&[]);
    until("both run", || {
        let lines = project.processes().into_iter().map(|pid| fs::read(format!("/proc/{pid}/cmdline")));
        lines.flatten().filter(|line| line.starts_with(b"sleep\0")).count() == 2
    });
    kill_host(up);
    until("it is left", || project.processes().is_empty());
}

#[test]
fn a_survivor_without_its_keeper_is_ended_and_another_one_started() {
    for name in ["keeper", "keeper-and-spawner"] {
        let project = Project::new(name, &[KEPT]);
        let up = project.up();
        let web = project.pid("web");
        let (keeper, spawner) = (parent(web), parent(parent(web)));
        let ledger = project.folder().join("s.lives");
        kill_host(up);
        until("the keeper is alone", || fs::read_to_string(&ledger).unwrap().contains("\nkept "));
        match name {
            "keeper" => kill(&[keeper]),
            _ => kill(&[spawner, keeper]),
        }
        let up = project.up();
        assert!(!is_alive(web));
        assert_ne!(project.pid("web"), web);
        project.down(up);
    }
}

/// Says in a file that it was asked to end, when it ends.
fn noting(name: &str, needs: &str) -> String {
    let script =
        format!("trap \"echo {name} >> ended; exit 0\" TERM; echo ready; while :; do sleep 0.02; done");
    format!("{{name: {name}, run: {{command: [sh, -c, '{script}'], ready: {{log: ^ready$}}}}{needs}}}")
}

#[test]
fn without_a_host_down_ends_what_has_outlived_it_in_reverse() {
    let project = Project::new("down", &[&noting("web", ", dependencies: [db]"), &noting("db", "")]);
    let down = |args: &[&str]| {
        run(hothouse()
            .arg("down")
            .args(args)
            .arg("--socket")
            .arg(project.folder().join("s"))
            .arg(project.folder()))
    };
    for json in [false, true] {
        let up = project.up();
        let (web, db) = (project.pid("web"), project.pid("db"));
        kill_host(up);
        assert!(is_alive(web) && is_alive(db));
        let ended = down(if json { &["--json"] } else { &[] });
        assert_eq!(ended.status, Some(0), "{}{}", ended.stdout, ended.stderr);
        assert!(!is_alive(web) && !is_alive(db));
        if json {
            assert_eq!(ended.json(), serde_json::json!({ "stopped": ["web", "db"], "abandoned": [] }));
        } else {
            let said = "no host is running; ended what one that was killed had kept running: ";
            assert_eq!(ended.stdout, format!("{said}web (process {web}), db (process {db})\n"));
        }
    }
    assert_eq!(fs::read_to_string(project.folder().join("ended")).unwrap(), "web\ndb\nweb\ndb\n");
    // Now nothing is left to be ended, and nothing to be taken over.
    let again = down(&[]);
    assert!(again.status == Some(5) && again.stderr.contains("`hothouse up "), "{}", again.stderr);
    let up = project.up();
    let stderr = project.down(up);
    assert!(!stderr.contains("has outlived") && !stderr.contains("had left"), "{stderr}");
}

#[test]
fn without_a_host_down_ends_what_is_left_when_everything_was_killed_at_once() {
    let project = Project::new("down-all", &[]);
    let web =
        "{name: web, run: {command: [sh, -c, 'sleep 100000 & echo ready; wait'], ready: {log: ^ready$}}}";
    project.describe("stop", &[web]);
    let up = project.up();
    let web = project.pid("web");
    let (keeper, spawner) = (parent(web), parent(parent(web)));
    // Those who would clean up are held until they are killed as well. The lowest goes first: the system wakes a held
    // group of processes when the parent that is outside of it ends.
    signal("-STOP", &[up.pid(), spawner, keeper]);
    kill(&[keeper, spawner, up.pid()]);
    drop(up.end());
    let left = project.processes();
    assert!(left.len() == 2 && left.contains(&web), "{left:?}");
    let down =
        run(hothouse().arg("down").arg("--socket").arg(project.folder().join("s")).arg(project.folder()));
    assert_eq!(down.status, Some(0), "{}{}", down.stdout, down.stderr);
    let said = "no host is running; ended what one that was killed had left: ";
    assert!(down.stdout.starts_with(said), "{}", down.stdout);
    for pid in left {
        assert!(
            !is_alive(pid) && down.stdout.contains(&format!("(process {pid})")),
            "{pid}: {}",
            down.stdout
        );
    }
}

#[test]
fn a_server_that_is_asked_for_keeps_its_port() {
    let port = common::free_port();
    let server = format!(
        "{{name: web, run: {{command: [python3, -m, http.server, '{port}', --bind, 127.0.0.1], \
         ready: {{tcp: '127.0.0.1:{port}'}}}}}}"
    );
    let project = Project::new("server", &[&server]);
    let up = project.up();
    let web = project.pid("web");
    kill_host(up);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    // That the port is taken is as it should be.
    let up = project.up();
    assert_eq!(project.pid("web"), web);
    project.down(up);
    assert!(!is_alive(web));
}
