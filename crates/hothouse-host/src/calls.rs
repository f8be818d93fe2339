//! Calls under way: who waits for an answer, and until when.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use hothouse_kernel::PluginId;
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{CallId, CallReply, Json};

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// How long the caller waits; `None`: for ever.
    pub timeout: Option<Duration>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// The same for every attempt at the same thing.
    pub idempotency_key: Option<String>,
}

impl OpenCall {
    /// How long the caller was willing to wait. By the time a call is opened a little of that has passed.
    fn limit_ms(&self) -> u128 {
        let limit = self.deadline.map_or(Duration::ZERO, |deadline| deadline.duration_since(self.asked));
        limit.as_micros().div_ceil(1000)
    }
}

/// Every call that has been passed on and not answered.
#[derive(Default)]
pub(crate) struct Calls {
    last: u64,
    open: HashMap<CallId, OpenCall>,
    deadlines: BTreeSet<(Instant, CallId)>,
}

struct OpenCall {
    callee: PluginId,
    method: String,
    asked: Instant,
    deadline: Option<Instant>,
    reply: CallReply,
}

impl Calls {
    /// Notes that a call goes out, and numbers it.
    pub(crate) fn open(
        &mut self,
        callee: PluginId,
        method: &str,
        deadline: Option<Instant>,
        reply: CallReply,
    ) -> CallId {
        self.last += 1;
        let id = CallId(self.last);
        let call = OpenCall { callee, method: method.into(), asked: Instant::now(), deadline, reply };
        self.open.insert(id, call);
        self.deadlines.extend(deadline.map(|deadline| (deadline, id)));
        id
    }

    /// Passes an answer on to whoever waits for it. One that comes too late is dropped.
    pub(crate) fn answer(&mut self, id: CallId, answer: Result<Json, PluginError>) {
        if let Some(call) = self.close(id) {
            call.reply.send(answer);
        }
    }

    /// When the first caller stops waiting.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Tells the callers whose time is up, and says which calls nobody waits for any more.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(PluginId, CallId)> {
        let mut expired = Vec::new();
        while let Some((_, id)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            let Some(call) = self.close(id) else { continue };
            let message = format!("`{}` did not answer within {} ms", call.method, call.limit_ms());
            call.reply.send(Err(PluginError::new("TIMEOUT", message).retryable()));
            expired.push((call.callee, id));
        }
        expired
    }

    fn close(&mut self, id: CallId) -> Option<OpenCall> {
        let call = self.open.remove(&id)?;
        if let Some(deadline) = call.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn call(
        calls: &mut Calls,
        deadline: Option<Instant>,
    ) -> (CallId, mpsc::Receiver<Result<Json, PluginError>>) {
        let (sender, receiver) = mpsc::channel();
        let reply = CallReply::new(move |answer| drop(sender.send(answer)));
        (calls.open(PluginId(0), "get", deadline, reply), receiver)
    }

    #[test]
    fn every_caller_is_answered_once_and_by_its_deadline() {
        let mut calls = Calls::default();
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let (in_time, first) = call(&mut calls, Some(soon));
        let (too_late, second) = call(&mut calls, Some(soon));
        let (_, patient) = call(&mut calls, None);
        calls.answer(in_time, Ok(Json::null()));
        assert!(first.recv().unwrap().is_ok() && calls.next_deadline() == Some(soon));
        assert_eq!(calls.expire(now), []);
        assert_eq!(calls.expire(soon), [(PluginId(0), too_late)]);
        assert_eq!(second.recv().unwrap().unwrap_err().code, "TIMEOUT");
        calls.answer(too_late, Ok(Json::null()));
        assert!(second.recv().is_err() && calls.next_deadline().is_none());
        drop(calls);
        assert_eq!(patient.recv().unwrap().unwrap_err().code, "GONE");
    }
}
