//! The top of a project file, and its `host` section.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use hothouse_kernel::health::Passive;
use hothouse_kernel::restart::Pacing;
use hothouse_protocol::StartupOptions;

use super::field::MAX_INTEGER;
use super::plugin::{PluginDraft, folder, plugin};
use super::run::choice;
use super::{Field, Fields, Setting, lifecycle};
use crate::path::Path;
use crate::problem::Report;
use crate::project::{CallSettings, HostSettings, LogSettings, OnHostDeath};
use crate::text::Text;
use crate::tree::{Node, Value};

/// What could be read of a project.
pub(crate) struct ProjectDraft<'a> {
    pub(crate) name: Option<String>,
    pub(crate) startup: Option<StartupOptions>,
    pub(crate) context: Option<Text>,
    pub(crate) host: HostSettings,
    pub(crate) plugins: Vec<PluginDraft<'a>>,
}

/// The version of the file format.
const FORMAT_VERSION: &str = "1";

/// Reads the whole tree; `None` if it is not even a map.
pub(crate) fn project<'a>(
    tree: &'a Node,
    setting: &Setting<'_>,
    report: &mut Report,
) -> Option<ProjectDraft<'a>> {
    let top = Field::new(tree, Path::top());
    let mut fields = Fields::of(&top, "a map with `version` and `plugins`", report)?;
    if let Some(version) = fields.required("version", "begin the file with `version: 1`") {
        format_version(&version, report);
    }
    let name = match fields.optional("name") {
        Some(field) => project_name(&field, report),
        None => folder_name(setting),
    };
    let startup = fields.optional("startup");
    let context = startup.as_ref().and_then(|startup| startup.get("context")).map(|field| json_text(&field));
    if let Some(field) = startup
        .as_ref()
        .and_then(|startup| startup.get("timeout"))
        .filter(|field| field.as_number() == Some("0"))
    {
        let draft = field.problem("0 allows no time at all: whatever is not ready at once fails to start");
        report.warning(draft.hint("leave it out for 30 seconds"));
    }
    let startup = lifecycle::protocol::<StartupOptions>(startup.as_ref(), report);
    let host = fields.optional("host").map(|field| host(&field, setting, report)).unwrap_or_default();
    let plugins = fields.required("plugins", "list the plugins: `plugins:`, then `- name: …`");
    let plugins = plugins.map(|field| plugins_of(&field, setting, report)).unwrap_or_default();
    // Keys that begin with `x-` are the author's own, for anchors to share.
    fields.finish(|key| key.starts_with("x-"), report);
    Some(ProjectDraft { name, startup, context, host, plugins })
}

fn format_version(field: &Field<'_>, report: &mut Report) {
    match field.as_number() {
        Some(FORMAT_VERSION) => {}
        Some(other) => {
            let draft =
                field.problem(format!("version {other} of the file format is not known to this Hothouse"));
            report.error(
                draft
                    .found(other)
                    .allowed(FORMAT_VERSION)
                    .hint("write `version: 1`, or use a newer Hothouse"),
            );
        }
        None => report.error(
            field
                .expected("the number 1")
                .hint("this is the version of the file format, not of your project"),
        ),
    }
}

fn project_name(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let name = field.plain_string("a name", report)?;
    if name.trim().is_empty() || name.chars().any(char::is_control) || name.len() > 128 {
        report.error(field.expected("a name of 1 to 128 characters on one line"));
        return None;
    }
    Some(name)
}

fn folder_name(setting: &Setting<'_>) -> Option<String> {
    Some(setting.root.file_name().map_or("project".into(), |name| name.to_string_lossy().into_owned()))
}

fn plugins_of<'a>(field: &Field<'a>, setting: &Setting<'_>, report: &mut Report) -> Vec<PluginDraft<'a>> {
    match field.elements() {
        Some(elements) => elements.filter_map(|element| plugin(&element, setting, report)).collect(),
        None => {
            let hint =
                matches!(field.node.value, Value::Map(_)).then(|| "write each plugin as `- name: …`".into());
            report.error(field.expected("a list of plugins").maybe_hint(hint));
            Vec::new()
        }
    }
}

