//! What the shape lets pass and sense does not: the second pass over a project that could be read.
//!
//! Every check looks at drafts, so that one plugin's mistake hides no other's. None changes anything.

mod effects;
mod graph;
mod lifecycle;
mod programs;
mod unsupported;
mod verbs;

pub use programs::{NotRunnable, resolve_program};

use crate::problem::Report;
use crate::shape::{ProjectDraft, Setting};

/// Reports everything that makes no sense.
pub(crate) fn check(project: &ProjectDraft<'_>, setting: &Setting<'_>, report: &mut Report) {
    graph::check(&project.plugins, report);
    for plugin in &project.plugins {
        if let Some(field) = plugin.field.get("lifecycle") {
            lifecycle::check(&field, report);
            unsupported::warn(&field, report);
            effects::warn(plugin, &field, report);
        }
        verbs::check(plugin, report);
        if setting.environment.checks_machine() {
            programs::check(plugin, setting, report);
        }
    }
}
