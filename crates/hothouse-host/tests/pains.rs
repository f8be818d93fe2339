//! What people complain of in other supervisors, each as a test of the real host that it does not happen here. The test's
//! name is the complaint.
//!
//! Two more need a real process or a real clock that stands still: `hothouse/tests/pains.rs`.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hothouse_host::{CallOptions, EventFeed, Fed, Host, HostSettings, PluginSpec, Record, wait};
use hothouse_kernel::event::Happening;
use hothouse_kernel::input::Targets;
use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{Code, HealthSettings, Phase};
use hothouse_protocol::{
    GracefulDegradation, HealthStatus, PluginHealthCheck, PluginHealthStatus, RestartBackoff, StartupOptions,
};
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Incoming, Init, NativeLoader, Plugin, Pool};

/// How a test moves its plugin.
#[derive(Default)]
struct Strings {
    /// Whether it answers that it is well.
    sick: AtomicBool,
    /// Checks that hang until the test lets go of them.
    held: Mutex<Option<(Sender<()>, Receiver<()>)>>,
    checks: AtomicU64,
    checks_now: AtomicU64,
    most_checks: AtomicU64,
}

struct Puppet(Arc<Strings>);

impl Plugin for Puppet {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        let verbs = ["start", "destroy", "health"].map(str::to_owned).to_vec();
        Ok(Description { verbs: Some(verbs), ..Description::of(&["life", "crash", "fail"]) })
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        match call.method.as_str() {
            "crash" => panic!("no such luck"),
            "fail" => Err(PluginError::new("INTERNAL", "it does not work")),
            _ => Ok(Json::null()),
        }
    }

    async fn health(&self) -> Result<HealthStatus, PluginError> {
        let Puppet(strings) = self;
        strings.checks.fetch_add(1, Ordering::SeqCst);
        let now = strings.checks_now.fetch_add(1, Ordering::SeqCst) + 1;
        strings.most_checks.fetch_max(now, Ordering::SeqCst);
        if let Some((came, go)) = strings.held.lock().unwrap().take() {
            came.send(()).unwrap();
            let _ = go.recv();
        }
        strings.checks_now.fetch_sub(1, Ordering::SeqCst);
        let healthy = !strings.sick.load(Ordering::SeqCst);
        Ok(HealthStatus { healthy, timestamp: 0, details: None, message: None })
    }
}

/// A host of puppets, and its events as they come.
struct Stage {
    host: Host,
    events: EventFeed,
    strings: Vec<Arc<Strings>>,
}

/// Watched every 5 ms, unhealthy at the third failure, restarted three times.
fn watched() -> HealthSettings {
    HealthSettings {
        interval: Duration::from_millis(5),
        auto_restart: true,
        restart_backoff: RestartBackoff::Fixed,
        ..HealthSettings::from(&PluginHealthCheck::default())
    }
}

const NO_PAUSE: Pacing =
    Pacing { base: Duration::ZERO, cap: Duration::ZERO, jitter: 0, stable: Duration::from_secs(3600) };

