//! The real command, run by tests: a host in the foreground whose output is read line by line, and commands beside it.

#![allow(unreachable_pub, reason = "a module of each test, not a crate")]
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn hothouse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hothouse"));
    command.env_remove("HOTHOUSE_PROJECT").env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    // What hosts of tests leave behind is nothing to the user whose machine this is.
    command.env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
    command
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A folder of this test's own, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hothouse-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A folder with this project file in it.
    pub fn with_project(name: &str, yaml: &str) -> Folder {
        let folder = Folder::new(name);
        folder.write("hothouse.yaml", yaml);
        folder
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command printed and how it ended.
pub struct Output {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

pub fn run(command: &mut Command) -> Output {
    run_with(command, b"")
}

pub fn run_with(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Output {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A host in the foreground, with `--json`.
pub struct Up {
    child: Child,
    events: Receiver<Value>,
    pub seen: Vec<Value>,
    stderr: Option<std::thread::JoinHandle<String>>,
    project: PathBuf,
}

impl Up {
    pub fn start(project: &Path, args: &[&str], env: &[(&str, &str)]) -> Up {
        let mut command = hothouse();
        command.arg("up").arg(project).arg("--json").args(args).envs(env.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Up { child, events, seen: Vec::new(), stderr: Some(stderr), project: project.to_owned() }
    }

    /// Reads events until one is of this type, and about this plugin if one is named.
    pub fn wait_for(&mut self, kind: &str, plugin: Option<&str>) -> Value {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| {
                let _ = self.child.kill();
                let stderr = self.stderr.take().map(|stderr| stderr.join().unwrap());
                panic!("no `{kind}` of {plugin:?} came; seen: {:#?}\n{stderr:?}", self.seen)
            });
            self.seen.push(event.clone());
            if event["type"] == kind && plugin.is_none_or(|plugin| event["plugin"] == plugin) {
                return event;
            }
        }
    }

    /// The plugins that events of this type were about, in order.
    pub fn plugins(&self, kind: &str) -> Vec<String> {
        let of_kind = self.seen.iter().filter(|event| event["type"] == kind);
        of_kind.map(|event| event["plugin"].as_str().unwrap().to_owned()).collect()
    }

    /// Another command about the same project.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = hothouse();
        run(command.args(args).env("HOTHOUSE_PROJECT", &self.project))
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("/bin/kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until the host has ended, and reads what it still had to say.
    pub fn end(mut self) -> (ExitStatus, Vec<Value>, String) {
        let status = self.child.wait().unwrap();
        while let Ok(event) = self.events.recv_timeout(PATIENCE) {
            self.seen.push(event);
        }
        let stderr = self.stderr.take().unwrap().join().unwrap();
        (status, std::mem::take(&mut self.seen), stderr)
    }
}

impl Drop for Up {
    /// A test that failed leaves no host behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal("-TERM");
            let _ = self.child.wait();
        }
    }
}

/// The plugins that events of this type were about, in order.
pub fn plugins(events: &[Value], kind: &str) -> Vec<String> {
    let of_kind = events.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| event["plugin"].as_str().unwrap().to_owned()).collect()
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
