//! A body that comes piece by piece: for answers that go on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc;

/// How many pieces may wait for a client that does not read; whoever sends them waits then.
const ROOM: usize = 16;

/// The body. It ends when nobody sends any more.
pub(super) struct Streamed {
    pieces: mpsc::Receiver<Bytes>,
}

impl Streamed {
    /// A body, and the way into it. The way is closed when the client goes away.
    pub(super) fn new() -> (mpsc::Sender<Bytes>, Streamed) {
        let (sender, pieces) = mpsc::channel(ROOM);
        (sender, Streamed { pieces })
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
