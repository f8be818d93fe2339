//! Who needs whom: the checked graph of plugins, and the orders that follow from it.
//!
//! A [`Graph`] exists only if it is sound: names are unique, every hard dependency is there and in its range, and
//! there is no cycle. Everything that is wrong is found at once ([`Graph::build`]), before anything starts.
//! It is fixed once built and knows nothing of what runs. Nothing here recurses: a chain of 100,000 plugins is a loop.

mod build;
mod cycle;
mod order;
#[cfg(feature = "serde")]
mod serde;
mod succession;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use semver::{Version, VersionReq};

use crate::settings::PluginSettings;
use crate::{PluginId, PluginSet};

pub use build::GraphError;

/// One plugin as declared: what the graph and the kernel must know of it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
pub struct PluginDecl {
    /// The plugin's name, which is its id on the wire.
    pub name: String,
    /// The plugin's version, checked against the ranges of those that need it.
    pub version: Version,
    /// What it needs, in the order written.
    pub edges: Vec<EdgeDecl>,
    /// How it is started and stopped.
    pub settings: PluginSettings,
}

impl PluginDecl {
    /// A plugin of this name at version 0.0.0, without dependencies, with default settings.
    pub fn new(name: impl Into<String>) -> PluginDecl {
        PluginDecl {
            name: name.into(),
            version: Version::new(0, 0, 0),
            edges: Vec::new(),
            settings: PluginSettings::default(),
        }
    }

    /// The same plugin, needing `name` as well.
    #[must_use]
    pub fn needs(mut self, name: impl Into<String>) -> PluginDecl {
        self.edges.push(EdgeDecl { to: name.into(), need: Need::Hard, range: None });
        self
    }

    /// The same plugin, starting after `name` where that is present.
    #[must_use]
    pub fn likes(mut self, name: impl Into<String>) -> PluginDecl {
        self.edges.push(EdgeDecl { to: name.into(), need: Need::Optional, range: None });
        self
    }
}

/// One dependency as declared.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
pub struct EdgeDecl {
    /// The name of the plugin that is needed.
    pub to: String,
    /// How much it is needed.
    pub need: Need,
    /// The versions of it that will do; `None`: any.
    pub range: Option<VersionReq>,
}

/// How much a plugin needs another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
pub enum Need {
    /// It cannot start without it (`dependencies`, `degradation.criticalDependencies`).
    Hard,
    /// It starts after it if that one is present, and starts as well if that one failed (`optionalDependencies`).
    Optional,
}

/// One end of a dependency: the other plugin, and how much it is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The plugin at the other end.
    pub plugin: PluginId,
    /// How much the dependent needs the dependency.
    pub need: Need,
}

/// The plugins of a host and the dependencies among them, known to be sound.
///
/// A graph that replaces another one ([`Graph::succeeding`]) keeps its numbers: a name has one number as long as the host
/// lives. So there may be numbers of plugins that are declared no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// By number. What is declared no more keeps its last declaration, so that it can still be named and stopped.
    decls: Vec<PluginDecl>,
    /// Every name that ever had a number.
    by_name: BTreeMap<String, PluginId>,
    /// The plugins that are declared, in the order of the declarations.
    declared: Vec<PluginId>,
    /// Which these are.
    is_declared: PluginSet,
    dependencies: Adjacency,
    dependents: Adjacency,
    /// Every plugin, dependencies first; ties in the order of the declarations.
    order: Vec<PluginId>,
    /// Position of each plugin in `order`.
    position: Vec<u32>,
    /// Weight of the heaviest path from each plugin to one that nothing depends on, itself included.
    remaining: Vec<u64>,
}

impl Graph {
    /// How many plugins there are.
    pub fn len(&self) -> usize {
        self.declared.len()
    }

    /// How many numbers there are, those of plugins that are declared no more included: the size of anything that is
    /// kept per plugin.
    pub fn room(&self) -> usize {
        self.decls.len()
    }

