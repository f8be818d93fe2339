//! `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in string values; `$${` is a plain `${`.
//!
//! One pass over the tree, before anything is understood. Keys are never interpolated, a value stays a string whatever
//! it holds, and an inserted value is not looked at again. Any other `$` is a `$`.

use std::path::{Path as FilePath, PathBuf};

use crate::environment::Environment;
use crate::near::nearest;
use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::secrets::{REDACTED, Secrets, hides_literals, is_surely_secret, looks_secret};
use crate::source::{Span, read_bytes};
use crate::text::{Piece, Template};
use crate::tree::{Node, Value};

/// The largest file that `${file:…}` inserts, in bytes.
pub const MAX_INSERTED_BYTES: u64 = 1024 * 1024;

/// Replaces the `${…}` of every string; gives the values that must not be shown.
pub(crate) fn interpolate(
    tree: &mut Node,
    root: &FilePath,
    environment: &Environment,
    report: &mut Report,
) -> Secrets {
    let mut pass = Pass { root, environment, report, secrets: Secrets::none() };
    pass.node(tree, &Path::top(), Discretion::default());
    pass.secrets
}

struct Pass<'a> {
    root: &'a FilePath,
    environment: &'a Environment,
    report: &'a mut Report,
    secrets: Secrets,
}

/// How careful to be with values, by the keys above them (`auth: {user: …}` is all about a secret).
#[derive(Clone, Copy, Default)]
struct Discretion {
    /// What comes from outside is secret.
    suspicious: bool,
    /// What is written in the file is not repeated.
    hidden: bool,
    /// What is written in the file is secret.
    secret: bool,
}

impl Discretion {
    fn under(self, key: &str) -> Discretion {
        Discretion {
            suspicious: self.suspicious || looks_secret(key),
            hidden: self.hidden || hides_literals(key),
            secret: self.secret || is_surely_secret(key),
        }
    }
}

/// Whether the keys of the map at this path are names of plugins: `auth: "^1.2"` is then a version.
fn names_plugins(path: &Path) -> bool {
    // plugins, the plugin's index, the list.
    path.length() == 3
        && path.last_key().is_some_and(|key| matches!(key, "dependencies" | "optionalDependencies"))
}

/// A string that is being interpolated.
struct Site<'s> {
    at: Span,
    path: &'s Path,
    suspicious: bool,
}

