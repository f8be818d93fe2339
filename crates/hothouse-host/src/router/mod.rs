//! The router: every call, from wherever it comes, to the plugin that serves, and the answer back.
//!
//! Calls do not pass the loop. The loop says where every plugin is ([`Router::publish`]) and what it serves
//! ([`Router::set_service`]); callers find the plugin's [lane](Lane), and the instance answers into it. What a call may
//! and how it ends is decided here only as far as it is about that one call. Whether a plugin runs, is restarted or falls
//! back is the kernel's decision.
//!
//! What holds for every call:
//! * It is answered exactly once, unless its caller gives it up.
//! * The caller's deadline and the callee's `resources.timeout` hold, whichever is earlier. They are kept by the loop's
//!   timer, so they are exact to about a millisecond.
//! * Who gives up, by the deadline or by dropping the future, frees the place at once; the callee is told to cancel and may
//!   take its time over that.
//! * An answer of a life that is over is dropped. Who waited for it learns so at once, or, if the method is declared
//!   `idempotent` or the plugin had not begun with it, gets the answer of the next life.
//! * Calls of a plugin that is on its way up wait for it until their deadline.

mod alarm;
mod cache;
mod canonical;
mod counts;
mod deadlines;
mod lane;
mod life;
mod open;
mod queue;
mod refusal;
mod schemas;
#[cfg(test)]
mod tests;
mod trace;
mod waits;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use hothouse_kernel::degradation::Service;
use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::{OwnCall, UnderWay};
use tokio::sync::Notify;

use self::alarm::Alarm;
use self::cache::Cache;
use self::trace::Spans;
use self::waits::Waits;

pub use self::counts::CallCounts;
pub(crate) use self::counts::Totals;
use self::lane::Lane;
pub(crate) use self::lane::Presence;
pub(crate) use self::life::Life;
pub(crate) use self::open::{AnswerTo, OpenCall, Ticket, Wish};
pub(crate) use self::refusal::exported_instead;
pub(crate) use self::schemas::wrong_schema;
pub use self::trace::{CallSpan, Trace};

/// Every lane of a host.
pub(crate) struct Router {
    /// Replaced as a whole, so that a call finds its lane without waiting, whoever else calls.
    lanes: ArcSwap<Lanes>,
    shared: Arc<Shared>,
    ended: AtomicBool,
}

#[derive(Default)]
struct Lanes {
    by_name: HashMap<Arc<str>, Arc<Lane>, RandomState>,
    /// A lane is never taken away.
    by_plugin: Vec<Arc<Lane>>,
}

/// A call that has been taken in.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    plugin: PluginId,
    ticket: Ticket,
}

/// What all lanes use.
struct Shared {
    alarm: Alarm,
    waits: Waits,
    cache: Cache,
    spans: Spans,
    names: Names,
    /// Whether arguments and results are validated (`host.calls.validate`).
    validates: AtomicBool,
}

/// The names of all plugins, by their numbers.
#[derive(Default)]
struct Names(RwLock<Vec<Arc<str>>>);

/// What holds for the calls of one plugin.
pub(crate) struct Rules {
    pub(crate) name: Arc<str>,
    /// What runs it, for messages.
    pub(crate) runtime: &'static str,
    /// Whether it can be called at all.
    pub(crate) verbs: bool,
    /// How many calls it is at at a time (`resources.maxConnections`).
    pub(crate) limit: Option<NonZeroU32>,
    /// The longest that any call may take (`resources.timeout`).
    pub(crate) timeout: Option<Duration>,
    /// How many calls may wait for it (`host.calls.queue`).
    pub(crate) queue: usize,
    /// Whom it may call.
    pub(crate) may_call: Box<[Arc<str>]>,
    /// Whether its good results are kept for hard times.
    pub(crate) records: bool,
}

/// All that changes with the configuration.
pub(crate) struct Declaration {
    /// Every number that there is, with what holds for it, in the order of the numbers; `false`: it is declared no more.
    pub(crate) plugins: Vec<(Rules, bool)>,
    /// Whether plugins may call one another in a circle.
    pub(crate) circles: bool,
    /// How many bytes of results are kept (`host.calls.cacheBytes`).
    pub(crate) cache_bytes: usize,
    /// Whether arguments and results are held against the schemas that plugins declare (`host.calls.validate`).
    pub(crate) validates: bool,
}

impl Router {
    /// A router without lanes. `wake` wakes the loop.
    pub(crate) fn new(wake: Arc<Notify>) -> Router {
        let shared = Shared {
            alarm: Alarm::new(wake),
            waits: Waits::default(),
            cache: Cache::default(),
            spans: Spans::new(),
            names: Names::default(),
            validates: AtomicBool::new(false),
        };
        Router { lanes: ArcSwap::default(), shared: Arc::new(shared), ended: AtomicBool::new(false) }
    }

