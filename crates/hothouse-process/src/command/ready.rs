//! Watching for the readiness that a program pushes.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use hothouse_runtime::{Level, Reporter, Stream};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use super::Readiness;
use super::notify::NotifySocket;
use crate::child::Child;
use crate::pipe_end::{PipeEnd, Read};
use crate::spawn::Source;
use crate::sys::Sender;

/// What is watched for readiness.
#[derive(Debug)]
pub(super) enum Watch {
    /// Nothing: it is ready, or is asked, or whoever reads its log says so.
    Nothing,
    Notify(NotifySocket),
    Fd(PipeEnd),
}

/// What a child is given so that it can push its readiness.
#[derive(Default)]
pub(super) struct Given {
    pub(super) fd: Option<(Source, i32)>,
    pub(super) notify_socket: Option<String>,
}

/// What is watched, and what the child is given for it. Called before the child is there.
pub(super) fn prepare(readiness: &Readiness) -> io::Result<(Watch, Given)> {
    let mut given = Given::default();
    let watch = match readiness {
        Readiness::Spawned | Readiness::Answers(_) | Readiness::Log(_) | Readiness::Exit0 => Watch::Nothing,
        Readiness::Notify => {
            let socket = NotifySocket::new()?;
            given.notify_socket = Some(socket.name().to_owned());
            Watch::Notify(socket)
        }
        Readiness::Fd(number) => {
            let (ours, its): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC)?;
            given.fd = Some((Source::Fd(its), *number));
            Watch::Fd(PipeEnd::reading(ours)?)
        }
    };
    Ok((watch, given))
}

impl Watch {
    /// Looks at the socket or pipe; ready with whether the program said that it is ready.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, child: &Child, reporter: &Reporter) -> Poll<bool> {
        match self {
            Watch::Nothing => Poll::Pending,
            Watch::Notify(socket) => {
                let notice = ready!(socket.poll_receive(cx, &|sender| is_own(child, sender)));
                if let Some(status) = notice.status {
                    reporter.log(Stream::Host, Level::Info, format!("status: {status}"));
                }
                Poll::Ready(notice.is_ready)
            }
            Watch::Fd(pipe) => {
                let read = ready!(pipe.poll_read(cx, &mut |_| {}));
                // One byte is all that was waited for; and without the other end there is nothing to wait for.
                *self = Watch::Nothing;
                Poll::Ready(read == Read::Some)
            }
        }
    }

    /// The child has ended: whether it had said that it was ready.
    pub(super) fn drain(&mut self, child: &Child) -> bool {
        match self {
            Watch::Nothing => false,
            Watch::Notify(socket) => socket.drain(&|sender| is_own(child, sender)).is_ready,
            Watch::Fd(pipe) => {
                let mut said = false;
                pipe.drain(&mut |_| said = true);
                said
            }
        }
    }
}

/// Whether a message may come from the program: from its group, or from the same user or the administrator, since a
/// helper that sent it may have gone already.
fn is_own(child: &Child, sender: Sender) -> bool {
    let in_group = || Pid::from_raw(sender.pid).is_some_and(|pid| child.has_in_group(pid));
    sender.uid == 0 || sender.uid == rustix::process::getuid().as_raw() || in_group()
}
