//! YAML 1.2 with its core schema: `yes`, `no`, `on` and `off` are words, `012` is twelve.
//!
//! Anchors and aliases work, and so does the merge key `<<` (own keys win over merged ones), which is what most people
//! use anchors for. What aliases may add is limited, so that a page of text cannot become gigabytes. One document per
//! file; tags other than YAML's own are refused.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as Marked, StrInput, Tag};

use super::number::{self, Numeral};
use super::{MAX_DEPTH, MapBuilder, not_finite, too_deep};
use crate::path::Path;
use crate::problem::{Draft, Report};
use crate::source::{Position, Source, Span, number as saturated};
use crate::text::Template;
use crate::tree::{Entry, Node, Value};

/// How many bytes of values anchors and aliases may copy, all together.
const MAX_COPIED_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn read(source: &Source, report: &mut Report) -> Option<Node> {
    let parser = Parser::new_from_str(&source.text);
    let mut reader = Reader { parser, report, anchors: HashMap::new(), copied: 0 };
    match reader.document(source) {
        Ok(node) => Some(node),
        Err(draft) => {
            report.error(draft);
            None
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    report: &'a mut Report,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

/// Where a value is, for messages about it: its path, its depth, and the key to point at if it has no text itself.
struct Place<'p> {
    path: &'p Path,
    depth: usize,
    owner: Option<Span>,
}

type Read<T> = Result<T, Draft>;

impl<'a> Reader<'a> {
    fn document(&mut self, source: &Source) -> Read<Node> {
        let top = Path::top();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) => {}
                Event::StreamEnd => return Err(empty(source)),
                event => {
                    let node = self.node(event, span, &Place { path: &top, depth: 0, owner: None })?;
                    self.only_document()?;
                    return Ok(node);
                }
            }
        }
    }

    fn only_document(&mut self) -> Read<()> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => {
                    let draft = Draft::new(span_of(span), &Path::top(), "a second document begins here");
                    return Err(
                        draft.hint("a project file is one document; remove the `---` and what follows it")
                    );
                }
            }
        }
    }

    fn next(&mut self) -> Read<(Event<'a>, Marked)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = Span::point(position(*error.marker()));
                Err(Draft::new(at, &Path::top(), format!("not YAML: {}", error.info())))
            }
            None => Err(Draft::of_file("not YAML: the file ends too early")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Marked, place: &Place<'_>) -> Read<Node> {
        let at = span_of(span);
        match event {
            Event::Alias(anchor) => self.alias(anchor, at, place),
            Event::Scalar(text, style, anchor, tag) => {
                let at = place.owner.filter(|_| text.is_empty() && style == ScalarStyle::Plain).unwrap_or(at);
                let value = self.scalar(&text, style, tag.as_deref(), at, place.path);
                self.anchored(anchor, Node { value, at }, place.path)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", at, place.path);
                let node = self.seq(at, place)?;
                self.anchored(anchor, node, place.path)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", at, place.path);
                let node = self.map(at, place)?;
                self.anchored(anchor, node, place.path)
            }
            _ => Err(Draft::new(at, place.path, "not YAML: a value is missing here")),
        }
    }

    /// Keeps a copy of what has an anchor; it counts like what aliases copy, since anchors may stand inside one another.
    fn anchored(&mut self, anchor: usize, node: Node, path: &Path) -> Read<Node> {
        // Number 0 stands for "no anchor".
        if anchor > 0 {
            charge(&mut self.copied, &node, node.at, path)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, at: Span, place: &Place<'_>) -> Read<Node> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Draft::new(at, place.path, "this alias stands inside the value that it names"));
        };
        if depth(node) + place.depth > MAX_DEPTH {
            return Err(too_deep(at, place.path));
        }
        charge(&mut self.copied, node, at, place.path)?;
        Ok(node.clone())
    }

    fn seq(&mut self, start: Span, place: &Place<'_>) -> Read<Node> {
        if place.depth >= MAX_DEPTH {
            return Err(too_deep(start, place.path));
        }
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node { value: Value::Seq(items), at: until(start, span) });
            }
            let path = place.path.index(items.len());
            items.push(self.node(
                event,
                span,
                &Place { path: &path, depth: place.depth + 1, owner: None },
            )?);
        }
    }

    fn map(&mut self, start: Span, place: &Place<'_>) -> Read<Node> {
        if place.depth >= MAX_DEPTH {
            return Err(too_deep(start, place.path));
        }
        let mut map = MapBuilder::default();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                self.merge(&mut map, merged, place.path);
                return Ok(Node { value: Value::Map(map.entries), at: until(start, span) });
            }
            let is_merge = is_merge_key(&event);
            let key_at = span_of(span);
            let key = self.key(event, span, place)?;
            let path = place.path.key(key.as_deref().unwrap_or("?"));
            let (event, span) = self.next()?;
            let node =
                self.node(event, span, &Place { path: &path, depth: place.depth + 1, owner: Some(key_at) })?;
            match key {
                Some(_) if is_merge => merged.push(node),
                Some(key) => map.insert(Entry { key, key_at, node }, place.path, self.report),
                None => {}
            }
        }
    }

    /// A key's text; `None` for a key that cannot be one, which is reported.
    fn key(&mut self, event: Event<'a>, span: Marked, place: &Place<'_>) -> Read<Option<String>> {
        let at = span_of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), at, place.path);
                if !matches!(value, Value::String(_)) {
                    let draft = Draft::expected(at, place.path, "a string as key", format!("`{text}`"));
                    self.report.error(draft.hint(format!("put it in quotes: \"{text}\"")));
                }
                self.anchored(anchor, Node { value, at }, place.path)?;
                Ok(Some(text.into_owned()))
            }
            event => {
                let path = place.path.key("?");
                self.node(event, span, &Place { path: &path, depth: place.depth + 1, owner: None })?;
                self.report.error(Draft::expected(
                    at,
                    place.path,
                    "a string as key",
                    "a list, a map or an alias",
                ));
                Ok(None)
            }
        }
    }

    /// Adds what `<<` brings in; keys that are there already win, earlier maps win over later ones.
    fn merge(&mut self, map: &mut MapBuilder, merged: Vec<Node>, path: &Path) {
        let sources = merged.into_iter().flat_map(|node| match node.value {
            Value::Seq(items) => items,
            _ => vec![node],
        });
        for source in sources {
            let Value::Map(entries) = source.value else {
                let found = source.describe();
                self.report.error(Draft::expected(
                    source.at,
                    &path.key("<<"),
                    "a map, or a list of maps, to merge",
                    found,
                ));
                continue;
            };
            for entry in entries {
                if !map.contains(&entry.key) {
                    map.insert(entry, path, self.report);
                }
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Span, path: &Path) -> Value {
        let string = || Value::String(Template::literal(text));
        match tag {
            None if style == ScalarStyle::Plain => self.plain(text, at, path),
            None => string(),
            Some(tag) if !tag.is_yaml_core_schema() => {
                self.check_tag(Some(tag), "", at, path);
                string()
            }
            Some(tag) if tag.suffix == "str" => string(),
            Some(tag) => {
                let value = self.plain(text, at, path);
                self.check_tag(Some(tag), kind(&value), at, path);
                value
            }
        }
    }

    fn plain(&mut self, text: &str, at: Span, path: &Path) -> Value {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Bool(true),
            "false" | "False" | "FALSE" => return Value::Bool(false),
            _ => {}
        }
        match number::yaml(text) {
            None => return Value::String(Template::literal(text)),
            Some(Numeral::Number(json)) => return Value::Number { as_written: json == text, json },
            Some(Numeral::NotFinite) => self.report.error(not_finite(at, path, text)),
            Some(Numeral::TooLarge) => {
                self.report.error(
                    Draft::new(at, path, "a number of more than 128 bits").hint("write it in decimal"),
                );
            }
        }
        Value::Number { json: "0".into(), as_written: false }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, kind: &str, at: Span, path: &Path) {
        let Some(tag) = tag else { return };
        let known = matches!(tag.suffix.as_str(), "str" | "int" | "float" | "bool" | "null" | "seq" | "map");
        if !tag.is_yaml_core_schema() || !known {
            let draft = Draft::new(at, path, format!("the tag `{tag}` means nothing here"));
            self.report
                .error(draft.hint("remove it; a value from outside is written ${env:NAME} or ${file:PATH}"));
        } else if tag.suffix != kind && (tag.suffix.as_str(), kind) != ("float", "int") {
            self.report.error(Draft::new(at, path, format!("this value is no `!!{}`", tag.suffix)));
        }
    }
}

