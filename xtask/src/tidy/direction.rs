//! Which crate may know which: what decides knows nothing of what does.

use super::{Finding, Tree};
use crate::repository::{Dependency, Package};

/// One crate of the workspace, and what it may know.
struct Room {
    name: &'static str,
    /// Crates of this workspace that it may depend on.
    may_know: &'static [&'static str],
    /// Those that only its tests and examples may depend on.
    tests_may_know: &'static [&'static str],
    /// If there is such a list: the crates from elsewhere that it may depend on.
    foreign: Option<&'static [&'static str]>,
}

const KERNEL: &str = "hothouse-kernel";
const PROTOCOL: &str = "hothouse-protocol";
const RUNTIME: &str = "hothouse-runtime";
const SIM: &str = "hothouse-sim";
const PROCESS: &str = "hothouse-process";
const HOST: &str = "hothouse-host";
const CONFIG: &str = "hothouse-config";
const API: &str = "hothouse-api";

const ROOMS: [Room; 11] = [
    Room { name: PROTOCOL, may_know: &[], tests_may_know: &[], foreign: Some(&["serde"]) },
    Room { name: KERNEL, may_know: &[PROTOCOL], tests_may_know: &[SIM], foreign: Some(&["semver", "serde"]) },
    Room { name: SIM, may_know: &[KERNEL, PROTOCOL], tests_may_know: &[], foreign: Some(&["semver"]) },
    // It reads text and looks at files; it never waits for anything.
    Room {
        name: CONFIG,
        may_know: &[KERNEL, PROTOCOL],
        tests_may_know: &[],
        foreign: Some(&[
            "croner",
            "globset",
            "jiff",
            "libc",
            "regex",
            "rustix",
            "saphyr-parser",
            "semver",
            "strsim",
            "toml_edit",
        ]),
    },
    Room { name: RUNTIME, may_know: &[KERNEL, PROTOCOL], tests_may_know: &[], foreign: None },
    Room { name: PROCESS, may_know: &[RUNTIME, KERNEL, PROTOCOL], tests_may_know: &[HOST], foreign: None },
    // It knows what a runtime is, and no particular one.
    Room { name: HOST, may_know: &[RUNTIME, KERNEL, PROTOCOL], tests_may_know: &[], foreign: None },
    Room { name: API, may_know: &[PROTOCOL], tests_may_know: &[], foreign: None },
    // Here the runtimes are picked.
    Room {
        name: "hothouse",
        may_know: &[API, CONFIG, HOST, KERNEL, PROCESS, PROTOCOL, RUNTIME],
        tests_may_know: &[],
        foreign: None,
    },
    Room {
        name: "hothouse-bench",
        may_know: &[CONFIG, HOST, KERNEL, PROCESS, PROTOCOL, RUNTIME],
        tests_may_know: &[],
        foreign: None,
    },
    // It reads journals, and else needs nothing.
    Room {
        name: "xtask",
        may_know: &[KERNEL, PROTOCOL, SIM],
        tests_may_know: &[],
        foreign: Some(&["serde_json"]),
    },
];

/// An example is a program of somebody else: it may know what an embedding program may.
const EXAMPLE: Room = Room {
    name: "an example",
    may_know: &[CONFIG, HOST, KERNEL, PROCESS, PROTOCOL, RUNTIME],
    tests_may_know: &[],
    foreign: None,
};

/// What decides must not know what does, or it can be tested only together with it.
pub(crate) fn dependencies_point_inwards(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        let Some(room) = room(package) else {
            let known =
                "give it a place in xtask/src/tidy/direction.rs: whom may it know, and why is it a crate?";
            found.push(finding(
                package,
                format!("the crate `{}` has no place in the house; {known}", package.name),
            ));
            continue;
        };
        let inside = |dependency: &&Dependency| ROOMS.iter().any(|room| room.name == dependency.name);
        for dependency in package.dependencies.iter().filter(inside) {
            let name = dependency.name.as_str();
            let allowed = room.may_know.contains(&name)
                || (dependency.for_tests && room.tests_may_know.contains(&name));
            if !allowed {
                let message = format!(
                    "`{}` may not depend on `{name}`: it may know only {}",
                    room.name,
                    list(room.may_know)
                );
                found.push(finding(package, message));
            }
        }
    }
    found
}

/// The purity of these crates is what makes their tests fast and their behaviour repeatable.
pub(crate) fn pure_rooms_have_no_foreign_crates(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        let Some((room, foreign)) = room(package).and_then(|room| Some((room, room.foreign?))) else {
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.for_tests) {
            let name = dependency.name.as_str();
            if !foreign.contains(&name) && !ROOMS.iter().any(|room| room.name == name) {
                let message = format!(
                    "`{}` may not depend on `{name}`: of what others wrote it takes only {}",
                    room.name,
                    list(foreign)
                );
                found.push(finding(package, message));
            }
        }
    }
    found
}

fn room(package: &Package) -> Option<&'static Room> {
    if package.manifest.starts_with("examples/") {
        return Some(&EXAMPLE);
    }
    ROOMS.iter().find(|room| room.name == package.name)
}

fn finding(package: &Package, message: String) -> Finding {
    Finding { path: package.manifest.clone(), line: 1, message }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, dependency: &str, for_tests: bool) -> Tree {
        let dependencies = vec![Dependency { name: dependency.into(), for_tests }];
        Tree {
            files: Vec::new(),
            packages: vec![Package { name: name.into(), manifest: String::new(), dependencies }],
        }
    }

    #[test]
    fn dependencies_that_point_outwards_are_found() {
        let outwards =
            [(KERNEL, HOST), (PROTOCOL, KERNEL), (HOST, PROCESS), (RUNTIME, HOST), (CONFIG, RUNTIME)];
        for (from, to) in outwards {
            let found = dependencies_point_inwards(&tree(from, to, false));
            assert_eq!(found.len(), 1, "{from} -> {to}");
            assert!(found[0].message.contains(to), "{}", found[0].message);
        }
        assert!(dependencies_point_inwards(&tree(HOST, RUNTIME, false)).is_empty());
    }

    #[test]
    fn tests_may_know_more_but_not_everything() {
        assert!(dependencies_point_inwards(&tree(KERNEL, SIM, true)).is_empty());
        assert_eq!(dependencies_point_inwards(&tree(KERNEL, SIM, false)).len(), 1);
        assert_eq!(dependencies_point_inwards(&tree(KERNEL, HOST, true)).len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(dependencies_point_inwards(&tree("hothouse-attic", KERNEL, false)).len(), 1);
    }

    #[test]
    fn foreign_crates_are_found_in_pure_rooms() {
        for room in [KERNEL, PROTOCOL, SIM, CONFIG] {
            assert_eq!(pure_rooms_have_no_foreign_crates(&tree(room, "tokio", false)).len(), 1, "{room}");
        }
        assert!(pure_rooms_have_no_foreign_crates(&tree(HOST, "tokio", false)).is_empty());
        assert!(pure_rooms_have_no_foreign_crates(&tree(KERNEL, "proptest", true)).is_empty());
    }
}
