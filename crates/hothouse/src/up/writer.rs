//! Writing to a terminal or a pipe that may not be read: on a thread of its own, so that a host whose output nobody
//! takes goes on answering, stopping and ending. What does not fit is left out and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

/// How many pieces may wait to be written, and how many bytes.
const ROOM: (usize, usize) = (16 * 1024, 8 * 1024 * 1024);
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
    /// How many bytes wait.
    waiting: Arc<AtomicUsize>,
    lost: u64,
}

enum Piece {
    Text(To, String),
    /// Everything before it has been written.
    End(SyncSender<()>),
}

impl Writer {
    pub(crate) fn new() -> io::Result<Writer> {
        let (pieces, inbox) = mpsc::sync_channel(ROOM.0);
        let waiting = Arc::new(AtomicUsize::new(0));
        let still = Arc::clone(&waiting);
        thread::Builder::new().name("hothouse-writer".into()).spawn(move || write_all(&inbox, &still))?;
        Ok(Writer { pieces, waiting, lost: 0 })
    }

    /// Has a text written when its turn comes, unless too much waits already.
    pub(crate) fn write(&mut self, to: To, text: String) {
        if self.lost > 0 {
            let said = match to {
                To::Stdout => format!("{{\"type\":\"lost\",\"count\":{}}}\n", self.lost),
                To::Stderr => format!("{} lines were left out, because nobody read them\n", self.lost),
            };
            match self.try_write(to, said) {
                true => self.lost = 0,
                false => return self.lost += 1,
            }
        }
        if !self.try_write(to, text) {
            self.lost += 1;
        }
    }

    /// False if there is no room.
    fn try_write(&self, to: To, text: String) -> bool {
        let size = text.len();
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > ROOM.1
            || self.pieces.try_send(Piece::Text(to, text)).is_err()
        {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        true
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
fn write_all(inbox: &Receiver<Piece>, waiting: &AtomicUsize) {
    while let Ok(piece) = inbox.recv() {
        match piece {
            Piece::Text(to, text) => {
                let _ = match to {
                    To::Stdout => print(io::stdout(), &text),
                    To::Stderr => print(io::stderr(), &text),
                };
                waiting.fetch_sub(text.len(), Ordering::Relaxed);
            }
            Piece::End(done) => {
                let _ = done.send(());
            }
        }
    }
}

fn print(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
