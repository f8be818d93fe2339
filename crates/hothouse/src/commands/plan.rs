//! `plan`: what `up` would start, in which order, and why. Nothing is started.

use hothouse_config::Project;
use hothouse_kernel::input::Targets;
use hothouse_kernel::startup::plan::{Plan, Step, Why};
use hothouse_kernel::{Graph, Need, PluginId};
use serde_json::json;

use crate::cli::PlanArgs;
use crate::exit::Exit;
use crate::project;
use crate::show::{self, Cell, Column, Style, fitted};

pub(crate) fn run(args: &PlanArgs) -> Exit {
    match project::load(args.place.project()) {
        Ok(project) => plan(args, &project),
        Err(exit) => exit,
    }
}

fn plan(args: &PlanArgs, project: &Project) -> Exit {
    let graph = match Graph::build(project.plugin_decls()) {
        Ok(graph) => graph,
        Err(errors) => {
            errors.iter().for_each(|error| show::error(&error.to_string()));
            return Exit::Config;
        }
    };
    let mut only = Vec::new();
    for name in &args.only {
        let Some(plugin) = graph.id(name) else {
            show::error(&format!(
                "{}\n  next: {} lists them",
                show::no_such_plugin(name, project),
                show::hothouse("plan")
            ));
            return Exit::Refused;
        };
        only.push(plugin);
    }
    let targets = if only.is_empty() { Targets::All } else { Targets::Some(only) };
    let plan = Plan::start(&graph, &targets, |_| None);
    if args.json {
        print_json(&plan, &graph, project)
    } else {
        print(&plan, &graph, project)
    }
    Exit::Ok
}

fn print(plan: &Plan, graph: &Graph, project: &Project) {
    let row = |(at, step): (usize, &Step)| {
        let config = &project.plugins[step.plugin.index()];
        vec![
            Cell::plain(format!("{}", at + 1)),
            Cell::painted(config.name.clone(), Style::bold),
            Cell::plain(config.version.to_string()),
            Cell::plain(config.run.runtime()),
            Cell::plain(waits_for(graph, step.plugin)),
            Cell::painted(why(graph, step.why), Style::dim),
        ]
    };
    let rows: Vec<_> = plan.steps.iter().enumerate().map(row).collect();
    let columns = [
        Column("#", 1),
        Column("PLUGIN", 0),
        Column("VERSION", 4),
        Column("RUNTIME", 3),
        Column("STARTS AFTER", 0),
        Column("WHY", 2),
    ];
    let text = fitted(&columns, &rows, Style::stdout(), show::stdout_width());
    super::println(text.trim_end());
    let options = &project.startup;
    let order = match options.parallel {
        true => "in parallel: each plugin starts as soon as what it needs is ready",
        false => "one after the other, in this order",
    };
    let failure = match options.rollback_on_failure {
        true => "the first failure undoes the whole start",
        false => "a failure takes only what needs it with it",
    };
    super::println(&format!("\n{order}; {} ms for each; {failure}", options.timeout));
}

fn waits_for(graph: &Graph, plugin: PluginId) -> String {
    let one = |edge: &hothouse_kernel::graph::Edge| match edge.need {
        Need::Hard => graph.name(edge.plugin).to_owned(),
        Need::Optional => format!("{} (optional)", graph.name(edge.plugin)),
    };
    let names: Vec<String> = graph.dependencies(plugin).iter().map(one).collect();
    if names.is_empty() { "–".into() } else { names.join(", ") }
}

fn why(graph: &Graph, why: Why) -> String {
    match why {
        Why::Asked => "asked for".into(),
        Why::NeededBy(plugin) => format!("needed by {}", graph.name(plugin)),
        Why::RanUpon(plugin) => format!("ran upon {}", graph.name(plugin)),
    }
}

fn print_json(plan: &Plan, graph: &Graph, project: &Project) {
    let names = |plugin: PluginId, need: Need| {
        let edges = graph.dependencies(plugin).iter().filter(move |edge| edge.need == need);
        edges.map(|edge| graph.name(edge.plugin)).collect::<Vec<_>>()
    };
    let step = |step: &Step| {
        let config = &project.plugins[step.plugin.index()];
        json!({
            "plugin": config.name,
            "version": config.version.to_string(),
            "runtime": config.run.runtime(),
            "after": names(step.plugin, Need::Hard),
            "afterIfPresent": names(step.plugin, Need::Optional),
            "why": why(graph, step.why),
        })
    };
    super::print_json(&json!({
        "project": project.name,
        "parallel": project.startup.parallel,
        "rollbackOnFailure": project.startup.rollback_on_failure,
        "timeoutMs": project.startup.timeout,
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
    }));
}
