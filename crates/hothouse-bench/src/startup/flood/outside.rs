//! The same flood outside of the host: the same child, and a process that copies what it writes into files that take
//! each other's place, as those of a log do.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::super::played;
use super::{KEEP, MAX_SIZE, flooding};
use crate::error::Outcome;

/// The role of the process that copies.
pub(in crate::startup) const READER: &str = "log-reader";

/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

/// A flood that is under way; it ends when this is dropped.
pub(super) struct Outside {
    flood: Child,
    reader: Child,
}

impl Outside {
    /// One whose files are in this folder.
    pub(super) fn start(folder: &Path) -> Outcome<Outside> {
        let (end, its) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let mut reader = Command::new(std::env::current_exe()?);
        let reader = reader.args([played::ROLE, READER]).arg(folder).stdin(end).spawn()?;
        let words = flooding(0)?;
        let mut flood = Command::new(&words[0]);
        let flood = flood.args(&words[1..]).stdin(Stdio::null()).stdout(its).spawn()?;
        Ok(Outside { flood, reader })
    }

    /// The process that writes.
    pub(super) fn pid(&self) -> u32 {
        self.flood.id()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        for child in [&mut self.flood, &mut self.reader] {
            // One that has ended by itself is reaped all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Copies its standard input into files of this folder until it ends.
pub(in crate::startup) fn read(folder: &Path) -> Outcome<()> {
    let mut input = File::from(std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?);
    let mut buffer = vec![0; CHUNK];
    let mut number: u32 = 0;
    let next = |number: u32| File::create(folder.join((number % (KEEP + 1)).to_string()));
    let (mut file, mut size) = (next(number)?, 0);
    loop {
        let length = input.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if size + length as u64 > MAX_SIZE {
            number = number.wrapping_add(1);
            (file, size) = (next(number)?, 0);
        }
        file.write_all(&buffer[..length])?;
        size += length as u64;
    }
}
