//! Twenty plugins that take 100 ms each, in graphs whose longest path takes 500 ms: a start can take no less, and
//! should take hardly more.

use std::sync::Arc;
use std::time::Duration;

use hothouse_host::{Host, HostSettings};
use hothouse_runtime::Loader;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Init, NativeLoader, Plugin, Pool};

use super::hosts::{self, Kind};
use crate::error::Outcome;
use crate::interleave::repeat;
use crate::table::{Row, Sheet, Target, ms};

const EACH: Duration = Duration::from_millis(100);
const LONGEST_PATH: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;

/// What a host may take, in longest paths.
const NATIVE: Target = Target::Ratio(1.02);
const CHILD: Target = Target::Ratio(1.05);

/// Entry by entry, which plugins it needs.
pub(super) type Graph = Vec<Vec<usize>>;

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for (shape, graph) in shapes() {
        let mut row = |who: &str, target, host: &dyn Fn() -> Outcome<Host>| -> Outcome<()> {
            let times = repeat(ROUNDS, || hosts::time_to_ready(&host()?))?;
            sheet.row(&Row {
                what: format!("makespan, {shape}, {who}"),
                of: "median",
                unit: "ms",
                value: ms(times.median()),
                floor: Some(ms(LONGEST_PATH)),
                target: Some(target),
            })?;
            Ok(())
        };
        row("native, async", NATIVE, &|| native(&graph, false))?;
        row("native, blocking", NATIVE, &|| native(&graph, true))?;
        row("commands", CHILD, &|| hosts::of_children(Kind::Byte, EACH, graph.clone()))?;
        row("JSON-RPC", CHILD, &|| hosts::of_children(Kind::Rpc, EACH, graph.clone()))?;
    }
    Ok(())
}

fn shapes() -> [(&'static str, Graph); 4] {
    [
        ("five full layers", layers(&[4, 4, 4, 4, 4])),
        ("narrow ends", layers(&[1, 6, 6, 6, 1])),
        ("tree", tree(&[1, 2, 4, 8, 5])),
        ("chain and fifteen alone", chain_and_alone()),
    ]
}

/// Each needs everything of the layer before.
pub(super) fn layers(sizes: &[usize]) -> Graph {
    let mut graph = Graph::new();
    let mut before = 0..0;
    for size in sizes {
        let layer = before.end..before.end + size;
        graph.extend(layer.clone().map(|_| before.clone().collect()));
        before = layer;
    }
    graph
}

/// Each needs one of the layer before.
fn tree(sizes: &[usize]) -> Graph {
    let mut graph = Graph::new();
    let mut before = 0..0;
    for size in sizes {
        let parents: Vec<usize> = before.clone().collect();
        let parent = |child: usize| parents.get(child % parents.len().max(1)).copied();
        graph.extend((0..*size).map(|child| parent(child).into_iter().collect()));
        before = before.end..before.end + size;
    }
    graph
}

fn chain_and_alone() -> Graph {
    let chain = (0..5_usize).map(|link| link.checked_sub(1).into_iter().collect());
    chain.chain(hosts::unconnected(15)).collect()
}

struct Slow {
    blocks: bool,
}

impl Plugin for Slow {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::default())
    }

    async fn start(&self) -> Result<(), PluginError> {
        match self.blocks {
            true => std::thread::sleep(EACH),
            false => tokio::time::sleep(EACH).await,
        }
        Ok(())
    }
}

fn native(graph: &Graph, blocks: bool) -> Outcome<Host> {
    let graph = graph.clone();
    let host = Host::spawn(HostSettings::default(), move || {
        let pool = Pool::new();
        hosts::of_graph(&graph, |_| -> Arc<dyn Loader> {
            Arc::new(NativeLoader::new(&pool, move || Slow { blocks }))
        })
    })?;
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_twenty_plugins_and_a_longest_path_of_five() {
        for (shape, graph) in shapes() {
            let mut depths: Vec<usize> = Vec::new();
            for needed in &graph {
                depths.push(1 + needed.iter().map(|needed| depths[*needed]).max().unwrap_or(0));
            }
            assert_eq!((graph.len(), depths.iter().max()), (20, Some(&5)), "{shape}");
        }
    }
}
