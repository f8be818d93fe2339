//! The way to one plugin: who serves, what it serves, how many calls it is at, and who waits.
//!
//! A lane is moved from three sides: callers, who ask and cancel; the instance, which answers; and the loop, which says
//! where the plugin is. All of them hold its lock for a moment and do what follows from it (passing calls on, answering,
//! cancelling) when they have given it back, because any of that may come back here.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hothouse_kernel::degradation::{Admission, Service};
use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{Asker, Call, CallId, CallReply, Json, Loss, Outcome};

use super::counts::{CallCounts, Counts, Totals, is_callees_fault};
use super::deadlines::Deadlines;
use super::life::{Life, MethodAt};
use super::open::{Answer, Caller, Lost, OpenCall, OpenCalls, Stage, Ticket, Wish};
use super::queue::FairQueue;
use super::refusal::{self, Limit};
use super::{Rules, Shared};

/// How long calls wait for the loop's word of a life that has lost one, before it is trusted again. A life that loses a
/// call is about to end, and then word comes at once; one that goes on although it cannot answer must not keep anybody.
const DOUBT: Duration = Duration::from_secs(1);

/// The way to one plugin.
pub(crate) struct Lane {
    plugin: PluginId,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

/// Where the plugin is, as far as calls are concerned.
#[derive(Clone)]
pub(crate) enum Presence {
    /// This life answers calls.
    Serving(Arc<Life>),
    /// No life does, and one is on its way: calls wait.
    Coming,
    /// No life does, and none is on its way. Why, as it would follow "it does not serve".
    Away(Arc<str>),
    /// The host has ended.
    Ended,
}

struct State {
    rules: Arc<Rules>,
    presence: Presence,
    /// The life that has not come to its end, whether it serves or not.
    alive: Option<Incarnation>,
    service: Arc<Service>,
    /// Until when the life that serves is doubted, because it has lost a call.
    doubted_until: Option<Instant>,
    open: OpenCalls,
    running: u32,
    queue: FairQueue,
    deadlines: Deadlines,
    counts: Counts,
}

/// What becomes of a call that could go to this life.
enum Verdict {
    PassOn(MethodAt),
    /// It is answered here, with an error or with a result of before.
    Answer(Answer),
}

/// What follows from a change of a lane, to be done without its lock.
#[derive(Default)]
struct Effects {
    answers: Vec<(Box<OpenCall>, Answer)>,
    passed_on: Vec<(Arc<Life>, Call)>,
    cancelled: Vec<(Arc<Life>, CallId)>,
}

impl Lane {
    pub(super) fn new(plugin: PluginId, shared: Arc<Shared>, rules: Arc<Rules>) -> Lane {
        let state = State {
            rules,
            presence: Presence::Away("it is not-started".into()),
            alive: None,
            service: Arc::default(),
            doubted_until: None,
            open: OpenCalls::default(),
            running: 0,
            queue: FairQueue::default(),
            deadlines: Deadlines::default(),
            counts: Counts::default(),
        };
        Lane { plugin, shared, state: Mutex::new(state) }
    }

    pub(super) fn plugin(&self) -> PluginId {
        self.plugin
    }

    /// Takes a call in: passes it on, lets it wait, or answers it. `None`: it has been answered.
    pub(super) fn ask(self: &Arc<Lane>, call: Box<OpenCall>) -> Option<Ticket> {
        let mut state = self.state();
        let life = match &state.presence {
            Presence::Serving(life) if state.has_place() => Some(Arc::clone(life)),
            _ => None,
        };
        let taken_in = match life {
            Some(life) => self.pass_on_new(&mut state, call, life),
            None => self.let_wait(&mut state, call),
        };
        drop(state);
        match taken_in {
            Ok(TakenIn::PassedOn(ticket, life, call)) => {
                life.call(call, self.validates());
                Some(ticket)
            }
            Ok(TakenIn::Waits(ticket, effects)) => {
                effects.carry_out(self);
                Some(ticket)
            }
            Err(refused) => {
                let (call, answer) = *refused;
                call.reply.send(answer);
                None
            }
        }
    }

    /// Nobody waits for that call any more.
    pub(crate) fn cancel(self: &Arc<Lane>, ticket: Ticket) {
        let mut effects = Effects::default();
        let mut state = self.state();
        if let Some(call) = self.take_out(&mut state, ticket, &mut effects) {
            self.dispatch(&mut state, Instant::now(), &mut effects);
            drop(state);
            drop(call);
            effects.carry_out(self);
        }
    }

