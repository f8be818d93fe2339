//! Graphs through serde: as the declarations that they were built of, so that none is read that could not be built.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Graph, PluginDecl};
use crate::PluginId;

/// What a graph is made from.
#[derive(Deserialize)]
struct Parts {
    /// What is known of every number, declared or not.
    decls: Vec<PluginDecl>,
    /// The numbers that are declared, in the order of the declarations.
    declared: Vec<PluginId>,
}

/// The same, for writing.
#[derive(Serialize)]
struct PartsOf<'a> {
    decls: &'a [PluginDecl],
    declared: &'a [PluginId],
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PartsOf { decls: &self.decls, declared: &self.declared }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Graph, D::Error> {
        let Parts { decls, declared } = Parts::deserialize(deserializer)?;
        let written = declared.iter().map(|plugin| decls.get(plugin.index()).cloned());
        let written: Option<Vec<PluginDecl>> = written.collect();
        let written =
            written.ok_or_else(|| D::Error::custom("a plugin is declared that nothing is known of"))?;
        Graph::numbered(written, decls).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            D::Error::custom(texts.join("; "))
        })
    }
}
