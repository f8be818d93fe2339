//! Settings of health and degradation that can have no effect beside the others that stand there.

use super::unsupported::is_true;
use crate::problem::{Draft, Report};
use crate::project::Run;
use crate::shape::{Field, PluginDraft};

/// Warns of everything in a plugin's `lifecycle` that nothing can come of.
pub(super) fn warn(plugin: &PluginDraft<'_>, lifecycle: &Field<'_>, report: &mut Report) {
    if let Some(health) = lifecycle.get("health") {
        restarts(&health, report);
    }
    if let Some(degradation) = lifecycle.get("degradation") {
        fallbacks(plugin, &degradation, report);
    }
}

fn without_effect(field: &Field<'_>, why: &str, hint: &str, report: &mut Report) {
    let draft = Draft::new(field.key_at, &field.path, format!("has no effect: {why}"));
    report.warning(draft.hint(hint));
}

fn restarts(health: &Field<'_>, report: &mut Report) {
    let is_on = health.get("autoRestart").is_some_and(|field| is_true(&field));
    let attempts = health.get("maxRestartAttempts");
    if is_on {
        let none = attempts.filter(|attempts| attempts.as_number() == Some("0"));
        if let Some(attempts) = none {
            let draft = attempts.problem("0 attempts mean that it is never restarted by itself");
            report.warning(draft.hint("leave it out for 3, or set `autoRestart: false`"));
        }
        return;
    }
    for field in [attempts, health.get("restartBackoff")].into_iter().flatten() {
        without_effect(&field, "`autoRestart` is not true", "add `autoRestart: true`, or remove it", report);
    }
}

fn fallbacks(plugin: &PluginDraft<'_>, degradation: &Field<'_>, report: &mut Report) {
    let is_stopped = degradation.get("enabled").and_then(|field| field.as_bool()) == Some(false);
    let critical = !plugin.degradation_critical.is_empty();
    let names_any = critical || !plugin.degradation_optional.is_empty();
    let is_command = matches!(plugin.run, Some(Run::Command(_)));
    if let Some(mode) = degradation.get("fallbackMode") {
        if is_stopped {
            let hint = "remove one of them";
            without_effect(&mode, "with `enabled: false` there is no fallback", hint, report);
        } else if is_command {
            let hint = "run it as `process`, or set `enabled: false` to have it stopped meanwhile";
            without_effect(&mode, "a command has no calls that a mode could let through", hint, report);
        } else if !critical {
            let hint = "name what it falls back without in `criticalDependencies`";
            without_effect(&mode, "it names nothing critical", hint, report);
        }
    }
    if let Some(features) = degradation.get("degradedFeatures").filter(|_| is_command) {
        let hint = "run it as `process`, whose methods say which feature they belong to";
        without_effect(&features, "a command has no features that anybody could know of", hint, report);
    }
    if let Some(recovery) = degradation.get("autoRecovery").filter(|_| !names_any) {
        let hint = "name what is to be brought back in `criticalDependencies` or `optionalDependencies`";
        without_effect(&recovery, "it names no dependencies", hint, report);
    }
}
