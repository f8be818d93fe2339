//! What the router itself does for a call: the instance answers at once, on the thread that asks, so there is no way there
//! and back, and nobody to wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{Answer, Rung};
use hothouse_runtime::contract::Description;
use hothouse_runtime::{
    Abilities, Birth, Call, CallId, CallReply, HealthReply, Instance, Json, Loader, Report, Reporter,
};

use super::show;
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::startup::hosts::parallel;
use crate::table::Sheet;

const CALLS: u32 = 200_000;
const ROUNDS: usize = 15;
const MOST: f64 = 100.0;
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let host = Host::spawn(HostSettings::default(), || {
        let mut spec = PluginSpec::new("echo", EchoLoader);
        spec.calls.limit = std::num::NonZeroU32::new(1000);
        spec.calls.timeout = Some(LIMIT);
        vec![spec]
    })?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("the plugin did not start".into());
    }
    let bare = Bare::default();
    let times = in_turns(ROUNDS, || through(&host), || bare.calls())?;
    show(sheet, "a call that is answered at once", CALLS, &times, Some(MOST))?;
    wait(host.stop_all())?;
    Ok(())
}

fn through(host: &Host) -> Outcome<Duration> {
    let asked = Instant::now();
    for _ in 0..CALLS {
        let options = CallOptions { timeout: Some(LIMIT), ..CallOptions::default() };
        wait(host.call("echo", "echo", Json::null(), options))?;
    }
    Ok(asked.elapsed())
}

/// The same instance without a host.
struct Bare {
    instance: Arc<dyn Instance>,
    loader: Arc<dyn Loader>,
    last: AtomicU64,
}

impl Default for Bare {
    fn default() -> Bare {
        Bare { instance: Arc::new(Echo(None)), loader: Arc::new(EchoLoader), last: AtomicU64::new(0) }
    }
}

impl Bare {
    fn calls(&self) -> Outcome<Duration> {
        let asked = Instant::now();
        for _ in 0..CALLS {
            wait(self.call())?;
        }
        Ok(asked.elapsed())
    }

    async fn call(&self) -> Outcome<Json> {
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.instance.call(Call {
            id: CallId(self.last.fetch_add(1, Ordering::Relaxed)),
            method: "echo".into(),
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

struct EchoLoader;

impl Loader for EchoLoader {
    fn abilities(&self) -> Abilities {
        Abilities {
            runtime: "native",
            rungs: &[Rung::Destroy, Rung::Close],
            verbs: true,
            probe: ProbeSchedule::default(),
            waits_for: None,
        }
    }

    fn launch(&self, birth: Birth) -> Arc<dyn Instance> {
        birth.reporter.report(Report::Described(Arc::new(Description::of(&["echo"]))));
        birth.reporter.answer(Answer::Initialized);
        Arc::new(Echo(Some(birth.reporter)))
    }
}

/// Answers with what it is asked, before the question returns.
struct Echo(Option<Reporter>);

impl Echo {
    fn say(&self, answer: Answer) {
        if let Some(reporter) = &self.0 {
            reporter.answer(answer);
        }
    }
}

impl Instance for Echo {
    fn start(&self) {
        self.say(Answer::Started);
    }

    fn probe(&self) {}

    fn check(&self, reply: HealthReply) {
        drop(reply);
    }

    fn stop(&self, _: Rung, _: &str) {
        self.say(Answer::Gone(Box::new(hothouse_kernel::input::Exit::new("was stopped"))));
    }

    fn call(&self, call: Call) {
        call.reply.send(Ok(call.payload));
    }

    fn cancel(&self, _: CallId) {}

    fn abandon(&self) {}
}
