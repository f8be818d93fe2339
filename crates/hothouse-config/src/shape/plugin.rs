//! One element of `plugins`.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_protocol::AdvancedPluginLifecycleConfig;
use semver::Version;

use super::dependencies::{self, Needed};
use super::run::{self, ProgramUse};
use super::{Field, Fields, Setting, lifecycle, top};
use crate::problem::Report;
use crate::project::{PluginConfig, Run};
use crate::source::Span;
use crate::text::{Template, Text};
use crate::tree::Value;

/// What could be read of a plugin; enough for every check, even if parts are wrong.
pub(crate) struct PluginDraft<'a> {
    /// The element as a whole.
    pub(crate) field: Field<'a>,
    pub(crate) name: Option<String>,
    /// Where the name stands; the element, if it has none.
    pub(crate) name_at: Span,
    /// The version, unless it is wrong.
    pub(crate) version: Option<Version>,
    pub(crate) run: Option<Run>,
    /// The programs of `run`, to be looked for.
    pub(crate) programs: Vec<ProgramUse<'a>>,
    /// The working directory, unless it is wrong.
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) env: Vec<(String, Option<Text>)>,
    pub(crate) clean_env: bool,
    pub(crate) dependencies: Vec<Needed>,
    pub(crate) optional_dependencies: Vec<Needed>,
    pub(crate) degradation_critical: Vec<Needed>,
    pub(crate) degradation_optional: Vec<Needed>,
    pub(crate) may_call: Vec<Needed>,
    pub(crate) config: Text,
    pub(crate) lifecycle: Option<AdvancedPluginLifecycleConfig>,
    pub(crate) expected_start: Option<Duration>,
}

impl PluginDraft<'_> {
    /// The plugin, if nothing of it is missing.
    pub(crate) fn finish(self) -> Option<PluginConfig> {
        let plain = |needed: Vec<Needed>| needed.into_iter().map(Needed::into_dependency).collect();
        Some(PluginConfig {
            name: self.name?,
            version: self.version?,
            run: self.run?,
            cwd: self.cwd?,
            env: self.env,
            clean_env: self.clean_env,
            dependencies: plain(self.dependencies),
            optional_dependencies: plain(self.optional_dependencies),
            degradation_critical: plain(self.degradation_critical),
            degradation_optional: plain(self.degradation_optional),
            may_call: self.may_call.into_iter().map(|granted| granted.name).collect(),
            config: self.config,
            lifecycle: self.lifecycle?,
            expected_start: self.expected_start,
            at: self.field.at().start,
        })
    }
}

/// Reads a plugin; `None` if it is not even a map.
pub(super) fn plugin<'a>(
    field: &Field<'a>,
    setting: &Setting<'_>,
    report: &mut Report,
) -> Option<PluginDraft<'a>> {
    let mut fields = Fields::of(field, "a plugin: a map with `name` and `run`", report)?;
    let name_field = fields.required("name", "give it a unique name");
    let name_at = name_field.as_ref().map_or(field.at(), Field::at);
    let name = name_field.and_then(|field| plugin_name(&field, report));
    let version = match fields.optional("version") {
        Some(field) => version(&field, report),
        None => Some(Version::new(0, 0, 0)),
    };
    let run_field =
        fields.required("run", "say what to run: `run: {command: [...]}` or `run: {process: [...]}`");
    let mut programs = Vec::new();
    let run = run_field.and_then(|field| run::run(&field, setting, &mut programs, report));
    let cwd = match fields.optional("cwd") {
        Some(field) => folder(&field, setting, report),
        None => Some(setting.root.to_owned()),
    };
    let env = fields.optional("env").map(|field| env(&field, report)).unwrap_or_default();
    let clean_env = fields.optional("cleanEnv").and_then(|field| field.boolean(report)).unwrap_or(false);
    let dependencies = dependencies::dependencies(fields.optional("dependencies"), report);
    let optional_dependencies = dependencies::dependencies(fields.optional("optionalDependencies"), report);
    let may_call = dependencies::plugin_names(fields.optional("mayCall"), report);
    let config =
        fields.optional("config").map_or_else(|| Text::literal("null"), |field| top::json_text(&field));
    let expected_start = fields.optional("expectedStart").and_then(|field| top::milliseconds(&field, report));
    let lifecycle_field = fields.optional("lifecycle");
    let lifecycle = lifecycle::protocol(lifecycle_field.as_ref(), report);
    let degradation = |list| lifecycle_field.as_ref().and_then(|field| field.find(&["degradation", list]));
    let degradation_critical = dependencies::names(degradation("criticalDependencies"), report);
    let degradation_optional = dependencies::names(degradation("optionalDependencies"), report);
    fields.finish(|_| false, report);
    Some(PluginDraft {
        field: field.clone(),
        name,
        name_at,
        version,
        run,
        programs,
        cwd,
        env,
        clean_env,
        dependencies,
        optional_dependencies,
        degradation_critical,
        degradation_optional,
        may_call,
        config,
        lifecycle,
        expected_start,
    })
}

