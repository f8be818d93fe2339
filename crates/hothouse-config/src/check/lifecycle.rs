//! What the protocol's schema lets pass in `lifecycle`, although it cannot be meant.
//!
//! These checks read the file's own values, not the parsed object: so they find everything even where the object could
//! not be parsed, and know where it stands. What is of a wrong type is none of their business.

use crate::problem::{Draft, Report};
use crate::shape::{Field, address, split_url};
use crate::text::Template;

/// Reports everything in a plugin's `lifecycle` that makes no sense.
pub(super) fn check(lifecycle: &Field<'_>, report: &mut Report) {
    if let Some(field) = text_at(lifecycle, &["health", "checkMethod"]) {
        check_method(&field, report);
    }
    if let Some(reload) = lifecycle.get("hotReload") {
        distributed(&reload, report);
        watch_patterns(&reload, report);
    }
    if let Some(updates) = lifecycle.get("updates") {
        schedule(&updates, report);
        test_suite(&updates, report);
    }
    for limit in ["maxMemory", "maxConnections", "timeout"] {
        if let Some(field) = lifecycle.find(&["resources", limit]) {
            not_negative(&field, report);
        }
    }
    if let Some(field) =
        lifecycle.find(&["resources", "maxConnections"]).filter(|field| field.as_number() == Some("0"))
    {
        let draft =
            field.problem("0 calls at a time would let none through").found("0").allowed("at least 1");
        report.error(draft.hint("leave it out for no limit"));
    }
}

/// A string that is there and whole.
fn text_at<'a>(field: &Field<'a>, keys: &[&str]) -> Option<Field<'a>> {
    field.find(keys).filter(|field| value(field).is_some())
}

fn value(field: &Field<'_>) -> Option<String> {
    field.as_string().filter(|template| !template.is_broken()).map(Template::value)
}

fn is(field: &Field<'_>, key: &str, word: &str) -> bool {
    field.get(key).and_then(|field| value(&field)).is_some_and(|value| value == word)
}

/// An error text of another crate, unless it would repeat an interpolated value.
fn reason(field: &Field<'_>, error: &impl ToString) -> String {
    match field.as_string() {
        Some(template) if template.is_interpolated() => String::new(),
        _ => format!(": {}", error.to_string().trim()),
    }
}

/// An endpoint must be one; any other text is the name of a method, which only the plugin knows.
fn check_method(field: &Field<'_>, report: &mut Report) {
    let Some(text) = value(field) else { return };
    let (good, allowed) = if text.starts_with("http://") || text.starts_with("https://") {
        (split_url(&text).is_some(), "a URL such as http://127.0.0.1:8080/health")
    } else if let Some(rest) = text.strip_prefix("tcp://") {
        (address(rest, None).is_some(), "an address such as tcp://127.0.0.1:5432")
    } else if let Some(rest) = text.strip_prefix("exec:") {
        (!rest.trim().is_empty(), "a command such as exec:pg_isready")
    } else if text.contains("://") {
        (false, "the name of a method, or an endpoint: http://…, https://…, tcp://host:port, exec:command")
    } else {
        (!text.trim().is_empty(), "the name of a method")
    };
    if !good {
        report.error(field.expected(allowed));
    }
}

fn distributed(reload: &Field<'_>, report: &mut Report) {
    let config = reload.get("distributedConfig");
    let wanted = is(reload, "stateStrategy", "distributed");
    match (&config, reload.get("stateStrategy")) {
        (None, Some(strategy)) if wanted => {
            let draft = strategy.problem("the state strategy `distributed` needs a `distributedConfig`");
            report.error(
                draft.hint(
                    "add `distributedConfig: {provider: redis, endpoints: [\"redis://127.0.0.1:6379\"]}`",
                ),
            );
        }
        (Some(config), _) if !wanted => {
            let at = config.key_at;
            let draft = Draft::new(at, &config.path, "has no effect unless `stateStrategy` is `distributed`");
            report.warning(draft.hint("add `stateStrategy: distributed`, or remove this section"));
        }
        _ => {}
    }
    if let Some(config) = config {
        distributed_config(&config, report);
    }
}

