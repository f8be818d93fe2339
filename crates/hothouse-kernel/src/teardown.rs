//! Who stops next: the exact reverse of the order of becoming ready, one plugin at a time.
//!
//! A dependency that was started again alone became ready after those that need it. It is put off until they are
//! gone: what needs something never outlives it.
//!
//! The same order holds for an unwind, for an ordered shutdown and for a stop of one plugin with all that needs it.
//! Plugins that never became ready come before all others: nothing can depend on them, so they are all stopped at
//! once; only when they are gone does the first of those that served get its turn.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use crate::{Incarnation, PluginId};

/// The queue of plugins that are to be stopped.
#[derive(Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Teardown {
    /// Serving plugins that wait for their turn, the one that became ready last in front.
    queue: BinaryHeap<Turn>,
    /// How many plugins that never became ready are being stopped.
    early: usize,
    /// The plugin whose turn it is.
    current: Option<PluginId>,
}

/// A place in the queue. Larger is sooner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Turn {
    pub(crate) place: Place,
    pub(crate) plugin: PluginId,
    pub(crate) incarnation: Incarnation,
}

/// What decides about a place in the queue. Larger is sooner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Place {
    /// When it became ready, counted over all plugins.
    readiness: u64,
    /// How far it was put off behind one that became ready then.
    put_off: Reverse<u32>,
}

impl Place {
    /// The place of a plugin that became ready then.
    pub(crate) fn of(readiness: u64) -> Place {
        Place { readiness, put_off: Reverse(0) }
    }

    /// The place right behind this one.
    pub(crate) fn behind(self) -> Place {
        Place { readiness: self.readiness, put_off: Reverse(self.put_off.0.saturating_add(1)) }
    }
}

impl Teardown {
    /// A serving plugin is to be stopped when its turn comes.
    pub(crate) fn enqueue(&mut self, turn: Turn) {
        self.queue.push(turn);
    }

    /// A plugin that never became ready is being stopped.
    pub(crate) fn early_began(&mut self) {
        self.early += 1;
    }

    /// The next to be stopped, if it is anybody's turn. The caller checks that the life still serves; if so it says
    /// [`Teardown::began`].
    pub(crate) fn next(&mut self) -> Option<Turn> {
        if self.early > 0 || self.current.is_some() { None } else { self.queue.pop() }
    }

    /// The stop of the plugin whose turn it is has begun.
    pub(crate) fn began(&mut self, plugin: PluginId) {
        self.current = Some(plugin);
    }

    /// A plugin that was being stopped is gone, or given up.
    pub(crate) fn ended(&mut self, plugin: PluginId) {
        if self.current == Some(plugin) {
            self.current = None;
        } else {
            self.early = self.early.saturating_sub(1);
        }
    }
}
