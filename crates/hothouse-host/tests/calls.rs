//! Calls in real hosts with native plugins: waiting, giving up, dying, coming back.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, CallSettings, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::input::Targets;
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, Method, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};

/// A gate that calls come to and wait at until the test lets them through.
#[derive(Default)]
struct Gate {
    state: Mutex<(u64, bool)>,
    changed: Condvar,
}

impl Gate {
    fn come(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, open)| !*open).unwrap());
    }

    fn wait_for(&self, came: u64) {
        let state = self.state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let (state, late) =
            self.changed.wait_timeout_while(state, limit, |(so_far, _)| *so_far < came).unwrap();
        drop(state);
        assert!(!late.timed_out(), "nobody came");
    }

    /// Says that something has changed that somebody may wait for.
    fn tell(&self) {
        drop(self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// What all lives of all plugins of a test share.
#[derive(Default)]
struct Shared {
    gate: Gate,
    /// How often `once` was begun, over all lives.
    begun: AtomicU64,
    dropped: AtomicU64,
    starting: Gate,
    slow_start: Mutex<bool>,
}

struct Actor {
    shared: Arc<Shared>,
    host: Mutex<Option<(HostHandle, u64)>>,
}

/// Counts that a call was dropped before its end.
struct Dropped(Arc<Shared>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
        self.0.gate.tell();
    }
}

impl Plugin for Actor {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        *self.host.lock().unwrap() = Some((init.host, init.incarnation.0));
        let plain = ["life", "hang", "gate", "crash", "ask"].map(Method::named);
        let once = Method { idempotent: true, ..Method::named("once") };
        Ok(Description { methods: plain.into_iter().chain([once]).collect(), ..Description::default() })
    }

    async fn start(&self) -> Result<(), PluginError> {
        if *self.shared.slow_start.lock().unwrap() {
            self.shared.starting.come();
        }
        Ok(())
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        let (host, incarnation) = self.host.lock().unwrap().clone().unwrap();
        match call.method.as_str() {
            "hang" => {
                let dropped = Dropped(Arc::clone(&self.shared));
                self.shared.begun.fetch_add(1, Ordering::SeqCst);
                self.shared.gate.tell();
                std::future::pending::<()>().await;
                drop(dropped);
            }
            "gate" => self.shared.gate.come(),
            "crash" => panic!("no such luck"),
            "once" if self.shared.begun.fetch_add(1, Ordering::SeqCst) == 0 => self.shared.gate.come(),
            "ask" => {
                let (target, method): (String, String) = call.payload.read().unwrap();
                let options = CallOptions {
                    timeout: Some(Duration::from_secs(60)),
                    traceparent: call.traceparent,
                    ..CallOptions::default()
                };
                return Ok(host.call(&target, &method, call.payload, options).await?.result);
            }
            _ => {}
        }
        Ok(Json::of(&incarnation).unwrap())
    }
}

struct Stage {
    host: Host,
    shared: Arc<Shared>,
}

impl Stage {
    fn new(calls: CallSettings, specs: impl Fn(&dyn Fn(&str) -> PluginSpec) -> Vec<PluginSpec>) -> Stage {
        let (pool, shared) = (Pool::new(), Arc::<Shared>::default());
        let spec = |name: &str| {
            let shared = Arc::clone(&shared);
            PluginSpec::new(
                name,
                NativeLoader::new(&pool, move || Actor {
                    shared: Arc::clone(&shared),
                    host: Mutex::default(),
                }),
            )
        };
        let specs = specs(&spec);
        let settings =
            HostSettings { stop_timeout: Duration::from_millis(50), calls, ..HostSettings::default() };
        let host = Host::spawn(settings, move || specs).unwrap();
        assert!(wait(host.orchestrate_startup(&parallel())).unwrap().all_successful());
        Stage { host, shared }
    }

    fn one() -> Stage {
        Stage::new(CallSettings::default(), |spec| vec![spec("db")])
    }

    fn call(&self, plugin: &str, method: &str, timeout: Option<Duration>) -> Result<Json, PluginError> {
        wait(self.host.call(plugin, method, Json::null(), timeout.into())).map(|answer| answer.result)
    }

