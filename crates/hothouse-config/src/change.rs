//! How one reading of a project file differs from another: which settings, where in the new file, and what follows.
//!
//! Settings are compared by what they mean, not by how they are written: comments, the order of keys, formats and
//! defaults that are spelt out make no difference. Values are compared as the plugins get them, with everything that
//! was put in from outside; nothing of them is in what comes out, only the names of settings.

mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hothouse_kernel::Need;
use hothouse_kernel::health::Passive;
use hothouse_kernel::restart::Pacing;
use hothouse_protocol::Schema;

use crate::project::{
    CallSettings, Dependency, HostSettings, LogSettings, PluginConfig, Program, Project, Ready, Run,
    Transport,
};
use crate::source::Position;
use crate::text::Text;
use json::{canonical, flatten};

/// What follows from a changed setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The plugin is replaced: if it runs it is stopped and started again, with what needs it.
    Restart,
    /// It holds at once, without touching anything that runs.
    Now,
    /// It holds for whatever is started from now on.
    NextStart,
    /// It holds only when the host itself is started again: `down`, then `up`.
    DownUp,
}

impl Effect {
    /// The effect in words, as they would follow the name of the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Restart => "replaces the plugin",
            Effect::Now => "holds at once",
            Effect::NextStart => "holds from the next start on",
            Effect::DownUp => "needs: down, up",
        }
    }
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The setting: `host.stopTimeout`, or `env.PORT` of a plugin.
    pub key: String,
    /// Where it stands in the new file; where it would stand, if it is there no more.
    pub at: Position,
    /// What follows.
    pub effect: Effect,
}

/// Everything that differs between two readings of a project file, but for plugins that are in one of them only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectChanges {
    /// Settings of the project as a whole.
    pub settings: Vec<KeyChange>,
    /// The settings of every plugin that is in both and differs, by its name.
    pub plugins: BTreeMap<String, Vec<KeyChange>>,
}

impl ProjectChanges {
    /// What differs in a plugin; empty if nothing does.
    pub fn of(&self, plugin: &str) -> &[KeyChange] {
        self.plugins.get(plugin).map_or(&[], Vec::as_slice)
    }
}

/// What a setting means, and what follows when that differs.
#[derive(PartialEq)]
struct Fact {
    value: String,
    effect: Effect,
}

type Facts = BTreeMap<String, Fact>;

impl Project {
    /// How a later reading of this project differs from this one.
    pub fn changes_to(&self, new: &Project) -> ProjectChanges {
        let mut changes = ProjectChanges {
            settings: differing(&self.facts(), &new.facts(), |key| new.place(key)),
            ..ProjectChanges::default()
        };
        let by_name: BTreeMap<&str, &PluginConfig> =
            self.plugins.iter().map(|plugin| (plugin.name.as_str(), plugin)).collect();
        for (at, plugin) in new.plugins.iter().enumerate() {
            let Some(old) = by_name.get(plugin.name.as_str()) else { continue };
            let edges = edges_differ(old, plugin);
            let place = |key: &str| new.place(&format!("plugins[{at}].{key}"));
            let differing = differing(&old.facts(edges), &plugin.facts(edges), place);
            if !differing.is_empty() {
                changes.plugins.insert(plugin.name.clone(), differing);
            }
        }
        changes
    }

    fn place(&self, path: &str) -> Position {
        self.places.nearest(path).unwrap_or(Position::START)
    }

