//! The threads that native plugins run on.
//!
//! One thread is enough for a burst of short verbs. When tasks still wait after a moment, the sentinel adds a thread
//! for every core; when none has even been taken in that moment, it doubles the threads, and goes on while that stays
//! so. It is woken by a timer, which is set when tasks wait: once for however many bursts there are in that moment. If
//! all of them are done before it rings, and bursts are rare, it is called off.
//! Threads beyond the first that have had nothing to do for a while end. A plugin that blocks for ever costs its thread
//! and nothing else. With nothing to do nobody wakes up.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use async_task::Runnable;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::panics::contain;

/// How long waiting tasks see no progress before a thread is added.
const STALLED: Duration = Duration::from_millis(1);
/// Bursts that are further apart than this are rare.
const RARE: Duration = Duration::from_millis(10);
/// How long an additional thread stays without work.
const LINGER: Duration = Duration::from_secs(10);
/// More threads than this are never there; tasks then wait, and the kernel's deadlines hold.
const MAX_THREADS: usize = 1024;

/// Threads for native plugins. Clones are the same pool; its threads end when the last clone is gone and no task is
/// left.
#[derive(Clone)]
pub struct Pool {
    owner: Arc<Owner>,
}

/// What the clones of a pool share. Its threads do not hold it, so that they learn when nobody does.
struct Owner {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something was queued, or the pool is to end.
    work: Condvar,
    /// Tasks that the host has queued since its last flush.
    staged: Mutex<Vec<Runnable>>,
    any_staged: AtomicBool,
    /// As many threads as this are added for mere speed.
    cores: usize,
    /// Entered by every thread, so that plugins can use the timers and sockets of the host's tokio runtime.
    tokio: Option<tokio::runtime::Handle>,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Runnable>,
    /// How many tasks have been taken, ever: the sign of progress.
    taken: u64,
    threads: usize,
    idle: usize,
    /// What wakes the sentinel, if there is one.
    alarm: Option<Arc<OwnedFd>>,
    /// Whether the alarm is set, and how many tasks had been taken then.
    alarmed: Option<u64>,
    /// When it was set last.
    alarmed_at: Option<Instant>,
    /// Whether it had not been set for long before.
    is_rare: bool,
    closed: bool,
}

