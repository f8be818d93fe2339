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
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
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
        assert_eq!(Times::default().median(), Duration::ZERO);
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