    /// Answers the callers whose time is up, and says for when the alarm is to be set next.
    pub(super) fn expire(self: &Arc<Lane>, alarm: Instant, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        if !state.deadlines.is_armed_for(alarm) {
            return None;
        }
        let mut effects = Effects::default();
        while let Some(ticket) = state.deadlines.pop_due(now) {
            let is_due = |call: &OpenCall| call.deadline.is_some_and(|deadline| deadline <= now);
            if state.open.get(ticket).is_some_and(is_due) {
                self.time_out(&mut state, ticket, now, &mut effects);
            }
        }
        if state.doubted_until.is_some_and(|until| until <= now) {
            self.trust_again(&mut state, &mut effects);
        }
        self.dispatch(&mut state, now, &mut effects);
        let State { deadlines, open, doubted_until, .. } = &mut *state;
        let doubted = doubted_until.is_some();
        let next = deadlines.rearm(|ticket| open.get(ticket).is_some() || (ticket == DOUBTED && doubted));
        drop(state);
        effects.carry_out(self);
        next
    }

    /// The loop says where the plugin is. `alive`: the life that has not come to its end. `why_gone`: what became of the one
    /// before, as it follows "did not answer:".
    pub(super) fn publish(
        self: &Arc<Lane>,
        presence: Presence,
        alive: Option<Incarnation>,
        why_gone: impl FnOnce() -> String,
    ) {
        let mut effects = Effects::default();
        let now = Instant::now();
        let mut state = self.state();
        if matches!(state.presence, Presence::Ended) {
            return;
        }
        let is_same = matches!((&state.presence, &presence), (Presence::Serving(old), Presence::Serving(new))
            if old.incarnation == new.incarnation);
        if !is_same {
            state.presence = presence;
            state.doubted_until = None;
        }
        if state.alive != alive {
            state.alive = alive;
            let is_dead = |call: &OpenCall| match &call.stage {
                Stage::Running { life, .. } => Some(life.incarnation) != alive,
                Stage::Waiting(_) => false,
            };
            let dead = state.open.those(is_dead);
            let why_gone = if dead.is_empty() { String::new() } else { why_gone() };
            for ticket in dead {
                self.lose(&mut state, ticket, Loss::begun(&*why_gone), now, &mut effects);
            }
        }
        self.settle(&mut state, now, &mut effects);
        drop(state);
        effects.carry_out(self);
    }

    /// The loop says what the plugin serves.
    pub(super) fn set_service(self: &Arc<Lane>, service: Arc<Service>) {
        self.state().service = service;
    }

    /// The rules have changed, perhaps.
    pub(super) fn set_rules(self: &Arc<Lane>, rules: Arc<Rules>) {
        let mut effects = Effects::default();
        let mut state = self.state();
        state.rules = rules;
        self.settle(&mut state, Instant::now(), &mut effects);
        drop(state);
        effects.carry_out(self);
    }

    /// Whether this life of the plugin may make that call.
    pub(super) fn may_call(&self, incarnation: Incarnation, target: &str) -> Result<Caller, PluginError> {
        let state = self.state();
        let name = &state.rules.name;
        if state.alive != Some(incarnation) {
            return Err(refusal::caller_is_over(name, incarnation));
        }
        if !state.rules.may_call.iter().any(|granted| **granted == *target) {
            return Err(refusal::not_granted(name, target));
        }
        if let Some(missing) = state.service.missing(target).filter(|_| state.service.cuts_off(target)) {
            return Err(refusal::dependency_away(name, missing));
        }
        Ok(Caller { plugin: self.plugin, name: Arc::clone(name) })
    }

    fn validates(&self) -> bool {
        self.shared.validates.load(Ordering::Relaxed)
    }

    pub(super) fn totals(&self) -> Totals {
        self.state().counts.totals()
    }

