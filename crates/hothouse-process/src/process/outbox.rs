//! What is on its way to a plugin, in a queue of bounded size.

use std::io;
use std::task::{Context, Poll, ready};

use crate::pipe_end::PipeEnd;

/// As much as may wait for a plugin that does not read, in bytes. One message may exceed it if nothing else waits.
pub(super) const ROOM: usize = 4 * 1024 * 1024;

/// An outbox that is emptied keeps no more memory than this.
const KEEP: usize = 16 * 1024;

/// Lines that have not been written yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<u8>,
    written: usize,
    is_closed: bool,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a line of that length still fits.
    pub(super) fn has_room_for(&self, length: usize) -> bool {
        self.is_empty() || self.waiting.len() - self.written + length <= ROOM
    }

    /// Adds a line, whether there is room or not.
    pub(super) fn push(&mut self, line: Vec<u8>) {
        if self.is_closed {
            return;
        }
        if self.is_empty() {
            self.waiting = line;
        } else {
            self.waiting.extend_from_slice(&line);
        }
    }

    /// Nothing can be said any more: drops everything, also what is still to come.
    pub(super) fn close(&mut self) {
        *self = Outbox { is_closed: true, ..Outbox::default() };
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes once, as much as the other side takes. Pending also if there is nothing to write.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, to: &PipeEnd) -> Poll<io::Result<()>> {
        if self.is_empty() {
            return Poll::Pending;
        }
        loop {
            let mut ready = ready!(to.fd().poll_write_ready(cx))?;
            let rest = &self.waiting[self.written..];
            match ready.try_io(|fd| Ok(rustix::io::write(fd, rest)?)) {
                Ok(Ok(length)) => {
                    self.wrote(length);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }

    fn wrote(&mut self, length: usize) {
        self.written += length;
        if self.written == self.waiting.len() {
            self.written = 0;
            self.waiting.clear();
            self.waiting.shrink_to(KEEP);
        } else if self.written >= ROOM {
            // A queue that is never quite empty must not keep what has left it.
            self.waiting.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_but_one_message_always_fits() {
        let mut outbox = Outbox::default();
        assert!(outbox.has_room_for(10 * ROOM));
        outbox.push(vec![b'x'; ROOM - 10]);
        assert!(outbox.has_room_for(10) && !outbox.has_room_for(11));
        outbox.push(vec![b'y'; 20]);
        assert!(!outbox.has_room_for(1));
        outbox.wrote(ROOM);
        assert_eq!((outbox.waiting.len(), outbox.written), (10, 0));
        outbox.wrote(10);
        assert!(outbox.is_empty() && outbox.waiting.capacity() <= KEEP);
    }
}
