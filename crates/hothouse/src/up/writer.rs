//! Writing to a terminal or a pipe that may not be read: on a thread of its own, so that a host whose output nobody
//! takes goes on answering, stopping and ending. What does not fit is left out and counted.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

/// How many pieces may wait to be written.
const ROOM: usize = 4096;
/// How long the end waits for what has not been written yet.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where a piece goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// Writes both outputs in the order in which it is told to.
pub(crate) struct Writer {
    pieces: SyncSender<Piece>,
    lost: u64,
}

enum Piece {
    Text(To, String),
    /// Everything before it has been written.
    End(SyncSender<()>),
}

impl Writer {
    pub(crate) fn new() -> io::Result<Writer> {
        let (pieces, waiting) = mpsc::sync_channel(ROOM);
        thread::Builder::new().name("hothouse-writer".into()).spawn(move || write_all(&waiting))?;
        Ok(Writer { pieces, lost: 0 })
    }

    /// Has a text written when its turn comes, unless too much waits already.
    pub(crate) fn write(&mut self, to: To, text: String) {
        if self.lost > 0 {
            let said = match to {
                To::Stdout => format!("{{\"type\":\"lost\",\"count\":{}}}\n", self.lost),
                To::Stderr => format!("{} lines were left out, because nobody read them\n", self.lost),
            };
            match self.pieces.try_send(Piece::Text(to, said)) {
                Ok(()) => self.lost = 0,
                Err(_) => return self.lost += 1,
            }
        }
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.pieces.try_send(Piece::Text(to, text))
        {
            self.lost += 1;
        }
    }

    /// Waits until everything is written, but not for ever: whoever does not read does not hold up the end.
    pub(crate) fn finish(&self) {
        let (done, written) = mpsc::sync_channel(1);
        if self.pieces.try_send(Piece::End(done)).is_ok() {
            let _ = written.recv_timeout(LAST_WORDS);
        }
    }
}

/// A terminal that is gone, or a pipe whose reader is, must not end a host.
fn write_all(waiting: &Receiver<Piece>) {
    while let Ok(piece) = waiting.recv() {
        let _ = match piece {
            Piece::Text(To::Stdout, text) => print(io::stdout(), &text),
            Piece::Text(To::Stderr, text) => print(io::stderr(), &text),
            Piece::End(done) => {
                let _ = done.send(());
                Ok(())
            }
        };
    }
}

fn print(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
