use std::fs;
use std::path::PathBuf;

use hothouse_runtime::{Level, LogLine, RawLine, Stream};

use super::*;
use crate::wait;

/// A folder of one test, removed at its end.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("hothouse-logs-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn logs(folder: Option<PathBuf>, max_size: u64, keep: u32) -> Logs {
    Logs::new(LogSettings { folder, max_size, keep, redact: None })
}

/// Writes lines as the reader of pipes does.
fn write(logs: &Logs, plugin: &str, lines: impl Iterator<Item = String>) {
    let mut inlet = logs.sink(plugin, 1).inlet();
    for line in lines {
        let text = line.as_bytes();
        inlet.line(RawLine { stream: Stream::Stdout, level: Level::Info, text, continues: false });
    }
    inlet.flush();
}

fn texts(past: Past) -> Vec<String> {
    past.map(|record| record.unwrap().text).collect()
}

fn numbers(from: u32, to: u32) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

#[test]
fn nothing_is_missing_and_nothing_is_doubled_between_the_past_and_what_comes() {
    let scratch = Scratch::new("seamless");
    for folder in [Some(scratch.0.join("logs")), None] {
        let logs = logs(folder, 3000, 1000);
        let writer = {
            let logs = logs.clone();
            std::thread::spawn(move || {
                for number in 0..500 {
                    write(&logs, "db", [number.to_string()].into_iter());
                }
                logs.close();
            })
        };
        let (past, mut feed) = logs.past_and_live(&LogSelection::default()).unwrap();
        let mut found = texts(past);
        while let Some(live) = wait(feed.next()) {
            let Live::Lines(lines) = live else { panic!("{live:?}") };
            found.extend(lines.into_iter().map(|line| line.text));
        }
        writer.join().unwrap();
        let all = texts(logs.past(&LogSelection::default()).unwrap());
        assert_eq!(all, numbers(0, 500));
        assert_eq!(found, all);
    }
}

#[test]
fn a_flood_is_whole_across_rotations() {
    let scratch = Scratch::new("whole");
    let logs = logs(Some(scratch.0.clone()), 64 * 1024, 1000);
    write(&logs, "@acme/db", numbers(0, 50_000).into_iter());
    write(&logs, "@acme/db", numbers(50_000, 50_003).into_iter());
    assert!(fs::read_dir(&scratch.0).unwrap().count() > 30);
    for entry in fs::read_dir(&scratch.0).unwrap() {
        assert!(entry.unwrap().metadata().unwrap().len() <= 64 * 1024);
    }
    assert_eq!(texts(logs.past(&LogSelection::default()).unwrap()), numbers(0, 50_003));
    let last: Vec<String> = logs.recent("@acme/db", 3).into_iter().map(|record| record.text).collect();
    assert_eq!(last, numbers(50_000, 50_003));
}

#[test]
fn those_who_must_not_wait_are_written_all_the_same() {
    let scratch = Scratch::new("desk");
    let logs = logs(Some(scratch.0.clone()), 1 << 20, 1);
    let sink = logs.sink("db", 2);
    for text in numbers(0, 1000) {
        sink.line(LogLine::new(Stream::Log, Level::Warn, text));
    }
    sink.line(LogLine::new(Stream::Log, Level::Info, "two\nlines"));
    let past: Vec<LogRecord> =
        logs.past(&LogSelection::default()).unwrap().map(|record| record.unwrap()).collect();
    assert_eq!(past.len(), 1001);
    assert_eq!((past[7].text.as_str(), past[7].stream, past[7].level), ("7", Stream::Log, Level::Warn));
    assert_eq!((past[1000].text.as_str(), past[1000].incarnation), ("two\nlines", 2));
    logs.close();
    sink.line(LogLine::new(Stream::Log, Level::Info, "late"));
    assert_eq!(texts(logs.past(&LogSelection::default()).unwrap()).last().unwrap(), "late");
}

#[test]
fn what_cannot_be_written_is_said_once_and_counted() {
    let scratch = Scratch::new("trouble");
    // There is a file where the folder is to be.
    scratch.write("logs", "");
    let logs = logs(Some(scratch.0.join("logs")), 1 << 20, 1);
    let mut feed = logs.listen(None, None);
    write(&logs, "db", numbers(0, 3).into_iter());
    write(&logs, "db", numbers(3, 5).into_iter());
    fs::remove_file(scratch.0.join("logs")).unwrap();
    write(&logs, "db", numbers(5, 6).into_iter());
    let mut shown = Vec::new();
    while let Some(Live::Lines(lines)) = feed.try_next() {
        shown.extend(lines.into_iter().map(|line| line.text));
    }
    assert!(shown[3].starts_with("its log cannot be written to "), "{shown:?}");
    let said = shown.remove(3);
    assert!(said.contains("`ls -ld` shows") && said.ends_with("it goes on by itself"), "{said}");
    assert_eq!(shown, numbers(0, 6), "it is said once: {said}");
    let kept = texts(logs.past(&LogSelection::default()).unwrap());
    assert!(kept[0].starts_with("5 lines are missing here: they could not be written ("), "{kept:?}");
    assert_eq!(kept[1..], numbers(5, 6));
}
