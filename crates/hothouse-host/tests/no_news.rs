//! Answers to checks that are no news lie until the loop wakes up for something else. They must not be in its way then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hothouse_host::{Host, HostSettings, PluginSpec, RecordSettings, Redact, wait};
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{Answer, Rung};
use hothouse_protocol::{HealthStatus, PluginHealthCheck, StartupOptions};
use hothouse_runtime::contract::Description;
use hothouse_runtime::{Abilities, Birth, Call, CallId, HealthReply, Instance, Loader, Report, Reporter};

/// How often `watched` has been asked how it is, and has answered.
#[derive(Default)]
struct Checks {
    asked: AtomicU32,
    answered: AtomicU32,
}

/// `watched` is always well, and says so from another thread. `probed` is ready as soon as that was said twice.
struct Told {
    checks: Arc<Checks>,
}

struct Life {
    checks: Arc<Checks>,
    reporter: Reporter,
    is_watched: bool,
}

impl Loader for Told {
    fn abilities(&self) -> Abilities {
        let pause = Duration::from_millis(5);
        Abilities {
            runtime: "native",
            rungs: &[Rung::Destroy, Rung::Close],
            verbs: true,
            probe: ProbeSchedule { first: pause, cap: pause },
            waits_for: None,
        }
    }

    fn launch(&self, birth: Birth) -> Arc<dyn Instance> {
        birth.reporter.report(Report::Described(Arc::new(Description::of(&[]))));
        birth.reporter.answer(Answer::Initialized);
        let is_watched = birth.identity.name == "watched";
        Arc::new(Life { checks: Arc::clone(&self.checks), reporter: birth.reporter, is_watched })
    }
}

impl Instance for Life {
    fn start(&self) {
        self.probe();
    }

    fn probe(&self) {
        let is_ready = self.is_watched || self.checks.answered.load(Ordering::SeqCst) >= 2;
        self.reporter.answer(if is_ready { Answer::Started } else { Answer::NotReady("not yet".into()) });
    }

    fn check(&self, reply: HealthReply) {
        self.checks.asked.fetch_add(1, Ordering::SeqCst);
        let checks = Arc::clone(&self.checks);
        std::thread::spawn(move || {
            reply.send(Ok(HealthStatus { healthy: true, timestamp: 0, details: None, message: None }));
            checks.answered.fetch_add(1, Ordering::SeqCst);
        });
    }

    fn stop(&self, rung: Rung, _: &str) {
        self.reporter.answer(match rung {
            Rung::Destroy => Answer::Destroyed(None),
            _ => Answer::Gone(Box::new(hothouse_kernel::input::Exit::new("was stopped"))),
        });
    }

    fn call(&self, call: Call) {
        drop(call);
    }

    fn cancel(&self, _: CallId) {}

    fn abandon(&self) {}
}

#[test]
fn what_is_due_when_no_news_is_taken_in_is_done_at_once() {
    let folder = std::env::temp_dir().join(format!("hothouse-no-news-{}", std::process::id()));
    // What is decided is done only when it has been written down: that must happen too.
    let records = Some(RecordSettings::new(&folder, Redact::nothing()));
    let checks = Arc::new(Checks::default());
    let of_host = Arc::clone(&checks);
    let host = Host::spawn(HostSettings { records, ..HostSettings::default() }, move || {
        let plugin = |name: &str| {
            PluginSpec::with_loader(name, Arc::new(Told { checks: Arc::clone(&of_host) }) as Arc<dyn Loader>)
        };
        let check = PluginHealthCheck { interval: 1000, ..PluginHealthCheck::default() };
        vec![plugin("watched").health(&check), plugin("probed")]
    })
    .unwrap();
    assert!(wait(host.orchestrate_startup(&StartupOptions::default())).unwrap().all_successful());
    let asked = checks.asked.load(Ordering::SeqCst);
    assert_eq!(
        asked, 2,
        "`probed` is ready a few milliseconds after the second answer, a second before another check"
    );
    wait(host.stop_all()).unwrap();
    drop(host);
    let _ = std::fs::remove_dir_all(&folder);
}
