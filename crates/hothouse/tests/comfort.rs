//! Comfort: a project to begin with, pictures, limits, completions in real shells, the live view, other supervisors.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use common::{Folder, PATIENCE, Up, free_port, hothouse, repository, run};

const PAIR: &str = r"
version: 1
startup: {parallel: true}
plugins:
  - {name: db, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}}
  - {name: api, run: {command: [sh, -c, 'echo up >&3; exec sleep 1000'], ready: {fd: 3}}, dependencies: {db: '*'}}
";

#[test]
fn a_new_project_runs_as_it_stands() {
    let folder = Folder::new("init");
    let project = folder.0.join("new");
    let init = run(hothouse().arg("init").arg(&project));
    assert_eq!(init.status, Some(0), "{}", init.stderr);
    assert!(init.stdout.contains("next: `hothouse up "), "{}", init.stdout);
    let again = run(hothouse().arg("init").arg(&project));
    assert_eq!(again.status, Some(7), "{}", again.stdout);
    assert_eq!(run(hothouse().arg("init").arg(&project).arg("--force")).status, Some(0));
    let check = run(hothouse().arg("check").arg(&project).arg("--json")).json();
    assert_eq!((&check["ok"], check["warnings"].as_array().unwrap().len()), (&true.into(), 0), "{check}");

    let mut up = Up::start(&project, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "{:#?}", up.seen);
    let call = up.command(&["call", "greeter", "greet", "\"you\""]);
    assert_eq!((call.status, call.stdout.as_str()), (Some(0), "\"Hello, you!\"\n"), "{}", call.stderr);
    assert_eq!(up.command(&["health", "greeter"]).status, Some(0));
    assert_eq!(up.command(&["down"]).status, Some(0));
    assert_eq!(up.end().0.code(), Some(0));
}

#[test]
fn pictures_are_of_the_running_host_or_of_a_report() {
    let folder = Folder::with_project("pictures", PAIR);
    let report = folder.0.join("report.json");
    let mut up = Up::start(&folder.0, &["--report", report.to_str().unwrap()], &[]);
    up.wait_for("startEnded", None);
    while up.command(&["startup", "blame"]).status != Some(0) {}
    let tree = up.command(&["graph"]).stdout;
    assert_eq!(tree, "api 0.0.0 [ready]\n└─ db 0.0.0 [ready]\n");
    assert_eq!(up.command(&["graph", "--offline"]).stdout, "api 0.0.0\n└─ db 0.0.0\n");
    let svg = folder.0.join("graph.svg");
    let drawn = up.command(&["graph", "--output", svg.to_str().unwrap()]);
    assert_eq!((drawn.status, drawn.stdout.as_str()), (Some(0), ""), "{}", drawn.stderr);
    assert!(std::fs::read_to_string(&svg).unwrap().contains("api needs db"));
    let chain = up.command(&["startup", "critical-chain"]).stdout;
    assert!(chain.contains("\napi @") && chain.contains("\n└─db @"), "{chain}");
    assert!(up.command(&["startup", "plot"]).stdout.starts_with("<svg "));
    assert_eq!(up.command(&["down"]).status, Some(0));
    assert_eq!(up.end().0.code(), Some(0));

    assert_eq!(run(hothouse().args(["startup", "blame"]).env("HOTHOUSE_PROJECT", &folder.0)).status, Some(5));
    let saved = run(hothouse().args(["startup", "blame", "--json", "--from"]).arg(&report)).json();
    assert_eq!(saved["plugins"].as_array().unwrap().len(), 2);
    let wrong = run(hothouse().args(["startup", "plot", "--from"]).arg(folder.0.join("hothouse.yaml")));
    assert_eq!(wrong.status, Some(2), "{}", wrong.stdout);
    assert!(wrong.stderr.contains("no report of a start"), "{}", wrong.stderr);
}

#[test]
fn limits_that_nobody_enforces_are_said_to_be_such() {
    let text = PAIR.replace(
        "dependencies: {db: '*'}}",
        "dependencies: [db], lifecycle: {resources: {maxMemory: 1048576, maxCpu: 50}}}",
    );
    let folder = Folder::with_project("limits", &text);
    let limits = run(hothouse().args(["limits", "api", "--json"]).env("HOTHOUSE_PROJECT", &folder.0)).json();
    let find = |name: &str| {
        let limits = limits["limits"].as_array().unwrap();
        limits
            .iter()
            .find(|limit| limit["limit"] == name)
            .unwrap_or_else(|| panic!("{name}: {limits:?}"))
            .clone()
    };
    assert_eq!(find("resources.maxMemory")["requested"], "1048576 bytes");
    for name in ["resources.maxMemory", "resources.maxCpu"] {
        assert_eq!((&find(name)["effective"], &find(name)["enforcedBy"]), (&"none".into(), &"nobody".into()));
    }
    assert_eq!(find("startup.timeout")["effective"], "30000 ms");
    assert!(limits["limits"].as_array().unwrap().iter().all(|limit| limit["limit"] != "host.maxLine"));
    let text = run(hothouse().args(["limits", "api"]).env("HOTHOUSE_PROJECT", &folder.0)).stdout;
    assert!(text.contains("2 limits above: asked for, and enforced by nobody in this version"), "{text}");
    let unknown = run(hothouse().args(["limits", "apy"]).env("HOTHOUSE_PROJECT", &folder.0));
    assert_eq!(unknown.status, Some(7), "{}", unknown.stdout);
}

