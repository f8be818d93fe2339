//! Rules about Rust code.

use super::source::{code_only, find_word, tests_begin};
use super::{Finding, Tree, at};

/// The crates that decide or describe, and never wait.
const PURE: [&str; 3] = ["crates/hothouse-kernel/", "crates/hothouse-protocol/", "crates/hothouse-sim/"];
/// The crates that do without the standard library.
const NO_STD: [&str; 2] = ["crates/hothouse-kernel/src/", "crates/hothouse-protocol/src/"];
/// Where `unsafe` may stand, and why.
const UNSAFE: [(&str, &str); 3] = [
    ("crates/hothouse-process/src/sys", "the one system call without a safe wrapper"),
    (
        "crates/hothouse-bench/src/bin/bench-child.rs",
        "std takes over an inherited descriptor in no other way",
    ),
    ("xtask/no-std-proof/src/lib.rs", "an allocator, for a library that is never run"),
];
/// Files that may be longer than [`MAX_LINES`], and why. None is.
const LONG: [(&str, &str); 0] = [];
/// A file of more lines than this has more than one idea.
const MAX_LINES: usize = 700;
/// What a type's name may not be made of: it says nothing about what the type is.
const EMPTY_WORDS: [&str; 6] = ["Manager", "Helper", "Helpers", "Util", "Utils", "Impl"];

/// Whoever can wait can be raced; the pure crates are driven from outside and return at once.
pub(crate) fn no_await_in_pure_rooms(tree: &Tree) -> Vec<Finding> {
    let message = "`.await` in a crate that decides: waiting is for drivers, here it is an input";
    words(tree, &PURE, &[".await"], message)
}

/// Without the standard library a clock, a file or a thread cannot even be named.
pub(crate) fn no_std_in_no_std_crates(tree: &Tree) -> Vec<Finding> {
    let message = "the standard library in a crate that does without it: take `core` or `alloc`";
    let is_test = |finding: &Finding| finding.path.ends_with("/tests.rs");
    tree.rust_in(&NO_STD)
        .flat_map(|file| {
            let code = code_only(&file.text);
            let end = tests_begin(&file.path, &code);
            find_word(&code[..end], "std::").map(|offset| at(file, offset, message)).collect::<Vec<_>>()
        })
        .filter(|finding| !is_test(finding))
        .collect()
}

/// A fixed sleep is too short on a busy machine and too long on every other: a test waits for a fact.
pub(crate) fn no_sleep_in_tests(tree: &Tree) -> Vec<Finding> {
    let message = "a test that sleeps: wait for a fact instead (a line, an event, a closed pipe)";
    let mut found = Vec::new();
    for file in tree.with_extension("rs") {
        let code = code_only(&file.text);
        let begin = tests_begin(&file.path, &code);
        for word in ["thread::sleep", "time::sleep", "sleep_ms"] {
            found.extend(find_word(&code[begin..], word).map(|offset| at(file, begin + offset, message)));
        }
    }
    found
}

/// What is not finished does not land.
pub(crate) fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let macros = ["todo!", "unimplemented!", "dbg!"];
    let mut found = words(tree, &[""], &macros, "unfinished code: finish it, or leave out what calls it");
    // Put together here, so that this file does not find itself.
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    for file in &tree.files {
        for note in notes {
            let message = format!("{note}: do it, or say as a plain sentence what the code does not do");
            found.extend(find_word(&file.text, note).map(|offset| at(file, offset, &*message)));
        }
    }
    found
}

/// One place to review.
pub(crate) fn unsafe_in_one_place(tree: &Tree) -> Vec<Finding> {
    let places: Vec<&str> = UNSAFE.iter().map(|(path, _)| *path).collect();
    let message = format!("`unsafe` outside {}: use a safe wrapper (rustix)", places.join(", "));
    let mut found = words(tree, &[""], &["unsafe"], &message);
    found.retain(|finding| !places.iter().any(|place| finding.path.starts_with(place)));
    found
}

/// A reader opens a file and knows what it is, and what it leaves to others.
pub(crate) fn modules_say_what_they_are(tree: &Tree) -> Vec<Finding> {
    let message = "a module without `//!`: say in its first line what it is";
    let files = tree.with_extension("rs").filter(|file| file.path.contains("/src/"));
    let files = files.filter(|file| !file.path.ends_with("/tests.rs"));
    files.filter(|file| !file.text.starts_with("//!")).map(|file| at(file, 0, message)).collect()
}

/// A file that one can hold in one's head.
pub(crate) fn files_are_small(tree: &Tree) -> Vec<Finding> {
    let files = tree.with_extension("rs").filter(|file| file.path.contains("/src/"));
    files
        .filter(|file| !LONG.iter().any(|(path, _)| *path == file.path))
        .filter(|file| file.text.lines().count() > MAX_LINES)
        .map(|file| {
            let lines = file.text.lines().count();
            at(
                file,
                0,
                format!("{lines} lines, more than {MAX_LINES}: give its second idea a file of its own"),
            )
        })
        .collect()
}

