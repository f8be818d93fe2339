//! A host for tests: it runs a tokio runtime on a thread of its own, gives orders, and keeps what is reported.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use hothouse_kernel::input::Exit;
use hothouse_kernel::{Answer, Failure, Incarnation, PluginId, Rung};
use hothouse_process::{
    CommandLoader, CommandSpec, EnvPlan, Ledger, ProcessLoader, ProcessSpec, Readiness, Spawner, StopSignal,
    Transport,
};
use hothouse_protocol::HealthStatus;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::{
    Birth, Call, CallId, CallReply, HealthReply, Identity, Inbox, Instance, Json, Level, LineByLine, Loader,
    LogInlet, LogLine, LogSink, OwnCall, Report, Reporter, Stream, UnderWay,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Only something broken takes as long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The folder of the plugins for tests.
pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/plugins").canonicalize().unwrap()
}

/// A command line of one of those plugins.
pub(crate) fn fixture(name: &str, arguments: &[&str]) -> Vec<OsString> {
    let program = fixtures().join(name).into_os_string();
    [program].into_iter().chain(arguments.iter().map(OsString::from)).collect()
}

pub(crate) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

pub(crate) fn process(program: Vec<OsString>, transport: Transport) -> ProcessSpec {
    let env = EnvPlan::inherit();
    ProcessSpec { program, cwd: fixtures(), env, transport, max_line: 1 << 20, check: None }
}

pub(crate) fn command(program: Vec<OsString>, ready: Readiness) -> CommandSpec {
    let env = EnvPlan::inherit();
    CommandSpec {
        program,
        cwd: fixtures(),
        env,
        ready,
        stop_signal: StopSignal::TERM,
        check: None,
        keep: false,
    }
}

/// The thread with the runtime. It ends with this value.
pub(crate) struct Host {
    pub(crate) runtime: Handle,
    pub(crate) spawner: Spawner,
    thread: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host::with_ledger(None)
    }

    pub(crate) fn with_ledger(ledger: Option<Ledger>) -> Host {
        let (told, ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            told.send(runtime.handle().clone()).unwrap();
            let _ = runtime.block_on(stopped);
        });
        let runtime = ready.recv().unwrap();
        Host {
            runtime,
            spawner: Spawner::with_program(env!("CARGO_BIN_EXE_hh-spawner"), ledger).unwrap(),
            thread: Some((stop, thread)),
        }
    }

    pub(crate) fn process(&self, spec: ProcessSpec) -> Life<'_> {
        self.launch(ProcessLoader::new(spec, self.spawner.clone()).as_ref(), "null")
    }

    pub(crate) fn command(&self, spec: CommandSpec) -> Life<'_> {
        self.launch(CommandLoader::new(spec, self.spawner.clone()).as_ref(), "null")
    }

    pub(crate) fn launch(&self, loader: &dyn Loader, config: &str) -> Life<'_> {
        static LIVES: AtomicU64 = AtomicU64::new(1);
        let record = Arc::new(Record::default());
        let incarnation = Incarnation(LIVES.fetch_add(1, Ordering::Relaxed));
        let plugin = PluginId(0);
        let version = semver::Version::new(1, 0, 0);
        let birth = Birth {
            identity: Arc::new(Identity { plugin, name: "demo".into(), version }),
            incarnation,
            config: Json::parse(config).unwrap(),
            context: Json::null(),
            capabilities: ["log".to_owned(), "call".to_owned()].into(),
            reporter: Reporter::new(
                Arc::clone(&record) as Arc<dyn Inbox>,
                plugin,
                incarnation,
                Arc::new(Log(Arc::clone(&record))),
            ),
        };
        let instance = {
            let _inside = self.runtime.enter();
            loader.launch(birth)
        };
        Life { host: self, instance, record }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

#[derive(Default)]
struct Record {
    reports: Mutex<Vec<Report>>,
    changed: Condvar,
    lines: Mutex<Vec<LogLine>>,
    logged: Condvar,
}

/// The log of the same life.
struct Log(Arc<Record>);

impl LogSink for Log {
    fn line(&self, line: LogLine) {
        self.0.lines.lock().unwrap().push(line);
        self.0.logged.notify_all();
    }

    fn inlet(&self) -> Box<dyn LogInlet> {
        Box::new(LineByLine(Arc::new(Log(Arc::clone(&self.0)))))
    }
}

impl Inbox for Record {
    fn take(&self, _: PluginId, _: Incarnation, report: Report) {
        self.reports.lock().unwrap().push(report);
        self.changed.notify_all();
    }

    fn call(&self, _: PluginId, _: Incarnation, call: OwnCall) -> UnderWay {
        drop(call);
        UnderWay::default()
    }
}

/// One life, and what was reported of it.
pub(crate) struct Life<'a> {
    host: &'a Host,
    pub(crate) instance: Arc<dyn Instance>,
    record: Arc<Record>,
}

