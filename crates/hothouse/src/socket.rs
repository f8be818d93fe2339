//! Where the control socket is, and that only one host listens on it.
//!
//! By default the socket lies in a folder of the user's own (`$XDG_RUNTIME_DIR/hothouse`, else
//! `/tmp/hothouse-UID`), under a name that follows from the project file's full path: short whatever the path, and
//! the same for every command that is given the same project.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use tokio::net::UnixListener;

/// The longest path that a socket can have, with its terminating zero.
const LONGEST: usize = 108;

/// The socket that this host owns; removed when dropped.
pub(crate) struct Owned {
    pub(crate) path: PathBuf,
    inode: u64,
    pub(crate) listener: Option<UnixListener>,
    /// Held as long as the host lives, so that a second one is told so.
    _lock: File,
}

/// Why the socket could not be had.
pub(crate) enum Unavailable {
    /// Another host has it.
    Taken,
    /// For this reason.
    Failed(String),
}

/// The socket of a project.
pub(crate) fn path(project_file: &Path) -> Result<PathBuf, String> {
    let full =
        fs::canonicalize(project_file).map_err(|error| format!("{}: {error}", project_file.display()))?;
    let stem = full.parent().and_then(Path::file_name).map_or_else(String::new, |name| {
        name.to_string_lossy()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
            .take(32)
            .collect()
    });
    let name = format!("{stem}-{:016x}.sock", hash(full.as_os_str().as_encoded_bytes()));
    Ok(folder().join(name))
}

fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(runtime) => runtime.join("hothouse"),
        None => PathBuf::from(format!("/tmp/hothouse-{}", rustix::process::getuid().as_raw())),
    }
}

/// FNV-1a: two projects of one user must not share a name by accident, and that is all it is for.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Takes the socket for this host: mode 0600, in a folder that nobody else can write to.
pub(crate) fn take(path: PathBuf) -> Result<Owned, Unavailable> {
    let failed = |error: String| Unavailable::Failed(error);
    if path.as_os_str().len() >= LONGEST {
        return Err(failed(format!(
            "the control socket's path is {} bytes long, and a socket's path can have {}: {}\n  \
             next: choose a shorter one with --socket",
            path.as_os_str().len(),
            LONGEST - 1,
            path.display()
        )));
    }
    if path.parent() == Some(&folder()) {
        own_folder(&folder()).map_err(|error| failed(format!("{}: {error}", folder().display())))?;
    }
    let described = |error: io::Error| failed(format!("control socket {}: {error}", path.display()));
    let mut lock_path = path.clone().into_os_string();
    lock_path.push(".lock");
    if answers(&path) {
        // The lock may be gone, swept away with other old files; whoever answers is there.
        return Err(Unavailable::Taken);
    }
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    let lock = lock.map_err(described)?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => return Err(Unavailable::Taken),
        other => other.map_err(|error| described(error.into()))?,
    }
    remove_stale(&path).map_err(described)?;
    let listener = UnixListener::bind(&path).map_err(described)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(described)?;
    let inode = fs::symlink_metadata(&path).map_err(described)?.ino();
    Ok(Owned { path, inode, listener: Some(listener), _lock: lock })
}

/// Whether somebody listens there.
fn answers(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_ok()
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

/// A folder that is ours alone. One that somebody else has put there is refused: they could put a socket into it.
fn own_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() || found.mode() & 0o077 != 0 {
        let why = "it is not a folder of this user that is closed to others (mode 0700)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

impl Drop for Owned {
    fn drop(&mut self) {
        // What lies there now may be somebody else's.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_socket_is_short_and_its_own() {
        let here = path(Path::new("Cargo.toml")).unwrap();
        assert_eq!(here, path(Path::new("./src/../Cargo.toml")).unwrap());
        assert_ne!(here, path(Path::new("src/main.rs")).unwrap());
        assert!(here.as_os_str().len() < LONGEST);
        assert!(path(Path::new("no such file")).is_err());
    }
}
