//! From declarations to a sound graph, or to everything that is wrong with them.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use semver::{Version, VersionReq};

use super::{Adjacency, Edge, Graph, Need, PluginDecl, cycle, order};
use crate::{PluginId, PluginSet};

/// Something that makes a set of declarations no graph. Positions are indices into the declarations, so that a
/// caller who knows the file can name the line.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphError {
    /// Two declarations of one name.
    Duplicate {
        /// The name.
        name: String,
        /// The declaration that came first.
        first: usize,
        /// The one that repeats it.
        second: usize,
    },
    /// A hard dependency on a plugin that is not declared.
    Missing {
        /// The declaration that needs it.
        from: usize,
        /// The position among that declaration's edges.
        edge: usize,
        /// The name that nobody has.
        name: String,
    },
    /// A dependency whose version is outside the range asked for.
    Unsatisfied {
        /// The declaration that needs it.
        from: usize,
        /// The position among that declaration's edges.
        edge: usize,
        /// Name of the one that needs.
        dependent: String,
        /// Name of the one that is needed.
        dependency: String,
        /// The range asked for.
        range: VersionReq,
        /// The version that is declared.
        found: Version,
    },
    /// Plugins that wait for one another for ever: each needs the next, and the last needs the first.
    Cycle {
        /// The declarations round the cycle, the one declared first in front.
        members: Vec<usize>,
        /// Their names.
        names: Vec<String>,
    },
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::Duplicate { name, .. } => write!(f, "two plugins are named `{name}`"),
            GraphError::Missing { name, .. } => write!(f, "there is no plugin named `{name}`"),
            GraphError::Unsatisfied { dependent, dependency, range, found, .. } => {
                write!(f, "`{dependent}` needs `{dependency}` {range}, but `{dependency}` is {found}")
            }
            GraphError::Cycle { names, .. } => {
                f.write_str("plugins need one another in a circle: ")?;
                for name in names {
                    write!(f, "{name} → ")?;
                }
                f.write_str(names.first().map_or("", String::as_str))
            }
        }
    }
}

impl core::error::Error for GraphError {}

