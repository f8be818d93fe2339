//! The way into the loop. Anybody may put something in; the loop takes out everything at once.
//!
//! What plugins have to say about themselves is bounded: when so much of it waits that the loop cannot keep up, the
//! rest is left out and counted. Answers, calls and commands are never left out.

use std::sync::{Mutex, PoisonError};

use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::Report;
use tokio::sync::Notify;

use crate::command::Command;

/// How many bytes of log may wait, each line counted with what it costs to keep it.
const ROOM_FOR_LOGS: usize = 8 * 1024 * 1024;
/// What a line costs besides its text.
const COST_OF_A_LINE: usize = 128;

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
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: Vec<Message>,
    /// How much of the room for logs is taken.
    log_bytes: usize,
    /// How many lines were left out since the loop last looked.
    lost: u64,
}

impl Inbox {
    pub(crate) fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = log_bytes(&message) {
            if waiting.log_bytes + bytes > ROOM_FOR_LOGS {
                waiting.lost += 1;
                return;
            }
            waiting.log_bytes += bytes;
        }
        let first = waiting.messages.is_empty();
        waiting.messages.push(message);
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
    }

    /// Takes out everything, in exchange for an empty vector whose room is used again, and says how many lines of log
    /// had to be left out.
    pub(crate) fn take_all(&self, batch: &mut Vec<Message>) -> u64 {
        debug_assert!(batch.is_empty());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.log_bytes = 0;
        std::mem::swap(&mut waiting.messages, batch);
        std::mem::take(&mut waiting.lost)
    }

    /// Waits until there is something.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }
}

/// What a message takes of the room for logs; `None` if it must not be left out.
fn log_bytes(message: &Message) -> Option<usize> {
    match message {
        Message::Reported(_, _, Report::Log(line)) => Some(line.text.len() + COST_OF_A_LINE),
        Message::Reported(_, _, Report::Misbehaved(text)) => Some(text.len() + COST_OF_A_LINE),
        _ => None,
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
    use hothouse_kernel::Answer;

    #[test]
    fn a_flood_is_cut_off_and_counted_and_answers_get_through() {
        let inbox = Inbox::default();
        let flood = 10 * ROOM_FOR_LOGS / 1024;
        for _ in 0..flood {
            let report = Report::Misbehaved("x".repeat(1024 - COST_OF_A_LINE).into());
            inbox.put(Message::Reported(PluginId(0), Incarnation(1), report));
        }
        inbox.put(Message::Reported(PluginId(1), Incarnation(1), Report::Answer(Answer::Started)));
        let mut batch = Vec::new();
        let lost = inbox.take_all(&mut batch);
        assert_eq!(batch.len() as u64 + lost, flood as u64 + 1);
        assert_eq!(batch.len(), ROOM_FOR_LOGS / 1024 + 1);
        assert!(matches!(
            batch.last(),
            Some(Message::Reported(PluginId(1), _, Report::Answer(Answer::Started)))
        ));
        batch.clear();
        assert_eq!(inbox.take_all(&mut batch), 0);
    }
}