    /// Makes a call elsewhere.
    fn begin(
        &self,
        plugin: &'static str,
        method: &'static str,
    ) -> mpsc::Receiver<Result<String, PluginError>> {
        let (told, answer) = mpsc::channel();
        let host = self.host.clone();
        thread::spawn(move || {
            let answer = wait(host.call(plugin, method, Json::null(), CallOptions::default()));
            told.send(answer.map(|answer| answer.result.as_str().to_owned()))
        });
        answer
    }

    fn restart(&self) -> thread::JoinHandle<()> {
        let host = self.host.clone();
        thread::spawn(move || {
            let db = host.named("db").unwrap();
            wait(host.restart(Targets::Some(vec![db]), &parallel())).unwrap();
        })
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Shared) -> bool) {
        let state = self.shared.gate.state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let waited =
            self.shared.gate.changed.wait_timeout_while(state, limit, |_| !holds(&self.shared)).unwrap();
        assert!(!waited.1.timed_out(), "{what}");
    }
}

fn parallel() -> StartupOptions {
    StartupOptions { parallel: true, ..StartupOptions::default() }
}

fn within<T>(answer: &mpsc::Receiver<T>) -> T {
    answer.recv_timeout(Duration::from_secs(60)).expect("it was never answered")
}

#[test]
fn a_deadline_ends_the_wait_and_the_call() {
    let stage = Stage::one();
    let asked = Instant::now();
    let error = stage.call("db", "hang", Some(Duration::from_millis(30))).unwrap_err();
    assert_eq!(error.to_string(), "TIMEOUT: `hang` did not answer within 30 ms");
    assert!(asked.elapsed() >= Duration::from_millis(30));
    stage.wait_until("the callee was not told", |shared| shared.dropped.load(Ordering::SeqCst) == 1);
    assert_eq!(stage.host.call_counts("db").unwrap().failed, 1);
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn a_dropped_future_cancels_the_call() {
    let stage = Stage::one();
    {
        let mut call = pin!(stage.host.call("db", "hang", Json::null(), CallOptions::default()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        stage.wait_until("it never began", |shared| shared.begun.load(Ordering::SeqCst) == 1);
        assert_eq!(stage.host.call_counts("db").unwrap().running, 1);
    }
    assert_eq!(stage.host.call_counts("db").unwrap().running, 0, "its place is free at once");
    stage.wait_until("the callee was not told", |shared| shared.dropped.load(Ordering::SeqCst) == 1);
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn who_was_called_and_died_is_named_with_the_cause() {
    let stage = Stage::one();
    let error = stage.call("db", "crash", None).unwrap_err();
    assert!(error.code == "GONE" && error.retryable, "{error}");
    let expected = "life 1 of `db` did not answer `crash`: it panicked: no such luck";
    assert!(error.message.starts_with(expected), "{error}");
    let error = stage.call("db", "life", None).unwrap_err();
    assert!(error.to_string().starts_with("NOT_RUNNING: `db` does not serve: it failed at run: "), "{error}");
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn calls_during_a_restart_wait_for_the_next_life() {
    let stage = Stage::one();
    *stage.shared.slow_start.lock().unwrap() = true;
    let restart = stage.restart();
    stage.shared.starting.wait_for(1);
    let waiting = stage.begin("db", "life");
    let impatient = stage.call("db", "life", Some(Duration::from_millis(20))).unwrap_err();
    assert_eq!(
        impatient.to_string(),
        "TIMEOUT: `life` was not passed on to `db` within 20 ms: it was not up yet"
    );
    stage.shared.starting.open();
    assert_eq!(within(&waiting).unwrap(), "2");
    restart.join().unwrap();
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn an_idempotent_call_survives_a_restart_and_others_are_told() {
    let stage = Stage::one();
    let idempotent = stage.begin("db", "once");
    stage.shared.gate.wait_for(1);
    let other = stage.begin("db", "hang");
    stage.wait_until("it never began", |shared| shared.begun.load(Ordering::SeqCst) == 2);
    let restart = stage.restart();
    let error = within(&other).unwrap_err();
    assert!(error.code == "GONE" && error.retryable, "{error}");
    // The first life would still answer if it was let go on before it is over.
    restart.join().unwrap();
    stage.shared.gate.open();
    assert_eq!(within(&idempotent).unwrap(), "2", "answered by the second life");
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn too_many_calls_are_refused() {
    let calls = CallSettings { queue: 2, ..CallSettings::default() };
    let stage = Stage::new(calls, |spec| {
        let mut db = spec("db");
        db.calls.limit = NonZeroU32::new(1);
        vec![db]
    });
    let running = stage.begin("db", "gate");
    stage.shared.gate.wait_for(1);
    let waiting = [stage.begin("db", "life"), stage.begin("db", "life")];
    while stage.host.call_counts("db").unwrap().waiting < 2 {
        thread::yield_now();
    }
    let error = stage.call("db", "life", None).unwrap_err();
    assert!(error.code == "OVERLOADED" && error.retryable, "{error}");
    stage.shared.gate.open();
    assert!(within(&running).is_ok() && waiting.iter().all(|answer| within(answer).is_ok()));
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn plugins_that_may_call_one_another_are_kept_from_waiting_in_a_circle() {
    let stage = Stage::new(CallSettings::default(), |spec| {
        let mut a = spec("a").may_call("b");
        a.calls.limit = NonZeroU32::new(1);
        vec![a, spec("b").may_call("a")]
    });
    // `b` asks `a`, which has no place left, because it waits for `b`.
    let payload = Json::parse(r#"["b", "ask"]"#).unwrap();
    let error = wait(stage.host.call("a", "ask", payload, Duration::from_secs(60).into())).unwrap_err();
    // What `b` is asked is `["b", "ask"]` as well: it may not call itself.
    assert_eq!(error.code, "NOT_GRANTED");
    let stage = Stage::new(CallSettings::default(), |spec| {
        let mut a = spec("a").may_call("a");
        a.calls.limit = NonZeroU32::new(1);
        vec![a]
    });
    let payload = Json::parse(r#"["a", "ask"]"#).unwrap();
    let error = wait(stage.host.call("a", "ask", payload, Duration::from_secs(60).into())).unwrap_err();
    assert_eq!(error.to_string(), "CALL_CYCLE: this call would wait for itself: `a` → `a`");
}

#[test]
fn a_trace_shows_the_calls_that_a_call_led_to() {
    let stage = Stage::new(CallSettings::default(), |spec| vec![spec("db"), spec("web").needs("db")]);
    let trace = stage.host.begin_trace();
    let options = CallOptions { traceparent: Some(trace.traceparent()), ..CallOptions::default() };
    let payload = Json::parse(r#"["db", "life"]"#).unwrap();
    wait(stage.host.call("web", "ask", payload, options)).unwrap();
    let spans = stage.host.spans(trace);
    let told: Vec<_> = spans.iter().map(|span| (span.plugin.as_str(), span.caller.as_deref())).collect();
    assert_eq!(told, [("web", None), ("db", Some("web"))]);
    assert_eq!(spans[1].parent, Some(spans[0].id));
    assert!(spans[0].took >= spans[1].took);
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn every_call_is_answered_while_the_plugin_is_restarted_again_and_again() {
    let stage = Stage::one();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (host, done) = (stage.host.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let (mut good, mut gone) = (0_u32, 0_u32);
                while !done.load(Ordering::Relaxed) {
                    match wait(host.call("db", "life", Json::null(), Duration::from_secs(60).into())) {
                        Ok(_) => good += 1,
                        Err(error) if error.code == "GONE" && error.retryable => gone += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                (good, gone)
            })
        })
        .collect();
    for _ in 0..20 {
        stage.restart().join().unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let good: u32 = callers.into_iter().map(|caller| caller.join().unwrap().0).sum();
    assert!(good > 20, "they were answered between the restarts: {good}");
    let counts = stage.host.call_counts("db").unwrap();
    assert_eq!((counts.running, counts.waiting), (0, 0));
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn a_host_that_ends_leaves_nobody_waiting() {
    let stage = Stage::one();
    let hanging = stage.begin("db", "hang");
    stage.wait_until("it never began", |shared| shared.begun.load(Ordering::SeqCst) == 1);
    wait(stage.host.stop_all()).unwrap();
    assert_eq!(within(&hanging).unwrap_err().code, "GONE");
}
