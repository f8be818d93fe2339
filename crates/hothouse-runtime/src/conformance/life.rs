//! One life under test: orders given, and everything that was said, in order.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hothouse_kernel::input::Exit;
use hothouse_kernel::{Answer, Failure, Incarnation, PluginId, Rung};
use hothouse_protocol::HealthStatus;

use super::{Behaviour, Subject};
use crate::contract::{Description, PluginError};
use crate::{
    Abilities, Birth, Call, CallId, CallReply, HealthReply, Identity, Inbox, Instance, Json, Level,
    LineByLine, Loader, LogInlet, LogLine, LogSink, OwnCall, Report, Reporter, Stream, UnderWay,
};

/// As long as a broken runtime is waited for.
const DEADLINE: Duration = Duration::from_secs(30);

const PLUGIN: PluginId = PluginId(7);

/// One life of a specimen.
pub(super) struct Life<'a> {
    subject: &'a dyn Subject,
    pub(super) loader: Arc<dyn Loader>,
    pub(super) abilities: Abilities,
    instance: Arc<dyn Instance>,
    record: Arc<Record>,
}

/// The answer to a question, when it comes.
pub(super) struct Pending<T>(Receiver<Result<T, PluginError>>);

/// Everything that was said of one life.
#[derive(Default)]
struct Record {
    said: Mutex<Said>,
    changed: Condvar,
}

/// The log of that life.
struct Log(Arc<Record>);

#[derive(Default)]
struct Said {
    incarnation: Incarnation,
    /// The answers to the kernel, and the description, each as one word.
    words: Vec<&'static str>,
    description: Option<Description>,
    failure: Option<Failure>,
    destroyed: Option<Option<Box<str>>>,
    exit: Option<Exit>,
    logs: Vec<LogLine>,
    calls: Vec<OwnCall>,
    /// What was said with another plugin's number or that of another life.
    foreign: usize,
}

impl Inbox for Record {
    fn take(&self, plugin: PluginId, incarnation: Incarnation, report: Report) {
        let mut said = self.lock();
        if (plugin, incarnation) != (PLUGIN, said.incarnation) {
            said.foreign += 1;
        }
        said.add(report);
        self.changed.notify_all();
    }

    fn call(&self, plugin: PluginId, incarnation: Incarnation, call: OwnCall) -> UnderWay {
        let mut said = self.lock();
        if (plugin, incarnation) != (PLUGIN, said.incarnation) {
            said.foreign += 1;
        }
        said.calls.push(call);
        self.changed.notify_all();
        UnderWay::default()
    }
}

impl LogSink for Log {
    fn line(&self, line: LogLine) {
        self.0.lock().logs.push(line);
        self.0.changed.notify_all();
    }

    fn inlet(&self) -> Box<dyn LogInlet> {
        Box::new(LineByLine(Arc::new(Log(Arc::clone(&self.0)))))
    }
}

impl Said {
    /// What the runtime had to say about the plugin that is no information: how it broke the contract.
    fn misbehaved(&self) -> Vec<&str> {
        let lines = self.logs.iter().filter(|line| line.stream == Stream::Host && line.level > Level::Info);
        lines.map(|line| line.text.as_str()).collect()
    }

