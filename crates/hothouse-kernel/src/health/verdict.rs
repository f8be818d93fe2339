//! What follows from checks that pass and fail in a row: the counters of one life.

/// What the checks so far amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// Not enough is known.
    #[default]
    Unknown,
    /// The last `successThreshold` checks have passed, and none has failed since.
    Healthy,
    /// It has failed since it was healthy, but fewer than `failureThreshold` times in a row.
    Wavering,
    /// It has failed `failureThreshold` times in a row.
    Unhealthy,
    /// It was unhealthy and passes again, but not yet `successThreshold` times in a row. One failure makes it unhealthy
    /// again: what was given up has to prove itself.
    Recovering,
}

impl Verdict {
    /// Whether others can rely on it.
    pub fn is_available(self) -> bool {
        !matches!(self, Verdict::Unhealthy | Verdict::Recovering)
    }
}

/// Counts checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tally {
    /// What they amount to.
    pub verdict: Verdict,
    /// How many have failed in a row.
    pub failures: u64,
    /// How many have passed in a row.
    pub passes: u64,
}

impl Tally {
    /// A check has passed, where `threshold` in a row are needed (`successThreshold`).
    pub fn pass(&mut self, threshold: u64) {
        self.failures = 0;
        self.passes = self.passes.saturating_add(1);
        self.verdict = match self.verdict {
            _ if self.passes >= threshold => Verdict::Healthy,
            Verdict::Unhealthy => Verdict::Recovering,
            same => same,
        };
    }

    /// A check has failed, where `threshold` in a row are needed (`failureThreshold`).
    pub fn fail(&mut self, threshold: u64) {
        self.passes = 0;
        self.failures = self.failures.saturating_add(1);
        self.verdict = match self.verdict {
            _ if self.failures >= threshold => Verdict::Unhealthy,
            Verdict::Recovering => Verdict::Unhealthy,
            Verdict::Unhealthy => Verdict::Unhealthy,
            Verdict::Unknown | Verdict::Healthy | Verdict::Wavering => Verdict::Wavering,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Healthy, Recovering, Unhealthy, Unknown, Wavering};
    use alloc::vec::Vec;

    /// What each check leads to: `+` passes, `-` fails.
    fn verdicts(checks: &str, failures: u64, passes: u64) -> Vec<Verdict> {
        let mut tally = Tally::default();
        let mut after = |check| {
            if check == '+' {
                tally.pass(passes)
            } else {
                tally.fail(failures)
            }
            tally.verdict
        };
        checks.chars().map(&mut after).collect()
    }

    #[test]
    fn every_threshold() {
        assert_eq!(verdicts("+", 3, 1), [Healthy]);
        assert_eq!(verdicts("++", 3, 2), [Unknown, Healthy]);
        assert_eq!(verdicts("-", 1, 1), [Unhealthy]);
        assert_eq!(verdicts("---", 3, 1), [Wavering, Wavering, Unhealthy]);
        assert_eq!(verdicts("+--+--", 3, 1), [Healthy, Wavering, Wavering, Healthy, Wavering, Wavering]);
        assert_eq!(verdicts("+-+-", 3, 2), [Unknown, Wavering, Wavering, Wavering]);
        assert_eq!(verdicts("-+-+", 1, 2), [Unhealthy, Recovering, Unhealthy, Recovering]);
        assert_eq!(verdicts("--+-", 2, 2), [Wavering, Unhealthy, Recovering, Unhealthy]);
        assert_eq!(verdicts("--+++", 2, 3), [Wavering, Unhealthy, Recovering, Recovering, Healthy]);
    }

    #[test]
    fn to_the_end_of_the_integers() {
        let mut tally = Tally { verdict: Wavering, failures: u64::MAX - 2, passes: 0 };
        tally.fail(u64::MAX);
        assert_eq!(tally.verdict, Wavering);
        tally.fail(u64::MAX);
        assert_eq!(tally.verdict, Unhealthy);
        tally.fail(u64::MAX);
        assert_eq!((tally.verdict, tally.failures), (Unhealthy, u64::MAX));
        let mut tally = Tally { verdict: Unhealthy, failures: 0, passes: u64::MAX - 1 };
        tally.pass(u64::MAX);
        assert_eq!(tally.verdict, Healthy);
        tally.pass(u64::MAX);
        assert_eq!((tally.verdict, tally.passes), (Healthy, u64::MAX));
    }
}
