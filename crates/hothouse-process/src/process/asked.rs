//! The questions that a plugin has been asked and has not answered.

use std::collections::{BTreeSet, HashMap};

use hothouse_runtime::{CallId, CallReply, HealthReply, Loss};

/// How many questions that nobody wants answered any more are remembered, so that a late answer to one of them is
/// not taken for an answer to no question.
const MAX_DROPPED: usize = 1024;

/// What was asked.
#[derive(Debug)]
pub(super) enum Asked {
    Init,
    Start,
    Health(HealthReply),
    Destroy,
    Call(CallId, CallReply),
}

/// The open questions, by the number under which they are answered.
#[derive(Debug, Default)]
pub(super) struct Questions {
    last: u64,
    open: HashMap<u64, Asked>,
    calls: HashMap<CallId, u64>,
    dropped: BTreeSet<u64>,
}

/// What an answer is an answer to.
pub(super) enum AnswerTo {
    /// This question.
    Question(Asked),
    /// A question that nobody wants answered any more.
    Dropped,
    /// A question that was never asked, or is answered already.
    Nothing,
}

impl Questions {
    /// Adds a question, and gives its number.
    pub(super) fn ask(&mut self, asked: Asked) -> u64 {
        self.last += 1;
        if let Asked::Call(call, _) = &asked {
            self.calls.insert(*call, self.last);
        }
        self.open.insert(self.last, asked);
        self.last
    }

    /// Takes the question that is answered under this number.
    pub(super) fn answered(&mut self, number: u64) -> AnswerTo {
        match self.open.remove(&number) {
            Some(asked) => {
                if let Asked::Call(call, _) = &asked {
                    self.calls.remove(call);
                }
                AnswerTo::Question(asked)
            }
            None if self.dropped.remove(&number) => AnswerTo::Dropped,
            None => AnswerTo::Nothing,
        }
    }

    /// Nobody wants this call answered any more; gives its number if it was open.
    pub(super) fn cancel(&mut self, call: CallId) -> Option<u64> {
        let number = self.calls.remove(&call)?;
        self.open.remove(&number);
        self.forget(number);
        Some(number)
    }

    /// Nobody wants anything answered any more. Those who wait for an answer are told so.
    pub(super) fn drop_all(&mut self, loss: &Loss) {
        self.drop_calls(loss);
        for (number, _) in std::mem::take(&mut self.open) {
            self.forget(number);
        }
    }

    /// The same for questions that are not the kernel's: calls and health checks.
    pub(super) fn drop_calls(&mut self, loss: &Loss) {
        self.calls.clear();
        let is_verb = |asked: &Asked| matches!(asked, Asked::Init | Asked::Start | Asked::Destroy);
        for (number, asked) in self.open.extract_if(|_, asked| !is_verb(asked)).collect::<Vec<_>>() {
            self.forget(number);
            match asked {
                Asked::Call(_, reply) => reply.lose(loss.clone()),
                Asked::Health(reply) => reply.lose(loss.clone()),
                Asked::Init | Asked::Start | Asked::Destroy => {}
            }
        }
    }

    /// The verb on the way up that has not been answered.
    pub(super) fn awaited_verb(&self) -> Option<&'static str> {
        self.open.values().find_map(|asked| match asked {
            Asked::Init => Some("init"),
            Asked::Start => Some("start"),
            _ => None,
        })
    }

    fn forget(&mut self, number: u64) {
        self.dropped.insert(number);
        if self.dropped.len() > MAX_DROPPED {
            self.dropped.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn every_question_is_answered_once() {
        let mut questions = Questions::default();
        assert_eq!((questions.ask(Asked::Init), questions.ask(Asked::Start)), (1, 2));
        assert!(matches!(questions.answered(1), AnswerTo::Question(Asked::Init)));
        assert!(matches!(questions.answered(1), AnswerTo::Nothing));
        assert!(matches!(questions.answered(3), AnswerTo::Nothing));
        questions.drop_all(&Loss::begun(""));
        assert!(matches!(questions.answered(2), AnswerTo::Dropped));
        assert!(matches!(questions.answered(2), AnswerTo::Nothing));
    }

    #[test]
    fn a_cancelled_call_may_be_answered_late() {
        let mut questions = Questions::default();
        let (told, answers) = mpsc::channel();
        let reply = CallReply::new(move |answer| told.send(answer.unwrap_err().code).unwrap());
        let number = questions.ask(Asked::Call(CallId(7), reply));
        assert_eq!(questions.cancel(CallId(7)), Some(number));
        assert_eq!(questions.cancel(CallId(7)), None);
        assert_eq!(answers.recv().unwrap(), "GONE");
        assert!(matches!(questions.answered(number), AnswerTo::Dropped));
    }

    #[test]
    fn what_is_dropped_is_remembered_within_bounds() {
        let mut questions = Questions::default();
        for call in 0..3000 {
            questions.ask(Asked::Call(CallId(call), CallReply::new(|_| ())));
            questions.cancel(CallId(call));
        }
        assert_eq!(questions.dropped.len(), MAX_DROPPED);
        assert!(matches!(questions.answered(3000), AnswerTo::Dropped));
    }
}
