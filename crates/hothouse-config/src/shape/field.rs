//! One setting, and the settings of a map: typed access that reports what does not fit.

use crate::near::nearest;
use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::secrets::hides_literals;
use crate::source::Span;
use crate::text::Template;
use crate::tree::{Entry, Node, Value};

/// A value of the file with the path to it.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) node: &'a Node,
    pub(crate) path: Path,
    /// Where its key is; for what has none, the value itself.
    pub(crate) key_at: Span,
}

impl<'a> Field<'a> {
    pub(crate) fn new(node: &'a Node, path: Path) -> Field<'a> {
        Field { node, path, key_at: node.at }
    }

    pub(crate) fn at(&self) -> Span {
        self.node.at
    }

    /// What stands here, for a message; nothing of it under a name that is surely a secret's.
    pub(crate) fn found(&self) -> String {
        let hidden = self.path.any_key(hides_literals);
        match &self.node.value {
            Value::String(template) if hidden && !template.is_interpolated() => "a string".into(),
            Value::Number { .. } if hidden => "a number".into(),
            _ => self.node.describe(),
        }
    }

    /// A problem with this value.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Draft {
        Draft::new(self.at(), &self.path, message)
    }

    /// "expected …, found …".
    pub(crate) fn expected(&self, allowed: impl Into<String>) -> Draft {
        Draft::expected(self.at(), &self.path, allowed, self.found())
    }

    /// The setting below this one, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<Field<'a>> {
        let entry = self.node.entry(key)?;
        Some(Field { node: &entry.node, path: self.path.key(key), key_at: entry.key_at })
    }

    /// The same over several keys.
    pub(crate) fn find(&self, keys: &[&str]) -> Option<Field<'a>> {
        keys.iter().try_fold(self.clone(), |field, key| field.get(key))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    /// The string, if it is one.
    pub(crate) fn as_string(&self) -> Option<&'a Template> {
        match &self.node.value {
            Value::String(template) => Some(template),
            _ => None,
        }
    }

    /// The number as JSON text, if it is one.
    pub(crate) fn as_number(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Number { json, .. } => Some(json),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.node.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub(crate) fn elements(&self) -> Option<impl ExactSizeIterator<Item = Field<'a>> + use<'a>> {
        let Value::Seq(items) = &self.node.value else { return None };
        let path = self.path.clone();
        Some(items.iter().enumerate().map(move |(index, node)| Field::new(node, path.index(index))))
    }

    /// The members, if it is a map.
    pub(crate) fn members(&self) -> Option<impl Iterator<Item = (&'a str, Field<'a>)> + use<'a>> {
        let Value::Map(entries) = &self.node.value else { return None };
        let path = self.path.clone();
        Some(entries.iter().map(move |Entry { key, key_at, node }| {
            (key.as_str(), Field { node, path: path.key(key), key_at: *key_at })
        }))
    }

    /// A string, or a problem saying that `what` was expected.
    pub(crate) fn string(&self, what: &str, report: &mut Report) -> Option<&'a Template> {
        let template = self.as_string();
        if template.is_none() {
            report.error(self.expected(what).maybe_hint(self.quoted()));
        }
        template.filter(|template| !template.is_broken())
    }

    /// How to make a string of a number or a boolean.
    fn quoted(&self) -> Option<String> {
        match &self.node.value {
            Value::Bool(value) => Some(format!("put it in quotes: \"{value}\"")),
            Value::Number { json, as_written: true } => Some(format!("put it in quotes: \"{json}\"")),
            Value::Number { .. } => Some("put it in quotes, spelt as it is meant".into()),
            _ => None,
        }
    }

    /// A string that is shown in many places and so must be written out: no `${…}`, no NUL.
    pub(crate) fn plain_string(&self, what: &str, report: &mut Report) -> Option<String> {
        let template = self.string(what, report)?;
        if template.is_interpolated() {
            let draft = self.problem("names and versions are written out; `${…}` is not replaced here");
            report.error(draft.found(self.found()).allowed(what));
            return None;
        }
        Some(template.value())
    }

    pub(crate) fn boolean(&self, report: &mut Report) -> Option<bool> {
        if let Some(value) = self.as_bool() {
            return Some(value);
        }
        let hint = match self.as_string().map(Template::written).unwrap_or_default().to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => Some("write true, without quotes".into()),
            "no" | "off" | "n" | "false" => Some("write false, without quotes".into()),
            _ => self.always_string(),
        };
        report.error(self.expected("true or false").maybe_hint(hint));
        None
    }

    /// Why `${env:NUMBER}` is no number.
    pub(crate) fn always_string(&self) -> Option<String> {
        let interpolated = self.as_string().is_some_and(Template::is_interpolated);
        interpolated.then(|| "an interpolated value is always a string".into())
    }

    /// An integer from `least` to `most`, however it is spelt (`1000`, `1000.0`, `1e3`).
    pub(crate) fn integer(&self, least: u64, most: u64, report: &mut Report) -> Option<u64> {
        let value = self.as_number().and_then(exact_integer).filter(|value| (least..=most).contains(value));
        if value.is_none() {
            let allowed = if most >= MAX_INTEGER {
                format!("an integer of at least {least}")
            } else {
                format!("an integer from {least} to {most}")
            };
            report.error(self.expected(allowed).maybe_hint(self.always_string()));
        }
        value
    }
}

