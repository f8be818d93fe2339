//! The told half of a scenario: plugins, the host's limit, and inputs with their times.
//!
//! ```text
//! plugin web needs db likes cache ladder destroy=1s,close=200ms check=5s expected=100ms probe=1ms..4ms
//! plugin api needs log health=30s/3/1 restart=exponential*3 check=5s
//! plugin shop degrade=minimal critical=db optional=cache on=search off=mail recover=60s*5
//! limit 2
//! pacing base=1s cap=5min jitter=0 stable=60s
//! config two
//! plugin db
//! 0ms   start all timeout=5s parallel no-rollback health-check by=operator
//! 10ms  db initialized
//! 20ms  web/1 failed START_FAILED port 80 is taken
//! 30ms  time
//! 34ms  late
//! 35ms  web healthy calls=12/12
//! 36ms  web pushes-degraded
//! 37ms  mode web readonly
//! 38ms  mode web release
//! 40ms  apply two redefined=db start-all parallel
//! ```
//! `health` is interval/failures/passes; `degrade=none` is `enabled: false`, `recover=none` the same of the recovery. An
//! answer to a check is one to the last check that was asked; `healthy#2` names another. Jitter is 0 unless it is set.
//! What is due before a moment is done in its time, except before `late`: then the host did not get to run.
//!
//! Plugins after `config NAME` make a further configuration, which `apply NAME` puts in the place of the one before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::degradation::{Degradation, FeatureSwitch, Recovery};
use hothouse_kernel::input::{Answer, Asker, Exit, Request, StartOptions, Targets};
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{CallCounts, HealthSettings};
use hothouse_kernel::{
    Change, Code, EdgeDecl, Failure, Graph, Incarnation, Instant, Ladder, Need, PluginDecl, PluginId, Rung,
    Settings, Stage,
};
use hothouse_protocol::{AutoRecovery, FallbackMode, HealthStatus, PluginHealthCheck, json};

/// A scenario as told.
pub(crate) struct Story {
    /// The configurations in the order of the text; the first is that of the kernel at its beginning.
    pub(crate) graphs: Vec<Arc<Graph>>,
    pub(crate) settings: Settings,
    pub(crate) moments: Vec<Moment>,
}

/// One line of the story.
pub(crate) struct Moment {
    pub(crate) at: Instant,
    pub(crate) text: String,
    pub(crate) what: What,
}

/// What happens at a moment.
pub(crate) enum What {
    Asked(Asker, Request),
    /// Without a life it is the plugin's last one.
    Said {
        plugin: PluginId,
        life: Option<Incarnation>,
        answer: Answer,
    },
    /// Nothing; time passes.
    Time,
    /// The kernel is told of the time only now: the host did not get to run.
    Late,
}

pub(crate) fn parse(text: &str) -> Result<Story, String> {
    let mut configs = vec![(String::new(), Vec::new())];
    let mut settings = Settings::default();
    settings.restart.jitter = 0;
    let mut later = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let here = |what: String| format!("{}: {what}", number + 1);
        match words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["config", name] => configs.push(((*name).to_owned(), Vec::new())),
            ["plugin", name, rest @ ..] => {
                let decl = plugin(name, rest).map_err(here)?;
                configs.last_mut().expect("there is a first one").1.push(decl);
            }
            ["limit", limit] => {
                let limit = limit.parse().map_err(|_| here("no number from 1".into()))?;
                settings.max_concurrent_starts = Some(limit);
            }
            ["pacing", words @ ..] => pacing(&mut settings, words).map_err(here)?,
            _ => later.push((number, line)),
        }
    }
    let mut known = Known { graphs: BTreeMap::new(), settings: settings.clone() };
    let mut graphs: Vec<Arc<Graph>> = Vec::new();
    for (name, decls) in configs {
        let graph = match graphs.last() {
            None => Graph::build(decls),
            Some(last) => Graph::succeeding(last, decls),
        };
        let graph = Arc::new(graph.map_err(|errors| format!("1: {errors:?}"))?);
        known.graphs.insert(name, Arc::clone(&graph));
        graphs.push(graph);
    }
    let moments = later
        .into_iter()
        .map(|(number, line)| moment(&known, line).map_err(|what| format!("{}: {what}", number + 1)))
        .collect::<Result<_, _>>()?;
    Ok(Story { graphs, settings, moments })
}

