//! Reading what children log: one thread for all of them.
//!
//! The pipes are read on a thread of their own, so that a child that floods its log costs the host's loop nothing, and
//! is itself slowed down by its pipe when the lines cannot be kept as fast as it writes them. The thread is blocked
//! while nobody writes.
//!
//! | question | file |
//! |---|---|
//! | the thread, whose turn it is, and how it is told something | `reader` |
//! | how long a flood is left to gather | `pace` |
//! | one child: its pipes, its last words, the line that says that it is ready | `intake` |
//!
//! What becomes of the lines is not decided here: they go to the life's
//! [`LogInlet`](hothouse_runtime::LogInlet), batch by batch.

mod intake;
mod pace;
mod reader;

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hothouse_runtime::{LogInlet, LogLine, LogSink, RawLine};
use regex::Regex;
use tokio::sync::oneshot;

use intake::Intake;
use reader::Reader;

/// The ends of the pipes that a child logs to; `stdout` is missing if it is used for something else.
pub(crate) struct LogEnds {
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: OwnedFd,
    /// What has been read from stdout and stderr already, and comes first.
    pub(crate) ahead: [Vec<u8>; 2],
}

impl LogEnds {
    /// The ends of pipes that nobody has read from.
    pub(crate) fn new(stdout: Option<OwnedFd>, stderr: OwnedFd) -> LogEnds {
        LogEnds { stdout, stderr, ahead: [const { Vec::new() }; 2] }
    }
}

/// What a life knows of its child's log. Dropping it ends the reading.
#[derive(Debug)]
pub(crate) struct LogTap {
    reader: Arc<Reader>,
    /// `None` once the log has been drained.
    child: Option<u64>,
    /// Told when the log is over.
    heard: oneshot::Receiver<Heard>,
    /// Told when a line matched; `None` once that is known, or if no line is waited for.
    said: Option<oneshot::Receiver<()>>,
}

/// What had been heard of a child when its log was drained.
#[derive(Default, Debug)]
pub(crate) struct Heard {
    /// Whether a line matched what was waited for.
    pub(crate) said: bool,
    /// The last line on stderr that says anything, fit to be shown.
    pub(crate) last_words: Option<String>,
}

impl LogTap {
    /// Has these pipes read from now on, and the lines passed on. `awaited`: the line that says that the child is
    /// ready.
    pub(crate) fn open(ends: LogEnds, sink: &Arc<dyn LogSink>, awaited: Option<Regex>) -> io::Result<LogTap> {
        let reader = Reader::of_this_process()?;
        let (saying, said) = oneshot::channel();
        let is_awaited = awaited.is_some();
        let intake = Intake::new(ends, sink.inlet(), awaited.map(|pattern| (pattern, saying)))?;
        let (hearing, heard) = oneshot::channel();
        let child = reader.add(intake, hearing)?;
        Ok(LogTap { reader, child: Some(child), heard, said: is_awaited.then_some(said) })
    }

    /// Ready once: when a line has matched.
    pub(crate) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(said) = &mut self.said else { return Poll::Pending };
        match Pin::new(said).poll(cx) {
            Poll::Ready(outcome) => {
                self.said = None;
                if outcome.is_ok() { Poll::Ready(()) } else { Poll::Pending }
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Takes in what there is at this moment and no more, passes it on, and closes the pipes. A process that still
    /// holds the other end is not waited for.
    pub(crate) async fn drain(&mut self) -> Heard {
        let Some(child) = self.child.take() else { return Heard::default() };
        // Most often the child was the last to hold its pipes, and it is over already.
        if !self.is_over() {
            self.reader.end(child);
        }
        (&mut self.heard).await.unwrap_or_default()
    }

    /// Whether it has been said already what was heard.
    fn is_over(&self) -> bool {
        !self.heard.is_empty() || self.heard.is_terminated()
    }
}

impl Drop for LogTap {
    fn drop(&mut self) {
        if let Some(child) = self.child.take().filter(|_| !self.is_over()) {
            self.reader.end(child);
        }
    }
}

/// Where the log of a child goes of which nobody wants to know more than its last words.
pub(crate) struct Nowhere;

impl LogSink for Nowhere {
    fn line(&self, _: LogLine) {}

    fn inlet(&self) -> Box<dyn LogInlet> {
        Box::new(Nowhere)
    }
}

impl LogInlet for Nowhere {
    fn line(&mut self, _: RawLine<'_>) {}

    fn flush(&mut self) {}
}