/// Counts a copy of `node` before it is made.
fn charge(copied: &mut usize, node: &Node, at: Span, path: &Path) -> Read<()> {
    *copied = copied.saturating_add(weight(node));
    if *copied <= MAX_COPIED_BYTES {
        return Ok(());
    }
    let message =
        format!("anchors and aliases make this file larger than the {MAX_COPIED_BYTES} bytes they may add");
    Err(Draft::new(at, path, message))
}

fn empty(source: &Source) -> Draft {
    let draft = Draft::new(Span::point(source.end()), &Path::top(), "the file is empty");
    draft.hint("begin with `version: 1` and a list of `plugins:`")
}

fn is_merge_key(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number { json, .. } if json.contains(['.', 'e']) => "float",
        Value::Number { .. } => "int",
        Value::String(_) => "str",
        Value::Seq(_) => "seq",
        Value::Map(_) => "map",
    }
}

/// What a copy of the value costs, roughly.
fn weight(node: &Node) -> usize {
    let own = size_of::<Node>();
    match &node.value {
        Value::Null | Value::Bool(_) => own,
        Value::Number { json, .. } => own + json.len(),
        Value::String(template) => own + template.value().len(),
        Value::Seq(items) => own + items.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            let entry = |entry: &Entry| size_of::<Entry>() + entry.key.len() + weight(&entry.node);
            own + entries.iter().map(entry).sum::<usize>()
        }
    }
}

fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Seq(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.node)).max().unwrap_or(0),
        _ => 0,
    }
}

fn position(marker: Marker) -> Position {
    Position { line: saturated(marker.line().max(1)), column: saturated(marker.col() + 1) }
}

fn span_of(span: Marked) -> Span {
    Span::new(position(span.start), position(span.end))
}

fn until(start: Span, end: Marked) -> Span {
    Span::new(start.start, position(end.end))
}
