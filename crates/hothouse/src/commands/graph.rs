//! `graph`: who needs whom, as the project file says, and how they stand, if a host says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hothouse_api::{ClientError, PluginInfo};
use hothouse_config::Project;
use hothouse_kernel::{Graph, Need, PluginId};
use serde_json::json;

use super::output;
use crate::cli::{GraphArgs, GraphFormat};
use crate::exit::Exit;
use crate::show::picture::{self, GraphPicture, Node, NodeState, Wire};
use crate::show::{self, Style};
use crate::{places, project};

pub(crate) async fn run(args: GraphArgs, socket: Option<PathBuf>) -> Exit {
    let project = match project::load(args.place.project()) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let graph = match Graph::build(project.plugin_decls()) {
        Ok(graph) => graph,
        Err(errors) => {
            errors.iter().for_each(|error| show::error(&error.to_string()));
            return Exit::Config;
        }
    };
    let states = if args.offline { HashMap::new() } else { states(&project, socket).await };
    let picture = picture_of(&project, &graph, &states);
    let file = args.output.as_deref();
    if args.json {
        return output::write_json(file, &json_of(&picture));
    }
    let style = if file.is_some() { Style::none() } else { Style::stdout() };
    let text = match args.format.unwrap_or_else(|| format_of(file)) {
        GraphFormat::Text => picture::tree(&picture, style),
        GraphFormat::Dot => picture::dot(&picture),
        GraphFormat::Mermaid => picture::mermaid(&picture),
        GraphFormat::Svg => picture::graph_svg(&picture),
    };
    output::write(file, &text)
}

/// The form that a file's ending stands for.
fn format_of(file: Option<&Path>) -> GraphFormat {
    match file.and_then(Path::extension).and_then(|ending| ending.to_str()) {
        Some("svg") => GraphFormat::Svg,
        Some("dot" | "gv") => GraphFormat::Dot,
        Some("mmd" | "mermaid") => GraphFormat::Mermaid,
        _ => GraphFormat::Text,
    }
}

/// How the plugins stand, by name. That no host runs is no error here.
async fn states(project: &Project, socket: Option<PathBuf>) -> HashMap<String, NodeState> {
    let Ok(socket) = socket.map_or_else(|| places::socket(&project.file), Ok) else { return HashMap::new() };
    match hothouse_api::Client::new(socket).plugins().await {
        Ok(plugins) => plugins.plugins.into_iter().map(state).collect(),
        Err(ClientError::NotRunning { .. }) => HashMap::new(),
        Err(error) => {
            let word = Style::stderr().yellow("warning");
            show::tell(&format!("{word}: the states are left out: {}", show::harmless(&error.to_string())));
            HashMap::new()
        }
    }
}

fn state(plugin: PluginInfo) -> (String, NodeState) {
    (plugin.name, NodeState { phase: plugin.phase, health: plugin.status })
}

fn picture_of(project: &Project, graph: &Graph, states: &HashMap<String, NodeState>) -> GraphPicture {
    let node = |plugin: PluginId| {
        let config = &project.plugins[plugin.index()];
        Node {
            name: config.name.clone(),
            version: config.version.to_string(),
            runtime: config.run.runtime().into(),
            state: states.get(&config.name).cloned(),
        }
    };
    let wires_of = |plugin: PluginId| {
        let declared = &graph.decl(plugin).edges;
        graph.dependencies(plugin).iter().map(move |edge| Wire {
            needed: edge.plugin.index(),
            needing: plugin.index(),
            optional: edge.need == Need::Optional,
            ranges: declared
                .iter()
                .filter(|other| other.to == graph.name(edge.plugin))
                .filter_map(|other| other.range.as_ref().map(ToString::to_string))
                .filter(|range| range != "*")
                .collect(),
        })
    };
    GraphPicture {
        title: project.name.clone(),
        nodes: graph.plugins().map(node).collect(),
        wires: graph.plugins().flat_map(wires_of).collect(),
    }
}

fn json_of(picture: &GraphPicture) -> serde_json::Value {
    let node = |node: &Node| {
        let mut value = json!({ "plugin": node.name, "version": node.version, "runtime": node.runtime });
        if let Some(state) = &node.state {
            value["phase"] = state.phase.clone().into();
            value["status"] = state.health.clone().into();
        }
        value
    };
    let edge = |wire: &Wire| {
        json!({
            "needed": picture.nodes[wire.needed].name,
            "needing": picture.nodes[wire.needing].name,
            "optional": wire.optional,
            "ranges": wire.ranges,
        })
    };
    json!({
        "project": picture.title,
        "plugins": picture.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": picture.wires.iter().map(edge).collect::<Vec<_>>(),
    })
}
