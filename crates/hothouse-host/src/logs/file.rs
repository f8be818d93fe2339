//! The files of one plugin's log: appending whole lines, rotation by size, retention by count.
//!
//! `NAME.log` is written to. When it is full it becomes `NAME.log.N`, with a number that only ever grows, and is never
//! touched again until it is removed because there are too many. So a reader can name a place in a log, and it stays.
//!
//! Nothing is synced to the disk line by line: what the system has taken survives the host's death, not the machine's.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder that every log is in.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    max_size: u64,
    keep: usize,
    /// What was there before this host; looked at once, when it is first needed.
    found: Mutex<Option<HashMap<String, Vec<u64>>>>,
}

/// The log of one plugin on the disk. Opened when there is something to write.
#[derive(Debug)]
pub(crate) struct LogFile {
    folder: Arc<Folder>,
    stem: String,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
    /// The numbers of the full files that are kept, the oldest first.
    full: VecDeque<u64>,
}

/// Why lines were not written, and how many bytes of them were.
#[derive(Debug)]
pub(crate) struct Unwritten {
    pub(crate) error: io::Error,
    pub(crate) written: usize,
}

/// One file of a log, as a reader names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    /// Whether it is, or was, the one that is written to.
    pub(crate) is_last: bool,
    /// How much of it is to be read, in bytes.
    pub(crate) until: u64,
}

impl Folder {
    /// Logs in this folder, which is made when it is first written to: files of at most `max_size` bytes, and `keep` of
    /// them beside the one that is written to.
    pub(crate) fn new(path: PathBuf, max_size: u64, keep: u32) -> Folder {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        Folder { path, max_size, keep, found: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The full files that this plugin has from earlier hosts.
    fn full_files(&self, stem: &str) -> Vec<u64> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.get_or_insert_with(|| files_in(&self.path).unwrap_or_default());
        found.get(stem).cloned().unwrap_or_default()
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)
    }
}

/// The logs in a folder: the beginning of each one's file names, and the numbers of its full files in order. None, if
/// there is no such folder.
pub(crate) fn files_in(folder: &Path) -> io::Result<HashMap<String, Vec<u64>>> {
    let mut logs: HashMap<String, Vec<u64>> = HashMap::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(logs),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        match name.rsplit_once(".log") {
            Some((stem, "")) => drop(logs.entry(stem.into()).or_default()),
            Some((stem, number)) => {
                let number = number.strip_prefix('.').filter(|digits| is_number(digits));
                if let Some(number) = number.and_then(|number| number.parse().ok()) {
                    logs.entry(stem.into()).or_default().push(number);
                }
            }
            None => {}
        }
    }
    logs.values_mut().for_each(|numbers| numbers.sort_unstable());
    Ok(logs)
}

