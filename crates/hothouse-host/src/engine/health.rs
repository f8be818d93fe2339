//! Health: what is noted of checks, and the reports that are made of it.

use std::time::Instant;

use hothouse_kernel::restart::Attempt;
use hothouse_kernel::{Answer, Phase, PluginId, Stage};
use hothouse_protocol::{
    CheckStatus, DateTime, DependencyHealth, HealthCheckResult, HealthMetrics, PluginHealthReport,
};
use hothouse_runtime::{Usage, unix_ms};

use super::Engine;
use crate::health::{CheckRecord, HealthRecord, Recovery, Schedule};

/// So many coming restarts are shown at most.
const SHOWN: usize = 20;
/// So many are looked ahead to.
const COUNTED: usize = 10_000;

impl Engine {
    /// A check is made.
    pub(super) fn note_check(&mut self, plugin: PluginId, check: u64) {
        let slot = &mut self.slots[plugin.index()];
        let began = Instant::now();
        if let Some((_, before)) = slot.checks.under_way.replace((check, began)) {
            // It was given up before this one was made.
            let incarnation = slot.life.as_ref().map_or(0, |life| life.incarnation.0);
            let took = began.duration_since(before);
            slot.checks.add(CheckRecord {
                unix_ms: unix_ms(),
                incarnation,
                status: CheckStatus::Failed,
                message: Some("no answer".into()),
                took: Some(took),
            });
        }
    }

    /// Notes what a check has come to, if that is what the answer says. It has come at `came`.
    pub(super) fn note_answer(&mut self, plugin: PluginId, answer: &Answer, came: Instant) {
        let slot = &mut self.slots[plugin.index()];
        let (status, message) = match answer {
            Answer::Checked { health, .. } | Answer::Pushed(health) => {
                let status = if health.healthy { CheckStatus::Passed } else { CheckStatus::Failed };
                (status, health.message.clone().filter(|message| !message.is_empty()))
            }
            Answer::CheckFailed { failure, .. } => (CheckStatus::Failed, Some(failure.to_string())),
            _ => return,
        };
        let took = match answer {
            Answer::Checked { check, .. } | Answer::CheckFailed { check, .. } => {
                // An answer to a check that was given up counts for nothing.
                let Some((number, began)) = slot.checks.under_way else { return };
                if number != *check {
                    return;
                }
                slot.checks.under_way = None;
                Some(came.saturating_duration_since(began))
            }
            _ => None,
        };
        let incarnation = slot.life.as_ref().map_or(0, |life| life.incarnation.0);
        let ago = i64::try_from(came.elapsed().as_millis()).unwrap_or(i64::MAX);
        let unix_ms = unix_ms().saturating_sub(ago);
        slot.checks.add(CheckRecord { unix_ms, incarnation, status, message, took });
    }

    /// How a plugin is.
    pub(super) fn health_of(&mut self, plugin: PluginId) -> HealthRecord {
        let view = self.kernel.view_of(plugin);
        let metrics = self.metrics(plugin);
        let slot = &self.slots[plugin.index()];
        let checks = slot.checks.newest().filter(|check| check.incarnation == view.incarnation.0);
        let check = checks.map(|check| HealthCheckResult {
            name: slot.check_method.as_deref().unwrap_or("health").to_owned(),
            status: check.status,
            message: check.message.clone(),
            data: None,
        });
        let dependencies = self.graph.dependencies(plugin).iter().map(|edge| DependencyHealth {
            plugin_id: self.graph.name(edge.plugin).to_owned(),
            status: self.kernel.view_of(edge.plugin).status,
            message: self.in_words(edge.plugin),
        });
        let report = PluginHealthReport {
            status: view.status,
            timestamp: DateTime::from_unix_ms(unix_ms()),
            message: self.in_words(plugin),
            metrics: Some(metrics),
            checks: Some(check.into_iter().collect()),
            dependencies: Some(dependencies.collect()),
        };
        HealthRecord { report, tally: view.tally, history: slot.checks.all() }
    }

    /// Why a plugin is not healthy, if it is not.
    fn in_words(&self, plugin: PluginId) -> Option<String> {
        let view = self.kernel.view_of(plugin);
        if let Some(objection) = &view.objection {
            return Some(objection.as_ref().into());
        }
        let missing = view.service.as_deref().map(|service| {
            let missing = service.missing.iter();
            let each = missing.map(|missing| format!("`{}`, which {}", missing.name, missing.why));
            let each: Vec<String> = each.collect();
            match (service.forced, each.is_empty()) {
                (true, _) => format!("an operator has set its mode to {}", service.as_str()),
                (false, true) => format!("it serves as {} until an operator releases it", service.as_str()),
                (false, false) => format!("it does without {}", each.join(", ")),
            }
        });
        missing.or_else(|| {
            let failed = |failure: &hothouse_kernel::Failure| match failure.stage {
                Stage::Wait => failure.to_string(),
                stage => format!("it failed at {stage}: {failure}"),
            };
            match &view.phase {
                hothouse_kernel::Phase::Failed(failure) | hothouse_kernel::Phase::Backoff { failure, .. } => {
                    Some(failed(failure))
                }
                _ => None,
            }
        })
    }

