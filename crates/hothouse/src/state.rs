//! That only one host has a state folder. Two would write into one another's logs, and number their events twice.
//!
//! The socket keeps two hosts of one socket apart; this keeps those apart that have different ones, or are of different
//! projects. A folder that cannot be written to is no reason to refuse anything: whoever writes there says so.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The lock's name in the folder.
const LOCK: &str = "host.lock";

/// A state folder that this host has, as long as this is held.
pub(crate) struct StateClaim {
    /// Nothing, if the folder cannot be written to.
    _lock: Option<File>,
}

/// The host that has the folder, as far as it has said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OtherHost {
    pub(crate) pid: Option<u32>,
    pub(crate) socket: Option<PathBuf>,
}

/// Takes the folder for the host that has this control socket.
pub(crate) fn claim(folder: &Path, socket: &Path) -> Result<StateClaim, OtherHost> {
    let Ok(mut lock) = open(folder) else { return Ok(StateClaim { _lock: None }) };
    match lock.try_lock() {
        Ok(()) => {
            // On a full disk nobody is named, and kept out all the same.
            let _ = sign(&mut lock, socket);
            Ok(StateClaim { _lock: Some(lock) })
        }
        Err(TryLockError::WouldBlock) => Err(OtherHost::who_signed(&mut lock)),
        Err(TryLockError::Error(_)) => Ok(StateClaim { _lock: None }),
    }
}

fn open(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600).open(folder.join(LOCK))
}

/// Writes into the file who has it: the process's number, and on the next line its control socket.
fn sign(lock: &mut File, socket: &Path) -> io::Result<()> {
    let socket = std::path::absolute(socket)?;
    lock.set_len(0)?;
    let mut text = format!("{}\n", std::process::id()).into_bytes();
    text.extend(socket.as_os_str().as_bytes());
    lock.write_all(&text)
}

impl OtherHost {
    fn who_signed(lock: &mut File) -> OtherHost {
        let mut text = Vec::new();
        // What cannot be read, or is not written yet, names nobody.
        let _ = lock.rewind().and_then(|()| lock.read_to_end(&mut text));
        let line = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
        let pid = std::str::from_utf8(&text[..line]).ok().and_then(|pid| pid.parse().ok());
        let socket = text.get(line + 1..).filter(|socket| !socket.is_empty());
        let socket = socket.map(|socket| PathBuf::from(std::ffi::OsString::from_vec(socket.to_vec())));
        OtherHost { pid, socket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_host_and_a_second_one_learns_which() {
        let folder = std::env::temp_dir().join(format!("hothouse-state-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let first = claim(&folder, Path::new("/run/a b/s"));
        let other = OtherHost { pid: Some(std::process::id()), socket: Some("/run/a b/s".into()) };
        assert_eq!(claim(&folder, Path::new("/run/c")).err(), Some(other));
        drop(first);
        let second = claim(&folder, Path::new("/run/c")).ok();
        assert!(second.is_some());
        std::fs::write(folder.join(LOCK), "").unwrap();
        let unknown = OtherHost { pid: None, socket: None };
        assert_eq!(claim(&folder, Path::new("/run/d")).err(), Some(unknown));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_had_keeps_nobody_out() {
        assert!(claim(Path::new("/proc/self/status/state"), Path::new("s")).is_ok());
    }
}
