//! The way into the loop. Anybody may put something in; the loop takes out everything at once.
//!
//! Nothing is ever left out: it is answers and commands. Calls go another way ([`router`](crate::router)), and so does what
//! plugins log ([`logs`](crate::logs)).

use std::sync::{Arc, Mutex, PoisonError};

use hothouse_kernel::{Incarnation, PluginId};
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

/// What the loop has not looked at yet. The loop is woken once for a whole batch.
pub(crate) struct Inbox {
    /// `None`: the loop has ended, and nobody will ever look.
    waiting: Mutex<Option<Vec<Message>>>,
    filled: Arc<Notify>,
    /// Where calls of plugins go: they are none of the loop's business.
    router: Arc<Router>,
}

impl Default for Inbox {
    fn default() -> Inbox {
        let filled = Arc::new(Notify::new());
        let router = Arc::new(Router::new(Arc::clone(&filled)));
        Inbox { waiting: Mutex::new(Some(Vec::new())), filled, router }
    }
}

/// Closes the inbox when dropped, however the loop comes to its end: those who wait for an answer then learn that there
/// will be none.
pub(crate) struct CloseAtTheEnd(pub(crate) Arc<Inbox>);

impl Drop for CloseAtTheEnd {
    fn drop(&mut self) {
        self.0.router.end();
        let left = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Not while the lock is held: what is dropped may have something to say.
        drop(left);
    }
}

impl Inbox {
    pub(crate) fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(messages) = waiting.as_mut() else {
            drop(waiting);
            return drop(message);
        };
        let first = messages.is_empty();
        messages.push(message);
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
    }

    /// The router that belongs to the loop; it wakes the loop through this inbox.
    pub(crate) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Takes out everything, in exchange for an empty vector whose room is used again.
    pub(crate) fn take_all(&self, batch: &mut Vec<Message>) {
        debug_assert!(batch.is_empty());
        if let Some(messages) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            std::mem::swap(messages, batch);
        }
    }

    /// Waits until there is something.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
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
}
