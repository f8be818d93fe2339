//! What plugins log: where a project's logs are kept, what is taken out of them, and how a line is told to others.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hothouse_api::{LogLine, Started};
use hothouse_config::Project;
use hothouse_host::Host;
use hothouse_host::logs::{LogRecord, LogSettings, Redact};
use hothouse_protocol::DateTime;

use crate::current::CurrentProject;
use crate::places;

/// How many lines are told together with a failure.
const LAST_LINES: usize = 8;
/// How long a failure waits for lines that are on their way.
const ON_THEIR_WAY: Duration = Duration::from_millis(200);

/// The folder of a project's logs.
pub(crate) fn folder(project: &Project) -> Result<PathBuf, String> {
    Ok(places::state_dir(project)?.join("logs"))
}

/// How a project's logs are kept.
pub(crate) fn settings(current: &Arc<CurrentProject>) -> Result<LogSettings, String> {
    let project = current.get();
    Ok(LogSettings {
        folder: Some(folder(&project)?),
        max_size: project.host.logs.max_size,
        keep: project.host.logs.keep,
        redact: Some(Arc::new(SecretsOf(Arc::clone(current)))),
    })
}

/// Takes the secrets of the project, as it is now, out of its logs.
struct SecretsOf(Arc<CurrentProject>);

impl Redact for SecretsOf {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.get().secrets.redact(text)
    }

    fn unbegun(&self, text: &str) -> usize {
        self.0.get().secrets.unbegun(text)
    }
}

/// A line as it is told. What was no secret when it was kept may be one now, so secrets are taken out once more.
pub(crate) fn line(record: LogRecord, project: &Project) -> LogLine {
    let text = match project.secrets.redact(&record.text) {
        Cow::Owned(clean) => clean,
        Cow::Borrowed(_) => record.text,
    };
    LogLine {
        time: record.time,
        plugin: record.plugin,
        incarnation: record.incarnation,
        stream: record.stream.as_str().into(),
        level: record.level.as_str().into(),
        text,
        continues: record.continues,
    }
}

/// Adds to a start that failed what the plugin that failed first has logged last.
pub(crate) async fn add_last_lines(started: &mut Started, host: &Host, project: &Project) {
    let Some(cause) = &mut started.root_cause else { return };
    let (logs, plugin) = (host.logs().clone(), cause.plugin.clone());
    let recent = tokio::task::spawn_blocking(move || {
        logs.settle(ON_THEIR_WAY);
        logs.recent(&plugin, LAST_LINES)
    });
    // It fails only if the program is ending, and then nobody is left to be told.
    let recent = recent.await.unwrap_or_default();
    let life = recent.last().map_or(0, |record| record.incarnation);
    let of_this_life = recent.into_iter().filter(|record| record.incarnation == life);
    cause.last_lines = of_this_life.map(|record| line(record, project)).collect();
}

/// The time that `--since` and `since=` name: itself, or so long before now. As [`DateTime`] writes it, without the `Z`,
/// or the beginning of that.
pub(crate) fn since(text: &str, now_ms: i64) -> Result<String, String> {
    if let Some(ms) = duration_ms(text) {
        return Ok(DateTime::from_unix_ms(now_ms.saturating_sub(ms)).to_string());
    }
    let time = text.trim_end_matches(['Z', 'z']).replacen([' ', 't'], "T", 1);
    let rest = match time.len() {
        10 => "T00:00:00Z",
        16 => ":00Z",
        _ => "Z",
    };
    match DateTime::check(&format!("{time}{rest}")) {
        Ok(()) => Ok(time),
        Err(fault) => Err(format!(
            "`{text}` is neither a duration (90s, 10m, 2h, 1d) nor a time in UTC (2026-11-22, 2026-11-22T01:02, \
             2026-11-22T01:02:03): {fault}"
        )),
    }
}

/// `90s`, `1h30m`, in milliseconds.
fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_many_ways() {
        let now = 1_795_309_323_004;
        for (text, time) in [
            ("0s", "2026-11-22T01:02:03.004Z"),
            ("3s", "2026-11-22T01:02:00.004Z"),
            ("1h2m", "2026-11-22T00:00:03.004Z"),
            ("250ms", "2026-11-22T01:02:02.754Z"),
            ("1d", "2026-11-21T01:02:03.004Z"),
            ("2026-11-22", "2026-11-22"),
            ("2026-11-22T01:02", "2026-11-22T01:02"),
            ("2026-11-22 01:02", "2026-11-22T01:02"),
            ("2026-11-22T01:02:03Z", "2026-11-22T01:02:03"),
            ("2026-11-22T01:02:03.004Z", "2026-11-22T01:02:03.004"),
        ] {
            assert_eq!(since(text, now).as_deref(), Ok(time));
        }
        for wrong in [
            "",
            "5",
            "s",
            "5 s",
            "yesterday",
            "2026-11-31",
            "2026-11-22T01:02:03+02:00",
            "99999999999999999999d",
        ] {
            assert!(since(wrong, now).unwrap_err().contains("neither a duration"), "{wrong}");
        }
    }
}