    /// Whether there is no plugin at all.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    /// Every plugin in the order of the declarations.
    pub fn plugins(&self) -> impl ExactSizeIterator<Item = PluginId> + '_ {
        self.declared.iter().copied()
    }

    /// The plugin of that name.
    pub fn id(&self, name: &str) -> Option<PluginId> {
        self.by_name.get(name).copied().filter(|plugin| self.contains(*plugin))
    }

    /// What was declared of a plugin. Panics only if `plugin` is of another graph.
    pub fn decl(&self, plugin: PluginId) -> &PluginDecl {
        &self.decls[plugin.index()]
    }

    /// A plugin's name.
    pub fn name(&self, plugin: PluginId) -> &str {
        &self.decl(plugin).name
    }

    /// Whether `plugin` is declared in this graph.
    pub fn contains(&self, plugin: PluginId) -> bool {
        self.is_declared.contains(plugin)
    }

    /// Whether `plugin` is declared in this graph, or was in one that it replaces.
    pub fn knows(&self, plugin: PluginId) -> bool {
        plugin.index() < self.decls.len()
    }

    /// What a plugin needs; optional dependencies that are absent are left out.
    pub fn dependencies(&self, plugin: PluginId) -> &[Edge] {
        self.dependencies.of(plugin)
    }

    /// Who needs a plugin.
    pub fn dependents(&self, plugin: PluginId) -> &[Edge] {
        self.dependents.of(plugin)
    }

    /// Every plugin, dependencies first; among those that could come next, the one declared first.
    pub fn order(&self) -> &[PluginId] {
        &self.order
    }

    /// The place of a plugin in [`Graph::order`].
    pub fn position(&self, plugin: PluginId) -> u32 {
        self.position[plugin.index()]
    }

    /// The weight of the heaviest path that begins with this plugin and follows its dependents: what is still to be
    /// done when it starts. The unit is that of [`PluginSettings::expected_start`], microseconds.
    pub fn remaining(&self, plugin: PluginId) -> u64 {
        self.remaining[plugin.index()]
    }

    /// The given plugins and everything that they need (hard), however indirectly.
    pub fn with_dependencies(&self, plugins: impl IntoIterator<Item = PluginId>) -> PluginSet {
        self.closure(plugins, &self.dependencies)
    }

    /// The given plugins and everything that needs them (hard), however indirectly.
    pub fn with_dependents(&self, plugins: impl IntoIterator<Item = PluginId>) -> PluginSet {
        self.closure(plugins, &self.dependents)
    }

    fn closure(&self, plugins: impl IntoIterator<Item = PluginId>, along: &Adjacency) -> PluginSet {
        let mut set = PluginSet::with_room(self.len());
        let mut open: Vec<PluginId> =
            plugins.into_iter().filter(|plugin| self.contains(*plugin) && set.insert(*plugin)).collect();
        while let Some(plugin) = open.pop() {
            let hard = along.of(plugin).iter().filter(|edge| edge.need == Need::Hard);
            open.extend(hard.map(|edge| edge.plugin).filter(|next| set.insert(*next)));
        }
        set
    }
}

/// Edges of every plugin in one array, so that a walk over a graph touches memory in order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Adjacency {
    /// `edges[starts[p]..starts[p + 1]]` are the edges of plugin `p`.
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

impl Adjacency {
    fn of(&self, plugin: PluginId) -> &[Edge] {
        let at = plugin.index();
        &self.edges[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// The same edges seen from the other end, in the order of the plugins they come from.
    fn reversed(&self) -> Adjacency {
        let plugins = self.starts.len() - 1;
        let mut starts = alloc::vec![0u32; plugins + 1];
        for edge in &self.edges {
            starts[edge.plugin.index() + 1] += 1;
        }
        for at in 0..plugins {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut edges = alloc::vec![Edge { plugin: PluginId(0), need: Need::Hard }; self.edges.len()];
        for from in (0..plugins as u32).map(PluginId) {
            for edge in self.of(from) {
                let slot = &mut next[edge.plugin.index()];
                edges[*slot as usize] = Edge { plugin: from, need: edge.need };
                *slot += 1;
            }
        }
        Adjacency { starts, edges }
    }
}
