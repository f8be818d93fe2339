//! What a journal of a kernel consists of: the kernel as it was when the journal, or a segment of it, begins, and then
//! every input it was given. Replayed through a kernel it gives the same events, bit for bit but for words that were
//! redacted.
//!
//! How it lies on a disk, and when it is written, is not known here.

use serde::{Deserialize, Serialize};

use crate::{Event, Input, Instant, Kernel, Seq};

/// The form that journals have. One of another form is not read.
pub const FORM: u32 = 1;

/// The head of a segment.
#[derive(Serialize, Deserialize)]
pub struct Head<K = Kernel> {
    /// [`FORM`] of whoever wrote it.
    pub journal: u32,
    /// The kernel before the first input that follows. Between two inputs there is nothing else to know: what it had
    /// to say and to ask for has been taken.
    pub kernel: K,
}

/// One input, and what came of it.
#[derive(Serialize, Deserialize)]
pub struct Entry<I = Input> {
    /// When it was taken in.
    pub at: Instant,
    /// What the kernel was told.
    pub input: I,
    /// What came of it.
    pub came: Came,
}

/// What came of one input, as far as a replay is held to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Came {
    /// How many events.
    pub events: u32,
    /// The number of the next event afterwards.
    pub next: Seq,
    /// [`Event::digest`] of all of them, from 0 on.
    pub digest: u64,
}

impl Came {
    /// Nothing yet, after an input to a kernel whose next event had that number before it.
    pub fn nothing(next: Seq) -> Came {
        Came { events: 0, next, digest: 0 }
    }

    /// Notes an event.
    pub fn note(&mut self, event: &Event) {
        self.events = self.events.saturating_add(1);
        self.next = event.seq.next();
        self.digest = event.digest(self.digest);
    }
}
