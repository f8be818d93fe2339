//! The ledger: which processes a host has made, for the one that comes after it.
//!
//! A file with a line for every life. Those who make children write to it, so that nothing lives that is not in it. It
//! is locked as long as anybody is there who may still make or end something of it: the host, its spawner, every
//! keeper. So whoever has the lock knows that nobody cleans up any more, and that what is left, is left to him.
//!
//! A process is known by its number, the moment when it began, and the boot in which that was; what it has started and
//! lost sight of by the cgroup of the run, where there are cgroups, and by a mark in the environment that all of it
//! inherits. Whatever is not known for certain is not touched.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::fence::{self, Fence};
use crate::keeper::kill_exactly;
use crate::keeper::processes::Process;
use crate::kept::KeptLife;

/// The variable that marks whatever a host has started.
pub(crate) const MARK: &str = "HOTHOUSE_LIFE";

/// How long those who still clean up after an earlier host are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what an earlier host has left may take to end.
const LAST_BREATH: Duration = Duration::from_secs(2);
/// So many looks in a row that find nobody are taken for the truth.
const QUIET_LOOKS: u32 = 5;
/// So many of the ended processes are named at most.
const MOST_LINES: usize = 50;
/// The pause between two looks at what does not end at once.
const PAUSE: Duration = Duration::from_millis(5);

/// The ledger of a host that runs. Held by it as long as it lives.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    run: String,
    fence: Option<Fence>,
    /// Those of earlier runs of which something is kept.
    _earlier: Vec<Fence>,
}

/// What an earlier host had left.
#[derive(Default, Debug)]
pub struct Leftovers {
    /// What is ended now. One line for each process: whose it was, and its number.
    pub ended: Vec<String>,
    /// Children that were to outlive that host, and have. Whoever does not take one over must end it.
    pub kept: Vec<KeptLife>,
}

/// Why there is no ledger.
#[derive(Debug)]
pub enum LedgerError {
    /// The file cannot be had.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Somebody of an earlier host is still there, and does not end.
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// What an earlier host has left cannot be ended.
    StillThere {
        /// The numbers of the processes.
        pids: Vec<i32>,
    },
}

impl std::fmt::Display for LedgerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LedgerError::File { path, error } => {
                write!(f, "the ledger of processes {}: {error}", path.display())
            }
            LedgerError::Busy { path } => write!(
                f,
                "the keepers of an earlier host of this project are still ending its processes (they hold {})",
                path.display()
            ),
            LedgerError::StillThere { pids } => {
                let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
                write!(f, "processes of an earlier host of this project do not end: {}", pids.join(", "))
            }
        }
    }
}

impl std::error::Error for LedgerError {}

impl Ledger {
    /// Takes the ledger over from whoever had it before, and ends whatever that host has left.
    ///
    /// It blocks: for as long as it takes until the earlier host's keepers have cleaned up, but not for ever.
    ///
    /// # Errors
    /// If the file cannot be had, or something of the earlier host does not end. Then nothing must be started: it would
    /// be the second copy.
    pub fn take(path: &Path) -> Result<(Ledger, Leftovers), LedgerError> {
        let failed = |error: io::Error| LedgerError::File { path: path.to_owned(), error };
        // Keepers find it from where they are.
        let path = &std::path::absolute(path).map_err(failed)?;
        let mut earlier = lock(path)?;
        let mut text = String::new();
        earlier.read_to_string(&mut text).map_err(failed)?;
        let mut written = Written::read(&text);
        let is_of_this_boot = written.boot == boot();
        let (there, gone): (Vec<_>, Vec<_>) =
            written.kept.into_iter().partition(|kept| is_of_this_boot && kept.is_there());
        written.kept = there;
        let ended = end_leftovers(&written)?;
        gone.iter().for_each(KeptLine::forget);
        let run = unique().map_err(failed)?;
        let fence = Fence::new(&run);
        let mut text = format!("run {run} {}\n", boot());
        if let Some(path) = fence.as_ref().and_then(|fence| fence.path().to_str()) {
            text.push_str(&format!("cgroup {path}\n"));
        }
        // Until they are taken over or ended they are as much left as before.
        written.kept.iter().for_each(|kept| text.push_str(&kept.to_string()));
        let fences = fenced_off(&written);
        let cgroups = fences.iter().map(|fence| format!("cgroup {}\n", fence.path().display()));
        text.extend(cgroups);
        let file = replace(path, &text).map_err(failed)?;
        let kept = written.kept.into_iter().map(KeptLife::new).collect();
        let ledger = Ledger { path: path.to_owned(), file, run, fence, _earlier: fences };
        Ok((ledger, Leftovers { ended, kept }))
    }

