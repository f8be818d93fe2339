//! A running child as both runtimes see it: its end, its last words. Its log is read elsewhere (`logs`).

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use hothouse_kernel::input::Exit;
use hothouse_runtime::LogSink;
use regex::Regex;
use rustix::process::{Pid, Signal, WaitIdStatus};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::exit;
use crate::logs::{LogEnds, LogTap};
use crate::spawn::SpawnedChild;
use crate::sys;

/// A child that is being watched.
#[derive(Debug)]
pub(crate) struct Child {
    process: AsyncFd<SpawnedChild>,
    log: LogTap,
    last_words: Option<String>,
}

impl Child {
    /// Watches a child and has its log read; `awaited` is the line of it that says that it is ready.
    pub(crate) fn new(
        process: SpawnedChild,
        ends: LogEnds,
        log: &Arc<dyn LogSink>,
        awaited: Option<Regex>,
    ) -> io::Result<Child> {
        let process = sys::watch(process, Interest::READABLE)?;
        Ok(Child { process, log: LogTap::open(ends, log, awaited)?, last_words: None })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.get_ref().pid()
    }

    /// Asks the group to end. A stopped process could not hear that, so it is told to go on as well.
    pub(crate) fn terminate(&self, signal: Signal) {
        self.process.get_ref().signal_group(signal);
        self.process.get_ref().signal_group(Signal::CONT);
    }

    /// Ends the group.
    pub(crate) fn kill(&self) {
        self.process.get_ref().signal_group(Signal::KILL);
    }

    pub(crate) fn has_in_group(&self, pid: Pid) -> bool {
        self.process.get_ref().has_in_group(pid)
    }

    /// Whether the child has ended.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error means that the runtime is shutting down; then nobody is told anything any more.
        self.process.poll_read_ready(cx).map(|_| ())
    }

    /// Ready once: when the line that was waited for has come.
    pub(crate) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.log.poll_said(cx)
    }

    /// After its end: kills what is left of its group, then has what it has written taken in. In this order, so that
    /// nobody adds to it meanwhile. True if the line that was waited for has come at any time.
    pub(crate) async fn drain(&mut self) -> bool {
        self.kill();
        let heard = self.log.drain().await;
        self.last_words = heard.last_words;
        heard.said
    }

    /// Waits for the ended child. After this its number may be anybody's.
    pub(crate) fn reap(mut self) -> End {
        let status = self.process.get_mut().reap();
        End { status, last_words: self.last_words }
    }
}

/// How a child ended.
pub(crate) struct End {
    status: Option<WaitIdStatus>,
    last_words: Option<String>,
}

impl End {
    pub(crate) fn is_success(&self) -> bool {
        exit::is_success(self.status.as_ref())
    }

    /// The end of the life that the child was, with the last line on stderr.
    pub(crate) fn into_exit(self) -> Exit {
        let detail = self.last_words.map(|words| format!("last line on stderr: {words}"));
        Exit { how: exit::in_words(self.status.as_ref()), panicked: false, detail }
    }
}
