//! `POST /v1/apply`: the host reads its project file again, and does what follows from it, or says what that would be.

use std::sync::Arc;

use hothouse_api::{Apply, Problem};
use hothouse_config::{Loaded, Problems, Project};
use hothouse_host::{ApplyError, Configuration};
use hyper::StatusCode;

use super::{Answer, App, json, no, refuse_if_going_down};
use crate::{plugins, project, show};

pub(super) async fn apply(app: Arc<App>, apply: Apply) -> Answer {
    refuse_if_going_down(&app)?;
    let old = app.project();
    let Loaded { project: new, .. } =
        project::read(Some(&old.file)).map_err(|problems| wrong(texts(&problems)))?;
    let changes = old.changes_to(&new);
    let configuration = configuration(&app, &new, &apply)?;
    // Nothing of the new file may be seen, whatever becomes of it.
    app.current.hide(&new.secrets);
    if apply.dry_run {
        let preview = app.host.plan_apply(configuration).await.map_err(refused)?;
        return json(&show::planned(&preview, &changes, &new));
    }
    let report = app.host.apply(configuration).await.map_err(refused)?;
    app.current.replace(new);
    let project = app.project();
    let text = String::from_utf8(json(&show::applied(&report, &changes, &project))?).unwrap_or_default();
    Ok(project.secrets.redact(&text).into_owned().into_bytes())
}

fn configuration(app: &App, new: &Project, apply: &Apply) -> Result<Configuration, (StatusCode, Problem)> {
    let mut options = new.startup.clone();
    options.timeout = apply.timeout_ms.unwrap_or(options.timeout);
    Ok(Configuration {
        settings: plugins::settings(new),
        plugins: plugins::specs(new, &app.spawner).map_err(wrong)?,
        options,
        context: Some(plugins::context(new)),
        start_all: apply.start,
    })
}

/// Everything that is wrong, one below the other.
fn texts(problems: &Problems) -> String {
    problems.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn wrong(message: String) -> (StatusCode, Problem) {
    no(StatusCode::UNPROCESSABLE_ENTITY, "CONFIG", message)
}

fn refused(error: ApplyError) -> (StatusCode, Problem) {
    match error {
        ApplyError::Graph(_) => wrong(error.to_string()),
        ApplyError::Refused(refused) => super::refused(refused),
    }
}
