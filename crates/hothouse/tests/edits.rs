//! Random edits of a project file under a running host: what `plan --diff` says is what `apply` does, and both are what
//! follows from the rules in `docs/operating.md`, which are written down here a second time. Who was touched is read from
//! the processes.
//!
//! `HOTHOUSE_ROUNDS` and `HOTHOUSE_SEED` make it more edits, or others.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use common::{Folder, Up};
use serde_json::{Value, json};

/// How many edits a run of the tests makes.
const ROUNDS: u64 = 30;
/// The names there are. A plugin needs only those before it, so that there is no cycle.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
/// What every plugin runs.
const PROGRAM: &str = "echo up >&3; echo ready; exec sleep 100000";
/// How it is known to be ready.
const READY: [&str; 3] = ["", "{fd: 3}", "{log: ^ready$}"];

/// What stands in a project file, however it is written.
#[derive(Clone, PartialEq, Debug)]
struct Project {
    plugins: BTreeMap<&'static str, Plugin>,
    parallel: bool,
    /// Nothing that runs is touched by it.
    stop_timeout: usize,
}

#[derive(Clone, PartialEq, Default, Debug)]
struct Plugin {
    value: usize,
    ready: usize,
    /// A hint, which replaces nothing.
    expected_start: usize,
    needs: BTreeSet<&'static str>,
    likes: BTreeSet<&'static str>,
}

impl Plugin {
    /// Whether the plugin is another one than this: it is made of something else, or needs others.
    fn is_replaced_by(&self, new: &Plugin) -> bool {
        Plugin { expected_start: new.expected_start, ..self.clone() } != *new
    }
}

impl Project {
    /// Those that must stop when it becomes that one: whoever is gone or replaced, and whoever needs one that stops.
    fn stops(&self, new: &Project) -> BTreeSet<&'static str> {
        let goes = |name: &&str, plugin: &Plugin| {
            new.plugins.get(*name).is_none_or(|new| plugin.is_replaced_by(new))
        };
        let going = self.plugins.iter().filter(|(name, plugin)| goes(name, plugin));
        let mut stops: BTreeSet<&str> = going.map(|(name, _)| *name).collect();
        // Whoever needs others comes after all of them.
        for (name, plugin) in &self.plugins {
            if plugin.needs.iter().any(|other| stops.contains(other)) {
                stops.insert(*name);
            }
        }
        stops
    }

    /// Those that must start then: whoever is new, and whoever was stopped and is still there.
    fn starts(&self, new: &Project) -> BTreeSet<&'static str> {
        let stops = self.stops(new);
        let comes = |name: &&&str| !self.plugins.contains_key(**name) || stops.contains(**name);
        new.plugins.keys().filter(comes).copied().collect()
    }

    /// Makes a change, which may be none.
    fn edit(&mut self, dice: &mut Dice) {
        let at = dice.below(NAMES.len());
        let name = NAMES[at];
        if !self.plugins.contains_key(name) {
            self.plugins
                .insert(name, Plugin { value: dice.below(3), ready: dice.below(3), ..Plugin::default() });
            return self.choose_needs(at, dice);
        }
        match dice.below(8) {
            0 => self.remove(name),
            1 => self.plugin(name).ready = dice.below(READY.len()),
            2 => self.choose_needs(at, dice),
            3 => self.plugin(name).expected_start = dice.below(3),
            4 => self.parallel = dice.below(2) == 0,
            5 => self.stop_timeout = 5000 + dice.below(3),
            6 => {}
            _ => self.plugin(name).value = dice.below(3),
        }
    }

    fn plugin(&mut self, name: &str) -> &mut Plugin {
        self.plugins.get_mut(name).unwrap()
    }

    /// Whoever needed it does without.
    fn remove(&mut self, name: &'static str) {
        self.plugins.remove(name);
        for plugin in self.plugins.values_mut() {
            plugin.needs.remove(name);
        }
    }

    fn choose_needs(&mut self, at: usize, dice: &mut Dice) {
        let mut chosen = |share| -> BTreeSet<&'static str> {
            NAMES[..at].iter().copied().filter(|_| dice.below(share) == 0).collect()
        };
        let (mut needs, likes) = (chosen(3), chosen(5));
        needs.retain(|name| self.plugins.contains_key(name));
        // Who needs one need not like it as well; one that is liked need not be there.
        let likes = &likes - &needs;
        let plugin = self.plugin(NAMES[at]);
        (plugin.needs, plugin.likes) = (needs, likes);
    }

    /// The file, written in one of many ways.
    fn written(&self, dice: &mut Dice) -> String {
        let mut names: Vec<&str> = self.plugins.keys().copied().collect();
        (1..names.len()).for_each(|at| names.swap(at, dice.below(at + 1)));
        if dice.below(3) == 0 {
            let plugins: Vec<Value> = names.iter().map(|name| self.plugins[name].json(name)).collect();
            let startup = json!({ "parallel": self.parallel });
            let host = json!({ "stopTimeout": self.stop_timeout, "stateDir": "state" });
            return json!({ "plugins": plugins, "host": host, "startup": startup, "version": 1 }).to_string();
        }
        let mut text = format!(
            "version: 1\nstartup: {{parallel: {}}}\nhost: {{stateDir: state, stopTimeout: {}}}\nplugins:\n",
            self.parallel, self.stop_timeout
        );
        for name in names {
            text.push_str(&self.plugins[name].yaml(name, dice));
        }
        text
    }
}

