//! What it takes to ask plugins how they are: the processor time of a host that asks a hundred times a second, beside one
//! that asks nobody, and the wake-ups of one that has nothing to do.
//!
//! The host is a process of its own, and looked at from outside.

use std::time::Duration;

use hothouse_host::{Host, HostSettings, PluginSpec, wait};
use hothouse_process::Spawner;
use hothouse_protocol::{HealthStatus, PluginHealthCheck};
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Init, NativeLoader, Plugin, Pool};

use rustix::time::{ClockId, clock_gettime};

use crate::error::Outcome;
use crate::startup::hosts::{self, Kind, parallel};
use crate::startup::{Played, listen};
use crate::table::{Row, Sheet, Target};

/// The role of that process.
pub(crate) const ROLE: &str = "watched";

/// Each is asked once a second.
const WATCHED: usize = 100;
const INTERVAL_MS: u64 = 1_000;
const IDLE: usize = 1_000;
/// What the start has left to do is over then, and so are the first checks.
const CALM: Duration = Duration::from_secs(12);
const SETTLED: Duration = Duration::from_secs(1);
const SPAN: Duration = Duration::from_secs(20);
/// Percent of one processor.
const MOST: Target = Target::Value(0.16);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for kind in ["native", "process"] {
        let (busy, _) = looked_at(kind, WATCHED, true)?;
        let (idle, _) = looked_at(kind, WATCHED, false)?;
        sheet.row(&Row {
            what: format!("processor of a host that makes 100 checks a second, {kind}"),
            of: "mean",
            unit: "%",
            value: busy,
            floor: Some(idle),
            target: Some(MOST),
        })?;
    }
    let (_, wake_ups) = looked_at("native", IDLE, false)?;
    let what = format!("wake-ups in {} s of idling, {IDLE} native plugins up", SPAN.as_secs());
    sheet.row(&Row {
        what,
        of: "once",
        unit: "",
        value: wake_ups,
        floor: None,
        target: Some(Target::Value(0.0)),
    })?;
    Ok(())
}

/// Percent of one processor, and wake-ups, of a host of so many plugins.
fn looked_at(kind: &str, plugins: usize, watched: bool) -> Outcome<(f64, f64)> {
    let mut host =
        Played::start(&[ROLE, kind, &plugins.to_string(), if watched { "watched" } else { "alone" }])?;
    std::thread::sleep(CALM);
    let busy = busy(&mut host)?;
    // It goes back to sleep after it has said how busy it was.
    std::thread::sleep(SETTLED);
    let awake = host.wake_ups()?;
    std::thread::sleep(SPAN);
    let awake = host.wake_ups()? - awake;
    let busy = self::busy(&mut host)?.saturating_sub(busy);
    host.end()?;
    Ok((busy.as_secs_f64() / (SETTLED + SPAN).as_secs_f64() * 100.0, awake.max(0.0)))
}

/// How long it has had a processor so far, with threads that have ended.
fn busy(host: &mut Played) -> Outcome<Duration> {
    Ok(Duration::from_nanos(host.ask()?.parse()?))
}

/// Says that it is well.
struct Well;

impl Plugin for Well {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description { verbs: Some(vec!["health".into()]), ..Description::default() })
    }

    async fn health(&self) -> Result<HealthStatus, PluginError> {
        Ok(HealthStatus { healthy: true, timestamp: 0, details: None, message: None })
    }
}

/// Holds a host of so many plugins that are up.
pub(crate) fn play(kind: &str, plugins: usize, watched: bool) -> Outcome<()> {
    let (program, spawner) = (hosts::child()?, Spawner::new()?);
    let native = kind == "native";
    let host = Host::spawn(HostSettings::default(), move || {
        let pool = Pool::new();
        let spec = |number: usize| {
            let name = format!("plugin-{number}");
            let spec = match native {
                true => PluginSpec::new(name, NativeLoader::new(&pool, || Well)),
                false => PluginSpec::with_loader(
                    name,
                    hosts::loader(Kind::Rpc, &program, Duration::ZERO, spawner.clone()),
                ),
            };
            // A process is asked by a method: its child has one.
            let check_method = (!native).then(|| "echo".to_owned());
            let check =
                PluginHealthCheck { interval: INTERVAL_MS, check_method, ..PluginHealthCheck::default() };
            if watched { spec.health(&check) } else { spec }
        };
        (0..plugins).map(spec).collect()
    })?;
    hosts::total(&wait(host.orchestrate_startup(&parallel()))?)?;
    listen(|| {
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        Ok((i128::from(spent.tv_sec) * 1_000_000_000 + i128::from(spent.tv_nsec)).to_string())
    })?;
    wait(host.stop_all())?;
    Ok(())
}