const NAME_RULE: &str = "1 to 128 of the characters a-z A-Z 0-9 . _ - / @, not beginning with `.`, `-` or `/`, without an empty or dotted part between slashes";

/// A name becomes part of file names and is typed on command lines.
fn plugin_name(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let name = field.plain_string("a plugin's name", report)?;
    if !is_plugin_name(&name) {
        report.error(
            field
                .problem("not a name for a plugin")
                .found(field.found())
                .allowed(NAME_RULE)
                .hint(format!("allowed are {NAME_RULE}")),
        );
        return None;
    }
    Some(name)
}

fn is_plugin_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@');
    (1..=128).contains(&name.len())
        && name.chars().all(allowed)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with(['.', '-']))
}

fn version(field: &Field<'_>, report: &mut Report) -> Option<Version> {
    let text = field.plain_string("a version, such as \"1.4.0\"", report)?;
    match Version::parse(&text) {
        Ok(version) => Some(version),
        Err(error) => {
            let draft = field.problem(format!("not a version: {error}")).found(field.found());
            let complete =
                ["", ".0", ".0.0"].iter().map(|end| format!("{}{end}", text.trim_start_matches('v')));
            let near = complete.into_iter().find(|text| Version::parse(text).is_ok());
            report.error(draft.allowed("a semver version, such as 1.4.0").near(near.as_deref()));
            None
        }
    }
}

/// A folder, relative to the project file.
pub(super) fn folder(field: &Field<'_>, setting: &Setting<'_>, report: &mut Report) -> Option<PathBuf> {
    let template = field.string("a folder", report)?;
    no_nul(field, template, report)?;
    // Component by component, so that `.` leaves no trace in the path.
    let joined = setting.root.join(template.value());
    Some(joined.components().collect())
}

fn env(field: &Field<'_>, report: &mut Report) -> Vec<(String, Option<Text>)> {
    let Some(members) = field.members() else {
        report.error(field.expected("a map from variables to values"));
        return Vec::new();
    };
    members.filter_map(|(name, field)| variable(name, &field, report)).collect()
}

fn variable(name: &str, field: &Field<'_>, report: &mut Report) -> Option<(String, Option<Text>)> {
    if name.is_empty() || name.contains(['=', '\0']) {
        let message = format!("`{}` cannot be the name of an environment variable", name.escape_debug());
        let draft = crate::problem::Draft::new(field.key_at, &field.path, message);
        report.error(draft.hint("a name is not empty and holds neither `=` nor NUL"));
        return None;
    }
    let value = match &field.node.value {
        Value::Null => return Some((name.into(), None)),
        Value::Number { json, as_written: true } => Text::literal(json.as_str()),
        _ => {
            let template = field.string("a string, or null to remove the variable", report)?;
            no_nul(field, template, report)?;
            template.text()
        }
    };
    Some((name.into(), Some(value)))
}

/// The operating system ends arguments, variables and paths at NUL.
pub(super) fn no_nul(field: &Field<'_>, template: &Template, report: &mut Report) -> Option<()> {
    if !template.value().contains('\0') {
        return Some(());
    }
    report.error(field.problem("a NUL character, which no argument, variable or path can hold"));
    None
}
