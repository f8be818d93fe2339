//! The way from the top of a project file to one value: `plugins[2].lifecycle.health.interval`.

use std::fmt;
use std::rc::Rc;

/// A path that is cheap to extend: each step points back at the one before.
#[derive(Clone, Default)]
pub(crate) struct Path(Option<Rc<Step>>);

struct Step {
    before: Path,
    name: Name,
}

enum Name {
    Key(String),
    Index(usize),
}

impl Path {
    pub(crate) fn top() -> Path {
        Path(None)
    }

    pub(crate) fn key(&self, key: impl Into<String>) -> Path {
        self.step(Name::Key(key.into()))
    }

    pub(crate) fn index(&self, index: usize) -> Path {
        self.step(Name::Index(index))
    }

    /// The nearest key above (or at) this place: the name of the setting a list element belongs to.
    pub(crate) fn last_key(&self) -> Option<&str> {
        let mut here = self;
        while let Some(step) = &here.0 {
            match &step.name {
                Name::Key(key) => return Some(key),
                Name::Index(_) => here = &step.before,
            }
        }
        None
    }

    /// Whether any key on the way passes the test.
    pub(crate) fn any_key(&self, test: impl Fn(&str) -> bool) -> bool {
        let mut here = self;
        while let Some(step) = &here.0 {
            if matches!(&step.name, Name::Key(key) if test(key)) {
                return true;
            }
            here = &step.before;
        }
        false
    }

    /// How many steps there are.
    pub(crate) fn length(&self) -> usize {
        std::iter::successors(self.0.as_ref(), |step| step.before.0.as_ref()).count()
    }

    fn step(&self, name: Name) -> Path {
        Path(Some(Rc::new(Step { before: self.clone(), name })))
    }
}

/// Depth is bounded by the nesting limit of the readers, so recursion is as well.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(step) = &self.0 else { return Ok(()) };
        write!(f, "{}", step.before)?;
        match &step.name {
            Name::Index(index) => write!(f, "[{index}]"),
            Name::Key(key) if !is_plain(key) => write!(f, "[{key:?}]"),
            Name::Key(key) if step.before.0.is_none() => f.write_str(key),
            Name::Key(key) => write!(f, ".{key}"),
        }
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_read_like_the_file() {
        let plugin = Path::top().key("plugins").index(2);
        assert_eq!(Path::top().to_string(), "");
        assert_eq!(plugin.key("lifecycle").key("health").to_string(), "plugins[2].lifecycle.health");
        assert_eq!(plugin.key("env").key("A B").index(0).to_string(), "plugins[2].env[\"A B\"][0]");
        assert_eq!(plugin.last_key(), Some("plugins"));
    }
}
