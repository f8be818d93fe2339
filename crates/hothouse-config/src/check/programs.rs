//! Questions about this machine: is the working directory there, can the program be run?
//!
//! The answer holds for the moment of the question. What is checked here may still fail at the start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path as FilePath, PathBuf};

use rustix::fs::{Access, access};

use crate::environment::Environment;
use crate::interpolate::similar_file;
use crate::near::nearest;
use crate::problem::Report;
use crate::shape::{PluginDraft, ProgramUse, Setting};

/// What `execvp` searches when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRunnable {
    /// Nothing of that name is there.
    NotFound,
    /// This file is there, but may not be executed.
    NotExecutable(PathBuf),
    /// This is a folder.
    Folder(PathBuf),
}

/// Finds a program as `execvp` does in a child with this working directory and `PATH`: a name with a slash is a path
/// from `cwd`, any other name is looked up in the folders of `path`, where files that may not be executed are passed
/// over.
///
/// # Errors
/// There is no such program, or none that may be executed.
pub fn resolve_program(
    program: &OsStr,
    cwd: &FilePath,
    path: Option<&OsStr>,
) -> Result<PathBuf, NotRunnable> {
    if program.as_encoded_bytes().contains(&b'/') {
        return runnable(cwd.join(program));
    }
    let mut refused = NotRunnable::NotFound;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty folder means the working directory; so does `join` with it.
        match runnable(cwd.join(folder).join(program)) {
            Ok(found) => return Ok(found),
            Err(why @ NotRunnable::NotExecutable(_)) if refused == NotRunnable::NotFound => refused = why,
            Err(_) => {}
        }
    }
    Err(refused)
}

fn runnable(path: PathBuf) -> Result<PathBuf, NotRunnable> {
    match path.metadata() {
        Err(_) => Err(NotRunnable::NotFound),
        Ok(metadata) if metadata.is_dir() => Err(NotRunnable::Folder(path)),
        Ok(_) if access(&path, Access::EXEC_OK).is_err() => Err(NotRunnable::NotExecutable(path)),
        Ok(_) => Ok(path),
    }
}

/// Checks one plugin's working directory and programs.
pub(super) fn check(plugin: &PluginDraft<'_>, setting: &Setting<'_>, report: &mut Report) {
    let Some(cwd) = &plugin.cwd else { return };
    if !cwd.is_dir() {
        // Without its folder, every program with a relative path would be missing as well.
        missing_folder(plugin, cwd, report);
        return;
    }
    let variables = child_path(plugin, setting.environment);
    for program in &plugin.programs {
        let name = OsStr::new(program.program.reveal());
        if let Err(why) = resolve_program(name, cwd, variables.as_deref()) {
            let with_hint = report.wants_hints();
            report.error(not_runnable(program, cwd, variables.as_deref(), &why, with_hint));
        }
    }
}

fn missing_folder(plugin: &PluginDraft<'_>, cwd: &FilePath, report: &mut Report) {
    let Some(field) = plugin.field.get("cwd") else { return };
    let found = field.found();
    let message =
        if cwd.exists() { format!("{found} is not a folder") } else { format!("there is no folder {found}") };
    let near = if report.wants_hints() { similar_file(cwd) } else { None };
    let near = near.map(|near| format!("did you mean `{near}`?"));
    report.error(field.problem(message).found(found).maybe_hint(near));
}

/// The `PATH` that the child will have.
/// `cleanEnv` makes no difference: `PATH` is among what it keeps.
fn child_path(plugin: &PluginDraft<'_>, environment: &Environment) -> Option<OsString> {
    let own: BTreeMap<_, _> = plugin.env.iter().map(|(name, value)| (name.as_str(), value)).collect();
    match own.get("PATH") {
        Some(value) => value.as_ref().map(|text| text.reveal().into()),
        None => environment.variable("PATH").cloned(),
    }
}

fn not_runnable(
    program: &ProgramUse<'_>,
    cwd: &FilePath,
    path: Option<&OsStr>,
    why: &NotRunnable,
    with_hint: bool,
) -> crate::problem::Draft {
    let ProgramUse { program: text, field } = program;
    let name = text.shown();
    let draft = match why {
        NotRunnable::NotFound => {
            let searched = if text.reveal().contains('/') { "" } else { " on PATH" };
            field.problem(format!("program `{name}` not found{searched}"))
        }
        NotRunnable::NotExecutable(_) => {
            field.problem(format!("`{name}` is not executable")).hint(format!("chmod +x {name}"))
        }
        NotRunnable::Folder(_) => field.problem(format!("`{name}` is a folder, not a program")),
    };
    let draft = draft.found(name);
    if *why != NotRunnable::NotFound || text.is_interpolated() || !with_hint {
        return draft;
    }
    if text.reveal().contains('/') {
        let near = similar_file(&cwd.join(text.reveal()));
        return draft.maybe_hint(near.map(|near| format!("did you mean `{near}`?")));
    }
    // A script beside the project file is a frequent reason.
    if cwd.join(text.reveal()).is_file() {
        return draft.hint(format!("did you mean `./{name}`? Without a slash only PATH is searched"));
    }
    draft.near(similar_program(text.reveal(), path).as_deref())
}

/// The program on `PATH` whose name is nearest.
fn similar_program(name: &str, path: Option<&OsStr>) -> Option<String> {
    let folders = std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))).take(20);
    let entries = folders.filter_map(|folder| folder.read_dir().ok()).flat_map(|entries| entries.take(5000));
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.dedup();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}
