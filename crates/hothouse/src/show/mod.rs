//! How things are written: for people with colour only where there is a terminal, for programs as JSON.

mod advice;
mod apply;
mod events;
mod failure;
mod happened;
mod health;
mod info;
mod ladder;
mod log;
pub(crate) mod picture;
mod style;
mod table;
mod waterfall;
mod when;
mod why;

pub(crate) use advice::{advise_for, hothouse, no_such_plugin, quoted};
pub(crate) use apply::{applied, plan_text, planned, resting_text};
pub(crate) use events::{EventWriter, notice_json};
use failure::next_step;
pub(crate) use failure::{after_failed_start, headline, place, start_failed, still_running};
pub(crate) use happened::event_line;
pub(crate) use health::healths;
pub(crate) use info::{plugins, started};
pub(crate) use log::LogWriter;
pub(crate) use style::{Style, harmless};
pub(crate) use table::{Cell, Column, fitted, stdout_width, table};
pub(crate) use waterfall::waterfall;
pub(crate) use when::{missing, when, when_of};
pub(crate) use why::{away, next, root_of, why};

use std::time::Duration;

use hothouse_config::{Problem, Severity};

/// One thing that is wrong with the project file.
pub(crate) fn problem(problem: &Problem, style: Style) -> String {
    let word = match problem.severity {
        Severity::Error => style.red("error"),
        Severity::Warning => style.yellow("warning"),
    };
    let text = problem.to_string();
    let text: Vec<String> = text.lines().map(harmless).collect();
    let text = text.join("\n");
    // The place already says that it is a warning; the coloured word in front says it once.
    format!("{word}: {}", text.replacen(": warning: ", ": ", 1))
}

/// An error that is no problem of the project file.
pub(crate) fn error(message: &str) {
    tell(&format!("{}: {message}", Style::stderr().red("error")));
}

/// Writes a line to standard error. That nobody reads it is no reason to fail.
pub(crate) fn tell(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a line to standard output; a reader that has gone away is not our affair.
pub(crate) fn print_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// So many of something: `1 plugin`, `3 plugins`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A phase of a plugin as it would follow "is".
pub(crate) fn in_words(phase: &str) -> &str {
    match phase {
        "backoff" => "waiting to be restarted",
        "waiting" => "waiting to be started",
        "leaving" => "going to be stopped",
        other => other,
    }
}

/// A duration for people: `0.4 ms`, `118 ms`, `2.3 s`, `4 min 5 s`, `3 h 2 min`, `5 d 1 h`.
pub(crate) fn duration(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    let seconds = duration.as_secs();
    match seconds {
        _ if ms < 10.0 => format!("{ms:.1} ms"),
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        0..60 => format!("{:.1} s", ms / 1e3),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let shown = [400, 9_960, 118_400, 999_400, 2_340_000, 245_000_000, 10_930_000_000, 435_700_000_000]
            .map(|micros| duration(Duration::from_micros(micros)));
        assert_eq!(
            shown,
            ["0.4 ms", "10.0 ms", "118 ms", "999 ms", "2.3 s", "4 min 5 s", "3 h 2 min", "5 d 1 h"]
        );
    }
}
