//! The channel to a child: lines in, lines out, and its end.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Transport;
use super::outbox::Outbox;
use crate::lines::{Line, Lines, Overflow};
use crate::logs::LogEnds;
use crate::pipe_end::{PipeEnd, Read};
use crate::spawn::Source;

/// The descriptor of the child that is the channel under [`Transport::Fd`].
pub(super) const CHANNEL_FD: i32 = 3;

/// This side's ends of everything that a child is connected with.
pub(super) struct Ends {
    reading: OwnedFd,
    /// Under [`Transport::Fd`] the same socket is written to.
    writing: Option<OwnedFd>,
    pub(super) logs: LogEnds,
}

/// A channel to a child that runs.
#[derive(Debug)]
pub(super) struct Channel {
    incoming: Option<PipeEnd>,
    outgoing: Option<Outgoing>,
    lines: Lines,
}

#[derive(Debug)]
enum Outgoing {
    /// The socket that is read from as well.
    Shared,
    Own(PipeEnd),
}

/// Makes both ends of everything: this side's, and the child's with their numbers.
pub(super) fn ends(transport: Transport) -> io::Result<(Ends, Vec<(Source, i32)>)> {
    let (stderr, stderr_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stdout, stdout_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut fds = vec![(Source::Fd(stdout_write), 1), (Source::Fd(stderr_write), 2)];
    let ends = match transport {
        Transport::Fd => {
            let (ours, its) =
                socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            fds.push((Source::Null, 0));
            fds.push((Source::Fd(its), CHANNEL_FD));
            Ends { reading: ours, writing: None, logs: LogEnds::new(Some(stdout), stderr) }
        }
        Transport::Stdio => {
            let (stdin, ours) = pipe_with(PipeFlags::CLOEXEC)?;
            fds.push((Source::Fd(stdin), 0));
            Ends { reading: stdout, writing: Some(ours), logs: LogEnds::new(None, stderr) }
        }
    };
    Ok((ends, fds))
}

impl Channel {
    pub(super) fn new(ends: Ends, max_line: usize) -> io::Result<(Channel, LogEnds)> {
        let (incoming, outgoing) = match ends.writing {
            None => (PipeEnd::two_way(ends.reading)?, Outgoing::Shared),
            Some(writing) => (PipeEnd::reading(ends.reading)?, Outgoing::Own(PipeEnd::writing(writing)?)),
        };
        let channel = Channel {
            incoming: Some(incoming),
            outgoing: Some(outgoing),
            lines: Lines::new(max_line, Overflow::Skip),
        };
        Ok((channel, ends.logs))
    }

    /// Writes once from what waits.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()> {
        let to = match (&self.outgoing, &self.incoming) {
            (Some(Outgoing::Own(pipe)), _) => pipe,
            (Some(Outgoing::Shared), Some(socket)) => socket,
            _ => {
                outbox.close();
                return Poll::Pending;
            }
        };
        let wrote = outbox.poll_write(cx, to);
        if let Poll::Ready(Err(_)) = wrote {
            // It reads no more. It may still have said something, and how its own side ends shows soon enough.
            outbox.close();
            self.close();
        }
        wrote.map(|_| ())
    }

    /// Reads once, and gives every line that is complete.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, each: &mut dyn FnMut(Line<'_>)) -> Poll<()> {
        let Some(incoming) = &self.incoming else { return Poll::Pending };
        let lines = &mut self.lines;
        let read = incoming.poll_read(cx, &mut |bytes| lines.feed(bytes, each));
        if read == Poll::Ready(Read::End) {
            self.lines.end(each);
            self.incoming = None;
            self.close();
        }
        read.map(|_| ())
    }

    /// The line that the child has begun and not ended, if there is one.
    pub(super) fn begun(&self) -> Option<&[u8]> {
        Some(self.lines.unfinished()).filter(|begun| !begun.is_empty())
    }

    /// Whether nothing can come from the child any more.
    pub(super) fn is_over(&self) -> bool {
        self.incoming.is_none()
    }

    /// Takes in what the ended child has written.
    pub(super) fn drain(&mut self, each: &mut dyn FnMut(Line<'_>)) {
        if let Some(incoming) = self.incoming.take() {
            let lines = &mut self.lines;
            incoming.drain(&mut |bytes| lines.feed(bytes, each));
            self.lines.end(each);
        }
    }

    /// Says no more; the child reads the end of its channel. What it still says is read.
    pub(super) fn close(&mut self) {
        if let (Some(Outgoing::Shared), Some(socket)) = (self.outgoing.take(), &self.incoming) {
            // It can fail only if the other end is gone, which is as well.
            let _ = shutdown(socket.fd().get_ref(), Shutdown::Write);
        }
    }
}
