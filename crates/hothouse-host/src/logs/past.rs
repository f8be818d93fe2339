//! Reading what was logged: from the files of a folder, with or without a host that writes to them, in the order of time
//! over all plugins.
//!
//! A file is open only while a piece of it is read, so that a great many logs need no great many descriptors. Each plugin
//! takes as much memory as one piece.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use hothouse_protocol::DateTime;
use hothouse_runtime::Level;

use super::file::{Segment, active_path, files_in, full_path, segments};
use super::names;
use super::record::{LogRecord, Parts};

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Which lines.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LogSelection {
    /// Of these plugins; `None`: of all of them.
    pub plugins: Option<Vec<String>>,
    /// Not before this time, in RFC 3339 UTC or the beginning of one: `2026-11-22`, `2026-11-22T01:02`.
    pub since: Option<String>,
    /// At least as bad as this.
    pub level: Option<Level>,
    /// Only so many, the last ones.
    pub last: Option<usize>,
}

/// Logged lines, the oldest first. What cannot be read ends the plugin's lines with an error.
pub struct Past {
    sources: Vec<Source>,
    /// The next line of each source, the earliest first.
    next: BinaryHeap<Reverse<(String, usize, Ahead)>>,
    /// What is wrong with a source, to be said when its turn comes.
    errors: VecDeque<io::Error>,
    filter: Filter,
    /// If only the last ones are wanted: these, once they are known.
    last: Option<VecDeque<LogRecord>>,
    wanted: Option<usize>,
}

/// A record that waits for its turn. Only its place in time decides when that is.
struct Ahead(LogRecord);

#[derive(Clone, Default, Debug)]
struct Filter {
    since: Option<String>,
    level: Option<Level>,
}

/// The lines of one plugin that have not been given.
enum Source {
    Files(FileSource),
    Memory(VecDeque<LogRecord>),
}

struct FileSource {
    folder: Arc<Path>,
    stem: String,
    segments: VecDeque<Segment>,
    /// Which file the first of the segments is, once it has been looked at.
    inode: Option<u64>,
    /// Where in the first of the segments the next piece begins.
    offset: u64,
    piece: Vec<u8>,
    at: usize,
}

/// The names of the plugins that have a log in this folder, as far as their files tell, in order.
///
/// # Errors
/// If the folder cannot be read; that there is none is no error.
pub fn logged_plugins(folder: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = files_in(folder)?.into_keys().map(|stem| names::from_line(&stem)).collect();
    names.sort();
    Ok(names)
}

impl LogSelection {
    /// The lines that are in this folder now, whoever wrote them.
    ///
    /// # Errors
    /// If the folder cannot be read; that there is none is no error.
    pub fn read_folder(&self, folder: &Path) -> io::Result<Past> {
        let folder: Arc<Path> = folder.into();
        let mut sources = Vec::new();
        for (stem, full) in files_in(&folder)? {
            if self.has_stem(&stem) {
                let segments = segments_on_disk(&folder, &stem, &full);
                sources.push(Source::files(Arc::clone(&folder), stem, segments));
            }
        }
        Ok(Past::new(sources, self))
    }

    /// Whether a line of a plugin that is listened to is among them.
    pub fn has(&self, record: &LogRecord) -> bool {
        Filter::of(self).takes(&record.time, record.level)
    }

    /// Whether the files that begin so hold lines of a plugin that is among them.
    pub(crate) fn has_stem(&self, stem: &str) -> bool {
        self.plugins.as_ref().is_none_or(|plugins| plugins.iter().any(|name| names::in_file(name) == stem))
    }
}

/// The files of a log that nobody writes to.
pub(crate) fn segments_on_disk(folder: &Path, stem: &str, full: &[u64]) -> Vec<Segment> {
    let until = fs::metadata(active_path(folder, stem)).map_or(0, |found| found.len());
    segments(full, until)
}

impl Filter {
    fn of(selection: &LogSelection) -> Filter {
        let since = selection.since.as_deref().map(|since| since.trim_end_matches('Z').to_owned());
        Filter { since, level: selection.level }
    }

    fn takes(&self, time: &str, level: Level) -> bool {
        self.since.as_deref().is_none_or(|since| time >= since)
            && self.level.is_none_or(|least| level >= least)
    }

