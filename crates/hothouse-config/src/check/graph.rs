//! The graph of plugins: the kernel decides what is wrong with it, this module says where in the file.

use hothouse_kernel::{EdgeDecl, Graph, GraphError, Need, PluginDecl};
use semver::{Version, VersionReq};

use crate::near::nearest;
use crate::problem::{Draft, Report};
use crate::project::{Dependency, PluginConfig, Project};
use crate::shape::{Needed, PluginDraft};

impl Project {
    /// The plugins as the kernel's graph takes them, in the order of the file, with the edges of all four lists:
    /// `dependencies` and `degradation.criticalDependencies` are hard, `optionalDependencies` and
    /// `degradation.optionalDependencies` optional. Settings are the kernel's defaults but for `expectedStart`.
    pub fn plugin_decls(&self) -> Vec<PluginDecl> {
        self.plugins.iter().map(PluginConfig::decl).collect()
    }
}

impl PluginConfig {
    /// This plugin as the kernel's graph takes it; see [`Project::plugin_decls`].
    pub fn decl(&self) -> PluginDecl {
        let lists = [
            (&self.dependencies, Need::Hard),
            (&self.degradation_critical, Need::Hard),
            (&self.optional_dependencies, Need::Optional),
            (&self.degradation_optional, Need::Optional),
        ];
        let mut decl = PluginDecl::new(self.name.clone());
        decl.version = self.version.clone();
        decl.settings.expected_start = self.expected_start;
        for (list, need) in lists {
            for Dependency { name, range, .. } in list {
                merge(&mut decl.edges, name, need, range.as_ref());
            }
        }
        decl
    }
}

/// Adds an edge, or hardens the one to the same plugin that is there. Two different ranges stay two edges: both are to
/// be satisfied.
fn merge(edges: &mut Vec<EdgeDecl>, to: &str, need: Need, range: Option<&VersionReq>) {
    let same = |edge: &&mut EdgeDecl| edge.to == to && (range.is_none() || edge.range.as_ref() == range);
    match edges.iter_mut().find(same) {
        // Hard lists come first, so an edge that is there is never softer.
        Some(_) => {}
        None => edges.push(EdgeDecl { to: to.into(), need, range: range.cloned() }),
    }
}

/// More names than this help nobody who looks for one.
const LISTED_NAMES: usize = 20;

/// Reports what is wrong with the graph.
pub(super) fn check(plugins: &[PluginDraft<'_>], report: &mut Report) {
    // A plugin without a usable name takes part in nothing; its name has been reported.
    let named: Vec<Named<'_>> = plugins.iter().filter_map(Named::of).collect();
    for plugin in &named {
        itself(plugin, report);
        granted(plugin, &named, report);
    }
    let decls = named.iter().map(Named::decl).collect();
    let Err(errors) = Graph::build(decls) else { return };
    for error in errors {
        if let Some(draft) = problem(&named, &error, report.wants_hints()) {
            report.error(draft);
        }
    }
}

/// A plugin with its name and its edges in the order in which the kernel gets them.
struct Named<'a> {
    name: &'a str,
    draft: &'a PluginDraft<'a>,
    edges: Vec<(&'a Needed, Need)>,
}

impl<'a> Named<'a> {
    fn of(draft: &'a PluginDraft<'a>) -> Option<Named<'a>> {
        let name = draft.name.as_deref()?;
        let lists = [
            (&draft.dependencies, Need::Hard),
            (&draft.degradation_critical, Need::Hard),
            (&draft.optional_dependencies, Need::Optional),
            (&draft.degradation_optional, Need::Optional),
        ];
        let edges = lists.into_iter().flat_map(|(list, need)| list.iter().map(move |needed| (needed, need)));
        // An edge to itself has a message of its own.
        let edges = edges.filter(|(needed, _)| needed.name != name).collect();
        Some(Named { name, draft, edges })
    }

    fn decl(&self) -> PluginDecl {
        let mut decl = PluginDecl::new(self.name);
        decl.version = self.draft.version.clone().unwrap_or(Version::new(0, 0, 0));
        decl.edges = self.edges.iter().map(|(needed, need)| self.edge(needed, *need)).collect();
        decl
    }

    fn edge(&self, needed: &Needed, need: Need) -> EdgeDecl {
        EdgeDecl { to: needed.name.clone(), need, range: needed.range.clone() }
    }
}

