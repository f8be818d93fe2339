//! Rules about `Cargo.toml` files.

use super::{Finding, Tree, at};
use crate::repository::SourceFile;

/// What every crate takes from the workspace, and the text that says so.
const INHERITED: [(&str, &str); 4] = [
    ("the lints", "[lints]\nworkspace = true"),
    ("the edition", "edition.workspace = true"),
    ("the licence", "license.workspace = true"),
    ("the version", "version.workspace = true"),
];

/// A crate that does not inherit the lints is a crate without lints.
pub(crate) fn members_inherit(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in members(tree) {
        for (what, text) in INHERITED {
            if !file.text.contains(text) {
                let message = format!("it does not inherit {what}: add `{}`", text.replace('\n', " / "));
                found.push(at(file, 0, message));
            }
        }
    }
    found
}

/// Every crate from elsewhere is code that somebody has to trust and to update.
pub(crate) fn dependencies_have_a_reason(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.file("Cargo.toml") else { return Vec::new() };
    let mut found = Vec::new();
    let lines = in_section(file, |section| section == "[workspace.dependencies]");
    for (offset, line) in lines.filter(|(_, line)| line.contains('=') && !line.contains("path =")) {
        if !line.contains('#') {
            let name = line.split(['=', ' ']).next().unwrap_or_default();
            found.push(at(file, offset, format!("why is `{name}` here? Say so behind it: `# …`")));
        }
    }
    found
}

/// Two versions of one crate are two crates.
pub(crate) fn versions_are_in_one_place(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in members(tree) {
        let lines = in_section(file, |section| section.ends_with("dependencies]"));
        for (offset, line) in lines.filter(|(_, line)| line.contains('=') && !line.starts_with('#')) {
            if !line.replace(' ', "").contains("workspace=true") {
                let message = "a dependency of its own: name it in the workspace, and inherit it here";
                found.push(at(file, offset, message));
            }
        }
    }
    found
}

/// The manifests of the crates of the workspace.
fn members(tree: &Tree) -> impl Iterator<Item = &SourceFile> {
    tree.files.iter().filter(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        let of_workspace = |folder: &str| {
            matches!(folder.split_once('/'), Some(("crates" | "examples", name)) if !name.contains('/'))
        };
        folder == Some("xtask") || folder.is_some_and(of_workspace)
    })
}

/// The lines of the sections whose header is such a one, with where they begin.
fn in_section<'a>(
    file: &'a SourceFile,
    wanted: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (usize, &'a str)> {
    let (mut offset, mut inside) = (0, false);
    file.text.split_inclusive('\n').filter_map(move |line| {
        let begin = offset;
        offset += line.len();
        let line = line.trim_end();
        if line.starts_with('[') {
            inside = wanted(line);
            return None;
        }
        inside.then_some((begin, line))
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::lines;
    use super::*;

    #[test]
    fn a_manifest_that_does_not_inherit_is_found() {
        let good = "[package]\nversion.workspace = true\nedition.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n";
        assert!(lines(members_inherit, "crates/a/Cargo.toml", good).is_empty());
        assert_eq!(lines(members_inherit, "crates/a/Cargo.toml", "[package]\nedition = \"2024\"\n"), [1; 4]);
        assert!(lines(members_inherit, "xtask/no-std-proof/Cargo.toml", "[package]\n").is_empty());
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let text = "[workspace.dependencies]\na = { path = \"a\" }\nb = \"1\" # because\nc = \"1\"\n[profile.dev]\nd = 1\n";
        assert_eq!(lines(dependencies_have_a_reason, "Cargo.toml", text), [4]);
    }

    #[test]
    fn a_version_in_a_member_is_found() {
        let text = "[dependencies]\na.workspace = true\nb = \"1\"\n[dev-dependencies]\nc = { workspace = true }\nd = { version = \"2\" }\n";
        assert_eq!(lines(versions_are_in_one_place, "crates/a/Cargo.toml", text), [3, 6]);
    }
}