#[test]
fn every_command_has_a_manual_page() {
    for page in [vec![], vec!["up"], vec!["startup", "critical-chain"]] {
        let man = run(hothouse().arg("man").args(&page));
        assert!(man.status == Some(0) && man.stdout.contains(".SH SYNOPSIS"), "{page:?}: {}", man.stderr);
    }
    let unknown = run(hothouse().args(["man", "strat"]));
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.stderr.contains("did you mean `start`?"), "{}", unknown.stderr);
}

/// A program of this name, if this machine has one.
fn installed(name: &str) -> bool {
    let found = Command::new(name).arg("--version").stdin(Stdio::null()).output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn shells_complete_the_names_of_plugins() {
    let folder = Folder::with_project("complete", PAIR);
    let program = env!("CARGO_BIN_EXE_hothouse");
    let project = folder.0.to_str().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        folder.write(shell, &run(hothouse().args(["completions", shell])).stdout);
    }
    let bash = format!(
        "source {project}/bash; COMP_WORDS=({program} stop -p {project} a); COMP_CWORD=4; _hothouse; echo \"${{COMPREPLY[*]}}\"\n\
         COMP_WORDS=({program} stop -p {project} ''); COMP_CWORD=4; _hothouse; echo \"${{COMPREPLY[*]}}\"\n\
         COMP_WORDS=({program} rest); COMP_CWORD=1; _hothouse {program} rest {program}; echo \"${{COMPREPLY[*]}}\""
    );
    let bash = run(Command::new("bash").args(["-c", &bash]));
    assert_eq!(bash.stdout, "api\ndb api\nrestart\n", "{}", bash.stderr);

    if installed("fish") {
        let path = std::path::Path::new(program).parent().unwrap();
        let script = format!("source {project}/fish; complete -C 'hothouse stop -p {project} '");
        let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        let fish = run(Command::new("fish").args(["--no-config", "-c", &script]).env("PATH", path));
        assert_eq!(fish.stdout, "api\ndb\n", "{}", fish.stderr);
    }
    if installed("zsh") {
        // The function alone, with what the shell would hand to it.
        let script = format!(
            "compadd() {{ print -r -- \"${{names[@]}}\" }}; compdef() {{ }}; source {project}/zsh; \
             words=({program} stop -p {project} ''); CURRENT=5; _hothouse_names"
        );
        let zsh = run(Command::new("zsh").args(["-f", "-c", &script]));
        assert_eq!(zsh.stdout, "db api\n", "{}", zsh.stderr);
    }
}

#[test]
fn the_live_view_tells_what_changes_and_ends_with_the_host() {
    let folder = Folder::with_project("watch", PAIR);
    let mut up = Up::start(&folder.0, &[], &[]);
    up.wait_for("startEnded", None);
    let mut watch = hothouse();
    let watch = watch.args(["ps", "-w"]).env("HOTHOUSE_PROJECT", &folder.0);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut line_with = |text: &str| lines.by_ref().map(Result::unwrap).find(|line| line.contains(text));
    assert!(line_with("db ready").is_some() && line_with("api ready").is_some());
    assert_eq!(up.command(&["stop", "api"]).status, Some(0));
    assert!(line_with("api stopped").is_some());
    assert_eq!(up.command(&["down"]).status, Some(0));
    assert_eq!(up.end().0.code(), Some(0));
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    let mut stderr = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "the host has ended\n");
    let nobody = run(hothouse().args(["ps", "--watch"]).env("HOTHOUSE_PROJECT", &folder.0));
    assert_eq!(nobody.status, Some(5));
}

