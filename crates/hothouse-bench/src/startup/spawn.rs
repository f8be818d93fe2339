//! A child of a large host and the same of a small one: a host that copied itself to make a child would pay for every
//! page that it has.
//!
//! Each host is a process of its own. Both are there all the time, and take turns.

use std::time::{Duration, Instant};

use hothouse_host::wait;

use super::hosts::{self, Kind};
use super::played::{Played, listen, megabytes};
use crate::error::Outcome;
use crate::interleave::in_turns;
use crate::table::{Row, Sheet, Target};

/// The role of a process that holds such a host.
pub(super) const ROLE: &str = "spawn";

/// Megabytes that are resident.
const SMALL: u32 = 10;
const LARGE: u32 = 2147;

const ROUNDS: usize = 300;

/// What the large host may take, in times of the small one.
const MOST: Target = Target::Ratio(1.2);

/// As much memory is taken at once. A large piece, of small pages.
const PIECE: usize = 1 << 20;

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let start = |megabytes: u32| Played::start(&[ROLE, &megabytes.to_string()]);
    let (mut large, mut small) = (start(LARGE)?, start(SMALL)?);
    sheet.row(&Row {
        what: "resident memory of the large host, and of the small one".into(),
        of: "once",
        unit: "MB",
        value: large.megabytes("VmRSS:")?,
        floor: Some(small.megabytes("VmRSS:")?),
        target: None,
    })?;
    let times = in_turns(ROUNDS, || time_to_ready(&mut large), || time_to_ready(&mut small))?;
    sheet.rows(&Row::beside("1 command to ready, large host and small one", &times, Some(MOST)))?;
    large.end()?;
    small.end()
}

fn time_to_ready(host: &mut Played) -> Outcome<Duration> {
    Ok(Duration::from_nanos(host.ask()?.parse()?))
}

/// Holds a host with so much memory resident, and starts its one child whenever it is asked to.
pub(super) fn play(resident: u32) -> Outcome<()> {
    // A page table of small pages is what is expensive to copy.
    rustix::thread::disable_transparent_huge_pages(true)?;
    let mut ballast = Vec::new();
    let host = hosts::of_children(Kind::Byte, Duration::ZERO, hosts::unconnected(1))?;
    hosts::time_to_ready(&host)?;
    while megabytes(std::process::id(), "VmRSS:")? < f64::from(resident) {
        ballast.push(vec![1_u8; PIECE]);
    }
    listen(|| {
        let asked = Instant::now();
        hosts::total(&wait(host.orchestrate_startup(&hosts::parallel()))?)?;
        let time = asked.elapsed();
        wait(host.stop_all())?;
        Ok(time.as_nanos().to_string())
    })?;
    std::hint::black_box(ballast);
    Ok(())
}
