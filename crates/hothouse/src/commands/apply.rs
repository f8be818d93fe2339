//! `apply` and `plan --diff`: what a changed project file touches in the running host, and doing it.

use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{Answered, Applied, Apply, Client};

use crate::cli::{ApplyArgs, PlanArgs};
use crate::exit::Exit;
use crate::show::{self, Style};

/// `plan --diff`.
pub(crate) async fn preview(args: PlanArgs, socket: Option<PathBuf>) -> Exit {
    match super::client(args.place.project(), socket) {
        Ok(client) => plan(&client, &Apply::default(), args.json).await,
        Err(exit) => exit,
    }
}

/// `apply`.
pub(crate) async fn run(args: ApplyArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.place.project(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let apply = Apply {
        dry_run: args.dry_run,
        start: args.start,
        timeout_ms: args.timeout,
        wait_ms: args.wait.wait_ms(),
    };
    if args.dry_run {
        return plan(&client, &apply, args.json).await;
    }
    match client.apply(&apply).await {
        Ok(Answered::Done(applied)) => tell(&applied, args.json),
        Ok(Answered::UnderWay(what)) => super::change::under_way(&what, args.json, args.wait),
        Err(error) => super::told(&error, args.json),
    }
}

async fn plan(client: &Client, apply: &Apply, json: bool) -> Exit {
    match client.plan_apply(&Apply { wait_ms: None, ..apply.clone() }).await {
        Ok(plan) if json => super::print_json(&plan),
        Ok(plan) => super::println(&show::plan_text(&plan, Style::stdout())),
        Err(error) => return super::told(&error, json),
    }
    Exit::Ok
}

/// Says what came of it: the failure first if there is one, then everything that was touched.
fn tell(applied: &Applied, json: bool) -> Exit {
    let exit = exit(applied);
    if json {
        super::print_json(applied);
        return exit;
    }
    if applied.start.root_cause.is_some() {
        show::tell(&show::start_failed(&applied.start, Style::stderr(), true));
    } else if applied.cut_off {
        show::error("the apply was cut off, because a stop was asked for");
    }
    if !applied.abandoned.is_empty() {
        show::error(&format!("could not be ended, and is fenced off: {}", applied.abandoned.join(", ")));
    }
    super::println(&outcome(applied));
    exit
}

fn outcome(applied: &Applied) -> String {
    let plan = &applied.plan;
    let mut lines: Vec<String> = plan
        .settings
        .iter()
        .chain(plan.changed.iter().filter(|plugin| !plugin.replaced).flat_map(|plugin| &plugin.settings))
        .map(|setting| format!("{}: {}", setting.key, setting.effect))
        .collect();
    let started = &applied.start.result.results;
    let started: Vec<&str> =
        started.iter().filter(|one| one.success).map(|one| one.plugin.name.as_str()).collect();
    if !applied.stopped.is_empty() {
        lines.push(format!("stopped: {}", applied.stopped.join(", ")));
    }
    if !started.is_empty() {
        let total = Duration::from_secs_f64(applied.start.timeline.total_ms.max(0.0) / 1e3);
        lines.push(format!("started: {} in {}", started.join(", "), show::duration(total)));
    }
    for step in &plan.resting {
        lines.push(format!("not running: {}", show::resting_text(step)));
    }
    for (what, names) in
        [("not started, because a stop was asked for", &applied.withdrawn), ("untouched", &plan.untouched)]
    {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    }
    if applied.all_successful && plan.stops.is_empty() && plan.starts.is_empty() {
        lines.insert(0, "nothing was touched".into());
    }
    lines.join("\n")
}

fn exit(applied: &Applied) -> Exit {
    match (applied.cut_off, applied.start.result.all_successful, applied.abandoned.is_empty()) {
        (true, ..) => Exit::Interrupted,
        (false, false, _) => Exit::StartFailed,
        (false, true, false) => Exit::Abandoned,
        (false, true, true) if !applied.withdrawn.is_empty() => Exit::Interrupted,
        (false, true, true) => Exit::Ok,
    }
}
