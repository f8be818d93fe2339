//! The control socket, and that only one host listens on it. Where it is by default is in `places`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use tokio::net::UnixListener;

use crate::places::{own_folder, runtime_dir};

/// The longest path that a socket can have, with its terminating zero.
const LONGEST: usize = 108;

/// The socket that this host owns; removed when dropped.
pub(crate) struct Owned {
    pub(crate) path: PathBuf,
    inode: u64,
    pub(crate) listener: Option<UnixListener>,
    /// Held as long as the host lives, so that a second one is told so.
    _claim: Claim,
}

/// The right to be the host of a socket: nobody else can be meanwhile.
pub(crate) struct Claim {
    _lock: File,
}

/// Why the socket could not be had.
pub(crate) enum Unavailable {
    /// Another host has it: the process of this number, if that can be told.
    Taken { pid: Option<i32> },
    /// No socket can have so long a path.
    TooLong(String),
    /// For this reason.
    Failed(String),
}

/// Takes the socket for this host: mode 0600, in a folder that nobody else can write to.
pub(crate) fn take(path: PathBuf) -> Result<Owned, Unavailable> {
    let failed = |error: String| Unavailable::Failed(error);
    if path.as_os_str().len() >= LONGEST {
        return Err(Unavailable::TooLong(format!(
            "the control socket's path is {} bytes long, and a socket's path can have {}: {}\n  \
             next: choose a shorter one with --socket",
            path.as_os_str().len(),
            LONGEST - 1,
            path.display()
        )));
    }
    if path.parent() == Some(&runtime_dir()) {
        own_folder(&runtime_dir())
            .map_err(|error| failed(format!("{}: {error}", runtime_dir().display())))?;
    }
    let claim = claim(&path)?;
    let described = |error| described(&path, &error);
    remove_stale(&path).map_err(described)?;
    let listener = UnixListener::bind(&path).map_err(described)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(described)?;
    let inode = fs::symlink_metadata(&path).map_err(described)?.ino();
    Ok(Owned { path, inode, listener: Some(listener), _claim: claim })
}

/// Takes the right to be the host of that socket, without being it.
pub(crate) fn claim(path: &Path) -> Result<Claim, Unavailable> {
    let described = |error| described(path, &error);
    let mut lock_path = path.to_owned().into_os_string();
    lock_path.push(".lock");
    if let Some(pid) = answers(path) {
        // The lock may be gone, swept away with other old files; whoever answers is there.
        return Err(Unavailable::Taken { pid });
    }
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    let lock = lock.map_err(described)?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => return Err(Unavailable::Taken { pid: None }),
        other => other.map_err(|error| described(error.into()))?,
    }
    Ok(Claim { _lock: lock })
}

fn described(path: &Path, error: &io::Error) -> Unavailable {
    Unavailable::Failed(format!(
        "the control socket {}: {error}\n  next: choose another one with --socket",
        path.display()
    ))
}

/// Whether somebody listens there, and if so, which process.
fn answers(path: &Path) -> Option<Option<i32>> {
    let stream = std::os::unix::net::UnixStream::connect(path).ok()?;
    Some(rustix::net::sockopt::socket_peercred(&stream).ok().map(|peer| peer.pid.as_raw_pid()))
}

/// We hold the lock, so a socket that lies there belongs to a host that is gone. Anything else is not ours to remove.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no socket")),
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // What lies there now may be somebody else's.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
