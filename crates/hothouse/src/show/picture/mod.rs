//! Pictures of a project and of its start: pure functions from values to text.
//!
//! | picture | file |
//! |---|---|
//! | what all drawings share: escaping, lengths, colours in light and dark | `svg` |
//! | where nodes and edges go | `layers` |
//! | the graph of the dependencies as a drawing | `graph` |
//! | the same as a tree of text, for Graphviz and for Mermaid | `words` |
//! | what a start was, plugin by plugin | `start` |
//! | the start as a waterfall | `waterfall` |
//! | what decided how long it took | `chain` |
//! | the start for trace viewers | `trace` |
//!
//! Nothing here asks a host, reads a file or knows the time. Drawings hold no script and name nothing outside of
//! themselves.

mod chain;
mod graph;
mod layers;
mod start;
mod svg;
mod trace;
mod waterfall;
mod words;

pub(crate) use chain::{Link, chain, chain_text};
pub(crate) use graph::{GraphPicture, Node, NodeState, Wire, graph_svg};
pub(crate) use start::{Outcome, Row, StartPicture};
pub(crate) use trace::trace;
pub(crate) use waterfall::waterfall;
pub(crate) use words::{dot, mermaid, tree};

#[cfg(test)]
mod recorded {
    //! Pictures as they were when somebody last looked at them.

    use std::path::Path;

    /// Compares with the recorded file, or records it anew with `HOTHOUSE_GOLDEN=write`.
    pub(super) fn golden(name: &str, text: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var_os("HOTHOUSE_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(&file, text).unwrap();
        }
        let recorded = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(recorded == text, "{} is not what is drawn now:\n{text}", file.display());
    }

    /// Every element is closed, every attribute quoted, nothing runs and nothing is fetched.
    pub(super) fn well_formed(svg: &str) {
        let mut open = Vec::new();
        let mut rest = svg;
        while let Some(at) = rest.find('<') {
            assert!(!rest[..at].contains('>') || open.last() == Some(&"style"), "{}", &rest[..at]);
            let (tag, after) = rest[at + 1..].split_once('>').expect("a tag that ends");
            rest = after;
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None => {
                    assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
                    let name = tag.split([' ', '/']).next().unwrap();
                    assert!(
                        ["svg", "title", "style", "rect", "text", "defs", "marker", "path", "g", "line"]
                            .contains(&name),
                        "{tag}"
                    );
                    if !tag.ends_with('/') {
                        open.push(name);
                    }
                }
            }
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
        let outside = svg.replace("http://www.w3.org/2000/svg", "");
        for word in ["http", "<script", "href", "@import", "javascript", " onload"] {
            assert!(!outside.contains(word), "{word}");
        }
    }
}
