//! One verb under way: a future that is polled on the pool, and what follows when it ends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use hothouse_kernel::input::Exit;

use super::panics::contain;
use super::pool::Pool;

/// How a verb came to its end.
pub(super) enum Ended<T> {
    Done(T),
    /// It panicked; what it held has been dropped.
    Panicked(Exit),
    /// It was cancelled; what it held has been dropped.
    Cancelled,
}

/// A verb that is under way. Dropping it cancels the verb: no further poll begins, and what it holds is dropped on
/// the pool when a poll that is under way has returned.
#[must_use = "dropping it cancels the verb"]
pub(super) struct Verb(async_task::Task<()>);

impl Verb {
    /// Lets it run to its end.
    pub(super) fn detach(self) {
        self.0.detach();
    }
}

/// Stages a verb; `on_end` runs on the pool when it has ended, after everything it held has been dropped.
/// The thread that staged it says [`Pool::flush`] when it has nothing more to stage.
pub(super) fn spawn<T: Send + 'static>(
    pool: &Pool,
    verb: impl Future<Output = T> + Send + 'static,
    on_end: impl FnOnce(Ended<T>) + Send + 'static,
) -> Verb {
    let parts = Parts { verb, end: End(Some(on_end), std::marker::PhantomData) };
    let whole = async move {
        let Parts { verb, mut end } = parts;
        let result = {
            let mut verb = pin!(verb);
            poll_fn(|context| match contain(|| verb.as_mut().poll(context)) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Ended::Done(value)),
                Err(exit) => Poll::Ready(Ended::Panicked(exit)),
            })
            .await
        };
        end.is(result);
    };
    let (runnable, task) = async_task::spawn(whole, pool.scheduler());
    pool.stage(runnable);
    Verb(task)
}

/// A verb that has not begun. If it never does, it is dropped before its end is told.
struct Parts<V, T, E: FnOnce(Ended<T>)> {
    verb: V,
    end: End<T, E>,
}

/// What is to be done at the end. It is done whatever happens, once.
struct End<T, E: FnOnce(Ended<T>)>(Option<E>, std::marker::PhantomData<fn(T)>);

impl<T, E: FnOnce(Ended<T>)> End<T, E> {
    fn is(&mut self, ended: Ended<T>) {
        if let Some(on_end) = self.0.take() {
            on_end(ended);
        }
    }
}

impl<T, E: FnOnce(Ended<T>)> Drop for End<T, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Only the drop of what the verb held can have brought us here.
            let how = "panicked while what it held was dropped".into();
            self.is(Ended::Panicked(Exit { how, panicked: true, detail: None }));
        } else {
            self.is(Ended::Cancelled);
        }
    }
}
