//! The graph of now, for those outside of the loop.

use std::sync::{Arc, PoisonError, RwLock};

use hothouse_kernel::Graph;

/// The graph, replaced as a whole. Numbers of plugins are never given to another name, so whoever looks at an event of
/// before with the graph of now sees the right names.
pub(crate) struct CurrentGraph(RwLock<Arc<Graph>>);

impl CurrentGraph {
    pub(crate) fn new(graph: Arc<Graph>) -> CurrentGraph {
        CurrentGraph(RwLock::new(graph))
    }

    pub(crate) fn get(&self) -> Arc<Graph> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, graph: Arc<Graph>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = graph;
    }
}
