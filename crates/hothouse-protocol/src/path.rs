//! Where in a value something is: member names and list positions from the outside in.

use crate::json;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Into the member of this name.
    Key(String),
    /// Into the element at this position, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

impl From<String> for Segment {
    fn from(name: String) -> Self {
        Self::Key(name)
    }
}

impl From<usize> for Segment {
    fn from(position: usize) -> Self {
        Self::Index(position)
    }
}

/// The steps from a value to a place in it; no steps mean the value itself.
///
/// Written `health.interval`, `plugins[3].name`, `state["a b"]`; the value itself is written `(root)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The value itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Whether this is the value itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Goes one step further in.
    pub fn push(&mut self, segment: impl Into<Segment>) {
        self.0.push(segment.into());
    }

    /// The place one step further in.
    #[must_use]
    pub fn then(&self, segment: impl Into<Segment>) -> Self {
        let mut further = self.clone();
        further.push(segment);
        further
    }

    /// The place that `inner` means when it starts from here.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        self.0.iter().chain(&inner.0).cloned().collect()
    }

    /// The place one step further out, unless this is the value itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, outer) = self.0.split_last()?;
        Some(Self(outer.to_vec()))
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl<S: Into<Segment>> FromIterator<S> for Path {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str("(root)");
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(name) if !is_plain(name) => {
                    f.write_char('[')?;
                    json::write_quoted(name, f)?;
                    f.write_char(']')?;
                }
                Segment::Key(name) if position == 0 => f.write_str(name)?,
                Segment::Key(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// Whether a name can stand between dots without being mistaken for something else.
fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || matches!(first, '_' | '$'))
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn paths_read_like_code() {
        let table: [(&[Segment], &str); 9] = [
            (&[], "(root)"),
            (&["health".into(), "interval".into()], "health.interval"),
            (&["plugins".into(), 3.into(), "name".into()], "plugins[3].name"),
            (&[0.into(), 1.into()], "[0][1]"),
            (&["state".into(), "a b".into()], r#"state["a b"]"#),
            (&["".into(), "a.b".into(), "c".into()], r#"[""]["a.b"].c"#),
            (&["env".into(), "x\"y\n".into()], r#"env["x\"y\n"]"#),
            (&["é-1".into(), "__proto__".into(), "$ref".into()], "é-1.__proto__.$ref"),
            (&["10".into()], r#"["10"]"#),
        ];
        for (segments, expected) in table {
            assert_eq!(Path::from(segments.to_vec()).to_string(), expected);
        }
    }

    #[test]
    fn parents_and_joins() {
        let inner: Path = ["health", "interval"].into_iter().collect();
        let outer = Path::root().then("plugins").then(2);
        assert_eq!(outer.join(&inner).to_string(), "plugins[2].health.interval");
        assert_eq!(inner.parent().map(|p| p.to_string()).as_deref(), Some("health"));
        assert_eq!(Path::root().parent(), None);
    }
}