impl Stage {
    fn new(
        pacing: Pacing,
        names: &[&'static str],
        define: impl Fn(PluginSpec) -> PluginSpec + Send + 'static,
    ) -> Stage {
        let strings: Vec<Arc<Strings>> = names.iter().map(|_| Arc::default()).collect();
        let puppets: Vec<_> = names.iter().copied().zip(strings.clone()).collect();
        let settings = HostSettings { restart: pacing, ..HostSettings::default() };
        let host = Host::spawn(settings, move || {
            let pool = Pool::new();
            let spec = |(name, strings): (&str, Arc<Strings>)| {
                let loader = NativeLoader::new(&pool, move || Puppet(Arc::clone(&strings)));
                define(PluginSpec::new(name, loader))
            };
            puppets.into_iter().map(spec).collect()
        })
        .unwrap();
        let events = host.follow_events(0);
        let report = wait(host.orchestrate_startup(&StartupOptions::default())).unwrap();
        assert!(report.result().all_successful);
        Stage { host, events, strings }
    }

    /// Waits for an event of that kind.
    fn wait_for<T>(&mut self, mut found: impl FnMut(&Record) -> Option<T>) -> T {
        loop {
            match wait(self.events.next()).unwrap() {
                Fed::Event(record) => {
                    if let Some(found) = found(&record) {
                        return found;
                    }
                }
                Fed::Missed(many) => panic!("{many} events are missing"),
            }
        }
    }

    fn wait_for_life(&mut self, name: &str, life: u64) {
        let wanted = self.host.named(name).unwrap();
        self.wait_for(|record| match &record.event.what {
            Happening::Ready { plugin, incarnation, .. } => {
                (*plugin == wanted && incarnation.0 == life).then_some(())
            }
            _ => None,
        });
    }

    fn crash(&self, name: &str) {
        let crashed = wait(self.host.call(name, "crash", Json::null(), CallOptions::default()));
        assert_eq!(crashed.unwrap_err().code, "GONE");
    }

    fn life(&self, name: &str) -> u64 {
        let view = wait(self.host.view()).unwrap();
        view.kernel.plugins[self.host.named(name).unwrap().index()].incarnation.0
    }

    fn attempts(&self, name: &str) -> u64 {
        wait(self.host.schedule(name)).unwrap().attempts
    }

    fn status(&self, name: &str) -> PluginHealthStatus {
        wait(self.host.health(name)).unwrap().report.status
    }

    /// Looks again and again until it is so: for facts that no event tells.
    fn until(&self, so: impl Fn(&Stage) -> bool) {
        let (checks, mut seen) = (&self.strings[0].checks, u64::MAX);
        while !so(self) {
            let now = checks.load(Ordering::SeqCst);
            if now == seen {
                std::thread::yield_now();
            }
            seen = now;
        }
    }
}

/// systemd before 254, Kubernetes' CrashLoopBackOff: one bad day a year ago, and every restart still takes five minutes.
#[test]
fn backoff_that_never_resets() {
    let pacing = Pacing { stable: Duration::from_millis(20), ..NO_PAUSE };
    let mut stage = Stage::new(pacing, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    for life in 2..=10 {
        stage.crash("db");
        stage.wait_for_life("db", life);
        assert!(stage.attempts("db") <= 1, "an attempt counted that was made in the last life");
        // So it goes on for ever, three attempts or not: it was well in between, and for long enough.
        stage.until(|stage| stage.attempts("db") == 0);
    }
}

/// systemd: "start request repeated too quickly", because a person has started it a few times in a row.
#[test]
fn start_limit_after_two_starts() {
    let mut stage = Stage::new(NO_PAUSE, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    for life in 2..=30 {
        let report = wait(stage.host.restart(Targets::All, &StartupOptions::default())).unwrap();
        assert!(report.result().all_successful);
        stage.wait_for_life("db", life);
        assert_eq!(stage.attempts("db"), 0);
    }
}

/// PM2, supervisord, docker: no delay below a second, or below a hundred milliseconds, whatever is set.
#[test]
fn one_second_floors() {
    let pacing = Pacing { base: Duration::from_millis(1), cap: Duration::from_secs(1), ..NO_PAUSE };
    let mut stage = Stage::new(pacing, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    stage.crash("db");
    let pause = stage.wait_for(|record| match record.event.what {
        Happening::RestartScheduled { pause, .. } => Some((record.event.at, pause)),
        _ => None,
    });
    assert_eq!(pause.1, Duration::from_millis(1));
    let launched = stage.wait_for(|record| {
        matches!(record.event.what, Happening::Launched { .. }).then_some(record.event.at)
    });
    assert!(launched.since(pause.0) >= pause.1, "a restart before its time");
}

/// Kubernetes with a failure threshold of one, Nomad: a probe that took a little too long, and the plugin is killed.
#[test]
fn check_timeout_treated_as_death() {
    let mut stage = Stage::new(NO_PAUSE, &["db"], |spec| PluginSpec {
        health: Some(watched()),
        check_timeout: Duration::from_millis(5),
        ..spec
    });
    let ((came, comes), (go, held)) = (channel(), channel());
    *stage.strings[0].held.lock().unwrap() = Some((came, held));
    comes.recv().unwrap();
    let why = stage.wait_for(|record| match &record.event.what {
        Happening::HealthChanged { to: PluginHealthStatus::Degraded, why, .. } => why.clone(),
        _ => None,
    });
    assert_eq!(&*why, "it did not answer within 5 ms");
    go.send(()).unwrap();
    stage.wait_for(|record| match &record.event.what {
        Happening::HealthChanged { to: PluginHealthStatus::Healthy, .. } => Some(()),
        _ => None,
    });
    assert_eq!((stage.life("db"), stage.attempts("db")), (1, 0));
}

/// docker: a check that takes longer than its interval is joined by another one, until there are a hundred.
#[test]
fn probe_overlap() {
    let stage = Stage::new(NO_PAUSE, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    let ((came, comes), (go, held)) = (channel(), channel());
    *stage.strings[0].held.lock().unwrap() = Some((came, held));
    comes.recv().unwrap();
    let before = stage.strings[0].checks.load(Ordering::SeqCst);
    // Many intervals pass. A second plugin's calls are the clock: the pool and the loop are at work meanwhile.
    let waited = std::time::Instant::now();
    while waited.elapsed() < Duration::from_millis(50) {
        wait(stage.host.call("db", "life", Json::null(), CallOptions::default())).unwrap();
    }
    assert_eq!(
        stage.strings[0].checks.load(Ordering::SeqCst),
        before,
        "it was asked while it was being asked"
    );
    go.send(()).unwrap();
    stage.until(|stage| stage.strings[0].checks.load(Ordering::SeqCst) > before + 3);
    assert_eq!(stage.strings[0].most_checks.load(Ordering::SeqCst), 1);
}

/// Upstream: `restart` destroys the plugin, and that is all.
#[test]
fn restart_that_only_stops() {
    let mut stage = Stage::new(NO_PAUSE, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    stage.strings[0].sick.store(true, Ordering::SeqCst);
    let failure = stage.wait_for(|record| match &record.event.what {
        Happening::Failed { failure, .. } => Some(Arc::clone(failure)),
        _ => None,
    });
    assert_eq!(failure.code, Code::Unhealthy);
    assert!(failure.message.contains("3 checks in a row failed"), "{}", failure.message);
    stage.strings[0].sick.store(false, Ordering::SeqCst);
    stage.wait_for_life("db", 2);
    wait(stage.host.call("db", "life", Json::null(), CallOptions::default())).unwrap();
    stage.until(|stage| stage.status("db") == PluginHealthStatus::Healthy);
}

/// systemd's `BindsTo`, Erlang's `rest_for_one` taken literally: the database blinks, and everything is started anew.
#[test]
fn dependents_of_a_blinking_database_restarted_with_it() {
    let names = ["db", "api", "web"];
    let mut stage = Stage::new(NO_PAUSE, &names, |spec| match spec.name.as_str() {
        "db" => {
            PluginSpec { health: Some(HealthSettings { max_restart_attempts: 100, ..watched() }), ..spec }
        }
        "api" => spec.needs("db"),
        _ => spec.needs("api").degrades(&GracefulDegradation {
            critical_dependencies: Some(vec!["db".into()]),
            ..GracefulDegradation::default()
        }),
    });
    for life in 2..=20 {
        stage.crash("db");
        stage.wait_for_life("db", life);
    }
    assert_eq!(names.map(|name| stage.life(name)), [20, 1, 1]);
    let report = wait(stage.host.stop_all()).unwrap();
    assert!(report.is_empty());
}

/// Kubernetes, consul: a probe of a path that does not exist is an error nobody sees, and everything counts as healthy.
#[test]
fn misspelt_check_method_passing_silently() {
    let pool = Pool::new();
    let strings = Arc::<Strings>::default();
    let host = Host::spawn(HostSettings::default(), move || {
        let loader = NativeLoader::new(&pool, move || Puppet(Arc::clone(&strings)));
        let check = PluginHealthCheck { check_method: Some("lief".into()), ..PluginHealthCheck::default() };
        vec![PluginSpec::new("db", loader).health(&check)]
    })
    .unwrap();
    let report = wait(host.orchestrate_startup(&StartupOptions::default())).unwrap();
    let failure = report.result().results[0].error.clone().unwrap();
    assert_eq!(failure.code.as_deref(), Some("CONTRACT_VIOLATED"));
    for word in ["`lief`", "`db`", "did you mean `life`?"] {
        assert!(failure.message.contains(word), "{}", failure.message);
    }
    let view = wait(host.view()).unwrap();
    assert!(!matches!(view.kernel.plugins[0].phase, Phase::Ready));
}

/// Every health endpoint that was ever written in an hour: `return true`, while nothing works.
#[test]
fn plugin_that_lies_about_its_health() {
    let mut stage = Stage::new(NO_PAUSE, &["db"], |spec| PluginSpec { health: Some(watched()), ..spec });
    let told = loop {
        for _ in 0..20 {
            wait(stage.host.call("db", "fail", Json::null(), CallOptions::default())).unwrap_err();
        }
        let told = wait(stage.events.next_there_is()).unwrap();
        if let Some(Fed::Event(record)) = told
            && let Happening::Failed { failure, .. } = &record.event.what
        {
            break failure.message.to_string();
        }
    };
    assert!(told.contains("it says that it is healthy, but"), "{told}");
    assert!(told.contains("calls failed"), "{told}");
    stage.wait_for_life("db", 2);
}
