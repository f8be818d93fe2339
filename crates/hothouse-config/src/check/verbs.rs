//! Settings that only a plugin with verbs can use, given to a `command`, which has none.

use crate::problem::{Draft, Report};
use crate::project::Run;
use crate::shape::{Field, PluginDraft};
use crate::text::Template;

/// Reports what a plain program can never be told or asked.
pub(super) fn check(plugin: &PluginDraft<'_>, report: &mut Report) {
    let Some(Run::Command(_)) = plugin.run else { return };
    if let Some(config) = plugin.field.get("config").filter(|config| !config.is_null()) {
        let draft =
            Draft::new(config.key_at, &config.path, "has no effect: a command has no `init` to be given it");
        report.warning(draft.hint("pass it by `env` or as arguments, or run the plugin as `process`"));
    }
    if let Some(method) = plugin.field.find(&["lifecycle", "health", "checkMethod"])
        && is_method(&method)
    {
        let draft = method.problem(format!("a command exports no method {}", method.found()));
        let allowed = "an endpoint: http://…, tcp://host:port or exec:command";
        report.error(draft.found(method.found()).allowed(allowed).hint(format!("name {allowed}")));
    }
}

fn is_method(field: &Field<'_>) -> bool {
    let text = field.as_string().filter(|template| !template.is_broken()).map(Template::value);
    text.is_some_and(|text| !text.contains("://") && !text.starts_with("exec:"))
}
