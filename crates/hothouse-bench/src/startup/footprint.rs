//! What a host takes up while nothing happens: its memory, and how often it wakes up.
//!
//! It is looked at from outside, in `/proc`, in a process that holds a host and nothing else.

use std::time::Duration;

use hothouse_host::wait;

use super::hosts::{self, Kind};
use super::played::{Played, listen};
use crate::error::Outcome;
use crate::table::{Row, Sheet, Target};

/// The role of that process.
pub(super) const ROLE: &str = "footprint";

const CHILDREN: usize = 100;
const CALM: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_secs(5);

/// Megabytes that a host may have resident.
const MOST_MEMORY: f64 = 10.0;

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for children in [0, CHILDREN] {
        let mut host = Played::start(&[ROLE, &children.to_string()])?;
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

/// Holds a host with so many children that are up.
pub(super) fn play(children: usize) -> Outcome<()> {
    let host = hosts::of_children(Kind::Byte, Duration::ZERO, hosts::unconnected(children))?;
    hosts::total(&wait(host.orchestrate_startup(&hosts::parallel()))?)?;
    listen(|| Ok(String::new()))?;
    wait(host.stop_all())?;
    Ok(())
}
