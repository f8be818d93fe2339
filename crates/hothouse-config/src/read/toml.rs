//! TOML 1.1. It has no null and no merge; its dates are refused, because JSON cannot carry them to a plugin.

use std::ops::Range;

use toml_edit::{Array, ArrayOfTables, Document, Formatted, InlineTable, Item, Key, Table, TomlError};

use super::{MAX_DEPTH, MapBuilder, not_finite, number, too_deep};
use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::source::{Source, Span};
use crate::text::Template;
use crate::tree::{Entry, Node, Value};

pub(super) fn read(source: &Source, report: &mut Report) -> Option<Node> {
    let document = match Document::parse(source.text.as_str()) {
        Ok(document) => document,
        Err(error) => {
            report.error(syntax(&error, source));
            return None;
        }
    };
    let mut reader = Reader { source, report };
    let place = Place { path: Path::top(), depth: 0, at: source.span(0..0) };
    reader.table(document.as_table(), &place)
}

fn syntax(error: &TomlError, source: &Source) -> Draft {
    let at = error.span().map_or_else(|| Span::point(source.end()), |range| source.span(range));
    Draft::new(at, &Path::top(), format!("not TOML: {}", error.message()))
}

struct Reader<'a> {
    source: &'a Source,
    report: &'a mut Report,
}

/// Where a value is: its path, its depth, and the key to point at if it has no text of its own.
struct Place {
    path: Path,
    depth: usize,
    at: Span,
}

impl Place {
    fn below(&self, path: Path, at: Span) -> Place {
        Place { path, depth: self.depth + 1, at }
    }
}

impl Reader<'_> {
    fn item(&mut self, item: &Item, place: &Place) -> Option<Node> {
        match item {
            Item::None => None,
            Item::Value(value) => self.value(value, place),
            Item::Table(table) => self.table(table, place),
            Item::ArrayOfTables(tables) => self.tables(tables, place),
        }
    }

    fn table(&mut self, table: &Table, place: &Place) -> Option<Node> {
        let keys = table.iter().filter_map(|(name, item)| Some((table.key(name)?, item)));
        self.map(keys, self.at(table.span(), place), place)
    }

    fn inline_table(&mut self, table: &InlineTable, place: &Place) -> Option<Node> {
        let at = self.at(table.span(), place);
        let keys: Vec<_> = table.iter().filter_map(|(name, _)| table.get_key_value(name)).collect();
        self.map(keys.into_iter(), at, place)
    }

    fn map<'t>(
        &mut self,
        keys: impl Iterator<Item = (&'t Key, &'t Item)>,
        at: Span,
        place: &Place,
    ) -> Option<Node> {
        self.check_depth(at, place)?;
        let mut map = MapBuilder::default();
        for (key, item) in keys {
            let key_at = key.span().map_or(place.at, |range| self.source.span(range));
            let below = place.below(place.path.key(key.get()), key_at);
            if let Some(node) = self.item(item, &below) {
                map.insert(Entry { key: key.get().to_owned(), key_at, node }, &place.path, self.report);
            }
        }
        Some(Node { value: Value::Map(map.entries), at })
    }

    fn tables(&mut self, tables: &ArrayOfTables, place: &Place) -> Option<Node> {
        self.check_depth(place.at, place)?;
        let items = tables.iter().enumerate();
        let items = items.filter_map(|(index, table)| {
            let at = self.at(table.span(), place);
            self.table(table, &place.below(place.path.index(index), at))
        });
        Some(Node { value: Value::Seq(items.collect()), at: place.at })
    }

    fn array(&mut self, array: &Array, place: &Place) -> Option<Node> {
        let at = self.at(array.span(), place);
        self.check_depth(at, place)?;
        let items = array.iter().enumerate();
        let items =
            items.filter_map(|(index, value)| self.value(value, &place.below(place.path.index(index), at)));
        Some(Node { value: Value::Seq(items.collect()), at })
    }

    fn value(&mut self, value: &toml_edit::Value, place: &Place) -> Option<Node> {
        let at = self.at(value.span(), place);
        let value = match value {
            toml_edit::Value::String(text) => Value::String(Template::literal(text.value().as_str())),
            toml_edit::Value::Integer(integer) => {
                let json = integer.value().to_string();
                Value::Number { as_written: self.raw(integer.span()) == Some(&json), json }
            }
            toml_edit::Value::Float(float) => self.float(float, at, place),
            toml_edit::Value::Boolean(value) => Value::Bool(*value.value()),
            toml_edit::Value::Datetime(date) => {
                let message = format!("a TOML date or time ({}), which JSON cannot carry", date.value());
                self.report.error(Draft::new(at, &place.path, message).hint("put it in quotes"));
                return None;
            }
            toml_edit::Value::Array(array) => return self.array(array, place),
            toml_edit::Value::InlineTable(table) => return self.inline_table(table, place),
        };
        Some(Node { value, at })
    }

    /// A float with the digits of the file; TOML's `1_000.5` is the only spelling that JSON does not share.
    fn float(&mut self, float: &Formatted<f64>, at: Span, place: &Place) -> Value {
        let raw = self.raw(float.span()).unwrap_or_default();
        if let Some(json) = number::decimal(&raw.replace('_', "")) {
            return Value::Number { as_written: json == raw, json };
        }
        let written = raw.to_owned();
        self.report.error(not_finite(at, &place.path, &written));
        Value::Number { json: "0".into(), as_written: false }
    }

    /// The text that stands in the file.
    fn raw(&self, range: Option<Range<usize>>) -> Option<&str> {
        self.source.text.get(range?)
    }

    fn at(&self, range: Option<Range<usize>>, place: &Place) -> Span {
        range.map_or(place.at, |range| self.source.span(range))
    }

    fn check_depth(&mut self, at: Span, place: &Place) -> Option<()> {
        if place.depth < MAX_DEPTH {
            return Some(());
        }
        self.report.error(too_deep(at, &place.path));
        None
    }
}
