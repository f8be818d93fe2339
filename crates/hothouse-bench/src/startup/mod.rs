//! What a start costs: time to ready for children and native plugins, makespan of a graph, memory, idle wake-ups; and
//! what it costs beside a flood of log, and in a large host.

mod command;
mod flood;
mod floor;
mod footprint;
mod hosts;
mod makespan;
mod native;
mod played;
mod process;
mod scratch;
mod spawn;

pub(crate) use played::{ROLE, play};

use crate::error::Outcome;
use crate::table::Sheet;

type Part = fn(&mut dyn Sheet) -> Outcome<()>;

/// What can be measured by itself, in the order in which everything is.
const PARTS: [(&str, Part); 7] = [
    ("native", native::measure),
    ("command", command::measure),
    ("process", process::measure),
    ("makespan", makespan::measure),
    ("footprint", footprint::measure),
    ("spawn", spawn::measure),
    ("flood", flood::measure),
];

/// Measures the part of that name, or everything.
pub(crate) fn measure(only: Option<&str>, sheet: &mut dyn Sheet) -> Outcome<()> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if !PARTS.iter().any(|(name, _)| wanted(name)) {
        let names = PARTS.map(|(name, _)| name).join(", ");
        return Err(format!("there is no such part of `startup`; there are {names}").into());
    }
    for (_, part) in PARTS.iter().filter(|(name, _)| wanted(name)) {
        sheet.load(std::fs::read_to_string("/proc/loadavg")?.trim())?;
        part(sheet)?;
    }
    Ok(())
}
