//! How one plugin is stopped: a ladder of ever harder steps, each with its own limit.
//!
//! A runtime says which rungs it has. The kernel climbs: it asks for one rung, waits for the answer or for the limit,
//! and goes on to the next one that exists. A plugin that is still there after the last rung is abandoned.

use core::fmt;
use core::time::Duration;

/// One step of stopping a plugin, from asking to ending.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rung {
    /// Call the `destroy` verb. Owed to every plugin whose `init` has completed.
    Destroy,
    /// Close the channel to it (a process), let go of it (native).
    Close,
    /// Ask its whole process group to end (SIGTERM, or the signal configured).
    Terminate,
    /// End its whole process group and cgroup (SIGKILL).
    Kill,
}

impl Rung {
    /// Every rung, from the softest to the hardest.
    pub const ALL: [Rung; 4] = [Rung::Destroy, Rung::Close, Rung::Terminate, Rung::Kill];

    /// The word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Destroy => "destroy",
            Rung::Close => "close",
            Rung::Terminate => "terminate",
            Rung::Kill => "kill",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rungs that a plugin's runtime has, and how long each may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ladder {
    limits: [Option<Duration>; 4],
}

impl Ladder {
    /// A ladder without rungs: a plugin that nothing can stop.
    pub const EMPTY: Ladder = Ladder { limits: [None; 4] };

    /// The same ladder with this rung, which may take so long.
    #[must_use]
    pub fn with(mut self, rung: Rung, limit: Duration) -> Ladder {
        self.limits[rung as usize] = Some(limit);
        self
    }

    /// How long a rung may take; `None` if there is no such rung.
    pub fn limit(&self, rung: Rung) -> Option<Duration> {
        self.limits[rung as usize]
    }

    /// The first rung from `rung` on that this ladder has, and its limit.
    pub fn from(&self, rung: Rung) -> Option<(Rung, Duration)> {
        Rung::ALL[rung as usize..].iter().find_map(|rung| Some((*rung, self.limit(*rung)?)))
    }

    /// The first rung after `rung` that this ladder has, and its limit.
    pub fn after(&self, rung: Rung) -> Option<(Rung, Duration)> {
        Rung::ALL.get(rung as usize + 1).and_then(|next| self.from(*next))
    }
}

impl Default for Ladder {
    /// All four rungs, as a child process has them: 10 s, 200 ms, 2 s, 2 s.
    fn default() -> Ladder {
        Ladder::EMPTY
            .with(Rung::Destroy, Duration::from_secs(10))
            .with(Rung::Close, Duration::from_millis(200))
            .with(Rung::Terminate, Duration::from_secs(2))
            .with(Rung::Kill, Duration::from_secs(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_rungs_are_passed_over() {
        let second = Duration::from_secs(1);
        let command = Ladder::EMPTY.with(Rung::Terminate, second).with(Rung::Kill, second);
        assert_eq!(command.from(Rung::Destroy), Some((Rung::Terminate, second)));
        assert_eq!(command.after(Rung::Terminate), Some((Rung::Kill, second)));
        assert_eq!(command.after(Rung::Kill), None);
        let native = Ladder::EMPTY.with(Rung::Destroy, second).with(Rung::Close, second);
        assert_eq!(native.after(Rung::Close), None);
        assert_eq!(Ladder::EMPTY.from(Rung::Destroy), None);
    }
}
