//! What a start costs: time to ready for children and native plugins, makespan of a graph, memory, idle wake-ups; and
//! what it costs beside a flood of log, and in a large host.

mod command;
mod flood;
pub(crate) mod floor;
mod footprint;
pub(crate) mod hosts;
mod makespan;
mod native;
mod played;
mod process;
mod scratch;
mod spawn;

pub(crate) use native::Nothing;
pub(crate) use played::{Played, ROLE, listen, megabytes, play};

use crate::Part;

/// What can be measured by itself, in the order in which everything is.
pub(crate) const PARTS: [(&str, Part); 7] = [
    ("native", native::measure),
    ("command", command::measure),
    ("process", process::measure),
    ("makespan", makespan::measure),
    ("footprint", footprint::measure),
    ("spawn", spawn::measure),
    ("flood", flood::measure),
];
