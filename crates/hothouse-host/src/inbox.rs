//! The way into the loop. Anybody may put something in; the loop takes out everything at once.
//!
//! Nothing is ever left out: it is answers and commands. Calls go another way ([`router`](crate::router)), and so does what
//! plugins log ([`logs`](crate::logs)).
//!
//! Most answers to health checks are no news: they lie until the loop wakes up for something else, or until the next check
//! of that plugin is due ([`Inbox::put_no_news`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hothouse_kernel::{Answer, Incarnation, PluginId};
use hothouse_runtime::{OwnCall, Report, UnderWay};
use tokio::sync::Notify;

use crate::command::Command;
use crate::router::Router;

/// Something for the loop.
pub(crate) enum Message {
    /// An instance has something to say.
    Reported(PluginId, Incarnation, Report),
    /// Somebody wants something.
    Commanded(Box<Command>),
}

/// An answer that changes nothing but what is known of the last check.
pub(crate) struct NoNews {
    pub(crate) plugin: PluginId,
    pub(crate) incarnation: Incarnation,
    pub(crate) answer: Answer,
    /// When it came.
    pub(crate) came: Instant,
}

/// What the loop takes out at a time.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) no_news: Vec<NoNews>,
    pub(crate) messages: Vec<Message>,
}

/// What the loop has not looked at yet. The loop is woken once for a whole batch.
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Arc<Notify>,
    /// Where calls of plugins go: they are none of the loop's business.
    router: Arc<Router>,
}

#[derive(Default)]
struct Waiting {
    batch: Batch,
    /// The loop has ended, and nobody will ever look.
    closed: bool,
    /// Until when the loop sleeps if nobody wakes it; `None` if it is awake.
    sleeps: Option<Until>,
}

#[derive(Clone, Copy)]
enum Until {
    Then(Instant),
    Woken,
}

impl Until {
    fn is_after(self, moment: Instant) -> bool {
        match self {
            Until::Then(then) => then > moment,
            Until::Woken => true,
        }
    }
}

impl Default for Inbox {
    fn default() -> Inbox {
        let filled = Arc::new(Notify::new());
        let router = Arc::new(Router::new(Arc::clone(&filled)));
        Inbox { waiting: Mutex::default(), filled, router }
    }
}

/// Closes the inbox when dropped, however the loop comes to its end: those who wait for an answer then learn that there
/// will be none.
pub(crate) struct CloseAtTheEnd(pub(crate) Arc<Inbox>);

impl Drop for CloseAtTheEnd {
    fn drop(&mut self) {
        self.0.router.end();
        let mut waiting = self.0.lock();
        waiting.closed = true;
        let left = std::mem::take(&mut waiting.batch);
        drop(waiting);
        // Not while the lock is held: what is dropped may have something to say.
        drop(left);
    }
}

impl Inbox {
    pub(crate) fn put(&self, message: Message) {
        let mut waiting = self.lock();
        if waiting.closed {
            drop(waiting);
            return drop(message);
        }
        let first = waiting.batch.messages.is_empty();
        waiting.batch.messages.push(message);
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
    }

    /// Puts in what need not be looked at before `due`. If the loop is up by then anyway, it is not woken for it.
    pub(crate) fn put_no_news(
        &self,
        plugin: PluginId,
        incarnation: Incarnation,
        answer: Answer,
        due: Instant,
    ) {
        let came = Instant::now();
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.batch.no_news.push(NoNews { plugin, incarnation, answer, came });
        let oversleeps = waiting.sleeps.is_some_and(|until| until.is_after(due));
        drop(waiting);
        if oversleeps {
            self.filled.notify_one();
        }
    }

    /// The router that belongs to the loop; it wakes the loop through this inbox.
    pub(crate) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Takes out everything, in exchange for empty vectors whose room is used again.
    pub(crate) fn take_all(&self, batch: &mut Batch) {
        debug_assert!(batch.messages.is_empty() && batch.no_news.is_empty());
        let mut waiting = self.lock();
        waiting.sleeps = None;
        std::mem::swap(&mut waiting.batch, batch);
    }

    /// The loop is about to sleep until `due`, or until it is woken. False: it must not, because there is something.
    pub(crate) fn may_sleep(&self, due: Option<Instant>) -> bool {
        let mut waiting = self.lock();
        let nothing = waiting.batch.messages.is_empty() && waiting.batch.no_news.is_empty();
        if nothing {
            waiting.sleeps = Some(due.map_or(Until::Woken, Until::Then));
        }
        nothing
    }

    /// Waits until there is something.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl hothouse_runtime::Inbox for Inbox {
    fn take(&self, plugin: PluginId, incarnation: Incarnation, report: Report) {
        self.put(Message::Reported(plugin, incarnation, report));
    }

    fn call(&self, plugin: PluginId, incarnation: Incarnation, call: OwnCall) -> UnderWay {
        self.router.call_of(plugin, incarnation, call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use tokio::sync::oneshot;

    #[test]
    fn nobody_waits_for_a_loop_that_has_ended() {
        let inbox = Arc::new(Inbox::default());
        let ask = || {
            let (done, answer) = oneshot::channel();
            inbox.put(Message::Commanded(Box::new(Command::View(done))));
            answer
        };
        let mut before = ask();
        assert!(before.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(CloseAtTheEnd(Arc::clone(&inbox)));
        for mut answer in [before, ask()] {
            assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        }
    }

    #[test]
    fn no_news_wakes_nobody_who_is_up_in_time() {
        let inbox = Inbox::default();
        let (now, mut batch) = (Instant::now(), Batch::default());
        let second = std::time::Duration::from_secs(1);
        let is_woken = || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            std::pin::pin!(inbox.filled()).poll(&mut context).is_ready()
        };
        let put = |due| inbox.put_no_news(PluginId(0), Incarnation(1), Answer::Started, due);

        assert!(inbox.may_sleep(Some(now + second)));
        put(now + second);
        assert!(!is_woken(), "it is up by then");
        assert!(!inbox.may_sleep(Some(now + second)), "it does not lie down again before it has looked");
        inbox.take_all(&mut batch);
        assert_eq!((batch.no_news.drain(..).count(), batch.messages.len()), (1, 0));

        assert!(inbox.may_sleep(Some(now + 2 * second)));
        put(now + second);
        assert!(is_woken(), "it would oversleep");
        inbox.take_all(&mut batch);
        batch.no_news.clear();
        assert!(inbox.may_sleep(None));
        put(now + second);
        assert!(is_woken(), "it would sleep for ever");
        inbox.take_all(&mut batch);
        batch.no_news.clear();
        put(now);
        assert!(!is_woken() && !inbox.may_sleep(None), "it is awake, and looks before it sleeps");
    }
}
