//! Finding a program's file before it is spawned, so that what is missing can be named.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::SpawnError;

/// Where to look if the child has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The program of a command.
pub(super) fn program(command: &[OsString]) -> Result<&OsString, SpawnError> {
    let program = command.first().filter(|program| !program.is_empty());
    program.ok_or_else(|| SpawnError::new("cannot run anything: the command is empty"))
}

/// Whether a program says itself where its file is. Others are looked for, which may take its time.
pub(super) fn is_a_path(program: &OsStr) -> bool {
    program.as_bytes().contains(&b'/')
}

/// The file of a program that is no path, as it can be given to `exec` in that working directory.
pub(super) fn find(program: &OsStr, path: Option<&OsStr>, cwd: &Path) -> Result<PathBuf, SpawnError> {
    check_folder(program, cwd)?;
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut forbidden = None;
    for folder in std::env::split_paths(path) {
        let file = cwd.join(folder).join(program);
        match access(&file, Access::EXEC_OK) {
            Ok(()) if file.is_file() => return Ok(file),
            Err(_) if file.is_file() => forbidden = forbidden.or(Some(file)),
            _ => {}
        }
    }
    Err(match forbidden {
        Some(file) => {
            SpawnError::of(program, &io::Error::from_raw_os_error(libc::EACCES)).hint(not_executable(&file))
        }
        None => SpawnError::of(program, &io::Error::from_raw_os_error(libc::ENOENT))
            .hint(format!("it is in none of the folders of PATH: {}", path.display())),
    })
}

/// What to do about a file that may not be executed.
pub(super) fn not_executable(file: &Path) -> String {
    // Without the `.` that a relative program leaves in it.
    let file: PathBuf = file.components().collect();
    format!("the file may not be executed; to change that: chmod +x {}", file.display())
}

/// What is wrong with a working directory.
pub(super) fn check_folder(program: &OsStr, cwd: &Path) -> Result<(), SpawnError> {
    let error = match std::fs::metadata(cwd) {
        Ok(found) if !found.is_dir() => io::Error::from_raw_os_error(libc::ENOTDIR),
        Ok(_) => match access(cwd, Access::EXEC_OK) {
            Ok(()) => return Ok(()),
            Err(error) => error.into(),
        },
        Err(error) => error,
    };
    let (program, cwd) = (program.display(), cwd.display());
    Err(SpawnError::new(format!("cannot run {program}: its working directory {cwd}: {error}")))
}
