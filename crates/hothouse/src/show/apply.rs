//! What a changed project file touches: as the control API tells it, and as text for people.

use hothouse_api::{Applied, ChangedPlugin, ChangedSetting, PlannedApply, PlannedStep};
use hothouse_config::{KeyChange, Project, ProjectChanges};
use hothouse_host::{AppliedReport, ApplyPreview};
use hothouse_kernel::apply::{Resting, StartWhy, StopWhy};
use hothouse_kernel::{Graph, PluginId, PluginSet};

use super::advice::hothouse;
use super::info::started;
use super::style::Style;

/// What would be done, as the control API tells it. `project` is the new one.
pub(crate) fn planned(preview: &ApplyPreview, changes: &ProjectChanges, project: &Project) -> PlannedApply {
    let ApplyPreview { graph, plan } = preview;
    let setting = |change: &KeyChange| ChangedSetting {
        key: change.key.clone(),
        place: format!("{}:{}", project.file.display(), change.at),
        effect: change.effect.as_str().into(),
    };
    let plugin = |name: &str, replaced: bool| ChangedPlugin {
        plugin: name.into(),
        place: super::failure::place(name, project).unwrap_or_default(),
        replaced,
        settings: changes.of(name).iter().map(setting).collect(),
    };
    let set = |plugins: &[PluginId]| plugins.iter().copied().collect::<PluginSet>();
    let (new, redefined) = (set(&plan.added), set(&plan.changed));
    let is_changed = |id: &PluginId| redefined.contains(*id);
    let differs = |id: &PluginId| is_changed(id) || !changes.of(graph.name(*id)).is_empty();
    let declared = graph.plugins().filter(|id| !new.contains(*id));
    let changed = declared.filter(differs).map(|id| plugin(graph.name(id), is_changed(&id)));
    PlannedApply {
        added: plan.added.iter().map(|id| plugin(graph.name(*id), false)).collect(),
        removed: names(graph, &plan.removed),
        changed: changed.collect(),
        settings: changes.settings.iter().map(setting).collect(),
        stops: plan.stops.iter().map(|one| step(graph, one.plugin, stop_why(one.why))).collect(),
        starts: plan.starts.iter().map(|one| step(graph, one.plugin, start_why(one.why))).collect(),
        resting: plan.resting.iter().map(|(id, why)| step(graph, *id, resting_why(*why))).collect(),
        untouched: names(graph, &plan.untouched),
    }
}

/// What came of it, as the control API tells it. `project` is the new one.
pub(crate) fn applied(report: &AppliedReport, changes: &ProjectChanges, project: &Project) -> Applied {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let start = report.start();
    let mut outcome = started(&start, project);
    if !report.all_successful() {
        outcome.still_running = Some(owned(report.running()));
    }
    Applied {
        plan: planned(&report.preview(), changes, project),
        all_successful: report.all_successful(),
        stopped: owned(report.stopped()),
        abandoned: owned(report.abandoned()),
        withdrawn: owned(report.withdrawn()),
        cut_off: start.was_stopped(),
        start: outcome,
        running: owned(report.running()),
    }
}

fn names(graph: &Graph, plugins: &[PluginId]) -> Vec<String> {
    plugins.iter().map(|plugin| graph.name(*plugin).to_owned()).collect()
}

fn step(graph: &Graph, plugin: PluginId, (why, because): (&str, Option<PluginId>)) -> PlannedStep {
    let name = |plugin| graph.name(plugin).to_owned();
    PlannedStep { plugin: name(plugin), why: why.into(), because: because.map(name) }
}

fn stop_why(why: StopWhy) -> (&'static str, Option<PluginId>) {
    match why {
        StopWhy::Removed => ("removed", None),
        StopWhy::Changed => ("changed", None),
        StopWhy::Needs(needed) => ("needs", Some(needed)),
    }
}

