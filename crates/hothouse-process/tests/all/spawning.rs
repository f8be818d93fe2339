//! What a child is given, and what is said when there is none.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hothouse_kernel::{Code, Rung, Stage};
use hothouse_process::{EnvPlan, Readiness, Transport};

use crate::bench::{Host, command, fixture, fixtures, process, words};

/// A folder of this test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn file(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The failure of a program that cannot be run: its message, and what is added to it.
fn failure(program: Vec<OsString>, cwd: &Path, path: &str) -> (String, Option<String>) {
    let host = Host::new();
    let mut spec = command(program, Readiness::Spawned);
    spec.cwd = cwd.to_owned();
    spec.env = EnvPlan::clean().set("PATH", path);
    let life = host.command(spec);
    let failure = life.failure();
    assert_eq!((failure.code, failure.stage), (Code::SpawnFailed, Stage::Spawn));
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "never ran");
    assert_eq!(life.answers().len(), 2, "{:?}", life.answers());
    (failure.message.into(), failure.detail.map(Into::into))
}

#[test]
fn what_cannot_be_run_is_named() {
    let here = folder("what_cannot_be_run_is_named");
    let shown = here.display();
    file(&here, "plain.py", "#!/usr/bin/python3\n", 0o644);
    file(&here, "lost.py", "#!/usr/bin/pythn3 -I\n", 0o755);
    file(&here, "dos.py", "#!/usr/bin/python3\r\n", 0o755);
    file(&here, "text", "hello\n", 0o755);
    let fails = |program: &str| failure(words(&[program]), &here, "/nowhere:.");

    let (message, hint) = fails("./worker.py");
    assert_eq!(message, "cannot run ./worker.py: No such file or directory (os error 2)");
    assert_eq!(hint, None);

    let (message, hint) = fails("worker");
    assert_eq!(message, "cannot run worker: No such file or directory (os error 2)");
    assert_eq!(hint.unwrap(), "it is in none of the folders of PATH: /nowhere:.");

    for (program, file) in [("./plain.py", "plain.py"), ("plain.py", "plain.py")] {
        let (message, hint) = fails(program);
        assert_eq!(message, format!("cannot run {program}: Permission denied (os error 13)"));
        assert_eq!(
            hint.unwrap(),
            format!("the file may not be executed; to change that: chmod +x {shown}/{file}")
        );
    }

    let (message, hint) = fails("./lost.py");
    assert_eq!(message, "cannot run ./lost.py: No such file or directory (os error 2)");
    assert_eq!(
        hint.unwrap(),
        "the file is there, but the interpreter of its first line is not: `#!/usr/bin/pythn3 -I`"
    );

    let hint = fails("./dos.py").1.unwrap();
    assert!(hint.ends_with("`#!/usr/bin/python3`, which ends with a carriage return"), "{hint}");

    let (message, hint) = fails("./text");
    assert_eq!(message, "cannot run ./text: Exec format error (os error 8)");
    assert!(hint.unwrap().starts_with("the file is neither a program for this machine nor a script"));

    let (message, hint) = fails("/usr");
    assert_eq!(message, "cannot run /usr: Permission denied (os error 13)");
    assert_eq!(hint.unwrap(), "it is a folder");
}

#[test]
fn what_it_is_run_with_may_be_wrong_as_well() {
    let here = folder("what_it_is_run_with");
    let fails = |program, cwd: &Path| failure(program, cwd, "/usr/bin:/bin");

    let gone = here.join("gone");
    let (message, _) = fails(words(&["true"]), &gone);
    let reason = "No such file or directory (os error 2)";
    assert_eq!(message, format!("cannot run true: its working directory {}: {reason}", gone.display()));

    file(&here, "file", "", 0o644);
    let (message, _) = fails(words(&["true"]), &here.join("file"));
    assert!(message.ends_with("/file: Not a directory (os error 20)"), "{message}");

    let long = "x".repeat(200_000);
    let (message, hint) = fails(words(&["true", &long]), &here);
    assert_eq!(message, "cannot run true: Argument list too long (os error 7)");
    assert!(hint.unwrap().starts_with("its arguments and environment take 200"));

    assert_eq!(fails(words(&[]), &here).0, "cannot run anything: the command is empty");
    let (message, _) = fails(words(&["true", "a\0b"]), &here);
    assert!(message.starts_with("cannot run true: "), "{message}");
}

#[test]
fn a_stop_before_the_failure_is_known_is_only_answered_by_the_end() {
    let host = Host::new();
    for _ in 0..50 {
        let life = host.command(command(words(&["./none"]), Readiness::Spawned));
        life.stop(Rung::Kill);
        life.exit();
        let answers = life.answers();
        assert!(answers.last().unwrap().starts_with("Gone"), "{answers:?}");
    }
}

#[test]
fn a_child_has_what_it_is_given_and_nothing_else() {
    let host = Host::new();
    // Descriptors that this process has open, and would hand on if nothing were done about it.
    let leaks: Vec<_> = (0..20).map(|_| rustix::io::dup(std::io::stderr()).unwrap()).collect();
    for (transport, fds) in [(Transport::Fd, &["0", "1", "2", "3"][..]), (Transport::Stdio, &["0", "1", "2"])]
    {
        let mut spec = process(fixture("rude.py", &["tells", "an argument"]), transport);
        spec.cwd = "/usr/share".into();
        spec.env = EnvPlan::clean().set("GREETING", "hello").set("LC_CTYPE", "C.UTF-8");
        let life = host.process(spec);
        life.started();
        let told = life.call(1, "report", "null").unwrap().read::<serde_json::Value>().unwrap();
        // Listing the folder takes a descriptor of its own, which is closed again when it is looked at.
        assert_eq!(told["fds"], serde_json::json!(fds));
        assert_eq!(told["cwd"], "/usr/share");
        assert_eq!(told["argv"][2], "an argument");
        assert_eq!(told["group"], true);
        assert_eq!(told["SigBlk"], "0000000000000000");
        // Python itself ignores SIGPIPE and SIGXFSZ.
        assert_eq!(told["SigIgn"], "0000000001001000");
        let mut env = serde_json::json!({"GREETING": "hello", "LC_CTYPE": "C.UTF-8"});
        if transport == Transport::Fd {
            assert_eq!(told["stdin"], "/dev/null");
            env["HOTHOUSE_FD"] = "3".into();
        }
        let mut has = told["env"].clone();
        let mark = has.as_object_mut().unwrap().remove("HOTHOUSE_LIFE").unwrap();
        assert!(mark.as_str().unwrap().contains("/demo/"), "{mark}");
        assert_eq!(has, env);
        life.stop(Rung::Kill);
        life.exit();
    }
    drop(leaks);
}

#[test]
fn a_program_is_found_in_the_path_and_in_the_folder_of_the_child() {
    let host = Host::new();
    let mut spec = command(words(&["./ready.sh"]), Readiness::Fd(3));
    spec.env = EnvPlan::clean().set("PATH", "/usr/bin:/bin");
    host.command(spec.clone()).started();
    spec.program = words(&["ready.sh"]);
    spec.env = EnvPlan::clean().set("PATH", "/nowhere::/usr/bin:/bin");
    host.command(spec.clone()).started();
    spec.cwd = fixtures().parent().unwrap().to_owned();
    spec.env = EnvPlan::clean().set("PATH", "plugins:/usr/bin:/bin");
    host.command(spec).started();
}
