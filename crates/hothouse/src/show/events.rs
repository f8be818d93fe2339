//! What happens in a host, as lines for people and as JSON for programs.

use std::io;

use hothouse_api::LogLine;
use hothouse_config::Project;
use hothouse_host::{Notice, Warning, happening_json};
use hothouse_kernel::degradation::Missing;
use hothouse_kernel::event::Happening;
use hothouse_kernel::phase::StopCause;
use hothouse_kernel::{Code, Event, Failure, Graph, Need, PluginId, Rung, Stage};
use hothouse_protocol::PluginHealthStatus;
use serde_json::{Value, json};

use super::happened;
use super::ladder::{Limit, escalated};
use super::log::LogWriter;
use super::style::{Style, harmless};
use crate::plugins;

/// Writes what happens, line by line.
pub(crate) struct EventWriter<'a> {
    graph: &'a Graph,
    project: &'a Project,
    style: Style,
    /// The widest plugin name, so that what they write lines up.
    width: usize,
}

impl<'a> EventWriter<'a> {
    pub(crate) fn new(graph: &'a Graph, project: &'a Project, style: Style) -> EventWriter<'a> {
        let width = graph.plugins().map(|plugin| graph.name(plugin).chars().count()).max().unwrap_or(0);
        EventWriter { graph, project, style, width: width.min(24) }
    }

    /// The line for a line of a log.
    pub(crate) fn log(&self, line: &LogLine) -> String {
        LogWriter::new(self.style, self.width).line("         ", line)
    }

    /// The line for a notice; `None` if people need not see it.
    pub(crate) fn line(&self, notice: &Notice) -> Option<String> {
        match notice {
            Notice::Event(event) => self.event(event),
            Notice::Warned(warning) => {
                let text = harmless(&self.project.secrets.redact(&warning.to_string()));
                let next = after_warning(warning);
                Some(format!("{}: {text}\n  next: {next}", self.style.yellow("warning")))
            }
            Notice::Lost(count) => {
                Some(self.style.yellow(&format!("{count} lines were left out: too many at once")))
            }
        }
    }

    /// The line for a failure that is the same as before; `times` says how often it has come in a row.
    pub(crate) fn again(&self, event: &Event, times: u64) -> Option<String> {
        let (plugin, text) = self.describe(&event.what)?;
        Some(self.told(event, plugin, &format!("{text} ({times} times in a row)")))
    }

    /// The line for a plugin that is given up after it has failed so many times in a row like that.
    pub(crate) fn gave_up(&self, event: &Event, how: &str, times: u64) -> Option<String> {
        let (plugin, text) = self.describe(&event.what)?;
        let how = harmless(&self.project.secrets.redact(how));
        Some(self.told(event, plugin, &format!("{text}: {how} ({times} times in a row)")))
    }

    /// The line for a plugin that is well again after it has failed so many times in a row.
    pub(crate) fn well_after(&self, event: &Event, times: u64) -> Option<String> {
        let text = format!("{} again, after it failed {times} times in a row", self.style.green("healthy"));
        Some(self.told(event, event.what.plugin(), &text))
    }

    fn event(&self, event: &Event) -> Option<String> {
        let (plugin, text) = self.describe(&event.what)?;
        Some(self.told(event, plugin, &text))
    }

    fn told(&self, event: &Event, plugin: Option<PluginId>, text: &str) -> String {
        let seconds = event.at.as_nanos() as f64 / 1e9;
        let time = self.style.dim(&format!("{seconds:7.3} s"));
        let name = plugin.map_or("", |plugin| self.graph.name(plugin));
        let name = format!("{name:>width$}", width = self.width);
        format!("{time} {}   {text}", self.style.bold(&name))
    }

    fn describe(&self, what: &Happening) -> Option<(Option<PluginId>, String)> {
        let style = self.style;
        let (plugin, text) = match what {
            Happening::Launched { plugin, incarnation } => match incarnation.0 {
                1 => (plugin, "starting".into()),
                life => (plugin, format!("starting (life {life})")),
            },
            Happening::Ready { plugin, took, .. } => {
                (plugin, format!("{} in {}", style.green("ready"), super::duration(*took)))
            }
            Happening::Failed { plugin, failure, .. }
                if failure.code == Code::DependencyFailed && failure.stage == Stage::Run =>
            {
                (plugin, style.yellow(&format!("stopped: {}", self.clean(failure))))
            }
            Happening::Failed { plugin, failure, .. } if failure.code == Code::DependencyFailed => {
                let root = failure.root.map_or("what it needs", |root| self.graph.name(root));
                (plugin, style.yellow(&format!("not started: `{root}` failed")))
            }
            Happening::Failed { plugin, failure, .. } => {
                let place = self.place(*plugin);
                let text = self.clean(failure);
                (plugin, format!("{} at {}: {text}{}", style.red("failed"), failure.stage, style.dim(&place)))
            }
            Happening::Withdrawn { plugin, failure } => (plugin, style.dim(&self.clean(failure))),
            Happening::StopBegan { plugin, cause, .. } => {
                (plugin, format!("stopping: {}", self.cause(cause)))
            }
            Happening::DestroyFailed { plugin, message, .. } => {
                let message = harmless(&self.project.secrets.redact(message));
                (plugin, format!("{}: {message}", style.yellow("destroy failed")))
            }
            Happening::StopEscalated { plugin, from, to, .. } => (
                plugin,
                style.yellow(&escalated(from.as_str(), to.as_str(), self.limit(*plugin, *from).as_ref())),
            ),
            Happening::Stopped { plugin, .. } => (plugin, "stopped".into()),
            Happening::Abandoned { plugin, .. } => {
                (plugin, style.red("could not be ended; it is fenced off and left alone"))
            }
            Happening::ApplyBegan { stops, starts, .. } => {
                let text = format!("the project file is applied: {stops} to stop, {starts} to start");
                return Some((None, text));
            }
            Happening::UnwindBegan { failed, .. } => {
                let why = failed.map_or_else(
                    || "a stop was asked for".into(),
                    |plugin| format!("`{}` failed", self.graph.name(plugin)),
                );
                return Some((None, style.yellow(&format!("undoing the start: {why}"))));
            }
            Happening::Refused { why, .. } => return Some((None, format!("refused: {why}"))),
            what => return self.of_health(what).map(|(plugin, text)| (Some(plugin), text)),
        };
        Some((Some(*plugin), text))
    }

    /// The same for what has to do with health, restarts and fallbacks.
    fn of_health(&self, what: &Happening) -> Option<(PluginId, String)> {
        let style = self.style;
        let clean = |text: &str| harmless(&self.project.secrets.redact(text));
        let (plugin, text) = match what {
            // That a plugin is healthy after its start is what everybody expects.
            Happening::HealthChanged {
                from: PluginHealthStatus::Unknown,
                to: PluginHealthStatus::Healthy,
                ..
            } => return None,
            Happening::HealthChanged { plugin, from, to, why, .. } => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(": {}", clean(why)));
                let to = match to {
                    PluginHealthStatus::Healthy => style.green(to.as_str()),
                    PluginHealthStatus::Unhealthy | PluginHealthStatus::Failed => style.red(to.as_str()),
                    _ => style.yellow(to.as_str()),
                };
                (plugin, format!("{to}, was {from}{why}"))
            }
            Happening::HostLate { plugin, late, .. } => (plugin, style.yellow(&happened::late(*late))),
            Happening::RestartScheduled { plugin, attempt, of, pause, .. } => {
                let pause = super::duration(*pause);
                (plugin, style.yellow(&format!("restart {attempt} of {of} in {pause}")))
            }
            Happening::RestartCancelled { plugin, .. } => {
                (plugin, "not restarted by itself, because something else was asked for".into())
            }
            Happening::GaveUp { plugin, attempts, .. } => (plugin, style.red(&happened::given_up(*attempts))),
            Happening::ModeSet { plugin, mode: Some(mode), .. } => {
                (plugin, format!("its mode was set to {mode}"))
            }
            Happening::ModeSet { plugin, mode: None, .. } => (plugin, "its mode was released".into()),
            Happening::ModeChanged { plugin, service, .. } => {
                let lost = |missing: &Missing| happened::Lost {
                    name: missing.name.to_string(),
                    critical: missing.need == Need::Hard,
                };
                let missing: Vec<_> = service.missing.iter().map(lost).collect();
                let text = happened::serves(service.as_str(), service.forced, &missing);
                (plugin, if service.is_normal() { style.green(&text) } else { style.yellow(&text) })
            }
            Happening::RecoveryTried { plugin, attempt, of, missing, .. } => {
                let missing: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
                (plugin, happened::recovery_tried(*attempt, *of, &missing))
            }
            _ => return None,
        };
        Some((*plugin, text))
    }

    fn cause(&self, cause: &StopCause) -> String {
        match cause {
            StopCause::Asked => "asked for".into(),
            StopCause::Restart => "to be started again".into(),
            StopCause::Removed => "it is in the project file no more".into(),
            StopCause::Unwind(plugin) => format!("`{}` failed", self.graph.name(*plugin)),
            StopCause::Failure(_) => "clearing away what is left of it".into(),
        }
    }

    /// Where a plugin stands in the project file, as it follows a message.
    fn place(&self, plugin: PluginId) -> String {
        super::place(self.graph.name(plugin), self.project)
            .map_or(String::new(), |place| format!(" [{place}]"))
    }

    fn limit(&self, plugin: PluginId, rung: Rung) -> Option<Limit> {
        let name = self.graph.name(plugin);
        let config = self.project.plugins.iter().find(|config| config.name == name)?;
        Limit::of(rung.as_str(), &config.run, &self.project.host)
    }

    fn clean(&self, failure: &Failure) -> String {
        harmless(&self.project.secrets.redact(&failure.to_string()))
    }
}

