//! What having children costs without a host: spawn them with the standard library, which uses `posix_spawn`, and wait
//! for each one's sign of life.

use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};

use crate::error::Outcome;

/// Children that are killed when this is dropped.
pub(crate) struct Children(Vec<Child>);

impl Children {
    pub(crate) fn none() -> Children {
        Children(Vec::new())
    }

    /// Spawns one whose standard input is `channel`, if there is one.
    pub(crate) fn spawn(
        &mut self,
        program: &Path,
        arguments: &[&str],
        env: Option<(&str, &str)>,
        channel: Option<OwnedFd>,
    ) -> Outcome<()> {
        let mut command = Command::new(program);
        command.args(arguments).envs(env).stdin(channel.map_or_else(Stdio::null, Stdio::from));
        self.0.push(command.spawn()?);
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended by itself is reaped all the same.
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Waits until each of these has given something to read, and reads it.
pub(super) fn hear_from_all(ends: Vec<OwnedFd>) -> Outcome<()> {
    let mut silent: Vec<std::fs::File> = ends.into_iter().map(std::fs::File::from).collect();
    while !silent.is_empty() {
        let mut polled: Vec<_> =
            silent.iter().map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)).collect();
        poll(&mut polled, None)?;
        let heard: Vec<bool> = polled.iter().map(|end| !end.revents().is_empty()).collect();
        let mut heard = heard.into_iter();
        let mut word = [0; 256];
        let mut error = None;
        silent.retain_mut(|end| {
            if heard.next() != Some(true) {
                return true;
            }
            match end.read(&mut word) {
                Ok(0) => error = Some("a child ended before it was ready".to_owned()),
                Ok(_) => {}
                Err(failed) => error = Some(failed.to_string()),
            }
            false
        });
        if let Some(error) = error {
            return Err(error.into());
        }
    }
    Ok(())
}
