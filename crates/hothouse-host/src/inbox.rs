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
#[derive(Default)]
pub(crate) struct Inbox {
    waiting: Mutex<Vec<Message>>,
    filled: Notify,
}

impl Inbox {
    pub(crate) fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.is_empty();
        waiting.push(message);
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
    }

    /// Takes out everything, in exchange for an empty vector whose room is used again.
    pub(crate) fn take_all(&self, batch: &mut Vec<Message>) {
        debug_assert!(batch.is_empty());
        std::mem::swap(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), batch);
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
