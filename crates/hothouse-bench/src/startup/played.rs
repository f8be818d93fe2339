//! This program once more, as a process that plays one part and does nothing else, so that it can be looked at from
//! outside.
//!
//! It says `up` when it is ready, then one line for each that it is sent, and ends with its standard input.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{flood, footprint, spawn};
use crate::error::Outcome;
use crate::trouble;

/// The argument by which this program plays a part, which the next ones name.
pub(crate) const ROLE: &str = "play";

/// Plays that part.
pub(crate) fn play(role: &[&str]) -> Outcome<()> {
    match role {
        [footprint::ROLE, children] => footprint::play(children.parse()?),
        [spawn::ROLE, megabytes] => spawn::play(megabytes.parse()?),
        [trouble::WATCHED, kind, plugins, watched] => {
            trouble::play_watched(kind, plugins.parse()?, *watched == "watched")
        }
        [flood::ROLE, folder] => flood::play(folder.as_ref()),
        [flood::READER, folder] => flood::read(folder.as_ref()),
        _ => Err("there is no such part to play".into()),
    }
}

/// Says that it is up, and gives one answer to each line until there are no more.
pub(crate) fn listen(mut answer: impl FnMut() -> Outcome<String>) -> Outcome<()> {
    println!("up");
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", answer()?);
    }
    Ok(())
}

/// A process that plays a part.
pub(crate) struct Played {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Played {
    /// It is up when this returns.
    pub(crate) fn start(role: &[&str]) -> Outcome<Played> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).args(role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let says = BufReader::new(process.stdout.take().ok_or("its stdout is piped")?);
        let mut played = Played { process, says };
        match played.hear()?.as_str() {
            "up" => Ok(played),
            _ => Err("the host process did not come up".into()),
        }
    }

    /// What it answers.
    pub(crate) fn ask(&mut self) -> Outcome<String> {
        self.process.stdin.as_mut().ok_or("its stdin is piped")?.write_all(b"\n")?;
        self.hear()
    }

    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.into()),
            None => Err("the host process ended".into()),
        }
    }

    /// A size from its `/proc/PID/status`.
    pub(super) fn megabytes(&self, field: &str) -> Outcome<f64> {
        megabytes(self.process.id(), field)
    }

    /// How often its threads have gone to sleep, all together: as often as they woke up.
    pub(crate) fn wake_ups(&self) -> Outcome<f64> {
        let mut sum = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            sum += number(&fs::read_to_string(task?.path().join("status"))?, "voluntary_ctxt_switches:")?;
        }
        Ok(sum)
    }

    pub(crate) fn end(&mut self) -> Outcome<()> {
        drop(self.process.stdin.take());
        match self.process.wait()?.success() {
            true => Ok(()),
            false => Err("the host process failed".into()),
        }
    }
}

/// One that is not ended in peace is killed.
impl Drop for Played {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A size from a process's `/proc/PID/status`.
pub(crate) fn megabytes(pid: u32, field: &str) -> Outcome<f64> {
    let kibibytes = number(&fs::read_to_string(format!("/proc/{pid}/status"))?, field)?;
    Ok(kibibytes * 1024.0 / 1e6)
}

/// The number behind a field's name, in a file of `/proc` that has one field in each line.
pub(super) fn number(text: &str, field: &str) -> Outcome<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or("a field of /proc is missing")?;
    Ok(number.parse()?)
}
