//! Traces of calls: which call led to which, and where the time went.
//!
//! A call is traced if it carries a W3C trace context that says so (the flag `sampled`). The router gives every traced call
//! a number of its own and passes that on to the callee as the new context; a callee that passes it on with its own calls
//! has them shown below it. Of all traced calls the last ones are kept, and of the others nothing.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::open::Answer;

/// So many finished calls are kept.
const KEPT: usize = 256;

/// A trace that an operator or the embedding program begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace {
    id: u128,
    root: u64,
}

impl Trace {
    /// The trace context to make calls with: `00-…-…-01`.
    pub fn traceparent(&self) -> String {
        Context { trace: self.id, span: self.root }.to_string()
    }
}

impl fmt::Display for Trace {
    /// Its number, as it stands in a trace context.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

/// One finished call of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSpan {
    /// Its number.
    pub id: u64,
    /// The call that led to it; `None`: it is the first one, or that call is not known here.
    pub parent: Option<u64>,
    /// The plugin that called; `None`: an operator or the embedding program.
    pub caller: Option<String>,
    /// The plugin that was called.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// When it was asked for, from when the first call of the trace was.
    pub start: Duration,
    /// How long it waited before it was passed on; all of it if it never was.
    pub waited: Duration,
    /// How long it took altogether.
    pub took: Duration,
    /// `ok`, `stale`, or the code of the error.
    pub outcome: String,
}

/// A trace context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Context {
    trace: u128,
    span: u64,
}

