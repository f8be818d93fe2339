//! The failures of the kernel that the protocol was first written for, each as a test of the real host with native
//! plugins. Every plugin writes what happens to it into one book, in the order in which it happens.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::input::Targets;
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Incoming, Init, NativeLoader, Plugin, Pool};

/// What happened, in order: `init db`, `start db`, `destroy db`.
#[derive(Clone, Default)]
struct Book(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Book {
    fn write(&self, verb: &str, plugin: &str) {
        self.0.0.lock().unwrap().push(format!("{verb} {plugin}"));
        self.0.1.notify_all();
    }

    fn wait_for(&self, line: &str) {
        let lines = self.0.0.lock().unwrap();
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|written| written == line);
        let (lines, late) = self.0.1.wait_timeout_while(lines, Duration::from_secs(60), missing).unwrap();
        drop(lines);
        assert!(!late.timed_out(), "`{line}` never happened");
    }

    fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    fn of(&self, verb: &str) -> Vec<String> {
        let lines = self.lines();
        lines.iter().filter_map(|line| line.strip_prefix(&format!("{verb} "))).map(String::from).collect()
    }
}

/// Where a plugin goes wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    InitFails,
    StartFails,
    StartPanics,
    StartHangs,
    DestroyHangs,
}

struct Actor {
    name: &'static str,
    fault: Fault,
    book: Book,
}

impl Plugin for Actor {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        self.book.write("init", self.name);
        if self.fault == Fault::InitFails {
            return Err(PluginError::new("NO_DISK", "cannot open the data folder"));
        }
        Ok(Description::of(&["echo"]))
    }

    async fn start(&self) -> Result<(), PluginError> {
        self.book.write("start", self.name);
        match self.fault {
            Fault::StartFails => Err(PluginError::new("PORT_TAKEN", "port 80 is taken")),
            Fault::StartPanics => panic!("no such luck"),
            Fault::StartHangs => {
                std::future::pending::<()>().await;
                self.book.write("ran on", self.name);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        Ok(call.payload)
    }

    async fn destroy(&self, _: &str) -> Result<(), PluginError> {
        self.book.write("destroy", self.name);
        if self.fault == Fault::DestroyHangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.book.write("drop", self.name);
    }
}

/// `name`, what it needs, and its fault.
type Cast = &'static [(&'static str, &'static [&'static str], Fault)];

fn host(cast: Cast, book: &Book) -> Host {
    let book = book.clone();
    let settings = HostSettings { stop_timeout: Duration::from_millis(50), ..HostSettings::default() };
    Host::spawn(settings, move || {
        let pool = Pool::new();
        let spec = |(name, needs, fault): &(&'static str, &[&str], Fault)| {
            let (name, fault, book) = (*name, *fault, book.clone());
            let loader = NativeLoader::new(&pool, move || Actor { name, fault, book: book.clone() });
            needs.iter().fold(PluginSpec::new(name, loader), |spec, needed| spec.needs(*needed))
        };
        cast.iter().map(spec).collect()
    })
    .unwrap()
}

fn options(parallel: bool) -> StartupOptions {
    StartupOptions { parallel, ..StartupOptions::default() }
}

const CHAIN: Cast =
    &[("web", &["api"], Fault::None), ("api", &["db"], Fault::None), ("db", &[], Fault::None)];

#[test]
fn a_dependency_never_stops_before_its_dependent() {
    let book = Book::default();
    let host = host(CHAIN, &book);
    assert!(wait(host.orchestrate_startup(&options(true))).unwrap().all_successful());
    assert_eq!(book.of("start"), ["db", "api", "web"]);
    assert_eq!(wait(host.stop(Targets::Some(vec![host.named("db").unwrap()]))), Ok(vec![]));
    assert_eq!(book.of("destroy"), ["web", "api", "db"]);
    assert_eq!(book.of("drop"), ["web", "api", "db"]);
}

#[test]
fn a_failed_init_leaves_nothing_initialised() {
    let book = Book::default();
    let host = host(&[("a", &[], Fault::None), ("b", &[], Fault::InitFails), ("c", &[], Fault::None)], &book);
    let report = wait(host.orchestrate_startup(&options(false))).unwrap();
    assert_eq!(report.rolled_back(), ["a"]);
    assert_eq!(book.of("init"), ["a", "b"], "nothing is started after the failure");
    assert_eq!(book.of("destroy"), ["a"]);
    let mut dropped = book.of("drop");
    dropped.sort();
    assert_eq!(dropped, ["a", "b"]);
    let result = report.result();
    let codes: Vec<_> =
        result.results.iter().map(|one| one.error.as_ref().and_then(|error| error.code.clone())).collect();
    assert_eq!(codes, [None, Some("INIT_FAILED".into()), Some("NOT_STARTED".into())]);
    assert_eq!(report.root_cause().unwrap().1.message.as_ref(), "NO_DISK: cannot open the data folder");
}

