//! A layered layout: what needs nothing stands in the first layer, everything else one layer after the last thing that
//! it needs, and the order within the layers is such that few edges cross.
//!
//! It knows neither pixels of a page nor names: it places numbered nodes at layers and heights, and says through which
//! heights an edge goes that spans several layers. Nothing here recurses.

/// How much height things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spacing {
    /// A node.
    pub(crate) node: f64,
    /// An edge that passes through a layer.
    pub(crate) pass: f64,
    /// The gap between two of either.
    pub(crate) gap: f64,
}

/// Where everything stands.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Layout {
    /// Layer and middle height of every node.
    pub(crate) nodes: Vec<(usize, f64)>,
    /// For every edge the middle heights in the layers that it passes, first to last.
    pub(crate) passes: Vec<Vec<f64>>,
    /// How many layers there are.
    pub(crate) layers: usize,
    /// The height of the whole.
    pub(crate) height: f64,
}

/// More passages than this are not drawn around the nodes; such a picture is read with a program.
const MOST_PASSES: usize = 20_000;
/// How often the order within the layers is improved, at most.
const SWEEPS: usize = 12;
/// How often the heights are evened out.
const ROUNDS: usize = 24;

/// Places nodes whose edges, (needed, needing), make no cycle.
pub(crate) fn layout(nodes: usize, edges: &[(usize, usize)], spacing: &Spacing) -> Layout {
    let layer_of = longest_paths(nodes, edges);
    let mut grid = Grid::new(&layer_of, edges);
    grid.uncross();
    let heights = grid.heights(spacing);
    let height = grid
        .layers
        .iter()
        .filter_map(|layer| layer.last())
        .map(|last| heights[*last] + grid.size(*last, spacing) / 2.0)
        .fold(0.0, f64::max);
    Layout {
        nodes: (0..nodes).map(|node| (layer_of[node], heights[node])).collect(),
        passes: grid.passes.iter().map(|items| items.iter().map(|item| heights[*item]).collect()).collect(),
        layers: grid.layers.len(),
        height,
    }
}

/// The length of the longest path that leads to each node.
fn longest_paths(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut needing = vec![Vec::new(); nodes];
    let mut missing = vec![0usize; nodes];
    for (from, to) in edges {
        needing[*from].push(*to);
        missing[*to] += 1;
    }
    let mut layer = vec![0; nodes];
    let mut free: Vec<usize> = (0..nodes).filter(|node| missing[*node] == 0).collect();
    while let Some(node) = free.pop() {
        for next in &needing[node] {
            layer[*next] = layer[*next].max(layer[node] + 1);
            missing[*next] -= 1;
            if missing[*next] == 0 {
                free.push(*next);
            }
        }
    }
    layer
}

/// Nodes and passages, by layer. Items below `nodes` are nodes, the others passages.
struct Grid {
    nodes: usize,
    layers: Vec<Vec<usize>>,
    /// Neighbours of every item in the layer before it and in the one after it.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// The passages of every edge.
    passes: Vec<Vec<usize>>,
    /// The place of every item within its layer.
    place: Vec<usize>,
}

impl Grid {
    fn new(layer_of: &[usize], edges: &[(usize, usize)]) -> Grid {
        let nodes = layer_of.len();
        let mut layers = vec![Vec::new(); layer_of.iter().max().map_or(0, |last| last + 1)];
        for (node, layer) in layer_of.iter().enumerate() {
            layers[*layer].push(node);
        }
        let span = |(from, to): &(usize, usize)| (layer_of[*from] + 1, layer_of[*to]);
        let all: usize = edges.iter().map(|edge| span(edge).1.saturating_sub(span(edge).0)).sum();
        let mut grid = Grid {
            nodes,
            layers,
            before: vec![Vec::new(); nodes],
            after: vec![Vec::new(); nodes],
            passes: vec![Vec::new(); edges.len()],
            place: Vec::new(),
        };
        for (edge, (from, to)) in edges.iter().enumerate() {
            let (first, last) = span(&(*from, *to));
            let mut previous = *from;
            // What spans layers without a passage has no neighbour there, and pulls at nothing.
            let passed = if all <= MOST_PASSES { first..last } else { 0..0 };
            if first < last && passed.is_empty() {
                continue;
            }
            for layer in passed {
                let item = grid.before.len();
                grid.before.push(Vec::new());
                grid.after.push(Vec::new());
                grid.layers[layer].push(item);
                grid.passes[edge].push(item);
                grid.connect(previous, item);
                previous = item;
            }
            grid.connect(previous, *to);
        }
        grid.place = vec![0; grid.before.len()];
        grid.note_places();
        grid
    }

