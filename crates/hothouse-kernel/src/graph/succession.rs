//! A graph that replaces another one: the same names keep their numbers.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Adjacency, Edge, Graph, GraphError, PluginDecl};
use crate::{PluginId, PluginSet};

impl Graph {
    /// The graph of these declarations, to replace `old`: a name that `old` knows keeps its number, also if it was
    /// declared no more, and new names are numbered on. Orders follow the declarations, as in [`Graph::build`].
    ///
    /// # Errors
    /// As [`Graph::build`]; positions in the errors are those of the declarations.
    pub fn succeeding(old: &Graph, decls: Vec<PluginDecl>) -> Result<Graph, Vec<GraphError>> {
        Graph::build(decls).map(|fresh| fresh.renumbered(&old.by_name, &old.decls))
    }

    /// The graph of these declarations, with the numbers that their names have in `known`.
    #[cfg(feature = "serde")]
    pub(super) fn numbered(decls: Vec<PluginDecl>, known: Vec<PluginDecl>) -> Result<Graph, Vec<GraphError>> {
        let numbers = known.iter().enumerate().map(|(at, decl)| (decl.name.clone(), PluginId(at as u32)));
        let numbers = numbers.collect();
        Graph::build(decls).map(|fresh| fresh.renumbered(&numbers, &known))
    }

    /// Whether everything that `old` knows has the same number here.
    pub fn succeeds(&self, old: &Graph) -> bool {
        let mut pairs = self.decls.iter().zip(&old.decls);
        self.room() >= old.room() && pairs.all(|(new, old)| new.name == old.name)
    }

    /// This graph, numbered by position until now, with the numbers that are known.
    fn renumbered(self, numbers: &BTreeMap<String, PluginId>, known: &[PluginDecl]) -> Graph {
        let mut by_name = numbers.clone();
        let mut decls = known.to_vec();
        let mut declared = Vec::with_capacity(self.decls.len());
        for decl in self.decls {
            let next = PluginId(decls.len() as u32);
            let plugin = *by_name.entry(decl.name.clone()).or_insert(next);
            match decls.get_mut(plugin.index()) {
                Some(last) => *last = decl,
                None => decls.push(decl),
            }
            declared.push(plugin);
        }
        let room = decls.len();
        let mut is_declared = PluginSet::with_room(room);
        let (mut position, mut remaining) = (vec![0; room], vec![0; room]);
        for (at, plugin) in declared.iter().enumerate() {
            is_declared.insert(*plugin);
            position[plugin.index()] = self.position[at];
            remaining[plugin.index()] = self.remaining[at];
        }
        Graph {
            dependencies: self.dependencies.renumbered(&declared, room),
            dependents: self.dependents.renumbered(&declared, room),
            order: self.order.iter().map(|plugin| declared[plugin.index()]).collect(),
            decls,
            by_name,
            declared,
            is_declared,
            position,
            remaining,
        }
    }
}

impl Adjacency {
    /// The same edges among plugins that have other numbers: `numbers[position]`, all of them below `room`.
    fn renumbered(&self, numbers: &[PluginId], room: usize) -> Adjacency {
        let mut positions: Vec<Option<PluginId>> = vec![None; room];
        for (at, plugin) in numbers.iter().enumerate() {
            positions[plugin.index()] = Some(PluginId(at as u32));
        }
        let mut renumbered = Adjacency::default();
        for position in positions {
            renumbered.starts.push(renumbered.edges.len() as u32);
            let edges = position.map_or(&[][..], |position| self.of(position));
            let edges = edges.iter().map(|edge| Edge { plugin: numbers[edge.plugin.index()], ..*edge });
            renumbered.edges.extend(edges);
        }
        renumbered.starts.push(renumbered.edges.len() as u32);
        renumbered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn names(graph: &Graph, plugins: impl Iterator<Item = PluginId>) -> Vec<&str> {
        plugins.map(|plugin| graph.name(plugin)).collect()
    }

    #[test]
    fn a_name_keeps_its_number_also_when_it_comes_back() {
        let first = Graph::build(vec![PluginDecl::new("web").needs("db"), PluginDecl::new("db")]).unwrap();
        let second =
            Graph::succeeding(&first, vec![PluginDecl::new("mail"), PluginDecl::new("db").needs("mail")])
                .unwrap();
        assert!(second.succeeds(&first) && !first.succeeds(&second));
        let web = PluginId(0);
        assert!(second.id("web").is_none() && !second.contains(web) && second.knows(web));
        assert_eq!((second.name(web), second.len(), second.room()), ("web", 2, 3));
        assert_eq!(names(&second, second.plugins()), ["mail", "db"]);
        assert_eq!(names(&second, second.order().iter().copied()), ["mail", "db"]);
        assert!(second.dependencies(web).is_empty() && second.dependents(PluginId(1)).is_empty());
        assert_eq!(names(&second, second.with_dependents([PluginId(2)]).iter()), ["db", "mail"]);

        let third = Graph::succeeding(&second, vec![PluginDecl::new("web"), PluginDecl::new("new")]).unwrap();
        assert_eq!((third.id("web"), third.id("new")), (Some(web), Some(PluginId(3))));
        assert_eq!(third.position(PluginId(3)), 1);
    }
}