    pub(super) fn counts(&self) -> CallCounts {
        let state = self.state();
        state.counts.counts(Instant::now(), state.running, state.queue.len())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker<Json> for Lane {
    fn answered(self: Arc<Lane>, question: u64, attempt: u8, outcome: Outcome<Json>) {
        self.ended(Ticket::of(CallId(question)), attempt, outcome);
    }
}

/// What became of a new call.
enum TakenIn {
    PassedOn(Ticket, Arc<Life>, Call),
    Waits(Ticket, Effects),
}

/// What a call that is not taken in is answered with.
type Refused = Box<(Box<OpenCall>, Answer)>;

fn refused<T>(call: Box<OpenCall>, answer: Answer) -> Result<T, Refused> {
    Err(Box::new((call, answer)))
}

/// Stands for the end of a doubt among the deadlines.
const DOUBTED: Ticket = Ticket { slot: u32::MAX, generation: 0 };

/// New calls.
impl Lane {
    fn pass_on_new(
        self: &Arc<Lane>,
        state: &mut State,
        call: Box<OpenCall>,
        life: Arc<Life>,
    ) -> Result<TakenIn, Refused> {
        let method = match self.judge(state, &life, &call.wish, call.asked) {
            Verdict::PassOn(method) => method,
            Verdict::Answer(answer) => return refused(call, answer),
        };
        let is_counted = match self.count(&call, false) {
            Ok(is_counted) => is_counted,
            Err(error) => return refused(call, Err(error)),
        };
        let asked = call.asked;
        let ticket = self.insert(state, call, is_counted);
        let call = self.pass_on(state, ticket, &life, method, asked).expect("it has just been noted");
        Ok(TakenIn::PassedOn(ticket, life, call))
    }

    fn let_wait(self: &Arc<Lane>, state: &mut State, call: Box<OpenCall>) -> Result<TakenIn, Refused> {
        let name = &state.rules.name;
        let error = match &state.presence {
            _ if !state.rules.verbs => Some(refusal::not_callable(name, state.rules.runtime)),
            Presence::Ended => Some(refusal::host_ended()),
            Presence::Away(why) => Some(refusal::not_running(name, why)),
            // What would be refused anyway need not wait for that.
            Presence::Serving(life) => match self.judge(state, life, &call.wish, call.asked) {
                Verdict::PassOn(_) => None,
                Verdict::Answer(answer) => return refused(call, answer),
            },
            Presence::Coming => None,
        };
        if let Some(error) = error {
            return refused(call, Err(error));
        }
        let is_counted = match self.count(&call, true) {
            Ok(is_counted) => is_counted,
            Err(error) => return refused(call, Err(error)),
        };
        let who = call.who();
        let mut effects = Effects::default();
        if state.queue.len() >= state.rules.queue {
            let pushed_out = state.queue.make_room_for(who).filter(|_| state.rules.queue > 0);
            let error = state.overloaded();
            match pushed_out.and_then(|ticket| self.close(state, ticket)) {
                Some(pushed_out) => effects.answers.push((pushed_out, Err(error))),
                None => {
                    self.uncount(&call, is_counted);
                    return refused(call, Err(error));
                }
            }
        }
        let ticket = self.insert(state, call, is_counted);
        state.queue.push(who, ticket);
        Ok(TakenIn::Waits(ticket, effects))
    }

    /// Whether that life would serve the call, or what it is answered with otherwise.
    fn judge(&self, state: &State, life: &Life, wish: &Wish, now: Instant) -> Verdict {
        let name = &state.rules.name;
        let Some(method) = life.find(&wish.method) else {
            return Verdict::Answer(Err(refusal::unknown_method(name, &wish.method, life.description())));
        };
        if state.service.is_normal() {
            return Verdict::PassOn(method);
        }
        let admission = state.service.admit(life.traits(method));
        if admission == Admission::FromCache {
            let kept = self.shared.cache.answer(self.plugin, &wish.method, &wish.payload, now);
            return Verdict::Answer(
                kept.ok_or_else(|| refusal::nothing_kept(name, &wish.method, &state.service)),
            );
        }
        match refusal::by_service(name, &wish.method, &state.service, &admission) {
            Some(error) => Verdict::Answer(Err(error)),
            None => Verdict::PassOn(method),
        }
    }

    /// Counts a plugin's call among those who wait for one another, where that matters.
    fn count(&self, call: &OpenCall, waits: bool) -> Result<bool, PluginError> {
        let Some(caller) = call.caller.as_ref().filter(|_| self.shared.waits.are_possible()) else {
            return Ok(false);
        };
        let counted = self.shared.waits.enter(caller.plugin, self.plugin, waits);
        counted.map(|()| true).map_err(|circle| {
            let names = circle.iter().map(|plugin| self.shared.names.of(*plugin));
            let names: Vec<String> = std::iter::once(caller.name.to_string()).chain(names).collect();
            refusal::circle(&names)
        })
    }

    fn uncount(&self, call: &OpenCall, is_counted: bool) {
        if let Some(caller) = call.caller.as_ref().filter(|_| is_counted) {
            self.shared.waits.leave(caller.plugin, self.plugin, true);
        }
    }

    /// Notes a call, which waits so far.
    fn insert(&self, state: &mut State, mut call: Box<OpenCall>, is_counted: bool) -> Ticket {
        let longest = state.rules.timeout.and_then(|timeout| call.asked.checked_add(timeout));
        call.deadline = [call.deadline, longest].into_iter().flatten().min();
        call.is_counted = is_counted;
        if let Some(traceparent) = call.wish.traceparent.as_deref() {
            let caller = call.caller.as_ref().map(|caller| &*caller.name);
            let spans = &self.shared.spans;
            call.span = spans.open(traceparent, caller, &state.rules.name, &call.wish.method, call.asked);
        }
        if let Some(span) = &call.span {
            call.wish.traceparent = Some(span.traceparent());
        }
        let deadline = call.deadline;
        let ticket = state.open.insert(call);
        if let Some(deadline) = deadline {
            self.remind(state, deadline, ticket);
        }
        ticket
    }

    /// Looks at the lane again at that moment.
    fn remind(&self, state: &mut State, at: Instant, ticket: Ticket) {
        let State { deadlines, open, doubted_until, .. } = state;
        let doubted = doubted_until.is_some();
        let is_open = |ticket| open.get(ticket).is_some() || (ticket == DOUBTED && doubted);
        if deadlines.add(at, ticket, open.len(), is_open) {
            self.shared.alarm.set(at, self.plugin);
        }
    }
}

/// Calls under way.
impl Lane {
    fn pass_on(
        self: &Arc<Lane>,
        state: &mut State,
        ticket: Ticket,
        life: &Arc<Life>,
        method: MethodAt,
        now: Instant,
    ) -> Option<Call> {
        let call = state.open.get_mut(ticket)?;
        if let Some(span) = &mut call.span {
            span.passed_on(now);
        }
        // A life that describes nothing cannot give the name back.
        let name = match life.name_of(method) {
            Some(_) => std::mem::take(&mut call.wish.method),
            None => call.wish.method.clone(),
        };
        let passed_on = Call {
            id: ticket.id(),
            method: name,
            payload: call.wish.payload.clone(),
            deadline: call.deadline,
            caller: call.caller.as_ref().map(|caller| Arc::clone(&caller.name)),
            traceparent: call.wish.traceparent.clone(),
            idempotency_key: call.wish.idempotency_key.clone(),
            reply: CallReply::to(Arc::clone(self) as Arc<dyn Asker<Json>>, ticket.id().0, call.attempt),
        };
        call.stage = Stage::Running { life: Arc::clone(life), method, since: now };
        state.running += 1;
        Some(passed_on)
    }

    /// The instance has answered, or says that it will not.
    fn ended(self: &Arc<Lane>, ticket: Ticket, attempt: u8, outcome: Outcome<Json>) {
        let now = Instant::now();
        let mut state = self.state();
        let is_awaited = |call: &OpenCall| call.attempt == attempt && !call.is_waiting();
        if !state.open.get(ticket).is_some_and(is_awaited) {
            // Whoever asked has stopped waiting, or was answered when that life was over.
            return;
        }
        let mut effects = Effects::default();
        match outcome {
            Outcome::Answered(answer) => {
                let Some(call) = self.close(&mut state, ticket) else { return };
                state.note(&call, now, answer.as_ref().is_err_and(is_callees_fault));
                let is_kept = answer.is_ok() && state.keeps(&call);
                self.dispatch(&mut state, now, &mut effects);
                drop(state);
                if let (true, Ok(result)) = (is_kept, &answer) {
                    self.shared.cache.keep(self.plugin, call.method(), &call.wish.payload, result, now);
                }
                self.answer(call, answer.map(Into::into), now);
            }
            Outcome::Lost(loss) => {
                self.lose(&mut state, ticket, loss, now, &mut effects);
                self.settle(&mut state, now, &mut effects);
                drop(state);
            }
        }
        effects.carry_out(self);
    }

    /// The life that a call was passed on to will not answer it. What may be done again waits for another life, once.
    fn lose(
        self: &Arc<Lane>,
        state: &mut State,
        ticket: Ticket,
        loss: Loss,
        now: Instant,
        effects: &mut Effects,
    ) {
        let Some(call) = state.open.get_mut(ticket) else { return };
        let Stage::Running { life, method, .. } = &call.stage else { return };
        let (life, method) = (Arc::clone(life), *method);
        if matches!(&state.presence, Presence::Serving(serving) if serving.incarnation == life.incarnation)
            && state.doubted_until.is_none()
        {
            state.doubted_until = Some(now + DOUBT);
            self.remind(state, now + DOUBT, DOUBTED);
        }
        let Some(call) = state.open.get_mut(ticket) else { return };
        if call.attempt > 0 || (loss.begun && !life.is_idempotent(method)) {
            let error = refusal::gone(&state.rules.name, life.incarnation, call.method(), &loss.why);
            if let Some(call) = self.close(state, ticket) {
                state.note(&call, now, true);
                effects.answers.push((call, Err(error)));
            }
            return;
        }
        if let Some(name) = life.name_of(method) {
            call.wish.method = name.into();
        }
        call.attempt += 1;
        call.stage = Stage::Waiting(Some(Box::new(Lost { incarnation: life.incarnation, why: loss.why })));
        let (who, is_counted) = (call.who(), call.is_counted);
        state.running -= 1;
        state.queue.push_first(who, ticket);
        if let Some(who) = who.filter(|_| is_counted) {
            self.shared.waits.turn(who, self.plugin, true);
        }
    }

    /// Does for those who wait what follows from where the plugin is.
    fn settle(self: &Arc<Lane>, state: &mut State, now: Instant, effects: &mut Effects) {
        match state.presence {
            Presence::Serving(_) => self.dispatch(state, now, effects),
            Presence::Coming => {}
            Presence::Away(_) | Presence::Ended => {
                while let Some(ticket) = state.queue.pop() {
                    if let Some(call) = self.close(state, ticket) {
                        let error = state.away(&call);
                        effects.answers.push((call, Err(error)));
                    }
                }
                if matches!(state.presence, Presence::Ended) {
                    for ticket in state.open.those(|_| true) {
                        if let Some(call) = self.close(state, ticket) {
                            effects.answers.push((call, Err(refusal::host_ended())));
                        }
                    }
                }
            }
        }
    }

    /// Passes calls that wait on while there are places.
    fn dispatch(self: &Arc<Lane>, state: &mut State, now: Instant, effects: &mut Effects) {
        while !state.queue.is_empty() && state.has_free_place() {
            let Presence::Serving(life) = &state.presence else { return };
            let life = Arc::clone(life);
            let Some(ticket) = state.queue.pop() else { return };
            let Some(call) = state.open.get(ticket) else { continue };
            match self.judge(state, &life, &call.wish, now) {
                Verdict::Answer(answer) => {
                    if let Some(call) = self.close(state, ticket) {
                        effects.answers.push((call, answer));
                    }
                }
                Verdict::PassOn(method) => {
                    if let Some(who) = call.who().filter(|_| call.is_counted) {
                        self.shared.waits.turn(who, self.plugin, false);
                    }
                    let call = self.pass_on(state, ticket, &life, method, now);
                    effects.passed_on.extend(call.map(|call| (life, call)));
                }
            }
        }
    }

    /// The life that was doubted goes on: what it lost is given up, and the others are passed on to it.
    fn trust_again(self: &Arc<Lane>, state: &mut State, effects: &mut Effects) {
        state.doubted_until = None;
        let is_lost = |call: &OpenCall| matches!(call.stage, Stage::Waiting(Some(_)));
        for ticket in state.open.those(is_lost) {
            let Some(call) = state.open.get(ticket) else { continue };
            let error = state.away(call);
            if let Some(call) = self.take_out(state, ticket, effects) {
                effects.answers.push((call, Err(error)));
            }
        }
    }

    fn time_out(self: &Arc<Lane>, state: &mut State, ticket: Ticket, now: Instant, effects: &mut Effects) {
        let Some(call) = self.take_out(state, ticket, effects) else { return };
        if !call.is_waiting() {
            state.note(&call, now, true);
        }
        let error = state.timeout(&call);
        effects.answers.push((call, Err(error)));
    }

    /// Takes a call out, wherever it is; the callee is told if it is at it. Its place is free at once.
    fn take_out(&self, state: &mut State, ticket: Ticket, effects: &mut Effects) -> Option<Box<OpenCall>> {
        let call = self.close(state, ticket)?;
        match &call.stage {
            Stage::Waiting(_) => state.queue.remove(call.who(), ticket),
            Stage::Running { life, .. } => effects.cancelled.push((Arc::clone(life), ticket.id())),
        }
        Some(call)
    }

    /// Strikes a call off the list. If it waits, its ticket must have been taken out of the queue, or will be.
    fn close(&self, state: &mut State, ticket: Ticket) -> Option<Box<OpenCall>> {
        let call = state.open.remove(ticket)?;
        state.running -= u32::from(!call.is_waiting());
        if let Some(who) = call.who().filter(|_| call.is_counted) {
            self.shared.waits.leave(who, self.plugin, call.is_waiting());
        }
        Some(call)
    }

    fn answer(&self, mut call: Box<OpenCall>, answer: Answer, now: Instant) {
        if let Some(span) = call.span.take() {
            self.shared.spans.close(*span, &answer, now);
        }
        call.reply.send(answer);
    }
}

impl State {
    /// Whether a new call may be passed on at once.
    fn has_place(&self) -> bool {
        self.rules.verbs && self.queue.is_empty() && self.has_free_place()
    }

    fn has_free_place(&self) -> bool {
        self.doubted_until.is_none() && self.running < self.rules.limit.map_or(u32::MAX, Into::into)
    }

    fn note(&mut self, call: &OpenCall, now: Instant, failed: bool) {
        if let Stage::Running { since, .. } = &call.stage {
            self.counts.note(*since, now, failed);
        }
    }

    /// Whether the result of that call is to be kept for hard times.
    fn keeps(&self, call: &OpenCall) -> bool {
        let Stage::Running { life, method, .. } = &call.stage else { return false };
        self.rules.records && life.is_cacheable(*method) && self.service.is_normal()
    }

    /// The error of a call that waits for a plugin that is not coming.
    fn away(&self, call: &OpenCall) -> PluginError {
        let name = &self.rules.name;
        match (&call.stage, &self.presence) {
            (_, Presence::Ended) => refusal::host_ended(),
            (Stage::Waiting(Some(lost)), _) => {
                refusal::gone(name, lost.incarnation, call.method(), &lost.why)
            }
            (_, Presence::Away(why)) => refusal::not_running(name, why),
            (_, Presence::Serving(_) | Presence::Coming) => refusal::not_running(name, "it is going away"),
        }
    }

    fn overloaded(&self) -> PluginError {
        let limit = match self.presence {
            Presence::Serving(_) => self.rules.limit.map(Into::into),
            _ => None,
        };
        refusal::overloaded(&self.rules.name, self.queue.len(), limit)
    }

    fn timeout(&self, call: &OpenCall) -> PluginError {
        let deadline = call.deadline.unwrap_or(call.asked);
        let longest = self.rules.timeout.and_then(|timeout| call.asked.checked_add(timeout));
        let time = deadline.saturating_duration_since(call.asked);
        let limit = Limit { time, is_callees: longest == Some(deadline) };
        if !call.is_waiting() {
            return refusal::did_not_answer(call.method(), &limit);
        }
        let why = match &self.presence {
            Presence::Serving(_) if self.doubted_until.is_none() => {
                "as many calls as may be at a time were under way (resources.maxConnections)"
            }
            _ => "it was not up yet",
        };
        refusal::never_had_its_turn(&self.rules.name, call.method(), &limit, why)
    }
}

impl Effects {
    fn carry_out(self, lane: &Lane) {
        if !self.answers.is_empty() {
            let now = Instant::now();
            for (call, answer) in self.answers {
                lane.answer(call, answer, now);
            }
        }
        for (life, call) in self.cancelled {
            life.cancel(call);
        }
        for (life, call) in self.passed_on {
            life.call(call, lane.validates());
        }
    }
}
