//! Outputs without what is different each time: paths, numbers of processes, times.

use std::path::Path;

use regex::Regex;

/// What is replaced by what.
pub struct Normal {
    texts: Vec<(String, String)>,
    patterns: Vec<(Regex, &'static str)>,
    /// For tables in addition, whose columns are as wide as what stands in them.
    of_tables: Vec<(Regex, &'static str)>,
}

impl Normal {
    /// For what is printed about a project in this folder.
    pub fn of(folder: &Path) -> Normal {
        let compile = |(pattern, with)| (Regex::new(pattern).unwrap(), with);
        let patterns = [
            // How fast an interpreter ends is the machine's affair.
            (r"(?m)^.*\(host\.closeGrace\) after its channel was closed.*\n", ""),
            // A caller's time counts from when it asked, which is a moment before the host knows of it.
            (r"`slow` did not answer within \d+ ms", "`slow` did not answer within N ms"),
            (r"(?m)^ +\d+\.\d{3} s ", "   TIME "),
            (r"\bin \d+(\.\d+)? (ms|s)\b", "in TIME"),
            (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
            (r"pid \d+", "pid PID"),
            (r"host \d+ up for [0-9.]+ (ms|s)", "host PID up for TIME"),
            (r"\d+(\.\d+)? (ms|s)( ago)", "TIME$3"),
            (r", for \d+(\.\d+)? (ms|s)\b", ", for TIME"),
            (
                r#""(atMs|tookMs|duration|totalDuration|launchedMs|initializedMs|settledMs|totalMs|sinceMs|uptimeMs|pid|timestamp)":[0-9.eE+-]+"#,
                r#""$1":N"#,
            ),
        ];
        let of_tables = [(r"\b\d+(\.\d+)? (ms|s)\b", "TIME"), (r"  \d{2,}  ", "  PID  "), (r"   +", "  ")];
        Normal {
            texts: vec![
                (folder.to_str().unwrap().to_owned(), "DIR".into()),
                (folder.file_name().unwrap().to_str().unwrap().to_owned(), "PROJECT".into()),
            ],
            patterns: patterns.map(compile).into(),
            of_tables: of_tables.map(compile).into(),
        }
    }

    pub fn replace(&mut self, text: String, with: &str) {
        self.texts.push((text, with.into()));
    }

    pub fn text(&self, text: &str) -> String {
        let text = self.texts.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let text =
            self.patterns.iter().fold(text, |text, (from, to)| from.replace_all(&text, *to).into_owned());
        last_lines_sorted(&text)
    }

    pub fn table(&self, text: &str) -> String {
        self.of_tables
            .iter()
            .fold(self.text(text), |text, (from, to)| from.replace_all(&text, *to).into_owned())
    }
}

/// Lines that came over different pipes are in no order that could be relied upon.
fn last_lines_sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for run in lines.chunk_by_mut(|one, other| is_last_line(one) && is_last_line(other)) {
        if run.len() > 1 {
            run.sort_unstable();
        }
    }
    lines.concat()
}

fn is_last_line(line: &str) -> bool {
    ["    ! ", "    ? ", "    | "].iter().any(|mark| line.starts_with(mark))
}