    /// Where the keeper of such a life waits for the next host, if this one is killed.
    pub(crate) fn meeting_place(&self, label: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        let run = self.run.split('-').next().unwrap_or_default();
        path.push(format!(".{run}.{:016x}", fingerprint([label.as_bytes()])));
        path.into()
    }

    /// The name of this run of the host, like no other.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Sees to it that whatever comes of this process is known to come of it, where the system can do that.
    pub(crate) fn enclose(&self, pid: i32) {
        // Without it there are still the lines of this file, and the marks.
        let _ = self.fence.as_ref().map(|fence| fence.enclose(pid));
    }

    /// The file, for those who are to write to it.
    pub(crate) fn file(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }
}

/// A name like no other.
pub(crate) fn unique() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned())
}

/// The name of this boot of the machine.
fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// Notes that this process lives. Done by its keeper, with one write, so that lines do not mix.
pub(crate) fn note_life(ledger: &OwnedFd, pid: i32, began: u64, label: &OsStr) {
    let label = String::from_utf8_lossy(label.as_bytes()).replace(|c: char| c.is_whitespace(), "_");
    // Without room for it there is still the mark; the child runs already, and its keeper keeps it.
    let _ = rustix::io::write(ledger, format!("life {pid} {began} {label}\n").as_bytes());
}

/// Notes that everything with this mark belongs to this run as well.
pub(crate) fn note_mark(ledger: &OwnedFd, mark: &OsStr) {
    let _ = rustix::io::write(ledger, format!("mark {}\n", mark.display()).as_bytes());
}

/// Notes that a child goes on without a host.
///
/// # Errors
/// If there is no room for it.
pub(crate) fn note_kept(ledger: &OwnedFd, kept: &KeptLine) -> io::Result<()> {
    let line = kept.to_string();
    let written = rustix::io::write(ledger, line.as_bytes())?;
    if written == line.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

/// A number that is the same for the same texts, and hardly ever for others: FNV-1a.
pub(crate) fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = texts.into_iter().flat_map(|text| text.iter().copied().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A child that goes on without a host, as it stands in the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeptLine {
    pub(crate) keeper: i32,
    pub(crate) pid: i32,
    pub(crate) began: u64,
    pub(crate) label: String,
    pub(crate) fingerprint: u64,
    pub(crate) stop_signal: i32,
    /// What marks everything that the child has started.
    pub(crate) mark: String,
    pub(crate) path: PathBuf,
}

impl KeptLine {
    fn read(words: &[&str]) -> Option<KeptLine> {
        let [keeper, pid, began, fingerprint, stop_signal, label, mark, path @ ..] = words else {
            return None;
        };
        if mark.is_empty() {
            return None;
        }
        Some(KeptLine {
            keeper: keeper.parse().ok()?,
            pid: pid.parse().ok()?,
            began: began.parse().ok()?,
            label: (*label).to_owned(),
            fingerprint: fingerprint.parse().ok()?,
            stop_signal: stop_signal.parse().ok()?,
            mark: (*mark).to_owned(),
            // It stands last, so that there may be spaces in it.
            path: PathBuf::from(path.join(" ")),
        })
    }

    /// Whether it is about the same child.
    fn is_same(&self, other: &KeptLine) -> bool {
        (self.pid, self.began) == (other.pid, other.began)
    }

    /// Whether the child still runs below its keeper, who waits.
    fn is_there(&self) -> bool {
        let child = Process::look(self.pid).filter(|child| child.began == self.began && !child.is_zombie);
        child.is_some_and(|child| child.parent == self.keeper) && self.path.exists()
    }

    /// Removes what a keeper that was killed has left of its meeting place.
    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A line of the ledger.
impl std::fmt::Display for KeptLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let KeptLine { keeper, pid, began, label, fingerprint, stop_signal, mark, path } = self;
        let path = path.display();
        writeln!(f, "kept {keeper} {pid} {began} {fingerprint} {stop_signal} {label} {mark} {path}")
    }
}

/// The file at that path, locked.
fn lock(path: &Path) -> Result<File, LedgerError> {
    let failed = |error: io::Error| LedgerError::File { path: path.to_owned(), error };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let file =
            OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path).map_err(failed)?;
        lock_within(&file, path, deadline)?;
        // Whoever had the lock may have put another file in its place meanwhile.
        let here = file.metadata().map_err(failed)?;
        let is_it = |there: std::fs::Metadata| (there.dev(), there.ino()) == (here.dev(), here.ino());
        if std::fs::metadata(path).is_ok_and(is_it) {
            return Ok(file);
        }
    }
}

