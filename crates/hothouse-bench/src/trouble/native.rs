//! A native plugin that panics, until its next life has answered a call: beside the same without a host, where the one who
//! sees the end launches it again.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::{Answer, Incarnation, PluginId};
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Incoming, Init, NativeLoader, Plugin, Pool};
use hothouse_runtime::{
    Birth, Call, CallId, CallReply, Identity, Inbox, Instance, Json, LineByLine, Loader, LogInlet, LogLine,
    LogSink, OwnCall, Report, Reporter, UnderWay,
};
use semver::Version;

use super::{AT_ONCE, restarted, rows};
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::processors::on_one;
use crate::startup::Nothing;
use crate::startup::hosts::{LIMIT, parallel};
use crate::table::{Sheet, Target};

/// How many plugins there are, and how many rounds.
const SIZES: [(usize, usize); 2] = [(10, 2_000), (100_000, 2_000)];
/// The milliseconds that are to be expected.
const MOST: Target = Target::Value(0.045);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for (plugins, rounds) in SIZES {
        let what = format!("native panic to the next life's first answer, of {plugins}");
        on_one(|| compare(sheet, &what, (plugins, rounds), Some(MOST)))?;
        compare(sheet, &format!("{what}, on any processor"), (plugins, rounds), None)?;
    }
    Ok(())
}

fn compare(
    sheet: &mut dyn Sheet,
    what: &str,
    (plugins, rounds): (usize, usize),
    most: Option<Target>,
) -> Outcome<()> {
    let host = host(plugins)?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("a plugin did not start".into());
    }
    let mut floor = Bare::new()?;
    let times = in_turns(rounds, || crashed(&host), || floor.crashed())?;
    sheet.rows(&rows(what, &times, most, None))?;
    wait(host.stop_all())?;
    Ok(())
}

/// Panics when it is asked to.
struct Fragile;

impl Plugin for Fragile {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::of(&["crash", "echo"]))
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        match call.method.as_str() {
            "crash" => panic!("it was asked to"),
            _ => Ok(call.payload),
        }
    }
}

fn host(plugins: usize) -> Outcome<Host> {
    let settings = HostSettings { restart: AT_ONCE, ..HostSettings::default() };
    Ok(Host::spawn(settings, move || {
        let pool = Pool::new();
        let mut specs = vec![restarted(PluginSpec::new("fragile", NativeLoader::new(&pool, || Fragile)))];
        let other = |number| PluginSpec::new(format!("other-{number}"), NativeLoader::new(&pool, || Nothing));
        specs.extend((1..plugins).map(other));
        specs
    })?)
}

fn crashed(host: &Host) -> Outcome<Duration> {
    let options = || CallOptions { timeout: Some(LIMIT), ..CallOptions::default() };
    let began = Instant::now();
    match wait(host.call("fragile", "crash", Json::null(), options())) {
        Err(error) if error.code == "GONE" => {}
        other => return Err(format!("it did not crash: {other:?}").into()),
    }
    wait(host.call("fragile", "echo", Json::null(), options()))?;
    Ok(began.elapsed())
}

/// The plugin without a host.
struct Bare {
    loader: Arc<dyn Loader>,
    instance: Arc<dyn Instance>,
    heard: Receiver<Heard>,
    inbox: Arc<Ear>,
    life: u64,
}

/// What it takes to bring it back.
enum Heard {
    Initialized,
    Started,
    Gone,
}

impl Bare {
    fn new() -> Outcome<Bare> {
        let (told, heard) = mpsc::channel();
        let inbox = Arc::new(Ear(Mutex::new(told)));
        let loader: Arc<dyn Loader> = Arc::new(NativeLoader::new(&Pool::new(), || Fragile));
        let instance = launch(&loader, &inbox, 1);
        let mut bare = Bare { loader, instance, heard, inbox, life: 1 };
        bare.greet()?;
        Ok(bare)
    }

    fn greet(&mut self) -> Outcome<()> {
        self.loader.flush();
        while !matches!(self.heard.recv()?, Heard::Initialized) {}
        self.instance.start();
        self.loader.flush();
        while !matches!(self.heard.recv()?, Heard::Started) {}
        Ok(())
    }

    fn crashed(&mut self) -> Outcome<Duration> {
        let began = Instant::now();
        if wait(self.call("crash")).is_ok() {
            return Err("it did not crash".into());
        }
        while !matches!(self.heard.recv()?, Heard::Gone) {}
        self.life += 1;
        self.instance = launch(&self.loader, &self.inbox, self.life);
        self.greet()?;
        wait(self.call("echo"))?;
        Ok(began.elapsed())
    }

    async fn call(&self, method: &str) -> Outcome<Json> {
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.instance.call(Call {
            id: CallId(self.life),
            method: method.into(),
            payload: Json::null(),
            deadline: Instant::now().checked_add(LIMIT),
            caller: None,
            traceparent: None,
            idempotency_key: None,
            reply: CallReply::new(move |answer| drop(sender.send(answer))),
        });
        self.loader.flush();
        Ok(answer.await??)
    }
}

fn launch(loader: &Arc<dyn Loader>, inbox: &Arc<Ear>, life: u64) -> Arc<dyn Instance> {
    let (plugin, incarnation) = (PluginId(0), Incarnation(life));
    let listener = Arc::clone(inbox) as Arc<dyn Inbox>;
    loader.launch(Birth {
        identity: Arc::new(Identity { plugin, name: "fragile".into(), version: Version::new(0, 0, 0) }),
        incarnation,
        config: Json::null(),
        context: Json::null(),
        capabilities: [].into(),
        reporter: Reporter::new(listener, plugin, incarnation, Arc::clone(inbox) as Arc<dyn LogSink>),
    })
}

/// Hears what counts.
struct Ear(Mutex<Sender<Heard>>);

impl Inbox for Ear {
    fn take(&self, _: PluginId, _: Incarnation, report: Report) {
        let heard = match report {
            Report::Answer(Answer::Initialized) => Heard::Initialized,
            Report::Answer(Answer::Started) => Heard::Started,
            Report::Answer(Answer::Gone(_)) => Heard::Gone,
            _ => return,
        };
        // Nobody hears what comes after the end.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(heard);
    }

    fn call(&self, _: PluginId, _: Incarnation, _: OwnCall) -> UnderWay {
        UnderWay::default()
    }
}

impl LogSink for Ear {
    fn line(&self, _: LogLine) {}

    fn inlet(&self) -> Box<dyn LogInlet> {
        let (told, _) = mpsc::channel();
        Box::new(LineByLine(Arc::new(Ear(Mutex::new(told)))))
    }
}