    fn facts(&self) -> Facts {
        let Project { file: _, root: _, name, startup, context, host, plugins: _, secrets: _, places: _ } =
            self;
        let mut facts = Facts::new();
        facts.note("name", name, Effect::Now);
        let in_json = startup.to_value().to_string();
        for (key, value) in
            flatten("startup", &in_json).into_iter().filter(|(key, _)| !key.starts_with("startup.context"))
        {
            facts.note(key, value, Effect::NextStart);
        }
        if let Some(context) = context {
            facts.note("startup.context", canonical(context.reveal()), Effect::NextStart);
        }
        let HostSettings {
            max_concurrent_starts,
            stop_timeout,
            kill_timeout,
            close_grace,
            max_line,
            state_dir,
            logs: LogSettings { max_size, keep },
            calls: CallSettings { queue, cache_bytes, validate },
            restart: Pacing { base, cap, jitter, stable },
            passive_health: Passive { min_calls, error_percent, mean },
            probes,
            on_host_death,
        } = host;
        let millis = |duration: &Duration| duration.as_millis().to_string();
        let starts = max_concurrent_starts.map_or_else(|| "0".into(), |limit| limit.to_string());
        facts.note("host.maxConcurrentStarts", starts, Effect::Now);
        facts.note("host.stopTimeout", millis(stop_timeout), Effect::Now);
        facts.note("host.killTimeout", millis(kill_timeout), Effect::Now);
        facts.note("host.closeGrace", millis(close_grace), Effect::Now);
        facts.note("host.maxLine", max_line.to_string(), Effect::NextStart);
        facts.note("host.stateDir", format!("{state_dir:?}"), Effect::DownUp);
        facts.note("host.logs.maxSize", max_size.to_string(), Effect::DownUp);
        facts.note("host.logs.keep", keep.to_string(), Effect::DownUp);
        facts.note("host.calls.queue", queue.to_string(), Effect::Now);
        facts.note("host.calls.cacheBytes", cache_bytes.to_string(), Effect::Now);
        facts.note("host.calls.validate", validate.to_string(), Effect::Now);
        facts.note("host.restart.base", millis(base), Effect::Now);
        facts.note("host.restart.cap", millis(cap), Effect::Now);
        facts.note("host.restart.jitter", jitter.to_string(), Effect::Now);
        facts.note("host.restart.stable", millis(stable), Effect::Now);
        facts.note("host.passiveHealth.minCalls", min_calls.to_string(), Effect::Now);
        facts.note("host.passiveHealth.errorPercent", error_percent.to_string(), Effect::Now);
        facts.note("host.passiveHealth.meanMs", mean.as_ref().map_or_else(String::new, millis), Effect::Now);
        facts.note("host.onHostDeath", format!("{on_host_death:?}"), Effect::NextStart);
        facts.note("host.probes", format!("{probes:?}"), Effect::DownUp);
        facts
    }
}

impl PluginConfig {
    /// Everything that an instance of this plugin is made of, as one text: two plugins of one name with the same text
    /// are the same, however they are written. What it needs is not in it; the kernel compares that.
    ///
    /// It holds real values. Compare it; never print it.
    pub fn fingerprint(&self) -> String {
        let facts = self.facts(false);
        let made_of = facts.iter().filter(|(_, fact)| fact.effect == Effect::Restart);
        format!("{:?}", made_of.map(|(key, fact)| (key, &fact.value)).collect::<Vec<_>>())
    }

    /// `edges`: whether a difference in one of the lists of dependencies makes one in what it needs.
    fn facts(&self, edges: bool) -> Facts {
        let PluginConfig {
            name: _,
            version,
            run,
            cwd,
            env,
            clean_env,
            dependencies,
            optional_dependencies,
            degradation_critical,
            degradation_optional,
            may_call,
            config,
            lifecycle,
            expected_start,
            at: _,
        } = self;
        let mut facts = Facts::new();
        facts.note("version", version.to_string(), Effect::Restart);
        note_run(&mut facts, run);
        facts.note("cwd", format!("{cwd:?}"), Effect::Restart);
        for (variable, value) in env {
            let value = value.as_ref().map_or_else(|| "-".into(), |value| format!("={}", value.reveal()));
            facts.note(format!("env.{variable}"), value, Effect::Restart);
        }
        facts.note("cleanEnv", clean_env.to_string(), Effect::Restart);
        let needing = if edges { Effect::Restart } else { Effect::Now };
        for (key, list) in [
            ("dependencies", dependencies),
            ("optionalDependencies", optional_dependencies),
            ("lifecycle.degradation.criticalDependencies", degradation_critical),
            ("lifecycle.degradation.optionalDependencies", degradation_optional),
        ] {
            facts.note(key, needed(list), needing);
        }
        for (key, value) in flatten("config", config.reveal()) {
            facts.note(key, value, Effect::Restart);
        }
        for (key, value) in flatten("lifecycle", &lifecycle.to_value().to_string()) {
            let effect = match key.as_str() {
                "lifecycle.health.checkMethod" => Effect::Restart,
                _ => Effect::Now,
            };
            facts.entry(key).or_insert(Fact { value, effect });
        }
        facts.note("mayCall", format!("{:?}", may_call.iter().collect::<BTreeSet<_>>()), Effect::Now);
        facts.note("expectedStart", format!("{expected_start:?}"), Effect::Now);
        facts
    }
}

