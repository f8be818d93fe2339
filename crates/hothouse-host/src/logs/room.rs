//! Room for lines on their way into a log, of which a host has one piece to spare.
//!
//! Whoever has lines takes it and gives it back when they are written, so that a plugin that is silent holds on to
//! nothing, and one that floods its log does not ask the system for memory with every batch.

use std::sync::{Mutex, PoisonError};

use super::seam::Gathered;

/// No more than this is kept of a piece that is given back, in bytes of each of its parts.
const KEPT: usize = 256 * 1024;

/// Room for the lines of one batch.
#[derive(Default)]
pub(crate) struct Room {
    /// For texts as they came.
    pub(crate) texts: Vec<u8>,
    /// For what is known of each.
    pub(crate) gathered: Vec<Gathered>,
    /// For lines as they are kept.
    pub(crate) lines: Vec<u8>,
}

/// The piece that is to spare, unless somebody has it.
#[derive(Default)]
pub(crate) struct SpareRoom(Mutex<Option<Room>>);

impl SpareRoom {
    /// The spare piece, or a new one.
    pub(crate) fn take(&self) -> Room {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Gives a piece back, which is empty from then on.
    pub(crate) fn give_back(&self, mut room: Room) {
        room.texts.clear();
        room.texts.shrink_to(KEPT);
        room.gathered.clear();
        room.gathered.shrink_to(KEPT / size_of::<Gathered>());
        room.lines.clear();
        room.lines.shrink_to(KEPT);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_taken_again_and_is_not_too_large() {
        let spare = SpareRoom::default();
        let mut room = spare.take();
        room.texts.extend_from_slice(b"text");
        room.lines.resize(10 * KEPT, b'x');
        let place = room.texts.as_ptr();
        spare.give_back(room);
        let again = spare.take();
        assert!(again.texts.is_empty() && again.texts.as_ptr() == place);
        assert!(again.lines.is_empty() && again.lines.capacity() <= KEPT);
        assert_eq!(spare.take().texts.capacity(), 0, "there is one piece only");
    }
}
