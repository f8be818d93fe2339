//! A process that is killed, until its next life has answered a call: beside a supervisor that does nothing else than wait
//! for one child, spawn it again and greet it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_process::Spawner;
use hothouse_runtime::Json;
use hothouse_runtime::native::{NativeLoader, Pool};
use rustix::process::{Pid, Signal, kill_process};

use super::{AT_ONCE, restarted, rows};
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::startup::hosts::{self, Kind, parallel};
use crate::startup::{Nothing, megabytes};
use crate::table::{Sheet, Target};

const ROUNDS: usize = 200;
/// How many plugins are beside it in a large host.
const OTHERS: usize = 1_000;
/// Megabytes that are resident in a host with much memory.
const LARGE: f64 = 2147.0;
/// As much memory is taken at once.
const PIECE: usize = 1 << 20;

/// What is to be expected, in floors, and the milliseconds that one in a hundred may take.
const MOST: Target = Target::Ratio(1.3);
const WORST: Target = Target::Value(2.0);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let mut floor = Supervisor::new()?;
    let mut compare = |what: &str, host: &Host| -> Outcome<()> {
        if !wait(host.orchestrate_startup(&parallel()))?.all_successful() {
            return Err("a plugin did not start".into());
        }
        let times = in_turns(ROUNDS, || killed(host), || floor.killed())?;
        sheet.rows(&rows(what, &times, Some(MOST), Some(WORST)))?;
        wait(host.stop_all())?;
        Ok(())
    };
    compare("kill -9 to the next life's first answer", &host(0)?)?;
    compare(&format!("the same beside {OTHERS} plugins"), &host(OTHERS)?)?;
    rustix::thread::disable_transparent_huge_pages(true)?;
    let mut ballast = Vec::new();
    while megabytes(std::process::id(), "VmRSS:")? < LARGE {
        ballast.push(vec![1_u8; PIECE]);
    }
    compare("the same in a host of 2 GiB", &host(0)?)?;
    std::hint::black_box(ballast);
    Ok(())
}

/// One process, and so many native plugins beside it.
fn host(others: usize) -> Outcome<Host> {
    let (program, spawner) = (hosts::child()?, Spawner::new()?);
    let settings = HostSettings { restart: AT_ONCE, ..HostSettings::default() };
    Ok(Host::spawn(settings, move || {
        let loader = hosts::loader(Kind::Rpc, &program, Duration::ZERO, spawner);
        let pool = Pool::new();
        let other = |number| PluginSpec::new(format!("other-{number}"), NativeLoader::new(&pool, || Nothing));
        let mut specs = vec![restarted(PluginSpec::with_loader("victim", loader))];
        specs.extend((0..others).map(other));
        specs
    })?)
}

fn killed(host: &Host) -> Outcome<Duration> {
    let view = wait(host.view())?;
    let pid = view.iter().next().and_then(|(_, status)| status.pid).ok_or("the victim does not run")?;
    let pid = Pid::from_raw(i32::try_from(pid)?).ok_or("no such process")?;
    let began = Instant::now();
    kill_process(pid, Signal::KILL)?;
    loop {
        let options = CallOptions { timeout: Some(hosts::LIMIT), ..CallOptions::default() };
        match wait(host.call("victim", "echo", Json::null(), options)) {
            Ok(_) => return Ok(began.elapsed()),
            // It was passed on to the life that is over.
            Err(error) if error.code == "GONE" => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The simplest supervisor there can be.
struct Supervisor {
    program: PathBuf,
    child: Child,
    answers: BufReader<UnixStream>,
    end: UnixStream,
}

impl Supervisor {
    fn new() -> Outcome<Supervisor> {
        let program = hosts::child()?;
        let (child, end) = spawn(&program)?;
        let mut supervisor = Supervisor { program, child, answers: BufReader::new(end.try_clone()?), end };
        supervisor.greet()?;
        Ok(supervisor)
    }

    /// It is asked what a host asks: `init`, `start`, and one call.
    fn greet(&mut self) -> Outcome<()> {
        for method in ["init", "start", "call"] {
            let line = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{\"method\":\"echo\",\"incarnation\":1}}}}\n"
            );
            self.end.write_all(line.as_bytes())?;
            let mut answer = String::new();
            if self.answers.read_line(&mut answer)? == 0 {
                return Err("the child did not answer".into());
            }
        }
        Ok(())
    }

    fn killed(&mut self) -> Outcome<Duration> {
        let began = Instant::now();
        self.child.kill()?;
        let mut last = String::new();
        while self.answers.read_line(&mut last)? > 0 {}
        self.child.wait()?;
        let (child, end) = spawn(&self.program)?;
        (self.child, self.answers, self.end) = (child, BufReader::new(end.try_clone()?), end);
        self.greet()?;
        Ok(began.elapsed())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // One that has ended by itself is reaped all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &PathBuf) -> Outcome<(Child, UnixStream)> {
    let (end, its) = UnixStream::pair()?;
    let child =
        Command::new(program).args(["rpc", "0", "0"]).stdin(Stdio::from(OwnedFd::from(its))).spawn()?;
    Ok((child, end))
}