/// What to do about a warning.
fn after_warning(warning: &Warning) -> String {
    let mend = match warning.error().kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room there",
        _ => "see to that folder",
    };
    match warning {
        Warning::WritingFailed { .. } => format!("{mend}; writing goes on by itself"),
        Warning::NotWritten { .. } => format!(
            "{mend}, or name another one in `host.stateDir`; then {} and {}",
            super::hothouse("down"),
            super::hothouse("up")
        ),
    }
}

/// A notice as one JSON object. Every event has `type` and `atMs`, and `plugin` and `incarnation` where it is about one.
pub(crate) fn notice_json(notice: &Notice, graph: &Graph, project: &Project) -> Value {
    match notice {
        Notice::Event(event) => {
            let mut value = happening_json(&event.what, graph, &plugins::redact(project));
            value["seq"] = json!(event.seq.number());
            if let Some(cause) = event.cause {
                value["cause"] = json!(cause.number());
            }
            value["atMs"] = json!(event.at.as_nanos() as f64 / 1e6);
            if let Happening::Failed { plugin, failure, .. } = &event.what {
                let place = super::place(graph.name(failure.root.unwrap_or(*plugin)), project);
                value["failure"]["place"] = json!(place);
            }
            value
        }
        Notice::Warned(warning) => json!({
            "type": "warning",
            "message": project.secrets.redact(&warning.to_string()),
            "next": after_warning(warning),
        }),
        Notice::Lost(count) => json!({ "type": "lost", "count": count }),
    }
}
