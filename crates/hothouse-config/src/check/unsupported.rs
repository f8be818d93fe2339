//! Settings that this version reads, checks and then does not act on. Each is said, with its place: nothing that a
//! person has written is ignored in silence.
//!
//! A setting that begins to be acted on loses its line here.

use crate::problem::{Draft, Report};
use crate::shape::Field;
use crate::text::Template;

/// Warns of every part of a plugin's `lifecycle` that is used and has no effect yet.
pub(super) fn warn(lifecycle: &Field<'_>, report: &mut Report) {
    for (field, effect) in unsupported(lifecycle) {
        let message = format!("not acted on by this version: {effect}");
        report.warning(
            Draft::new(field.key_at, &field.path, message).hint("it is checked and kept, and has no effect"),
        );
    }
}

/// The parts that are used, each with what does not happen.
fn unsupported<'a>(lifecycle: &Field<'a>) -> Vec<(Field<'a>, &'static str)> {
    let mut found = Vec::new();
    let mut note = |keys: &[&str], used: fn(&Field<'a>) -> bool, effect| {
        found.extend(lifecycle.find(keys).filter(used).map(|field| (field, effect)));
    };
    note(&["hotReload", "enabled"], is_true, "plugins are not reloaded on change");
    note(&["updates"], is_automatic, "plugins are not updated by themselves");
    // `resources.maxConnections` and `resources.timeout` are acted on: the router keeps them.
    for key in ["maxMemory", "maxCpu"] {
        note(&["resources", key], always, "what a plugin uses of memory and processors is not limited");
    }
    note(&["observability"], has_members, "no metrics, traces or profiles are exported");
    found
}

fn always(_: &Field<'_>) -> bool {
    true
}

pub(super) fn is_true(field: &Field<'_>) -> bool {
    field.as_bool() == Some(true)
}

fn has_members(field: &Field<'_>) -> bool {
    field.members().is_some_and(|mut members| members.next().is_some())
}

/// `manual` is what happens anyway.
fn is_automatic(updates: &Field<'_>) -> bool {
    let mode = updates.get("mode");
    mode.and_then(|field| field.as_string().map(Template::value)).is_some_and(|mode| mode != "manual")
}
