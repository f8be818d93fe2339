//! The repository as these commands see it: where it is, which files it has, which packages.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hothouse_protocol::json::{self, Object, Value};

/// Folders that hold nothing written by hand.
const NOT_OURS: [&str; 5] = [".git", ".hothouse", "__pycache__", "node_modules", "target"];

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ is a folder of the workspace")
}

/// The cargo that runs this.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// One text file.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Its path from the root, with slashes.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl SourceFile {
    /// Whether the path ends like this.
    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }
}

/// All text files of the repository, in the order of their paths.
///
/// # Errors
/// Which file or folder could not be read, and why.
pub(crate) fn files() -> Result<Vec<SourceFile>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_symlink() || NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.extend(read(&path)?);
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A file, unless it is no text.
fn read(path: &PathBuf) -> Result<Option<SourceFile>, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8(bytes).ok().map(|text| SourceFile { path: relative(path), text }))
}

/// A path from the root.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// One package of the workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its manifest, from the root.
    pub(crate) manifest: String,
    /// What it depends on, its tests included.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency of a package.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// The name of the package depended on.
    pub(crate) name: String,
    /// Whether only tests and examples need it.
    pub(crate) for_tests: bool,
}

/// The packages of the workspace as cargo sees them.
///
/// # Errors
/// Why cargo, or what it said, was of no use.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let mut command = Command::new(cargo());
    command.current_dir(root()).args(["metadata", "--format-version", "1", "--no-deps"]);
    let output = command.output().map_err(|error| format!("cargo could not be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let metadata = json::parse(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(objects(&metadata, "packages").map(package).collect())
}

fn package(object: &Object) -> Package {
    let dependency =
        |object: &Object| Dependency { name: text(object, "name"), for_tests: text(object, "kind") == "dev" };
    Package {
        name: text(object, "name"),
        manifest: relative(Path::new(&text(object, "manifest_path"))),
        dependencies: list(object, "dependencies").map(dependency).collect(),
    }
}

fn objects<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Object> {
    value.as_object().into_iter().flat_map(move |object| list(object, name))
}

fn list<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> {
    object.get(name).and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_object)
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
