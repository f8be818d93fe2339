//! Finding and reading the project, and saying what is wrong with it.

use std::path::{Path, PathBuf};

use hothouse_config::{Environment, Loaded, Problems, Project, find};

use crate::exit::Exit;
use crate::show::{self, Style};

/// The project file that a path stands for: itself if it is a file, the one in it if it is a folder.
pub(crate) fn file(path: Option<&Path>) -> Result<PathBuf, Problems> {
    let path = path.unwrap_or(Path::new("."));
    if path.is_dir() { find(path) } else { Ok(path.to_owned()) }
}

/// Reads the project, prints what is wrong with it, and what its author should still look at.
pub(crate) fn load(path: Option<&Path>) -> Result<Project, Exit> {
    match read(path) {
        Ok(loaded) => Ok(warned(loaded)),
        Err(problems) => {
            print(&problems);
            Err(Exit::Config)
        }
    }
}

/// The project, when its author has been told what to look at.
pub(crate) fn warned(Loaded { project, warnings }: Loaded) -> Project {
    for warning in &warnings {
        show::tell(&show::problem(warning, Style::stderr()));
    }
    project
}

/// Reads the project.
pub(crate) fn read(path: Option<&Path>) -> Result<Loaded, Problems> {
    Project::load(file(path)?, &Environment::of_this_process())
}

/// Prints everything that is wrong.
pub(crate) fn print(problems: &Problems) {
    for problem in problems.iter() {
        show::tell(&show::problem(problem, Style::stderr()));
    }
    // Without a file to mend there is nothing to count.
    if problems.errors.iter().any(|problem| problem.at.is_some()) {
        let problems = show::count(problems.errors.len() + problems.omitted, "problem");
        show::tell(&format!("{problems}; mend the file and run {} again", show::hothouse("check")));
    }
}