fn start_why(why: StartWhy) -> (&'static str, Option<PluginId>) {
    match why {
        StartWhy::Added => ("added", None),
        StartWhy::Changed => ("changed", None),
        StartWhy::Mended => ("failedBefore", None),
        StartWhy::Upon(needed) => ("upon", Some(needed)),
        StartWhy::Wanted => ("wantedBefore", None),
        StartWhy::NeededBy(dependent) => ("neededBy", Some(dependent)),
        StartWhy::Asked => ("asked", None),
    }
}

fn resting_why(why: Resting) -> (&'static str, Option<PluginId>) {
    match why {
        Resting::NotWanted => ("notWanted", None),
        Resting::Stopped => ("stopped", None),
        Resting::Fenced => ("fenced", None),
        Resting::Without(needed) => ("without", Some(needed)),
    }
}

/// Why, for people, as it would follow the plugin's name.
fn why_text(step: &PlannedStep) -> String {
    let other = step.because.as_deref().unwrap_or_default();
    match step.why.as_str() {
        "removed" => "it is in the file no more".into(),
        "changed" => "it is defined anew".into(),
        "needs" => format!("it needs `{other}`, which goes or is replaced"),
        "added" => "it is new".into(),
        "failedBefore" => "it had failed, and is defined anew".into(),
        "upon" => format!("it runs upon `{other}`, which is replaced"),
        "wantedBefore" => "it was wanted before, and can run now".into(),
        "neededBy" => format!("`{other}` needs it"),
        "asked" => "everything that does not run was asked for".into(),
        "notWanted" => "it was not started before".into(),
        "stopped" => {
            format!("it was stopped on purpose; {} starts it", hothouse(&format!("start {}", step.plugin)))
        }
        "fenced" => "its last life could not be ended".into(),
        "without" => format!("it needs `{other}`, which does not run"),
        other => other.into(),
    }
}

/// A plugin that will not run, for people.
pub(crate) fn resting_text(step: &PlannedStep) -> String {
    format!("{}: {}", step.plugin, why_text(step))
}

/// The plan for people.
pub(crate) fn plan_text(plan: &PlannedApply, style: Style) -> String {
    let mut lines = Vec::new();
    for plugin in &plan.added {
        lines.push(format!(
            "{} {} {}",
            style.green("+"),
            style.bold(&plugin.plugin),
            style.dim(&plugin.place)
        ));
    }
    for plugin in &plan.removed {
        lines.push(format!("{} {}", style.red("-"), style.bold(plugin)));
    }
    for plugin in &plan.changed {
        lines.push(format!(
            "{} {} {}",
            style.yellow("~"),
            style.bold(&plugin.plugin),
            style.dim(&plugin.place)
        ));
        lines.extend(plugin.settings.iter().map(|setting| format!("    {}", setting_text(setting, style))));
    }
    lines.extend(
        plan.settings.iter().map(|setting| format!("{} {}", style.yellow("~"), setting_text(setting, style))),
    );
    for (heading, steps) in
        [("stops, in this order", &plan.stops), ("starts, dependencies first", &plan.starts)]
    {
        if !steps.is_empty() {
            lines.push(format!("{heading}:"));
        }
        for (at, step) in steps.iter().enumerate() {
            let why = style.dim(&why_text(step));
            lines.push(format!("  {} {}: {why}", at + 1, style.bold(&step.plugin)));
        }
    }
    for step in &plan.resting {
        lines.push(format!("will not run: {}", resting_text(step)));
    }
    if lines.is_empty() {
        lines.push("nothing differs from what the host runs".into());
    } else if plan.stops.is_empty() && plan.starts.is_empty() {
        lines.push("nothing would be stopped or started".into());
    }
    if !plan.untouched.is_empty() {
        lines.push(format!("untouched: {}", plan.untouched.join(", ")));
    }
    lines.join("\n")
}

fn setting_text(setting: &ChangedSetting, style: Style) -> String {
    format!("{} {}: {}", setting.key, style.dim(&setting.place), setting.effect)
}