impl Life<'_> {
    /// Waits for the first report of this kind.
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&Report) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut reports = self.record.reports.lock().unwrap();
        loop {
            if let Some(found) = reports.iter().find_map(&find) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {what} in vain; reported: {reports:#?}");
            reports = self.record.changed.wait_timeout(reports, left).unwrap().0;
        }
    }

    /// Forgets what was reported so far.
    pub(crate) fn clear(&self) {
        self.record.reports.lock().unwrap().clear();
    }

    pub(crate) fn order(&self, order: impl FnOnce(&dyn Instance)) {
        let _inside = self.host.runtime.enter();
        order(self.instance.as_ref());
    }

    pub(crate) fn start(&self) {
        self.order(|instance| instance.start());
    }

    pub(crate) fn stop(&self, rung: Rung) {
        self.order(|instance| instance.stop(rung, "the test is over"));
    }

    pub(crate) fn initialized(&self) -> Description {
        self.answered("initialized", |answer| matches!(answer, Answer::Initialized).then_some(()));
        self.wait_for("a description", |report| match report {
            Report::Described(description) => Some((**description).clone()),
            _ => None,
        })
    }

    /// Waits for `init`, asks for `start`, and waits for that.
    pub(crate) fn started(&self) {
        self.initialized();
        self.start();
        self.is_started();
    }

    pub(crate) fn is_started(&self) {
        self.answered("started", |answer| matches!(answer, Answer::Started).then_some(()));
    }

    pub(crate) fn answered<T>(&self, what: &str, find: impl Fn(&Answer) -> Option<T>) -> T {
        self.wait_for(what, |report| match report {
            Report::Answer(answer) => find(answer),
            _ => None,
        })
    }

    pub(crate) fn failure(&self) -> Failure {
        self.answered("a failure", |answer| match answer {
            Answer::Failed(failure) => Some((**failure).clone()),
            _ => None,
        })
    }

    pub(crate) fn not_ready(&self) -> String {
        self.answered("a reason", |answer| match answer {
            Answer::NotReady(reason) => Some(reason.to_string()),
            _ => None,
        })
    }

    pub(crate) fn exit(&self) -> Exit {
        self.answered("the end", |answer| match answer {
            Answer::Gone(exit) => Some((**exit).clone()),
            _ => None,
        })
    }

    pub(crate) fn log(&self, found: impl Fn(&LogLine) -> bool) -> LogLine {
        let deadline = Instant::now() + DEADLINE;
        let mut lines = self.record.lines.lock().unwrap();
        loop {
            if let Some(found) = lines.iter().find(|line| found(line)) {
                return found.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for a line of the log in vain; there are: {lines:#?}");
            lines = self.record.logged.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Every line of its log so far.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.record.lines.lock().unwrap().clone()
    }

    /// The rest of a line of the log that begins so.
    pub(crate) fn said(&self, start: &str) -> String {
        self.log(|line| line.text.starts_with(start)).text[start.len()..].trim().to_owned()
    }

    pub(crate) fn misbehaved(&self) -> Vec<String> {
        let lines = self.lines().into_iter();
        lines
            .filter(|line| (line.stream, line.level) == (Stream::Host, Level::Warn))
            .map(|line| line.text)
            .collect()
    }

    /// Every answer so far, as it is printed.
    pub(crate) fn answers(&self) -> Vec<String> {
        let reports = self.record.reports.lock().unwrap();
        let answers = reports.iter().filter_map(|report| match report {
            Report::Answer(answer) => Some(format!("{answer:?}")),
            _ => None,
        });
        answers.collect()
    }

    pub(crate) fn check(&self) -> Result<HealthStatus, PluginError> {
        let (told, answer) = mpsc::channel();
        self.order(|instance| instance.check(HealthReply::new(move |health| told.send(health).unwrap())));
        answer.recv_timeout(DEADLINE).expect("a health check was not answered")
    }

    pub(crate) fn ask(&self, id: u64, method: &str, payload: &str) -> Receiver<Result<Json, PluginError>> {
        let (told, answer) = mpsc::channel();
        self.ask_for(&told, id, method, payload);
        answer
    }

    /// Several calls may be answered through the same channel.
    pub(crate) fn ask_for(
        &self,
        told: &Sender<Result<Json, PluginError>>,
        id: u64,
        method: &str,
        payload: &str,
    ) {
        let told = told.clone();
        let call = Call {
            id: CallId(id),
            method: method.into(),
            payload: Json::parse(payload).unwrap(),
            deadline: None,
            caller: None,
            traceparent: None,
            idempotency_key: None,
            reply: CallReply::new(move |result| drop(told.send(result))),
        };
        self.order(|instance| instance.call(call));
    }

    pub(crate) fn call(&self, id: u64, method: &str, payload: &str) -> Result<Json, PluginError> {
        self.ask(id, method, payload).recv_timeout(DEADLINE).expect("a call was not answered")
    }
}
