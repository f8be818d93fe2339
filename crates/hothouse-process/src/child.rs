//! A running child as both runtimes see it: its end, its last words. Its log is read elsewhere (`logs`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hothouse_kernel::input::Exit;
use hothouse_runtime::LogSink;
use regex::Regex;
use rustix::process::{Pid, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::exit::Ended;
use crate::logs::{LogEnds, LogTap};
use crate::memory;
use crate::spawn::SpawnedChild;
use crate::sys;

/// A child that is being watched.
#[derive(Debug)]
pub(crate) struct Child {
    process: AsyncFd<SpawnedChild>,
    log: LogTap,
    last_words: Option<String>,
    /// Whether it was killed from here.
    killed: AtomicBool,
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
        memory::begin();
        let log = LogTap::open(ends, log, awaited)?;
        Ok(Child { process, log, last_words: None, killed: AtomicBool::new(false) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.get_ref().pid()
    }

    /// Asks the group to end.
    pub(crate) fn terminate(&self, signal: Signal) {
        self.killed.fetch_or(signal == Signal::KILL, Ordering::Relaxed);
        self.process.get_ref().terminate(signal);
    }

    /// Ends it and everything that it has started.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        self.process.get_ref().kill();
    }

    /// It is ready, and goes on from now on if the host is killed, if it is to.
    pub(crate) fn is_worth_keeping(&self) {
        self.process.get_ref().is_worth_keeping();
    }

    pub(crate) fn has_in_group(&self, pid: Pid) -> bool {
        self.process.get_ref().has_in_group(pid)
    }

    /// Whether the child has ended, and everything that it had started.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error means that the runtime is shutting down; then nobody is told anything any more.
        self.process.poll_read_ready(cx).map(|_| ())
    }

    /// Ready once: when the line that was waited for has come.
    pub(crate) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.log.poll_said(cx)
    }

    /// After its end: has what it has written taken in. Nobody is left to add to it. True if the line that was waited
    /// for has come at any time.
    pub(crate) async fn drain(&mut self) -> bool {
        let heard = self.log.drain().await;
        self.last_words = heard.last_words;
        heard.said
    }

    /// How the ended child has ended. Its number may be anybody's by now.
    pub(crate) fn reap(self) -> End {
        let how = self.process.into_inner().ended();
        let by_a_stranger = how.was_killed() && !self.killed.into_inner();
        End { how, last_words: self.last_words, by_a_stranger }
    }
}

/// How a child ended.
pub(crate) struct End {
    how: Ended,
    last_words: Option<String>,
    /// Whether it was ended with SIGKILL, and not from here.
    by_a_stranger: bool,
}

impl End {
    pub(crate) fn is_success(&self) -> bool {
        self.how.is_success()
    }

    /// The end of the life that the child was, with the last line on stderr, and who may have ended it.
    pub(crate) fn into_exit(self) -> Exit {
        let who = self.by_a_stranger.then(memory::suspicion);
        let words = self.last_words.map(|words| format!("last line on stderr: {words}"));
        let detail: Vec<String> = who.into_iter().chain(words).collect();
        let detail = Some(detail.join("; ")).filter(|detail| !detail.is_empty());
        Exit { how: self.how.in_words(), panicked: false, detail }
    }
}
