//! This side's end of a pipe or socket that a child has the other end of.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::io::{ioctl_fionbio, ioctl_fionread};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys;

/// As much as a pipe holds. It lives on the stack while a read lasts, so that an idle child costs nothing.
const CHUNK: usize = 16 * 1024;

/// A descriptor that is used when it is ready, and never waited for.
#[derive(Debug)]
pub(crate) struct PipeEnd {
    fd: AsyncFd<OwnedFd>,
}

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Read {
    /// Bytes, which the reader has been given.
    Some,
    /// Nobody has the other end any more, or it cannot be read.
    End,
}

impl PipeEnd {
    /// Reads from this descriptor, which nobody else uses on this side.
    pub(crate) fn reading(fd: OwnedFd) -> io::Result<PipeEnd> {
        PipeEnd::with(fd, Interest::READABLE)
    }

    /// The same for a socket that is written to as well.
    pub(crate) fn two_way(fd: OwnedFd) -> io::Result<PipeEnd> {
        PipeEnd::with(fd, Interest::READABLE | Interest::WRITABLE)
    }

    /// The same for the end of a pipe that is only written to.
    pub(crate) fn writing(fd: OwnedFd) -> io::Result<PipeEnd> {
        PipeEnd::with(fd, Interest::WRITABLE)
    }

    fn with(fd: OwnedFd, interest: Interest) -> io::Result<PipeEnd> {
        ioctl_fionbio(&fd, true)?;
        Ok(PipeEnd { fd: sys::watch(fd, interest)? })
    }

    /// The descriptor, to write to it.
    pub(crate) fn fd(&self) -> &AsyncFd<OwnedFd> {
        &self.fd
    }

    /// Reads once.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, take: &mut dyn FnMut(&[u8])) -> Poll<Read> {
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        loop {
            let Ok(mut ready) = ready!(self.fd.poll_read_ready(cx)) else { return Poll::Ready(Read::End) };
            let mut is_empty = false;
            let outcome = ready.try_io(|fd| match rustix::io::read(fd, &mut chunk) {
                Ok(([], _)) => Ok(Read::End),
                Ok((read, rest)) => {
                    is_empty = !rest.is_empty();
                    take(read);
                    Ok(Read::Some)
                }
                Err(error) => Err(error.into()),
            });
            match outcome {
                Ok(Ok(read)) => {
                    if is_empty {
                        // What comes from now on makes it ready again, so nobody need find out by reading in vain.
                        ready.clear_ready();
                    }
                    return Poll::Ready(read);
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => return Poll::Ready(Read::End),
                Err(_would_block) => {}
            }
        }
    }

    /// Reads what is there at this moment, and no more: a process that still holds the other end, and writes to it
    /// for ever, cannot keep the reader.
    pub(crate) fn drain(&self, take: &mut dyn FnMut(&[u8])) {
        let mut left = ioctl_fionread(self.fd.get_ref()).unwrap_or(0);
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        while left > 0 {
            match rustix::io::read(self.fd.get_ref(), &mut chunk) {
                Ok((read, _)) if !read.is_empty() => {
                    left = left.saturating_sub(read.len() as u64);
                    take(read);
                }
                Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
    }
}