#[test]
fn tables_fit_and_colour_follows_the_wishes() {
    let plan = |variables: &[(&str, &str)]| {
        let mut command = hothouse();
        command.arg("plan").arg(repository().join("examples/shop")).env_remove("NO_COLOR");
        run(command.envs(variables.iter().copied())).stdout
    };
    let narrow = plan(&[("COLUMNS", "40")]);
    let table: Vec<&str> = narrow.lines().take_while(|line| !line.is_empty()).collect();
    assert!(table.len() == 9 && table.iter().all(|line| line.chars().count() <= 40), "{narrow}");
    assert!(!plan(&[]).contains('\x1b'));
    assert!(plan(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!plan(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
}

/// Status and body of a probe.
fn probe(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: hothouse\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
}

#[test]
fn other_supervisors_are_told_and_answered() {
    // `api` is ready when the test says so.
    let text = PAIR.replace(
        "echo up >&3; exec sleep 1000'], ready: {fd: 3}}, dependencies",
        "read -r line < go; echo up >&3; exec sleep 1000'], ready: {fd: 3}}, dependencies",
    );
    let port = free_port();
    let text = text.replace("startup:", &format!("host: {{probes: '127.0.0.1:{port}'}}\nstartup:"));
    let folder = Folder::with_project("supervised", &text);
    assert!(Command::new("mkfifo").arg(folder.0.join("go")).status().unwrap().success());
    let path = folder.0.join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 1024];
        let length = notify.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut up = Up::start(&folder.0, &[], &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert!(told().starts_with("STATUS=starting "));
    up.wait_for("launched", Some("api"));
    assert_eq!(probe(port, "/livez"), (200, r#"{"ok":true}"#.into()));
    for path in ["/readyz", "/startupz"] {
        let (status, body) = probe(port, path);
        assert!(status == 503 && body.contains("the first start has not ended yet"), "{path}: {body}");
    }
    std::fs::write(folder.0.join("go"), "go\n").unwrap();
    let ready = told();
    assert!(
        ready.starts_with("READY=1\nMAINPID=") && ready.contains("\nSTATUS=2 plugins ready\n"),
        "{ready}"
    );
    assert_eq!((probe(port, "/readyz").0, probe(port, "/startupz").0), (200, 200));
    assert_eq!(probe(port, "/secrets").0, 404);

    let pid = up.command(&["ps", "--json"]).json()["plugins"][1]["pid"].to_string();
    assert!(Command::new("/bin/kill").args(["-KILL", &pid]).status().unwrap().success());
    up.wait_for("failed", Some("api"));
    let (status, body) = probe(port, "/readyz");
    assert!(status == 503 && body.contains("not ready: api (failed)"), "{body}");
    assert_eq!(probe(port, "/startupz").0, 200);

    assert_eq!(up.command(&["down"]).status, Some(0));
    assert!(told().starts_with("STOPPING=1\n"));
    assert_eq!(up.end().0.code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_said() {
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = stranger.local_addr().unwrap().to_string();
    let folder = Folder::with_project("probes", PAIR);
    let output = run(hothouse().arg("up").arg(&folder.0).args(["--probes", &address]));
    assert_eq!(output.status, Some(70), "{}", output.stderr);
    assert!(
        output.stderr.contains(&format!("the probes cannot be answered on {address}")),
        "{}",
        output.stderr
    );
}

#[test]
fn the_examples_for_other_supervisors_are_sound() {
    let examples = repository().join("examples");
    let manifest = std::fs::read_to_string(examples.join("kubernetes/hothouse.yaml")).unwrap();
    let wrong = saphyr_parser::Parser::new_from_str(&manifest).find_map(Result::err);
    assert!(wrong.is_none(), "{wrong:?}");
    for part in
        ["path: /livez", "path: /readyz", "path: /startupz", "--probes", "terminationGracePeriodSeconds:"]
    {
        assert!(manifest.contains(part), "{part}");
    }
    let job = std::fs::read_to_string(examples.join("nomad/hothouse.nomad.hcl")).unwrap();
    assert_eq!(job.matches('{').count(), job.matches('}').count());
    assert!(job.contains("/livez") && job.contains("/readyz") && job.contains("kill_timeout"));
    if installed("systemd-analyze") {
        let folder = Folder::new("unit");
        let unit = std::fs::read_to_string(examples.join("systemd/hothouse.service")).unwrap();
        assert!(unit.contains("Type=notify") && unit.contains("KillMode=mixed"), "{unit}");
        // The program and the user of the unit are not on this machine; everything else is judged.
        let unit = unit.replace("/usr/local/bin/hothouse", env!("CARGO_BIN_EXE_hothouse"));
        let unit: Vec<&str> = unit.lines().filter(|line| !line.starts_with("User=")).collect();
        folder.write("hothouse.service", &unit.join("\n"));
        let verify =
            run(Command::new("systemd-analyze").arg("verify").arg(folder.0.join("hothouse.service")));
        let ours: Vec<&str> = verify.stderr.lines().filter(|line| line.contains("hothouse")).collect();
        assert!(verify.status == Some(0) && ours.is_empty(), "{}", verify.stderr);
    }
}
