//! What there is to be shown: what happens in the host, and what its plugins log, in an order that makes sense.

use hothouse_host::logs::{Live, LogFeed};
use hothouse_host::{Host, Notice, Notices};
use tokio::select;

use super::screen::Screen;

/// As much of what is logged as a person can look at, in bytes per second. The rest is left out, and counted; the files
/// have all of it.
const ENOUGH: u64 = 1024 * 1024;

/// How many things are shown when what was waited for has happened.
const SHOWN_AT_THE_END: usize = 10_000;

/// Something to be shown.
pub(crate) enum Item {
    Happened(Notice),
    Logged(Live),
}

/// Everything from the beginning on, as it comes.
pub(crate) struct Happenings {
    notices: Notices,
    /// `None` if logs are not to be shown.
    feed: Option<LogFeed>,
    /// Logs have just had their turn.
    was_logged: bool,
}

impl Happenings {
    pub(crate) fn of(host: &Host, logs: bool) -> Happenings {
        let feed = logs.then(|| host.logs().listen(None, Some(ENOUGH)));
        Happenings { notices: host.listen(), feed, was_logged: false }
    }

    /// The next one; `None` when the host has ended. What a plugin logged before something happened comes before it; but
    /// one that never stops logging does not keep anything from being shown.
    pub(crate) async fn next(&mut self) -> Option<Item> {
        if let Some(item) = self.try_next() {
            return Some(item);
        }
        select! {
            biased;
            Some(live) = next_of(&mut self.feed) => {
                self.was_logged = true;
                Some(Item::Logged(live))
            }
            notice = self.notices.next() => {
                self.was_logged = false;
                notice.map(Item::Happened)
            }
        }
    }

    /// Shows what there is already, but does not stay for what is added meanwhile.
    pub(crate) fn take_rest(&mut self, screen: &mut Screen) {
        for _ in 0..SHOWN_AT_THE_END {
            let Some(item) = self.try_next() else { break };
            screen.show(item);
        }
    }

    /// The next one, if it is there already.
    fn try_next(&mut self) -> Option<Item> {
        let logs_first = !std::mem::take(&mut self.was_logged);
        let notice = if logs_first { None } else { self.notices.try_next() };
        if let Some(notice) = notice {
            return Some(Item::Happened(notice));
        }
        if let Some(live) = self.feed.as_mut().and_then(LogFeed::try_next) {
            self.was_logged = true;
            return Some(Item::Logged(live));
        }
        self.notices.try_next().map(Item::Happened)
    }
}

async fn next_of(feed: &mut Option<LogFeed>) -> Option<Live> {
    match feed {
        Some(feed) => feed.next().await,
        None => None,
    }
}
