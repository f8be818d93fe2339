//! A line of a log as people see it.

use hothouse_api::LogLine;

use super::style::{Style, harmless};

/// Writes lines of logs, with the names of the plugins in a column.
#[derive(Clone, Copy)]
pub(crate) struct LogWriter {
    style: Style,
    /// How wide the column of names is.
    width: usize,
}

impl LogWriter {
    pub(crate) fn new(style: Style, width: usize) -> LogWriter {
        LogWriter { style, width }
    }

    /// The line, with this in front of it.
    pub(crate) fn line(&self, before: &str, line: &LogLine) -> String {
        let text = harmless(&line.text);
        let text = match line.level.as_str() {
            "warn" => self.style.yellow(&text),
            "error" => self.style.red(&text),
            _ => text,
        };
        let name = format!("{:>width$}", line.plugin, width = self.width);
        // The rest of a line that is too long comes in the next one.
        let goes_on = if line.continues { "…" } else { "" };
        format!("{before} {} {} {text}{goes_on}", self.style.dim(&name), mark(&line.stream))
    }
}

/// What stands before a line of that stream.
pub(crate) fn mark(stream: &str) -> &'static str {
    match stream {
        "stderr" => "!",
        "host" => "?",
        _ => "|",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_harmless_line() {
        let line = LogLine {
            time: String::new(),
            plugin: "db".into(),
            incarnation: 1,
            stream: "stderr".into(),
            level: "error".into(),
            text: "a\nb\x1b[2J".into(),
            continues: true,
        };
        let written = LogWriter::new(Style::plain(), 4).line("now", &line);
        assert_eq!(written, "now   db ! a\\nb\\u{1b}[2J…");
    }
}
