//! What an instance tells the host.

use std::fmt;
use std::sync::Arc;

use hothouse_kernel::{Answer, Incarnation, PluginId};

use crate::Call;
use crate::contract::Description;

/// One thing that an instance has to say.
#[derive(Debug)]
pub enum Report {
    /// An answer for the kernel.
    Answer(Answer),
    /// What the plugin says of itself; comes before `Initialized`.
    Described(Arc<Description>),
    /// A line of its log.
    Log(Box<LogLine>),
    /// It calls a method of another plugin. The call's `id` and `caller` are filled in by the host.
    Call {
        /// The plugin that it calls, by name.
        target: Box<str>,
        /// The call.
        call: Box<Call>,
    },
    /// It broke the contract in a way that harms only itself: garbage on its channel, an answer to no question.
    Misbehaved(Box<str>),
}

/// Where reports go. Implemented by the host; must not block.
pub trait Inbox: Send + Sync {
    /// Takes a report about one life of one plugin.
    fn take(&self, plugin: PluginId, incarnation: Incarnation, report: Report);
}

/// The way of one life to the host.
#[derive(Clone)]
pub struct Reporter {
    inbox: Arc<dyn Inbox>,
    plugin: PluginId,
    incarnation: Incarnation,
}

impl Reporter {
    /// The way to `inbox` of this life of this plugin.
    pub fn new(inbox: Arc<dyn Inbox>, plugin: PluginId, incarnation: Incarnation) -> Reporter {
        Reporter { inbox, plugin, incarnation }
    }

    /// Answers the kernel.
    pub fn answer(&self, answer: Answer) {
        self.report(Report::Answer(answer));
    }

    /// Adds a line to the plugin's log.
    pub fn log(&self, stream: Stream, level: Level, text: impl Into<String>) {
        self.report(Report::Log(Box::new(LogLine { stream, level, text: text.into() })));
    }

    /// Says anything.
    pub fn report(&self, report: Report) {
        self.inbox.take(self.plugin, self.incarnation, report);
    }

    /// The life that this is the way of.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reporter({} life {})", self.plugin, self.incarnation)
    }
}

/// One line of a plugin's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// Where it came from.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// The line, without its end.
    pub text: String,
}

/// Where a line of a log came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
    /// Its `log` calls.
    Log,
    /// What the runtime has to say about it.
    Host,
}

impl Stream {
    /// The word for it in logs and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
            Stream::Log => "log",
            Stream::Host => "host",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// For those who look into the plugin.
    Debug,
    /// For the record.
    Info,
    /// Something to look at.
    Warn,
    /// Something that does not work.
    Error,
}

impl Level {
    /// The word for it in logs and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    /// The level of that name; unknown names are information.
    pub fn named(name: &str) -> Level {
        match name {
            "debug" | "trace" => Level::Debug,
            "warn" | "warning" => Level::Warn,
            "error" | "fatal" => Level::Error,
            _ => Level::Info,
        }
    }
}

/// The time of day in milliseconds since 1970, for health answers.
pub fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
