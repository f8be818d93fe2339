//! Rules about text for people: comments, pages, messages.

use super::source::find_word;
use super::{Finding, Tree, at};
use crate::repository::SourceFile;

/// Folders that exist on somebody's machine and mean nothing on another.
const MACHINES: [&str; 5] = ["/root/", "/Users/", "/work/", "/farm/", "/mnt/"];
/// The file that names these folders in order to find them.
const ITSELF: &str = "xtask/src/tidy/words.rs";

/// What is written here is true on every machine.
pub(crate) fn no_path_of_a_machine(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != ITSELF) {
        for folder in MACHINES {
            let message = format!("`{folder}` is a path of one machine: name it relative to the repository");
            let begins = |offset: &usize| !is_inside_path(&file.text, *offset);
            found.extend(
                file.text
                    .match_indices(folder)
                    .map(|(offset, _)| offset)
                    .filter(begins)
                    .map(|offset| at(file, offset, &*message)),
            );
        }
    }
    found
}

/// Whether what stands before `offset` makes it the middle of a longer path or of a URL.
fn is_inside_path(text: &str, offset: usize) -> bool {
    text[..offset].ends_with(|c: char| c.is_alphanumeric() || "._-*}/".contains(c))
}

/// A page that is named is a page that one can open.
pub(crate) fn named_pages_exist(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.is("md") || file.is("rs") || file.is("toml")) {
        if file.path == ITSELF || file.path.contains("/tests/") {
            continue;
        }
        for offset in find_word(&file.text, ".md").filter(|offset| is_for_people(file, *offset)) {
            let begin = file.text[..offset].rfind(|c: char| !(c.is_alphanumeric() || "_-./…".contains(c)));
            let begin = begin.map_or(0, |at| at + file.text[at..].chars().next().map_or(1, char::len_utf8));
            let name = &file.text[begin..offset + 3];
            let last = name.rsplit('/').next().unwrap_or(name);
            let exists =
                tree.files.iter().any(|page| page.path == last || page.path.ends_with(&format!("/{last}")));
            if !exists && last != ".md" {
                found.push(at(file, offset, format!("there is no page `{last}`")));
            }
        }
    }
    found
}

/// Whether that place is in a page or in a comment that fills its line.
fn is_for_people(file: &SourceFile, offset: usize) -> bool {
    let begin = file.text[..offset].rfind('\n').map_or(0, |at| at + 1);
    !file.is("rs") || file.text[begin..].trim_start().starts_with("//")
}

/// A link in a page leads to a file that is there.
pub(crate) fn links_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.with_extension("md") {
        for (open, _) in file.text.match_indices("](") {
            let target = file.text[open + 2..].split([')', '\n']).next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains(':') || is_in_code(&file.text, open) {
                continue;
            }
            if !exists(tree, file, target) {
                found.push(at(file, open, format!("the link leads to `{target}`, which is not there")));
            }
        }
    }
    found
}

/// Whether that place of a page is between backticks on its line, or in a block of code.
fn is_in_code(text: &str, offset: usize) -> bool {
    let begin = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let fences = text[..begin].lines().filter(|line| line.trim_start().starts_with("```")).count();
    fences % 2 == 1 || text[begin..offset].matches('`').count() % 2 == 1
}

fn exists(tree: &Tree, from: &SourceFile, target: &str) -> bool {
    let mut parts: Vec<&str> = from.path.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let folder = format!("{path}/");
    tree.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{file, lines};
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        let text = "see /work/a.md\nsee src/work/a, https://x.org/work/b and /etc/hosts\n`/root/.profile`\n";
        assert_eq!(lines(no_path_of_a_machine, "docs/a.md", text), [3, 1]);
    }

    #[test]
    fn a_page_that_is_not_there_is_found() {
        let mut tree = file("docs/a.md", "see b.md\nand `docs/a.md`\n");
        assert_eq!(named_pages_exist(&tree)[0].line, 1);
        tree.files.push(SourceFile { path: "docs/b.md".into(), text: String::new() });
        assert!(named_pages_exist(&tree).is_empty());
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        let text = "[a](b.rs)\n[c](../docs/a.md#d) [e](#e) [f](https://x.org) `[g](h)`\n```\n[i](j)\n```\n[k](../l)\n";
        assert_eq!(lines(links_lead_somewhere, "docs/a.md", text), [1, 6]);
    }
}
