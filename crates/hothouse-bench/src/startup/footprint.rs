//! What a host takes up while nothing happens: its memory, and how often it wakes up.
//!
//! It is looked at from outside, in `/proc`, in a process that holds a host and nothing else.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hothouse_host::wait;

use super::hosts::{self, Kind};
use crate::error::Outcome;
use crate::table::{Row, Sheet, Target};

/// The argument by which this program is that host.
pub(crate) const ROLE: &str = "be-a-host";

const CHILDREN: usize = 100;
const CALM: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_secs(5);

/// Megabytes that a host may have resident.
const MOST_MEMORY: f64 = 10.0;

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for children in [0, CHILDREN] {
        let mut host = HostProcess::start(children)?;
        let target = (children == CHILDREN).then_some(Target::Value(MOST_MEMORY));
        sheet.row(&row(
            format!("resident memory, {children} commands up"),
            "MB",
            host.megabytes("VmRSS:")?,
            target,
        ))?;
        sheet.row(&row(
            format!("of that anonymous, {children} commands up"),
            "MB",
            host.megabytes("RssAnon:")?,
            None,
        ))?;
        // What the start has left to do, such as going to sleep, is not counted.
        std::thread::sleep(CALM);
        let before = host.wake_ups()?;
        std::thread::sleep(IDLE);
        let what = format!("wake-ups in {} s of idling, {children} commands up", IDLE.as_secs());
        sheet.row(&row(what, "", host.wake_ups()? - before, Some(Target::Value(0.0))))?;
        host.end()?;
    }
    Ok(())
}

fn row(what: String, unit: &'static str, value: f64, target: Option<Target>) -> Row {
    Row { what, of: "once", unit, value, floor: None, target }
}

/// Holds a host with so many children that are up, until its standard input ends.
pub(crate) fn play(children: usize) -> Outcome<()> {
    let host = hosts::of_children(Kind::Byte, Duration::ZERO, hosts::unconnected(children))?;
    hosts::total(&wait(host.orchestrate_startup(&hosts::parallel()))?)?;
    println!("up");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    wait(host.stop_all())?;
    Ok(())
}

/// The process that holds the host.
struct HostProcess(Child);

impl HostProcess {
    /// It is up when this returns.
    fn start(children: usize) -> Outcome<HostProcess> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ROLE, &children.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut host = command.spawn()?;
        let mut line = String::new();
        BufReader::new(host.stdout.take().ok_or("its stdout is piped")?).read_line(&mut line)?;
        match line.trim() {
            "up" => Ok(HostProcess(host)),
            _ => Err("the host process did not come up".into()),
        }
    }

    /// A size from its `/proc/PID/status`.
    fn megabytes(&self, field: &str) -> Outcome<f64> {
        let kibibytes = number(&fs::read_to_string(format!("/proc/{}/status", self.0.id()))?, field)?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    /// How often its threads have gone to sleep, all together: as often as they woke up.
    fn wake_ups(&self) -> Outcome<f64> {
        let mut sum = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            sum += number(&fs::read_to_string(task?.path().join("status"))?, "voluntary_ctxt_switches:")?;
        }
        Ok(sum)
    }

    fn end(&mut self) -> Outcome<()> {
        drop(self.0.stdin.take());
        match self.0.wait()?.success() {
            true => Ok(()),
            false => Err("the host process failed".into()),
        }
    }
}

fn number(status: &str, field: &str) -> Outcome<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or("a field of /proc is missing")?;
    Ok(number.parse()?)
}
