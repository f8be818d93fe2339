//! On which processors something is measured.
//!
//! To wake another processor takes ten times longer on one machine than on the next, and as often as not it is asleep only
//! because nothing else runs. So what hands work from thread to thread is measured on one processor first, which host and
//! floor share, and then on all of them.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::error::Outcome;

/// Measures on one processor, which every thread and process that is made meanwhile inherits.
pub(crate) fn on_one<T>(measured: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let allowed = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).ok_or("there is no processor")?);
    sched_setaffinity(None, &one)?;
    let measured = measured();
    sched_setaffinity(None, &allowed)?;
    measured
}
