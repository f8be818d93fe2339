//! What a host writes down, if it is given a folder: its events, and the journal of its kernel's inputs.
//!
//! ```text
//! FOLDER/events.jsonl       events, one JSON object per line; events.1.jsonl is older, events.2.jsonl older still
//! FOLDER/journal/NNNNNN.jsonl   inputs, one per line, after a line with the kernel as it was before the first
//! FOLDER/records.lock       held by the host that writes there
//! ```
//!
//! Both are bounded. What a batch of inputs brought is written with one write per file, the journal first, before any of
//! what the inputs caused is done. Nothing is synced: what is written outlives the host, not a machine that loses power.
//!
//! A disk that fails is said once. The host goes on; writing goes on when it works again. There is a gap then, which
//! the numbers of the events show.

mod events;
mod journal;
mod read;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hothouse_kernel::journal::Came;
use hothouse_kernel::{Graph, Input, Kernel, Seq};

use crate::history::{Record, Redact};
use crate::notice::Warning;
use events::EventFile;
use journal::Journal;

pub use read::read_events;

/// After a failure the disk is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// Where and how much a host writes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSettings {
    /// The folder; made if it is not there, closed to others.
    pub folder: PathBuf,
    /// What takes secrets out of every text before it is written.
    pub redact: Redact,
    /// From so many bytes on a file of events is followed by a new one.
    pub event_bytes: u64,
    /// How many files of events are kept, the current one included.
    pub event_files: usize,
    /// From so many bytes on a segment of the journal is followed by a new one.
    pub journal_bytes: u64,
    /// How many segments are kept, the current one included.
    pub journal_segments: usize,
}

impl RecordSettings {
    /// In this folder: four files of events of 8 MiB, four segments of the journal of 16 MiB.
    pub fn new(folder: impl Into<PathBuf>, redact: Redact) -> RecordSettings {
        RecordSettings {
            folder: folder.into(),
            redact,
            event_bytes: 8 << 20,
            event_files: 4,
            journal_bytes: 16 << 20,
            journal_segments: 4,
        }
    }
}

/// The writing side.
pub(crate) struct Records {
    redact: Redact,
    events: EventFile,
    journal: Journal,
    /// What came of the input that is being taken in.
    came: Came,
    /// Since when the disk is left alone, if it is.
    failed: Option<Instant>,
    said: bool,
    _lock: File,
}

impl Records {
    /// Opens the files of that folder for the kernel of a new run, and has it number its events on from the last one
    /// that lies there.
    ///
    /// # Errors
    /// What is to be said about it: the folder cannot be used, or another host writes there.
    pub(crate) fn open(settings: &RecordSettings, kernel: &mut Kernel) -> Result<Records, Warning> {
        Records::try_open(settings, kernel)
            .map_err(|error| Warning::NotWritten { folder: settings.folder.clone(), error })
    }

    fn try_open(settings: &RecordSettings, kernel: &mut Kernel) -> io::Result<Records> {
        let lock = lock(&settings.folder)?;
        let (events, last) = EventFile::open(settings)?;
        let first = Seq::from_number(last).map_or(Seq::FIRST, Seq::next);
        kernel.number_events_from(first);
        Ok(Records {
            redact: settings.redact.clone(),
            events,
            journal: Journal::open(settings, kernel)?,
            came: Came::nothing(first),
            failed: None,
            said: false,
            _lock: lock,
        })
    }

    /// Notes an input before the kernel takes it in.
    pub(crate) fn input(&mut self, at: hothouse_kernel::Instant, input: &Input, next: Seq) {
        self.came = Came::nothing(next);
        self.journal.input(at, input);
    }

    /// Notes an event that came of it.
    pub(crate) fn event(&mut self, record: &Record, graph: &Graph) {
        self.came.note(&record.event);
        self.events.note(&record.json(graph, &self.redact));
    }

    /// Notes that this was all that came of it.
    pub(crate) fn taken_in(&mut self) {
        self.journal.came(self.came);
    }

    /// Writes what was noted. Returns what is to be said about a disk that fails, the first time that it does.
    pub(crate) fn write(&mut self, kernel: &Kernel) -> Option<Warning> {
        if self.failed.is_some_and(|since| since.elapsed() < LEFT_ALONE) {
            self.events.forget();
            self.journal.forget();
            return None;
        }
        // Each for itself: a journal that cannot be written is no reason to lose events.
        let journal = self.journal.write(kernel);
        let events = self.events.write();
        match journal.and(events) {
            Ok(()) => {
                self.failed = None;
                None
            }
            Err(error) => {
                self.failed = Some(Instant::now());
                let first = !std::mem::replace(&mut self.said, true);
                let folder = self.journal.folder().to_owned();
                first.then_some(Warning::WritingFailed { folder, error })
            }
        }
    }
}

/// Takes the folder for this host.
fn lock(folder: &Path) -> io::Result<File> {
    make_folder(folder)?;
    let file = open_with(&folder.join("records.lock"), OpenOptions::new().create(true).append(true))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another host writes there"))
        }
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Opens a file that is nobody else's business.
fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.mode(0o600).open(path)
}