/// Whom it may call must be there; nothing else follows from it.
fn granted(plugin: &Named<'_>, plugins: &[Named<'_>], report: &mut Report) {
    let is_there = |name: &str| plugins.iter().any(|plugin| plugin.name == name);
    for granted in plugin.draft.may_call.iter().filter(|granted| !is_there(&granted.name)) {
        let message = format!("there is no plugin named `{}`", granted.name);
        let near = nearest(&granted.name, plugins.iter().map(|plugin| plugin.name));
        report.error(Draft::new(granted.at, &granted.path, message).found(&granted.name).near(near));
    }
}

fn itself(plugin: &Named<'_>, report: &mut Report) {
    let draft = plugin.draft;
    let lists = [
        &draft.dependencies,
        &draft.degradation_critical,
        &draft.optional_dependencies,
        &draft.degradation_optional,
    ];
    for needed in lists.into_iter().flatten().filter(|needed| needed.name == plugin.name) {
        let message = format!("`{}` depends on itself", needed.name);
        report
            .error(Draft::new(needed.at, &needed.path, message).hint("remove it from its own dependencies"));
    }
}

fn problem(plugins: &[Named<'_>], error: &GraphError, with_hint: bool) -> Option<Draft> {
    match error {
        GraphError::Duplicate { name, first, second } => {
            let (first, second) = (plugins.get(*first)?.draft, plugins.get(*second)?.draft);
            let at = first.name_at.start;
            let message = format!("the name `{name}` is taken by the plugin on line {}", at.line);
            let path = second.field.path.key("name");
            Some(
                Draft::new(second.name_at, &path, message).found(name).related(at, format!("first `{name}`")),
            )
        }
        GraphError::Missing { from, edge, name } => {
            let (needed, _) = plugins.get(*from)?.edges.get(*edge)?;
            let message = format!("there is no plugin named `{name}`");
            let draft = Draft::new(needed.at, &needed.path, message).found(name);
            if !with_hint {
                return Some(draft);
            }
            let mut names: Vec<_> = plugins.iter().map(|plugin| plugin.name).collect();
            names.sort_unstable();
            names.dedup();
            let hint =
                (names.len() <= LISTED_NAMES).then(|| format!("the plugins are: {}", names.join(", ")));
            Some(draft.maybe_hint(hint).near(nearest(name, names.iter().copied())))
        }
        GraphError::Unsatisfied { from, edge, dependent, dependency, range, found } => {
            let (needed, _) = plugins.get(*from)?.edges.get(*edge)?;
            let other = plugins.iter().find(|plugin| plugin.name == dependency)?.draft;
            // A version that could not be read satisfies nothing, but has been reported itself.
            other.version.as_ref()?;
            let message =
                format!("`{dependent}` needs `{dependency}` {range}, but `{dependency}` is {found}");
            let draft = Draft::new(needed.at, &needed.path, message)
                .found(found.to_string())
                .allowed(range.to_string());
            let at = other.field.get("version").map_or(other.name_at, |field| field.at()).start;
            Some(draft.related(at, format!("`{dependency}` is {found}")))
        }
        GraphError::Cycle { members, names } => cycle(plugins, members, names),
    }
}

fn cycle(plugins: &[Named<'_>], members: &[usize], names: &[String]) -> Option<Draft> {
    let first = names.first()?;
    let message = format!("dependency cycle: {} → {first}", names.join(" → "));
    let followers = members.iter().cycle().skip(1);
    let edges = members.iter().zip(followers).filter_map(|(from, to)| {
        let (from, to) = (plugins.get(*from)?, plugins.get(*to)?);
        let (needed, _) = from.edges.iter().find(|(needed, _)| needed.name == to.name)?;
        Some((*needed, format!("`{}` needs `{}`", from.name, to.name)))
    });
    let edges: Vec<_> = edges.collect();
    let (start, _) = edges.first()?;
    let draft = Draft::new(start.at, &start.path, message);
    let draft = edges.iter().fold(draft, |draft, (needed, note)| draft.related(needed.line(), note.as_str()));
    Some(draft.hint("remove one of these dependencies; of an optional one only the order would be lost"))
}
