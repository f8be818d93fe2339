//! Calls of a native plugin that answers at once: what is left is the way there and back.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::{Incarnation, PluginId};
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Incoming, Init, NativeLoader, Plugin, Pool};
use hothouse_runtime::{
    Birth, Call, CallId, CallReply, Identity, Inbox, Instance, Json, LineByLine, Loader, LogInlet, LogLine,
    LogSink, OwnCall, Report, Reporter, UnderWay,
};

use semver::Version;

use super::show;
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::startup::hosts::parallel;
use crate::table::Sheet;

/// How many calls are made one after the other in a round.
const ALONE: u32 = 5_000;
/// How many calls are made before the plugin may answer any: so nobody has to be woken for each, which costs much more than
/// the calls and differs from run to run, and both threads have the whole way to go all the same.
const AT_ONCE: u32 = 200;
/// How many times that is done in a round.
const BATCHES: u32 = 200;
/// The nanoseconds beyond the floor that the host should stay within.
const MOST: f64 = 100.0;
const ROUNDS: usize = 15;
/// Every call has a limit, which none comes near.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let host = Host::spawn(HostSettings::default(), || {
        let mut spec = PluginSpec::new("echo", NativeLoader::new(&Pool::new(), || Echo));
        spec.calls.limit = std::num::NonZeroU32::new(1000);
        spec.calls.timeout = Some(LIMIT);
        vec![spec]
    })?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("the plugin did not start".into());
    }
    let bare = Bare::new()?;
    let times = in_turns(ROUNDS, || alone(|| through(&host, "echo")), || alone(|| bare.call("echo")))?;
    show(sheet, "a call of a native plugin, one at a time", ALONE, &times, None)?;
    let times =
        in_turns(ROUNDS, || at_once(|name| through(&host, name)), || at_once(|name| bare.call(name)))?;
    let what = format!("a call of a native plugin, {AT_ONCE} under way");
    show(sheet, &what, AT_ONCE * BATCHES, &times, Some(MOST))?;
    wait(host.stop_all())?;
    Ok(())
}

/// Answers with what it is asked; `hold` answers when the gate is opened, and keeps its thread until then.
struct Echo;

impl Plugin for Echo {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::of(&["echo", "hold"]))
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        if call.method == "hold" {
            GATE.pass();
        }
        Ok(call.payload)
    }
}

static GATE: Gate = Gate { state: Mutex::new((false, false)), changed: Condvar::new() };

/// Holds up one call at a time.
struct Gate {
    /// Whether a call has come to it, and whether it may go on.
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        self.changed.notify_all();
        let waited = self.changed.wait_while(state, |(_, open)| !*open);
        *waited.unwrap_or_else(PoisonError::into_inner) = (false, false);
    }

    fn wait_for_a_call(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(state, |(came, _)| !*came).unwrap_or_else(PoisonError::into_inner));
    }

    fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }
}

/// The time that calls take one after the other.
fn alone<F: Future<Output = bool>>(call: impl Fn() -> F) -> Outcome<Duration> {
    let asked = Instant::now();
    for _ in 0..ALONE {
        if !wait(call()) {
            return Err("a call failed".into());
        }
    }
    Ok(asked.elapsed())
}

/// The time that calls take that are all made before the first is answered.
fn at_once<F: Future<Output = bool>>(call: impl Fn(&'static str) -> F) -> Outcome<Duration> {
    let mut context = Context::from_waker(Waker::noop());
    let mut took = Duration::ZERO;
    for _ in 0..BATCHES {
        let mut held = Box::pin(call("hold"));
        if held.as_mut().poll(&mut context).is_ready() {
            return Err("a call was not held up".into());
        }
        GATE.wait_for_a_call();
        let asked = Instant::now();
        let mut under_way: Vec<_> = (0..AT_ONCE).map(|_| Box::pin(call("echo"))).collect();
        // The plugin's thread is held up, so hardly any is ready; but another thread may have been made for them.
        let mut is_good = true;
        under_way.retain_mut(|call| match call.as_mut().poll(&mut context) {
            Poll::Ready(good) => {
                is_good &= good;
                false
            }
            Poll::Pending => true,
        });
        GATE.open();
        if !under_way.into_iter().all(wait) || !is_good {
            return Err("a call failed".into());
        }
        took += asked.elapsed();
        wait(held);
    }
    Ok(took)
}

async fn through(host: &Host, method: &str) -> bool {
    let options = CallOptions { timeout: Some(LIMIT), ..CallOptions::default() };
    host.call("echo", method, Json::null(), options).await.is_ok()
}

/// The same plugin on a pool of the same kind, without a host: calls are handed to the instance, and their answers to the
/// one who waits.
struct Bare {
    instance: Arc<dyn Instance>,
    loader: Arc<dyn Loader>,
    /// The number of the last call.
    last: AtomicU64,
}

impl Bare {
    fn new() -> Outcome<Bare> {
        let (told, initialized) = mpsc::channel();
        let silent = Arc::new(Silent(Mutex::new(told)));
        let loader: Arc<dyn Loader> = Arc::new(NativeLoader::new(&Pool::new(), || Echo));
        let plugin = PluginId(0);
        let incarnation = Incarnation(1);
        let instance = loader.launch(Birth {
            identity: Arc::new(Identity { plugin, name: "echo".into(), version: Version::new(0, 0, 0) }),
            incarnation,
            config: Json::null(),
            context: Json::null(),
            capabilities: [].into(),
            reporter: Reporter::new(Arc::clone(&silent) as Arc<dyn Inbox>, plugin, incarnation, silent),
        });
        loader.flush();
        initialized.recv()?;
        Ok(Bare { instance, loader, last: AtomicU64::new(0) })
    }

    async fn call(&self, method: &str) -> bool {
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.instance.call(Call {
            id: CallId(self.last.fetch_add(1, Ordering::Relaxed)),
            method: method.into(),
            payload: Json::null(),
            deadline: Instant::now().checked_add(LIMIT),
            caller: None,
            traceparent: None,
            idempotency_key: None,
            reply: CallReply::new(move |answer| drop(sender.send(answer))),
        });
        self.loader.flush();
        matches!(answer.await, Ok(Ok(_)))
    }
}

/// Hears when the plugin is initialised, and nothing else.
struct Silent(Mutex<Sender<()>>);

impl Inbox for Silent {
    fn take(&self, _: PluginId, _: Incarnation, report: Report) {
        if matches!(report, Report::Answer(_)) {
            // Later answers are nobody's.
            let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(());
        }
    }

    fn call(&self, _: PluginId, _: Incarnation, _: OwnCall) -> UnderWay {
        UnderWay::default()
    }
}

impl LogSink for Silent {
    fn line(&self, _: LogLine) {}

    fn inlet(&self) -> Box<dyn LogInlet> {
        let (told, _) = mpsc::channel();
        Box::new(LineByLine(Arc::new(Silent(Mutex::new(told)))))
    }
}
