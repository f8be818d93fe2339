//! Everything that can go wrong, staged with the real command, and what is said about it: `failures/NAME.txt`.
//!
//! `HOTHOUSE_GOLDEN=write cargo test -p hothouse --test failures` writes the texts anew. Read them as somebody would who
//! was woken up by one of them: is it clear from the first line what failed, why, and where that stands in the file? Is
//! there something to type next? `HOTHOUSE_FAILURE=NAME` stages only the cases with that in their names.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]
#![allow(unreachable_pub, reason = "a module of each test, not a crate")]

mod common;
#[path = "failures/normal.rs"]
mod normal;
#[path = "failures/stage.rs"]
mod stage;

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use common::{free_port, repository};
use serde_json::Value;
use stage::{SECRET, Stage};

/// How a failure is staged.
type Case = (&'static str, fn(&mut Stage));

/// How many are staged at a time: most of the time each of them waits for a limit to pass.
const AT_A_TIME: usize = 4;

/// A program that is ready at once, and stays.
const DB: &str = "  - {name: db, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}}\n";

#[test]
fn every_failure_is_told_as_it_should_be() {
    let only = std::env::var("HOTHOUSE_FAILURE").unwrap_or_default();
    let cases: Vec<Case> = CASES.iter().copied().filter(|(name, _)| name.contains(&only)).collect();
    let waiting = Mutex::new(cases.into_iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((name, case)) = next(&waiting) {
                    let staged = std::panic::catch_unwind(AssertUnwindSafe(|| play(name, case)));
                    let problem = staged.unwrap_or_else(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        Some(
                            text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()))
                                .unwrap_or_default(),
                        )
                    });
                    wrong.lock().unwrap().extend(problem.map(|problem| format!("== {name}\n{problem}")));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_text_belongs_to_a_case() {
    let texts = fs::read_dir(golden("x").parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    for text in texts.filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
        let name = text.file_stem().unwrap().to_str().unwrap();
        assert!(CASES.iter().any(|(case, _)| *case == name), "{name}.txt is of no case");
    }
    assert!(CASES.len() >= 30);
}

fn next(waiting: &Mutex<std::vec::IntoIter<Case>>) -> Option<Case> {
    waiting.lock().unwrap().next()
}

fn golden(name: &str) -> PathBuf {
    repository().join("crates/hothouse/tests/failures").join(format!("{name}.txt"))
}

/// Stages a failure, and says how the transcript differs from the one that is kept.
fn play(name: &str, case: fn(&mut Stage)) -> Option<String> {
    let mut stage = Stage::new(name);
    case(&mut stage);
    let found = stage.finish();
    if std::env::var_os("HOTHOUSE_GOLDEN").is_some_and(|value| value == "write") {
        fs::write(golden(name), &found).unwrap();
    }
    let kept = fs::read_to_string(golden(name)).unwrap_or_default();
    (found != kept).then(|| format!("--- kept\n{kept}\n--- found\n{found}"))
}

/// A process plugin that goes wrong in that way.
fn worker(way: &str, more: &str) -> String {
    format!("  - {{name: worker, run: {{process: [/usr/bin/python3, plugin.py, {way}]}}{more}}}\n")
}

/// A plugin that goes wrong in that way, in a start that may not take long, after another one that is up by then.
fn with_worker(stage: &Stage, head: &str, way: &str, more: &str) {
    stage.project(head, &format!("{DB}{}", worker(way, more)));
}

/// A start that each plugin must have behind it in so short a time.
const SHORT: &str = "startup: {timeout: 1000}\nhost: {closeGrace: 100, killTimeout: 400}\n";

const CASES: &[Case] = &[
    // What is wrong with the file, found before anything starts.
    ("missing_binary", |stage| {
        stage.project("", "  - {name: web, run: {command: [./servr, --fast]}}\n");
        stage.program("server", "#!/bin/sh\n");
        stage.up(&[]);
        stage.up(&["--json"]);
    }),
    ("not_executable", |stage| {
        stage.project("", "  - {name: web, run: {command: [./server]}}\n");
        stage.folder.write("server", "#!/bin/sh\n");
        stage.up(&[]);
    }),
    ("folder_missing", |stage| {
        stage.project("", "  - {name: web, run: {command: [sleep, '1']}, cwd: dat}\n");
        fs::create_dir(stage.folder.0.join("data")).unwrap();
        stage.up(&[]);
    }),
    ("folder_is_a_file", |stage| {
        stage.project("", "  - {name: web, run: {command: [sleep, '1']}, cwd: plugin.py}\n");
        stage.up(&[]);
    }),
    ("cycle", |stage| {
        let plugin = |name: &str, needs: &str| {
            format!("  - name: {name}\n    run: {{command: [sleep, '1']}}\n    dependencies: [{needs}]\n")
        };
        stage.project("", &[plugin("a", "b"), plugin("b", "c"), plugin("c", "a")].concat());
        stage.up(&[]);
    }),
    ("missing_dependency", |stage| {
        stage.project(
            "",
            &format!("{DB}  - {{name: web, run: {{command: [sleep, '1']}}, dependencies: [dbb]}}\n"),
        );
        stage.up(&[]);
    }),
    ("version_range", |stage| {
        let web = "  - {name: web, run: {command: [sleep, '1']}, dependencies: {db: ^2.1}}\n";
        stage.project("", &format!("{}{web}", DB.replace("name: db", "name: db, version: 1.4.0")));
        stage.up(&[]);
    }),
    ("duplicate_name", |stage| {
        stage.project("", &format!("{DB}{DB}"));
        stage.up(&[]);
    }),
    ("misspelt_key", |stage| {
        stage.project("", "  - {name: web, run: {comand: [sleep, '1']}}\n");
        stage.up(&[]);
        stage.run(&["check"]);
    }),
    ("wrong_type", |stage| {
        stage.project("startup: {timeout: soon}\n", DB);
        stage.up(&[]);
    }),
    ("unset_variable", |stage| {
        stage
            .project("", "  - {name: web, run: {command: [sleep, '1']}, env: {PASS: '${env:DB_PASWORD}'}}\n");
        stage.up(&[]);
    }),
    ("unreadable_file", |stage| {
        stage.folder.write("secret.txt", "x\n");
        stage.project("", "  - {name: web, run: {command: [sleep, '1']}, env: {KEY: '${file:secrt.txt}'}}\n");
        stage.up(&[]);
    }),
    ("no_project", |stage| {
        stage.up(&[]);
    }),
    // What is found when the program is to be run.
    ("bad_interpreter", |stage| {
        stage.program("server", "#!/usr/bin/pyhton3\n");
        stage.project(
            "",
            &format!("{DB}  - {{name: web, run: {{command: [./server]}}, dependencies: [db]}}\n"),
        );
        stage.up(&[]);
    }),
    ("no_program_at_all", |stage| {
        stage.program("server", "hello\n");
        stage.project("", "  - {name: web, run: {command: [./server]}}\n");
        stage.up(&[]);
    }),
    ("binary_gone_by_then", |stage| {
        stage.program("server", "#!/bin/sh\n");
        let cleaner = "  - {name: cleaner, run: {command: [rm, server], ready: {exit: 0}}}\n";
        stage.project(
            "",
            &format!("{cleaner}  - {{name: web, run: {{command: [./server]}}, dependencies: [cleaner]}}\n"),
        );
        stage.up(&[]);
    }),
    ("not_executable_by_then", |stage| {
        stage.program("server", "#!/bin/sh\n");
        let cleaner = "  - {name: cleaner, run: {command: [chmod, '644', server], ready: {exit: 0}}}\n";
        stage.project(
            "",
            &format!("{cleaner}  - {{name: web, run: {{command: [./server]}}, dependencies: [cleaner]}}\n"),
        );
        stage.up(&[]);
    }),
    ("folder_gone_by_then", |stage| {
        fs::create_dir(stage.folder.0.join("data")).unwrap();
        let cleaner = "  - {name: cleaner, run: {command: [rmdir, data], ready: {exit: 0}}}\n";
        stage
            .project("", &format!("{cleaner}  - {{name: web, run: {{command: [sleep, '1']}}, cwd: data}}\n"));
        stage.up(&[]);
    }),
    ("port_taken", |stage| {
        let (mut stranger, port) = listener();
        stage.hide(&port, "PORT");
        stage.project(
            "",
            &format!("{DB}  - {{name: web, run: {{command: [sleep, '1000'], ready: {{tcp: {port}}}}}}}\n"),
        );
        stage.up(&[]);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }),
    // What a program does instead of becoming ready.
    ("exit_at_start", |stage| {
        stage.project("", &format!("{DB}  - {{name: web, run: {{shell: 'echo no disk >&2; exit 3', ready: {{fd: 3}}}}, dependencies: [db]}}\n"));
        stage.up(&[]);
        stage.up(&["--json"]);
    }),
    ("exit_0_at_start", |stage| {
        stage.project(
            "startup: {healthCheck: true}\n",
            "  - {name: seed, run: {command: [sh, -c, 'exit 0'], ready: {fd: 3}}}\n",
        );
        stage.up(&[]);
    }),
    ("one_shot_fails", |stage| {
        stage.project("", &format!("{DB}  - {{name: migrate, run: {{shell: 'echo table articles is locked >&2; exit 1', ready: {{exit: 0}}}}, dependencies: [db]}}\n  - {{name: web, run: {{command: [sleep, '1']}}, dependencies: [migrate]}}\n"));
        stage.up(&[]);
    }),
    ("signal_at_start", |stage| {
        stage.project("", "  - {name: web, run: {shell: 'ulimit -c 0; kill -SEGV $$', ready: {fd: 3}}}\n");
        stage.up(&[]);
    }),
    ("out_of_memory_in_python", |stage| {
        with_worker(stage, "", "out-of-memory", "");
        stage.up(&[]);
    }),
    ("panic_in_python", |stage| {
        with_worker(stage, "", "panics", "");
        stage.up(&[]);
    }),
    ("garbage_and_exit", |stage| {
        with_worker(stage, "", "garbage", "");
        stage.up(&[]);
    }),
    ("garbage_and_silence", |stage| {
        with_worker(stage, SHORT, "talks-otherwise", "");
        stage.up(&[]);
    }),
    ("half_a_line_and_silence", |stage| {
        with_worker(stage, SHORT, "half-a-line", "");
        stage.up(&[]);
    }),
    ("line_too_long", |stage| {
        with_worker(stage, "startup: {timeout: 1000}\nhost: {maxLine: 4096}\n", "long-line", "");
        stage.up(&[]);
    }),
    ("other_contract", |stage| {
        with_worker(stage, "", "other-contract", "");
        stage.up(&[]);
    }),
    ("no_description", |stage| {
        with_worker(stage, "", "no-description", "");
        stage.up(&[]);
    }),
    ("init_refused", |stage| {
        with_worker(stage, "", "refuses-init", "");
        stage.up(&[]);
    }),
    ("check_method_missing", |stage| {
        with_worker(
            stage,
            "startup: {healthCheck: true}\n",
            "well",
            ", lifecycle: {health: {checkMethod: eco}}",
        );
        stage.up(&[]);
    }),
    ("unhealthy_at_start", |stage| {
        with_worker(stage, "startup: {healthCheck: true}\n", "unhealthy", "");
        stage.up(&[]);
    }),
    ("unhealthy_endpoint_at_start", |stage| {
        let port = free_port();
        stage.hide(&port, "PORT");
        stage.project(
            "startup: {healthCheck: true}\n",
            &format!("  - {{name: web, run: {{command: [sleep, '1000']}}, lifecycle: {{health: {{checkMethod: 'tcp://127.0.0.1:{port}'}}}}}}\n"),
        );
        stage.up(&[]);
    }),
    // What does not come in time.
    ("timeout_of_init", |stage| {
        with_worker(stage, SHORT, "silent-in-init", "");
        stage.up(&[]);
    }),
    ("timeout_of_start", |stage| {
        with_worker(stage, SHORT, "silent-in-start", "");
        stage.up(&[]);
    }),
    ("timeout_of_health_check_at_start", |stage| {
        with_worker(
            stage,
            "startup: {healthCheck: true}\n",
            "silent-in-health",
            ", lifecycle: {health: {timeout: 300}}",
        );
        stage.up(&[]);
    }),
    ("timeout_of_destroy", |stage| {
        with_worker(stage, "host: {stopTimeout: 300, closeGrace: 100, killTimeout: 400}\n", "deaf", "");
        stage.host(&[], "up: ");
        stage.end_host();
    }),
    ("timeout_of_a_call", |stage| {
        with_worker(stage, "", "well", "");
        stage.host(&[], "up: ");
        stage.run(&["call", "worker", "slow", "--timeout", "300"]);
        stage.run(&["call", "worker", "slow", "--timeout", "300", "--json"]);
        stage.end_host();
    }),
    ("timeout_of_a_health_check", |stage| {
        with_worker(stage, "", "silent-in-health", ", lifecycle: {health: {timeout: 300}}");
        stage.host(&[], "up: ");
        stage.run(&["health", "--check", "worker"]);
        stage.end_host();
    }),
    ("no_time_at_all", |stage| {
        stage.project("startup: {timeout: 0}\n", DB);
        stage.up(&[]);
    }),
    ("ready_line_never_comes", |stage| {
        stage.project(SHORT, "  - {name: web, run: {shell: 'echo loading >&2; exec sleep 1000', ready: {log: 'listening on \\d+'}}}\n");
        stage.up(&[]);
    }),
    ("ready_byte_never_comes", |stage| {
        stage.project(SHORT, "  - {name: web, run: {command: [sleep, '1000'], ready: {fd: 3}}}\n");
        stage.up(&[]);
    }),
    ("ready_notice_never_comes", |stage| {
        stage.project(SHORT, "  - {name: web, run: {command: [sleep, '1000'], ready: notify}}\n");
        stage.up(&[]);
    }),
    ("ready_port_never_opens", |stage| {
        let port = free_port();
        stage.hide(&port, "PORT");
        stage.project(SHORT, &format!("  - {{name: web, run: {{command: [sleep, '1000'], ready: {{http: 'http://127.0.0.1:{port}/health'}}}}}}\n"));
        stage.up(&[]);
    }),
    // What ends later.
    ("exit_while_running", |stage| {
        let web = "  - {name: web, run: {shell: 'mkfifo go; echo up >&3; read x <go; echo lost the database >&2; exit 3', ready: {fd: 3}}}\n";
        stage.project("", &format!("{DB}{web}"));
        stage.host(&[], "up: ");
        stage.folder.write("go", "go\n");
        stage.wait_for("next: ");
        stage.run(&["ps"]);
        stage.run(&["health", "--check", "web"]);
        stage.end_host();
    }),
    ("exit_while_running_as_json", |stage| {
        let web =
            "  - {name: web, run: {shell: 'mkfifo go; echo up >&3; read x <go; exit 3', ready: {fd: 3}}}\n";
        stage.project("", &format!("{DB}{web}"));
        stage.host(&["--json"], "\"startEnded\"");
        stage.folder.write("go", "go\n");
        stage.wait_for("\"EXITED\"");
        let ps = stage.quietly(&["ps", "--json"]).json();
        let web =
            ps["plugins"].as_array().unwrap().iter().find(|plugin| plugin["name"] == "web").unwrap().clone();
        stage.add("the failure in `ps --json`", &web["failure"].to_string());
        stage.end_host();
    }),
    ("killed_by_a_stranger", |stage| {
        stage.project("", DB);
        stage.host(&[], "up: ");
        kill(pid_of(stage, "db"));
        stage.wait_for("next: ");
        stage.run(&["ps"]);
        stage.end_host();
    }),
    // What follows from the failure of others.
    ("failed_three_hops_away", |stage| {
        let plugin = |name: &str, needs: &str| {
            format!("  - {{name: {name}, run: {{command: [sleep, '1000']}}, dependencies: [{needs}]}}\n")
        };
        let db = "  - {name: db, run: {shell: 'echo no disk >&2; exit 3', ready: {fd: 3}}}\n";
        let mail = "  - {name: mail, run: {command: [sleep, '1000']}}\n";
        stage.project(
            "startup: {rollbackOnFailure: false}\n",
            &[db, &plugin("store", "db"), &plugin("api", "store"), &plugin("web", "api"), mail].concat(),
        );
        stage.host(&[], "next: ");
        stage.run(&["ps"]);
        stage.run(&["why", "web"]);
        stage.run(&["start", "web"]);
        stage.run(&["health", "--check", "web"]);
        stage.end_host();
    }),
    ("start_fails_in_a_running_host", |stage| {
        let web = "  - {name: web, run: {shell: 'test -e go || { echo no licence >&2; exit 4; }; echo up >&3; exec sleep 1000', ready: {fd: 3}}}\n";
        stage.project("", &format!("{DB}{web}"));
        stage.folder.write("go", "");
        stage.host(&[], "up: ");
        fs::remove_file(stage.folder.0.join("go")).unwrap();
        stage.run(&["restart", "web"]);
        stage.run(&["start", "web", "--json"]);
        stage.end_host();
    }),
    // What is asked of a host or of a plugin that cannot answer.
    ("second_host", |stage| {
        stage.project("", DB);
        stage.host(&[], "up: ");
        stage.up(&[]);
        stage.up(&["--json"]);
        stage.end_host();
    }),
    ("state_folder_of_another_host", |stage| {
        stage.project("host: {stateDir: state of two}\n", DB);
        stage.host(&[], "up: ");
        let other = stage.folder.0.join("other").to_str().unwrap().to_owned();
        stage.up(&["--socket", &other]);
        stage.up(&["--socket", &other, "--json"]);
        stage.end_host();
    }),
    ("no_host", |stage| {
        stage.project("", DB);
        stage.run(&["ps"]);
        stage.run(&["call", "db", "get", "--json"]);
        stage.run(&["down"]);
        stage.run(&["events"]);
        stage.run(&["events", "-f"]);
        stage.run(&["events", "-f", "--json"]);
    }),
    ("unknown_plugin", |stage| {
        with_worker(stage, "", "well", "");
        stage.up(&["--only", "wroker"]);
        stage.run(&["plan", "--only", "wroker"]);
        stage.host(&[], "up: ");
        stage.run(&["call", "wroker", "echo", "1"]);
        stage.run(&["health", "--check", "nothing"]);
        stage.run(&["start", "wroker"]);
        stage.end_host();
    }),
    ("unknown_method", |stage| {
        with_worker(stage, "", "well", "");
        stage.host(&[], "up: ");
        stage.run(&["call", "worker", "ecoh", "1"]);
        stage.run(&["call", "db", "get"]);
        stage.run(&["call", "worker", "echo", "{id: 7}"]);
        stage.end_host();
    }),
    ("call_of_a_stopped_plugin", |stage| {
        with_worker(stage, "", "well", "");
        stage.host(&[], "up: ");
        stage.quietly(&["stop", "worker"]);
        stage.run(&["call", "worker", "echo", "1"]);
        stage.end_host();
    }),
    ("call_of_a_failed_plugin", |stage| {
        with_worker(stage, "", "well", "");
        stage.host(&[], "up: ");
        kill(pid_of(stage, "worker"));
        stage.wait_for("next: ");
        stage.run(&["call", "worker", "echo", "1"]);
        stage.run(&["call", "worker", "echo", "1", "--json"]);
        stage.end_host();
    }),
    ("plugins_own_error", |stage| {
        with_worker(stage, "", "well", "");
        stage.host(&[], "up: ");
        stage.run(&["call", "worker", "fail"]);
        stage.run(&["call", "worker", "fail", "--json"]);
        stage.end_host();
    }),
    ("unhealthy_when_asked", |stage| {
        with_worker(stage, "", "unhealthy", "");
        stage.host(&[], "up: ");
        stage.run(&["health", "--check", "worker"]);
        stage.run(&["health", "--check", "worker", "--json"]);
        stage.end_host();
    }),
    // What the machine lacks.
    ("disk_full_for_the_report", |stage| {
        stage.full_disk();
        stage.project("", DB);
        let report = stage.folder.0.join("full/report.json").to_str().unwrap().to_owned();
        stage.host(&["--report", &report], "next: ");
        stage.end_host();
        stage.host(&["--report", &report, "--json"], "\"REPORT_NOT_WRITTEN\"");
        stage.end_host();
    }),
    ("disk_full_for_the_socket", |stage| {
        stage.full_disk();
        stage.project("", DB);
        let socket = stage.folder.0.join("full/s").to_str().unwrap().to_owned();
        stage.up(&["--socket", &socket]);
    }),
    ("disk_full_for_the_state", |stage| {
        stage.full_disk();
        let web =
            "  - {name: web, run: {shell: 'echo hello; echo up >&3; exec sleep 1000', ready: {fd: 3}}}\n";
        stage.project("host: {stateDir: full/state}\n", web);
        stage.host(&[], "up: ");
        stage.wait_for("warning: ");
        stage.end_host();
    }),
    ("socket_path_too_long", |stage| {
        stage.project("", DB);
        let socket = stage.folder.0.join("deep/".repeat(20)).join("s").to_str().unwrap().to_owned();
        stage.hide(&format!("{} bytes", socket.len()), "N bytes");
        stage.up(&["--socket", &socket]);
        stage.up(&["--socket", &socket, "--json"]);
    }),
    ("socket_folder_missing", |stage| {
        stage.project("", DB);
        let socket = stage.folder.0.join("nowhere/s").to_str().unwrap().to_owned();
        stage.up(&["--socket", &socket]);
    }),
    // What must not be shown.
    ("secret_in_what_a_plugin_says", |stage| {
        let web = "  - {name: web, run: {shell: 'echo cannot log in with $PASS >&2; exit 1', ready: {fd: 3}}, env: {PASS: '${env:DB_PASSWORD}'}}\n";
        stage.project("", web);
        let report = stage.folder.0.join("report.json").to_str().unwrap().to_owned();
        stage.up(&["--report", &report]);
        let error = serde_json::from_str::<Value>(&fs::read_to_string(report).unwrap()).unwrap();
        stage.add("the error in the report", &error["results"][0]["error"].to_string());
        stage.up(&["--json"]);
        stage.run(&["logs"]);
        stage.run(&["why", "web"]);
    }),
    ("secret_in_an_answer", |stage| {
        with_worker(stage, "", "well", ", config: {password: '${env:DB_PASSWORD}'}");
        stage.host(&[], "up: ");
        let payload = format!("\"{SECRET}\"");
        stage.hide(&SECRET, "***");
        let said = stage.quietly(&["call", "worker", "tell", &payload]);
        stage.add("the error of a call that repeats a secret", &said.stderr);
        stage.end_host();
    }),
];

/// The process of a plugin.
fn pid_of(stage: &Stage, name: &str) -> u64 {
    let ps = stage.quietly(&["ps", "--json"]).json();
    let plugins = ps["plugins"].as_array().unwrap();
    plugins.iter().find(|plugin| plugin["name"] == name).unwrap()["pid"].as_u64().unwrap()
}

fn kill(pid: u64) {
    assert!(Command::new("/bin/kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// Another program that listens on a port.
fn listener() -> (std::process::Child, String) {
    let script = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); s.accept(); time.sleep(1000)";
    let mut command = Command::new("/usr/bin/python3");
    let mut child = command.args(["-IS", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    (child, line.trim().to_owned())
}