impl Graph {
    /// Checks the declarations and makes the graph of them.
    ///
    /// # Errors
    /// Everything that is wrong, at once: duplicate names, hard dependencies on absent plugins, versions out of
    /// range, and one shortest cycle for every group of plugins that wait for one another.
    pub fn build(decls: Vec<PluginDecl>) -> Result<Graph, Vec<GraphError>> {
        let mut errors = Vec::new();
        let by_name = names(&decls, &mut errors);
        let dependencies = edges(&decls, &by_name, &mut errors);
        let dependents = dependencies.reversed();
        let order = order::topological(&dependencies, &dependents);
        if order.len() < decls.len() {
            errors.extend(cycle::find_all(&dependencies, &order).into_iter().map(|members| {
                GraphError::Cycle {
                    names: members.iter().map(|at| decls[*at].name.clone()).collect(),
                    members,
                }
            }));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut position = alloc::vec![0; decls.len()];
        for (at, plugin) in order.iter().enumerate() {
            position[plugin.index()] = at as u32;
        }
        let weights = decls.iter().map(|decl| decl.settings.weight());
        let remaining = order::remaining(&order, &dependents, weights.collect());
        let declared: Vec<PluginId> = (0..decls.len() as u32).map(PluginId).collect();
        let is_declared = PluginSet::first(decls.len());
        Ok(Graph {
            decls,
            by_name,
            declared,
            is_declared,
            dependencies,
            dependents,
            order,
            position,
            remaining,
        })
    }
}

fn names(decls: &[PluginDecl], errors: &mut Vec<GraphError>) -> BTreeMap<String, PluginId> {
    let mut by_name = BTreeMap::new();
    for (at, decl) in decls.iter().enumerate() {
        let first = *by_name.entry(decl.name.clone()).or_insert(PluginId(at as u32));
        if first.index() != at {
            errors.push(GraphError::Duplicate { name: decl.name.clone(), first: first.index(), second: at });
        }
    }
    by_name
}

/// The dependencies of every plugin, one edge for each other plugin: where two declarations of the same one differ,
/// the harder need holds and both ranges are checked.
fn edges(
    decls: &[PluginDecl],
    by_name: &BTreeMap<String, PluginId>,
    errors: &mut Vec<GraphError>,
) -> Adjacency {
    let mut all = Adjacency { starts: Vec::with_capacity(decls.len() + 1), edges: Vec::new() };
    for (from, decl) in decls.iter().enumerate() {
        all.starts.push(all.edges.len() as u32);
        let first = all.edges.len();
        for (at, edge) in decl.edges.iter().enumerate() {
            let Some(plugin) = by_name.get(&edge.to).copied() else {
                if edge.need == Need::Hard {
                    errors.push(GraphError::Missing { from, edge: at, name: edge.to.clone() });
                }
                continue;
            };
            let found = &decls[plugin.index()].version;
            if let Some(range) = edge.range.as_ref().filter(|range| !range.matches(found)) {
                errors.push(GraphError::Unsatisfied {
                    from,
                    edge: at,
                    dependent: decl.name.clone(),
                    dependency: edge.to.to_string(),
                    range: range.clone(),
                    found: found.clone(),
                });
            }
            all.edges.push(Edge { plugin, need: edge.need });
        }
        merge_repeated(&mut all.edges, first);
    }
    all.starts.push(all.edges.len() as u32);
    all
}

/// Leaves one edge to each plugin in `edges[first..]`, the hardest, in the order of the plugins. The order within
/// one plugin's dependencies carries no meaning; sorting keeps a plugin with many of them from being quadratic.
fn merge_repeated(edges: &mut Vec<Edge>, first: usize) {
    edges[first..].sort_by_key(|edge| (edge.plugin, edge.need));
    let mut kept = first;
    for at in first..edges.len() {
        if kept == first || edges[kept - 1].plugin != edges[at].plugin {
            edges[kept] = edges[at];
            kept += 1;
        }
    }
    edges.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EdgeDecl;
    use alloc::format;
    use alloc::vec;

    fn names(graph: &Graph) -> Vec<&str> {
        graph.order().iter().map(|plugin| graph.name(*plugin)).collect()
    }

    #[test]
    fn order_is_topological_and_ties_keep_the_order_of_the_declarations() {
        let graph = Graph::build(vec![
            PluginDecl::new("web").needs("db").likes("cache").likes("absent"),
            PluginDecl::new("cache"),
            PluginDecl::new("db").needs("disk"),
            PluginDecl::new("mail"),
            PluginDecl::new("disk"),
        ])
        .unwrap();
        assert_eq!(names(&graph), ["cache", "mail", "disk", "db", "web"]);
        let web = graph.id("web").unwrap();
        assert_eq!(graph.dependencies(web).len(), 2, "the absent optional one is no edge");
    }

    #[test]
    fn of_two_edges_to_one_plugin_the_harder_holds() {
        let decls = vec![PluginDecl::new("a").likes("b").needs("b").likes("b"), PluginDecl::new("b")];
        let graph = Graph::build(decls).unwrap();
        assert_eq!(graph.dependencies(PluginId(0)), [Edge { plugin: PluginId(1), need: Need::Hard }]);
        assert_eq!(graph.dependents(PluginId(1)), [Edge { plugin: PluginId(0), need: Need::Hard }]);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let mut ranged = PluginDecl::new("r").needs("gone");
        ranged.edges.push(EdgeDecl {
            to: "v".into(),
            need: Need::Optional,
            range: Some(VersionReq::parse("^2.1").unwrap()),
        });
        let errors = Graph::build(vec![
            ranged,
            PluginDecl::new("v"),
            PluginDecl::new("v"),
            PluginDecl::new("x").needs("y"),
            PluginDecl::new("y").likes("z"),
            PluginDecl::new("z").needs("x").needs("v"),
            PluginDecl::new("self").needs("self"),
            PluginDecl::new("after").needs("x"),
        ])
        .unwrap_err();
        let texts: Vec<_> = errors.iter().map(|error| format!("{error}")).collect();
        assert_eq!(
            texts,
            [
                "two plugins are named `v`",
                "there is no plugin named `gone`",
                "`r` needs `v` ^2.1, but `v` is 0.0.0",
                "plugins need one another in a circle: x → y → z → x",
                "plugins need one another in a circle: self → self",
            ]
        );
    }

    #[test]
    fn a_chain_and_a_fan_of_a_hundred_thousand_are_no_trouble() {
        let many = 100_000;
        let chain = (0..many).map(|at| match at {
            0 => PluginDecl::new("0"),
            at => PluginDecl::new(format!("{at}")).needs(format!("{}", at - 1)),
        });
        let graph = Graph::build(chain.collect()).unwrap();
        assert_eq!(graph.remaining(PluginId(0)), many);
        assert_eq!(graph.with_dependents([PluginId(0)]).len(), many as usize);

        let mut hub = PluginDecl::new("hub");
        for at in 0..many {
            hub = hub.needs(format!("{at}"));
        }
        let fan = (0..many).map(|at| PluginDecl::new(format!("{at}"))).chain([hub]);
        assert_eq!(Graph::build(fan.collect()).unwrap().order().last(), Some(&PluginId(many as u32)));

        let ring = (0..many).map(|at| PluginDecl::new(format!("{at}")).needs(format!("{}", (at + 1) % many)));
        let errors = Graph::build(ring.collect()).unwrap_err();
        assert!(matches!(&errors[..], [GraphError::Cycle { members, .. }] if members.len() == many as usize));
    }
}
