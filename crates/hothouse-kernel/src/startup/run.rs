//! One start under way: which of its plugins may be launched, how many are, what became of each.

use alloc::sync::Arc;
use core::cmp::Reverse;

use super::plan::Plan;
use super::report::{Entry, StartReport};
use crate::failure::Failure;
use crate::input::StartOptions;
use crate::urgency::Urgency;
use crate::{Graph, Instant, PluginId, Seq};

/// A start under way.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Run {
    pub(crate) options: StartOptions,
    pub(crate) report: StartReport,
    pub(crate) progress: Progress,
    /// Plugins whose turn has come, the most urgent in front.
    free: Urgency<Free>,
    /// The first entry that has not come to an outcome, as far as that is known.
    first_unsettled: usize,
    /// How many of its plugins hold a place: launched, and neither ready nor gone.
    in_flight: u32,
    /// How many of its plugins are neither ready nor at rest.
    open: u32,
    /// The event that was waited for last: the last one that brought a plugin to an outcome.
    pub(crate) last_event: Seq,
}

/// How far a start is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Progress {
    /// Plugins are launched as they can be.
    Starting,
    /// It has failed or was cut off: nothing more is launched, and what it started is stopped.
    Unwinding,
}

/// A plugin that may be launched. Larger is more urgent.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Free {
    remaining: u64,
    /// Its place among the entries, which are in the order of the plan.
    entry: Reverse<u32>,
    plugin: PluginId,
}

impl Run {
    /// The run that carries out this plan, and that began with that event. All its plugins count as open.
    pub(crate) fn of(plan: &Plan, options: StartOptions, now: Instant, began: Seq) -> Run {
        let entries = plan.steps.iter().map(|step| Entry::new(step.plugin)).collect();
        Run {
            options,
            report: StartReport {
                entries,
                began: now,
                ended: now,
                failed: None,
                stopped: false,
                rolled_back: alloc::vec::Vec::new(),
            },
            progress: Progress::Starting,
            free: Urgency::default(),
            first_unsettled: 0,
            in_flight: 0,
            open: plan.steps.len() as u32,
            last_event: began,
        }
    }

    /// Nothing this plugin waits for is pending any more.
    pub(crate) fn freed(&mut self, graph: &Graph, entry: u32) {
        let plugin = self.entry(entry).plugin;
        // One at a time there is nothing to gain from urgency, and the order of the plan is the promise.
        let remaining = if self.options.parallel { graph.remaining(plugin) } else { 0 };
        self.free.push(Free { remaining, entry: Reverse(entry), plugin });
    }

    /// The next plugin to launch, if there is one and a place for it.
    pub(crate) fn take_free(&mut self) -> Option<PluginId> {
        let place = self.progress == Progress::Starting && (self.options.parallel || self.is_turn());
        if place { self.free.pop().map(|free| free.plugin) } else { None }
    }

    /// One at a time, in the order of the plan: whether the most urgent plugin is the next one. A plugin later in the
    /// plan may be free already while the next one still waits for another start, or for its last life to end.
    fn is_turn(&mut self) -> bool {
        let unsettled = &self.report.entries[self.first_unsettled..];
        self.first_unsettled += unsettled.iter().take_while(|entry| entry.settled.is_some()).count();
        let next = self.first_unsettled as u32;
        while self.free.peek().is_some_and(|free| free.entry.0 < next) {
            self.free.pop();
        }
        self.in_flight == 0 && self.free.peek().is_some_and(|free| free.entry.0 == next)
    }

    pub(crate) fn launched(&mut self, entry: u32, now: Instant) {
        self.in_flight += 1;
        self.entry(entry).launched = Some(now);
    }

    /// A plugin that was launched is ready or gone, and its place is free again.
    pub(crate) fn place_freed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// One of its plugins is ready or at rest, by that event.
    pub(crate) fn closed_one(&mut self, by: Option<Seq>) {
        self.open = self.open.saturating_sub(1);
        self.last_event = by.unwrap_or(self.last_event);
    }

    /// One of its plugins, ready until now, has to be stopped before the run can end.
    pub(crate) fn reopened_one(&mut self) {
        self.open += 1;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.open == 0
    }

    pub(crate) fn entry(&mut self, entry: u32) -> &mut Entry {
        &mut self.report.entries[entry as usize]
    }

    /// The start of one plugin has come to nothing. Only the first reason counts.
    pub(crate) fn failed(&mut self, entry: u32, failure: &Arc<Failure>, now: Instant) {
        let entry = self.entry(entry);
        if entry.failure.is_none() {
            entry.failure = Some(Arc::clone(failure));
            entry.settled.get_or_insert(now);
        }
    }
}
