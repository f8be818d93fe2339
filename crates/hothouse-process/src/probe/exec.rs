//! Whether a command exits with code 0.

use std::ffi::OsString;
use std::future::poll_fn;
use std::sync::Arc;

use hothouse_runtime::LogSink;

use super::{Endpoint, Surroundings};
use crate::child::Child;
use crate::logs::{LogEnds, Nowhere};
use crate::spawn::{Source, SpawnError, SpawnRequest};

/// Runs it once. Dropping the future kills it and what it started.
pub(super) async fn attempt(command: Vec<OsString>, surroundings: Surroundings) -> Result<(), String> {
    let endpoint = Endpoint::Exec(command.clone());
    let mut child = spawn(command, surroundings).await.map_err(|error| format!("{endpoint}: {error}"))?;
    poll_fn(|cx| child.poll_ended(cx)).await;
    // What it says is of interest only if it fails, and then only the last line, which is kept.
    child.drain().await;
    let end = child.reap();
    if end.is_success() {
        return Ok(());
    }
    let exit = end.into_exit();
    let words = exit.detail.map_or(String::new(), |words| format!(" ({words})"));
    Err(format!("{endpoint}: {}{words}", exit.how))
}

async fn spawn(command: Vec<OsString>, surroundings: Surroundings) -> Result<Child, SpawnError> {
    let (stderr, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|error| SpawnError::no_channel(&error.into()))?;
    let request = SpawnRequest {
        command,
        cwd: surroundings.cwd,
        env: surroundings.env,
        fds: vec![(Source::Null, 0), (Source::Null, 1), (Source::Fd(write), 2)],
        label: surroundings.label,
        keep: None,
    };
    let process = surroundings.spawner.spawn(request).child().await?;
    let log: Arc<dyn LogSink> = Arc::new(Nowhere);
    let child = Child::new(process, LogEnds::new(None, stderr), &log, None);
    child.map_err(|error| SpawnError::not_watched(&error))
}
