//! How plugins are, for people: a table of several, everything that is known of one.

use std::time::Duration;

use hothouse_api::{CheckInfo, Healths, PluginHealth};
use hothouse_protocol::{HealthMetrics, PluginHealthStatus};

use super::advice::hothouse;
use super::style::{Style, harmless};
use super::table::{Cell, Column, fitted, rows};
use super::{count, duration};

/// The columns, each with how early a narrow terminal does without it.
const COLUMNS: [Column; 8] = [
    Column("PLUGIN", 0),
    Column("HEALTH", 0),
    Column("UPTIME", 5),
    Column("MEMORY", 3),
    Column("CPU", 4),
    Column("CALLS", 6),
    Column("ERRORS/MIN", 2),
    Column("MESSAGE", 1),
];

/// So many of the last checks are shown of one plugin.
const SHOWN_CHECKS: usize = 8;

/// What is known of these plugins.
pub(crate) fn healths(healths: &Healths, style: Style, width: Option<usize>) -> String {
    match healths.plugins.as_slice() {
        [one] => report(one, style),
        all => {
            let rows: Vec<_> = all.iter().map(row).collect();
            fitted(&COLUMNS, &rows, style, width).trim_end().to_owned()
        }
    }
}

fn paint(status: PluginHealthStatus) -> fn(Style, &str) -> String {
    match status {
        PluginHealthStatus::Healthy => Style::green,
        PluginHealthStatus::Unhealthy | PluginHealthStatus::Failed => Style::red,
        PluginHealthStatus::Unknown => Style::dim,
        PluginHealthStatus::Degraded | PluginHealthStatus::Recovering => Style::yellow,
    }
}

fn row(one: &PluginHealth) -> Vec<Cell> {
    let report = &one.report;
    let none = HealthMetrics::default();
    let metrics = report.metrics.as_ref().unwrap_or(&none);
    let or_dash = |text: Option<String>| Cell::plain(text.unwrap_or_else(|| "–".into()));
    vec![
        Cell::painted(one.plugin.clone(), Style::bold),
        Cell::painted(report.status.as_str(), paint(report.status)),
        or_dash(metrics.uptime.map(time)),
        or_dash(metrics.memory_usage.map(bytes)),
        or_dash(metrics.cpu_usage.map(percent)),
        or_dash(metrics.active_connections.map(|calls| format!("{calls:.0}"))),
        or_dash(metrics.error_rate.map(|errors| format!("{errors:.0}"))),
        Cell::plain(report.message.as_deref().map(harmless).unwrap_or_default()),
    ]
}

fn time(ms: f64) -> String {
    duration(Duration::try_from_secs_f64(ms.max(0.0) / 1e3).unwrap_or(Duration::MAX))
}

fn percent(share: f64) -> String {
    format!("{share:.1} %")
}

fn bytes(bytes: f64) -> String {
    let kib = bytes / 1024.0;
    match kib {
        _ if kib < 1024.0 => format!("{kib:.0} KiB"),
        _ if kib < 1024.0 * 1024.0 => format!("{:.1} MiB", kib / 1024.0),
        _ => format!("{:.1} GiB", kib / 1024.0 / 1024.0),
    }
}

/// Everything that is known of one plugin.
fn report(one: &PluginHealth, style: Style) -> String {
    let report = &one.report;
    let status = paint(report.status)(style, report.status.as_str());
    let message =
        report.message.as_deref().map_or_else(String::new, |message| format!(": {}", harmless(message)));
    let mut lines = vec![format!("{}: {status}{message}", style.bold(&one.plugin))];
    if let Some(metrics) = &report.metrics {
        let measured = measured(metrics);
        if !measured.is_empty() {
            lines.push(format!("  {}", measured.join(" · ")));
        }
    }
    for dependency in report.dependencies.iter().flatten() {
        let status = paint(dependency.status)(style, dependency.status.as_str());
        let message = dependency
            .message
            .as_deref()
            .map_or_else(String::new, |message| format!(": {}", harmless(message)));
        lines.push(format!("  depends on {}: {status}{message}", dependency.plugin_id));
    }
    match one.history.as_slice() {
        [] => lines.push("  not checked yet".into()),
        history => {
            let first = history.len().saturating_sub(SHOWN_CHECKS);
            lines.push(format!("  the last {}:", count(history.len() - first, "check")));
            let table: Vec<_> = history[first..].iter().map(check).collect();
            lines.extend(rows(&table, style).lines().map(|line| format!("    {line}")));
        }
    }
    if matches!(report.status, PluginHealthStatus::Unhealthy | PluginHealthStatus::Failed) {
        lines.push(format!(
            "  next: {} says how it came to that; {} shows what it logged",
            hothouse(&format!("why {}", one.plugin)),
            hothouse(&format!("logs {}", one.plugin))
        ));
    }
    lines.join("\n")
}

fn measured(metrics: &HealthMetrics) -> Vec<String> {
    let said = [
        metrics.uptime.map(|uptime| format!("up for {}", time(uptime))),
        metrics.memory_usage.map(|memory| format!("memory {}", bytes(memory))),
        metrics.cpu_usage.map(|cpu| format!("cpu {}", percent(cpu))),
        metrics.active_connections.map(|calls| format!("{calls:.0} calls running")),
        metrics.error_rate.map(|errors| format!("{errors:.0} failed in the last minute")),
        metrics.response_time.map(|mean| format!("{} on average", time(mean))),
    ];
    said.into_iter().flatten().collect()
}

fn check(check: &CheckInfo) -> Vec<Cell> {
    let passed: fn(Style, &str) -> String = if check.status == "passed" { Style::green } else { Style::red };
    vec![
        Cell::painted(check.time.clone(), Style::dim),
        Cell::painted(check.status.clone(), passed),
        Cell::plain(check.took_ms.map_or_else(|| "pushed".into(), time)),
        Cell::plain(check.message.as_deref().map(harmless).unwrap_or_default()),
    ]
}
