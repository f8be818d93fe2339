//! Lines for files from those who must not wait: written by a thread of its own.
//!
//! The thread is started with the first such line. What waits is bounded; a line that finds no room is counted in its
//! log, and said there as soon as something can be written again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hothouse_runtime::LogLine;

use super::store::{Batch, LifeLog};

/// How many bytes of lines may wait, each counted with what it costs to keep it.
const ROOM: usize = 8 * 1024 * 1024;
/// What a line costs besides its text.
const COST_OF_A_LINE: usize = 128;

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Desk {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<(Arc<LifeLog>, LogLine)>,
    bytes: usize,
    is_writing: bool,
    thread: Thread,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Thread {
    #[default]
    NotNeeded,
    Runs,
    /// There is none any more, or none could be had: whoever has a line writes it.
    Missing,
}

impl Desk {
    /// Has a line written when its turn comes.
    pub(crate) fn put(self: &Arc<Self>, life: &Arc<LifeLog>, line: LogLine) {
        let mut waiting = self.lock();
        if waiting.thread == Thread::NotNeeded {
            waiting.thread = self.start();
        }
        if waiting.thread == Thread::Missing {
            drop(waiting);
            return write(vec![(Arc::clone(life), line)]);
        }
        let size = line.text.len() + COST_OF_A_LINE;
        if waiting.bytes + size > ROOM {
            drop(waiting);
            return life.leave_out();
        }
        waiting.bytes += size;
        waiting.lines.push((Arc::clone(life), line));
        drop(waiting);
        self.filled.notify_one();
    }

    /// Waits until everything that was put here by now is written, but no longer than `limit`.
    pub(crate) fn settle(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut waiting = self.lock();
        while waiting.thread == Thread::Runs && (waiting.is_writing || !waiting.lines.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            waiting = self.emptied.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets the thread end when it has written everything.
    pub(crate) fn close(&self) {
        self.lock().thread = Thread::Missing;
        self.filled.notify_one();
    }

    fn start(self: &Arc<Self>) -> Thread {
        let desk = Arc::clone(self);
        let body = move || desk.serve();
        match thread::Builder::new().name("hothouse-log-write".into()).spawn(body) {
            Ok(_) => Thread::Runs,
            Err(_) => Thread::Missing,
        }
    }

    fn serve(&self) {
        let mut waiting = self.lock();
        loop {
            if waiting.lines.is_empty() {
                self.emptied.notify_all();
                if waiting.thread == Thread::Missing {
                    return;
                }
                waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let lines = std::mem::take(&mut waiting.lines);
            waiting.bytes = 0;
            waiting.is_writing = true;
            drop(waiting);
            write(lines);
            waiting = self.lock();
            waiting.is_writing = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes lines, those of one life that follow each other together.
fn write(lines: Vec<(Arc<LifeLog>, LogLine)>) {
    let mut batch: Option<Batch> = None;
    for (life, line) in lines {
        if batch.as_ref().is_none_or(|batch| !batch.is_of(&life)) {
            // Dropping a batch writes what it holds.
            batch = Some(Batch::new(life));
        }
        if let Some(batch) = &mut batch {
            batch.add(line.stream, line.level, line.text.as_bytes(), line.continues);
        }
    }
}
