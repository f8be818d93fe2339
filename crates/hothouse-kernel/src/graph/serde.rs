//! Graphs through serde: as the declarations that they were built of, so that none is read that could not be built.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Graph, PluginDecl};

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.decls.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Graph, D::Error> {
        Graph::build(Vec::<PluginDecl>::deserialize(deserializer)?).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            D::Error::custom(texts.join("; "))
        })
    }
}
