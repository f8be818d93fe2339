//! Finding and loading: what is a project file, what is refused before its content matters, what a good one yields.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use common::environment;
use hothouse_config::{
    Environment, MAX_FILE_BYTES, NotRunnable, Problems, Project, Run, find, resolve_program,
};
use hothouse_kernel::{Graph, Need};

/// A fresh folder of this test, removed when it is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hothouse-config-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SMALL: &str = "version: 1\nplugins: []\n";

fn only_message(problems: &Problems) -> &str {
    assert_eq!(problems.errors.len(), 1, "{problems}");
    &problems.errors[0].message
}

#[test]
fn one_project_file_is_found_and_two_are_refused() {
    let folder = Folder::new("find");
    assert_eq!(only_message(&find(&folder.0).unwrap_err()), "there is no project file here");
    let yaml = folder.write("hothouse.yaml", SMALL);
    assert_eq!(find(&folder.0).unwrap(), yaml);
    folder.write("hothouse.json", "{}");
    let message = find(&folder.0).unwrap_err();
    assert_eq!(only_message(&message), "more than one project file: hothouse.yaml and hothouse.json");
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = Folder::new("read");
    let message = |name: &str| {
        only_message(&Project::load(folder.0.join(name), &environment()).unwrap_err()).to_owned()
    };
    assert!(message("none.yaml").starts_with("cannot read the file: "), "{}", message("none.yaml"));
    folder.write("huge.yaml", &" ".repeat(usize::try_from(MAX_FILE_BYTES).unwrap() + 1));
    assert_eq!(message("huge.yaml"), "the file is larger than the 4194304 bytes that are read at most");
    folder.write("odd.txt", SMALL);
    assert!(message("odd.txt").starts_with("not a project file"));
    fs::write(folder.0.join("latin.yaml"), b"name: caf\xe9").unwrap();
    assert_eq!(message("latin.yaml"), "the file is not valid UTF-8 here");
}

#[test]
fn a_small_project_has_the_documented_defaults() {
    let folder = Folder::new("defaults");
    let file = folder.write("hothouse.yaml", "version: 1\nplugins: [{name: a, run: {shell: 'true'}}]\n");
    let project = Project::load(&file, &environment()).unwrap().project;
    assert_eq!(project.name, folder.0.file_name().unwrap().to_str().unwrap());
    assert_eq!(project.root, folder.0);
    assert_eq!(project.host.max_concurrent_starts, None);
    assert_eq!(project.host.stop_timeout, Duration::from_secs(10));
    assert_eq!(project.host.kill_timeout, Duration::from_secs(2));
    assert_eq!(project.host.close_grace, Duration::from_millis(200));
    assert_eq!(project.host.max_line, 16 * 1024 * 1024);
    let plugin = &project.plugins[0];
    assert_eq!((plugin.version.to_string().as_str(), &plugin.cwd), ("0.0.0", &folder.0));
    assert_eq!(plugin.config.reveal(), "null");
    assert!(!plugin.clean_env && plugin.env.is_empty() && plugin.expected_start.is_none());
    let Run::Command(run) = &plugin.run else { panic!("{:?}", plugin.run) };
    assert_eq!(run.program.arguments(), ["/bin/sh", "-c", "true"]);
    assert_eq!(run.stop_signal.name(), "SIGTERM");
}

#[test]
fn the_kernel_gets_the_edges_of_all_four_lists() {
    let text = r#"
version: 1
plugins:
  - {name: db, version: 1.2.0, run: {shell: x}}
  - {name: cache, run: {shell: x}}
  - name: web
    run: {shell: x}
    expectedStart: 250
    dependencies: {db: "^1"}
    optionalDependencies: [cache, db, absent]
    lifecycle: {degradation: {criticalDependencies: [cache], optionalDependencies: [mail]}}
"#;
    let project = Project::from_bytes("x.yaml", text, &environment()).unwrap().project;
    let decls = project.plugin_decls();
    assert_eq!(decls.iter().map(|decl| decl.name.as_str()).collect::<Vec<_>>(), ["db", "cache", "web"]);
    let edges: Vec<_> =
        decls[2].edges.iter().map(|edge| (edge.to.as_str(), edge.need, edge.range.is_some())).collect();
    let expected = [
        ("db", Need::Hard, true),
        ("cache", Need::Hard, false),
        ("absent", Need::Optional, false),
        ("mail", Need::Optional, false),
    ];
    assert_eq!(edges, expected);
    assert_eq!(decls[2].settings.expected_start, Some(Duration::from_millis(250)));
    assert!(Graph::build(decls).is_ok());
}

