//! What a start costs: time to ready for children and native plugins, makespan of a graph, memory, idle wake-ups.

mod command;
pub(crate) mod floor;
pub(crate) mod footprint;
pub(crate) mod hosts;
mod makespan;
mod native;
mod process;

use crate::Part;

/// What can be measured by itself, in the order in which everything is.
pub(crate) const PARTS: [(&str, Part); 5] = [
    ("native", native::measure),
    ("command", command::measure),
    ("process", process::measure),
    ("makespan", makespan::measure),
    ("footprint", footprint::measure),
];