fn lock_within(file: &File, path: &Path, deadline: Instant) -> Result<(), LedgerError> {
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LedgerError::Busy { path: path.to_owned() }),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(LedgerError::File { path: path.to_owned(), error: error.into() }),
        }
    }
}

/// Puts a file with this text, and locked, where another one is, whose lock is held: at no moment is there less written
/// than is known.
fn replace(path: &Path, text: &str) -> io::Result<File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    // One that was killed in the midst of this may have left it.
    let _ = std::fs::remove_file(&beside);
    let mut file = OpenOptions::new().create_new(true).read(true).append(true).mode(0o600).open(&beside)?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&beside, path)?;
    Ok(file)
}

/// What is written in a ledger.
#[derive(PartialEq, Eq, Default, Debug)]
struct Written {
    run: String,
    boot: String,
    cgroups: Vec<PathBuf>,
    marks: Vec<String>,
    kept: Vec<KeptLine>,
    lives: Vec<(i32, u64, String)>,
}

impl Written {
    /// Reads what can be read. A line that was cut short by the end of everything says nothing.
    fn read(text: &str) -> Written {
        let mut written = Written::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["run", run, boot] => {
                    (written.run, written.boot) = (run.to_owned(), boot.to_owned());
                    written.marks.push(format!("{MARK}={run}/"));
                }
                ["cgroup", path] => written.cgroups.push(PathBuf::from(path)),
                ["mark", mark] => written.marks.push(format!("{MARK}={mark}")),
                ["kept", ref words @ ..] => {
                    let kept = KeptLine::read(words);
                    // One that was taken over and is kept again stands here twice.
                    written.kept.retain(|other| kept.as_ref().is_none_or(|kept| !kept.is_same(other)));
                    written.kept.extend(kept);
                }
                ["life", pid, began, label] => {
                    let life = pid.parse().ok().zip(began.parse().ok());
                    written.lives.extend(life.map(|(pid, began)| (pid, began, label.to_owned())));
                }
                _ => {}
            }
        }
        written
    }

    /// Whose this process is, if it is known to be of the host that wrote this.
    fn owner(&self, process: &Process) -> Option<String> {
        let known = self.lives.iter().find(|(pid, began, _)| (*pid, *began) == (process.pid, process.began));
        known.map(|(_, _, label)| label.clone()).or_else(|| mark_of(process.pid, &self.marks))
    }
}

/// Whose a process is by the mark that it carries, if that begins like one of these.
fn mark_of(pid: i32, marks: &[String]) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let is_known = |entry: &&[u8]| marks.iter().any(|mark| entry.starts_with(mark.as_bytes()));
    let entry = environment.split(|byte| *byte == 0).find(is_known)?;
    let text = String::from_utf8_lossy(entry).trim_end_matches('/').to_owned();
    Some(text.split_once('/').map_or_else(|| text.clone(), |(_, label)| label.to_owned()))
}

/// The value of the mark of a life: of the run, and of that life alone, each followed by a slash.
pub(crate) fn mark(run: &str, label: &str) -> String {
    format!("{run}/{label}/")
}