trait Note {
    fn note(&mut self, key: impl Into<String>, value: impl Into<String>, effect: Effect);
}

impl Note for Facts {
    fn note(&mut self, key: impl Into<String>, value: impl Into<String>, effect: Effect) {
        self.insert(key.into(), Fact { value: value.into(), effect });
    }
}

/// The settings that differ, in the order of the new file.
fn differing(old: &Facts, new: &Facts, place: impl Fn(&str) -> Position) -> Vec<KeyChange> {
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    let differs =
        keys.filter(|key| old.get(*key).map(|fact| &fact.value) != new.get(*key).map(|fact| &fact.value));
    let change = |key: &String| KeyChange {
        key: key.clone(),
        at: place(key),
        effect: new.get(key).or(old.get(key)).map_or(Effect::Now, |fact| fact.effect),
    };
    let mut changes: Vec<KeyChange> = differs.map(change).collect();
    changes.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
    changes
}

/// The names that it needs and the ranges, in an order of their own.
fn needed(list: &[Dependency]) -> String {
    let mut needed: Vec<String> = list
        .iter()
        .map(|one| {
            format!("{} {}", one.name, one.range.as_ref().map_or_else(String::new, ToString::to_string))
        })
        .collect();
    needed.sort();
    needed.dedup();
    needed.join(", ")
}

/// Whether it needs other plugins than before, or needs them more or less.
fn edges_differ(old: &PluginConfig, new: &PluginConfig) -> bool {
    let edges = |plugin: &PluginConfig| -> BTreeMap<String, Need> {
        plugin.decl().edges.into_iter().rev().map(|edge| (edge.to, edge.need)).collect()
    };
    edges(old) != edges(new)
}

fn note_run(facts: &mut Facts, run: &Run) {
    match run {
        Run::Process(run) => {
            let words = run.command.iter().map(Text::reveal).collect::<Vec<_>>();
            facts.note("run.process", format!("{words:?}"), Effect::Restart);
            let transport = match run.transport {
                Transport::Fd => "fd",
                Transport::Stdio => "stdio",
            };
            facts.note("run.transport", transport, Effect::Restart);
        }
        Run::Command(run) => {
            let key = match &run.program {
                Program::Words(_) => "run.command",
                Program::Shell(_) => "run.shell",
            };
            facts.note(key, format!("{:?}", run.program.arguments()), Effect::Restart);
            facts.note("run.ready", ready(&run.ready), Effect::Restart);
            facts.note("run.stopSignal", run.stop_signal.name(), Effect::Restart);
        }
        Run::Native(name) => facts.note("run.native", name, Effect::Restart),
    }
}

/// How readiness is known, with the real values.
fn ready(ready: &Ready) -> String {
    match ready {
        Ready::Started => "started".into(),
        Ready::Tcp(address) => format!("tcp {}:{}", address.host.reveal(), address.port),
        Ready::Http { target, status } => {
            let address = &target.address;
            format!("http {}:{}{} {status:?}", address.host.reveal(), address.port, target.path.reveal())
        }
        Ready::Log(pattern) => format!("log {}", pattern.reveal()),
        Ready::Exec(program) => format!("exec {:?}", program.arguments()),
        Ready::Notify => "notify".into(),
        Ready::Fd(fd) => format!("fd {fd}"),
        Ready::Exit => "exit".into(),
    }
}