/// What the inputs of a story may name.
struct Known {
    graphs: BTreeMap<String, Arc<Graph>>,
    settings: Settings,
}

impl Known {
    /// The plugin of that name in any of the configurations: they all have the same numbers.
    fn id(&self, name: &str) -> Result<PluginId, String> {
        let found = self.graphs.values().find_map(|graph| graph.id(name));
        found.ok_or_else(|| format!("no plugin `{name}`"))
    }

    fn change(&self, config: &str, words: &[&str]) -> Result<Change, String> {
        let (mut redefined, mut start_all) = (Vec::new(), false);
        let mut rest = Vec::new();
        for word in words {
            match (*word, word.split_once('=')) {
                ("start-all", _) => start_all = true,
                (_, Some(("redefined", names))) => redefined.extend(names.split(',')),
                _ => rest.push(*word),
            }
        }
        Ok(Change {
            graph: Arc::clone(self.graphs.get(config).ok_or_else(|| format!("no config `{config}`"))?),
            settings: self.settings.clone(),
            redefined: redefined.into_iter().map(|name| self.id(name)).collect::<Result<_, _>>()?,
            options: wish(self, &rest)?.options,
            start_all,
        })
    }
}

fn pacing(settings: &mut Settings, words: &[&str]) -> Result<(), String> {
    for word in words {
        match word.split_once('=').ok_or("pacing WHAT=VALUE")? {
            ("base", time) => settings.restart.base = duration(time)?,
            ("cap", time) => settings.restart.cap = duration(time)?,
            ("stable", time) => settings.restart.stable = duration(time)?,
            ("jitter", percent) => {
                settings.restart.jitter = percent.parse().map_err(|_| "jitter=PERCENT")?;
            }
            (other, _) => return Err(format!("what is `{other}`?")),
        }
    }
    Ok(())
}

/// What is said of a plugin's hard times, word by word.
#[derive(Default)]
struct HardTimes {
    mode: Option<FallbackMode>,
    without_fallback: bool,
    critical: Vec<Arc<str>>,
    optional: Vec<Arc<str>>,
    features: Vec<FeatureSwitch>,
    recovery: Option<Recovery>,
}