/// What each provider cannot do without.
fn distributed_config(config: &Field<'_>, report: &mut Report) {
    let is_custom = is(config, "provider", "custom");
    let needed = if is_custom { "customConfig" } else { "endpoints" };
    let provider = config.get("provider").and_then(|field| value(&field));
    if let Some(provider) =
        provider.filter(|provider| matches!(provider.as_str(), "redis" | "etcd" | "custom"))
        && config.get(needed).is_none()
    {
        let at = crate::source::Span::point(config.at().start);
        report.error(Draft::new(at, &config.path, format!("the provider `{provider}` needs `{needed}`")));
    }
    let Some(endpoints) = config.get("endpoints") else { return };
    let Some(mut elements) = endpoints.elements() else { return };
    if elements.len() == 0 && !is_custom {
        report.error(endpoints.expected("at least one URL"));
    }
    if let Some(empty) = elements.find(|element| value(element).is_some_and(|text| text.trim().is_empty())) {
        report.error(empty.expected("a URL"));
    }
}

fn watch_patterns(reload: &Field<'_>, report: &mut Report) {
    let elements = reload.get("watchPatterns").and_then(|field| field.elements());
    for field in elements.into_iter().flatten() {
        let Some(text) = value(&field) else { continue };
        let pattern = text.strip_prefix('!').unwrap_or(&text);
        if pattern.trim().is_empty() {
            report.error(field.expected("a glob pattern"));
        } else if let Err(error) = globset::Glob::new(pattern) {
            let message = format!("not a glob pattern{}", reason(&field, error.kind()));
            report.error(field.problem(message).found(field.found()));
        }
    }
}

fn schedule(updates: &Field<'_>, report: &mut Report) {
    let schedule = updates.get("schedule");
    let cron = schedule.as_ref().and_then(|schedule| schedule.get("cron"));
    if let Some(mode) = updates.get("mode").filter(|_| is(updates, "mode", "scheduled") && cron.is_none()) {
        let draft = mode.problem("the update mode `scheduled` needs `schedule.cron`");
        report.error(draft.hint("add `schedule: {cron: \"0 3 * * *\", timezone: UTC}`"));
    }
    if let Some((field, text)) = cron.and_then(|field| Some((field.clone(), value(&field)?)))
        && let Err(error) = text.parse::<croner::Cron>()
    {
        let message = format!("not a cron expression{}", reason(&field, &error));
        let draft = field.problem(message).found(field.found());
        report.error(draft.hint("five fields: minute hour day month weekday, such as \"0 3 * * *\""));
    }
    if let Some(field) = schedule.and_then(|schedule| schedule.get("timezone")) {
        timezone(&field, report);
    }
}

fn timezone(field: &Field<'_>, report: &mut Report) {
    let Some(text) = value(field) else { return };
    if jiff::tz::TimeZone::get(&text).is_ok() {
        return;
    }
    let interpolated = field.as_string().is_some_and(Template::is_interpolated);
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let near = if interpolated || !report.wants_hints() {
        None
    } else {
        crate::near::nearest(&text, names.iter().map(String::as_str))
    };
    let draft = field.expected("the IANA name of a time zone, such as Europe/Berlin or UTC");
    report.error(draft.near(near));
}

fn test_suite(updates: &Field<'_>, report: &mut Report) {
    let Some(validation) = updates.get("validation") else { return };
    let Some(run_tests) = validation.get("runTests").filter(|field| field.as_bool() == Some(true)) else {
        return;
    };
    if validation.get("testSuite").is_none() {
        let draft = run_tests.problem("`runTests` needs a `testSuite`");
        report.error(draft.hint("add `testSuite: …`, or remove `runTests`"));
    }
}

fn not_negative(field: &Field<'_>, report: &mut Report) {
    if field.as_number().is_some_and(|number| number.starts_with('-') && number.parse() != Ok(0.0)) {
        report.error(field.expected("a limit that is not negative").hint("leave it out for no limit"));
    }
}
