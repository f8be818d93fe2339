//! A running child as both runtimes see it: its log, its end, its last words.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use hothouse_kernel::input::Exit;
use hothouse_runtime::Stream;
use rustix::process::{Pid, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::exit::Ended;
use crate::lines::{Line, Lines, Overflow};
use crate::pipe_end::{PipeEnd, Read};
use crate::spawn::SpawnedChild;
use crate::sys;
use crate::words::shown;

/// The longest line of a log that is given in one piece, in bytes.
const MAX_LOG_LINE: usize = 64 * 1024;

/// A child that is being watched.
#[derive(Debug)]
pub(crate) struct Child {
    process: AsyncFd<SpawnedChild>,
    logs: [Option<LogPipe>; 2],
    last_words: Option<String>,
}

/// What is to be done with one line of the child's log.
pub(crate) type OnLine<'a> = &'a mut dyn FnMut(Stream, &str);

#[derive(Debug)]
struct LogPipe {
    stream: Stream,
    inlet: PipeEnd,
    lines: Lines,
}

/// The ends of the pipes that a child logs to; `stdout` is missing if it is used for something else.
pub(crate) struct LogEnds {
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: OwnedFd,
}

impl Child {
    pub(crate) fn new(process: SpawnedChild, ends: LogEnds) -> io::Result<Child> {
        let process = sys::watch(process, Interest::READABLE)?;
        let stdout = ends.stdout.map(|end| LogPipe::new(Stream::Stdout, end)).transpose()?;
        let stderr = LogPipe::new(Stream::Stderr, ends.stderr)?;
        Ok(Child { process, logs: [stdout, Some(stderr)], last_words: None })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.get_ref().pid()
    }

    /// Asks the group to end.
    pub(crate) fn terminate(&self, signal: Signal) {
        self.process.get_ref().terminate(signal);
    }

    /// Ends it and everything that it has started.
    pub(crate) fn kill(&self) {
        self.process.get_ref().kill();
    }

    pub(crate) fn has_in_group(&self, pid: Pid) -> bool {
        self.process.get_ref().has_in_group(pid)
    }

    /// Whether the child has ended, and everything that it had started.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error means that the runtime is shutting down; then nobody is told anything any more.
        self.process.poll_read_ready(cx).map(|_| ())
    }

    /// Reads once from each of the logs that has something.
    pub(crate) fn poll_logs(&mut self, cx: &mut Context<'_>, on_line: OnLine<'_>) -> Poll<()> {
        let mut progress = Poll::Pending;
        for log in &mut self.logs {
            let Some(pipe) = log else { continue };
            let mut take = keeping(&mut self.last_words, on_line);
            if let Poll::Ready(read) = pipe.poll(cx, &mut take) {
                progress = Poll::Ready(());
                if read == Read::End {
                    *log = None;
                }
            }
        }
        progress
    }

    /// After its end: takes in what it has written. Nobody is left to add to it.
    pub(crate) fn drain(&mut self, on_line: OnLine<'_>) {
        for mut pipe in self.logs.iter_mut().filter_map(Option::take) {
            pipe.drain(&mut keeping(&mut self.last_words, on_line));
        }
    }

    /// How the ended child has ended. Its number may be anybody's by now.
    pub(crate) fn reap(self) -> End {
        End { how: self.process.get_ref().ended(), last_words: self.last_words }
    }
}

/// How a child ended.
pub(crate) struct End {
    how: Ended,
    last_words: Option<String>,
}

impl End {
    pub(crate) fn is_success(&self) -> bool {
        self.how.is_success()
    }

    /// The end of the life that the child was, with the last line on stderr.
    pub(crate) fn into_exit(self) -> Exit {
        let detail = self.last_words.map(|words| format!("last line on stderr: {words}"));
        Exit { how: self.how.in_words(), panicked: false, detail }
    }
}

/// The same as `on_line`, and remembers the last line on stderr that says anything.
fn keeping<'a>(last_words: &'a mut Option<String>, on_line: OnLine<'a>) -> impl FnMut(Stream, &[u8]) + 'a {
    move |stream, line| {
        if stream == Stream::Stderr && !line.trim_ascii().is_empty() {
            *last_words = Some(shown(line));
        }
        on_line(stream, &String::from_utf8_lossy(line));
    }
}

impl LogPipe {
    fn new(stream: Stream, end: OwnedFd) -> io::Result<LogPipe> {
        Ok(LogPipe {
            stream,
            inlet: PipeEnd::reading(end)?,
            lines: Lines::new(MAX_LOG_LINE, Overflow::Split),
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>, take: &mut dyn FnMut(Stream, &[u8])) -> Poll<Read> {
        let (stream, lines) = (self.stream, &mut self.lines);
        let mut each = |line: Line<'_>| {
            if let Line::Text(text) = line {
                take(stream, text);
            }
        };
        let read = self.inlet.poll_read(cx, &mut |bytes| lines.feed(bytes, &mut each));
        if read == Poll::Ready(Read::End) {
            self.lines.end(&mut each);
        }
        read
    }

    fn drain(&mut self, take: &mut dyn FnMut(Stream, &[u8])) {
        let (stream, lines) = (self.stream, &mut self.lines);
        let mut each = |line: Line<'_>| {
            if let Line::Text(text) = line {
                take(stream, text);
            }
        };
        self.inlet.drain(&mut |bytes| lines.feed(bytes, &mut each));
        self.lines.end(&mut each);
    }
}
