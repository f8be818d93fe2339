//! Five kinds of trouble at the same time, beside five plugins that are well: what those who call the well ones notice of
//! it, and whether every call is answered.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::input::Targets;
use hothouse_kernel::restart::Pacing;
use hothouse_process::{EnvPlan, ProcessLoader, ProcessSpec, Spawner, Transport};
use hothouse_protocol::PluginHealthCheck;
use hothouse_runtime::Json;

use crate::error::Outcome;
use crate::interleave::Times;
use crate::startup::hosts::{self, Kind, parallel};
use crate::table::{Row, Sheet, Target, ms};

/// What goes wrong; the child knows what that means.
const TROUBLES: [&str; 5] = ["hung", "crashing", "slow", "lying", "flapping"];
const WELL: usize = 5;

/// Quiet and troubled slices take turns. Together each kind lasts a minute.
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_secs(5);
/// From one call of a well plugin to the next, and of a troubled one.
const PACE: Duration = Duration::from_millis(10);
const TROUBLED_PACE: Duration = Duration::from_millis(100);
/// How long an answer of a troubled plugin is waited for, and how much later the caller must know at the latest.
const TIMEOUT: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_millis(250);
/// How much of what is usual the well ones may lose.
const MOST: Target = Target::Ratio(1.10);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let host = host()?;
    let bad: Vec<_> = TROUBLES.iter().map(|name| host.named(name)).collect::<Result<_, _>>()?;
    if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
        return Err("a plugin did not start".into());
    }
    let (mut troubled, mut quiet) = (Slice::default(), Slice::default());
    for slice in 0..=SLICES {
        wait(host.stop(Targets::Some(bad.clone())))?;
        let of_quiet = calls(&host, &[])?;
        wait(host.start(Targets::Some(bad.clone()), &parallel()))?;
        let of_troubled = calls(&host, &TROUBLES)?;
        // The first of each finds caches empty that later ones find full.
        if slice > 0 {
            quiet.add(of_quiet);
            troubled.add(of_troubled);
        }
    }
    wait(host.stop_all())?;
    let what = "a call of five that are well, beside five in trouble";
    let (value, floor) = (troubled.well, quiet.well);
    for (of, value, floor, target) in [
        ("median", value.median(), floor.median(), None),
        ("mean", value.mean(), floor.mean(), None),
        ("p99", value.above(99), floor.above(99), Some(MOST)),
    ] {
        let (value, floor) = (ms(value), Some(ms(floor)));
        sheet.row(&Row { what: what.to_owned(), of, unit: "ms", value, floor, target })?;
    }
    let count = |what: String, value: u64, target| Row {
        what,
        of: "once",
        unit: "",
        value: value as f64,
        floor: None,
        target,
    };
    sheet.row(&count("calls of those in trouble".into(), troubled.asked, None))?;
    let none = Some(Target::Value(0.0));
    sheet.row(&count("of them without an answer in time".into(), troubled.unanswered, none))?;
    sheet.row(&count("failed calls of those that are well".into(), troubled.failed + quiet.failed, none))?;
    Ok(())
}

fn host() -> Outcome<Host> {
    let (program, spawner) = (hosts::child()?, Spawner::new()?);
    let pacing =
        Pacing { base: Duration::from_millis(200), cap: Duration::from_secs(1), ..Pacing::default() };
    let settings = HostSettings { restart: pacing, ..HostSettings::default() };
    Ok(Host::spawn(settings, move || {
        let health = |auto_restart| PluginHealthCheck {
            interval: 1_000,
            timeout: 300,
            failure_threshold: 1,
            auto_restart,
            max_restart_attempts: u64::MAX,
            ..PluginHealthCheck::default()
        };
        let well = (0..WELL).map(|number| {
            let loader = hosts::loader(Kind::Rpc, &program, Duration::ZERO, spawner.clone());
            PluginSpec::with_loader(format!("well-{number}"), loader).health(&health(false))
        });
        let mut specs: Vec<PluginSpec> = well.collect();
        specs.extend(TROUBLES.iter().map(|kind| {
            PluginSpec::with_loader(*kind, troubled(&program, kind, spawner.clone())).health(&health(true))
        }));
        specs
    })?)
}

fn troubled(program: &Path, kind: &str, spawner: Spawner) -> std::sync::Arc<dyn hothouse_runtime::Loader> {
    let words = ["trouble", hosts::CHANNEL, kind].map(OsString::from);
    let program = [program.as_os_str().to_owned()].into_iter().chain(words).collect();
    let (cwd, env) = (PathBuf::from("/"), EnvPlan::inherit());
    let spec =
        ProcessSpec { program, cwd, env, transport: Transport::Fd, max_line: hosts::MAX_LINE, check: None };
    ProcessLoader::new(spec, spawner)
}

/// What came of the calls of a while.
#[derive(Default)]
struct Slice {
    well: Times,
    failed: u64,
    asked: u64,
    unanswered: u64,
}

impl Slice {
    fn add(&mut self, other: Slice) {
        self.well.extend(other.well);
        self.failed += other.failed;
        self.asked += other.asked;
        self.unanswered += other.unanswered;
    }
}

/// Calls everybody for a while, each in a pace of their own.
fn calls(host: &Host, troubled: &[&str]) -> Outcome<Slice> {
    let until = Instant::now() + SLICE;
    thread::scope(|scope| {
        let well =
            (0..WELL).map(|number| scope.spawn(move || well_calls(host, &format!("well-{number}"), until)));
        let well: Vec<_> = well.collect();
        let troubled = troubled.iter().map(|name| scope.spawn(move || troubled_calls(host, name, until)));
        let troubled: Vec<_> = troubled.collect();
        let mut all = Slice::default();
        for caller in well.into_iter().chain(troubled) {
            all.add(caller.join().map_err(|_| "a caller panicked")?);
        }
        Ok(all)
    })
}

fn well_calls(host: &Host, name: &str, until: Instant) -> Slice {
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < until {
        thread::sleep(PACE);
        let asked = Instant::now();
        let options = CallOptions { timeout: Some(hosts::LIMIT), ..CallOptions::default() };
        let answer = wait(host.call(name, "echo", Json::null(), options));
        times.push(asked.elapsed());
        failed += u64::from(answer.is_err());
    }
    Slice { well: Times::of(times), failed, ..Slice::default() }
}

/// An error is an answer.
fn troubled_calls(host: &Host, name: &str, until: Instant) -> Slice {
    let mut slice = Slice::default();
    while Instant::now() < until {
        thread::sleep(TROUBLED_PACE);
        let asked = Instant::now();
        let options = CallOptions { timeout: Some(TIMEOUT), ..CallOptions::default() };
        drop(wait(host.call(name, "echo", Json::null(), options)));
        slice.asked += 1;
        slice.unanswered += u64::from(asked.elapsed() > TIMEOUT + LATEST);
    }
    slice
}
