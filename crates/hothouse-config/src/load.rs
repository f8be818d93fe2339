//! From a path to a checked project: read, interpolate, shape, check.

use std::path::{Path as FilePath, PathBuf};

use crate::environment::Environment;
use crate::interpolate::interpolate;
use crate::places::Places;
use crate::problem::{Draft, Problems, Report};
use crate::project::{Loaded, Project};
use crate::read::{self, Format};
use crate::secrets::Secrets;
use crate::shape::{self, PluginDraft, ProjectDraft, Setting};
use crate::source::{Source, Span, Unreadable};
use crate::{check, path};

/// The names a project file may have, in the order in which they are named to people.
pub const FILE_NAMES: [&str; 4] = ["hothouse.yaml", "hothouse.yml", "hothouse.toml", "hothouse.json"];

impl Project {
    /// Reads and checks a project file. Its extension says the format: `yaml`, `yml`, `toml` or `json`.
    ///
    /// # Errors
    /// Everything that is wrong with the file, and every warning, at once.
    pub fn load(file: impl AsRef<FilePath>, environment: &Environment) -> Result<Loaded, Problems> {
        let file = file.as_ref();
        match Source::read(file) {
            Ok(source) => load(&source, environment),
            Err(why) => Err(unreadable(*why)),
        }
    }

    /// The same for bytes that are already in memory; `file` names them in messages, gives the format, and its
    /// folder is where relative paths start.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub fn from_bytes(
        file: impl AsRef<FilePath>,
        bytes: impl Into<Vec<u8>>,
        environment: &Environment,
    ) -> Result<Loaded, Problems> {
        match Source::from_bytes(file.as_ref(), bytes.into()) {
            Ok(source) => load(&source, environment),
            Err(why) => Err(unreadable(*why)),
        }
    }
}

/// Finds the project file in `folder`. Folders above are not searched.
///
/// # Errors
/// There is none, or more than one.
pub fn find(folder: impl AsRef<FilePath>) -> Result<PathBuf, Problems> {
    let folder = folder.as_ref();
    let mut present: Vec<PathBuf> =
        FILE_NAMES.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
    let names = |paths: &[PathBuf]| {
        let names =
            paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        names.collect::<Vec<_>>().join(" and ")
    };
    let draft = match present.len() {
        1 => return Ok(present.remove(0)),
        0 => Draft::of_file("there is no project file here")
            .allowed(FILE_NAMES.join(", "))
            .hint(format!("go to the project's folder, or create one of {}", FILE_NAMES.join(", "))),
        _ => Draft::of_file(format!("more than one project file: {}", names(&present)))
            .found(names(&present))
            .hint("keep one of them, or name the one that is meant"),
    };
    let mut report = Report::default();
    report.error(draft);
    Err(report.finish(&Source::new(folder, String::new())))
}

fn unreadable(why: Unreadable) -> Problems {
    let draft = match why.at {
        Some(at) => Draft::new(Span::point(at), &path::Path::top(), why.message),
        None => Draft::of_file(why.message),
    };
    let mut report = Report::default();
    report.error(draft.maybe_hint(why.help));
    report.finish(&why.source)
}

fn load(source: &Source, environment: &Environment) -> Result<Loaded, Problems> {
    let mut report = Report::default();
    let project = project(source, environment, &mut report);
    let problems = report.finish(source);
    match project {
        Some(project) if problems.errors.is_empty() => Ok(Loaded { project, warnings: problems.warnings }),
        _ => Err(problems),
    }
}

/// The project, if all of it could be read. Whether it makes sense stands in the report.
fn project(source: &Source, environment: &Environment, report: &mut Report) -> Option<Project> {
    let Some(format) = Format::of(&source.path) else {
        let draft =
            Draft::of_file("not a project file: its name ends in none of .yaml, .yml, .toml and .json");
        report.error(draft);
        return None;
    };
    let root = root(&source.path, report)?;
    let mut tree = read::read(format, source, report)?;
    let secrets = interpolate(&mut tree, &root, environment, report);
    let setting = Setting { root: &root, environment };
    let draft = shape::project(&tree, &setting, report)?;
    check::check(&draft, &setting, report);
    finish(draft, source, root.clone(), secrets, Places::of(&tree))
}

fn finish(
    draft: ProjectDraft<'_>,
    source: &Source,
    root: PathBuf,
    secrets: Secrets,
    places: Places,
) -> Option<Project> {
    Some(Project {
        file: source.path.clone(),
        root,
        name: draft.name?,
        startup: draft.startup?,
        context: draft.context,
        host: draft.host,
        plugins: draft.plugins.into_iter().map(PluginDraft::finish).collect::<Option<_>>()?,
        secrets,
        places,
    })
}

/// The absolute folder of the file. Links in it are kept: a project reached by two paths is two projects to its user.
fn root(file: &FilePath, report: &mut Report) -> Option<PathBuf> {
    let folder = file.parent().unwrap_or(FilePath::new(""));
    let absolute =
        if folder.as_os_str().is_empty() { std::env::current_dir() } else { std::path::absolute(folder) };
    match absolute {
        Ok(root) => Some(root),
        Err(error) => {
            report.error(Draft::of_file(format!("the current folder is not to be had: {error}")));
            None
        }
    }
}
