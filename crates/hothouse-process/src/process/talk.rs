//! What is said between the host and a plugin, whatever carries it: what was asked, what the plugin is known to be
//! able to do, and what a line that comes from it means.
//!
//! The questions themselves and their answers are in `verbs`, what the plugin wants of the host in `wishes`.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hothouse_kernel::Answer;
use hothouse_kernel::input::Exit;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::{Birth, HealthReply, Level, Loss, Stream};
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use super::asked::{AnswerTo, Asked, Questions};
use super::outbox::Outbox;
use super::rpc::{Message, NoMessage};
use super::verbs::health_in;
use super::wishes::Wish;
use super::{ProcessSpec, Transport};
use crate::handle::Order;
use crate::lines::Line;
use crate::probe::{Attempt, Surroundings, health};
use crate::words::shown;

/// The talk with one plugin.
pub(super) struct Talk {
    pub(super) birth: Birth,
    pub(super) spec: Arc<ProcessSpec>,
    pub(super) surroundings: Surroundings,
    /// The way back for the answers to what the plugin asks for.
    pub(super) answers: UnboundedSender<Order>,
    pub(super) outbox: Outbox,
    pub(super) questions: Questions,
    /// What the plugin says of itself; `None` until `init` has completed.
    pub(super) description: Option<Description>,
    pub(super) is_started: bool,
    pub(super) is_stopping: bool,
    /// The health check that is under way, if it is not a question to the plugin.
    pub(super) attempt: Option<(Attempt, HealthReply)>,
    /// The plugin's own calls that have not been answered, by a number of ours.
    pub(super) wishes: HashMap<u64, Wish>,
    pub(super) last_wish: u64,
    /// How many bytes of answers were added since the plugin had last read everything.
    pub(super) owed: usize,
    /// What it did instead of answering `init` or `start`: `instead of answering … it wrote …`.
    garbage: Option<String>,
}

impl Talk {
    pub(super) fn new(
        birth: Birth,
        spec: Arc<ProcessSpec>,
        surroundings: Surroundings,
        answers: UnboundedSender<Order>,
    ) -> Talk {
        Talk {
            birth,
            spec,
            surroundings,
            answers,
            outbox: Outbox::default(),
            questions: Questions::default(),
            description: None,
            is_started: false,
            is_stopping: false,
            attempt: None,
            wishes: HashMap::new(),
            last_wish: 0,
            owed: 0,
            garbage: None,
        }
    }

    /// Takes a line from the plugin.
    pub(super) fn hear(&mut self, line: Line<'_>) {
        // Nothing of the channel is split, so there are no pieces.
        let Line::Text(line) = line else {
            let limit = self.spec.max_line;
            return self.heard_garbage(&format!("a line longer than {limit} bytes (host.maxLine)"));
        };
        if line.trim_ascii().is_empty() && self.spec.transport == Transport::Fd {
            // Nothing was said, and nobody need hear of it.
            return;
        }
        match Message::read(line) {
            Ok(Message::Answer(number, answer)) => self.hear_answer(number, answer),
            Ok(Message::Wish { id, method, params }) => self.hear_wish(id, &method, params),
            Err(NoMessage::NotRpc(_)) if self.spec.transport == Transport::Stdio => {
                let text = String::from_utf8_lossy(line).into_owned();
                self.log(Stream::Stdout, Level::Warn, text);
            }
            Err(NoMessage::NotRpc(what) | NoMessage::Malformed(what)) => self.heard_garbage(&what),
        }
    }

    fn heard_garbage(&mut self, what: &str) {
        self.misbehaved(format!("it wrote {what}"));
        self.answered_otherwise(what);
    }

    /// A stop begins, and the plugin has begun a line that it may never end.
    pub(super) fn heard_half(&mut self, begun: &[u8]) {
        self.answered_otherwise(&format!("half a line, and not its end: `{}`", shown(begun)));
    }

    fn answered_otherwise(&mut self, what: &str) {
        if let Some(verb) = self.questions.awaited_verb() {
            self.garbage.get_or_insert_with(|| format!("instead of answering `{verb}` it wrote {what}"));
        }
    }

    fn hear_answer(&mut self, number: u64, answer: Result<&RawValue, PluginError>) {
        match self.questions.answered(number) {
            AnswerTo::Question(asked) => self.answered(asked, answer),
            AnswerTo::Dropped => {}
            AnswerTo::Nothing => {
                self.misbehaved(format!("it answered question {number}, which is not open (any more)"));
            }
        }
    }

    fn answered(&mut self, asked: Asked, answer: Result<&RawValue, PluginError>) {
        if matches!(asked, Asked::Init | Asked::Start) {
            self.garbage = None;
        }
        match asked {
            Asked::Init => self.answered_init(answer),
            Asked::Start => self.answered_start(answer),
            Asked::Health(reply) => reply.send(answer.and_then(health_in)),
            Asked::Destroy => {
                let error = answer.err().map(|error| error.to_string().into());
                self.say(Answer::Destroyed(error));
            }
            Asked::Call(_, reply) => reply.send(answer.map(|result| result.to_owned().into())),
        }
    }

    /// A stop has begun: whatever is under way is dropped.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        self.attempt = None;
        self.questions.drop_all(&Loss::begun(BEING_STOPPED));
    }

    /// Nothing more can come from the plugin. Most often it is about to exit, and then that is the answer to the verbs;
    /// but if it lives on, those who wait for an answer to a call must not wait for ever.
    pub(super) fn channel_ended(&mut self) {
        self.outbox.close();
        self.cancel_wishes();
        self.questions.drop_calls(&Loss::begun("its channel closed before it answered"));
    }

    /// The plugin has ended, in this way: what it has not answered fails. If it was to answer a verb and wrote
    /// something else, that explains more than how it ended.
    pub(super) fn ended(&mut self, exit: &mut Exit) {
        if let Some(garbage) = self.garbage.take() {
            exit.detail = Some(match exit.detail.take() {
                Some(detail) => format!("{garbage}; {detail}"),
                None => garbage,
            });
        }
        self.cancel_wishes();
        self.questions.drop_all(&Loss::begun(format!("it {} before it answered", exit.how)));
    }

    pub(super) fn poll_attempt(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((attempt, _)) = &mut self.attempt else { return Poll::Pending };
        let outcome = ready!(attempt.as_mut().poll(cx));
        if let Some((_, reply)) = self.attempt.take() {
            reply.send(Ok(health(outcome.err())));
        }
        Poll::Ready(())
    }

    pub(super) fn say(&self, answer: Answer) {
        self.birth.reporter.answer(answer);
    }

    pub(super) fn misbehaved(&self, how: impl Into<String>) {
        self.birth.reporter.misbehaved(how);
    }

    pub(super) fn log(&self, stream: Stream, level: Level, text: impl Into<String>) {
        self.birth.reporter.log(stream, level, text);
    }
}

/// Why calls that come or are under way when a stop has begun are not answered.
pub(super) const BEING_STOPPED: &str = "it is being stopped";
