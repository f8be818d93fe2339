//! Whether the system may have killed a process because memory ran out.
//!
//! The kernel counts the victims of its out-of-memory killer for the whole machine, not by name. So this can raise a
//! suspicion, and never prove one.

use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

/// The count when the first child was made; `None` if it cannot be read.
static BEFORE: OnceLock<Option<u64>> = OnceLock::new();

/// More than the system has to say there.
const ALL: usize = 32 * 1024;

/// Remembers how many victims there have been, so that later ones can be told from those.
pub(crate) fn begin() {
    BEFORE.get_or_init(victims);
}

/// Who may have sent a SIGKILL that was not sent from here.
pub(crate) fn suspicion() -> String {
    in_words(BEFORE.get().copied().flatten(), victims())
}

fn in_words(before: Option<u64>, now: Option<u64>) -> String {
    match (before, now) {
        (Some(before), Some(now)) if now > before => {
            "not sent from here: memory has run out on this machine since the host began, and the system has killed \
             for it; look at the memory first"
                .into()
        }
        _ => "not sent from here: somebody else's `kill -9`, or the system because memory ran out, which `dmesg` \
              would tell"
            .into(),
    }
}

/// How many processes of this machine have been killed for want of memory since it was started.
fn victims() -> Option<u64> {
    let counts = std::fs::File::open("/proc/vmstat").ok()?;
    let (mut text, mut length) = ([0; ALL], 0);
    // No further than needed: the system adds everything up anew for every read, and a restart waits for this.
    loop {
        let read = counts.read_at(&mut text[length..], length as u64).ok().filter(|read| *read > 0)?;
        length += read;
        let whole = text[..length].iter().rposition(|byte| *byte == b'\n')?;
        if let Some(count) = count_in(str::from_utf8(&text[..whole]).ok()?) {
            return Some(count);
        }
    }
}

fn count_in(vmstat: &str) -> Option<u64> {
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_the_others() {
        assert_eq!(count_in("nr_free_pages 7\noom_kill_other 3\noom_kill 12\n"), Some(12));
        assert_eq!(count_in("nr_free_pages 7\n"), None);
    }

    #[test]
    fn only_new_victims_make_memory_the_first_suspect() {
        assert!(in_words(Some(1), Some(2)).contains("look at the memory first"));
        for (before, now) in [(Some(2), Some(2)), (None, Some(5)), (Some(1), None)] {
            assert!(in_words(before, now).contains("somebody else's `kill -9`"));
        }
    }
}
