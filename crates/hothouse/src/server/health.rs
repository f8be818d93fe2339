//! `/v1/health`, `/v1/when` and `/v1/mode`: how plugins are, what is going to happen to them, and what they serve.

use hothouse_api::{CheckInfo, HealthAnswer, Healths, ModeNow, PluginHealth, SetMode};
use hothouse_host::{CheckRecord, HealthRecord};
use hothouse_protocol::{DateTime, FallbackMode};
use hyper::StatusCode;

use super::{Answer, App, failed, known, no, redacted, refused, unknown};
use crate::show;

/// `GET /v1/health` and `GET /v1/health/NAME`: what is known. Nothing is asked of the plugins.
pub(super) async fn known_of(app: &App, plugin: Option<&str>) -> Answer {
    let project = app.project();
    let names: Vec<String> = match plugin {
        Some(plugin) => {
            known(app, plugin)?;
            vec![plugin.into()]
        }
        None => {
            let graph = app.host.graph();
            graph.plugins().map(|plugin| graph.name(plugin).to_owned()).collect()
        }
    };
    let mut plugins = Vec::with_capacity(names.len());
    for name in names {
        let record = app.host.health(&name).await.map_err(refused)?;
        plugins.push(told(name, record));
    }
    redacted(app, &Healths { project: project.name.clone(), plugins })
}

fn told(plugin: String, record: HealthRecord) -> PluginHealth {
    let check = |check: CheckRecord| CheckInfo {
        time: DateTime::from_unix_ms(check.unix_ms).to_string(),
        incarnation: check.incarnation,
        status: check.status.as_str().into(),
        message: check.message,
        took_ms: check.took.map(|took| took.as_nanos() as f64 / 1e6),
    };
    let history = record.history.into_iter().map(check).collect();
    PluginHealth { plugin, report: record.report, history }
}

/// `POST /v1/health/NAME`: the plugin is asked now.
pub(super) async fn check(app: &App, plugin: &str) -> Answer {
    known(app, plugin)?;
    let health = match app.host.check_health(plugin).await {
        Ok(health) => health,
        Err(error) => return Err(failed(&error, plugin, app).await),
    };
    let place = if health.healthy { None } else { show::place(plugin, &app.project()) };
    redacted(app, &HealthAnswer { health, place })
}

/// `GET /v1/when/NAME`.
pub(super) async fn when(app: &App, plugin: &str) -> Answer {
    known(app, plugin)?;
    let schedule = app.host.schedule(plugin).await.map_err(refused)?;
    redacted(app, &show::when_of(plugin, &schedule))
}

/// `POST /v1/mode`.
pub(super) async fn set_mode(app: &App, set: SetMode) -> Answer {
    let plugin = &set.plugin;
    if app.host.graph().id(plugin).is_none() {
        return Err(unknown(app, plugin));
    }
    let wrong = |error: String| no(StatusCode::BAD_REQUEST, "BAD_REQUEST", format!("mode: {error}"));
    let mode = set.mode.as_deref().map(str::parse::<FallbackMode>).transpose();
    let mode = mode.map_err(|error| wrong(error.to_string()))?;
    app.host.set_mode(plugin, mode).await.map_err(refused)?;
    let schedule = app.host.schedule(plugin).await.map_err(refused)?;
    let service = schedule.service.as_deref();
    let now = ModeNow {
        plugin: plugin.clone(),
        phase: schedule.phase.as_str().into(),
        mode: service.map_or("normal", |service| service.as_str()).into(),
        forced: service.is_some_and(|service| service.forced),
        missing: service.map(show::missing).unwrap_or_default(),
    };
    redacted(app, &now)
}
