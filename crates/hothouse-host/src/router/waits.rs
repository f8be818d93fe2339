//! Who waits for whom among plugins that call one another, so that a circle of waiting calls is refused and not entered.
//!
//! A circle is judged by plugins, not by single calls: the host cannot know which call led to which. Plugins that call
//! only what they depend on cannot form one, so nothing is counted until some plugin may call more than that
//! (`mayCall`).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hothouse_kernel::PluginId;

#[derive(Default)]
pub(super) struct Waits {
    /// Whether there can be circles at all.
    possible: AtomicBool,
    open: Mutex<HashMap<PluginId, HashMap<PluginId, Calls>>>,
}

/// The open calls of one plugin to another.
#[derive(Clone, Copy, Default)]
struct Calls {
    running: u32,
    waiting: u32,
}

impl Waits {
    pub(super) fn set_possible(&self, possible: bool) {
        self.possible.store(possible, Ordering::Relaxed);
    }

    pub(super) fn are_possible(&self) -> bool {
        self.possible.load(Ordering::Relaxed)
    }

    /// Counts a call that has come in.
    ///
    /// # Errors
    /// The plugins of the circle that it would close, from the callee on to the caller, if this call or one of theirs
    /// waits. It is not counted then.
    pub(super) fn enter(&self, caller: PluginId, callee: PluginId, waits: bool) -> Result<(), Vec<PluginId>> {
        let mut open = self.lock();
        if let Some(circle) = circle(&open, callee, caller, waits) {
            return Err(circle);
        }
        let calls = open.entry(caller).or_default().entry(callee).or_default();
        *calls.of(waits) += 1;
        Ok(())
    }

    /// A call that was counted has its turn, or has lost it again.
    pub(super) fn turn(&self, caller: PluginId, callee: PluginId, waits: bool) {
        let mut open = self.lock();
        let calls = open.entry(caller).or_default().entry(callee).or_default();
        *calls.of(!waits) = calls.of(!waits).saturating_sub(1);
        *calls.of(waits) += 1;
    }

    /// A call that was counted is over.
    pub(super) fn leave(&self, caller: PluginId, callee: PluginId, waits: bool) {
        let mut open = self.lock();
        let Some(of_caller) = open.get_mut(&caller) else { return };
        let Some(calls) = of_caller.get_mut(&callee) else { return };
        *calls.of(waits) = calls.of(waits).saturating_sub(1);
        if (calls.running, calls.waiting) == (0, 0) {
            of_caller.remove(&callee);
        }
        if of_caller.is_empty() {
            open.remove(&caller);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PluginId, HashMap<PluginId, Calls>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn of(&mut self, waiting: bool) -> &mut u32 {
        if waiting { &mut self.waiting } else { &mut self.running }
    }
}

/// A way along open calls from `from` to `to` on which something waits; `waits`: it does already.
fn circle(
    open: &HashMap<PluginId, HashMap<PluginId, Calls>>,
    from: PluginId,
    to: PluginId,
    waits: bool,
) -> Option<Vec<PluginId>> {
    // Each plugin may be come to in two ways: with something waiting on the way, and without.
    let mut seen = HashSet::from([(from, waits)]);
    let mut ways = vec![(vec![from], waits)];
    while let Some((way, waits)) = ways.pop() {
        let here = *way.last().expect("a way begins somewhere");
        if here == to {
            if waits {
                return Some(way);
            }
            continue;
        }
        for (next, calls) in open.get(&here).into_iter().flatten() {
            let waits = waits || calls.waiting > 0;
            if seen.insert((*next, waits)) {
                ways.push((way.iter().copied().chain([*next]).collect(), waits));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PluginId = PluginId(1);
    const B: PluginId = PluginId(2);
    const C: PluginId = PluginId(3);

    #[test]
    fn only_a_circle_in_which_something_waits_is_one() {
        let waits = Waits::default();
        assert_eq!(waits.enter(A, B, false), Ok(()));
        assert_eq!(waits.enter(B, C, false), Ok(()));
        assert_eq!(waits.enter(C, A, false), Ok(()), "all of them are at it");
        waits.leave(C, A, false);
        assert_eq!(waits.enter(C, A, true), Err(vec![A, B, C]));
        assert_eq!(waits.enter(A, A, true), Err(vec![A]), "nobody waits for itself");
        waits.leave(B, C, false);
        assert_eq!(waits.enter(C, A, true), Ok(()));
        assert_eq!(waits.enter(B, C, false), Err(vec![C, A, B]), "that one waits already");
        waits.turn(C, A, false);
        assert_eq!(waits.enter(B, C, false), Ok(()));
        for (caller, callee) in [(A, B), (B, C), (C, A)] {
            waits.leave(caller, callee, false);
        }
        assert!(waits.lock().is_empty());
    }
}
