//! Where a host keeps what is not in the project: the control socket and what else is gone with the machine, and what
//! outlives the host.
//!
//! Everything of a project lies under a name that follows from the project file's full path: short whatever the path,
//! and the same for every command that is given the same project.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use hothouse_config::Project;

/// The control socket of a project, by default.
pub(crate) fn socket(project_file: &Path) -> Result<PathBuf, String> {
    Ok(runtime_dir().join(format!("{}.sock", key(project_file)?)))
}

/// The ledger of the processes of the host that has this control socket.
pub(crate) fn ledger(socket: &Path) -> PathBuf {
    let mut path = socket.to_owned().into_os_string();
    path.push(".lives");
    path.into()
}

/// The folder for what is gone with the machine: `$XDG_RUNTIME_DIR/hothouse`, else `/tmp/hothouse-UID`.
pub(crate) fn runtime_dir() -> PathBuf {
    match absolute("XDG_RUNTIME_DIR") {
        Some(runtime) => runtime.join("hothouse"),
        None => PathBuf::from(format!("/tmp/hothouse-{}", uid())),
    }
}

/// The folder for what outlives a project's host: `host.stateDir`, else one of the user's own.
pub(crate) fn state_dir(project: &Project) -> Result<PathBuf, String> {
    match &project.host.state_dir {
        Some(folder) => Ok(folder.clone()),
        None => Ok(users_state_dir().join(key(&project.file)?)),
    }
}

fn users_state_dir() -> PathBuf {
    match (absolute("XDG_STATE_HOME"), absolute("HOME")) {
        (Some(state), _) => state.join("hothouse"),
        (None, Some(home)) => home.join(".local/state/hothouse"),
        (None, None) => PathBuf::from(format!("/var/tmp/hothouse-{}", uid())),
    }
}

/// The name under which everything of a project lies.
fn key(project_file: &Path) -> Result<String, String> {
    let full =
        fs::canonicalize(project_file).map_err(|error| format!("{}: {error}", project_file.display()))?;
    let stem: String = full.parent().and_then(Path::file_name).map_or_else(String::new, |name| {
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        name.to_string_lossy().chars().filter(plain).take(32).collect()
    });
    Ok(format!("{stem}-{:016x}", hash(full.as_os_str().as_encoded_bytes())))
}

/// FNV-1a: two projects of one user must not share a name by accident, and that is all it is for.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// A folder that is ours alone. One that somebody else has put there is refused: they could put a socket into it.
pub(crate) fn own_folder(folder: &Path) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_socket_is_short_and_its_own() {
        let here = socket(Path::new("Cargo.toml")).unwrap();
        assert_eq!(here, socket(Path::new("./src/../Cargo.toml")).unwrap());
        assert_ne!(here, socket(Path::new("src/main.rs")).unwrap());
        assert!(here.as_os_str().len() < 108);
        assert!(socket(Path::new("no such file")).is_err());
    }
}