/// Integers of our own settings end where the protocol's do: at 2^53 - 1.
pub(crate) const MAX_INTEGER: u64 = 9_007_199_254_740_991;

fn exact_integer(json: &str) -> Option<u64> {
    if let Ok(value) = json.parse() {
        return Some(value);
    }
    let value: f64 = json.parse().ok()?;
    // Below 2^53 every integral double is exactly one integer.
    (value.fract() == 0.0 && (0.0..=MAX_INTEGER as f64).contains(&value)).then_some(value as u64)
}

/// The settings of a map. Whatever is not asked for by name is unknown, and reported by [`Fields::finish`].
pub(crate) struct Fields<'a> {
    of: Field<'a>,
    asked: Vec<&'static str>,
    /// What must be there and is not, with what to write.
    missing: Vec<(&'static str, &'static str)>,
}

impl<'a> Fields<'a> {
    /// The settings of `field`, or a problem if it is no map.
    pub(crate) fn of(field: &Field<'a>, what: &str, report: &mut Report) -> Option<Fields<'a>> {
        if let Value::Map(_) = field.node.value {
            return Some(Fields { of: field.clone(), asked: Vec::new(), missing: Vec::new() });
        }
        report.error(field.expected(what));
        None
    }

    /// A setting that may be absent.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        self.of.get(key)
    }

    /// A setting that must be there; `hint` says what to write. Its absence is reported by [`Fields::finish`].
    pub(crate) fn required(&mut self, key: &'static str, hint: &'static str) -> Option<Field<'a>> {
        let field = self.optional(key);
        if field.is_none() {
            self.missing.push((key, hint));
        }
        field
    }

    /// Reports every key that nobody asked for, except those that `ignore` takes, and every required one that is
    /// missing, unless an unknown one is a slip for it. True if a slip was found.
    pub(crate) fn finish(self, ignore: impl Fn(&str) -> bool, report: &mut Report) -> bool {
        let slips = self.unknown(ignore, report);
        // Only the start is pointed at: the map may go on for a page.
        let at = Span::point(self.of.at().start);
        for (key, hint) in self.missing.iter().filter(|(key, _)| !slips.contains(key)) {
            report.error(Draft::new(at, &self.of.path, format!("`{key}` is missing")).hint(*hint));
        }
        !slips.is_empty()
    }

    /// Reports the keys that nobody asked for; gives those that were probably meant by them.
    fn unknown(&self, ignore: impl Fn(&str) -> bool, report: &mut Report) -> Vec<&'static str> {
        let Some(members) = self.of.members() else { return Vec::new() };
        // What is there already was not meant; what is missing most of all was.
        let free: Vec<_> = self.asked.iter().copied().filter(|asked| self.of.get(asked).is_none()).collect();
        let allowed = self.asked.join(", ");
        let mut slips = Vec::new();
        for (key, field) in members.filter(|(key, _)| !ignore(key) && !self.asked.contains(key)) {
            let near = nearest(key, free.iter().copied());
            slips.extend(free.iter().find(|asked| Some(**asked) == near));
            let message = format!("unknown setting `{}`", key.escape_debug());
            let draft = Draft::new(field.key_at, &field.path, message).found(key);
            let draft = draft.hint(format!("allowed here: {allowed}")).allowed(allowed.as_str());
            report.error(draft.near(near));
        }
        slips
    }
}
