//! Where the lines of every plugin come together: into its file, into memory, and to those who listen, in this order.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hothouse_protocol::DateTime;
use hothouse_runtime::{Level, LogInlet, LogLine, LogSink, RawLine, Stream, unix_ms};

use super::desk::Desk;
use super::file::{Folder, LogFile, Segment};
use super::live::{Block, Listeners};
use super::recent::Recent;
use super::record::{Author, LogRecord, Page};
use super::room::{Room, SpareRoom};
use super::seam::{Gathering, give};
use super::{LogSettings, Redact, names};

/// Every log of a host.
pub(crate) struct Store {
    pub(crate) folder: Option<Arc<Folder>>,
    redact: Option<Arc<dyn Redact>>,
    room: Arc<SpareRoom>,
    plugins: Mutex<HashMap<String, Arc<PluginLog>>>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) desk: Arc<Desk>,
}

/// The log of one plugin, over all of its lives.
pub(crate) struct PluginLog {
    pub(crate) name: Arc<str>,
    /// Held while something is written: only by those who may wait.
    file: Option<Mutex<Paper>>,
    /// Held for a moment only.
    memory: Mutex<Memory>,
    /// How many lines found no room on their way here.
    left_out: AtomicU64,
    listeners: Arc<Listeners>,
}

/// The file, and what did not get into it.
struct Paper {
    file: LogFile,
    /// Why the last lines could not be written, and how many they are.
    trouble: Option<(String, u64)>,
}

#[derive(Default)]
struct Memory {
    recent: Recent,
    /// How many bytes of lines there have been since the host began.
    written: u64,
}

/// The log of one life: the way in.
pub(crate) struct LifeLog {
    log: Arc<PluginLog>,
    author: Author,
    redact: Option<Arc<dyn Redact>>,
    room: Arc<SpareRoom>,
}

/// Lines of one life that are written together: when it is full, when it is flushed, and when it is dropped.
pub(crate) struct Batch {
    life: Arc<LifeLog>,
    gathering: Gathering,
    /// `None` while there is nothing to write.
    room: Option<Room>,
}

/// Where the runtimes find it.
struct Sink {
    life: Arc<LifeLog>,
    desk: Arc<Desk>,
}

impl Store {
    pub(crate) fn new(settings: LogSettings) -> Store {
        let LogSettings { folder, max_size, keep, redact } = settings;
        Store {
            folder: folder.map(|path| Arc::new(Folder::new(path, max_size, keep))),
            redact,
            room: Arc::default(),
            plugins: Mutex::default(),
            listeners: Arc::default(),
            desk: Arc::default(),
        }
    }

    /// The way into the log of one life.
    pub(crate) fn sink(&self, plugin: &str, incarnation: u64) -> Arc<dyn LogSink> {
        let life = LifeLog {
            log: self.plugin(plugin),
            author: Author::new(plugin, incarnation),
            redact: self.redact.clone(),
            room: Arc::clone(&self.room),
        };
        Arc::new(Sink { life: Arc::new(life), desk: Arc::clone(&self.desk) })
    }

    /// The log of that plugin; a plugin that has not lived has an empty one.
    pub(crate) fn plugin(&self, name: &str) -> Arc<PluginLog> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = plugins.get(name) {
            return Arc::clone(log);
        }
        let paper = |folder: &Arc<Folder>| {
            let file = LogFile::new(Arc::clone(folder), names::in_file(name));
            Mutex::new(Paper { file, trouble: None })
        };
        let log = Arc::new(PluginLog {
            name: name.into(),
            file: self.folder.as_ref().map(paper),
            memory: Mutex::default(),
            left_out: AtomicU64::new(0),
            listeners: Arc::clone(&self.listeners),
        });
        plugins.insert(name.into(), Arc::clone(&log));
        log
    }

    /// Every plugin that has lived in this host, by name.
    pub(crate) fn plugins(&self) -> Vec<Arc<PluginLog>> {
        let plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plugins: Vec<_> = plugins.values().cloned().collect();
        plugins.sort_by(|one, other| one.name.cmp(&other.name));
        plugins
    }
}

impl PluginLog {
    /// The last lines, the oldest first.
    pub(crate) fn recent(&self, count: usize) -> Vec<LogRecord> {
        self.memory().recent.last(count).filter_map(LogRecord::read).collect()
    }

    /// What there is of it on the disk at this moment, and the place in the stream of lines that this is. May wait for
    /// what is being written.
    pub(crate) fn place(&self) -> (Vec<Segment>, u64) {
        let Some(file) = &self.file else { return (Vec::new(), self.memory().written) };
        let paper = file.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever writes holds the file, so nothing is in one of the two only.
        (paper.file.segments(), self.memory().written)
    }

    /// The same of one that has only memory.
    pub(crate) fn place_in_memory(&self) -> (Vec<LogRecord>, u64) {
        let memory = self.memory();
        (memory.recent.last(usize::MAX).filter_map(LogRecord::read).collect(), memory.written)
    }

