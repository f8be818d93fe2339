//! Reading what a host has written down, while it runs or after it has ended.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// So much of a file is looked at for its last line.
pub(super) const LAST_LINES: u64 = 1 << 20;

/// The file of events of that age: 0 is the current one.
pub(super) fn event_file(folder: &Path, age: usize) -> PathBuf {
    match age {
        0 => folder.join("events.jsonl"),
        age => folder.join(format!("events.{age}.jsonl")),
    }
}

/// Reads the events after number `after` that lie in that folder, the oldest first. Each is an object as
/// [`Record::json`](crate::Record::json) makes it, with `run` as well: the number of the first event of its run. A line
/// that is no event, such as one that was half written when a host was killed, is left out.
///
/// # Errors
/// If a file is there and cannot be read. That there is none is no error.
pub fn read_events(folder: &Path, after: u64, mut each: impl FnMut(Value)) -> io::Result<()> {
    let mut files = Vec::new();
    for age in 0.. {
        match File::open(event_file(folder, age)) {
            Ok(file) => files.push(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    let mut last = after;
    for file in files.into_iter().rev() {
        for line in BufReader::new(file).split(b'\n') {
            let Ok(event) = serde_json::from_slice::<Value>(&line?) else { continue };
            // A file that was moved while the others were opened is read twice.
            if let Some(number) = event["seq"].as_u64().filter(|number| *number > last) {
                last = number;
                each(event);
            }
        }
    }
    Ok(())
}

/// The number of the event in that line, if it is one.
pub(super) fn number_of(line: &str) -> Option<u64> {
    serde_json::from_str::<Value>(line).ok()?["seq"].as_u64()
}

/// The end of a file as text: at most so many bytes, from the beginning of a line on.
pub(super) fn tail(path: &Path, bytes: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = fs::metadata(path)?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(bytes)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}
