//! What is asked of the spawner, and how it is carried out on its thread.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::io::fcntl_dupfd_cloexec;

use super::program::find;
use super::{SpawnError, SpawnedChild};
use crate::{EnvPlan, sys};

/// A child to be spawned.
#[derive(Debug)]
pub struct SpawnRequest {
    /// The program and its arguments. A program without a slash is looked for in the child's `PATH`.
    pub command: Vec<OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Its environment.
    pub env: EnvPlan,
    /// What becomes which of its descriptors. The child has these and no others.
    pub fds: Vec<(Source, RawFd)>,
}

/// What a descriptor of the child is made from.
#[derive(Debug)]
pub enum Source {
    /// `/dev/null`, open for reading and writing.
    Null,
    /// A copy of this one, which is closed on this side when the child is there.
    Fd(OwnedFd),
}

impl SpawnRequest {
    /// Spawns the child on this thread.
    pub(super) fn carry_out(self, null: &OwnedFd) -> Result<SpawnedChild, SpawnError> {
        let variables = self.env.variables();
        let file =
            find(&self.command, variables.get(OsStr::new("PATH")).map(OsString::as_os_str), &self.cwd)?;
        let spawned = self.spawn(&file, &variables, null);
        spawned.map_err(|error| {
            let size = self.command.iter().map(|word| word.len() + 1).sum::<usize>()
                + variables.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
            SpawnError::explain(&self.command[0], &file, &self.cwd, size, &error)
        })
    }

    fn spawn(
        &self,
        file: &std::path::Path,
        variables: &BTreeMap<OsString, OsString>,
        null: &OwnedFd,
    ) -> io::Result<SpawnedChild> {
        let path = CString::new(file.as_os_str().as_bytes())?;
        let cwd = CString::new(self.cwd.as_os_str().as_bytes())?;
        let arguments = self.command.iter().map(|word| CString::new(word.as_bytes()));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let environment = variables.iter().map(|(name, value)| entry(name, value));
        let environment = environment.collect::<Result<Vec<_>, _>>()?;
        let above = self.fds.iter().map(|(_, target)| target + 1).max().unwrap_or(0);
        let mut moved = Vec::new();
        for (source, target) in &self.fds {
            let source = source.fd(null);
            let copy =
                (source.as_raw_fd() < above).then(|| fcntl_dupfd_cloexec(source, above)).transpose()?;
            moved.push((source, copy, *target));
        }
        let fds: Vec<(BorrowedFd<'_>, RawFd)> = moved
            .iter()
            .map(|(source, copy, target)| (copy.as_ref().map_or(*source, AsFd::as_fd), *target))
            .collect();
        let plan =
            sys::Plan { path: &path, arguments: &arguments, environment: &environment, cwd: &cwd, fds: &fds };
        SpawnedChild::adopt(sys::spawn(&plan)?)
    }
}

impl Source {
    fn fd<'a>(&'a self, null: &'a OwnedFd) -> BorrowedFd<'a> {
        match self {
            Source::Null => null.as_fd(),
            Source::Fd(fd) => fd.as_fd(),
        }
    }
}

fn entry(name: &OsStr, value: &OsStr) -> io::Result<CString> {
    let mut entry = Vec::with_capacity(name.len() + value.len() + 2);
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'=');
    entry.extend_from_slice(value.as_bytes());
    Ok(CString::new(entry)?)
}
