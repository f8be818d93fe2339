//! What is asked for, and what comes of it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::Interest;

use super::child::Life;
use super::idle::IdleKeepers;
use super::link::Link;
use super::program::{find, is_a_path, program};
use super::{Means, SpawnError, SpawnedChild};
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

/// A request as it can be handed on, when what is missing in it has been looked for.
pub(super) struct Draft {
    /// Its file is empty and it is not kept as long as that has not been looked for.
    launch: Launch,
    fds: Vec<Source>,
    keep: Option<KeepRequest>,
    /// The ends of the log that go along if it is kept.
    logs: Option<[OwnedFd; LOGS]>,
    /// The child's `PATH`.
    path: Option<OsString>,
    mark: String,
    label: String,
    /// How many bytes its arguments and environment take.
    size: usize,
}

/// A child that has been asked for.
pub(super) struct Asked {
    control: Arc<OwnedFd>,
    draft: Draft,
    home: Arc<IdleKeepers>,
    /// Whether a keeper has it that was without a child, and may have been killed since.
    was_given: bool,
}

/// Why there is no child.
pub(super) enum NoChild {
    /// The keeper that it was given to was killed while it waited for a child. It can be asked of another one.
    KeeperLost(Box<Draft>),
    For(SpawnError),
}

impl SpawnRequest {
    /// Puts into words what is asked for. Nothing is looked for.
    pub(super) fn draft(self, run: &Arc<str>) -> Result<Draft, SpawnError> {
        let mark = ledger::mark(run, &self.label);
        let env = self.env.set(ledger::MARK, mark.clone());
        let variables = env.variables();
        let path = variables.get(OsStr::new("PATH")).map(OsString::from);
        let environment: Vec<OsString> = variables.iter().map(|(name, value)| entry(name, value)).collect();
        let program = program(&self.command)?;
        let mut size = 0;
        for text in self.command.iter().chain(&environment) {
            if text.as_bytes().contains(&0) {
                let why = io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "there is a NUL in its arguments or environment",
                );
                return Err(SpawnError::of(program, &why));
            }
            size += text.len() + 1;
        }
        let (fds, targets) = self.fds.into_iter().unzip();
        let launch = Launch {
            file: Some(program).filter(|program| is_a_path(program)).cloned().unwrap_or_default(),
            environment,
            command: self.command,
            cwd: self.cwd.into_os_string(),
            targets,
            label: OsString::from(&self.label),
            keep: None,
        };
        Ok(Draft { launch, fds, keep: self.keep, logs: None, path, mark, label: self.label, size })
    }
}

impl Draft {
    /// Whether nothing has to be looked for.
    pub(super) fn is_complete(&self) -> bool {
        !self.launch.file.is_empty() && self.keep.is_none()
    }

    /// Looks for what is missing, which may take its time.
    pub(super) fn complete(&mut self, link: &Link) -> Result<(), SpawnError> {
        let Launch { file, command, cwd, .. } = &mut self.launch;
        if file.is_empty() {
            *file = find(program(command)?, self.path.as_deref(), cwd.as_ref())?.into_os_string();
        }
        // Without a meeting place there would be nothing to find it by.
        if let Some(keep) = self.keep.take()
            && let Some(path) = link.meeting_place(&self.label)
        {
            let KeepRequest { fingerprint, stop_signal, logs } = keep;
            self.launch.keep = Some(Keep { path: path.into_os_string(), fingerprint, stop_signal });
            self.logs = Some(logs);
        }
        Ok(())
    }

    /// Gives it to a keeper that is without a child, without waiting for anything. `None`: there is none.
    pub(super) fn give_away(&self, means: &Means) -> Option<Arc<OwnedFd>> {
        let keeper = means.idle.take()?;
        let given = self.launch.give(&*keeper, &self.fds(&means.null));
        given.is_ok().then_some(keeper)
    }

    /// Asks the spawner for it.
    pub(super) fn ask(&self, link: &mut Link, means: &Means) -> Result<Arc<OwnedFd>, SpawnError> {
        let mut ask = || {
            let (ours, its) = wire::pair()?;
            link.launch(&self.launch, its.as_fd(), &self.fds(&means.null))?;
            Ok(Arc::new(ours))
        };
        ask().map_err(|error| SpawnError::not_asked(self.program(), &error))
    }

    /// What it is when it has been handed on.
    pub(super) fn asked(self, control: Arc<OwnedFd>, was_given: bool, means: &Means) -> Asked {
        Asked { control, draft: self, home: Arc::clone(&means.idle), was_given }
    }

    /// Why it came to nothing.
    pub(super) fn explain(&self, error: &io::Error) -> SpawnError {
        let (file, cwd) = (self.launch.file.as_ref(), self.launch.cwd.as_ref());
        SpawnError::explain(self.program(), file, cwd, self.size, error)
    }

    fn program(&self) -> &OsStr {
        self.launch.command.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    fn fds<'a>(&'a self, null: &'a OwnedFd) -> Vec<BorrowedFd<'a>> {
        let fds = self.fds.iter().map(|source| source.fd(null));
        fds.chain(self.logs.iter().flatten().map(AsFd::as_fd)).collect()
    }
}

impl Asked {
    /// The child, when it has become its program. From then on its descriptors are its own alone.
    pub(super) async fn child(self) -> Result<SpawnedChild, NoChild> {
        let socket = sys::watch(self.control, Interest::READABLE)
            .map_err(|error| NoChild::For(SpawnError::not_watched(&error)))?;
        let told = loop {
            let Ok(mut ready) = socket.readable().await else {
                return Err(NoChild::For(SpawnError::stopped()));
            };
            match ready.try_io(Told::receive) {
                Ok(told) => break told,
                Err(_would_block) => {}
            }
        };
        let draft = self.draft;
        // One that was made for this child is missed as it is: whether to try again is not for this place to say.
        let lost = |draft: Draft| match self.was_given {
            true => NoChild::KeeperLost(Box::new(draft)),
            false => NoChild::For(draft.explain(&io::Error::other("its keeper was killed"))),
        };
        match told {
            Ok(Told::Spawned { pid, began }) => {
                let life = Life { pid, began, mark: draft.mark, label: draft.label };
                Ok(SpawnedChild::new(socket.into_inner(), life, Some(self.home)))
            }
            Ok(Told::NotSpawned { errno }) => {
                Err(NoChild::For(draft.explain(&io::Error::from_raw_os_error(errno))))
            }
            Ok(Told::Gone { .. } | Told::Lost { .. } | Told::Kept { .. }) => Err(lost(draft)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(lost(draft)),
            Err(error) => Err(NoChild::For(draft.explain(&error))),
        }
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
