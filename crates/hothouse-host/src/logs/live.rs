//! Those who watch logs as they are written. Whoever is too slow misses lines, and is told how many; nobody is waited
//! for.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::record::LogRecord;

/// How many bytes of lines may wait for one listener.
const ROOM: usize = 4 * 1024 * 1024;

/// After how long it is said that lines were left out, if no line comes that is let through.
const SAY_GAP_AFTER: Duration = Duration::from_millis(500);

/// Lines of one plugin that were written together.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) plugin: Arc<str>,
    /// How much of this plugin's log had been written with it, in bytes since the host began.
    pub(crate) end: u64,
    pub(crate) count: u64,
    pub(crate) lines: Arc<[u8]>,
}

/// What a listener gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Live {
    /// Lines that were written together, the oldest first.
    Lines(Vec<LogRecord>),
    /// So many lines were left out here, because the listener was too slow.
    Lost(u64),
}

/// Lines as they are written, from when it was made. Ends when the host's logs are closed.
pub struct LogFeed {
    waiting: Arc<Waiting>,
    /// Blocks up to here have been read otherwise.
    after: HashMap<Arc<str>, u64>,
}

/// Every listener of a host.
#[derive(Default, Debug)]
pub(crate) struct Listeners {
    all: Mutex<Vec<Arc<Waiting>>>,
    /// Whether there is one, so that those who write need not look further.
    any: AtomicBool,
    /// Nothing will be told any more.
    closed: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    /// The plugins that it listens to; `None`: all of them.
    plugins: Option<Vec<String>>,
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug)]
struct Queue {
    blocks: VecDeque<Block>,
    bytes: usize,
    /// How many lines were left out since the last block.
    lost: u64,
    pace: Option<Pace>,
    /// The host writes no more.
    closed: bool,
    /// Nobody listens any more.
    abandoned: bool,
}

/// So many bytes in a second, and no more: for a listener that is a person.
#[derive(Debug)]
struct Pace {
    per_second: u64,
    left: u64,
    /// Nothing is let through until enough is left again, so that gaps are few and not many.
    is_over: bool,
    since: Instant,
}

