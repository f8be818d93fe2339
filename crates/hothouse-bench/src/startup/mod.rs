//! What a start costs: time to ready for children and native plugins, makespan of a graph, memory, idle wake-ups.

mod command;
mod floor;
pub(crate) mod footprint;
mod hosts;
mod makespan;
mod native;
mod process;

use crate::error::Outcome;
use crate::table::Sheet;

/// Measures everything.
pub(crate) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let parts = [native::measure, command::measure, process::measure, makespan::measure, footprint::measure];
    for part in parts {
        sheet.load(std::fs::read_to_string("/proc/loadavg")?.trim())?;
        part(sheet)?;
    }
    Ok(())
}
