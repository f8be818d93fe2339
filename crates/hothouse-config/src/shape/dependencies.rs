//! Lists of plugins that another one needs: `[cache, {name: auth, version: "^1.2"}]` or `{cache: "*", auth: "^1.2"}`.

use semver::VersionReq;

use super::{Field, Fields};
use crate::problem::Report;
use crate::project::Dependency;
use crate::source::{Position, Span};

/// A dependency with the place of its range, for messages about either.
#[derive(Clone)]
pub(crate) struct Needed {
    pub(crate) name: String,
    pub(crate) range: Option<VersionReq>,
    pub(crate) at: Span,
    pub(crate) path: crate::path::Path,
}

impl Needed {
    pub(crate) fn into_dependency(self) -> Dependency {
        Dependency { name: self.name, range: self.range, at: self.at.start }
    }

    pub(crate) fn line(&self) -> Position {
        self.at.start
    }
}

const ALLOWED: &str = "a list of plugin names, or a map from names to version ranges";

/// Reads `dependencies` or `optionalDependencies`.
pub(super) fn dependencies(field: Option<Field<'_>>, report: &mut Report) -> Vec<Needed> {
    let Some(field) = field else { return Vec::new() };
    if let Some(elements) = field.elements() {
        return elements.filter_map(|element| element_of(&element, report)).collect();
    }
    if let Some(members) = field.members() {
        return members.filter_map(|(name, range)| member(name, &range, report)).collect();
    }
    report.error(field.expected(ALLOWED));
    Vec::new()
}

fn element_of(field: &Field<'_>, report: &mut Report) -> Option<Needed> {
    if field.as_string().is_some() {
        let name = field.plain_string("a plugin's name", report)?;
        return Some(Needed { name, range: None, at: field.at(), path: field.path.clone() });
    }
    let mut fields = Fields::of(field, "a plugin's name, or a map with `name` and `version`", report)?;
    let name = fields.required("name", "name the plugin that is needed");
    let range = fields.optional("version").and_then(|field| version_range(&field, report));
    fields.finish(|_| false, report);
    let name = name?;
    let text = name.plain_string("a plugin's name", report)?;
    Some(Needed { name: text, range, at: name.at(), path: field.path.clone() })
}

fn member(name: &str, field: &Field<'_>, report: &mut Report) -> Option<Needed> {
    let range = if field.is_null() { None } else { Some(version_range(field, report)?) };
    Some(Needed { name: name.into(), range, at: field.key_at, path: field.path.clone() })
}

fn version_range(field: &Field<'_>, report: &mut Report) -> Option<VersionReq> {
    let text = field.plain_string("a version range", report)?;
    match VersionReq::parse(&text) {
        Ok(range) => Some(range),
        Err(error) => {
            let draft = field.problem(format!("not a version range: {error}")).found(field.found());
            report.error(
                draft.allowed("a semver range").hint("write it like \"^1.2\", \">=1.2, <2\" or \"*\""),
            );
            None
        }
    }
}

/// Reads `mayCall`: a list of names, without ranges.
pub(super) fn plugin_names(field: Option<Field<'_>>, report: &mut Report) -> Vec<Needed> {
    let Some(field) = field else { return Vec::new() };
    let Some(elements) = field.elements() else {
        report.error(field.expected("a list of plugin names"));
        return Vec::new();
    };
    let name = |element: Field<'_>| {
        let name = element.plain_string("a plugin's name", report)?;
        Some(Needed { name, range: None, at: element.at(), path: element.path })
    };
    elements.filter_map(name).collect()
}

/// Reads one of the lists of names in `lifecycle.degradation`; what is no string there the protocol crate reports.
pub(super) fn names(field: Option<Field<'_>>, report: &mut Report) -> Vec<Needed> {
    let elements = field.and_then(|field| field.elements()).into_iter().flatten();
    let strings = elements.filter(|element| element.as_string().is_some());
    strings
        .filter_map(|element| {
            let name = element.plain_string("a plugin's name", report)?;
            Some(Needed { name, range: None, at: element.at(), path: element.path })
        })
        .collect()
}
