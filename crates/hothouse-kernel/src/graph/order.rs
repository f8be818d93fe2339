//! Orders that follow from the edges.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::Adjacency;
use crate::PluginId;

/// Every plugin that is not on or behind a cycle, dependencies first; of several that could come next, the one
/// declared first comes first. Shorter than the graph exactly if there is a cycle.
pub(super) fn topological(dependencies: &Adjacency, dependents: &Adjacency) -> Vec<PluginId> {
    let plugins = dependencies.starts.len() - 1;
    let ids = || (0..plugins as u32).map(PluginId);
    let mut waiting: Vec<u32> = ids().map(|plugin| dependencies.of(plugin).len() as u32).collect();
    let mut free: BinaryHeap<Reverse<PluginId>> =
        ids().filter(|plugin| waiting[plugin.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(plugins);
    while let Some(Reverse(plugin)) = free.pop() {
        order.push(plugin);
        for edge in dependents.of(plugin) {
            let left = &mut waiting[edge.plugin.index()];
            *left -= 1;
            if *left == 0 {
                free.push(Reverse(edge.plugin));
            }
        }
    }
    order
}

/// For each plugin, its own weight and that of the heaviest path through those that wait for it.
pub(super) fn remaining(order: &[PluginId], dependents: &Adjacency, weights: Vec<u64>) -> Vec<u64> {
    let mut remaining = weights;
    for plugin in order.iter().rev() {
        let behind = dependents.of(*plugin).iter().map(|edge| remaining[edge.plugin.index()]).max();
        let own = &mut remaining[plugin.index()];
        *own = own.saturating_add(behind.unwrap_or(0));
    }
    remaining
}
