//! Crash loops: a plugin that fails again and again in the same way is told of ever more rarely, with a count. Only what is
//! shown to people is folded; the files and `--json` have all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use hothouse_kernel::event::Happening;
use hothouse_kernel::phase::StopCause;
use hothouse_kernel::{Event, Instant, PluginId};
use hothouse_protocol::PluginHealthStatus;

/// The last failures of every plugin that had one.
#[derive(Default)]
pub(super) struct Loops(BTreeMap<PluginId, Loop>);

/// Failures of one plugin in a row, all of them the same.
struct Loop {
    how: String,
    times: u64,
    last: Instant,
    /// What follows from the last one is not shown.
    hidden: bool,
}

/// How an event is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Telling {
    /// As ever.
    Whole,
    /// Not at all.
    Hidden,
    /// As the same failure for so many times.
    Again(u64),
    /// The plugin is given up after it has failed like this for so many times.
    GivenUp(String, u64),
    /// The plugin is well again after it has failed so many times.
    WellAfter(u64),
}

impl Loops {
    /// How an event is to be told. Failures are in a row if none is `stable` or longer after the one before.
    pub(super) fn tell(&mut self, event: &Event, stable: Duration) -> Telling {
        let Some(plugin) = event.what.plugin() else { return Telling::Whole };
        match &event.what {
            Happening::Failed { failure, .. } => {
                return self.failed(plugin, failure.to_string(), event.at, stable);
            }
            Happening::HealthChanged { to: PluginHealthStatus::Healthy, .. } => {
                let before = self.0.get_mut(&plugin).filter(|before| before.hidden);
                let Some(before) = before else { return Telling::Whole };
                before.hidden = false;
                return Telling::WellAfter(before.times);
            }
            // From here on something else is the matter.
            Happening::GaveUp { .. } => {
                let before = self.0.remove(&plugin).filter(|before| before.times > 1);
                return before.map_or(Telling::Whole, |before| Telling::GivenUp(before.how, before.times));
            }
            Happening::RestartCancelled { .. } => drop(self.0.remove(&plugin)),
            Happening::StopBegan { cause, .. } if !matches!(cause, StopCause::Failure(_)) => {
                self.0.remove(&plugin);
            }
            _ => {}
        }
        match self.0.get(&plugin) {
            Some(before) if before.hidden => Telling::Hidden,
            _ => Telling::Whole,
        }
    }

    fn failed(&mut self, plugin: PluginId, how: String, at: Instant, stable: Duration) -> Telling {
        let same = |before: &&mut Loop| before.how == how && at.since(before.last) < stable;
        let Some(before) = self.0.get_mut(&plugin).filter(same) else {
            self.0.insert(plugin, Loop { how, times: 1, last: at, hidden: false });
            return Telling::Whole;
        };
        before.times += 1;
        before.last = at;
        // The 2nd, the 4th, the 8th and so on.
        before.hidden = !before.times.is_power_of_two();
        if before.hidden { Telling::Hidden } else { Telling::Again(before.times) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use hothouse_kernel::{Code, Failure, Incarnation, Seq, Stage};

    const STABLE: Duration = Duration::from_secs(60);
    const PLUGIN: PluginId = PluginId(0);

    fn event(seconds: u64, what: Happening) -> Event {
        Event { seq: Seq::FIRST, cause: None, at: Instant::from_millis(seconds * 1000), what }
    }

    fn failure(seconds: u64, message: &str) -> Event {
        let failure = Arc::new(Failure::new(Code::Exited, Stage::Run, message));
        event(seconds, Happening::Failed { plugin: PLUGIN, incarnation: Incarnation(1), failure })
    }

    #[test]
    fn the_same_failure_is_told_ever_more_rarely_and_counted() {
        let mut loops = Loops::default();
        let told: Vec<Telling> =
            (1..=9).map(|at| loops.tell(&failure(at, "exited with code 3"), STABLE)).collect();
        use Telling::{Again, Hidden, Whole};
        assert_eq!(told, [Whole, Again(2), Hidden, Again(4), Hidden, Hidden, Hidden, Again(8), Hidden]);
        let ready = Happening::Ready { plugin: PLUGIN, incarnation: Incarnation(9), took: Duration::ZERO };
        assert_eq!(loops.tell(&event(10, ready), STABLE), Hidden);
        assert_eq!(loops.tell(&failure(11, "killed by SIGSEGV"), STABLE), Whole, "another failure");
        assert_eq!(loops.tell(&failure(100, "killed by SIGSEGV"), STABLE), Whole, "it had been well");
    }

    #[test]
    fn the_end_of_it_is_always_told() {
        let mut loops = Loops::default();
        (1..=3).for_each(|at| drop(loops.tell(&failure(at, "no disk"), STABLE)));
        let (plugin, incarnation) = (PLUGIN, Incarnation(3));
        let healthy = Happening::HealthChanged {
            plugin,
            incarnation,
            from: PluginHealthStatus::Unknown,
            to: PluginHealthStatus::Healthy,
            why: None,
        };
        assert_eq!(loops.tell(&event(4, healthy), STABLE), Telling::WellAfter(3));
        (5..=7).for_each(|at| drop(loops.tell(&failure(at, "no disk"), STABLE)));
        let gave_up = Happening::GaveUp { plugin, incarnation, attempts: 6 };
        assert_eq!(loops.tell(&event(8, gave_up), STABLE), Telling::GivenUp("no disk".into(), 6));
    }
}