impl Pool {
    /// A pool without threads; they come with the work. Plugins run in the context of the tokio runtime that this is
    /// called in, if it is called in one.
    pub fn new() -> Pool {
        let shared = Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            staged: Mutex::default(),
            any_staged: AtomicBool::new(false),
            cores: thread::available_parallelism().map_or(1, usize::from),
            tokio: tokio::runtime::Handle::try_current().ok(),
        };
        Pool { owner: Arc::new(Owner { shared: Arc::new(shared) }) }
    }

    /// Keeps a task until the next [`Pool::flush`].
    pub(super) fn stage(&self, task: Runnable) {
        self.owner.shared.staged.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        self.owner.shared.any_staged.store(true, Ordering::Release);
    }

    /// Queues everything that is staged, and wakes one thread for all of it.
    pub(super) fn flush(&self) {
        if self.owner.shared.any_staged.swap(false, Ordering::AcqRel) {
            let mut staged = self.owner.shared.staged.lock().unwrap_or_else(PoisonError::into_inner);
            let mut queue = self.owner.shared.lock();
            queue.tasks.extend(staged.drain(..));
            drop(staged);
            self.owner.shared.attend(queue);
        }
    }

    /// What queues a task again when it is woken.
    pub(super) fn scheduler(&self) -> impl Fn(Runnable) + Send + Sync + 'static {
        let shared = Arc::clone(&self.owner.shared);
        move |task| {
            let mut queue = shared.lock();
            queue.tasks.push_back(task);
            shared.attend(queue);
        }
    }

    #[cfg(test)]
    fn threads(&self) -> usize {
        self.owner.shared.lock().threads
    }
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        if let Some(alarm) = &queue.alarm {
            ring_in(alarm, AT_ONCE);
        }
        drop(queue);
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody looks at the queue. While a thread is at work it is left to that one, which costs no
    /// system call; should it block, the sentinel notices.
    fn attend(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>) {
        if queue.tasks.is_empty() {
            return;
        }
        if queue.threads == 0 {
            self.add_thread(&mut queue);
        } else if queue.threads == queue.idle {
            drop(queue);
            self.work.notify_one();
        } else {
            self.alarm(&mut queue);
        }
    }

    /// Has the sentinel look after the tasks that wait, if they still do in a moment.
    fn alarm(self: &Arc<Self>, queue: &mut Queue) {
        if queue.alarmed.is_some() {
            return;
        }
        if queue.alarm.is_none() {
            queue.alarm = self.sentinel();
        }
        if let Some(alarm) = &queue.alarm {
            ring_in(alarm, STALLED);
            queue.alarmed = Some(queue.taken);
            let now = Instant::now();
            let before = queue.alarmed_at.replace(now);
            queue.is_rare = before.is_none_or(|before| now.duration_since(before) > RARE);
        }
    }

    /// Nothing is left to be done. What would wake the sentinel for that is called off, unless the next burst may come
    /// before it rings: then it would only be set again.
    fn call_off(queue: &mut Queue) {
        if queue.idle == queue.threads
            && queue.is_rare
            && queue.alarmed.take().is_some()
            && let Some(alarm) = &queue.alarm
        {
            ring_in(alarm, NEVER);
        }
    }

    /// Makes the sentinel, and what wakes it; `None` if the system has no room for them.
    fn sentinel(self: &Arc<Self>) -> Option<Arc<OwnedFd>> {
        let alarm = Arc::new(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).ok()?);
        let (shared, bell) = (Arc::clone(self), Arc::clone(&alarm));
        let body = move || shared.watch(&bell);
        thread::Builder::new().name("hothouse-sentinel".into()).spawn(body).ok().map(|_| alarm)
    }

    /// If the system gives no thread, those that there are go on with the queue.
    fn add_thread(self: &Arc<Self>, queue: &mut Queue) {
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new().name("hothouse-native".into()).spawn(move || shared.work());
        queue.threads += usize::from(spawned.is_ok());
    }

    /// One thread's life.
    fn work(self: Arc<Self>) {
        let _context = self.tokio.as_ref().map(tokio::runtime::Handle::enter);
        let mut queue = self.lock();
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                queue.taken += 1;
                if !queue.tasks.is_empty() {
                    // Whoever waits behind this one must not depend on its coming back.
                    self.alarm(&mut queue);
                }
                drop(queue);
                // What panics outside of a verb's own poll is the drop of what it held; the task has told its end.
                let _ = contain(|| task.run());
                queue = self.lock();
            } else if queue.closed {
                break;
            } else {
                queue.idle += 1;
                Shared::call_off(&mut queue);
                let surplus = queue.threads > 1;
                let timed_out;
                (queue, timed_out) = if surplus {
                    let (queue, result) =
                        self.work.wait_timeout(queue, LINGER).unwrap_or_else(PoisonError::into_inner);
                    (queue, result.timed_out())
                } else {
                    (self.work.wait(queue).unwrap_or_else(PoisonError::into_inner), false)
                };
                queue.idle -= 1;
                if timed_out && queue.tasks.is_empty() && queue.threads > 1 {
                    break;
                }
            }
        }
        queue.threads -= 1;
    }

    /// The sentinel's life: asleep until tasks have waited for a moment, then a thread more for every moment without
    /// progress.
    fn watch(self: Arc<Self>, alarm: &OwnedFd) {
        loop {
            // How often it rang meanwhile does not matter. An error is a signal that came in between.
            let _ = rustix::io::read(alarm, &mut [0; 8]);
            let mut queue = self.lock();
            if queue.closed {
                break;
            }
            let Some(taken) = queue.alarmed.take().filter(|_| !queue.tasks.is_empty()) else { continue };
            if queue.idle > 0 {
                for _ in 0..queue.idle.min(queue.tasks.len()) {
                    self.work.notify_one();
                }
            } else {
                self.grow(&mut queue, taken);
            }
            self.alarm(&mut queue);
        }
    }

    /// Tasks wait and all threads are busy: a thread for every core, and when nothing at all has moved since `taken`,
    /// twice as many as there are, so that many that block at once are not started one by one.
    fn grow(self: &Arc<Self>, queue: &mut Queue, taken: u64) {
        let limit = if queue.taken == taken { queue.threads * 2 } else { self.cores };
        let more = limit.min(MAX_THREADS).saturating_sub(queue.threads).min(queue.tasks.len());
        for _ in 0..more {
            self.add_thread(queue);
        }
    }
}

const AT_ONCE: Duration = Duration::from_nanos(1);
/// As a timer understands it.
const NEVER: Duration = Duration::ZERO;

/// Sets an alarm, whatever it was set for before.
fn ring_in(alarm: &OwnedFd, time: Duration) {
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec::try_from(time).unwrap_or_default(),
    };
    // It is a timer and the time is one, so nothing can be wrong with either.
    let _ = timerfd_settime(alarm, TimerfdTimerFlags::empty(), &once);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::task;
    use std::sync::mpsc;

    #[test]
    fn plugins_that_block_do_not_hold_up_the_others() {
        let pool = Pool::new();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        for _ in 0..20 {
            let blocked = Arc::clone(&blocked);
            task::spawn(&pool, async move { drop(blocked.lock().map(|blocked| blocked.recv())) }, |_| {})
                .detach();
        }
        let (done, finished) = mpsc::channel();
        task::spawn(&pool, async {}, move |_| done.send(()).unwrap()).detach();
        pool.flush();
        finished.recv_timeout(Duration::from_secs(60)).expect("it ran beside twenty that block");
        assert!(pool.threads() > 20);
        drop(release);
    }
}
