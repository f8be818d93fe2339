//! `limits`: every limit that applies to the plugins of a project: what was asked for, what holds, and who sees to it.
//! It reads the project file, and asks no host.

use std::time::Duration;

use hothouse_config::{PluginConfig, Project, Run};
use serde_json::{Value, json};

use crate::cli::LimitsArgs;
use crate::exit::Exit;
use crate::project;
use crate::show::{self, Cell, Column, Style, fitted};

pub(crate) fn run(args: &LimitsArgs) -> Exit {
    let project = match project::load(args.project.project.as_deref()) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let names = || project.plugins.iter().map(|plugin| plugin.name.as_str());
    for name in &args.plugins {
        if !names().any(|known| known == name) {
            let near = hothouse_protocol::near_miss(name, names());
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            show::error(&format!(
                "there is no plugin named `{name}`{near}\n  next: {} lists them",
                show::hothouse("limits")
            ));
            return Exit::Refused;
        }
    }
    let mut limits = Vec::new();
    if args.plugins.is_empty() {
        limits.extend(of_host(&project));
    }
    let asked = |plugin: &&PluginConfig| args.plugins.is_empty() || args.plugins.contains(&plugin.name);
    limits.extend(project.plugins.iter().filter(asked).flat_map(|plugin| of_plugin(plugin, &project)));
    if args.json {
        let limits: Vec<Value> = limits.iter().map(Limit::json).collect();
        super::print_json(&json!({ "project": project.name, "limits": limits }));
        return Exit::Ok;
    }
    print(&limits);
    Exit::Ok
}

/// One limit.
#[derive(Clone, PartialEq, Debug)]
struct Limit {
    /// Whose it is; `None`: of the host as a whole.
    plugin: Option<String>,
    /// The setting that it comes from.
    name: &'static str,
    /// What the project file says, defaults filled in.
    requested: String,
    /// What holds.
    effective: Effect,
}

#[derive(Clone, PartialEq, Debug)]
enum Effect {
    /// It holds, and this sees to it.
    Enforced { value: String, by: &'static str },
    /// This version does nothing about it.
    Nobody,
}

impl Limit {
    fn json(&self) -> Value {
        let (effective, by) = self.told();
        json!({
            "plugin": self.plugin, "limit": self.name, "requested": self.requested,
            "effective": effective, "enforcedBy": by,
        })
    }

    fn told(&self) -> (&str, &str) {
        match &self.effective {
            Effect::Enforced { value, by } => (value, by),
            Effect::Nobody => ("none", "nobody"),
        }
    }
}

fn enforced(plugin: Option<&str>, name: &'static str, value: String, by: &'static str) -> Limit {
    let effective = Effect::Enforced { value: value.clone(), by };
    Limit { plugin: plugin.map(str::to_owned), name, requested: value, effective }
}

fn of_host(project: &Project) -> Vec<Limit> {
    let host = &project.host;
    let starts = host.max_concurrent_starts.map_or_else(|| "no limit".into(), |most| most.to_string());
    vec![enforced(None, "host.maxConcurrentStarts", starts, "the host: the others wait for a place")]
}

fn of_plugin(plugin: &PluginConfig, project: &Project) -> Vec<Limit> {
    let name = Some(plugin.name.as_str());
    let startup = match project.startup.timeout {
        0 => "0 ms: it fails unless it is ready at once".into(),
        timeout => format!("{timeout} ms"),
    };
    let mut limits = vec![enforced(name, "startup.timeout", startup, "the host: the start is cut off")];
    if project.startup.health_check || plugin.lifecycle.health.is_some() {
        let check = plugin.lifecycle.health.as_ref().map_or(5000, |health| health.timeout);
        limits.push(enforced(
            name,
            "health.timeout",
            format!("{check} ms"),
            "the host: the check has failed",
        ));
    }
    limits.extend(ladder(plugin, project));
    limits.extend(resources(plugin));
    limits
}

/// The steps of a stop, as the plugin's runtime has them.
fn ladder(plugin: &PluginConfig, project: &Project) -> Vec<Limit> {
    let name = Some(plugin.name.as_str());
    let host = &project.host;
    let step =
        |setting, limit: Duration, by| enforced(name, setting, format!("{} ms", limit.as_millis()), by);
    match &plugin.run {
        Run::Process(_) => vec![
            step("host.stopTimeout", host.stop_timeout, "the host: after `destroy` its channel is closed"),
            step("host.closeGrace", host.close_grace, "the host: then SIGTERM"),
            step(
                "host.killTimeout",
                host.kill_timeout,
                "the host: then SIGKILL, and as long again until it is given up",
            ),
            enforced(
                name,
                "host.maxLine",
                format!("{} bytes", host.max_line),
                "the host: a longer line breaks the contract",
            ),
        ],
        Run::Command(_) => vec![
            step("host.stopTimeout", host.stop_timeout, "the host: after its stop signal SIGKILL"),
            step("host.killTimeout", host.kill_timeout, "the host: then it is given up as abandoned"),
        ],
        // Code in the same process cannot be ended from outside.
        _ => vec![
            step("host.stopTimeout", host.stop_timeout, "the host: after `destroy` it is let go of"),
            step(
                "host.closeGrace",
                host.close_grace,
                "the host: then it is given up as abandoned, and runs on",
            ),
        ],
    }
}

fn resources(plugin: &PluginConfig) -> Vec<Limit> {
    let Some(resources) = &plugin.lifecycle.resources else { return Vec::new() };
    let limit = |name, requested: Option<String>| {
        requested.map(|requested| Limit {
            plugin: Some(plugin.name.clone()),
            name,
            requested,
            effective: Effect::Nobody,
        })
    };
    // Whatever has no methods is not called.
    let router = |name, requested: Option<String>, by| match plugin.run {
        Run::Command(_) => limit(name, requested),
        _ => requested.map(|requested| enforced(Some(&plugin.name), name, requested, by)),
    };
    [
        limit("resources.maxMemory", resources.max_memory.map(|bytes| format!("{bytes} bytes"))),
        limit("resources.maxCpu", resources.max_cpu.map(|percent| format!("{percent} % of a core"))),
        router(
            "resources.maxConnections",
            resources.max_connections.map(|calls| format!("{calls} calls at once")),
            "the host: the others wait for their turn",
        ),
        router(
            "resources.timeout",
            resources.timeout.map(|ms| format!("{ms} ms for a call")),
            "the host: then the caller gets an error, and the plugin is told",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn print(limits: &[Limit]) {
    let style = Style::stdout();
    let row = |limit: &Limit| {
        let (effective, by) = limit.told();
        let paint: fn(Style, &str) -> String =
            if limit.effective == Effect::Nobody { Style::red } else { |_, text| text.to_owned() };
        vec![
            Cell::painted(limit.plugin.as_deref().unwrap_or("(host)"), Style::bold),
            Cell::plain(limit.name),
            Cell::plain(limit.requested.clone()),
            Cell::painted(effective, paint),
            Cell::painted(by, paint),
        ]
    };
    let columns = [
        Column("PLUGIN", 0),
        Column("LIMIT", 0),
        Column("REQUESTED", 2),
        Column("EFFECTIVE", 0),
        Column("ENFORCED BY", 1),
    ];
    let rows: Vec<_> = limits.iter().map(row).collect();
    super::println(fitted(&columns, &rows, style, show::stdout_width()).trim_end());
    let idle = limits.iter().filter(|limit| limit.effective == Effect::Nobody).count();
    if idle > 0 {
        let idle = show::count(idle, "limit");
        super::println(&format!("\n{idle} above: asked for, and enforced by nobody in this version"));
    }
}
