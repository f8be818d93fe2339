//! Finding cycles worth showing to a person: one shortest one for every group of plugins that wait for one another.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use super::Adjacency;
use crate::PluginId;

/// One cycle per strongly connected group, as declaration indices, the one declared first in front.
/// `acyclic` are the plugins already known to be on no cycle.
pub(super) fn find_all(dependencies: &Adjacency, acyclic: &[PluginId]) -> Vec<Vec<usize>> {
    let plugins = dependencies.starts.len() - 1;
    let group = groups(dependencies, acyclic);
    let mut seen = vec![false; plugins];
    let mut came_from = vec![usize::MAX; plugins];
    let mut cycles = Vec::new();
    for at in 0..plugins {
        // A group is looked at once, from its first member; the others of it are then done with.
        if let Some(number) = group[at]
            && !core::mem::replace(&mut seen[number], true)
        {
            cycles.extend(shortest_through(dependencies, &group, &mut came_from, at));
        }
    }
    cycles
}

/// The strongly connected group of every plugin (Tarjan's algorithm with its own stack), `None` for `acyclic`.
fn groups(dependencies: &Adjacency, acyclic: &[PluginId]) -> Vec<Option<usize>> {
    const UNSEEN: usize = usize::MAX;
    let plugins = dependencies.starts.len() - 1;
    let mut index = vec![UNSEEN; plugins];
    for plugin in acyclic {
        index[plugin.index()] = 0;
    }
    let mut low = vec![0; plugins];
    let mut group: Vec<Option<usize>> = vec![None; plugins];
    let (mut stack, mut on_stack) = (Vec::new(), vec![false; plugins]);
    let (mut next_index, mut next_group) = (1, 0);
    for root in 0..plugins {
        if index[root] != UNSEEN {
            continue;
        }
        let mut walk = vec![(root, 0)];
        while let Some((at, edge)) = walk.pop() {
            if edge == 0 {
                index[at] = next_index;
                low[at] = next_index;
                next_index += 1;
                stack.push(at);
                on_stack[at] = true;
            }
            let edges = dependencies.of(PluginId(at as u32));
            if edge > 0 {
                low[at] = low[at].min(low[edges[edge - 1].plugin.index()]);
            }
            let mut edge = edge;
            let mut descended = false;
            while edge < edges.len() {
                let to = edges[edge].plugin.index();
                edge += 1;
                if index[to] == UNSEEN {
                    walk.push((at, edge));
                    walk.push((to, 0));
                    descended = true;
                    break;
                }
                if on_stack[to] {
                    low[at] = low[at].min(index[to]);
                }
            }
            if !descended && low[at] == index[at] {
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group[member] = Some(next_group);
                    if member == at {
                        break;
                    }
                }
                next_group += 1;
            }
        }
    }
    group
}

/// A shortest cycle through `start` within its group, or none if `start` is a group of its own without an edge to
/// itself. `came_from` is shared by all searches: each keeps to its own group, so that together they are linear.
fn shortest_through(
    dependencies: &Adjacency,
    group: &[Option<usize>],
    came_from: &mut [usize],
    start: usize,
) -> Option<Vec<usize>> {
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for edge in dependencies.of(PluginId(at as u32)) {
            let to = edge.plugin.index();
            if to == start {
                let mut path = vec![at];
                while path[path.len() - 1] != start {
                    path.push(came_from[path[path.len() - 1]]);
                }
                path.reverse();
                return Some(path);
            }
            if group[to] == group[start] && came_from[to] == usize::MAX {
                came_from[to] = at;
                open.push_back(to);
            }
        }
    }
    None
}
