//! The file of events: one JSON object per line, and older files beside it.
//!
//! Events are numbered on from run to run: the first of a run follows the last one that lies in the folder. `run` is the
//! number of the first event of the run. If the files are removed, numbers begin at 1 again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde_json::Value;

use super::read::{self, LAST_LINES};
use super::{RecordSettings, open_with};

/// The current file.
pub(super) struct EventFile {
    folder: PathBuf,
    file: File,
    size: u64,
    /// The number of the first event of this run.
    run: u64,
    max: u64,
    files: usize,
    buffer: Vec<u8>,
}

impl EventFile {
    /// Opens the current file, and says what the last event was that lies in the folder; 0 if there is none.
    pub(super) fn open(settings: &RecordSettings) -> io::Result<(EventFile, u64)> {
        let path = read::event_file(&settings.folder, 0);
        let mut file = open_with(&path, OpenOptions::new().create(true).read(true).append(true))?;
        let size = mend(&mut file)?;
        let last = last_number(settings)?;
        let events = EventFile {
            folder: settings.folder.clone(),
            file,
            size,
            run: last + 1,
            max: settings.event_bytes,
            files: settings.event_files.max(1),
            buffer: Vec::new(),
        };
        Ok((events, last))
    }

    pub(super) fn note(&mut self, event: &Value) {
        let mut event = event.clone();
        event["run"] = self.run.into();
        self.buffer.extend_from_slice(event.to_string().as_bytes());
        self.buffer.push(b'\n');
    }

    pub(super) fn forget(&mut self) {
        self.buffer.clear();
    }

    /// Writes what was noted, into a new file if the current one is full.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.write_buffer();
        self.buffer.clear();
        written
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        if self.size > 0 && self.size + self.buffer.len() as u64 > self.max {
            self.rotate()?;
        }
        let before = self.size;
        if let Err(error) = self.file.write_all(&self.buffer) {
            // Half a line would spoil the next one; if even that does not work, a reader leaves it out.
            let _ = self.file.set_len(before);
            return Err(error);
        }
        self.size += self.buffer.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let file = |age| read::event_file(&self.folder, age);
        for age in (0..self.files).rev() {
            let moved = if age + 1 == self.files {
                fs::remove_file(file(age))
            } else {
                fs::rename(file(age), file(age + 1))
            };
            match moved {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open_with(&file(0), OpenOptions::new().create(true).append(true))?;
        self.size = 0;
        Ok(())
    }
}

/// Ends a line that a host that was killed has left half written, and says how long the file is.
fn mend(file: &mut File) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(0);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(size);
    }
    file.write_all(b"\n")?;
    Ok(size + 1)
}

/// The number of the last event that lies in the folder.
fn last_number(settings: &RecordSettings) -> io::Result<u64> {
    for age in 0..=settings.event_files {
        let path = read::event_file(&settings.folder, age);
        let last = match read::tail(&path, LAST_LINES) {
            Ok(text) => text.lines().rev().find_map(read::number_of),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(last) = last {
            return Ok(last);
        }
    }
    Ok(0)
}