/// Ends what is left, but for what is kept, and says what that was.
fn end_leftovers(written: &Written) -> Result<Vec<String>, LedgerError> {
    let mut ended = Vec::new();
    if written.run.is_empty() || written.boot != boot() {
        return Ok(ended);
    }
    let deadline = Instant::now() + LAST_BREATH;
    let keepers: Vec<i32> = written.kept.iter().map(|kept| kept.keeper).collect();
    let mut spared = line_up_to(rustix::process::getpid().as_raw_pid());
    spared.extend(keepers.iter().flat_map(|keeper| line_up_to(*keeper)));
    // Noted first: what is in a cgroup that is ended is gone at once.
    for (process, owner) in whose(written, &spared) {
        if is_below(process.pid, &keepers) == Some(false) {
            note_ended(&mut ended, &owner, process.pid);
        }
    }
    end_cgroups(written, &spared);
    let mut quiet = 0;
    loop {
        kill_at_sight(written, &spared, &keepers, &mut ended);
        let mut found = whose(written, &spared);
        // What is kept goes on making processes, so each is looked at anew.
        found.retain(|(process, _)| is_below(process.pid, &keepers) != Some(true));
        // What never stays the same process for long may have been missed, if there was anybody at all.
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet > 0 && (ended.is_empty() || quiet == QUIET_LOOKS) {
            written.cgroups.iter().for_each(|cgroup| fence::remove(cgroup));
            return Ok(ended);
        }
        for (process, owner) in &found {
            // Of one that has just lost a parent it is known the next time.
            if is_below(process.pid, &keepers) != Some(false) {
                continue;
            }
            note_ended(&mut ended, owner, process.pid);
            kill_exactly(process);
        }
        if Instant::now() >= deadline {
            let pids = found.iter().map(|(process, _)| process.pid).collect();
            return Err(LedgerError::StillThere { pids });
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends whatever is in the cgroups of that run, all of it at once. Not if anything in there must live: what is kept, or
/// those who ask.
fn end_cgroups(written: &Written, spared: &[i32]) {
    for cgroup in &written.cgroups {
        let must_live = |pid: &i32| spared.contains(pid);
        if written.kept.is_empty() && !fence::inside(cgroup).iter().any(must_live) {
            fence::end(cgroup);
        }
    }
}

/// Kills whoever is known to be of that host as soon as it is seen.
fn kill_at_sight(written: &Written, spared: &[i32], keepers: &[i32], ended: &mut Vec<String>) {
    for process in Process::all().filter(|process| !process.is_zombie && !spared.contains(&process.pid)) {
        let Some(owner) = written.owner(&process) else { continue };
        if is_below(process.pid, keepers) == Some(false) {
            kill_exactly(&process);
            note_ended(ended, &owner, process.pid);
        }
    }
}

fn note_ended(ended: &mut Vec<String>, owner: &str, pid: i32) {
    // Of what makes processes without end, the first few say enough.
    let line = format!("{owner} (process {pid})");
    if ended.len() < MOST_LINES && !ended.contains(&line) {
        ended.push(line);
    }
}

/// Everything of that host that still runs, and whose it is: what is known, and what is below it.
fn whose(written: &Written, spared: &[i32]) -> Vec<(Process, String)> {
    let all: Vec<Process> = Process::all().filter(|process| !process.is_zombie).collect();
    let enclosed: Vec<i32> = written.cgroups.iter().flat_map(|cgroup| fence::inside(cgroup)).collect();
    let mut found: Vec<(Process, String)> = Vec::new();
    for process in &all {
        let owner = written.owner(process);
        let owner = owner.or_else(|| enclosed.contains(&process.pid).then(|| "a plugin of it".into()));
        found.extend(owner.map(|owner| (*process, owner)));
    }
    let mut at = 0;
    while let Some((parent, owner)) = found.get(at).cloned() {
        let is_new = |process: &&Process| found.iter().all(|(known, _)| known.pid != process.pid);
        let below: Vec<_> =
            all.iter().filter(|process| process.parent == parent.pid).filter(is_new).collect();
        found.extend(below.into_iter().map(|process| (*process, owner.clone())));
        at += 1;
    }
    found.retain(|(process, _)| !spared.contains(&process.pid));
    found
}

/// A process and those above it. A host may have been started by what an earlier one has left.
fn line_up_to(pid: i32) -> Vec<i32> {
    let mut line = vec![pid];
    while let Some(parent) = line.last().and_then(|pid| Process::look(*pid)).map(|process| process.parent) {
        if parent <= 0 || line.contains(&parent) {
            break;
        }
        line.push(parent);
    }
    line
}

/// Whether a process is below one of these; `None` if one of those above it ended while it was looked at.
fn is_below(pid: i32, keepers: &[i32]) -> Option<bool> {
    if keepers.is_empty() {
        return Some(false);
    }
    let line = line_up_to(pid);
    if line.iter().any(|above| keepers.contains(above)) {
        return Some(true);
    }
    let is_whole = line.last().and_then(|top| Process::look(*top)).is_some();
    is_whole.then_some(false)
}

/// Ends a child whose keeper and spawner are both gone, and everything that carries its mark.
///
/// # Errors
/// If something of it does not end. It is in the ledger for the next host.
pub(crate) fn end_orphan(mark: &str, pid: u32, began: u64, label: &str) -> Result<(), LedgerError> {
    let written = Written {
        run: mark.to_owned(),
        boot: boot(),
        marks: vec![format!("{MARK}={mark}")],
        lives: i32::try_from(pid).map(|pid| (pid, began, label.to_owned())).into_iter().collect(),
        ..Written::default()
    };
    end_leftovers(&written).map(drop)
}

/// The cgroups of earlier runs of which something is kept.
fn fenced_off(written: &Written) -> Vec<Fence> {
    // Those in which nobody was left are removed by now.
    let cgroups = written.cgroups.iter().filter(|cgroup| !written.kept.is_empty() && cgroup.exists());
    cgroups.map(|cgroup| Fence::of_earlier(cgroup.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_says_nothing() {
        let text = "run r b\nlife 7 99 api/1\nlife x 1 y\nnoise\nlife 8 100 api/2";
        let written = Written::read(text);
        assert_eq!((written.run.as_str(), written.boot.as_str()), ("r", "b"));
        assert_eq!(written.lives, [(7, 99, "api/1".into())]);
        assert_eq!(Written::read(""), Written::default());
    }

    #[test]
    fn a_process_is_known_by_its_number_and_its_beginning_together() {
        let own = Process::look(rustix::process::getpid().as_raw_pid()).unwrap();
        let life = |pid, began| Written { lives: vec![(pid, began, "api/1".into())], ..Written::default() };
        assert_eq!(life(own.pid, own.began).owner(&own), Some("api/1".into()));
        assert_eq!(life(own.pid, own.began + 1).owner(&own), None);
        assert_eq!(life(own.pid + 1, own.began).owner(&own), None);
    }

    #[test]
    fn a_life_that_is_kept_is_found_again() {
        let kept = KeptLine {
            keeper: 7,
            pid: 8,
            began: 9,
            label: "web/3".into(),
            fingerprint: 11,
            stop_signal: 15,
            mark: "r0/web/2/".into(),
            path: "/run/with a space/x.sock.lives.ab.0c".into(),
        };
        let written = Written::read(&format!("run r b\n{kept}mark r0/web/2/\n{kept}"));
        assert_eq!(written.kept, [kept]);
        assert_eq!(written.marks, ["HOTHOUSE_LIFE=r/", "HOTHOUSE_LIFE=r0/web/2/"]);
        assert!(!written.kept[0].is_there());
    }

    #[test]
    fn nothing_of_another_boot_is_touched() {
        let own = Process::look(rustix::process::getpid().as_raw_pid()).unwrap();
        let lives = vec![(own.pid, own.began, "api/1".into())];
        let written = Written { run: "r".into(), boot: "another".into(), lives, ..Written::default() };
        assert!(end_leftovers(&written).unwrap().is_empty());
    }

    #[test]
    fn the_one_who_asks_and_those_above_are_spared() {
        let own = Process::look(rustix::process::getpid().as_raw_pid()).unwrap();
        assert!(line_up_to(own.pid).starts_with(&[own.pid, own.parent]));
    }
}