impl Context {
    /// Reads one; `None` if it is none, or the trace is not to be kept.
    fn read(text: &str) -> Option<Context> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, len| {
            text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !is_hex(version, 2)
            || version == "ff"
            || !is_hex(trace, 32)
            || !is_hex(span, 16)
            || !is_hex(flags, 2)
        {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        let trace = u128::from_str_radix(trace, 16).ok()?;
        let span = u64::from_str_radix(span, 16).ok()?;
        (sampled && trace != 0 && span != 0).then_some(Context { trace, span })
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

/// A traced call that is not finished.
pub(super) struct OpenSpan {
    context: Context,
    parent: u64,
    caller: Option<String>,
    plugin: String,
    method: String,
    asked: Instant,
    passed_on: Option<Instant>,
}

impl OpenSpan {
    /// The context for the callee.
    pub(super) fn traceparent(&self) -> String {
        self.context.to_string()
    }

    /// It is passed on; of several times the first counts.
    pub(super) fn passed_on(&mut self, now: Instant) {
        self.passed_on.get_or_insert(now);
    }
}

/// The finished calls that are kept, and where new numbers come from.
pub(super) struct Spans {
    finished: Mutex<VecDeque<(u128, Instant, CallSpan)>>,
    seed: u64,
    last: AtomicU64,
}

impl Spans {
    pub(super) fn new() -> Spans {
        // Unlike in any other run, which is all that is needed of it.
        let seed = RandomState::new().build_hasher().finish();
        Spans { finished: Mutex::default(), seed, last: AtomicU64::new(0) }
    }

    /// A trace that nobody else has.
    pub(super) fn begin(&self) -> Trace {
        let id = u128::from(self.number()) << 64 | u128::from(self.number());
        Trace { id, root: self.number() }
    }

    /// A call has come in. `None`: it is not traced.
    pub(super) fn open(
        &self,
        traceparent: &str,
        caller: Option<&str>,
        plugin: &str,
        method: &str,
        asked: Instant,
    ) -> Option<Box<OpenSpan>> {
        let parent = Context::read(traceparent)?;
        Some(Box::new(OpenSpan {
            context: Context { span: self.number(), ..parent },
            parent: parent.span,
            caller: caller.map(Into::into),
            plugin: plugin.into(),
            method: method.into(),
            asked,
            passed_on: None,
        }))
    }

    /// The call is finished.
    pub(super) fn close(&self, span: OpenSpan, answer: &Answer, now: Instant) {
        let outcome = match answer {
            Ok(answer) if answer.stale.is_some() => "stale",
            Ok(_) => "ok",
            Err(error) => &error.code,
        };
        let took = now.saturating_duration_since(span.asked);
        let waited = span.passed_on.map_or(took, |at| at.saturating_duration_since(span.asked));
        let finished = CallSpan {
            id: span.context.span,
            parent: Some(span.parent),
            caller: span.caller,
            plugin: span.plugin,
            method: span.method,
            start: Duration::ZERO,
            waited,
            took,
            outcome: outcome.into(),
        };
        let mut all = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back((span.context.trace, span.asked, finished));
    }

    /// The finished calls of a trace, in the order in which they were asked for.
    pub(super) fn of(&self, trace: Trace) -> Vec<CallSpan> {
        let all = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = all.iter().filter(|(id, ..)| *id == trace.id);
        let mut found: Vec<_> = of_it.map(|(_, asked, span)| (*asked, span.clone())).collect();
        drop(all);
        found.sort_by_key(|(asked, _)| *asked);
        let first = found.first().map(|(asked, _)| *asked);
        let known: Vec<u64> = found.iter().map(|(_, span)| span.id).collect();
        let relative = |(asked, mut span): (Instant, CallSpan)| {
            span.start = first.map_or(Duration::ZERO, |first| asked.saturating_duration_since(first));
            span.parent = span.parent.filter(|parent| known.contains(parent));
            span
        };
        found.into_iter().map(relative).collect()
    }

    /// A number that is not 0, and unlike any other one of this run.
    fn number(&self) -> u64 {
        loop {
            let count = self.last.fetch_add(1, Ordering::Relaxed);
            // A bijection of the count (splitmix64), so that no two are alike.
            let mut mixed = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            if mixed != 0 {
                return mixed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_runtime::Json;
    use hothouse_runtime::contract::PluginError;

    #[test]
    fn only_a_sampled_context_is_traced() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(Context::read(good).unwrap().to_string(), good);
        assert!(Context::read(&format!("{good}-more")).is_some(), "a later version may say more");
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Context::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_trace_shows_what_led_to_what() {
        let spans = Spans::new();
        let trace = spans.begin();
        let asked = Instant::now();
        let at = |ms| asked + Duration::from_millis(ms);
        let mut outer = spans.open(&trace.traceparent(), None, "web", "page", asked).unwrap();
        outer.passed_on(at(1));
        let mut inner = spans.open(&outer.traceparent(), Some("web"), "db", "get", at(2)).unwrap();
        inner.passed_on(at(4));
        spans.close(*inner, &Err(PluginError::new("NO_ROW", "none")), at(7));
        spans.close(*outer, &Ok(Json::null().into()), at(9));
        let seen = spans.of(trace);
        let ms = Duration::from_millis;
        let times = seen.iter().map(|span| (span.start, span.waited, span.took)).collect::<Vec<_>>();
        assert_eq!(times, [(ms(0), ms(1), ms(9)), (ms(2), ms(2), ms(5))]);
        assert_eq!((seen[0].parent, seen[1].parent), (None, Some(seen[0].id)));
        assert_eq!((seen[0].outcome.as_str(), seen[1].outcome.as_str()), ("ok", "NO_ROW"));
        assert_eq!(seen[1].caller.as_deref(), Some("web"));
        assert_eq!(spans.of(spans.begin()), []);
    }

    #[test]
    fn the_last_ones_are_kept() {
        let spans = Spans::new();
        let trace = spans.begin();
        let now = Instant::now();
        for _ in 0..KEPT + 10 {
            let span = spans.open(&trace.traceparent(), None, "db", "get", now).unwrap();
            spans.close(*span, &Ok(Json::null().into()), now);
        }
        assert_eq!(spans.of(trace).len(), KEPT);
    }
}