    fn takes_line(&self, line: &[u8]) -> bool {
        Parts::of(line).is_some_and(|parts| self.takes(parts.time, parts.level))
    }
}

impl Past {
    pub(crate) fn of_files(
        sources: Vec<(Arc<Path>, String, Vec<Segment>)>,
        selection: &LogSelection,
    ) -> Past {
        let files = |(folder, stem, segments)| Source::files(folder, stem, segments);
        Past::new(sources.into_iter().map(files).collect(), selection)
    }

    pub(crate) fn of_memory(sources: Vec<Vec<LogRecord>>, selection: &LogSelection) -> Past {
        let memory = |records: Vec<LogRecord>| Source::Memory(records.into());
        Past::new(sources.into_iter().map(memory).collect(), selection)
    }

    fn new(mut sources: Vec<Source>, selection: &LogSelection) -> Past {
        let filter = Filter::of(selection);
        let mut errors = VecDeque::new();
        for source in &mut sources {
            if let Err(error) = source.skip(&filter, selection.last) {
                errors.push_back(error);
            }
        }
        let mut past =
            Past { sources, next: BinaryHeap::new(), errors, filter, last: None, wanted: selection.last };
        (0..past.sources.len()).for_each(|source| past.advance(source));
        past
    }

    /// Looks at the next line of a source.
    fn advance(&mut self, source: usize) {
        loop {
            match self.sources[source].next() {
                Ok(Some(record)) if self.filter.takes(&record.time, record.level) => {
                    return self.next.push(Reverse((record.time.clone(), source, Ahead(record))));
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => return self.errors.push_back(error),
            }
        }
    }

    fn next_in_time(&mut self) -> Option<io::Result<LogRecord>> {
        if let Some(error) = self.errors.pop_front() {
            return Some(Err(error));
        }
        let Reverse((_, source, Ahead(record))) = self.next.pop()?;
        self.advance(source);
        Some(Ok(record))
    }

    /// Reads everything, and keeps the last ones.
    fn read_last(&mut self, wanted: usize) -> io::Result<VecDeque<LogRecord>> {
        let mut last = VecDeque::new();
        while let Some(record) = self.next_in_time() {
            last.push_back(record?);
            if last.len() > wanted {
                last.pop_front();
            }
        }
        Ok(last)
    }
}

impl Iterator for Past {
    type Item = io::Result<LogRecord>;

    fn next(&mut self) -> Option<io::Result<LogRecord>> {
        let Some(wanted) = self.wanted else { return self.next_in_time() };
        if self.last.is_none() {
            match self.read_last(wanted) {
                Ok(last) => self.last = Some(last),
                Err(error) => return Some(Err(error)),
            }
        }
        self.last.as_mut().and_then(VecDeque::pop_front).map(Ok)
    }
}

impl Source {
    fn files(folder: Arc<Path>, stem: String, segments: Vec<Segment>) -> Source {
        let segments = segments.into();
        Source::Files(FileSource { folder, stem, segments, inode: None, offset: 0, piece: Vec::new(), at: 0 })
    }