fn host(field: &Field<'_>, setting: &Setting<'_>, report: &mut Report) -> HostSettings {
    let mut settings = HostSettings::default();
    let Some(mut fields) = Fields::of(field, "a map of host settings", report) else { return settings };
    if let Some(field) = fields.optional("maxConcurrentStarts") {
        let limit = field.integer(0, u32::MAX.into(), report).and_then(|limit| u32::try_from(limit).ok());
        settings.max_concurrent_starts = limit.and_then(NonZeroU32::new);
    }
    for (key, setting) in [
        ("stopTimeout", &mut settings.stop_timeout),
        ("killTimeout", &mut settings.kill_timeout),
        ("closeGrace", &mut settings.close_grace),
    ] {
        if let Some(field) = fields.optional(key) {
            *setting = milliseconds(&field, report).unwrap_or(*setting);
        }
    }
    if let Some(field) = fields.optional("maxLine") {
        let limit = field.integer(MIN_LINE, MAX_LINE, report).and_then(|limit| usize::try_from(limit).ok());
        settings.max_line = limit.unwrap_or(settings.max_line);
    }
    if let Some(field) = fields.optional("stateDir") {
        settings.state_dir = folder(&field, setting, report);
    }
    if let Some(field) = fields.optional("onHostDeath") {
        settings.on_host_death = match choice(&field, &["stop", "keep"], report) {
            Some("keep") => OnHostDeath::Keep,
            _ => OnHostDeath::Stop,
        };
    }
    if let Some(field) = fields.optional("logs") {
        settings.logs = logs(&field, report);
    }
    if let Some(field) = fields.optional("calls") {
        settings.calls = calls(&field, report);
    }
    if let Some(field) = fields.optional("restart") {
        settings.restart = restart(&field, report);
    }
    if let Some(field) = fields.optional("passiveHealth") {
        settings.passive_health = passive_health(&field, report);
    }
    if let Some(field) = fields.optional("probes") {
        settings.probes = address(&field, report);
    }
    fields.finish(|_| false, report);
    settings
}

fn logs(field: &Field<'_>, report: &mut Report) -> LogSettings {
    let mut settings = LogSettings::default();
    let Some(mut fields) = Fields::of(field, "a map with `maxSize` and `keep`", report) else {
        return settings;
    };
    if let Some(field) = fields.optional("maxSize") {
        settings.max_size = field.integer(MIN_LOG_FILE, MAX_INTEGER, report).unwrap_or(settings.max_size);
    }
    if let Some(field) = fields.optional("keep") {
        let keep = field.integer(0, MAX_LOG_FILES, report).and_then(|keep| u32::try_from(keep).ok());
        settings.keep = keep.unwrap_or(settings.keep);
    }
    fields.finish(|_| false, report);
    settings
}

fn calls(field: &Field<'_>, report: &mut Report) -> CallSettings {
    let mut settings = CallSettings::default();
    let Some(mut fields) = Fields::of(field, "a map with `queue`, `cacheBytes` and `validate`", report)
    else {
        return settings;
    };
    for (key, most, setting) in
        [("queue", MAX_WAITING, &mut settings.queue), ("cacheBytes", MAX_CACHE, &mut settings.cache_bytes)]
    {
        if let Some(field) = fields.optional(key) {
            let given = field.integer(0, most, report).and_then(|given| usize::try_from(given).ok());
            *setting = given.unwrap_or(*setting);
        }
    }
    if let Some(field) = fields.optional("validate") {
        settings.validate = field.boolean(report).unwrap_or(settings.validate);
    }
    fields.finish(|_| false, report);
    settings
}