impl HardTimes {
    fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        let names = || value.split(',').map(Arc::from);
        match key {
            "degrade" if value == "none" => self.without_fallback = true,
            "degrade" => self.mode = Some(value.parse().map_err(|_| format!("no mode `{value}`"))?),
            "critical" => self.critical.extend(names()),
            "optional" => self.optional.extend(names()),
            "on" | "off" => self.features.extend(value.split(',').map(|feature| FeatureSwitch {
                feature: feature.into(),
                enabled: key == "on",
                reason: None,
            })),
            "recover" => {
                let (interval, tries) = value.split_once('*').unwrap_or(("60s", "0"));
                self.recovery = Some(Recovery {
                    enabled: value != "none",
                    interval: duration(interval)?,
                    max_attempts: tries.parse().map_err(|_| "recover=INTERVAL*TRIES")?,
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn declare(self, decl: &mut PluginDecl) {
        if self.mode.is_none() && !self.without_fallback {
            return;
        }
        let edge = |name: &Arc<str>, need| EdgeDecl { to: name.to_string(), need, range: None };
        decl.edges.extend(self.critical.iter().map(|name| edge(name, Need::Hard)));
        decl.edges.extend(self.optional.iter().map(|name| edge(name, Need::Optional)));
        decl.settings.degradation = Some(Arc::new(Degradation {
            enabled: !self.without_fallback,
            mode: self.mode.unwrap_or(FallbackMode::Minimal),
            critical: self.critical.into(),
            optional: self.optional.into(),
            features: self.features.into(),
            recovery: self.recovery.unwrap_or_else(|| Recovery::from(&AutoRecovery::default())),
        }));
    }
}

fn health_settings(text: &str) -> Result<HealthSettings, String> {
    let [interval, failures, passes] = text.split('/').collect::<Vec<_>>()[..] else {
        return Err("health=INTERVAL/FAILURES/PASSES".into());
    };
    Ok(HealthSettings {
        interval: duration(interval)?,
        failure_threshold: failures.parse().map_err(|_| "no number")?,
        success_threshold: passes.parse().map_err(|_| "no number")?,
        auto_restart: false,
        ..HealthSettings::from(&PluginHealthCheck::default())
    })
}

fn plugin(name: &str, words: &[&str]) -> Result<PluginDecl, String> {
    let mut decl = PluginDecl::new(name);
    let mut need = Need::Hard;
    let mut hard_times = HardTimes::default();
    for word in words {
        match (*word, word.split_once('=')) {
            ("needs", _) => need = Need::Hard,
            ("likes", _) => need = Need::Optional,
            (_, Some(("ladder", rungs))) => decl.settings.ladder = ladder(rungs)?,
            (_, Some(("check", limit))) => decl.settings.check_timeout = duration(limit)?,
            (_, Some(("expected", time))) => decl.settings.expected_start = Some(duration(time)?),
            (_, Some(("probe", range))) => {
                let (first, cap) = range.split_once("..").ok_or("probe=FIRST..CAP")?;
                decl.settings.probe = ProbeSchedule { first: duration(first)?, cap: duration(cap)? };
            }
            (_, Some(("health", text))) => decl.settings.health = Some(health_settings(text)?),
            (_, Some(("restart", text))) => {
                let (backoff, attempts) = text.split_once('*').ok_or("restart=BACKOFF*ATTEMPTS")?;
                let health =
                    decl.settings.health.get_or_insert_with(|| (&PluginHealthCheck::default()).into());
                health.auto_restart = true;
                health.restart_backoff = backoff.parse().map_err(|_| "no such backoff")?;
                health.max_restart_attempts = attempts.parse().map_err(|_| "no number")?;
            }
            (_, Some((key, value))) if hard_times.take(key, value)? => {}
            (_, Some(_)) => return Err(format!("what is `{word}`?")),
            (to, None) => decl.edges.push(EdgeDecl { to: to.to_owned(), need, range: None }),
        }
    }
    hard_times.declare(&mut decl);
    Ok(decl)
}

fn ladder(text: &str) -> Result<Ladder, String> {
    text.split(',').filter(|rung| *rung != "none").try_fold(Ladder::EMPTY, |ladder, rung| {
        let (name, limit) = rung.split_once(':').ok_or("ladder=RUNG:LIMIT,…")?;
        let rung = Rung::ALL.into_iter().find(|rung| rung.as_str() == name).ok_or("no such rung")?;
        Ok(ladder.with(rung, duration(limit)?))
    })
}

fn moment(known: &Known, line: &str) -> Result<Moment, String> {
    let line = line.trim();
    let (at, text) = line.split_once(char::is_whitespace).ok_or("TIME WHAT")?;
    let text = text.trim();
    let at = Instant::ZERO + duration(at)?;
    let what = match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["time"] => What::Time,
        ["late"] => What::Late,
        ["start", words @ ..] => {
            let Wish { by, targets, options } = wish(known, words)?;
            What::Asked(by, Request::Start { targets, options })
        }
        ["stop", words @ ..] => {
            let Wish { by, targets, .. } = wish(known, words)?;
            What::Asked(by, Request::Stop { targets })
        }
        ["apply", config, words @ ..] => {
            What::Asked(Asker::default(), Request::Apply(Box::new(known.change(config, words)?)))
        }
        ["mode", name, mode] => {
            let plugin = known.id(name)?;
            let mode = match *mode {
                "release" => None,
                mode => Some(mode.parse().map_err(|_| format!("no mode `{mode}`"))?),
            };
            What::Asked(Asker::Operator, Request::SetMode { plugin, mode })
        }
        ["restart", words @ ..] => {
            let Wish { by, targets, options } = wish(known, words)?;
            What::Asked(by, Request::Restart { targets, options })
        }
        [who, said, ..] => {
            let rest = text.split_once(said).map_or("", |(_, rest)| rest).trim();
            let (name, life) = match who.split_once('/') {
                Some((name, life)) => {
                    (name, Some(Incarnation(life.parse().map_err(|_| format!("no life `{life}`"))?)))
                }
                None => (*who, None),
            };
            let plugin = known.id(name)?;
            What::Said { plugin, life, answer: answer(said, rest)? }
        }
        _ => return Err(format!("what is `{text}`?")),
    };
    Ok(Moment { at, text: text.to_owned(), what })
}

struct Wish {
    by: Asker,
    targets: Targets,
    options: StartOptions,
}

fn wish(known: &Known, words: &[&str]) -> Result<Wish, String> {
    let mut by = Asker::default();
    let mut options = StartOptions::default();
    let mut plugins = Vec::new();
    let mut all = false;
    for word in words {
        match (*word, word.split_once('=')) {
            ("all", _) => all = true,
            ("parallel", _) => options.parallel = true,
            ("no-rollback", _) => options.rollback_on_failure = false,
            ("health-check", _) => options.health_check = true,
            (_, Some(("timeout", limit))) => options.timeout = duration(limit)?,
            (_, Some(("by", who))) => {
                let askers = [Asker::Embedder, Asker::Operator, Asker::Signal, Asker::Host];
                by = askers.into_iter().find(|asker| asker.as_str() == who).ok_or("who is that?")?;
            }
            (name, _) => plugins.push(known.id(name)?),
        }
    }
    Ok(Wish { by, targets: if all { Targets::All } else { Targets::Some(plugins) }, options })
}

fn answer(said: &str, rest: &str) -> Result<Answer, String> {
    let message = || Some(rest).filter(|rest| !rest.is_empty());
    let (said, check) = match said.split_once('#') {
        Some((said, check)) => (said, check.parse().map_err(|_| "no number of a check")?),
        None => (said, LAST_CHECK),
    };
    Ok(match said {
        "initialized" => Answer::Initialized,
        "started" => Answer::Started,
        "not-ready" => Answer::NotReady(rest.into()),
        "healthy" => Answer::Checked { check, health: Box::new(health(true, None)), calls: calls(rest)? },
        "unhealthy" => Answer::Checked {
            check,
            health: Box::new(health(false, message())),
            calls: CallCounts::default(),
        },
        "unasked" => Answer::CheckFailed {
            check,
            failure: Box::new(Failure::new(Code::Unhealthy, Stage::Check, message().unwrap_or_default())),
        },
        "pushes-healthy" => Answer::Pushed(Box::new(health(true, None))),
        "pushes-unhealthy" => Answer::Pushed(Box::new(health(false, message()))),
        "pushes-degraded" => Answer::Pushed(Box::new(HealthStatus {
            details: Some([("status", json::Value::from("degraded"))].into()),
            ..health(true, None)
        })),
        "destroyed" => Answer::Destroyed(message().map(Into::into)),
        "gone" => Answer::Gone(Box::new(Exit::new(message().unwrap_or("exited with code 0")))),
        "panicked" => {
            Answer::Gone(Box::new(Exit { panicked: true, ..Exit::new(format!("panicked: {rest}")) }))
        }
        "failed" => {
            let (code, message) = rest.split_once(' ').ok_or("failed CODE MESSAGE")?;
            let (code, stage) = match code {
                "SPAWN_FAILED" => (Code::SpawnFailed, Stage::Spawn),
                "INIT_FAILED" => (Code::InitFailed, Stage::Init),
                "START_FAILED" => (Code::StartFailed, Stage::Start),
                other => return Err(format!("no code `{other}`")),
            };
            Answer::Failed(Box::new(Failure::new(code, stage, message)))
        }
        other => return Err(format!("what does it mean to be `{other}`?")),
    })
}

/// In the place of the number of the last check that was asked.
pub(crate) const LAST_CHECK: u64 = u64::MAX;

fn calls(text: &str) -> Result<CallCounts, String> {
    let Some(text) = text.strip_prefix("calls=") else { return Ok(CallCounts::default()) };
    let (failed, ended) = text.split_once('/').ok_or("calls=FAILED/ENDED")?;
    let number = |text: &str| text.parse().map_err(|_| "no number");
    Ok(CallCounts { ended: number(ended)?, failed: number(failed)?, took: Duration::ZERO })
}

fn health(healthy: bool, message: Option<&str>) -> HealthStatus {
    HealthStatus { healthy, timestamp: 0, details: None, message: message.map(str::to_owned) }
}

fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("no duration: `{text}`")),
    };
    let number: f64 = number.parse().map_err(|_| format!("no duration: `{text}`"))?;
    Ok(Duration::from_nanos((number * scale * 1e9).round() as u64))
}
