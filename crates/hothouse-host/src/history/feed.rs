//! Events as they come, from any number on, for one who may be slow.
//!
//! A feed asks the loop for the next page whenever it has told the last one; nothing waits for it meanwhile. What the
//! host has let go of before it came by is said as a number.

use std::collections::VecDeque;
use std::sync::Arc;

use hothouse_kernel::Graph;
use tokio::sync::watch;

use super::Record;
use crate::Host;

/// One thing out of a feed.
#[derive(Clone, Debug)]
pub enum Fed {
    /// An event.
    Event(Box<Record>),
    /// Here so many events are missing: they are not in memory any more.
    Missed(u64),
}

/// Events as they come.
pub struct EventFeed {
    host: Host,
    newest: watch::Receiver<u64>,
    /// The number of the last event that was told.
    told: u64,
    waiting: VecDeque<Fed>,
}

impl EventFeed {
    pub(crate) fn new(host: Host, newest: watch::Receiver<u64>, after: u64) -> EventFeed {
        EventFeed { host, newest, told: after, waiting: VecDeque::new() }
    }

    /// The graph that the events are about, as it is now: what it knows it knows for ever.
    pub fn graph(&self) -> Arc<Graph> {
        self.host.graph()
    }

    /// The next event, once there is one; `None` when the host has ended. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Fed> {
        loop {
            if let Some(fed) = self.next_there_is().await? {
                return Some(fed);
            }
            self.newest.changed().await.ok()?;
        }
    }

    /// The next event if there is one already; the outer `None`: the host has ended.
    pub async fn next_there_is(&mut self) -> Option<Option<Fed>> {
        if self.waiting.is_empty() {
            // What comes from here on wakes us, even if it comes before the page does.
            self.newest.mark_unchanged();
            let page = self.host.events_after(self.told).await.ok()?;
            if page.missed > 0 {
                self.waiting.push_back(Fed::Missed(page.missed));
                self.told = self.told.saturating_add(page.missed);
            }
            self.waiting.extend(page.records.into_iter().map(|record| Fed::Event(Box::new(record))));
        }
        let next = self.waiting.pop_front();
        if let Some(Fed::Event(record)) = &next {
            self.told = record.event.seq.number();
        }
        Some(next)
    }
}