impl Listeners {
    /// A listener from now on. `per_second`: how many bytes in a second are enough for it.
    pub(crate) fn add(&self, plugins: Option<Vec<String>>, per_second: Option<u64>) -> LogFeed {
        let pace = per_second.map(|per_second| Pace {
            per_second,
            left: per_second,
            is_over: false,
            since: Instant::now(),
        });
        let mut all = self.lock();
        let closed = self.closed.load(Ordering::Acquire);
        let queue = Queue { blocks: VecDeque::new(), bytes: 0, lost: 0, pace, closed, abandoned: false };
        let waiting = Arc::new(Waiting { plugins, queue: Mutex::new(queue), filled: Notify::new() });
        if !closed {
            all.push(Arc::clone(&waiting));
            self.any.store(true, Ordering::Release);
        }
        LogFeed { waiting, after: HashMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Tells everybody who listens. Never waits for one of them.
    pub(crate) fn tell(&self, block: &Block) {
        let mut all = self.lock();
        all.retain(|waiting| waiting.tell(block));
        self.any.store(!all.is_empty(), Ordering::Release);
    }

    /// Nothing more will be told.
    pub(crate) fn close(&self) {
        let mut all = self.lock();
        self.closed.store(true, Ordering::Release);
        for waiting in all.drain(..) {
            waiting.lock().closed = true;
            waiting.filled.notify_one();
        }
        self.any.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Waiting>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// False if nobody listens any more.
    fn tell(&self, block: &Block) -> bool {
        let mut queue = self.lock();
        let wanted = |plugins: &Vec<String>| plugins.iter().any(|plugin| **plugin == *block.plugin);
        if !self.plugins.as_ref().is_none_or(wanted) {
            return !queue.abandoned;
        }
        let size = block.lines.len();
        // A listener that has nothing to do gets its block, however large that is.
        let fits = queue.blocks.is_empty() || queue.bytes + size <= ROOM;
        if fits && queue.pace.as_mut().is_none_or(|pace| pace.lets_through(size, Instant::now())) {
            if queue.lost > 0 {
                let lost = std::mem::take(&mut queue.lost);
                queue.blocks.push_back(Block { count: lost, lines: Arc::from([]), ..block.clone() });
            }
            queue.bytes += size;
            queue.blocks.push_back(block.clone());
        } else {
            queue.lost += block.count;
        }
        self.filled.notify_one();
        !queue.abandoned
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn lets_through(&mut self, bytes: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).min(Duration::from_secs(1));
        let more = self.per_second as u128 * passed.as_micros() / 1_000_000;
        if more > 0 {
            self.left = (self.left + u64::try_from(more).unwrap_or(u64::MAX)).min(self.per_second);
            self.since = now;
        }
        if self.is_over && self.left < self.per_second / 2 {
            return false;
        }
        let bytes = bytes as u64;
        self.is_over = self.left < bytes.min(self.per_second);
        if !self.is_over {
            self.left = self.left.saturating_sub(bytes);
        }
        !self.is_over
    }
}

impl LogFeed {
    /// What was read of this plugin's log otherwise is not to come again.
    pub(crate) fn skip(&mut self, plugin: Arc<str>, until: u64) {
        self.after.insert(plugin, until);
    }

    /// What comes next; `None` when the logs are closed and everything has been given. If so many bytes per second are
    /// enough, it is to be awaited in a tokio runtime that keeps time.
    pub async fn next(&mut self) -> Option<Live> {
        loop {
            if let Some(live) = self.try_next() {
                return Some(live);
            }
            if self.waiting.lock().closed {
                // It may have been closed right after something was written.
                return self.try_next();
            }
            if !self.is_behind() {
                self.waiting.filled.notified().await;
            } else if tokio::time::timeout(SAY_GAP_AFTER, self.waiting.filled.notified()).await.is_err() {
                // Nothing has come since, before which it could have been said.
                return Some(Live::Lost(std::mem::take(&mut self.waiting.lock().lost)));
            }
        }
    }

    /// Whether lines were left out to keep the pace, and nothing has come after them.
    fn is_behind(&self) -> bool {
        let queue = self.waiting.lock();
        queue.lost > 0 && queue.blocks.is_empty()
    }

    /// What comes next, if it is there already.
    pub fn try_next(&mut self) -> Option<Live> {
        loop {
            let block = {
                let mut queue = self.waiting.lock();
                match queue.blocks.pop_front() {
                    Some(block) => {
                        queue.bytes -= block.lines.len();
                        block
                    }
                    None if queue.lost > 0 && (queue.pace.is_none() || queue.closed) => {
                        return Some(Live::Lost(std::mem::take(&mut queue.lost)));
                    }
                    None => return None,
                }
            };
            if block.lines.is_empty() {
                return Some(Live::Lost(block.count));
            }
            if self.after.get(&block.plugin).is_some_and(|until| block.end <= *until) {
                continue;
            }
            let lines = block.lines.split_inclusive(|byte| *byte == b'\n');
            return Some(Live::Lines(lines.filter_map(LogRecord::read).collect()));
        }
    }
}

impl Drop for LogFeed {
    fn drop(&mut self) {
        let mut queue = self.waiting.lock();
        queue.abandoned = true;
        queue.blocks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(plugin: &str, end: u64, text: &str) -> Block {
        let line = format!("2026-11-22T01:02:03.004Z {plugin} 1 stdout info | {text}\n");
        Block { plugin: plugin.into(), end, count: 1, lines: line.into_bytes().into() }
    }

    fn text(live: Option<Live>) -> String {
        match live {
            Some(Live::Lines(lines)) => {
                lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(",")
            }
            Some(Live::Lost(count)) => format!("{count} lost"),
            None => "nothing".into(),
        }
    }

    #[test]
    fn a_slow_listener_misses_lines_and_is_told_how_many() {
        let listeners = Listeners::default();
        let mut feed = listeners.add(None, None);
        let large = "x".repeat(ROOM / 4);
        for number in 0..10 {
            listeners.tell(&block("db", number, &large));
        }
        for _ in 0..3 {
            assert_eq!(text(feed.try_next()).len(), large.len());
        }
        listeners.tell(&block("db", 10, "back"));
        assert_eq!(text(feed.try_next()), "7 lost");
        assert_eq!((text(feed.try_next()), text(feed.try_next())), ("back".into(), "nothing".into()));
    }

    #[test]
    fn lines_that_are_missed_at_the_end_are_counted_too() {
        let listeners = Listeners::default();
        let mut feed = listeners.add(None, Some(10));
        for number in 0..4 {
            listeners.tell(&block("db", number, "more than ten bytes"));
        }
        listeners.close();
        assert_eq!(
            (text(feed.try_next()), text(feed.try_next())),
            ("more than ten bytes".into(), "3 lost".into())
        );
        assert_eq!(crate::wait(feed.next()), None);
    }

    #[test]
    fn only_those_asked_for_are_told_and_nothing_twice() {
        let listeners = Listeners::default();
        let mut feed = listeners.add(Some(vec!["db".into()]), None);
        feed.skip("db".into(), 5);
        for (plugin, end) in [("db", 5), ("web", 6), ("db", 6)] {
            listeners.tell(&block(plugin, end, &format!("{plugin} {end}")));
        }
        assert_eq!((text(feed.try_next()), text(feed.try_next())), ("db 6".into(), "nothing".into()));
        drop(feed);
        assert!(!listeners.is_empty());
        listeners.tell(&block("db", 7, ""));
        assert!(listeners.is_empty());
    }

    #[test]
    fn a_pace_is_kept_and_gaps_are_few() {
        let begin = Instant::now();
        let mut pace = Pace { per_second: 1000, left: 1000, is_over: false, since: begin };
        let after = |ms| begin + Duration::from_millis(ms);
        let through = (0..100).filter(|_| pace.lets_through(100, after(0))).count();
        assert_eq!(through, 10);
        assert!(!pace.lets_through(100, after(400)), "until half of it is there again");
        assert!(pace.lets_through(100, after(600)));
        assert!(
            pace.lets_through(5000, after(5000)),
            "a block larger than a second's worth gets through alone"
        );
    }
}
