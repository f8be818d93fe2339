//! The way into the loop. Anybody may put something in; the loop takes out everything at once.
//!
//! Nothing is ever left out: it is answers, calls and commands. What plugins log goes another way ([`logs`](crate::logs)).

use std::sync::{Mutex, PoisonError};

use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::Report;
use tokio::sync::Notify;

use crate::command::Command;

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
    filled: Notify,
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox { waiting: Mutex::new(Some(Vec::new())), filled: Notify::new() }
    }
}

/// Closes the inbox when dropped, however the loop comes to its end: those who wait for an answer then learn that there
/// will be none.
pub(crate) struct CloseAtTheEnd(pub(crate) std::sync::Arc<Inbox>);

impl Drop for CloseAtTheEnd {
    fn drop(&mut self) {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
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
