//! The way back to the one who asked.

use std::fmt;
use std::sync::Arc;

use hothouse_protocol::HealthStatus;

use crate::Json;
use crate::contract::PluginError;

/// The way back to the one who asked: used once. A reply that is dropped unused says that the answer is lost.
pub struct Reply<T>(Option<Answering<T>>);

/// The way back to a caller.
pub type CallReply = Reply<Json>;

/// The way back to the one who asked for a plugin's health. An error counts as unhealthy.
pub type HealthReply = Reply<HealthStatus>;

enum Answering<T> {
    By(Box<dyn FnOnce(Outcome<T>) + Send>),
    To { asker: Arc<dyn Asker<T>>, question: u64, attempt: u8 },
}

/// Somebody who asks many questions, and tells the answers apart by what was given along.
pub trait Asker<T>: Send + Sync {
    /// That question has been answered, in that attempt at it. Must not block.
    fn answered(self: Arc<Self>, question: u64, attempt: u8, outcome: Outcome<T>);
}

/// What became of a question.
#[derive(Debug)]
pub enum Outcome<T> {
    /// The plugin has answered, or refused to.
    Answered(Result<T, PluginError>),
    /// The life that was asked will never answer.
    Lost(Loss),
}

/// Why there will be no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Whether the plugin may have begun with what it was asked. If not, asking again does nothing twice.
    pub begun: bool,
    /// Why, for a person: `it exited with code 1 before it answered`.
    pub why: String,
}

impl Loss {
    /// The loss of something that the plugin may have begun with.
    pub fn begun(why: impl Into<String>) -> Loss {
        Loss { begun: true, why: why.into() }
    }

    /// The loss of something that the plugin was never told.
    pub fn unbegun(why: impl Into<String>) -> Loss {
        Loss { begun: false, why: why.into() }
    }

    /// The same for those who only want an answer: an error with the code `GONE`.
    pub fn into_error(self) -> PluginError {
        PluginError::new("GONE", self.why).retryable()
    }
}

impl<T> Outcome<T> {
    /// The answer; a loss is an error with the code `GONE`.
    ///
    /// # Errors
    /// The plugin's own, or `GONE`.
    pub fn into_answer(self) -> Result<T, PluginError> {
        match self {
            Outcome::Answered(answer) => answer,
            Outcome::Lost(loss) => Err(loss.into_error()),
        }
    }
}

impl<T> Reply<T> {
    /// A way back that ends in this function, which must not block.
    pub fn new(answer: impl FnOnce(Result<T, PluginError>) + Send + 'static) -> Reply<T> {
        Reply::minding_loss(move |outcome: Outcome<T>| answer(outcome.into_answer()))
    }

    /// The same for those who tell an answer that is lost from one that is bad.
    pub fn minding_loss(answer: impl FnOnce(Outcome<T>) + Send + 'static) -> Reply<T> {
        Reply(Some(Answering::By(Box::new(answer))))
    }

    /// A way back to somebody who asks many questions. `question` and `attempt` come back with the answer.
    pub fn to(asker: Arc<dyn Asker<T>>, question: u64, attempt: u8) -> Reply<T> {
        Reply(Some(Answering::To { asker, question, attempt }))
    }

    /// Answers.
    pub fn send(self, answer: Result<T, PluginError>) {
        self.end(Outcome::Answered(answer));
    }

    /// Says that there will be no answer, because the life that was asked is over or about to be.
    pub fn lose(self, loss: Loss) {
        self.end(Outcome::Lost(loss));
    }

    fn end(mut self, outcome: Outcome<T>) {
        if let Some(answering) = self.0.take() {
            answering.end(outcome);
        }
    }
}

impl<T> Answering<T> {
    fn end(self, outcome: Outcome<T>) {
        match self {
            Answering::By(answer) => answer(outcome),
            Answering::To { asker, question, attempt } => asker.answered(question, attempt, outcome),
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(answering) = self.0.take() {
            answering.end(Outcome::Lost(Loss::begun("the plugin went away before it answered")));
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}