/// Whether it is a number as this module writes it.
fn is_number(digits: &str) -> bool {
    !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn active_path(folder: &Path, stem: &str) -> PathBuf {
    folder.join(format!("{stem}.log"))
}

pub(crate) fn full_path(folder: &Path, stem: &str, number: u64) -> PathBuf {
    folder.join(format!("{stem}.log.{number}"))
}

impl LogFile {
    pub(crate) fn new(folder: Arc<Folder>, stem: String) -> LogFile {
        LogFile { folder, stem, open: None }
    }

    pub(crate) fn path(&self) -> PathBuf {
        active_path(&self.folder.path, &self.stem)
    }

    /// Appends whole lines. If that fails, the file ends with a whole line all the same.
    ///
    /// # Errors
    /// What the system says, and how much was written before that.
    pub(crate) fn append(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        let mut written = 0;
        while written < lines.len() {
            match self.append_some(&lines[written..]) {
                Ok(length) => written += length,
                Err(unwritten) => {
                    return Err(Unwritten { written: written + unwritten.written, ..unwritten });
                }
            }
        }
        Ok(())
    }

    /// What a reader may read of it at this moment, the oldest first.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        let (full, until) = match &self.open {
            Some(open) => (open.full.iter().copied().collect(), open.size),
            None => {
                let until = fs::metadata(self.path()).map_or(0, |found| found.len());
                (self.folder.full_files(&self.stem), until)
            }
        };
        segments(&full, until)
    }

    /// Writes as many lines as go into the file that is open, at least one.
    fn append_some(&mut self, lines: &[u8]) -> Result<usize, Unwritten> {
        let none = |error| Unwritten { error, written: 0 };
        let max_size = self.folder.max_size;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open().map_err(none)?,
        };
        let mut some = fitting(lines, max_size.saturating_sub(open.size));
        if some == 0 {
            if open.size > 0 {
                open = self.rotate(open).map_err(none)?;
            }
            some = fitting(lines, max_size).max(first_line(lines));
        }
        open.write(&lines[..some])?;
        self.open = Some(open);
        Ok(some)
    }

    fn open(&self) -> io::Result<Open> {
        self.folder.make()?;
        let full = self.folder.full_files(&self.stem).into();
        let mut open = Open { file: create(&self.path())?, size: 0, full };
        open.size = open.file.seek(SeekFrom::End(0))?;
        if open.size > 0 && !ends_a_line(&mut open.file)? {
            // An earlier host died in the middle of a line.
            open.file.write_all(b"\n")?;
            open.size += 1;
        }
        Ok(open)
    }

    /// Puts the full file aside, opens a new one, and removes those that are too many.
    fn rotate(&self, open: Open) -> io::Result<Open> {
        let mut full = open.full;
        let number = full.back().map_or(1, |last| last + 1);
        match fs::rename(self.path(), full_path(&self.folder.path, &self.stem, number)) {
            // Somebody has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map(|()| full.push_back(number))?,
        }
        while full.len() > self.folder.keep {
            let Some(oldest) = full.front() else { break };
            match fs::remove_file(full_path(&self.folder.path, &self.stem, *oldest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => break,
                // One that cannot be removed now stays on the list for the next time.
                _ => drop(full.pop_front()),
            }
        }
        Ok(Open { file: create(&self.path())?, size: 0, full })
    }
}