impl Pass<'_> {
    fn node(&mut self, node: &mut Node, path: &Path, above: Discretion) {
        match &mut node.value {
            Value::String(template) => {
                self.string(template, &Site { at: node.at, path, suspicious: above.suspicious });
                if above.secret && !template.is_interpolated() {
                    // A password written here as it is: not a good habit, but no reason to print it.
                    self.secrets.add(&template.value());
                }
            }
            // A number may be a password as well; short ones stand everywhere.
            Value::Number { json, .. } if above.secret => self.secrets.add(json),
            Value::Seq(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &path.index(index), above);
                }
                return;
            }
            Value::Map(entries) => {
                for entry in entries {
                    let discretion = if names_plugins(path) { above } else { above.under(&entry.key) };
                    self.node(&mut entry.node, &path.key(&entry.key), discretion);
                }
                return;
            }
            _ => {}
        }
        if above.hidden && !node.is_interpolated() {
            self.report.hide(node.at);
        }
    }

    fn string(&mut self, template: &mut Template, site: &Site<'_>) {
        let source = template.value();
        if source.contains("${") {
            template.pieces = self.pieces(&source, site);
        }
    }

    fn pieces(&mut self, source: &str, site: &Site<'_>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            if let Some(escaped) = before.strip_suffix('$') {
                literal.push_str(escaped);
                literal.push_str("${");
                rest = &from[2..];
                continue;
            }
            literal.push_str(before);
            let Some(end) = from.find('}') else {
                let draft = Draft::new(site.at, site.path, "a `${` without its `}`");
                self.report.error(draft.hint("write `$${` for a plain `${`"));
                pieces.push(Piece::Broken { written: std::mem::take(&mut literal) + from });
                return pieces;
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(self.insert(&from[2..end], site));
            rest = &from[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        pieces
    }

    fn insert(&mut self, inside: &str, site: &Site<'_>) -> Piece {
        let written = self.written(inside, site);
        let value = if let Some(name) = inside.strip_prefix("env:") {
            self.variable(name, site)
        } else if let Some(path) = inside.strip_prefix("file:") {
            self.file(path, site)
        } else {
            let draft =
                Draft::new(site.at, site.path, format!("`{written}` is neither a variable nor a file"));
            let draft = draft.allowed("${env:NAME}, ${env:NAME:-default} or ${file:PATH}");
            // A misspelt `env:` or `file:` is no part of the name.
            let name = inside.split_once(':').map_or(inside, |(_, name)| name);
            Err(draft.hint(format!("write `${{env:{name}}}` for a variable, `$${{` for a plain `${{`")))
        };
        match value {
            Ok(value) => Piece::Inserted { value, written },
            Err(draft) => {
                self.report.error(draft);
                Piece::Broken { written }
            }
        }
    }

    /// The `${…}` as it may be shown: the default of a secret is a secret.
    fn written(&mut self, inside: &str, site: &Site<'_>) -> String {
        if let Some((name, default)) = inside.strip_prefix("env:").and_then(|inside| inside.split_once(":-"))
            && !default.is_empty()
            && (site.suspicious || looks_secret(name))
        {
            self.secrets.add(default);
            self.report.hide(site.at);
            return format!("${{env:{name}:-{REDACTED}}}");
        }
        format!("${{{inside}}}")
    }

    fn variable(&mut self, inside: &str, site: &Site<'_>) -> Result<String, Draft> {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if name.is_empty() || name.contains(['=', ':']) {
            let draft = Draft::new(site.at, site.path, format!("`{name}` cannot be the name of a variable"));
            return Err(draft.allowed("${env:NAME} or ${env:NAME:-default}"));
        }
        let Some(value) = self.environment.variable(name) else {
            return default.map(str::to_owned).ok_or_else(|| self.unset(name, site));
        };
        let Some(value) = value.to_str() else {
            return Err(Draft::new(
                site.at,
                site.path,
                format!("the environment variable `{name}` is not valid UTF-8"),
            ));
        };
        if site.suspicious || looks_secret(name) {
            self.secrets.add(value);
        }
        Ok(value.to_owned())
    }

    fn unset(&self, name: &str, site: &Site<'_>) -> Draft {
        let draft = Draft::new(site.at, site.path, format!("the environment variable `{name}` is not set"));
        draft.hint(match nearest(name, self.environment.names()) {
            Some(near) => format!("did you mean `{near}`? Else set it, or write `${{env:{name}:-default}}`"),
            None => format!("set it, or write `${{env:{name}:-default}}`"),
        })
    }

    fn file(&mut self, written: &str, site: &Site<'_>) -> Result<String, Draft> {
        let path = self.root.join(written);
        let with_hint = self.report.wants_hints();
        let wrong = |message: String| {
            let draft = Draft::new(site.at, site.path, format!("`{written}`: {message}"));
            let near = if with_hint { similar_file(&path) } else { None };
            draft.maybe_hint(near.map(|near| format!("did you mean `{near}`?")))
        };
        if written.is_empty() {
            return Err(Draft::new(site.at, site.path, "`${file:}` names no file"));
        }
        let bytes = read_bytes(&path, MAX_INSERTED_BYTES).map_err(wrong)?;
        let mut value = String::from_utf8(bytes).map_err(|_| wrong("the file is not valid UTF-8".into()))?;
        if value.ends_with('\n') {
            value.pop();
            if value.ends_with('\r') {
                value.pop();
            }
        }
        self.secrets.add(&value);
        Ok(value)
    }
}

/// The name, in the same folder, that is most like a path that does not exist.
pub(crate) fn similar_file(path: &FilePath) -> Option<String> {
    if path.exists() {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    let folder: PathBuf = path.parent()?.into();
    // A folder of thousands is not searched to the end for the sake of a hint.
    let mut siblings: Vec<String> = folder
        .read_dir()
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    siblings.sort_unstable();
    nearest(name, siblings.iter().map(String::as_str)).map(str::to_owned)
}
