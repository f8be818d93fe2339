//! The way into the loop. Anybody may put something in; the loop takes out everything at once.

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
    messages: Mutex<Vec<Message>>,
    filled: Notify,
}

impl Inbox {
    pub(crate) fn put(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let first = messages.is_empty();
        messages.push(message);
        drop(messages);
        if first {
            self.filled.notify_one();
        }
    }

    /// Takes out everything, in exchange for an empty vector whose room is used again.
    pub(crate) fn take_all(&self, batch: &mut Vec<Message>) {
        debug_assert!(batch.is_empty());
        std::mem::swap(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner), batch);
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
