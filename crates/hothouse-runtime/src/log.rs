//! The log of a plugin: what a line of it is, and the way of lines to whoever keeps them.
//!
//! Lines do not travel with the reports: a plugin that floods its log must not stand in the way of answers. There are
//! two ways in. One never waits, for whoever must not ([`LogSink::line`]); the other takes many lines at once and may
//! wait for a disk, for the thread that reads pipes ([`LogSink::inlet`]).
//!
//! Nothing is written or kept here.

use std::sync::Arc;

/// Where the log of one life of one plugin goes. Implemented by the host.
pub trait LogSink: Send + Sync {
    /// Takes one line. Never waits: if the line finds no room, that is counted and said in the log itself.
    fn line(&self, line: LogLine);

    /// A way in for a thread that reads many lines and may be made to wait.
    fn inlet(&self) -> Box<dyn LogInlet>;
}

/// A way into a log for one reader.
pub trait LogInlet: Send {
    /// Takes a line as bytes, without its end. Where the bytes are no UTF-8, they are kept as bytes if they can be.
    fn line(&mut self, line: RawLine<'_>);

    /// Passes on what was taken since the last time. May wait, for as long as it takes to write it down; nothing that
    /// was taken is ever left out to be quick.
    fn flush(&mut self);
}

/// A line as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawLine<'a> {
    /// Where it came from.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// The line, without its end.
    pub text: &'a [u8],
    /// Whether this is a piece of a longer line, and the next one from the same stream goes on with it.
    pub continues: bool,
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
    /// Whether this is a piece of a longer line, and the next one from the same stream goes on with it.
    pub continues: bool,
}

impl LogLine {
    /// A whole line.
    pub fn new(stream: Stream, level: Level, text: impl Into<String>) -> LogLine {
        LogLine { stream, level, text: text.into(), continues: false }
    }
}

/// An inlet for sinks that have none of their own: passes every line on as it comes.
pub struct LineByLine<S>(
    /// Where the lines go.
    pub Arc<S>,
);

impl<S: LogSink> LogInlet for LineByLine<S> {
    fn line(&mut self, line: RawLine<'_>) {
        let RawLine { stream, level, text, continues } = line;
        self.0.line(LogLine { stream, level, text: String::from_utf8_lossy(text).into_owned(), continues });
    }

    fn flush(&mut self) {}
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
    /// What the runtime, or the host, has to say about it.
    Host,
}

impl Stream {
    /// Every one.
    pub const ALL: [Stream; 4] = [Stream::Stdout, Stream::Stderr, Stream::Log, Stream::Host];

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
    /// Every one, the least bad first.
    pub const ALL: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];

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