/// The pauses before restarts, and how long a plugin must stay well to be trusted again.
fn restart(field: &Field<'_>, report: &mut Report) -> Pacing {
    let mut pacing = Pacing::default();
    let Some(mut fields) = Fields::of(field, "a map with `base`, `cap`, `jitter` and `stable`", report)
    else {
        return pacing;
    };
    let base = fields.optional("base");
    for (field, setting) in [
        (base.clone(), &mut pacing.base),
        (fields.optional("cap"), &mut pacing.cap),
        (fields.optional("stable"), &mut pacing.stable),
    ] {
        if let Some(field) = field {
            *setting = milliseconds(&field, report).unwrap_or(*setting);
        }
    }
    if let Some(field) = fields.optional("jitter") {
        let given = field.integer(0, 100, report).and_then(|given| u8::try_from(given).ok());
        pacing.jitter = given.unwrap_or(pacing.jitter);
    }
    if let Some(base) = base.filter(|_| pacing.base > pacing.cap) {
        let cap = pacing.cap.as_millis();
        let draft = base.problem(format!("the first pause is longer than the longest, which is {cap} ms"));
        report.error(draft.found(base.found()).allowed(format!("at most {cap}, or a higher `cap`")));
    }
    fields.finish(|_| false, report);
    pacing
}

/// When calls speak against a plugin that says it is healthy.
fn passive_health(field: &Field<'_>, report: &mut Report) -> Passive {
    let mut passive = Passive::default();
    let what = "a map with `minCalls`, `errorPercent` and `meanMs`";
    let Some(mut fields) = Fields::of(field, what, report) else { return passive };
    if let Some(field) = fields.optional("minCalls") {
        passive.min_calls = field.integer(1, MAX_INTEGER, report).unwrap_or(passive.min_calls);
    }
    if let Some(field) = fields.optional("errorPercent") {
        // Nothing fails more often than always: 101 is how "never" is written.
        let given = field.integer(1, 101, report).and_then(|given| u8::try_from(given).ok());
        passive.error_percent = given.unwrap_or(passive.error_percent);
    }
    if let Some(field) = fields.optional("meanMs").filter(|field| !field.is_null()) {
        passive.mean = field.integer(1, MAX_INTEGER, report).map(Duration::from_millis);
    }
    fields.finish(|_| false, report);
    passive
}

/// More calls than this would wait longer than anybody does.
const MAX_WAITING: u64 = 1_000_000;
/// As much as fits into the memory of any machine that this runs on.
const MAX_CACHE: u64 = 1024 * 1024 * 1024 * 1024;

/// Smaller files would be changed for every batch of lines.
const MIN_LOG_FILE: u64 = 64 * 1024;
/// Nobody can look through more.
const MAX_LOG_FILES: u64 = 10_000;

/// An address to listen on. Names are not looked up: which of a machine's addresses is meant must not depend on a
/// resolver.
fn address(field: &Field<'_>, report: &mut Report) -> Option<SocketAddr> {
    const WHAT: &str = "an IP address and a port, such as \"127.0.0.1:9180\" or \"0.0.0.0:9180\"";
    let address = field.string(WHAT, report)?.value().parse().ok();
    if address.is_none() {
        report.error(field.expected(WHAT));
    }
    address
}

/// The contract's own messages do not fit into less.
const MIN_LINE: u64 = 1024;
/// A line is held in memory as a whole.
const MAX_LINE: u64 = 1024 * 1024 * 1024;

pub(super) fn milliseconds(field: &Field<'_>, report: &mut Report) -> Option<Duration> {
    field.integer(0, MAX_INTEGER, report).map(Duration::from_millis)
}

/// A free-form value as JSON text.
pub(super) fn json_text(field: &Field<'_>) -> Text {
    let json = field.node.to_json();
    if field.node.is_interpolated() {
        Text::interpolated(json, field.node.to_shown_json())
    } else {
        Text::literal(json)
    }
}
