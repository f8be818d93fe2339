//! From a file's text to one positioned tree, whatever the format.
//!
//! The readers know nothing of plugins. They report what is wrong with the text itself (syntax, duplicate keys, keys
//! that are no strings, values no JSON can carry) and go on where they can.

mod json;
mod number;
mod toml;
mod yaml;

use std::collections::HashMap;
use std::path::Path as FilePath;

use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::source::{Source, Span};
use crate::tree::{Entry, Node};

/// How many lists and maps may stand inside one another.
pub(crate) const MAX_DEPTH: usize = 64;

/// The formats of a project file, told apart by the file's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Toml,
    Json,
}

impl Format {
    pub(crate) fn of(path: &FilePath) -> Option<Format> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Format::Yaml),
            "toml" => Some(Format::Toml),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

/// The tree of a file, or `None` after a syntax error. Problems are in `report`.
pub(crate) fn read(format: Format, source: &Source, report: &mut Report) -> Option<Node> {
    match format {
        Format::Yaml => yaml::read(source, report),
        Format::Toml => toml::read(source, report),
        Format::Json => json::read(source, report),
    }
}

/// A map under construction: refuses a key that is already there, naming both lines.
#[derive(Default)]
struct MapBuilder {
    entries: Vec<Entry>,
    places: HashMap<String, usize>,
}

impl MapBuilder {
    fn insert(&mut self, entry: Entry, path: &Path, report: &mut Report) {
        match self.places.get(&entry.key) {
            None => {
                self.places.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
            }
            Some(first) => {
                let first = self.entries[*first].key_at.start;
                let message = format!(
                    "the key `{}` is already there, on line {}",
                    entry.key.escape_debug(),
                    first.line
                );
                let draft = Draft::new(entry.key_at, &path.key(&entry.key), message);
                report.error(draft.related(first, "first written here").hint("keep one of the two"));
            }
        }
    }

    fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }
}

fn too_deep(at: Span, path: &Path) -> Draft {
    Draft::new(at, path, format!("nested more than {MAX_DEPTH} levels deep"))
}

fn not_finite(at: Span, path: &Path, written: &str) -> Draft {
    Draft::new(at, path, format!("`{written}` is not a number that JSON can carry to a plugin"))
        .found(written)
        .allowed("a finite number")
        .hint("leave the setting out, or write it as a string")
}