impl Open {
    /// Writes whole lines, or leaves the file ending with a whole line.
    fn write(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        let mut written = 0;
        while written < lines.len() {
            match self.file.write(&lines[written..]) {
                Ok(length) if length > 0 => written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => {
                    let error = outcome.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    let whole =
                        lines[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    // If this fails too, the line is ended when the file is opened again.
                    let _ = self.file.set_len(self.size + whole as u64);
                    return Err(Unwritten { error, written: whole });
                }
            }
        }
        self.size += written as u64;
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    let no_links = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(no_links).open(path)
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The segments of a log with these full files, of whose last one so much is to be read.
pub(crate) fn segments(full: &[u64], until: u64) -> Vec<Segment> {
    let last = full.last().map_or(1, |last| last + 1);
    let full = full.iter().map(|number| Segment { number: *number, is_last: false, until: u64::MAX });
    full.chain([Segment { number: last, is_last: true, until }]).collect()
}

/// How many bytes of whole lines are no more than `room`.
fn fitting(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines.len();
    }
    lines[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

fn first_line(lines: &[u8]) -> usize {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;

    fn file(scratch: &Scratch, max_size: u64, keep: u32) -> LogFile {
        LogFile::new(Arc::new(Folder::new(scratch.0.join("logs"), max_size, keep)), "db".into())
    }

    fn there(scratch: &Scratch) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(scratch.0.join("logs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn text(scratch: &Scratch, name: &str) -> String {
        fs::read_to_string(scratch.0.join("logs").join(name)).unwrap()
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_is_removed() {
        let scratch = Scratch::new("rotation");
        let mut log = file(&scratch, 10, 2);
        for number in 0..9 {
            log.append(format!("l{number}ne\n").as_bytes()).unwrap();
        }
        assert_eq!(there(&scratch), ["db.log", "db.log.3", "db.log.4"]);
        assert_eq!(text(&scratch, "db.log.3"), "l4ne\nl5ne\n");
        assert_eq!(text(&scratch, "db.log"), "l8ne\n");
        let read: Vec<_> = log.segments().iter().map(|segment| (segment.number, segment.until)).collect();
        assert_eq!(read, [(3, u64::MAX), (4, u64::MAX), (5, 5)]);
    }

    #[test]
    fn a_batch_is_cut_between_lines_and_a_line_that_is_too_long_has_a_file_of_its_own() {
        let scratch = Scratch::new("batch");
        let mut log = file(&scratch, 10, 9);
        log.append(b"1\n22\n333\n4444\na line that is too long\n5\n").unwrap();
        assert_eq!(there(&scratch), ["db.log", "db.log.1", "db.log.2", "db.log.3"]);
        assert_eq!(text(&scratch, "db.log.1"), "1\n22\n333\n");
        assert_eq!(text(&scratch, "db.log.2"), "4444\n");
        assert_eq!(text(&scratch, "db.log.3"), "a line that is too long\n");
        assert_eq!(text(&scratch, "db.log"), "5\n");
    }

    #[test]
    fn another_host_goes_on_where_the_last_one_ended_and_ends_its_last_line() {
        let scratch = Scratch::new("again");
        file(&scratch, 10, 9).append(b"one\ntwo\nthree\nfour").unwrap();
        let mut log = file(&scratch, 10, 9);
        assert_eq!(log.segments().len(), 2);
        log.append(b"five\n").unwrap();
        assert_eq!(there(&scratch), ["db.log", "db.log.1", "db.log.2"]);
        assert_eq!(text(&scratch, "db.log.2"), "three\nfour\n");
        assert_eq!(text(&scratch, "db.log"), "five\n");
    }

    #[test]
    fn nothing_is_kept_beside_the_file_if_nothing_is_to_be_kept() {
        let scratch = Scratch::new("none");
        let mut log = file(&scratch, 4, 0);
        log.append(b"one\ntwo\n").unwrap();
        assert_eq!((there(&scratch), text(&scratch, "db.log")), (vec!["db.log".to_owned()], "two\n".into()));
    }

    #[test]
    fn files_belong_to_the_plugin_whose_name_they_have() {
        let scratch = Scratch::new("names");
        for name in ["db.log", "db.log.2", "db.log.10", "db.log.5.log", "db.log.07", "db.log.x", "other"] {
            scratch.write(name, "");
        }
        let found = files_in(&scratch.0).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((&found["db"], &found["db.log.5"]), (&vec![2, 10], &vec![]));
    }

    #[test]
    fn a_link_is_not_followed_and_a_folder_that_cannot_be_made_is_said() {
        let scratch = Scratch::new("links");
        scratch.write("elsewhere", "precious\n");
        fs::create_dir(scratch.0.join("logs")).unwrap();
        std::os::unix::fs::symlink(scratch.0.join("elsewhere"), scratch.0.join("logs/db.log")).unwrap();
        let unwritten = file(&scratch, 10, 1).append(b"one\n").unwrap_err();
        assert_eq!(unwritten.written, 0);
        assert_eq!(fs::read_to_string(scratch.0.join("elsewhere")).unwrap(), "precious\n");
        let folder = Folder::new(scratch.0.join("elsewhere/logs"), 10, 1);
        assert!(LogFile::new(Arc::new(folder), "db".into()).append(b"one\n").is_err());
    }

    #[test]
    fn what_a_full_disk_cuts_off_leaves_no_half_line() {
        let mut open = Open {
            file: OpenOptions::new().append(true).open("/dev/full").unwrap(),
            size: 0,
            full: VecDeque::new(),
        };
        let unwritten = open.write(b"one\ntwo\n").unwrap_err();
        assert_eq!((unwritten.written, unwritten.error.raw_os_error()), (0, Some(28)));
    }
}
