//! Rows, as a table for people or as JSON lines for programs. A row is shown as soon as it is there.

use std::io::{self, Write as _};
use std::time::Duration;

use serde::Serialize;

use crate::interleave::Times;

/// One thing that was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What it is.
    pub(crate) what: String,
    /// Which of several rounds the figures are of: `min`, `median`, `mean` or `p99`; `once` if there was one.
    pub(crate) of: &'static str,
    /// The unit of `value` and `floor`.
    pub(crate) unit: &'static str,
    /// The host's figure.
    pub(crate) value: f64,
    /// What it is compared with, measured in the same run or known beforehand.
    pub(crate) floor: Option<f64>,
    /// What it should not exceed.
    pub(crate) target: Option<Target>,
}

/// What a figure should not exceed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    /// So many times the floor.
    Ratio(f64),
    /// So much, in the row's unit.
    Value(f64),
}

impl Row {
    /// Two rows, fastest and median, of times beside their floor.
    pub(crate) fn beside(what: &str, (host, floor): &(Times, Times), target: Option<Target>) -> [Row; 2] {
        let row = |of, host, floor, target| Row {
            what: what.to_owned(),
            of,
            unit: "ms",
            value: ms(host),
            floor: Some(ms(floor)),
            target,
        };
        [row("min", host.min(), floor.min(), target), row("median", host.median(), floor.median(), target)]
    }

    /// How many times the floor it is.
    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.value / floor)
    }

    fn is_within(&self) -> Option<bool> {
        match self.target? {
            Target::Value(most) => Some(self.value <= most),
            Target::Ratio(most) => self.ratio().map(|ratio| ratio <= most),
        }
    }
}

/// A time in milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Where rows go.
pub(crate) trait Sheet {
    /// Shows a row.
    fn row(&mut self, row: &Row) -> io::Result<()>;

    /// Shows several rows.
    fn rows(&mut self, rows: &[Row]) -> io::Result<()> {
        rows.iter().try_for_each(|row| self.row(row))
    }

    /// Shows how busy the machine is, as `/proc/loadavg` has it.
    fn load(&mut self, load: &str) -> io::Result<()>;
}

/// A table for people.
#[derive(Default)]
pub(crate) struct Text {
    has_head: bool,
}

impl Sheet for Text {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_head, true) {
            writeln!(
                io::stdout(),
                "{:<58} {:>6} {:>13} {:>13} {:>7} {:>10}",
                "what",
                "of",
                "value",
                "floor",
                "ratio",
                "target"
            )?;
        }
        let figure = |value: f64| format!("{value:.3} {}", row.unit);
        let target = match row.target {
            Some(Target::Ratio(most)) => format!("{most}x"),
            Some(Target::Value(most)) => format!("{most} {}", row.unit),
            None => String::new(),
        };
        let verdict = match row.is_within() {
            Some(true) => "ok",
            Some(false) => "over",
            None => "",
        };
        writeln!(
            io::stdout(),
            "{:<58} {:>6} {:>13} {:>13} {:>7} {target:>10} {verdict}",
            row.what,
            row.of,
            figure(row.value),
            row.floor.map_or_else(String::new, figure),
            row.ratio().map_or_else(String::new, |ratio| format!("{ratio:.3}")),
        )
    }

    fn load(&mut self, load: &str) -> io::Result<()> {
        writeln!(io::stdout(), "load: {load}")
    }
}

/// One JSON object per line.
pub(crate) struct Json;

impl Sheet for Json {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        let mut object = serde_json::json!(row);
        object["ratio"] = row.ratio().into();
        object["within"] = row.is_within().into();
        writeln!(io::stdout(), "{object}")
    }

    fn load(&mut self, load: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{}", serde_json::json!({ "load": load }))
    }
}