/// A name says what a thing is, not that it is a thing.
pub(crate) fn names_say_something(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.with_extension("rs") {
        let code = code_only(&file.text);
        for keyword in ["struct ", "enum ", "trait ", "type ", "union "] {
            for offset in find_word(&code, keyword) {
                let name: String =
                    code[offset + keyword.len()..].chars().take_while(|c| c.is_alphanumeric()).collect();
                if let Some(word) = EMPTY_WORDS.iter().find(|word| parts(&name).any(|part| part == **word)) {
                    found.push(at(
                        file,
                        offset,
                        format!("`{name}`: `{word}` says nothing; say what it does"),
                    ));
                }
            }
        }
        for offset in code.match_indices("fn get_").map(|(offset, _)| offset) {
            // The pair of `get`, as in the standard library.
            if code[offset..].starts_with("fn get_mut(") {
                continue;
            }
            found.push(at(file, offset, "`get_` says nothing; name what is returned"));
        }
    }
    found
}

/// The capitalised parts of a name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let begins = |(at, c): (usize, char)| (c.is_uppercase() || at == 0).then_some(at);
    let starts: Vec<usize> = name.char_indices().filter_map(begins).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([name.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &name[start..end])
}

/// Finds words in code, tests included.
fn words(tree: &Tree, folders: &[&str], words: &[&str], message: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.rust_in(folders) {
        let code = code_only(&file.text);
        for word in words {
            found.extend(find_word(&code, word).map(|offset| at(file, offset, message)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::samples::lines;
    use super::*;

    #[test]
    fn an_await_in_the_kernel_is_found_and_one_in_the_host_is_not() {
        let text = "fn f() {\n    g().await;\n    // .await\n}\n";
        assert_eq!(lines(no_await_in_pure_rooms, "crates/hothouse-kernel/src/a.rs", text), [2]);
        assert_eq!(lines(no_await_in_pure_rooms, "crates/hothouse-sim/tests/a.rs", text), [2]);
        assert!(lines(no_await_in_pure_rooms, "crates/hothouse-host/src/a.rs", text).is_empty());
    }

    #[test]
    fn std_is_found_in_no_std_crates_but_not_in_their_tests() {
        let text = "use core::fmt;\nuse std::fmt;\n#[cfg(test)]\nmod tests { use std::vec; }";
        assert_eq!(lines(no_std_in_no_std_crates, "crates/hothouse-protocol/src/a.rs", text), [2]);
        assert!(lines(no_std_in_no_std_crates, "crates/hothouse-protocol/tests/a.rs", text).is_empty());
    }

    #[test]
    fn a_sleep_is_found_in_tests_only() {
        let text = "fn f() { std::thread::sleep(d) }\n#[cfg(test)]\nmod tests {\n  fn g() { tokio::time::sleep(d); }\n}";
        assert_eq!(lines(no_sleep_in_tests, "crates/a/src/a.rs", text), [4]);
        assert_eq!(lines(no_sleep_in_tests, "crates/a/tests/a.rs", text), [1, 4]);
    }

    #[test]
    fn what_is_unfinished_is_found_in_code_and_in_notes() {
        let text = "fn f() { todo!() }\nfn g() { dbg!(1); }\nfn h() { unimplemented!() }\n";
        assert_eq!(lines(nothing_unfinished, "crates/a/src/a.rs", text), [1, 3, 2]);
        let note = format!("plain\n{}: later\n", concat!("TO", "DO"));
        assert_eq!(lines(nothing_unfinished, "docs/a.md", &note), [2]);
    }

    #[test]
    fn unsafe_is_found_outside_its_place() {
        let text = "fn f() {\n    unsafe { g() }\n}";
        assert_eq!(lines(unsafe_in_one_place, "crates/hothouse-host/src/a.rs", text), [2]);
        assert!(lines(unsafe_in_one_place, "crates/hothouse-process/src/sys.rs", text).is_empty());
    }

    #[test]
    fn a_module_without_an_opening_is_found() {
        assert_eq!(lines(modules_say_what_they_are, "crates/a/src/a.rs", "use b;\n"), [1]);
        assert!(lines(modules_say_what_they_are, "crates/a/src/a.rs", "//! What it is.\n").is_empty());
        assert!(lines(modules_say_what_they_are, "crates/a/tests/a.rs", "use b;\n").is_empty());
    }

    #[test]
    fn a_long_file_is_found() {
        let text = "// x\n".repeat(MAX_LINES + 1);
        assert_eq!(lines(files_are_small, "crates/a/src/a.rs", &text), [1]);
        assert!(lines(files_are_small, "crates/a/src/a.rs", &text[5..]).is_empty());
    }

    #[test]
    fn empty_names_are_found() {
        let text = "struct PluginManager;\nenum Implied {}\ntrait LogHelper {}\nfn get_name() {}\ntype Utility = u8;\n";
        assert_eq!(lines(names_say_something, "crates/a/src/a.rs", text), [1, 3, 4]);
    }
}