#[test]
fn who_may_be_called_is_named_and_must_be_there() {
    let load = |calls: &str, granted: &str| {
        let text = format!(
            "version: 1\nhost: {{calls: {calls}}}\nplugins:\n  - {{name: db, run: {{shell: x}}, mayCall: {granted}}}\n  - {{name: web, run: {{shell: x}}, dependencies: [db]}}\n"
        );
        Project::from_bytes("x.yaml", text, &environment())
    };
    let project = load("{queue: 7, cacheBytes: 0, validate: true}", "[web, db]").unwrap().project;
    let calls = &project.host.calls;
    assert_eq!((calls.queue, calls.cache_bytes, calls.validate), (7, 0, true));
    assert_eq!(only_message(&load("{validate: 1}", "[]").unwrap_err()), "expected true or false, found 1");
    assert_eq!(project.plugins[0].may_call, ["web", "db"]);
    let problems = load("{}", "[wab]").unwrap_err();
    assert_eq!(only_message(&problems), "there is no plugin named `wab`");
    assert_eq!(problems.errors[0].hint.as_deref(), Some("did you mean `web`?"));
    assert_eq!(
        only_message(&load("{}", "web").unwrap_err()),
        "expected a list of plugin names, found \"web\""
    );
    assert_eq!(only_message(&load("{que: 1}", "[]").unwrap_err()), "unknown setting `que`");
}

#[test]
fn native_plugins_need_a_program_that_has_them() {
    let text = "version: 1\nplugins: [{name: a, run: {native: clock}}]\n";
    let load = |environment: &Environment| Project::from_bytes("x.yaml", text, environment);
    assert_eq!(only_message(&load(&Environment::empty()).unwrap_err()), "this program has no native plugins");
    let other = Environment::empty().with_natives(["clocks"]);
    let problems = load(&other).unwrap_err();
    assert_eq!(only_message(&problems), "this program has no native plugin `clock`");
    assert_eq!(problems.errors[0].hint.as_deref(), Some("did you mean `clocks`?"));
    assert!(load(&Environment::empty().with_natives(["clock"])).is_ok());
}

#[test]
fn a_file_for_another_machine_can_be_checked_without_its_programs() {
    let text = "version: 1\nplugins: [{name: a, run: {command: nowhere}, cwd: /nowhere/at/all}]\n";
    assert!(Project::from_bytes("x.yaml", text, &environment()).is_err());
    let elsewhere = environment().without_machine_checks();
    assert!(Project::from_bytes("x.yaml", text, &elsewhere).is_ok());
}

#[test]
fn programs_are_found_as_execvp_finds_them() {
    let golden = std::env::current_dir().unwrap().join("tests/golden");
    let find = |program: &str, path: Option<&str>| {
        resolve_program(program.as_ref(), &golden, path.map(AsRef::as_ref))
    };
    assert_eq!(find("worker", Some("/nowhere:bin")), Ok(golden.join("bin/worker")));
    assert_eq!(find("./bin/worker", None), Ok(golden.join("./bin/worker")));
    assert_eq!(find("worker", Some("/nowhere")), Err(NotRunnable::NotFound));
    assert_eq!(
        find("notes", Some("bin:/nowhere")),
        Err(NotRunnable::NotExecutable(golden.join("bin/notes")))
    );
    assert_eq!(find("bin/", None), Err(NotRunnable::Folder(golden.join("bin/"))));
    assert!(find("sh", None).is_ok(), "without PATH, /bin and /usr/bin are searched");
}

#[test]
fn too_many_problems_are_counted_not_listed() {
    let text = format!("version: 1\nplugins: [{}]", "{name: a, run: {shell: x}}, ".repeat(1000));
    let problems = Project::from_bytes("x.yaml", text, &environment()).unwrap_err();
    assert_eq!((problems.errors.len(), problems.omitted), (200, 799));
    assert!(problems.to_string().ends_with("200 errors, 799 more left out"));
}

#[test]
fn a_problem_as_json_says_what_the_text_says() {
    let text =
        "version: 1\nplugins:\n  - name: a\n    run: {shell: x}\n    lifecycle: {health: {interval: 500}}\n";
    let problems = Project::from_bytes("x.yaml", text, &environment()).unwrap_err();
    let expected = concat!(
        r#"{"severity":"error","file":"x.yaml","line":5,"column":36,"endLine":5,"endColumn":39,"#,
        r#""path":"plugins[0].lifecycle.health.interval","#,
        r#""message":"expected an integer of at least 1000, found 500","found":"500","allowed":"an integer of at least 1000"}"#
    );
    assert_eq!(problems.errors[0].to_json_value().to_string(), expected);
}

/// The reference shows a whole file; it must be one.
#[test]
fn the_file_of_the_reference_is_right() {
    let reference = fs::read_to_string("FORMAT.md").unwrap();
    let (_, rest) = reference.split_once("```yaml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let elsewhere = environment().with_variable("DB_PASSWORD", "x").without_machine_checks();
    match Project::from_bytes("tests/golden/hothouse.yaml", text, &elsewhere) {
        Ok(loaded) => assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings),
        Err(problems) => panic!("{problems}"),
    }
}
