//! Why a child could not be spawned, said so that it can be put right.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use hothouse_kernel::{Code, Failure, Stage};

use super::program::{check_folder, not_executable};
use crate::words::shown;

/// Why a child could not be spawned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpawnError {
    /// What failed: `cannot run ./worker.py: No such file or directory (os error 2)`.
    pub message: String,
    /// What is behind it, or what to do about it, if that is known.
    pub hint: Option<String>,
}

impl SpawnError {
    /// An error of which nothing more is known.
    pub(crate) fn new(message: impl Into<String>) -> SpawnError {
        SpawnError { message: message.into(), hint: None }
    }

    /// This program could not be run, for this reason.
    pub(super) fn of(program: &OsStr, error: &io::Error) -> SpawnError {
        SpawnError::new(format!("cannot run {}: {error}", program.display()))
    }

    /// There was nobody to make this program's process, for this reason.
    pub(super) fn not_asked(program: &OsStr, error: &io::Error) -> SpawnError {
        SpawnError::new(format!("cannot run {}: the process that makes others: {error}", program.display()))
    }

    /// What the child was to be connected with could not be made.
    pub(crate) fn no_channel(error: &io::Error) -> SpawnError {
        SpawnError::new(format!("cannot make a pipe or socket for the child: {error}"))
    }

    /// The child was there, and there was no room to watch it; it has been killed.
    pub(crate) fn not_watched(error: &io::Error) -> SpawnError {
        SpawnError::new(format!("cannot watch the child: {error}"))
    }

    /// Somebody listens where this child is expected to; `holder` if it is known who.
    pub(crate) fn taken(address: &crate::probe::Address, holder: Option<String>) -> SpawnError {
        let who = holder.unwrap_or_else(|| {
            "something of another user, or outside of this container, which cannot be named from here".into()
        });
        SpawnError::new(format!("{address} accepts connections already, before the plugin was started"))
            .hint(format!("the port is held by {who}"))
    }

    /// The thread that spawns is gone.
    pub(crate) fn stopped() -> SpawnError {
        SpawnError::new("cannot run anything: the host is shutting down")
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> SpawnError {
        self.hint = Some(hint.into());
        self
    }

    /// The operating system refused to run this file; `size` is that of arguments and environment together.
    pub(super) fn explain(
        program: &OsStr,
        file: &Path,
        cwd: &Path,
        size: usize,
        error: &io::Error,
    ) -> SpawnError {
        if let Err(error) = check_folder(program, cwd) {
            return error;
        }
        let this = SpawnError::of(program, error);
        let file = cwd.join(file);
        match error.raw_os_error() {
            Some(libc::ENOENT) if file.exists() => this.hint(missing_interpreter(&file)),
            Some(libc::EACCES) if file.is_dir() => this.hint("it is a folder"),
            Some(libc::EACCES) if file.is_file() => this.hint(not_executable(&file)),
            Some(libc::ENOEXEC) => this.hint(
                "the file is neither a program for this machine nor a script whose first line begins with `#!`",
            ),
            Some(libc::E2BIG) => this.hint(format!("its arguments and environment take {size} bytes")),
            _ => this,
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl std::error::Error for SpawnError {}

impl From<SpawnError> for Failure {
    fn from(error: SpawnError) -> Failure {
        let failure = Failure::new(Code::SpawnFailed, Stage::Spawn, error.message);
        match error.hint {
            Some(hint) => failure.with_detail(hint),
            None => failure,
        }
    }
}

/// The file is there, and yet something was not found: what it asks to be run by.
fn missing_interpreter(file: &Path) -> String {
    let mut start = Vec::new();
    // What cannot be read has no first line to name.
    let _ = File::open(file).and_then(|file| file.take(256).read_to_end(&mut start));
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match line.starts_with(b"#!") {
        true => {
            let returned = if line.ends_with(b"\r") { ", which ends with a carriage return" } else { "" };
            format!(
                "the file is there, but the interpreter of its first line is not: `{}`{returned}",
                shown(line)
            )
        }
        false => "the file is there, but the loader that it was built for is not".into(),
    }
}