    /// Takes a configuration. Lanes that there are go on with whatever is in them.
    pub(crate) fn declare(&self, declaration: Declaration) {
        self.shared.cache.set_limit(declaration.cache_bytes);
        self.shared.validates.store(declaration.validates, Ordering::Relaxed);
        self.shared.waits.set_possible(declaration.circles);
        let names = declaration.plugins.iter().map(|(rules, _)| Arc::clone(&rules.name)).collect();
        *self.shared.names.0.write().unwrap_or_else(PoisonError::into_inner) = names;
        let old = &self.lanes.load().by_plugin;
        let mut new = Lanes::default();
        for (plugin, (rules, is_declared)) in (0..).map(PluginId).zip(declaration.plugins) {
            let name = Arc::clone(&rules.name);
            let lane = match old.get(plugin.index()) {
                Some(lane) => {
                    lane.set_rules(Arc::new(rules));
                    Arc::clone(lane)
                }
                None => Arc::new(Lane::new(plugin, Arc::clone(&self.shared), Arc::new(rules))),
            };
            if is_declared {
                new.by_name.insert(name, Arc::clone(&lane));
            } else {
                self.shared.cache.forget(plugin);
            }
            new.by_plugin.push(lane);
        }
        self.lanes.store(Arc::new(new));
    }

    /// The loop says where a plugin is; see [`Lane::publish`].
    pub(crate) fn publish(
        &self,
        plugin: PluginId,
        presence: Presence,
        alive: Option<Incarnation>,
        why_gone: impl FnOnce() -> String,
    ) {
        self.in_lane(plugin, |lane| lane.publish(presence, alive, why_gone));
    }

    /// The loop says what a plugin serves. It holds from the next call on.
    pub(crate) fn set_service(&self, plugin: PluginId, service: Arc<Service>) {
        self.in_lane(plugin, |lane| lane.set_service(service));
    }

    /// A call of somebody who is no plugin. `None`: it has been answered.
    pub(crate) fn call(&self, target: &str, call: Box<OpenCall>) -> Option<Asked> {
        let lanes = self.lanes.load();
        let Some(lane) = lanes.by_name.get(target) else {
            let error = match self.ended.load(Ordering::Acquire) {
                true => refusal::host_ended(),
                false => refusal::unknown_plugin(target),
            };
            call.reply.send(Err(error));
            return None;
        };
        let ticket = lane.ask(call)?;
        Some(Asked { plugin: lane.plugin(), ticket })
    }

    /// Nobody waits for that call any more.
    pub(crate) fn cancel(&self, asked: Asked) {
        self.in_lane(asked.plugin, |lane| lane.cancel(asked.ticket));
    }

    /// A call of a plugin. It may call those that it depends on, and those that it was granted.
    pub(crate) fn call_of(
        self: &Arc<Router>,
        plugin: PluginId,
        incarnation: Incarnation,
        call: OwnCall,
    ) -> UnderWay {
        let OwnCall { target, method, payload, options, reply } = call;
        let asked = Instant::now();
        let deadline = options.deadline(asked);
        let caller = self
            .in_lane(plugin, |lane| lane.may_call(incarnation, &target))
            .unwrap_or_else(|| Err(refusal::host_ended()));
        let caller = match caller {
            Ok(caller) => caller,
            Err(error) => {
                reply.send(Err(error));
                return UnderWay::default();
            }
        };
        let wish = Wish {
            method,
            payload,
            traceparent: options.traceparent,
            idempotency_key: options.idempotency_key,
        };
        let reply = AnswerTo::Plugin(reply);
        match self.call(&target, OpenCall::new(wish, Some(caller), asked, deadline, reply)) {
            Some(asked) => {
                let router = Arc::clone(self);
                UnderWay::cancelled_by(move || router.cancel(asked))
            }
            None => UnderWay::default(),
        }
    }

    /// When a caller's time is up next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.shared.alarm.next()
    }

    /// Answers those whose time is up.
    pub(crate) fn expire(&self, now: Instant) {
        while let Some((alarm, plugin)) = self.shared.alarm.pop_due(now) {
            let next = self.in_lane(plugin, |lane| lane.expire(alarm, now)).flatten();
            if let Some(next) = next {
                self.shared.alarm.set(next, plugin);
            }
        }
    }

    /// What is counted of the calls of a plugin.
    pub(crate) fn counts(&self, plugin: PluginId) -> CallCounts {
        self.in_lane(plugin, |lane| lane.counts()).unwrap_or_default()
    }

    /// What has become of the calls of a plugin so far.
    pub(crate) fn totals(&self, plugin: PluginId) -> Totals {
        self.in_lane(plugin, |lane| lane.totals()).unwrap_or_default()
    }

    /// A trace to make calls with.
    pub(crate) fn begin_trace(&self) -> Trace {
        self.shared.spans.begin()
    }

    /// What is kept of a trace.
    pub(crate) fn spans(&self, trace: Trace) -> Vec<CallSpan> {
        self.shared.spans.of(trace)
    }

    /// The loop has ended: nobody will be answered any more, and everybody is told so.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        for lane in &self.lanes.load().by_plugin {
            lane.publish(Presence::Ended, None, || "the host has ended".into());
        }
    }

    fn in_lane<T>(&self, plugin: PluginId, what: impl FnOnce(&Arc<Lane>) -> T) -> Option<T> {
        self.lanes.load().by_plugin.get(plugin.index()).map(what)
    }
}

impl Names {
    fn of(&self, plugin: PluginId) -> String {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(plugin.index()).map_or_else(|| plugin.to_string(), ToString::to_string)
    }
}
