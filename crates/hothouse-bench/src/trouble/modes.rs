//! How soon callers see that a plugin has fallen back: from the moment at which its dependency says that it is sick, or is
//! killed, until a call is refused that its mode refuses; and back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::input::Targets;
use hothouse_process::Spawner;
use hothouse_protocol::{FallbackMode, GracefulDegradation, HealthStatus, PluginHealthCheck};
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};
use rustix::process::{Pid, Signal, kill_process};

use super::AT_ONCE;
use crate::error::Outcome;
use crate::interleave::{Times, repeat};
use crate::startup::hosts::{self, Kind, LIMIT, parallel};
use crate::table::{Row, Sheet, Target, ms};

const ROUNDS: usize = 200;
/// The milliseconds within which callers see it.
const MOST: Target = Target::Value(10.0);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let host = host()?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("a plugin did not start".into());
    }
    let mut back = Vec::new();
    let sick = repeat(ROUNDS, || {
        let fell = until(&host, "by-word", false, || tell(&host, "sick"))?;
        back.push(until(&host, "by-word", true, || tell(&host, "well"))?);
        Ok(fell)
    })?;
    let killed = repeat(ROUNDS, || {
        let fell = until(&host, "by-death", false, || kill(&host))?;
        wait(host.start(Targets::Some(vec![host.named("victim")?]), &parallel()))?;
        until(&host, "by-death", true, || Ok(()))?;
        Ok(fell)
    })?;
    wait(host.stop_all())?;
    for (what, times) in [
        ("a dependency says that it is sick, until its dependent refuses", sick),
        ("it says that it is well, until its dependent serves everything", Times::of(back)),
        ("kill -9 of a dependency, until its dependent refuses", killed),
    ] {
        for (of, value) in [("median", times.median()), ("p99", times.above(99))] {
            let (what, value) = (what.to_owned(), ms(value));
            sheet.row(&Row { what, of, unit: "ms", value, floor: None, target: Some(MOST) })?;
        }
    }
    Ok(())
}

/// From before that is done until `plugin` serves what its mode refuses, or does not.
fn until(host: &Host, plugin: &str, serves: bool, done: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let began = Instant::now();
    done()?;
    loop {
        match wait(host.call(plugin, "write", Json::null(), options())) {
            Ok(_) if serves => return Ok(began.elapsed()),
            Err(error) if error.code == "REFUSED_BY_MODE" && !serves => return Ok(began.elapsed()),
            Err(error) if error.code != "REFUSED_BY_MODE" => return Err(error.into()),
            _ if began.elapsed() > LIMIT => return Err("the mode did not change".into()),
            _ => {}
        }
    }
}

fn options() -> CallOptions {
    CallOptions { timeout: Some(LIMIT), ..CallOptions::default() }
}

fn tell(host: &Host, what: &str) -> Outcome<()> {
    wait(host.call("talker", what, Json::null(), options()))?;
    Ok(())
}

fn kill(host: &Host) -> Outcome<()> {
    let view = wait(host.view())?;
    let victim = view.plugins.iter().find(|status| status.identity.name == "victim");
    let pid = victim.and_then(|status| status.pid).ok_or("the victim does not run")?;
    Ok(kill_process(Pid::from_raw(i32::try_from(pid)?).ok_or("no such process")?, Signal::KILL)?)
}

fn host() -> Outcome<Host> {
    let (program, spawner) = (hosts::child()?, Spawner::new()?);
    let settings = HostSettings { restart: AT_ONCE, ..HostSettings::default() };
    Ok(Host::spawn(settings, move || {
        let pool = Pool::new();
        let health = PluginHealthCheck {
            interval: 3_600_000,
            failure_threshold: 1,
            success_threshold: 1,
            ..PluginHealthCheck::default()
        };
        let dependent = |name: &str, critical: &str| {
            PluginSpec::new(name, NativeLoader::new(&pool, || Dependent)).degrades(&GracefulDegradation {
                fallback_mode: FallbackMode::Readonly,
                critical_dependencies: Some(vec![critical.to_owned()]),
                ..GracefulDegradation::default()
            })
        };
        let victim = hosts::loader(Kind::Rpc, &program, Duration::ZERO, spawner);
        vec![
            PluginSpec::new("talker", NativeLoader::new(&pool, Talker::default)).health(&health),
            dependent("by-word", "talker"),
            PluginSpec::with_loader("victim", victim),
            dependent("by-death", "victim"),
        ]
    })?)
}

/// Has a method that its mode refuses.
struct Dependent;

impl Plugin for Dependent {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::of(&["write"]))
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        Ok(call.payload)
    }
}

/// Says of itself what it is told to say, at once.
#[derive(Default)]
struct Talker {
    host: Mutex<Option<HostHandle>>,
    sick: AtomicBool,
}

impl Plugin for Talker {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(init.host);
        Ok(Description { verbs: Some(vec!["health".into()]), ..Description::of(&["sick", "well"]) })
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        self.sick.store(call.method == "sick", Ordering::SeqCst);
        let health = self.health().await?;
        if let Some(host) = self.host.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            host.health(health);
        }
        Ok(Json::null())
    }

    async fn health(&self) -> Result<HealthStatus, PluginError> {
        let healthy = !self.sick.load(Ordering::SeqCst);
        Ok(HealthStatus { healthy, timestamp: 0, message: None, details: None })
    }
}
