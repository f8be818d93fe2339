//! What an instance tells the host.

use std::fmt;
use std::sync::Arc;

use hothouse_kernel::{Answer, Incarnation, PluginId};

use crate::contract::Description;
use crate::{Level, LogLine, LogSink, OwnCall, Stream, UnderWay};

/// One thing that an instance has to say.
#[derive(Debug)]
pub enum Report {
    /// An answer for the kernel.
    Answer(Answer),
    /// What the plugin says of itself; comes before `Initialized`.
    Described(Arc<Description>),
}

/// Where reports go. Implemented by the host; must not block.
pub trait Inbox: Send + Sync {
    /// Takes a report about one life of one plugin.
    fn take(&self, plugin: PluginId, incarnation: Incarnation, report: Report);

    /// Takes a call that one life of a plugin makes. It may be answered before this returns.
    fn call(&self, plugin: PluginId, incarnation: Incarnation, call: OwnCall) -> UnderWay;
}

/// The way of one life to the host.
#[derive(Clone)]
pub struct Reporter {
    inbox: Arc<dyn Inbox>,
    plugin: PluginId,
    incarnation: Incarnation,
    log: Arc<dyn LogSink>,
}

impl Reporter {
    /// The way to `inbox` of this life of this plugin, whose log goes to `log`.
    pub fn new(
        inbox: Arc<dyn Inbox>,
        plugin: PluginId,
        incarnation: Incarnation,
        log: Arc<dyn LogSink>,
    ) -> Reporter {
        Reporter { inbox, plugin, incarnation, log }
    }

    /// Answers the kernel.
    pub fn answer(&self, answer: Answer) {
        self.report(Report::Answer(answer));
    }

    /// Adds a line to the plugin's log. Never waits.
    pub fn log(&self, stream: Stream, level: Level, text: impl Into<String>) {
        self.log.line(LogLine::new(stream, level, text));
    }

    /// Says in the plugin's log that it broke the contract in a way that harms only itself: garbage on its channel, an
    /// answer to no question.
    pub fn misbehaved(&self, how: impl Into<String>) {
        self.log(Stream::Host, Level::Warn, how);
    }

    /// Where the plugin's log goes, for whoever reads its pipes.
    pub fn log_sink(&self) -> &Arc<dyn LogSink> {
        &self.log
    }

    /// Says anything.
    pub fn report(&self, report: Report) {
        self.inbox.take(self.plugin, self.incarnation, report);
    }

    /// Calls a method of another plugin.
    pub fn call(&self, call: OwnCall) -> UnderWay {
        self.inbox.call(self.plugin, self.incarnation, call)
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

/// The time of day in milliseconds since 1970, for health answers.
pub fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
