//! What a start was, plugin by plugin: the values that all pictures of it are made from.

use std::collections::HashMap;

use hothouse_api::{Started, Timeline};
use hothouse_protocol::StartupOrchestrationResult;

/// A start. All times are milliseconds from the request for it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct StartPicture {
    /// The project.
    pub(crate) project: String,
    /// The time of day at which it was asked for, if that is known.
    pub(crate) began: Option<String>,
    /// The whole, what was undone included.
    pub(crate) total: f64,
    /// The plugins in the order of the plan.
    pub(crate) rows: Vec<Row>,
    /// The rows that decided how long it took, first to last.
    pub(crate) critical: Vec<usize>,
}

/// What the start of one plugin was.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Absent: it never was.
    pub(crate) launched: Option<f64>,
    /// The end of its `init`.
    pub(crate) initialized: Option<f64>,
    /// Its readiness, or its failure.
    pub(crate) settled: Option<f64>,
    pub(crate) outcome: Outcome,
    /// The rows of what it waited for.
    pub(crate) after: Vec<usize>,
}

/// What became of a plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Ready,
    /// It failed, with this code.
    Failed(String),
    /// Its start was cut off.
    CutOff,
    /// Its turn never came, or what it needs failed: the code.
    NotStarted(String),
}

impl Outcome {
    /// The word for it in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome::Ready => "ready",
            Outcome::Failed(_) => "failed",
            Outcome::CutOff => "cut-off",
            Outcome::NotStarted(_) => "not-started",
        }
    }

    /// The code of the failure, if it is one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Outcome::Ready => None,
            Outcome::CutOff => Some("CANCELLED"),
            Outcome::Failed(code) | Outcome::NotStarted(code) => Some(code),
        }
    }
}

impl Row {
    /// From its launch to the end of its start; `None` if it was never launched.
    pub(crate) fn took(&self) -> Option<f64> {
        Some((self.settled? - self.launched?).max(0.0))
    }

    /// The time in `init`, as far as it came.
    pub(crate) fn init(&self) -> Option<f64> {
        Some((self.initialized.or(self.settled)? - self.launched?).max(0.0))
    }

    /// The time from the end of `init` to readiness; `None` if it did not come so far.
    pub(crate) fn start(&self) -> Option<f64> {
        Some((self.settled? - self.initialized?).max(0.0))
    }
}

impl StartPicture {
    /// From what a host told of a start.
    pub(crate) fn of(project: &str, began: Option<&str>, started: &Started) -> StartPicture {
        StartPicture::new(project, began, &started.result, &started.timeline)
    }

    /// From the two halves of a report.
    pub(crate) fn new(
        project: &str,
        began: Option<&str>,
        result: &StartupOrchestrationResult,
        timeline: &Timeline,
    ) -> StartPicture {
        let codes: HashMap<&str, Option<&str>> = result
            .results
            .iter()
            .map(|one| {
                (one.plugin.name.as_str(), one.error.as_ref().map(|e| e.code.as_deref().unwrap_or("FAILED")))
            })
            .collect();
        let at: HashMap<&str, usize> =
            timeline.plugins.iter().enumerate().map(|(at, entry)| (entry.plugin.as_str(), at)).collect();
        let row = |entry: &hothouse_api::TimelineEntry| Row {
            name: entry.plugin.clone(),
            launched: entry.launched_ms,
            initialized: entry.initialized_ms,
            settled: entry.settled_ms,
            outcome: outcome(
                entry.success,
                entry.launched_ms.is_some(),
                codes.get(entry.plugin.as_str()).copied().flatten(),
            ),
            after: entry.after.iter().filter_map(|name| at.get(name.as_str()).copied()).collect(),
        };
        StartPicture {
            project: project.into(),
            began: began.map(str::to_owned),
            total: timeline.total_ms,
            rows: timeline.plugins.iter().map(row).collect(),
            critical: timeline
                .critical_path
                .iter()
                .filter_map(|name| at.get(name.as_str()).copied())
                .collect(),
        }
    }
}

fn outcome(success: bool, launched: bool, code: Option<&str>) -> Outcome {
    match code {
        _ if success => Outcome::Ready,
        Some("CANCELLED") if launched => Outcome::CutOff,
        Some(code) if launched => Outcome::Failed(code.into()),
        code => Outcome::NotStarted(code.unwrap_or("NOT_STARTED").into()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row(
        name: &str,
        times: [Option<f64>; 3],
        outcome: Outcome,
        after: &[usize],
    ) -> Row {
        let [launched, initialized, settled] = times;
        Row { name: name.into(), launched, initialized, settled, outcome, after: after.into() }
    }

    /// Six plugins of which one failed, and two had to suffer for it.
    pub(in super::super) fn failing() -> StartPicture {
        let failed = Outcome::Failed("EXITED".into());
        let waited = Outcome::NotStarted("DEPENDENCY_FAILED".into());
        StartPicture {
            project: "shop & <son>".into(),
            began: Some("2026-01-02T03:04:05.006Z".into()),
            total: 431.5,
            rows: vec![
                row("db", [Some(0.2), Some(4.0), Some(120.5)], Outcome::Ready, &[]),
                row("cache", [Some(0.3), Some(0.4), Some(12.0)], Outcome::Ready, &[]),
                row("api", [Some(120.6), Some(131.0), Some(300.0)], Outcome::Ready, &[0, 1]),
                row("payments", [Some(310.0), Some(318.0), Some(401.0)], failed, &[2]),
                row("slow", [Some(12.1), None, Some(401.2)], Outcome::CutOff, &[1]),
                row("web", [None, None, None], waited, &[3]),
            ],
            critical: vec![0, 2, 3],
        }
    }

    #[test]
    fn outcomes_follow_from_codes() {
        assert_eq!(outcome(true, true, None), Outcome::Ready);
        assert_eq!(outcome(false, true, Some("CANCELLED")), Outcome::CutOff);
        assert_eq!(outcome(false, false, Some("CANCELLED")), Outcome::NotStarted("CANCELLED".into()));
        assert_eq!(outcome(false, true, Some("EXITED")), Outcome::Failed("EXITED".into()));
        assert_eq!(outcome(false, false, None), Outcome::NotStarted("NOT_STARTED".into()));
    }
}
