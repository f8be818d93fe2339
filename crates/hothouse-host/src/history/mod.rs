//! What has happened, for those who come later: the last events in memory, and whatever older ones the present state of
//! a plugin still rests on. What is written to disk is in `records`.
//!
//! Nothing is added up here and nothing is decided: an event stands as the kernel told it.

mod feed;
mod json;

use std::collections::{HashMap, VecDeque};

use hothouse_kernel::{Event, Instant, PluginId, PluginView, Seq};
use tokio::sync::watch;

pub use feed::{EventFeed, Fed};
pub use json::{Redact, happening_json};

/// The longest chain of causes that is kept and told.
pub(crate) const LONGEST_CHAIN: usize = 32;
/// How many events are handed out at a time.
const PAGE: usize = 512;

/// An event, and when it was by the clock on the wall.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The event.
    pub event: Event,
    /// When, in milliseconds since 1970. It is counted from when the host began, so it never jumps, and does not follow
    /// a clock that is set meanwhile.
    pub unix_ms: i64,
}

/// Some events in a row.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The events, the oldest first.
    pub records: Vec<Record>,
    /// How many of those that were asked for, older than these, are not in memory any more.
    pub missed: u64,
    /// Whether there are more after these.
    pub more: bool,
}

/// Why a plugin is where it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Where it is.
    pub view: PluginView,
    /// What brought it there: the root first, the last thing that happened to the plugin last. Empty if nothing ever
    /// happened to it.
    pub chain: Vec<Record>,
    /// Whether the chain begins before the first event that is told here.
    pub cut: bool,
    /// While it waits: the plugins that it waits for.
    pub waits_for: Vec<PluginId>,
    /// Since when it is there, in milliseconds since 1970.
    pub since_unix_ms: i64,
    /// The moment of the explanation, likewise.
    pub now_unix_ms: i64,
}

/// The memory of the loop.
pub(crate) struct History {
    /// The last events, each numbered by one more than the one before.
    ring: VecDeque<Event>,
    capacity: usize,
    /// Older events that the present state of some plugin rests on.
    kept: HashMap<Seq, Event>,
    /// The time on the wall at the origin of the kernel's time.
    origin_unix_ms: i64,
    /// The number of the last event, for those who wait for the next one.
    newest: watch::Sender<u64>,
}

impl History {
    pub(crate) fn new(capacity: usize, origin_unix_ms: i64, newest: watch::Sender<u64>) -> History {
        let ring = VecDeque::new();
        History { ring, capacity, kept: HashMap::new(), origin_unix_ms, newest }
    }

    pub(crate) fn note(&mut self, event: Event) {
        self.ring.push_back(event);
    }

    /// Wakes those who wait for events, if there are any since they were told last: whoever is woken asks, and a question
    /// is no news.
    pub(crate) fn tell(&self) {
        // One of them is what new ones are cloned from, and waits for nothing.
        if self.newest.receiver_count() > 1
            && let Some(last) = self.ring.back()
        {
            let last = last.seq.number();
            self.newest.send_if_modified(|newest| std::mem::replace(newest, last) != last);
        }
    }

    /// Whether so much has been noted that the oldest should be let go of.
    pub(crate) fn is_overfull(&self, plugins: usize) -> bool {
        self.ring.len() > self.capacity.saturating_add(1024.max(plugins * 4))
    }

    /// Lets go of the oldest, but for those that lead to one of these: the last events of the plugins.
    pub(crate) fn let_go(&mut self, last_events: impl Iterator<Item = Seq>) {
        let excess = self.ring.len().saturating_sub(self.capacity);
        let first_left = self.ring.get(excess).map(|event| event.seq);
        let mut kept = HashMap::new();
        for last in last_events {
            for event in self.back_from(last) {
                if first_left.is_none_or(|first| event.seq < first) {
                    kept.entry(event.seq).or_insert_with(|| event.clone());
                }
            }
        }
        self.ring.drain(..excess);
        self.kept = kept;
    }

    fn find(&self, seq: Seq) -> Option<&Event> {
        let first = self.ring.front()?.seq.number();
        match seq.number().checked_sub(first) {
            Some(at) => self.ring.get(usize::try_from(at).ok()?),
            None => self.kept.get(&seq),
        }
    }

    /// An event and its causes, as far as they are told.
    fn back_from(&self, last: Seq) -> impl Iterator<Item = &Event> {
        std::iter::successors(self.find(last), |event| self.find(event.cause?)).take(LONGEST_CHAIN)
    }

