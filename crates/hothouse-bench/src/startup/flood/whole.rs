//! What a host keeps of a flood, and how much memory that takes.
//!
//! The host is a process of its own, so that nothing else is in its memory. Its files are all kept, and read when it has
//! ended: what a plugin has written must be there, line after line, or be counted there as missing.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use hothouse_host::logs::LogRecord;
use hothouse_host::wait;
use hothouse_process::Readiness;
use hothouse_runtime::Stream;

use super::{FLOOD, RATE, flooding, host};
use crate::error::Outcome;
use crate::startup::hosts;
use crate::startup::played::{Played, listen};
use crate::startup::scratch::Scratch;
use crate::table::{Row, Sheet, Target};

/// The role of the process that holds the host.
pub(in crate::startup) const ROLE: &str = "flood";

/// What the plugin writes in one life, in bytes, and how many lives it has.
const BYTES: u64 = 200_000_000;
const LIVES: u32 = 5;

/// As the child writes them, newline included.
const LINE: u64 = 100;
const LINES: u64 = BYTES / LINE;

/// How many full files are kept: all of them.
const KEEP: u32 = 10_000;

/// What the host may need to take a flood in, in times of what the flood lasts.
const IN_TIME: Target = Target::Ratio(1.05);
/// What it may have resident after all of the floods, in times of what it had after the first.
const BOUNDED: Target = Target::Ratio(1.05);
const NONE: Target = Target::Value(0.0);

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let scratch = Scratch::new("whole")?;
    let folder = scratch.path().to_str().ok_or("the folder for temporary files has an odd name")?;
    let mut host = Played::start(&[ROLE, folder])?;
    let calm = host.megabytes("VmRSS:")?;
    let mut seconds = host.ask()?.parse::<f64>()?;
    let first = host.megabytes("VmHWM:")?;
    for _ in 1..LIVES {
        seconds += host.ask()?.parse::<f64>()?;
    }
    let last = host.megabytes("VmHWM:")?;
    host.end()?;
    let kept = Kept::read(scratch.path())?;

    let written = (u64::from(LIVES) * BYTES) as f64;
    let mb = written / 1e6;
    let mut row = |what: String, unit, value, floor, target| {
        sheet.row(&Row { what, of: "once", unit, value, floor, target })
    };
    row("resident memory, nine up, before a flood".into(), "MB", calm, None, None)?;
    row(
        format!("most resident memory, {mb} MB of log / first {} MB", BYTES / 1_000_000),
        "MB",
        last,
        Some(first),
        Some(BOUNDED),
    )?;
    row(
        format!("time to take in {mb} MB of log / to be given it"),
        "s",
        seconds,
        Some(written / RATE as f64),
        Some(IN_TIME),
    )?;
    row(
        "bytes of log in the files / written".into(),
        "MB",
        (kept.lines * LINE) as f64 / 1e6,
        Some(mb),
        None,
    )?;
    row("lines that are not where they should be".into(), "", kept.misplaced as f64, None, Some(NONE))?;
    row("lines that the host says are missing".into(), "", kept.said_missing as f64, None, None)?;
    Ok(())
}

/// Holds the host. Whenever it is asked to, it has the plugin flood its log for one life, and says how many seconds that
/// took.
pub(in crate::startup) fn play(folder: &Path) -> Outcome<()> {
    let host = host(folder, KEEP, flooding(BYTES)?, Readiness::Exit0)?;
    for number in 0..FLOOD {
        wait(host.start_with_timeout(&name(number), hosts::LIMIT, &hosts::parallel()))?;
    }
    listen(|| {
        let asked = Instant::now();
        let result = wait(host.start_with_timeout(&name(FLOOD), hosts::LIMIT, &hosts::parallel()))?;
        let seconds = asked.elapsed().as_secs_f64();
        if !result.all_successful {
            return Err("the flood did not come to its end".into());
        }
        wait(host.rollback(&[&name(FLOOD)]))?;
        Ok(seconds.to_string())
    })?;
    wait(host.stop_all())?;
    Ok(())
}

fn name(number: usize) -> String {
    format!("plugin-{number}")
}

/// What is in the files of the plugin that floods.
#[derive(Default)]
struct Kept {
    /// Lines of the flood.
    lines: u64,
    /// Lines after which another one was to come, and files that ended too early.
    misplaced: u64,
    said_missing: u64,
    /// The life that the last line was of, and the number that the next one has.
    next: (u64, u64),
}

impl Kept {
    fn read(folder: &Path) -> Outcome<Kept> {
        let mut kept = Kept { next: (0, LINES), ..Kept::default() };
        for path in files(folder)? {
            for line in BufReader::new(File::open(path)?).split(b'\n') {
                kept.take(&LogRecord::read(&line?).ok_or("a line of a log is none")?);
            }
        }
        kept.misplaced += u64::from(kept.next.1 != LINES);
        Ok(kept)
    }

    fn take(&mut self, record: &LogRecord) {
        if record.stream == Stream::Host {
            let count = record.text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
            self.said_missing += count.unwrap_or(0);
            return;
        }
        let (life, expected) = match self.next {
            (life, LINES) if life != record.incarnation => (record.incarnation, 0),
            next => next,
        };
        let number = record.text.get(..10).and_then(|digits| digits.parse::<u64>().ok());
        let is_whole = record.text.len() as u64 + 1 == LINE && !record.continues;
        self.misplaced += u64::from((record.incarnation, number) != (life, Some(expected)) || !is_whole);
        self.lines += 1;
        self.next = (record.incarnation, number.map_or(expected, |number| number) + 1);
    }
}

/// The files of that log, the oldest first.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let log = format!("{}.log", name(FLOOD));
    let mut full = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().and_then(|name| name.to_str());
        let number = file.and_then(|file| file.strip_prefix(&log)?.strip_prefix('.'));
        full.extend(
            number.and_then(|number| number.parse::<u64>().ok()).map(|number| (number, path.clone())),
        );
    }
    full.sort_unstable();
    Ok(full.into_iter().map(|(_, path)| path).chain([folder.join(log)]).collect())
}
