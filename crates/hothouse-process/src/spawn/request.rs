//! What is asked of the spawner, and what comes of it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::Interest;

use super::child::Life;
use super::link::Link;
use super::program::find;
use super::{SpawnError, SpawnedChild};
use crate::keeper::wire::{self, Keep, LOGS, Launch, Told};
use crate::{EnvPlan, ledger, sys};

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
    /// Whose it is, for those who come upon what is left of it: `api/7`. Without white space.
    pub label: String,
    /// What is needed for it to outlive this host if that is killed. `None`: it ends with the host. So it does where no
    /// ledger is kept.
    pub keep: Option<KeepRequest>,
}

/// How a child is kept that is to outlive its host.
#[derive(Debug)]
pub struct KeepRequest {
    /// What it is made from, as a number by which the next host knows whether it would make the same.
    pub fingerprint: u64,
    /// The number of the signal that asks it to end.
    pub stop_signal: i32,
    /// Copies of the reading ends of its log, stdout and stderr, so that it can go on writing.
    pub logs: [OwnedFd; LOGS],
}

/// What a descriptor of the child is made from.
#[derive(Debug)]
pub enum Source {
    /// `/dev/null`, open for reading and writing.
    Null,
    /// A copy of this one, which is closed on this side when the child is there.
    Fd(OwnedFd),
}

/// A child that the spawner has been asked for.
pub(super) struct Asked {
    control: OwnedFd,
    mark: String,
    label: String,
    /// What is needed to explain why there is none.
    program: OsString,
    file: PathBuf,
    cwd: PathBuf,
    size: usize,
}

impl SpawnRequest {
    /// Asks the spawner for the child.
    pub(super) fn ask(self, link: &mut Link, null: &OwnedFd, run: &Arc<str>) -> Result<Asked, SpawnError> {
        let mark = ledger::mark(run, &self.label);
        let env = self.env.set(ledger::MARK, mark.clone());
        let variables = env.variables();
        let path = variables.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let file = find(&self.command, path, &self.cwd)?;
        let kept = self.keep.and_then(|keep| Some((link.meeting_place(&self.label)?, keep)));
        let keep = kept.as_ref().map(|(path, keep)| Keep {
            path: path.clone().into_os_string(),
            fingerprint: keep.fingerprint,
            stop_signal: keep.stop_signal,
        });
        let launch = Launch {
            file: file.clone().into_os_string(),
            command: self.command,
            environment: variables.iter().map(|(name, value)| entry(name, value)).collect(),
            cwd: self.cwd.into_os_string(),
            targets: self.fds.iter().map(|(_, target)| *target).collect(),
            label: OsString::from(&self.label),
            keep,
        };
        let mut fds: Vec<BorrowedFd<'_>> = self.fds.iter().map(|(source, _)| source.fd(null)).collect();
        fds.extend(kept.iter().flat_map(|(_, keep)| keep.logs.iter().map(AsFd::as_fd)));
        let program = launch.command.first().cloned().unwrap_or_default();
        let mut size = 0;
        for text in launch.command.iter().chain(&launch.environment) {
            wire::terminated(text).map_err(|error| SpawnError::of(&program, &error))?;
            size += text.len() + 1;
        }
        let ask = || {
            let (ours, its) = wire::pair()?;
            link.launch(&launch, its.as_fd(), &fds)?;
            Ok(ours)
        };
        let control = { ask }().map_err(|error| SpawnError::not_asked(&program, &error))?;
        let (label, cwd) = (self.label, launch.cwd.into());
        Ok(Asked { control, mark, label, program, file, cwd, size })
    }
}

impl Asked {
    /// The child, when it has become its program.
    pub(super) async fn child(self) -> Result<SpawnedChild, SpawnError> {
        let socket =
            sys::watch(self.control, Interest::READABLE).map_err(|error| SpawnError::not_watched(&error))?;
        let told = loop {
            let Ok(mut ready) = socket.readable().await else { return Err(SpawnError::stopped()) };
            match ready.try_io(Told::receive) {
                Ok(told) => break told,
                Err(_would_block) => {}
            }
        };
        let error = match told {
            Ok(Told::Spawned { pid, began }) => {
                let life = Life { pid, began, mark: self.mark, label: self.label };
                return Ok(SpawnedChild::new(socket.into_inner(), life));
            }
            Ok(Told::NotSpawned { errno }) => io::Error::from_raw_os_error(errno),
            Ok(Told::Gone { .. } | Told::Lost { .. } | Told::Kept { .. }) => {
                io::Error::other("its keeper was killed")
            }
            Err(error) => error,
        };
        Err(SpawnError::explain(&self.program, &self.file, &self.cwd, self.size, &error))
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

fn entry(name: &OsStr, value: &OsStr) -> OsString {
    let mut entry = OsString::with_capacity(name.len() + value.len() + 1);
    entry.push(name);
    entry.push("=");
    entry.push(value);
    entry
}