    /// What led to this event, the root first, and whether there was more before that.
    pub(crate) fn chain(&self, last: Seq) -> (Vec<Record>, bool) {
        let mut chain: Vec<Record> = self.back_from(last).map(|event| self.record(event)).collect();
        chain.reverse();
        let cut = chain.first().is_none_or(|first| first.event.cause.is_some());
        (chain, cut)
    }

    /// The events after that number, as many as are handed out at a time.
    pub(crate) fn after(&self, number: u64) -> EventPage {
        let first = self.ring.front().map_or(0, |event| event.seq.number());
        let missed = first.saturating_sub(number.saturating_add(1));
        let skip = number.saturating_add(1).saturating_sub(first);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.ring.len());
        let records: Vec<Record> =
            self.ring.range(skip..).take(PAGE).map(|event| self.record(event)).collect();
        EventPage { more: skip + records.len() < self.ring.len(), records, missed }
    }

    pub(crate) fn record(&self, event: &Event) -> Record {
        Record { event: event.clone(), unix_ms: self.unix_ms(event.at) }
    }

    pub(crate) fn unix_ms(&self, at: Instant) -> i64 {
        let since = i64::try_from(at.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        self.origin_unix_ms.saturating_add(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_kernel::Incarnation;
    use hothouse_kernel::event::Happening;

    fn event(number: u64, cause: Option<u64>) -> Event {
        let seq = |number| Seq::from_number(number).unwrap();
        let what = Happening::Stopped { plugin: PluginId(0), incarnation: Incarnation(1) };
        Event { seq: seq(number), cause: cause.map(seq), at: Instant::from_millis(number), what }
    }

    fn history(capacity: usize) -> History {
        History::new(capacity, 1000, watch::channel(0).0)
    }

    #[test]
    fn nobody_is_woken_without_news() {
        let (sender, first) = watch::channel(0);
        let mut history = History::new(10, 1000, sender);
        let mut follower = first.clone();
        history.tell();
        assert!(!follower.has_changed().unwrap(), "nothing has happened yet");
        history.note(event(1, None));
        history.tell();
        assert!(follower.has_changed().unwrap());
        follower.mark_unchanged();
        // As after a batch in which somebody only asked for events.
        history.tell();
        assert!(!follower.has_changed().unwrap());
    }

    fn numbers(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.event.seq.number()).collect()
    }

    #[test]
    fn what_is_missing_is_said_and_the_rest_comes_in_order() {
        let mut history = history(3);
        (10..20).for_each(|number| history.note(event(number, None)));
        history.let_go(std::iter::empty());
        let page = history.after(12);
        assert_eq!((numbers(&page.records), page.missed, page.more), (vec![17, 18, 19], 4, false));
        let page = history.after(18);
        assert_eq!((numbers(&page.records), page.missed), (vec![19], 0));
        assert_eq!(page.records[0].unix_ms, 1019);
        assert!(history.after(19).records.is_empty() && history.after(u64::MAX).records.is_empty());
    }

    #[test]
    fn a_long_history_comes_page_by_page() {
        let mut history = history(5000);
        (1..=1000).for_each(|number| history.note(event(number, None)));
        let first = history.after(0);
        assert_eq!((first.records.len(), first.more), (PAGE, true));
        let second = history.after(first.records.last().unwrap().event.seq.number());
        assert_eq!((second.records.len(), second.more), (1000 - PAGE, false));
    }

    #[test]
    fn what_the_present_rests_on_outlives_the_rest() {
        let mut history = history(2);
        // 1 ← 3 ← 5 is how one plugin came where it is; the others are noise.
        for (number, cause) in [(1, None), (2, None), (3, Some(1)), (4, None), (5, Some(3))] {
            history.note(event(number, cause));
        }
        (6..50).for_each(|number| history.note(event(number, Some(number - 1))));
        let last = Seq::from_number(5).unwrap();
        history.let_go(std::iter::once(last));
        (50..60).for_each(|number| history.note(event(number, None)));
        history.let_go(std::iter::once(last));
        let (chain, cut) = history.chain(last);
        assert_eq!((numbers(&chain), cut), (vec![1, 3, 5], false));
        assert_eq!(history.kept.len(), 3);
        let (chain, cut) = history.chain(Seq::from_number(4).unwrap());
        assert!(chain.is_empty() && cut);
    }

    #[test]
    fn a_chain_is_cut_where_it_gets_too_long() {
        let mut history = history(1000);
        (1..=100).for_each(|number| history.note(event(number, (number > 1).then(|| number - 1))));
        let (chain, cut) = history.chain(Seq::from_number(100).unwrap());
        assert!(cut && chain.len() == LONGEST_CHAIN && chain[0].event.seq.number() == 69);
    }
}
