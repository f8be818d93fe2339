//! One verb under way: a future that is polled on the pool, and what follows when it ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use hothouse_kernel::input::Exit;

use super::panics::contain;
use super::pool::Pool;

/// How a task came to its end.
pub(super) enum Ended<T> {
    Done(T),
    /// It panicked; what it held has been dropped.
    Panicked(Exit),
    /// It was cancelled; what it held has been dropped.
    Cancelled,
}

/// Something that a thread of the pool can run.
pub(super) trait Runnable: Send + Sync {
    /// Polls once, or lets go of it if it was cancelled.
    fn run(self: Arc<Self>);

    /// No further poll begins. What it holds is dropped on the pool, when a poll that is under way has returned.
    fn cancel(self: Arc<Self>);
}

/// It lies there until it is woken.
const IDLE: u8 = 0;
/// It is in the queue.
const QUEUED: u8 = 1;
/// It is being polled.
const RUNNING: u8 = 2;
/// It is being polled, and must be queued again afterwards.
const WOKEN: u8 = 3;
/// It has ended.
const DONE: u8 = 4;

pub(super) struct Task<T, E> {
    pool: Pool,
    state: AtomicU8,
    cancelled: AtomicBool,
    work: Mutex<Option<Work<T, E>>>,
}

struct Work<T, E> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    on_end: E,
}

impl<T, E> Task<T, E>
where
    T: Send + 'static,
    E: FnOnce(Ended<T>) + Send + 'static,
{
    /// Queues a future; `on_end` runs on the pool when it has ended, after everything it held has been dropped.
    /// The thread that queued it says [`Pool::flush`] when it has nothing more to queue.
    pub(super) fn spawn(
        pool: &Pool,
        future: impl Future<Output = T> + Send + 'static,
        on_end: E,
    ) -> Arc<dyn Runnable> {
        let task = Arc::new(Task {
            pool: pool.clone(),
            state: AtomicU8::new(QUEUED),
            cancelled: AtomicBool::new(false),
            work: Mutex::new(Some(Work { future: Box::pin(future), on_end })),
        });
        pool.stage(task.clone());
        task
    }

    /// Queues it unless it is queued or over.
    fn wake_up(self: &Arc<Self>) {
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            let next = match state {
                IDLE => QUEUED,
                RUNNING => WOKEN,
                _ => return,
            };
            match self.state.compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(IDLE) => return self.pool.push(self.clone()),
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    fn end(&self, work: Option<Work<T, E>>, ended: Ended<T>) {
        self.state.store(DONE, Ordering::Release);
        let Some(Work { future, on_end }) = work else { return };
        // The future may hold a plugin's values, whose drop is the plugin's code.
        let dropped = contain(move || drop(future));
        on_end(match (ended, dropped) {
            (Ended::Done(value), _) => Ended::Done(value),
            (Ended::Panicked(exit), _) | (_, Err(exit)) => Ended::Panicked(exit),
            (Ended::Cancelled, Ok(())) => Ended::Cancelled,
        });
    }
}

impl<T, E> Runnable for Task<T, E>
where
    T: Send + 'static,
    E: FnOnce(Ended<T>) + Send + 'static,
{
    fn run(self: Arc<Self>) {
        self.state.store(RUNNING, Ordering::Release);
        let mut guard = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cancelled.load(Ordering::Acquire) {
            let work = guard.take();
            drop(guard);
            return self.end(work, Ended::Cancelled);
        }
        let Some(work) = guard.as_mut() else { return };
        let waker = Waker::from(self.clone());
        let polled = contain(|| work.future.as_mut().poll(&mut Context::from_waker(&waker)));
        match polled {
            Ok(Poll::Ready(value)) => {
                let work = guard.take();
                drop(guard);
                self.end(work, Ended::Done(value));
            }
            Err(exit) => {
                let work = guard.take();
                drop(guard);
                self.end(work, Ended::Panicked(exit));
            }
            Ok(Poll::Pending) => {
                drop(guard);
                let again = self.cancelled.load(Ordering::Acquire)
                    || self
                        .state
                        .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire)
                        .is_err();
                if again {
                    self.state.store(QUEUED, Ordering::Release);
                    self.pool.push(self.clone());
                }
            }
        }
    }

    fn cancel(self: Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        self.wake_up();
    }
}

impl<T, E> Wake for Task<T, E>
where
    T: Send + 'static,
    E: FnOnce(Ended<T>) + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_up();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_up();
    }
}