    fn connect(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    fn note_places(&mut self) {
        for layer in &self.layers {
            for (place, item) in layer.iter().enumerate() {
                self.place[*item] = place;
            }
        }
    }

    /// Orders the layers so that few edges cross: every item goes to the middle of its neighbours, layer by layer,
    /// there and back, and the best order that was seen stays.
    fn uncross(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let forth = sweep % 2 == 0;
            for step in 1..self.layers.len() {
                let layer = if forth { step } else { self.layers.len() - 1 - step };
                self.order_by_middles(layer, forth);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
        self.note_places();
    }

    fn order_by_middles(&mut self, layer: usize, forth: bool) {
        let neighbours = if forth { &self.before } else { &self.after };
        let middle = |item: usize| {
            let of = &neighbours[item];
            match of.len() {
                // Who has nobody there stays where it is.
                0 => self.place[item] as f64,
                count => of.iter().map(|one| self.place[*one]).sum::<usize>() as f64 / count as f64,
            }
        };
        let mut keyed: Vec<(f64, usize)> =
            self.layers[layer].iter().map(|item| (middle(*item), *item)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (place, (_, item)) in keyed.iter().enumerate() {
            self.layers[layer][place] = *item;
            self.place[*item] = place;
        }
    }

    /// How many pairs of edges cross.
    fn crossings(&self) -> usize {
        self.layers.windows(2).map(|pair| self.crossings_between(&pair[0], pair[1].len())).sum()
    }

    fn crossings_between(&self, first: &[usize], width: usize) -> usize {
        // Edges in the order of where they begin: each crosses those before it that end beyond it.
        let mut ended = Counter::new(width);
        let (mut crossings, mut seen) = (0, 0);
        for item in first {
            let mut ends: Vec<usize> = self.after[*item].iter().map(|to| self.place[*to]).collect();
            ends.sort_unstable();
            crossings += ends.iter().map(|end| seen - ended.up_to(*end)).sum::<usize>();
            seen += ends.len();
            ends.iter().for_each(|end| ended.add(*end));
        }
        crossings
    }

    fn size(&self, item: usize, spacing: &Spacing) -> f64 {
        if item < self.nodes { spacing.node } else { spacing.pass }
    }

    /// A middle height for every item: as near to its neighbours as the order and the gaps allow.
    fn heights(&self, spacing: &Spacing) -> Vec<f64> {
        let mut heights = vec![0.0; self.place.len()];
        for layer in &self.layers {
            // The middles of all layers begin at the same height, so that none has far to go.
            let all: f64 = layer.iter().map(|item| self.size(*item, spacing) + spacing.gap).sum();
            let mut top = -all / 2.0;
            for item in layer {
                heights[*item] = top + self.size(*item, spacing) / 2.0;
                top += self.size(*item, spacing) + spacing.gap;
            }
        }
        for round in 0..ROUNDS {
            // First what stands before decides, and what stands after, by turns; then both together.
            let (forth, both) = (round % 2 == 0, round >= ROUNDS / 2);
            for step in 0..self.layers.len() {
                let layer = if forth { step } else { self.layers.len() - 1 - step };
                self.settle(layer, forth || both, !forth || both, &mut heights, spacing);
            }
        }
        let top = |layer: &Vec<usize>| {
            layer.first().map(|first| heights[*first] - self.size(*first, spacing) / 2.0)
        };
        let top = self.layers.iter().filter_map(top).fold(f64::INFINITY, f64::min);
        heights.iter_mut().for_each(|height| *height -= if top.is_finite() { top } else { 0.0 });
        heights
    }

    fn settle(&self, layer: usize, by_before: bool, by_after: bool, heights: &mut [f64], spacing: &Spacing) {
        let items = &self.layers[layer];
        let wish = |item: usize| {
            let (mut sum, mut weight) = (0.0, 0.0);
            let before = self.before[item].iter().filter(|_| by_before);
            for one in before.chain(self.after[item].iter().filter(|_| by_after)) {
                // An edge that passes should be a straight line.
                let pull = if item >= self.nodes && *one >= self.nodes { 4.0 } else { 1.0 };
                sum += heights[*one] * pull;
                weight += pull;
            }
            if weight == 0.0 { (heights[item], 0.1) } else { (sum / weight, weight) }
        };
        // With the least distances taken away, what is left to find is an order that does not descend.
        let mut least = Vec::with_capacity(items.len());
        let mut offset = 0.0;
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                let both = self.size(items[at - 1], spacing) + self.size(*item, spacing);
                offset += both / 2.0 + spacing.gap;
            }
            least.push(offset);
        }
        let wishes: Vec<(f64, f64)> = items
            .iter()
            .zip(&least)
            .map(|(item, least)| {
                let (height, weight) = wish(*item);
                (height - least, weight)
            })
            .collect();
        for ((item, least), height) in items.iter().zip(&least).zip(ascending(&wishes)) {
            heights[*item] = height + least;
        }
    }
}

/// The values that never descend and are nearest to the wishes, each of which has a weight.
fn ascending(wishes: &[(f64, f64)]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (wish, weight) in wishes {
        blocks.push((*wish, *weight, 1));
        while let [.., a, b] = blocks[..] {
            if a.0 <= b.0 {
                break;
            }
            let weight = a.1 + b.1;
            blocks.truncate(blocks.len() - 2);
            blocks.push(((a.0 * a.1 + b.0 * b.1) / weight, weight, a.2 + b.2));
        }
    }
    blocks.iter().flat_map(|(value, _, count)| std::iter::repeat_n(*value, *count)).collect()
}

/// Counts, and says how many were counted up to a place (a Fenwick tree).
struct Counter {
    tree: Vec<usize>,
}

impl Counter {
    fn new(places: usize) -> Counter {
        Counter { tree: vec![0; places + 1] }
    }

    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn up_to(&self, place: usize) -> usize {
        let (mut at, mut sum) = (place + 1, 0);
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: Spacing = Spacing { node: 40.0, pass: 4.0, gap: 16.0 };

    fn crossings(nodes: usize, edges: &[(usize, usize)]) -> usize {
        let mut grid = Grid::new(&longest_paths(nodes, edges), edges);
        grid.uncross();
        grid.crossings()
    }

    #[test]
    fn everything_stands_after_the_last_thing_that_it_needs() {
        let edges = [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)];
        let layout = layout(4, &edges, &SPACING);
        assert_eq!(layout.nodes.iter().map(|node| node.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(layout.passes.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1, 0, 2]);
    }

    #[test]
    fn edges_that_need_not_cross_do_not() {
        // Three pairs, declared crosswise.
        assert_eq!(crossings(6, &[(0, 5), (1, 4), (2, 3)]), 0);
        // A complete pair of pairs cannot do without one.
        assert_eq!(crossings(4, &[(0, 2), (0, 3), (1, 2), (1, 3)]), 1);
    }

    #[test]
    fn nothing_in_a_layer_overlaps() {
        // Everybody of three layers of five needs everybody of the layer before, and the first one as well.
        let mut edges = Vec::new();
        for to in 5..15 {
            edges.extend((0..5).map(|from| (to / 5 * 5 - 5 + from, to)));
        }
        edges.push((0, 14));
        let layout = layout(15, &edges, &SPACING);
        for layer in 0..layout.layers {
            let mut items: Vec<(f64, f64)> =
                layout.nodes.iter().filter(|node| node.0 == layer).map(|node| (node.1, 40.0)).collect();
            if layer == 1 {
                items.extend(layout.passes.iter().flatten().map(|height| (*height, 4.0)));
            }
            items.sort_by(|a, b| a.0.total_cmp(&b.0));
            for pair in items.windows(2) {
                let room = pair[1].0 - pair[0].0 - (pair[0].1 + pair[1].1) / 2.0;
                assert!(room > 15.999, "{layer}: {room}");
            }
        }
    }

    #[test]
    fn a_long_chain_and_a_wide_fan_are_no_trouble() {
        let chain: Vec<_> = (1..100_000).map(|to| (to - 1, to)).collect();
        assert_eq!(layout(100_000, &chain, &SPACING).layers, 100_000);
        let fan: Vec<_> = (1..20_000).map(|to| (0, to)).collect();
        assert_eq!(layout(20_000, &fan, &SPACING).layers, 2);
        // Passages for all of these would be half a million.
        let mut skips: Vec<_> = (1..1_000).map(|to| (to - 1, to)).collect();
        skips.extend((2..1_000).map(|to| (0, to)));
        let layout = layout(1_000, &skips, &SPACING);
        assert!(layout.passes.iter().all(Vec::is_empty));
    }

    #[test]
    fn nothing_at_all_has_a_layout_too() {
        assert_eq!(
            layout(0, &[], &SPACING),
            Layout { nodes: vec![], passes: vec![], layers: 0, height: 0.0 }
        );
    }

    #[test]
    fn what_never_descends_is_found() {
        let wishes = [(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (5.0, 1.0), (4.0, 3.0)];
        assert_eq!(ascending(&wishes), [2.0, 2.0, 2.0, 4.25, 4.25]);
    }
}
