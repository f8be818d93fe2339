//! Rules about `docs/protocol.md`: every field of every schema is on it, and every test that it names exists.
//!
//! The page has a section per schema, headed by the schema's name in backticks, with a table whose first cell is a
//! field in backticks: `a`, `a.b` inside an object, `a[].b` inside a list of objects. A row that names another schema
//! in its second cell leaves that schema's fields to its own section.

use std::collections::BTreeSet;

use hothouse_protocol::json::{Object, Value};
use hothouse_protocol::{SchemaName, Side};

use super::{Finding, Tree, at};
use crate::repository::SourceFile;

const PAGE: &str = "docs/protocol.md";

/// One row of a table.
struct Row<'a> {
    section: &'a str,
    field: &'a str,
    r#type: &'a str,
    offset: usize,
}

/// A field that is not on the page is a field of which nobody knows what it does.
pub(crate) fn every_field_is_on_the_page(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(PAGE) else { return Vec::new() };
    let rows = rows(&page.text);
    let mut found = Vec::new();
    for name in SchemaName::ALL {
        let mine: Vec<&Row<'_>> = rows.iter().filter(|row| row.section == name.as_str()).collect();
        let fields = fields(*name, &mine);
        for field in &fields {
            if !mine.iter().any(|row| row.field == field) {
                found.push(at(
                    page,
                    0,
                    format!("`{name}` has a field `{field}` that this page does not explain"),
                ));
            }
        }
        for row in mine.iter().filter(|row| !fields.contains(row.field)) {
            found.push(at(page, row.offset, format!("`{name}` has no field `{}`", row.field)));
        }
    }
    found
}

/// A proof that is not there proves nothing. Every page may name tests, as `file.rs::name`, and `scenarios/name.txt`.
pub(crate) fn named_tests_exist(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for page in tree.with_extension("md") {
        for (offset, code) in code_spans(&page.text) {
            if code.starts_with("scenarios/") && !tree.files.iter().any(ends_with_path(code)) {
                found.push(at(page, offset, format!("there is no scenario `{code}`")));
            }
            let Some((path, test)) = code.split_once(".rs::") else { continue };
            let path = format!("{path}.rs");
            let (definition, is_there) = (format!("fn {test}("), ends_with_path(&path));
            if !tree.files.iter().any(|file| is_there(file) && file.text.contains(&definition)) {
                found.push(at(page, offset, format!("there is no `{test}` in a file `{path}`")));
            }
        }
    }
    found
}

fn ends_with_path(path: &str) -> impl Fn(&SourceFile) -> bool + use<> {
    let inner = format!("/{path}");
    let path = path.to_owned();
    move |file| file.path == path || file.path.ends_with(&inner)
}

/// The fields of a schema, without those that a row leaves to another section.
fn fields(name: SchemaName, rows: &[&Row<'_>]) -> BTreeSet<String> {
    let elsewhere: Vec<&str> = rows
        .iter()
        .filter(|row| SchemaName::ALL.iter().any(|name| row.r#type.contains(&format!("`{name}`"))))
        .map(|row| row.field)
        .collect();
    let mut fields = BTreeSet::new();
    if let Some(schema) = name.json_schema(Side::Output).as_object() {
        collect(schema, "", &elsewhere, &mut fields);
    }
    fields
}

fn collect(schema: &Object, prefix: &str, elsewhere: &[&str], fields: &mut BTreeSet<String>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        fields.insert(path.clone());
        if elsewhere.contains(&path.as_str()) {
            continue;
        }
        let Some(property) = property.as_object() else { continue };
        collect(property, &path, elsewhere, fields);
        if let Some(items) = property.get("items").and_then(Value::as_object) {
            collect(items, &format!("{path}[]"), elsewhere, fields);
        }
    }
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let (mut section, mut offset, mut rows) = ("", 0, Vec::new());
    for line in page.split_inclusive('\n') {
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.split('`').nth(1).unwrap_or_default();
        }
        let cells: Vec<&str> = line.split('|').collect();
        if let [_, first, r#type, ..] = cells[..]
            && let Some(field) = first.trim().strip_prefix('`').and_then(|rest| rest.strip_suffix('`'))
        {
            rows.push(Row { section, field, r#type, offset });
        }
        offset += line.len();
    }
    rows
}

/// What stands between backticks, line by line.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let (mut offset, mut spans) = (0, Vec::new());
    for line in text.split_inclusive('\n') {
        let mut at = offset;
        for (number, part) in line.split('`').enumerate() {
            if number % 2 == 1 {
                spans.push((at, part));
            }
            at += part.len() + 1;
        }
        offset += line.len();
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::samples::file;
    use super::*;

    #[test]
    fn a_missing_field_and_a_made_up_one_are_found() {
        let page = "## `HealthStatus`\n| `healthy` | boolean |\n| `timestamp` | integer |\n| `details` | object |\n| `mood` | text |\n";
        let found = every_field_is_on_the_page(&file(PAGE, page));
        let own: Vec<_> = found.iter().filter(|finding| finding.message.contains("`HealthStatus`")).collect();
        assert_eq!(own.len(), 2);
        assert!(own[0].message.contains("`message`"));
        assert!(own[1].message.contains("`mood`") && own[1].line == 5);
    }

    #[test]
    fn a_row_may_leave_the_fields_to_another_section() {
        let row = |field, r#type| Row { section: "", field, r#type, offset: 0 };
        let (inline, elsewhere) = (row("health", "object"), row("health", "`HealthStatus`"));
        assert!(fields(SchemaName::PluginStartupResult, &[&inline]).contains("health.healthy"));
        let fields = fields(SchemaName::PluginStartupResult, &[&elsewhere]);
        assert!(
            fields.contains("health") && !fields.contains("health.healthy") && fields.contains("error.code")
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let page = "`a.rs::is_there`\n`a.rs::is_not`\n`scenarios/is_not.txt`\n";
        let mut tree = file("docs/a.md", page);
        let text = "#[test]\nfn is_there() {}".into();
        tree.files.push(SourceFile { path: "crates/a/tests/a.rs".into(), text });
        let found = named_tests_exist(&tree);
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
