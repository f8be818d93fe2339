//! Calls of a native plugin that answers at once: what is left is the way there and back.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
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

/// How many calls are under way at the same time, how many calls a round has, and the nanoseconds beyond the floor that the
/// host should stay within. One at a time is mostly the waking of threads; many show what the work itself costs.
const SIZES: [(u32, u32, Option<f64>); 2] = [(1, 5_000, None), (64, 64_000, Some(100.0))];
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
    for (at_once, calls, most) in SIZES {
        let with_host = || timed(at_once, calls, || Box::pin(through(&host)));
        let floor = || timed(at_once, calls, || Box::pin(bare.call()));
        let times = in_turns(ROUNDS, with_host, floor)?;
        show(sheet, &format!("a call of a native plugin, {at_once} at a time"), calls, &times, most)?;
    }
    wait(host.stop_all())?;
    Ok(())
}

/// Answers with what it is asked.
struct Echo;

impl Plugin for Echo {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::of(&["echo"]))
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        Ok(call.payload)
    }
}

type Called<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

/// The time that so many calls take, so many of which are under way at the same time.
fn timed<'a>(at_once: u32, calls: u32, call: impl Fn() -> Called<'a>) -> Outcome<Duration> {
    let mut context = Context::from_waker(Waker::noop());
    let asked = Instant::now();
    for _ in 0..calls / at_once {
        let mut under_way: Vec<Called<'_>> = (0..at_once).map(|_| call()).collect();
        // One that is answered at once is done; the others are waited for in their order.
        under_way.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
        for call in under_way {
            if !wait(call) {
                return Err("a call failed".into());
            }
        }
    }
    Ok(asked.elapsed())
}

async fn through(host: &Host) -> bool {
    let options = CallOptions { timeout: Some(LIMIT), ..CallOptions::default() };
    host.call("echo", "echo", Json::null(), options).await.is_ok()
}

/// The same plugin on a pool of the same kind, without a host: calls are handed to the instance, and their answers to the
/// one who waits.
struct Bare {
    instance: Arc<dyn Instance>,
    loader: Arc<dyn Loader>,
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
        Ok(Bare { instance, loader })
    }

    async fn call(&self) -> bool {
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.instance.call(Call {
            id: CallId(0),
            method: "echo".into(),
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