    /// Passes over what surely is not wanted.
    fn skip(&mut self, filter: &Filter, last: Option<usize>) -> io::Result<()> {
        match self {
            Source::Memory(_) => Ok(()),
            Source::Files(files) => {
                files.skip_old(filter);
                last.map_or(Ok(()), |last| files.skip_to_last(filter, last))
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<LogRecord>> {
        match self {
            Source::Memory(records) => Ok(records.pop_front()),
            Source::Files(files) => files.next(),
        }
    }
}

impl FileSource {
    /// Passes over files that were last written to before the time in question.
    fn skip_old(&mut self, filter: &Filter) {
        let Some(since) = &filter.since else { return };
        while let Some(segment) = self.segments.front().filter(|segment| !segment.is_last) {
            let path = full_path(&self.folder, &self.stem, segment.number);
            match fs::metadata(path).and_then(|found| found.modified()) {
                // The time of the file has fractions, that of the lines ends with milliseconds.
                Ok(modified) if text(modified) < *since => drop(self.segments.pop_front()),
                _ => return,
            }
        }
    }

    /// Passes over all but the last lines.
    fn skip_to_last(&mut self, filter: &Filter, last: usize) -> io::Result<()> {
        let mut wanted = last;
        for (index, segment) in self.segments.clone().into_iter().enumerate().rev() {
            let Some(file) = self.open(segment)? else { continue };
            let until = segment.until.min(file.metadata()?.len());
            let (offset, found) = begin_of_last(&file, until, wanted, filter)?;
            wanted -= found;
            if wanted == 0 {
                self.segments.drain(..index);
                self.offset = offset;
                break;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<LogRecord>> {
        loop {
            while let Some(length) = self.piece[self.at..].iter().position(|byte| *byte == b'\n') {
                let line = &self.piece[self.at..=self.at + length];
                self.at += length + 1;
                // What is no record was cut off by the death of a host or a machine.
                if let Some(record) = LogRecord::read(line) {
                    return Ok(Some(record));
                }
            }
            if !self.read_piece()? {
                return Ok(None);
            }
        }
    }

    /// Adds a piece to what is left of the last one. False if there is nothing more.
    fn read_piece(&mut self) -> io::Result<bool> {
        self.piece.drain(..self.at);
        self.at = 0;
        while let Some(segment) = self.segments.front().copied() {
            let length = match self.open(segment)? {
                Some(file)
                    if self
                        .inode
                        .is_none_or(|inode| file.metadata().is_ok_and(|found| found.ino() == inode)) =>
                {
                    self.inode = Some(file.metadata()?.ino());
                    let room =
                        usize::try_from(segment.until.saturating_sub(self.offset)).unwrap_or(usize::MAX);
                    read_at(&file, self.offset, room.min(PIECE), &mut self.piece)?
                }
                // It has been removed meanwhile, because there were too many.
                _ => 0,
            };
            if length > 0 {
                self.offset += length as u64;
                return Ok(true);
            }
            self.segments.pop_front();
            (self.offset, self.inode) = (0, None);
            if !self.piece.is_empty() {
                // A crash has left no newline at its end.
                self.piece.push(b'\n');
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a segment wherever it is by now; `None` if it is not there any more.
    fn open(&self, segment: Segment) -> io::Result<Option<File>> {
        let full = full_path(&self.folder, &self.stem, segment.number);
        if segment.is_last {
            // It may be put aside at any moment, but not twice.
            let active = existing(&active_path(&self.folder, &self.stem))?;
            return Ok(existing(&full)?.or(active));
        }
        existing(&full)
    }
}

fn existing(path: &PathBuf) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened
            .map(Some)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

fn read_at(file: &File, offset: u64, length: usize, to: &mut Vec<u8>) -> io::Result<usize> {
    let begin = to.len();
    to.resize(begin + length, 0);
    let read = loop {
        match file.read_at(&mut to[begin..], offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    to.truncate(begin + *read.as_ref().unwrap_or(&0));
    read
}

/// Where the last `wanted` lines that the filter takes begin in the first `until` bytes of a file, and how many of them
/// there are.
fn begin_of_last(file: &File, until: u64, wanted: usize, filter: &Filter) -> io::Result<(u64, usize)> {
    let (mut begin, mut found) = (until, 0);
    // What is known of the line that reaches into the piece before.
    let mut rest = Vec::new();
    while begin > 0 && found < wanted {
        let length = begin.min(PIECE as u64);
        begin -= length;
        let mut piece = Vec::new();
        read_at(file, begin, usize::try_from(length).unwrap_or(PIECE), &mut piece)?;
        piece.append(&mut rest);
        let first = if begin == 0 {
            0
        } else {
            piece.iter().position(|byte| *byte == b'\n').map_or(piece.len(), |at| at + 1)
        };
        let mut end = piece.len();
        for line in piece[first..].split_inclusive(|byte| *byte == b'\n').rev() {
            end -= line.len();
            found += usize::from(filter.takes_line(line));
            if found == wanted {
                return Ok((begin + end as u64, found));
            }
        }
        piece.truncate(first);
        rest = piece;
    }
    Ok((0, found))
}

fn text(time: std::time::SystemTime) -> String {
    let ms = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    DateTime::from_unix_ms(i64::try_from(ms).unwrap_or(i64::MAX)).to_string()
}

impl PartialEq for Ahead {
    fn eq(&self, _: &Ahead) -> bool {
        true
    }
}

impl Eq for Ahead {}

impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Ahead) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ahead {
    fn cmp(&self, _: &Ahead) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;

    /// Lines of a plugin, each at this second.
    fn lines(plugin: &str, seconds: impl Iterator<Item = u32>) -> String {
        let line = |second| {
            let level = if second % 10 == 0 { "warn" } else { "info" };
            let (minute, second) = (second / 60 % 60, second % 60);
            format!(
                "2026-11-22T01:{minute:02}:{second:02}.000Z {plugin} 1 stdout {level} | {minute}:{second}\n"
            )
        };
        seconds.map(line).collect()
    }

    fn read(scratch: &Scratch, selection: &LogSelection) -> Vec<String> {
        let past = selection.read_folder(&scratch.0).unwrap();
        past.map(|record| record.unwrap())
            .map(|record| format!("{} {}", record.plugin, record.text))
            .collect()
    }

    #[test]
    fn several_logs_are_one_in_the_order_of_time() {
        let scratch = Scratch::new("merge");
        scratch.write("db.log.9", &lines("db", [0, 2].into_iter()));
        scratch.write("db.log.10", &lines("db", [4].into_iter()));
        scratch.write("db.log", &lines("db", [6, 8].into_iter()));
        scratch.write("@acme%2Fweb.log", &lines("@acme/web", [1, 4, 7].into_iter()));
        let all = LogSelection::default();
        let expected = [
            "db 0:0",
            "@acme/web 0:1",
            "db 0:2",
            "@acme/web 0:4",
            "db 0:4",
            "db 0:6",
            "@acme/web 0:7",
            "db 0:8",
        ];
        let mut found = read(&scratch, &all);
        // Two lines of the same millisecond have no order among plugins.
        found[3..5].sort();
        assert_eq!(found, expected);
        let one = LogSelection { plugins: Some(vec!["@acme/web".into()]), ..all.clone() };
        assert_eq!(read(&scratch, &one).len(), 3);
        let last = LogSelection { last: Some(3), ..all.clone() };
        assert_eq!(read(&scratch, &last), expected[5..]);
        assert_eq!(read(&scratch, &LogSelection { last: Some(0), ..all.clone() }), [""; 0]);
        for since in ["2026-11-22T01:00:06", "2026-11-22T01:00:06Z", "2026-11-22T01:00:05.001Z"] {
            assert_eq!(
                read(&scratch, &LogSelection { since: Some(since.into()), ..all.clone() }),
                expected[5..]
            );
        }
        assert_eq!(logged_plugins(&scratch.0).unwrap(), ["@acme/web", "db"]);
    }

    #[test]
    fn the_last_lines_of_a_long_log_are_found_from_its_end() {
        let scratch = Scratch::new("last");
        scratch.write("db.log.1", &lines("db", 0..2000));
        scratch.write("db.log", &lines("db", 2000..3500));
        for last in [1, 7, 1499, 1500, 1501, 3500, 9999] {
            let found = read(&scratch, &LogSelection { last: Some(last), ..LogSelection::default() });
            assert_eq!(found.len(), last.min(3500), "{last}");
            assert_eq!(found.last().unwrap(), "db 58:19");
        }
        let warnings = LogSelection { last: Some(200), level: Some(Level::Warn), ..LogSelection::default() };
        let found = read(&scratch, &warnings);
        assert_eq!((found.len(), found[0].as_str()), (200, "db 25:0"));
    }

    #[test]
    fn lines_longer_than_a_piece_and_lines_that_are_broken_off_are_read() {
        let scratch = Scratch::new("long");
        let long = "x".repeat(3 * PIECE);
        let line = |text: &str| format!("2026-11-22T01:00:00.000Z db 1 stdout info | {text}\n");
        let text = line("first") + &line(&long) + "garbage\n" + line("last").trim_end();
        scratch.write("db.log", &text);
        let found = read(&scratch, &LogSelection::default());
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [8, 3 + 3 * PIECE, 7]);
        assert_eq!(read(&scratch, &LogSelection { last: Some(2), ..LogSelection::default() }), found[1..]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let scratch = Scratch::new("nothing");
        let past = LogSelection::default().read_folder(&scratch.0.join("no")).unwrap();
        assert_eq!(past.count(), 0);
        assert_eq!(logged_plugins(&scratch.0.join("no")).unwrap(), [""; 0]);
    }
}
