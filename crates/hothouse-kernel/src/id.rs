//! Identities: which plugin, which life of it, which request, which event.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

/// A plugin of a host: its position among the declarations of the first [`Graph`](crate::Graph), counted from 0; names
/// that come later are numbered on. A number belongs to its name as long as the host lives, also when the graph is
/// replaced.
///
/// Names are for people and for the wire; inside, a plugin is this number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PluginId(pub u32);

impl PluginId {
    /// The position as an index into anything that is kept per plugin.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One life of one plugin, counted from 1 and never used again.
///
/// Every action carries it and every answer repeats it, so that an answer that comes late, twice or from the dead is
/// recognised by its number and dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Incarnation(pub u64);

impl Incarnation {
    /// The life after this one.
    #[must_use]
    pub fn next(self) -> Incarnation {
        Incarnation(self.0.saturating_add(1))
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A request of an operator or of the embedding program, numbered by the driver that passes it in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestId(pub u64);

/// The number of an event: counted from 1 over all events of a kernel, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The first event of a kernel.
    pub const FIRST: Seq = Seq(NonZeroU64::MIN);

    /// The event of that number; there is none of number 0.
    pub fn from_number(number: u64) -> Option<Seq> {
        NonZeroU64::new(number).map(Seq)
    }

    /// The number, from 1.
    pub fn number(self) -> u64 {
        self.0.get()
    }

    /// The event after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of plugins: one bit each, so that a set over 100,000 plugins is 12 KB and membership is a shift.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PluginSet {
    words: Vec<u64>,
    len: usize,
}

impl PluginSet {
    /// An empty set with room for plugins `0..plugins`.
    pub fn with_room(plugins: usize) -> PluginSet {
        PluginSet { words: vec![0; plugins.div_ceil(64)], len: 0 }
    }

    /// The set of plugins `0..plugins`.
    pub fn first(plugins: usize) -> PluginSet {
        let mut words = vec![u64::MAX; plugins.div_ceil(64)];
        if let Some(last) = words.last_mut().filter(|_| !plugins.is_multiple_of(64)) {
            *last = (1 << (plugins % 64)) - 1;
        }
        PluginSet { words, len: plugins }
    }

    /// Adds a plugin; true if it was not there.
    pub fn insert(&mut self, plugin: PluginId) -> bool {
        let (word, bit) = (plugin.index() / 64, 1 << (plugin.0 % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(fresh);
        fresh
    }

    /// Removes a plugin; true if it was there.
    pub fn remove(&mut self, plugin: PluginId) -> bool {
        let was = self.contains(plugin);
        if was {
            self.words[plugin.index() / 64] &= !(1 << (plugin.0 % 64));
            self.len -= 1;
        }
        was
    }

    /// Whether the plugin is in the set.
    pub fn contains(&self, plugin: PluginId) -> bool {
        self.words.get(plugin.index() / 64).is_some_and(|word| word & (1 << (plugin.0 % 64)) != 0)
    }

    /// How many plugins are in the set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The plugins of the set, in the order of their declarations.
    pub fn iter(&self) -> impl Iterator<Item = PluginId> + '_ {
        self.words.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            core::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let bit = bits.trailing_zeros();
                    bits &= bits - 1;
                    PluginId(word as u32 * 64 + bit)
                })
            })
        })
    }
}

impl Extend<PluginId> for PluginSet {
    fn extend<T: IntoIterator<Item = PluginId>>(&mut self, plugins: T) {
        for plugin in plugins {
            self.insert(plugin);
        }
    }
}

impl FromIterator<PluginId> for PluginSet {
    fn from_iter<T: IntoIterator<Item = PluginId>>(plugins: T) -> PluginSet {
        let mut set = PluginSet::default();
        set.extend(plugins);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_what_it_holds_and_lists_it_in_order() {
        let mut set = PluginSet::with_room(10);
        for id in [70, 3, 3, 64, 0] {
            set.insert(PluginId(id));
        }
        assert_eq!(set.len(), 4);
        assert_eq!(set.iter().map(|plugin| plugin.0).collect::<Vec<_>>(), [0, 3, 64, 70]);
        assert!(set.remove(PluginId(64)) && !set.remove(PluginId(64)) && !set.remove(PluginId(5000)));
        assert!(!set.contains(PluginId(64)) && set.contains(PluginId(70)) && set.len() == 3);
        for plugins in [0, 1, 63, 64, 65, 128] {
            let first = PluginSet::first(plugins);
            assert!(first.len() == plugins && first.iter().count() == plugins);
            assert!(!first.contains(PluginId(plugins as u32)));
        }
    }
}
