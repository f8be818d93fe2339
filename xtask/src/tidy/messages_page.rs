//! A rule about `docs/messages.md`: it has every code that the sources have, and no other.
//!
//! A section has a table whose cells that are codes stand in backticks; which sources it is held to, and how codes look
//! in them, is listed here.

use std::collections::BTreeSet;

use super::source::tests_begin;
use super::{Finding, Tree, at};
use crate::repository::SourceFile;

const PAGE: &str = "docs/messages.md";

/// One section of the page.
struct Section {
    heading: &'static str,
    /// Where its codes are, and what stands before them.
    sources: &'static [(&'static str, &'static str)],
}

const SECTIONS: [Section; 4] = [
    Section {
        heading: "Why a plugin does not run",
        sources: &[("crates/hothouse-kernel/src/failure.rs", "=> ")],
    },
    Section {
        heading: "What a call or a health check fails with",
        sources: &[("crates/", "PluginError::new(")],
    },
    Section {
        heading: "What the host answers otherwise",
        sources: &[
            ("crates/hothouse/src/server", "StatusCode::"),
            ("crates/hothouse/src/commands/mod.rs", "problem("),
            ("crates/hothouse/src/up/", "complain("),
        ],
    },
    Section { heading: "Exit codes", sources: &[("crates/hothouse/src/exit.rs", "=> ")] },
];

/// The runtimes' conformance suite, which has an error of its own to compare with.
const NO_SOURCE: &str = "crates/hothouse-runtime/src/conformance";

/// A code that is not on the page is a code that nobody can look up.
pub(crate) fn every_code_is_on_the_page(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(PAGE) else { return Vec::new() };
    let mut found = Vec::new();
    for section in &SECTIONS {
        let Some((offset, text)) = body(&page.text, section.heading) else {
            found.push(at(page, 0, format!("there is no section `{}`", section.heading)));
            continue;
        };
        let (told, meant) = (rows(text), in_sources(tree, section));
        for code in meant.difference(&told) {
            found.push(at(
                page,
                offset,
                format!("`{code}` is in the sources and not explained in this section"),
            ));
        }
        for code in told.difference(&meant) {
            found.push(at(page, offset, format!("`{code}` is explained here and in no source")));
        }
    }
    found.extend(exit_numbers(tree, page));
    found
}

/// The offset and the text of a section.
fn body<'t>(page: &'t str, heading: &str) -> Option<(usize, &'t str)> {
    let mark = format!("\n## {heading}\n");
    let begin = page.find(&mark)? + mark.len();
    let end = page[begin..].find("\n## ").map_or(page.len(), |length| begin + length);
    Some((begin, &page[begin..end]))
}

/// The codes in the first two cells of a table's rows.
fn rows(section: &str) -> BTreeSet<String> {
    let cells =
        section.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|').skip(1).take(2));
    let code = |cell: &str| Some(cell.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned());
    cells.filter_map(code).filter(|code| is_code(code)).collect()
}

fn in_sources(tree: &Tree, section: &Section) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for (place, mark) in section.sources {
        let files = tree.with_extension("rs").filter(|file| {
            file.path.starts_with(place) && file.path.contains("/src/") && !file.path.starts_with(NO_SOURCE)
        });
        files.for_each(|file| codes.extend(codes_after(file, mark)));
    }
    codes
}

/// The first text after each mark, if it is a code and stands in the same call.
fn codes_after(file: &SourceFile, mark: &str) -> Vec<String> {
    // A test may make up codes of its own.
    let text = &file.text[..tests_begin(&file.path, &file.text)];
    let code = |(begin, _): (usize, &str)| {
        let rest = &text[begin + mark.len()..];
        let call = &rest[..rest.find(';').unwrap_or(rest.len())];
        match mark {
            // Only what stands right behind it.
            "=> " | "PluginError::new(" | "problem(" => literal(call.trim_start().strip_prefix('"')?),
            "StatusCode::" => literal(call.split_once(',')?.1.trim_start().strip_prefix('"')?),
            // Somewhere among the arguments.
            _ => call.split('"').map(str::to_owned).find(|part| is_code(part)),
        }
    };
    text.match_indices(mark).filter_map(code).filter(|code| is_code(code)).collect()
}

fn literal(text: &str) -> Option<String> {
    Some(text.split_once('"')?.0.to_owned())
}

fn is_code(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Every number that the command can exit with has a row.
fn exit_numbers(tree: &Tree, page: &SourceFile) -> Vec<Finding> {
    let Some(source) = tree.file("crates/hothouse/src/exit.rs") else { return Vec::new() };
    let Some((offset, section)) = body(&page.text, "Exit codes") else { return Vec::new() };
    let number = |line: &str| line.split(" = ").nth(1)?.strip_suffix(',')?.parse::<u8>().ok();
    let meant: BTreeSet<u8> = source.text.lines().filter_map(number).collect();
    let row = |line: &str| line.split('|').nth(1)?.trim().parse::<u8>().ok();
    let told: BTreeSet<u8> = section.lines().filter_map(row).collect();
    let finding =
        |number: &u8| at(page, offset, format!("exit code {number} is either not explained, or not made"));
    meant.symmetric_difference(&told).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::file;
    use super::*;

    #[test]
    fn a_missing_code_and_a_made_up_one_are_found() {
        let page = "# M\n\n## Why a plugin does not run\n| `EXITED` | x |\n| `MADE_UP` | x |\n\n## What a call or a health check fails with\n| `GONE` | x |\n\n## What the host answers otherwise\n| `REFUSED` | x |\n\n## Exit codes\n| 0 | `OK` | x |\n| 3 | `CONFIG` | x |\n";
        let mut tree = file(PAGE, page);
        let mut add = |path: &str, text: &str| {
            tree.files.push(SourceFile { path: path.into(), text: text.into() });
        };
        add(
            "crates/hothouse-kernel/src/failure.rs",
            "Code::Exited => \"EXITED\",\nCode::Lost => \"LOST\",\nStage::Run => \"run\",",
        );
        add(
            "crates/a/src/b.rs",
            "PluginError::new(\n    \"GONE\", x);\n#[cfg(test)]\nmod tests { fn f() { PluginError::new(\"TEST\", x) } }",
        );
        add("crates/hothouse/src/server.rs", "no(\n StatusCode::CONFLICT,\n \"REFUSED\", x)");
        add(
            "crates/hothouse/src/exit.rs",
            "    Ok = 0,\n    Config = 3,\n    Other = 4,\nExit::Ok => \"OK\",\nExit::Config => \"CONFIG\",",
        );
        let messages: Vec<String> =
            every_code_is_on_the_page(&tree).into_iter().map(|finding| finding.message).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages[0].contains("`LOST`") && messages[1].contains("`MADE_UP`"), "{messages:?}");
        assert!(messages[2].contains("exit code 4"), "{messages:?}");
    }
}