    /// Adds whole lines of one life. May wait for the disk.
    fn add(&self, author: &Author, lines: &[u8], count: u64) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            self.add_to_file_and_tell(author, &left_out_note(author, left_out), 1);
        }
        self.add_to_file_and_tell(author, lines, count);
    }

    fn add_to_file_and_tell(&self, author: &Author, lines: &[u8], count: u64) {
        let Some(file) = &self.file else { return self.tell(lines, count) };
        let mut paper = file.lock().unwrap_or_else(PoisonError::into_inner);
        let said = paper.write(author, lines);
        self.tell(lines, count);
        if let Some(said) = said {
            self.tell(&said, 1);
        }
    }

    fn tell(&self, lines: &[u8], count: u64) {
        let mut memory = self.memory();
        memory.recent.push(lines);
        memory.written += lines.len() as u64;
        if !self.listeners.is_empty() {
            let plugin = Arc::clone(&self.name);
            self.listeners.tell(&Block { plugin, end: memory.written, count, lines: lines.into() });
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paper {
    /// Writes lines, or counts them. Returns what is to be said about that to those who do not read the file.
    fn write(&mut self, author: &Author, lines: &[u8]) -> Option<Vec<u8>> {
        if let Some((why, missing)) = &self.trouble {
            let said =
                note(author, &format!("{missing} lines are missing here: they could not be written ({why})"));
            if self.file.append(&said).is_err() {
                self.miss(lines);
                return None;
            }
            self.trouble = None;
        }
        let unwritten = self.file.append(lines).err()?;
        let path = self.file.path();
        let why = unwritten.error.to_string();
        self.trouble = Some((why.clone(), 0));
        self.miss(&lines[unwritten.written..]);
        let path = path.display();
        let next = match unwritten.error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "`df -h` shows what is full: make room"
            }
            _ => "`ls -ld` shows whose that is and what may be done there: mend it",
        };
        let text = format!(
            "its log cannot be written to {path}: {why}; until it can, its lines are only shown, and counted. \
             {next}, and it goes on by itself"
        );
        Some(note(author, &text))
    }

    fn miss(&mut self, lines: &[u8]) {
        if let Some((_, missing)) = &mut self.trouble {
            *missing += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
    }
}

fn left_out_note(author: &Author, count: u64) -> Vec<u8> {
    note(author, &format!("{count} lines were left out here: they came faster than they could be written"))
}

/// A line that the host adds.
fn note(author: &Author, text: &str) -> Vec<u8> {
    let mut line = Vec::new();
    Page::new(author, &now(), &mut line).add((Stream::Host, Level::Warn, false), text.as_bytes());
    line
}

fn now() -> String {
    DateTime::from_unix_ms(unix_ms()).to_string()
}

impl LifeLog {
    /// Counts a line that found no room.
    pub(crate) fn leave_out(&self) {
        self.log.left_out.fetch_add(1, Ordering::Relaxed);
    }
}

impl LogSink for Sink {
    fn line(&self, line: LogLine) {
        if self.life.log.file.is_some() {
            return self.desk.put(&self.life, line);
        }
        let mut batch = Batch::new(Arc::clone(&self.life));
        batch.add(line.stream, line.level, line.text.as_bytes(), line.continues);
    }

    fn inlet(&self) -> Box<dyn LogInlet> {
        Box::new(Batch::new(Arc::clone(&self.life)))
    }
}

impl Batch {
    pub(crate) fn new(life: Arc<LifeLog>) -> Batch {
        Batch { life, gathering: Gathering::default(), room: None }
    }

    pub(crate) fn is_of(&self, life: &Arc<LifeLog>) -> bool {
        Arc::ptr_eq(&self.life, life)
    }

    pub(crate) fn add(&mut self, stream: Stream, level: Level, text: &[u8], continues: bool) {
        let redact = self.life.redact.as_deref();
        let room = self.room.get_or_insert_with(|| self.life.room.take());
        if self.gathering.add(RawLine { stream, level, text, continues }, redact, room) {
            self.write();
        }
    }

    fn write(&mut self) {
        let Some(mut room) = self.room.take() else { return };
        let life = &self.life;
        // Lines that were read at once have the same time, and the clock is read once for them.
        let time = now();
        let mut page = Page::new(&life.author, &time, &mut room.lines);
        give(&room.texts, &room.gathered, life.redact.as_deref(), &mut |kind, text| page.add(kind, text));
        let count = room.gathered.len() as u64;
        if count > 0 {
            life.log.add(&life.author, &room.lines, count);
        }
        life.room.give_back(room);
    }
}

impl LogInlet for Batch {
    fn line(&mut self, line: RawLine<'_>) {
        self.add(line.stream, line.level, line.text, line.continues);
    }

    fn flush(&mut self) {
        self.write();
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.write();
    }
}
