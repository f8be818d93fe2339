//! The calls of one lane that have not been answered, by tickets that are never mistaken for one another.

use std::sync::Arc;
use std::time::Instant;

use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{CallAnswer, CallId, Json, Reply};
use tokio::sync::oneshot;

use super::life::{Life, MethodAt};
use super::trace::OpenSpan;

/// What a caller gets.
pub(crate) type Answer = Result<CallAnswer, PluginError>;

/// Where the answer to a call goes.
pub(crate) enum AnswerTo {
    /// To somebody in this process.
    Here(oneshot::Sender<Answer>),
    /// To a plugin.
    Plugin(Reply<CallAnswer>),
}

impl AnswerTo {
    /// Answers. That nobody waits any more is no error.
    pub(super) fn send(self, answer: Answer) {
        match self {
            AnswerTo::Here(sender) => drop(sender.send(answer)),
            AnswerTo::Plugin(reply) => reply.send(answer),
        }
    }
}

/// A plugin that calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) plugin: PluginId,
    pub(crate) name: Arc<str>,
}

/// What is asked of the callee.
pub(crate) struct Wish {
    /// Taken when it is passed on, and given back by the life that it was passed on to.
    pub(crate) method: String,
    pub(crate) payload: Json,
    pub(crate) traceparent: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A call that has not been answered. It is large and goes from hand to hand, so it is boxed where it is made.
pub(crate) struct OpenCall {
    pub(super) wish: Wish,
    pub(super) caller: Option<Caller>,
    pub(super) reply: AnswerTo,
    pub(super) asked: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) stage: Stage,
    /// How often it has been passed on and lost. Answers to an earlier attempt are dropped.
    pub(super) attempt: u8,
    /// Whether it is counted among those who wait for one another.
    pub(super) is_counted: bool,
    pub(super) span: Option<Box<OpenSpan>>,
}

/// How far a call has come.
pub(crate) enum Stage {
    /// It waits for its turn, or for the plugin to come back. `Some`: a life has lost it.
    Waiting(Option<Box<Lost>>),
    /// This life is at it.
    Running { life: Arc<Life>, method: MethodAt, since: Instant },
}

/// The life that did not answer a call, and why.
pub(crate) struct Lost {
    pub(super) incarnation: Incarnation,
    pub(super) why: String,
}

impl OpenCall {
    /// A call that somebody asks for, who stops waiting at `deadline`.
    pub(crate) fn new(
        wish: Wish,
        caller: Option<Caller>,
        asked: Instant,
        deadline: Option<Instant>,
        reply: AnswerTo,
    ) -> Box<OpenCall> {
        let stage = Stage::Waiting(None);
        Box::new(OpenCall {
            wish,
            caller,
            reply,
            asked,
            deadline,
            stage,
            attempt: 0,
            is_counted: false,
            span: None,
        })
    }

    /// The name of the method, for messages.
    pub(super) fn method(&self) -> &str {
        match &self.stage {
            Stage::Waiting(_) => &self.wish.method,
            Stage::Running { life, method, .. } => life.name_of(*method).unwrap_or(&self.wish.method),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_))
    }

    pub(super) fn who(&self) -> Option<PluginId> {
        self.caller.as_ref().map(|caller| caller.plugin)
    }
}

/// Which call of a lane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ticket {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl Ticket {
    /// The number under which a runtime knows the call. Generations begin with 1, so it is never 0.
    pub(super) fn id(self) -> CallId {
        CallId(u64::from(self.generation) << 32 | u64::from(self.slot))
    }

    /// The other way round.
    pub(super) fn of(call: CallId) -> Ticket {
        Ticket { slot: call.0 as u32, generation: (call.0 >> 32) as u32 }
    }
}

/// Every open call of a lane. Places are used again; what is in one is told apart by its generation.
#[derive(Default)]
pub(super) struct OpenCalls {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

struct Slot {
    generation: u32,
    call: Option<Box<OpenCall>>,
}

impl OpenCalls {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, call: Box<OpenCall>) -> Ticket {
        let Some(slot) = self.free.pop() else {
            let slot = u32::try_from(self.slots.len()).expect("so many calls do not fit into memory");
            self.slots.push(Slot { generation: 1, call: Some(call) });
            return Ticket { slot, generation: 1 };
        };
        let place = &mut self.slots[slot as usize];
        place.call = Some(call);
        Ticket { slot, generation: place.generation }
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&OpenCall> {
        let slot = self.slots.get(ticket.slot as usize)?;
        slot.call.as_deref().filter(|_| slot.generation == ticket.generation)
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut OpenCall> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        slot.call.as_deref_mut().filter(|_| slot.generation == ticket.generation)
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Box<OpenCall>> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        if slot.generation != ticket.generation {
            return None;
        }
        let call = slot.call.take()?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        self.free.push(ticket.slot);
        Some(call)
    }

    /// Those that are of this kind.
    pub(super) fn those(&self, of_kind: impl Fn(&OpenCall) -> bool) -> Vec<Ticket> {
        let ticket = |(at, slot): (usize, &Slot)| {
            let is = slot.call.as_deref().is_some_and(&of_kind);
            is.then_some(Ticket { slot: at as u32, generation: slot.generation })
        };
        self.slots.iter().enumerate().filter_map(ticket).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str) -> Box<OpenCall> {
        let wish =
            Wish { method: method.into(), payload: Json::null(), traceparent: None, idempotency_key: None };
        OpenCall::new(wish, None, Instant::now(), None, AnswerTo::Here(oneshot::channel().0))
    }

    #[test]
    fn a_ticket_is_good_for_one_call() {
        let mut open = OpenCalls::default();
        let first = open.insert(call("a"));
        assert_eq!(open.get(first).unwrap().method(), "a");
        assert!(open.remove(first).is_some() && open.remove(first).is_none());
        let second = open.insert(call("b"));
        assert_eq!(second.slot, first.slot, "its place is used again");
        assert!(open.get(first).is_none() && open.get_mut(second).is_some());
        assert_ne!(first.id(), second.id());
        assert_eq!([first, second].map(|ticket| Ticket::of(ticket.id())), [first, second]);
        assert_eq!((open.len(), open.those(|call| call.method() == "b")), (1, vec![second]));
    }
}