    fn add(&mut self, report: Report) {
        match report {
            Report::Answer(answer) => self.answered(answer),
            Report::Described(description) => {
                self.words.push("described");
                self.description = Some(Description::clone(&description));
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        self.words.push(match answer {
            Answer::Initialized => "initialized",
            Answer::Started => "started",
            Answer::NotReady(_) => "not ready",
            Answer::Checked(_) => "checked",
            Answer::Failed(failure) => {
                self.failure = Some(*failure);
                "failed"
            }
            Answer::Destroyed(error) => {
                self.destroyed = Some(error);
                "destroyed"
            }
            Answer::Gone(exit) => {
                self.exit = Some(*exit);
                "gone"
            }
        });
    }

    /// All of it, for the one who reads why a test failed.
    fn shown(&self) -> String {
        let mut shown = self.words.join(", ");
        let details = [
            self.failure.as_ref().map(|failure| format!("failure: {failure:?}")),
            self.exit.as_ref().map(|exit| format!("exit: {exit:?}")),
        ];
        let logs = self.logs.iter().map(|line| format!("log: {line:?}"));
        for line in details.into_iter().flatten().chain(logs) {
            let _ = write!(shown, "\n    {line}");
        }
        shown
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for<T>(&self, what: &str, mut found: impl FnMut(&mut Said) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut said = self.lock();
        loop {
            if let Some(found) = found(&mut said) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for `{what}` in vain. What was said: {}", said.shown());
            said = self.changed.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<'a> Life<'a> {
    /// Launches a specimen that behaves so; `None` if the runtime has none.
    pub(super) fn launch(subject: &'a dyn Subject, behaviour: Behaviour) -> Option<Life<'a>> {
        Some(Life::launch_with(subject, subject.loader(behaviour)?, behaviour))
    }

    /// The same, and waits until `init` has completed.
    pub(super) fn initialize(subject: &'a dyn Subject, behaviour: Behaviour) -> Option<Life<'a>> {
        let life = Life::launch(subject, behaviour)?;
        life.wait("initialized");
        Some(life)
    }

    /// The same, and waits until it has started.
    pub(super) fn start_up(subject: &'a dyn Subject, behaviour: Behaviour) -> Option<Life<'a>> {
        let life = Life::initialize(subject, behaviour)?;
        life.start();
        life.wait("started");
        Some(life)
    }

    pub(super) fn launch_with(
        subject: &'a dyn Subject,
        loader: Arc<dyn Loader>,
        behaviour: Behaviour,
    ) -> Life<'a> {
        static LIVES: AtomicU64 = AtomicU64::new(1);
        let incarnation = Incarnation(LIVES.fetch_add(1, Ordering::Relaxed));
        let record = Arc::new(Record::default());
        record.lock().incarnation = incarnation;
        let config = serde_json::json!({"behaviour": behaviour.as_str(), "exact": 1.5});
        let birth = Birth {
            identity: Arc::new(Identity {
                plugin: PLUGIN,
                name: "specimen".into(),
                version: semver::Version::new(1, 2, 3),
            }),
            incarnation,
            config: config.into(),
            context: Json::null(),
            capabilities: ["log".to_owned(), "call".to_owned()].into(),
            reporter: Reporter::new(
                Arc::clone(&record) as Arc<dyn Inbox>,
                PLUGIN,
                incarnation,
                Arc::new(Log(Arc::clone(&record))),
            ),
        };
        let mut instance = None;
        subject.within(&mut || {
            instance = Some(loader.launch(birth.clone()));
            loader.flush();
        });
        let instance = instance.expect("`Subject::within` must call what it is given");
        Life { subject, abilities: loader.abilities(), loader, instance, record }
    }

    fn order(&self, order: impl Fn(&dyn Instance)) {
        self.subject.within(&mut || {
            order(self.instance.as_ref());
            self.loader.flush();
        });
    }

    pub(super) fn start(&self) {
        self.order(|instance| instance.start());
    }

    /// Takes this step of stopping, if the runtime has it.
    pub(super) fn stop(&self, rung: Rung) {
        if self.abilities.rungs.contains(&rung) {
            self.order(|instance| instance.stop(rung, "the test is over"));
        }
    }

    /// Takes every step but `destroy`, one right after the other.
    pub(super) fn stop_hard(&self) {
        [Rung::Close, Rung::Terminate, Rung::Kill].into_iter().for_each(|rung| self.stop(rung));
    }

    pub(super) fn abandon(&self) {
        self.order(|instance| instance.abandon());
    }

    pub(super) fn check(&self) -> Pending<HealthStatus> {
        let (told, answer) = mpsc::channel();
        let reply = HealthReply::new(move |health| drop(told.send(health)));
        let reply = Mutex::new(Some(reply));
        self.order(|instance| {
            if let Some(reply) = reply.lock().unwrap_or_else(PoisonError::into_inner).take() {
                instance.check(reply);
            }
        });
        Pending(answer)
    }

    pub(super) fn call(&self, id: u64, method: &str, payload: &str) -> Pending<Json> {
        let (told, answer) = mpsc::channel();
        let call = Call {
            id: CallId(id),
            method: method.into(),
            payload: Json::parse(payload).expect("the suite passes JSON"),
            deadline: None,
            caller: None,
            traceparent: None,
            idempotency_key: None,
            reply: CallReply::new(move |result| drop(told.send(result))),
        };
        let call = Mutex::new(Some(call));
        self.order(|instance| {
            if let Some(call) = call.lock().unwrap_or_else(PoisonError::into_inner).take() {
                instance.call(call);
            }
        });
        Pending(answer)
    }

    pub(super) fn cancel(&self, id: u64) {
        self.order(|instance| instance.cancel(CallId(id)));
    }

    /// Waits until this has been answered.
    pub(super) fn wait(&self, word: &'static str) {
        self.record.wait_for(word, |said| said.words.contains(&word).then_some(()));
    }

    pub(super) fn failure(&self) -> Failure {
        self.record.wait_for("failed", |said| said.failure.clone())
    }

    /// The error that `destroy` ended with, if any.
    pub(super) fn destroyed(&self) -> Option<Box<str>> {
        self.record.wait_for("destroyed", |said| said.destroyed.clone())
    }

    pub(super) fn exit(&self) -> Exit {
        self.record.wait_for("gone", |said| said.exit.clone())
    }

    /// The next call that the specimen makes.
    pub(super) fn own_call(&self) -> OwnCall {
        self.record.wait_for("a call of its own", |said| said.calls.pop())
    }

    pub(super) fn description(&self) -> Description {
        self.record.wait_for("described", |said| said.description.clone())
    }

    /// Waits until the specimen has got so far. One that cannot be called logs nothing, and is not waited for.
    pub(super) fn wait_for_log(&self, text: &str) {
        if self.abilities.verbs {
            self.record.wait_for(text, |said| said.logs.iter().any(|line| line.text == text).then_some(()));
        }
    }

    pub(super) fn logs(&self) -> Vec<LogLine> {
        self.record.lock().logs.clone()
    }

    /// Waits for the end, and for one more life to come and go, so that what is said late has been said. Then exactly
    /// this must have been said, and nothing after `gone`.
    pub(super) fn ends_with(self, expected: &[&str]) {
        self.exit();
        let first = self.transcript();
        self.start();
        self.stop_hard();
        assert!(self.call(u64::MAX, "echo", "1").wait().is_err(), "a call of a life that is over");
        assert!(self.check().wait().is_err(), "a health check of a life that is over");
        if let Some(other) = Life::launch(self.subject, Behaviour::Good) {
            other.stop_hard();
            other.exit();
        }
        assert_eq!(first, self.transcript(), "something was said after `gone`");
        assert_eq!(first, expected, "what was said: {}", self.record.lock().shown());
        let said = self.record.lock();
        assert_eq!(said.foreign, 0, "reports carry the number of the plugin and of the life");
        assert_eq!(said.misbehaved(), Vec::<&str>::new(), "a specimen keeps to the contract");
    }

    fn transcript(&self) -> Vec<&'static str> {
        self.record.lock().words.clone()
    }
}

impl<T> Pending<T> {
    /// The answer. Each question has one, whatever happens.
    pub(super) fn wait(&self) -> Result<T, PluginError> {
        self.0.recv_timeout(DEADLINE).expect("a question was not answered")
    }
}
