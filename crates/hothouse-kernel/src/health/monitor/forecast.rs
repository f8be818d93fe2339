//! What the monitor is going to do, for whoever wants to know beforehand. It is the same arithmetic, so what is said comes
//! to pass.

use super::{LEAST_INTERVAL, soonest};
use crate::health::Verdict;
use crate::kernel::Kernel;
use crate::phase::Phase;
use crate::{Instant, PluginId};

/// Further checks than this are not looked ahead to.
const FORESEEN: u64 = 10_000;

impl Kernel {
    /// When a plugin that serves would be unhealthy at the earliest, by its checks alone: if each of those to come fails
    /// as soon as it is made. `None` if it is not watched, is unhealthy already, or more checks than anybody counts would
    /// have to fail.
    pub fn unhealthy_at(&self, plugin: PluginId) -> Option<Instant> {
        let settings = self.health_settings(plugin)?;
        let life = &self.plugins.get(plugin.index())?.life;
        let watch = life.watch.as_deref().filter(|_| life.phase == Phase::Ready)?;
        let missing = match life.tally.verdict {
            Verdict::Unhealthy => return None,
            Verdict::Recovering => 1,
            _ => settings.failure_threshold.saturating_sub(life.tally.failures).max(1),
        };
        if missing > FORESEEN {
            return None;
        }
        let under_way = u64::from(watch.asked.is_some());
        let Some(pauses) = (missing - under_way).checked_sub(1) else { return Some(self.now) };
        let pause = soonest(settings.interval.max(LEAST_INTERVAL));
        Some(watch.opens.max(self.now) + pause.saturating_mul(pauses as u32))
    }

    /// When a plugin's restarts count from zero again, if it stays healthy until then; `None` if none counts against it,
    /// or it is not healthy.
    pub fn attempts_forgotten_at(&self, plugin: PluginId) -> Option<Instant> {
        let own = self.plugins.get(plugin.index()).filter(|_| self.attempts(plugin) > 0)?;
        let well_since = own.life.watch.as_deref()?.well_since?;
        Some(well_since + self.settings.restart.stable)
    }
}