impl Plugin {
    fn json(&self, name: &str) -> Value {
        let mut run = json!({ "command": ["sh", "-c", PROGRAM] });
        match self.ready {
            0 => {}
            1 => run["ready"] = json!({ "fd": 3 }),
            _ => run["ready"] = json!({ "log": "^ready$" }),
        }
        json!({
            "expectedStart": self.expected_start, "optionalDependencies": self.likes, "dependencies": self.needs,
            "env": { "VALUE": self.value.to_string() }, "run": run, "name": name,
        })
    }

    fn yaml(&self, name: &str, dice: &mut Dice) -> String {
        let list = |names: &BTreeSet<&str>| names.iter().rev().copied().collect::<Vec<_>>().join(", ");
        let ready = match READY[self.ready] {
            "" => String::new(),
            ready => format!(", ready: {ready}"),
        };
        let mut settings = vec![
            format!("run: {{command: [sh, -c, '{}']{ready}}}", PROGRAM),
            format!("env: {{VALUE: \"{}\"}}", self.value),
        ];
        // A default that is spelt out is no change.
        for (key, value, is_default) in [
            ("dependencies", format!("[{}]", list(&self.needs)), self.needs.is_empty()),
            ("optionalDependencies", format!("[{}]", list(&self.likes)), self.likes.is_empty()),
            ("expectedStart", self.expected_start.to_string(), self.expected_start == 0),
        ] {
            if !is_default || dice.below(2) == 0 {
                settings.push(format!("{key}: {value}"));
            }
        }
        (1..settings.len()).for_each(|at| settings.swap(at, dice.below(at + 1)));
        let mut text = format!("  - name: {name}   # {}\n", dice.below(1000));
        settings.iter().for_each(|setting| writeln!(text, "    {setting}").unwrap());
        text
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A host that runs, and what is known of it.
struct Running {
    folder: Folder,
    up: Up,
    /// The number of the last event that was looked at.
    seen: u64,
}

impl Running {
    fn json(&self, args: &[&str]) -> Value {
        let output = self.up.command(args);
        assert_eq!(output.status, Some(0), "{args:?}: {}{}", output.stdout, output.stderr);
        output.json()
    }

    /// The process of every plugin. They are all the processes that there are.
    fn pids(&self) -> BTreeMap<String, u64> {
        let ps = self.json(&["ps", "--json"]);
        let of =
            |plugin: &Value| (plugin["name"].as_str().unwrap().to_owned(), plugin["pid"].as_u64().unwrap());
        let pids: BTreeMap<String, u64> = ps["plugins"].as_array().unwrap().iter().map(of).collect();
        assert_eq!(self.processes(), pids.values().copied().collect(), "{ps:#}");
        pids
    }

    /// Whatever works in the project's folder.
    fn processes(&self) -> BTreeSet<u64> {
        let folder = fs::metadata(&self.folder.0).unwrap();
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_here = |pid: &u64| {
            let cwd = fs::metadata(format!("/proc/{pid}/cwd"));
            cwd.is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == (folder.dev(), folder.ino()))
        };
        pids.filter(is_here).collect()
    }

    /// Whose stop, and whose start, began since the last look, in this order.
    fn moved(&mut self) -> [Vec<String>; 2] {
        let told = self.up.command(&["events", "--json", "--since", &self.seen.to_string()]).stdout;
        let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        self.seen = events.last().map_or(self.seen, |event| event["seq"].as_u64().unwrap());
        ["stopBegan", "launched"].map(|kind| common::plugins(&events, kind))
    }
}

#[test]
fn what_plan_diff_says_is_what_apply_does_whatever_is_edited() {
    let seed = number("HOTHOUSE_SEED", 1);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut project = Project { plugins: BTreeMap::new(), parallel: false, stop_timeout: 5000 };
    while project.plugins.len() < 5 {
        project.edit(&mut dice);
    }
    let mut before = vec![project.clone()];
    let folder = Folder::with_project("edits", &project.written(&mut dice));
    let mut up = Up::start(&folder.0, &[], &[]);
    assert_eq!(up.wait_for("startEnded", None)["allSuccessful"], true, "seed {seed}: {:#?}", up.seen);
    let mut running = Running { folder, up, seen: 0 };
    running.moved();

    let (mut touched, mut untouched, mut nothing) = (0, 0, 0);
    for round in 0..number("HOTHOUSE_ROUNDS", ROUNDS) {
        // One time in six everything is as it was at some time before.
        let new = match dice.below(6) {
            0 => before[dice.below(before.len())].clone(),
            _ => {
                let mut new = project.clone();
                (0..=dice.below(3)).for_each(|_| new.edit(&mut dice));
                new
            }
        };
        let text = new.written(&mut dice);
        let what = format!("seed {seed} edit {round}:\n{text}");
        running.folder.write("hothouse.yaml", &text);
        let (stops, starts) = apply(&mut running, &project, &new, &what);
        (touched, untouched) = (touched + stops + starts, untouched + new.plugins.len() - starts);
        nothing += usize::from(stops + starts == 0);
        before.push(new.clone());
        project = new;
    }
    println!(
        "seed {seed}: {touched} moves, {untouched} times one was left alone, {nothing} edits that touch nothing"
    );
    assert!(touched > 0 && untouched > 0 && nothing > 0, "seed {seed}: {touched} {untouched} {nothing}");
    assert_eq!(running.up.command(&["down"]).status, Some(0));
    assert!(running.processes().is_empty());
}

/// Applies the file that lies there, and compares what is said, what is done and what follows from the rules. Returns how
/// many were stopped and started.
fn apply(running: &mut Running, old: &Project, new: &Project, what: &str) -> (usize, usize) {
    let names = |list: &Value| -> Vec<String> {
        let name = |item: &Value| item.as_str().or(item["plugin"].as_str()).unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    };
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<String>>();
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<String>>();

    // What is said.
    let pids = running.pids();
    let plan = running.json(&["plan", "--diff", "--json"]);
    let (stops, starts) = (names(&plan["stops"]), names(&plan["starts"]));
    assert_eq!(
        (set(&stops), set(&starts)),
        (owned(old.stops(new)), owned(old.starts(new))),
        "{what}\n{plan:#}"
    );
    assert_eq!(
        (pids.clone(), running.moved()),
        (running.pids(), [Vec::new(), Vec::new()]),
        "a plan moves: {what}"
    );

    // What is done.
    assert_eq!(running.json(&["apply", "--json"])["plan"], plan, "{what}");
    let after = running.pids();
    let [stopped, started] = running.moved();
    assert_eq!(stopped, stops, "{what}");
    if new.parallel {
        assert_eq!(set(&started), set(&starts), "{what}");
    } else {
        assert_eq!(started, starts, "{what}");
    }
    assert_eq!(
        after.keys().map(String::as_str).collect::<Vec<_>>(),
        new.plugins.keys().copied().collect::<Vec<_>>()
    );
    for (name, pid) in &after {
        assert_eq!(pids.get(name) == Some(pid), !starts.contains(name), "{name}: {what}\n{plan:#}");
    }

    // And once more, for nothing.
    let again = running.json(&["apply", "--json"]);
    assert_eq!(names(&again["plan"]["untouched"]).len(), new.plugins.len(), "{what}\n{again:#}");
    assert_eq!((running.pids(), running.moved()), (after, [Vec::new(), Vec::new()]), "{what}");
    (stops.len(), starts.len())
}
