//! What a call costs beyond what cannot be had for less: the same call handed to the instance directly, and for a process a
//! round trip over a bare socket.

mod native;
mod process;
mod router;

use std::time::Duration;

use crate::Part;
use crate::error::Outcome;
use crate::interleave::Times;
use crate::table::{Row, Sheet, Target};

/// What can be measured by itself, in the order in which everything is.
pub(crate) const PARTS: [(&str, Part); 3] =
    [("router", router::measure), ("native", native::measure), ("process", process::measure)];

/// Shows what one call costs with the host and without, and the difference, in nanoseconds.
fn show(
    sheet: &mut dyn Sheet,
    what: &str,
    calls: u32,
    (host, floor): &(Times, Times),
    most: Option<f64>,
) -> Outcome<()> {
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(calls);
    for (of, host, floor) in [("min", host.min(), floor.min()), ("median", host.median(), floor.median())] {
        let row = |what: String, value, floor, target| Row { what, of, unit: "ns", value, floor, target };
        sheet.row(&row(what.to_owned(), nanos(host), Some(nanos(floor)), None))?;
        let beyond = nanos(host) - nanos(floor);
        sheet.row(&row(format!("{what}, beyond the floor"), beyond, None, most.map(Target::Value)))?;
    }
    Ok(())
}
