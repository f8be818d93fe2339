//! Taking turns: A B A B …, so that whatever else the machine does falls on both.

use std::time::Duration;

use crate::error::Outcome;

/// The times of one thing that was measured several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// These.
    pub(crate) fn of(times: Vec<Duration>) -> Times {
        Times(times)
    }

    /// The fastest: closest to what the work itself takes.
    pub(crate) fn min(&self) -> Duration {
        self.0.iter().min().copied().unwrap_or_default()
    }

    /// The one in the middle: what is to be expected.
    pub(crate) fn median(&self) -> Duration {
        self.above(50)
    }

    /// What so many of a hundred are below.
    pub(crate) fn above(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
    }

    /// All of them by their number: what they cost together.
    pub(crate) fn mean(&self) -> Duration {
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.iter().sum::<Duration>().checked_div(count).unwrap_or_default()
    }

    /// Adds those of another round.
    pub(crate) fn extend(&mut self, more: Times) {
        self.0.extend(more.0);
    }
}

/// Measures once, several times.
pub(crate) fn repeat(rounds: usize, mut measured: impl FnMut() -> Outcome<Duration>) -> Outcome<Times> {
    (0..rounds).map(|_| measured()).collect::<Outcome<_>>().map(Times)
}

/// Measures two things in turns. One round of each is not counted: it finds caches empty that later ones find full.
pub(crate) fn in_turns(
    rounds: usize,
    mut a: impl FnMut() -> Outcome<Duration>,
    mut b: impl FnMut() -> Outcome<Duration>,
) -> Outcome<(Times, Times)> {
    let mut times = (Times::default(), Times::default());
    for round in 0..=rounds {
        let (one, other) = (a()?, b()?);
        if round > 0 {
            times.0.0.push(one);
            times.1.0.push(other);
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_and_the_middle() {
        let times = Times::of([9, 1, 5, 2, 7].map(Duration::from_millis).into());
        assert_eq!((times.min().as_millis(), times.median().as_millis()), (1, 5));
        assert_eq!(times.mean().as_micros(), 4800);
        assert_eq!((Times::default().median(), Times::default().mean()), (Duration::ZERO, Duration::ZERO));
        let mut hundred = Times::of((0..50).map(Duration::from_millis).collect());
        hundred.extend(Times::of((50..100).map(Duration::from_millis).collect()));
        assert_eq!((hundred.above(99).as_millis(), hundred.above(0).as_millis()), (99, 0));
    }

    #[test]
    fn they_take_turns_and_the_first_round_does_not_count() {
        let mut order = Vec::new();
        let order_cell = std::cell::RefCell::new(&mut order);
        let noted = |name, time| {
            order_cell.borrow_mut().push(name);
            Ok(Duration::from_millis(time))
        };
        let (a, b) = in_turns(2, || noted("a", 1), || noted("b", 2)).unwrap();
        assert_eq!((a.0.len(), b.0.len()), (2, 2));
        assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
    }
}
