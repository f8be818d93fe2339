//! `cargo xtask tidy`: the rules that the compiler does not check, each with its reason.
//!
//! A rule is a function from the tree to what it found. It reads and never writes. Rules look at text, not at syntax
//! trees; they are right about the code that is here, and a case that one gets wrong is a case for rewording the code.

mod code;
mod direction;
mod manifests;
mod messages_page;
mod protocol_page;
mod source;
mod words;

use std::fmt;
use std::process::ExitCode;

use crate::repository::{self, Package, SourceFile};

/// What the rules look at.
pub(crate) struct Tree {
    /// Every text file of the repository.
    pub(crate) files: Vec<SourceFile>,
    /// Every package of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// Something that is against a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong and why that matters.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [(&str, Rule); 19] = [
    ("direction of dependencies", direction::dependencies_point_inwards),
    ("foreign crates of the pure rooms", direction::pure_rooms_have_no_foreign_crates),
    ("no await in pure rooms", code::no_await_in_pure_rooms),
    ("no std in no_std crates", code::no_std_in_no_std_crates),
    ("no sleep in tests", code::no_sleep_in_tests),
    ("nothing unfinished", code::nothing_unfinished),
    ("unsafe in one place", code::unsafe_in_one_place),
    ("modules say what they are", code::modules_say_what_they_are),
    ("small files", code::files_are_small),
    ("names of types", code::names_say_something),
    ("manifests inherit", manifests::members_inherit),
    ("dependencies have a reason", manifests::dependencies_have_a_reason),
    ("versions in one place", manifests::versions_are_in_one_place),
    ("no foreign paths", words::no_path_of_a_machine),
    ("named pages exist", words::named_pages_exist),
    ("links lead somewhere", words::links_lead_somewhere),
    ("every field is on the page", protocol_page::every_field_is_on_the_page),
    ("named tests exist", protocol_page::named_tests_exist),
    ("every code is on the page", messages_page::every_code_is_on_the_page),
];

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    match check() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Holds the tree to every rule.
///
/// # Errors
/// Everything that is against one.
pub(crate) fn check() -> Result<(), String> {
    let tree = Tree { files: repository::files()?, packages: repository::packages()? };
    let mut found = 0;
    for (name, rule) in RULES {
        for finding in rule(&tree) {
            println!("{finding} [{name}]");
            found += 1;
        }
    }
    match found {
        0 => {
            println!("{} files keep {} rules", tree.files.len(), RULES.len());
            Ok(())
        }
        _ => Err(format!("{found} findings")),
    }
}

impl Tree {
    /// The files with this ending.
    fn with_extension(&self, extension: &str) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| file.is(extension))
    }

    /// The Rust files below these folders.
    fn rust_in<'a>(&'a self, folders: &'a [&str]) -> impl Iterator<Item = &'a SourceFile> {
        self.with_extension("rs").filter(|file| folders.iter().any(|folder| file.path.starts_with(folder)))
    }

    fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// A finding at a byte of a file.
fn at(file: &SourceFile, offset: usize, message: impl Into<String>) -> Finding {
    Finding { path: file.path.clone(), line: source::line_of(&file.text, offset), message: message.into() }
}

#[cfg(test)]
mod samples {
    //! Trees with something wrong in them.

    use super::*;

    /// A tree of one file.
    pub(crate) fn file(path: &str, text: &str) -> Tree {
        Tree { files: vec![SourceFile { path: path.into(), text: text.into() }], packages: Vec::new() }
    }

    /// The lines at which a rule finds something in a file of that text.
    pub(crate) fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
        rule(&file(path, text)).iter().map(|finding| finding.line).collect()
    }
}