#[test]
fn the_failing_plugin_is_unwound_too() {
    let book = Book::default();
    let host = host(&[("a", &[], Fault::None), ("b", &["a"], Fault::StartFails)], &book);
    let report = wait(host.orchestrate_startup(&options(true))).unwrap();
    assert_eq!(report.rolled_back(), ["b", "a"]);
    assert_eq!(book.of("destroy"), ["b", "a"]);
}

#[test]
fn a_timed_out_start_does_not_run_on() {
    let book = Book::default();
    let host = host(&[("slow", &[], Fault::StartHangs)], &book);
    let options = StartupOptions { timeout: 30, ..options(true) };
    let report = wait(host.orchestrate_startup(&options)).unwrap();
    let error = report.result().results[0].error.clone().unwrap();
    assert_eq!(error.code.as_deref(), Some("STARTUP_TIMEOUT"));
    assert_eq!(book.lines(), ["init slow", "start slow", "destroy slow", "drop slow"]);
}

#[test]
fn a_hanging_destroy_does_not_block_the_rest() {
    let book = Book::default();
    let cast: Cast =
        &[("a", &[], Fault::None), ("b", &["a"], Fault::DestroyHangs), ("c", &["b"], Fault::None)];
    let host = host(cast, &book);
    assert!(wait(host.orchestrate_startup(&options(true))).unwrap().all_successful());
    assert_eq!(wait(host.stop_all()), Ok(vec![]));
    assert_eq!(book.of("destroy"), ["c", "b", "a"]);
    assert_eq!(book.of("drop"), ["c", "b", "a"]);
}

#[test]
fn dependents_of_a_failed_plugin_do_not_start() {
    let book = Book::default();
    let cast: Cast = &[
        ("web", &["api"], Fault::None),
        ("api", &["db"], Fault::None),
        ("db", &[], Fault::StartPanics),
        ("mail", &[], Fault::None),
    ];
    let host = host(cast, &book);
    let options = StartupOptions { rollback_on_failure: false, ..options(true) };
    let report = wait(host.orchestrate_startup(&options)).unwrap();
    assert!(!report.all_successful() && report.result().rolled_back == Some(vec![]));
    assert_eq!(book.of("start").len(), 2, "only db and mail: {:?}", book.lines());
    let result = report.result();
    let web = result.results.iter().find(|one| one.plugin.name == "web").unwrap().error.clone().unwrap();
    assert_eq!(web.code.as_deref(), Some("DEPENDENCY_FAILED"));
    assert!(web.message.contains("`db` failed at start: panicked: no such luck"), "{}", web.message);
    let echo = wait(host.call("mail", "echo", Json::parse("[1]").unwrap(), CallOptions::default()));
    assert_eq!(echo.unwrap().result.as_str(), "[1]");
    wait(host.stop_all()).unwrap();
}

#[test]
fn a_stop_during_a_start_ends_stopped_and_says_so() {
    let book = Book::default();
    let host = host(&[("a", &[], Fault::None), ("b", &["a"], Fault::StartHangs)], &book);
    let (done, report) = mpsc::channel();
    let starting = host.clone();
    let thread = std::thread::spawn(move || done.send(wait(starting.orchestrate_startup(&options(true)))));
    book.wait_for("start b");
    wait(host.stop_all()).unwrap();
    let report = report.recv().unwrap().unwrap();
    assert!(report.was_stopped() && !report.all_successful());
    assert_eq!(report.rolled_back(), ["b", "a"]);
    assert_eq!(book.of("destroy"), ["b", "a"]);
    thread.join().unwrap().unwrap();
}

#[test]
fn calls_say_what_is_wrong_with_them() {
    let book = Book::default();
    let host = host(CHAIN, &book);
    let call = |plugin: &str, method: &str| {
        wait(host.call(plugin, method, Json::null(), CallOptions::default())).unwrap_err().to_string()
    };
    assert_eq!(call("wab", "echo"), "UNKNOWN_PLUGIN: there is no plugin named `wab`");
    assert_eq!(call("web", "echo"), "NOT_RUNNING: `web` does not serve: it is not-started");
    wait(host.orchestrate_startup(&options(true))).unwrap();
    assert_eq!(
        call("web", "ecko"),
        "UNKNOWN_METHOD: `web` exports no method `ecko`; it exports `echo`; did you mean `echo`?"
    );
    assert!(wait(host.check_health("web")).unwrap().healthy);
    assert_eq!(wait(host.rollback(&["api"])), Ok(vec![]));
    assert_eq!(call("web", "echo"), "NOT_RUNNING: `web` does not serve: it is stopped");
    let again = wait(host.start_with_timeout("web", Duration::from_secs(30), &options(true))).unwrap();
    assert_eq!(again.results.iter().map(|one| one.plugin.name.as_str()).collect::<Vec<_>>(), ["api", "web"]);
    wait(host.stop_all()).unwrap();
}
