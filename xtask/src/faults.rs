//! `cargo xtask faults`: plants one mistake after the other in a copy of the kernel, and sees whether the search
//! finds it. A search that lets a planted mistake pass would let a real one pass as well.
//!
//! The faults are in `xtask/faults/*.fault`: why it matters, the file, the text to find (exactly once) and what to
//! put there. The copy lives under the target folder; the sources of the repository are never touched.

use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The crates that the copy consists of.
const CRATES: [&str; 3] = ["hothouse-protocol", "hothouse-kernel", "hothouse-sim"];
/// The longest that building and searching may take for one fault: some faults make the kernel go round in circles.
const LIMIT: Duration = Duration::from_secs(180);
/// The most address space, in KiB, that a run may take, for the same reason.
const MEMORY_KIB: u64 = 8 * 1024 * 1024;

const USAGE: &str = "\
cargo xtask faults            plant every fault
cargo xtask faults NAME ...   plant those whose names contain one of these";

/// Runs the command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(option) = args.iter().find(|arg| arg.starts_with('-')) {
        eprintln!("`{option}` is no option of `cargo xtask faults`\n\n{USAGE}");
        return ExitCode::from(2);
    }
    match plant_all(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask faults: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One mistake.
struct Fault {
    name: String,
    why: String,
    file: PathBuf,
    find: String,
    replace: String,
}

/// What the search made of the kernel.
enum Search {
    /// It found nothing.
    Passed,
    /// It found something by this check.
    Found(String),
    /// The copy could not be compiled, which proves nothing.
    NotBuilt(String),
}

fn plant_all(wanted: &[String]) -> io::Result<bool> {
    let root = repository();
    let faults: Vec<Fault> = read_faults(&root.join("xtask/faults"))?
        .into_iter()
        .filter(|fault| wanted.is_empty() || wanted.iter().any(|part| fault.name.contains(part.as_str())))
        .collect();
    if faults.is_empty() {
        return Err(io::Error::other("no fault of that name in xtask/faults"));
    }
    let scratch = target_folder(&root).join("faults");
    copy_workspace(&root, &scratch)?;
    if let Search::Found(what) | Search::NotBuilt(what) = search(&scratch)? {
        return Err(io::Error::other(format!("the kernel without any fault does not pass: {what}")));
    }
    let width = faults.iter().map(|fault| fault.name.len()).max().unwrap_or(0);
    let mut all_found = true;
    for fault in &faults {
        let began = Instant::now();
        let (verdict, found) = plant(&root, &scratch, fault)?;
        all_found &= found;
        println!("{:width$}  {verdict}  ({:.0} s)", fault.name, began.elapsed().as_secs_f64());
        if !found {
            println!("{:width$}  it matters: {}", "", fault.why);
        }
    }
    println!(
        "{} faults planted, {}",
        faults.len(),
        if all_found { "each was found" } else { "NOT ALL FOUND" }
    );
    Ok(all_found)
}

/// Plants one fault, searches, and puts the sound file back.
fn plant(root: &Path, scratch: &Path, fault: &Fault) -> io::Result<(String, bool)> {
    let sound = fs::read_to_string(root.join(&fault.file))?;
    let matches = sound.matches(&fault.find).count();
    if matches != 1 {
        let place = fault.file.display();
        return Ok((format!("DOES NOT APPLY: its text is {matches} times in {place}"), false));
    }
    let planted = scratch.join(&fault.file);
    fs::write(&planted, sound.replacen(&fault.find, &fault.replace, 1))?;
    let result = search(scratch)?;
    fs::write(&planted, sound)?;
    Ok(match result {
        Search::Passed => (String::from("SURVIVED"), false),
        Search::Found(check) => (format!("found by {check}"), true),
        Search::NotBuilt(why) => (format!("DOES NOT COMPILE: {why}"), false),
    })
}

/// Builds the copy and runs its search: small graphs against the oracle, and some thousand stories.
fn search(scratch: &Path) -> io::Result<Search> {
    let script = format!(
        "ulimit -v {MEMORY_KIB}; exec cargo test --quiet --offline --package hothouse-sim --test search 2>&1"
    );
    let child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(scratch)
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A group of its own, so that cargo and the test it runs can be ended together.
        .process_group(0)
        .spawn()?;
    let Some((passed, output)) = finish(child)? else {
        return Ok(Search::Found(format!("the clock: it did not end within {} s", LIMIT.as_secs())));
    };
    if passed {
        return Ok(Search::Passed);
    }
    if let Some(error) = output.lines().find(|line| line.starts_with("error")).filter(|_| !ran(&output)) {
        return Ok(Search::NotBuilt(error.to_owned()));
    }
    let mut checks: Vec<&str> =
        output.lines().filter_map(|line| line.split_once("found by: ")).map(|(_, check)| check).collect();
    checks.sort_unstable();
    checks.dedup();
    Ok(Search::Found(if checks.is_empty() { String::from("a panic") } else { checks.join(" and ") }))
}

/// Whether the output is that of a test that ran.
fn ran(output: &str) -> bool {
    output.contains("running ")
}

/// Waits for a child and reads what it says; `None` if it had to be ended.
fn finish(mut child: Child) -> io::Result<Option<(bool, String)>> {
    let Some(mut out) = child.stdout.take() else { return Err(io::Error::other("no output")) };
    let (send, receive) = std::sync::mpsc::channel();
    // The reader comes to its end when everybody who holds the pipe is gone, which is what is waited for.
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = out.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned());
        // Nobody may be waiting any more.
        let _ = send.send(read);
    });
    match receive.recv_timeout(LIMIT) {
        Ok(text) => Ok(Some((child.wait()?.success(), text?))),
        Err(_) => {
            Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
            child.wait()?;
            Ok(None)
        }
    }
}

fn repository() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Copies the crates and makes a workspace of them: the versions of the repository, fewer members, and one profile
/// that builds fast and runs fast enough.
fn copy_workspace(root: &Path, scratch: &Path) -> io::Result<()> {
    for name in CRATES {
        let to = scratch.join("crates").join(name);
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        copy_folder(&root.join("crates").join(name), &to)?;
    }
    fs::copy(root.join("Cargo.lock"), scratch.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let (before_profiles, _) = manifest.split_once("[profile.").unwrap_or((&manifest, ""));
    let fewer = before_profiles
        .lines()
        .filter(|line| !line.starts_with("members") && !line.starts_with("default-members"))
        .map(|line| if line == "[workspace]" { "[workspace]\nmembers = [\"crates/*\"]" } else { line });
    let mut text = fewer.collect::<Vec<_>>().join("\n");
    text.push_str("\n\n[profile.dev]\nopt-level = 2\ndebug = false\nincremental = true\n");
    fs::write(scratch.join("Cargo.toml"), text)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

fn read_faults(folder: &Path) -> io::Result<Vec<Fault>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "fault"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read_fault(path)).collect()
}

fn read_fault(path: &Path) -> io::Result<Fault> {
    let text = fs::read_to_string(path)?;
    let bad = |what: &str| io::Error::other(format!("{}: {what}", path.display()));
    let header = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
            .ok_or_else(|| bad(&format!("no `{key}`")))
    };
    let between = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        rest.split_once(to).map(|(found, _)| found.to_owned())
    };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Fault {
        name,
        why: header("why:")?.to_owned(),
        file: PathBuf::from(header("file:")?),
        find: between("\n--- find\n", "\n--- replace\n").ok_or_else(|| bad("no `--- find` part"))?,
        replace: between("\n--- replace\n", "\n--- end").ok_or_else(|| bad("no `--- replace` part"))?,
    })
}
