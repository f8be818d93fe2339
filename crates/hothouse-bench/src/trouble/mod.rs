//! What trouble costs: a plugin that dies and serves again, what it takes to ask plugins how they are, and what those
//! who are well notice of those who are not.

mod checks;
mod incidents;
mod modes;
mod native;
mod process;

use std::time::Duration;

use hothouse_host::PluginSpec;
use hothouse_kernel::restart::Pacing;
use hothouse_protocol::{PluginHealthCheck, RestartBackoff};

use crate::Part;
use crate::interleave::Times;
use crate::table::{Row, Target, ms};

pub(crate) use checks::{ROLE as WATCHED, play as play_watched};

/// What can be measured by itself, in the order in which everything is.
pub(crate) const PARTS: [(&str, Part); 5] = [
    ("process", process::measure),
    ("native", native::measure),
    ("checks", checks::measure),
    ("modes", modes::measure),
    ("incidents", incidents::measure),
];

/// Restarts follow at once, so that only the work is measured.
const AT_ONCE: Pacing =
    Pacing { base: Duration::ZERO, cap: Duration::ZERO, jitter: 0, stable: Duration::from_secs(3600) };

/// The same plugin, started again whenever it ends.
fn restarted(spec: PluginSpec) -> PluginSpec {
    spec.health(&PluginHealthCheck {
        auto_restart: true,
        max_restart_attempts: u64::MAX,
        restart_backoff: RestartBackoff::Fixed,
        // No check comes into the way of what is measured.
        interval: 3_600_000,
        ..PluginHealthCheck::default()
    })
}

/// Rows of what is to be expected, and of the worst of a hundred.
fn rows(
    what: &str,
    (host, floor): &(Times, Times),
    median: Option<Target>,
    worst: Option<Target>,
) -> [Row; 3] {
    let [min, middle] = Row::beside(what, &(host.clone(), floor.clone()), median);
    let worst = Row {
        what: what.to_owned(),
        of: "p99",
        unit: "ms",
        value: ms(host.above(99)),
        floor: Some(ms(floor.above(99))),
        target: worst,
    };
    [Row { target: None, ..min }, middle, worst]
}
