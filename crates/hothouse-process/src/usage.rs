//! What a process uses, as `/proc` tells it. For people to look at; nothing is decided by it.

use std::fs;
use std::time::Duration;

use hothouse_runtime::Usage;
use rustix::param::{clock_ticks_per_second, page_size};

/// What the process of that number uses; `None` if there is none, or it cannot be read.
pub(crate) fn of(pid: u32) -> Option<Usage> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    in_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, uptime)
}

fn in_stat(pid: u32, stat: &str, uptime: f64) -> Option<Usage> {
    // The name may hold anything, a closing parenthesis included; what follows the last one is numbers.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    // Field numbers as in proc(5), where the state is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = clock_ticks_per_second() as f64;
    let seconds = |ticks_of: u64| ticks_of as f64 / ticks;
    let (user, system, start, pages) = (field(14)?, field(15)?, field(22)?, field(24)?);
    Some(Usage {
        pid,
        memory: pages.saturating_mul(page_size() as u64),
        cpu: Duration::from_secs_f64(seconds(user.saturating_add(system))),
        age: Duration::from_secs_f64((uptime - seconds(start)).max(0.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_anything_in_it_moves_no_field() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 1 0 1000 9000000 256 99";
        let usage = in_stat(7, stat, 30.0).unwrap();
        let ticks = clock_ticks_per_second() as f64;
        assert_eq!(usage.memory, 256 * page_size() as u64);
        assert_eq!(usage.cpu, Duration::from_secs_f64(400.0 / ticks));
        assert_eq!(usage.age, Duration::from_secs_f64(30.0 - 1000.0 / ticks));
        assert!(in_stat(7, "7 (a) S 1", 1.0).is_none() && in_stat(7, "", 1.0).is_none());
    }

    #[test]
    fn this_process_uses_something() {
        let usage = of(std::process::id()).unwrap();
        assert!(usage.memory > 100_000 && usage.pid == std::process::id());
        assert!(of(u32::MAX).is_none());
    }
}
