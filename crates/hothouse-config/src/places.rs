//! Where every setting stands in the project file, for messages about a project that is read and checked.

use std::collections::BTreeMap;

use crate::path::Path;
use crate::source::{Position, Span};
use crate::tree::{Node, Value};

/// The place of every key, by its path: `plugins[2].env.PORT`. It holds no values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Position>);

impl Places {
    /// The places in this tree.
    pub(crate) fn of(tree: &Node) -> Places {
        let mut places = Places::default();
        places.collect(tree, &Path::top(), tree.at);
        places
    }

    /// Where a setting stands; for one that is not in the file, what it would stand in.
    pub fn nearest(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(at) = self.0.get(path) {
                return Some(*at);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// Depth is bounded by the nesting limit of the readers, so recursion is as well.
    fn collect(&mut self, node: &Node, path: &Path, at: Span) {
        self.0.insert(path.to_string(), at.start);
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    self.collect(&entry.node, &path.key(entry.key.clone()), entry.key_at);
                }
            }
            Value::Seq(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(item, &path.index(index), item.at);
                }
            }
            _ => {}
        }
    }
}