    /// What can be measured of a plugin. Of native ones memory and processor time cannot be told from the host's.
    fn metrics(&mut self, plugin: PluginId) -> HealthMetrics {
        let view = self.kernel.view_of(plugin);
        let counts = self.router.counts(plugin);
        let now = Instant::now();
        let since_ready = self.elapsed().since(view.since);
        let slot = &mut self.slots[plugin.index()];
        let usage = slot.life.as_ref().and_then(|life| life.instance.usage());
        let cpu = usage.and_then(|usage| slot.measured.percent(usage, now));
        let runs = view.phase.is_serving();
        HealthMetrics {
            uptime: runs.then_some(since_ready.as_nanos() as f64 / 1e6),
            memory_usage: usage.map(|usage| usage.memory as f64),
            cpu_usage: cpu,
            active_connections: runs.then(|| f64::from(counts.running)),
            error_rate: runs.then_some(counts.failed_last_minute as f64),
            response_time: counts.mean_response_time.map(|time| time.as_nanos() as f64 / 1e6),
        }
    }

    /// What is going to happen to a plugin by itself.
    pub(super) fn schedule_of(&self, plugin: PluginId) -> Schedule {
        let view = self.kernel.view_of(plugin);
        let settings = &self.graph.decl(plugin).settings;
        let degradation = settings.degradation.as_deref();
        let (tries, next) = self.kernel.recovery_of(plugin);
        let recovery = degradation.map(|degradation| degradation.recovery);
        let names = |names: &[std::sync::Arc<str>], critical| {
            names.iter().map(move |name| (name.to_string(), critical)).collect::<Vec<_>>()
        };
        let now = self.elapsed();
        let all = self.kernel.attempts_left(plugin, COUNTED);
        let counted = all.len() < COUNTED;
        // The pause that is under way is over when it is due.
        let left = |attempt: &Attempt| attempt.due.map_or(attempt.pause, |due| due.since(now));
        let max_attempts =
            settings.health.filter(|health| health.auto_restart).map(|health| health.max_restart_attempts);
        let given_up = matches!(view.phase, Phase::Failed(_))
            && max_attempts.is_some_and(|max| max > 0 && view.attempts >= max);
        Schedule {
            now,
            now_unix_ms: unix_ms(),
            phase: view.phase,
            tally: view.tally,
            unhealthy_at: self.kernel.unhealthy_at(plugin),
            more: counted.then(|| all.len().saturating_sub(SHOWN) as u64),
            gives_up_after: (counted && max_attempts.is_some()).then(|| all.iter().map(left).sum()),
            forgotten_at: self.kernel.attempts_forgotten_at(plugin),
            given_up,
            service: view.service,
            next_check: view.next_check,
            checks: settings.health.map(|health| (health.interval, health.failure_threshold)),
            attempts: view.attempts,
            max_attempts,
            coming: all.into_iter().take(SHOWN).collect(),
            stable: self.kernel.settings().restart.stable,
            recovery: recovery.filter(|recovery| recovery.enabled).map(|recovery| Recovery {
                tries,
                max: recovery.max_attempts,
                interval: recovery.interval,
                next,
            }),
            fallback: degradation.map(|degradation| degradation.enabled.then(|| degradation.mode.as_str())),
            depends: degradation.map_or_else(Vec::new, |degradation| {
                let mut depends = names(&degradation.critical, true);
                depends.extend(names(&degradation.optional, false));
                depends
            }),
        }
    }
}

/// Processor time between two looks.
#[derive(Default)]
pub(crate) struct Measured {
    last: Option<(u32, Instant, std::time::Duration)>,
}

impl Measured {
    /// The percentage of one processor since the last look at the same process, else since it began.
    fn percent(&mut self, usage: Usage, now: Instant) -> Option<f64> {
        let before = self.last.replace((usage.pid, now, usage.cpu)).filter(|(pid, ..)| *pid == usage.pid);
        let (elapsed, used) = match before {
            Some((_, at, cpu)) => (now.duration_since(at), usage.cpu.saturating_sub(cpu)),
            None => (usage.age, usage.cpu),
        };
        (!elapsed.is_zero()).then(|| used.as_secs_f64() / elapsed.as_secs_f64() * 100.0)
    }
}
