//! Keepers that have no child any more, and could keep another one.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use crate::keeper::wire::Told;

/// So many of them are held. A crash loop needs one.
const MOST: usize = 2;

/// The control sockets of keepers without a child. A keeper whose socket is dropped ends.
#[derive(Debug)]
pub(crate) struct IdleKeepers {
    /// `None`: nobody will ask for one any more.
    held: Mutex<Option<Vec<Arc<OwnedFd>>>>,
}

impl Default for IdleKeepers {
    fn default() -> IdleKeepers {
        IdleKeepers { held: Mutex::new(Some(Vec::with_capacity(MOST))) }
    }
}

impl IdleKeepers {
    /// Holds a keeper that has said that everything of its child is gone, unless there are enough.
    pub(super) fn put(&self, keeper: Arc<OwnedFd>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut().filter(|held| held.len() < MOST) {
            held.push(keeper);
        }
    }

    /// One that is there.
    pub(super) fn take(&self) -> Option<Arc<OwnedFd>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_mut()?;
        // One that has something to say, or has closed its end, was killed meanwhile.
        let is_there = |keeper: &Arc<OwnedFd>| matches!(Told::receive(&**keeper), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        std::iter::from_fn(|| held.pop()).find(is_there)
    }

    /// Has all of them end, and those as well that come later.
    pub(super) fn close(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::wire;

    #[test]
    fn a_keeper_that_was_killed_is_none() {
        let idle = IdleKeepers::default();
        let ends: Vec<_> = (0..MOST).map(|_| wire::pair().unwrap()).collect();
        let (ours, its): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        let ours: Vec<_> = ours.into_iter().map(Arc::new).collect();
        ours.iter().for_each(|end| idle.put(Arc::clone(end)));
        idle.put(Arc::new(wire::pair().unwrap().0));
        let mut its = its.into_iter();
        let (first, second) = (its.next().unwrap(), its.next().unwrap());
        // The spawner says so, before it gives up the last copy of its end.
        Told::Lost { left: 0 }.send(&second);
        assert!(Arc::ptr_eq(&idle.take().unwrap(), &ours[0]), "the one beyond the most was not held");
        idle.put(Arc::clone(&ours[0]));
        drop(first);
        assert!(idle.take().is_none());
    }

    #[test]
    fn none_is_held_after_the_end() {
        let idle = IdleKeepers::default();
        idle.close();
        idle.put(Arc::new(wire::pair().unwrap().0));
        assert!(idle.take().is_none());
    }
}
