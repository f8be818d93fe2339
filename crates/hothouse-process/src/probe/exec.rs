//! Whether a command exits with code 0.

use std::ffi::OsString;
use std::future::poll_fn;
use std::task::Poll;

use super::{Endpoint, Surroundings};
use crate::child::{Child, LogEnds};
use crate::spawn::{Source, SpawnError, SpawnRequest};

/// Runs it once. Dropping the future kills it and what it started.
pub(super) async fn attempt(command: Vec<OsString>, surroundings: Surroundings) -> Result<(), String> {
    let endpoint = Endpoint::Exec(command.clone());
    let mut child = spawn(command, surroundings).await.map_err(|error| format!("{endpoint}: {error}"))?;
    poll_fn(|cx| {
        // What it says is of interest only if it fails, and then only the last line, which the child keeps.
        while child.poll_logs(cx, &mut |_, _| {}).is_ready() {}
        match child.poll_ended(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    child.drain(&mut |_, _| {});
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
    };
    let process = surroundings.spawner.spawn(request).child().await?;
    Child::new(process, LogEnds { stdout: None, stderr }).map_err(|error| SpawnError::not_watched(&error))
}
