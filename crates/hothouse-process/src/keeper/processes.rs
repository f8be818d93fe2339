//! What `/proc` knows of processes: who began when, below whom. Nothing here is touched.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};

/// One process as it was when it was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// When it began, in ticks since the machine did. Together with the number it is never anybody else's.
    pub(crate) began: u64,
    /// It has ended, and its parent has not asked how.
    pub(crate) is_zombie: bool,
}

impl Process {
    /// The process of this number, if there is one.
    pub(crate) fn look(pid: i32) -> Option<Process> {
        let mut text = [0; 512];
        let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
        let mut length = 0;
        // It is one line, and the end of it is the end.
        while length < text.len() && text[..length].last() != Some(&b'\n') {
            match file.read(&mut text[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Process::parse(&text[..length])
    }

    /// Reads a line of `stat`. The name of the program, in parentheses, may hold anything, parentheses included.
    fn parse(line: &[u8]) -> Option<Process> {
        let name_ends = line.iter().rposition(|byte| *byte == b')')?;
        let pid = str::from_utf8(&line[..line.iter().position(|byte| *byte == b' ')?]).ok()?.parse().ok()?;
        let mut fields = str::from_utf8(&line[name_ends + 1..]).ok()?.split_ascii_whitespace();
        let is_zombie = matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let began = fields.nth(16)?.parse().ok()?;
        Some(Process { pid, parent, group, began, is_zombie })
    }

    /// Every process that can be seen, the youngest first as far as numbers tell: what never stays the same process for
    /// long must be looked at before it is gone. They come and go while they are looked at.
    pub(crate) fn all() -> impl Iterator<Item = Process> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut numbers: Vec<i32> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        numbers.into_iter().filter_map(Process::look)
    }
}

/// Those of these processes that are below `root`, however far, in no order.
pub(crate) fn below(root: i32, all: &[Process]) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut at = 0;
    while at < found.len() {
        found.extend(children.remove(&found[at].pid).unwrap_or_default());
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = b"42 (a) R 1 (x)) S 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
        let process = Process { pid: 42, parent: 7, group: 40, began: 987_654, is_zombie: false };
        assert_eq!(Process::parse(line), Some(process));
        for length in 0..60 {
            assert_eq!(Process::parse(&line[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn this_process_is_there() {
        let own = rustix::process::getpid().as_raw_pid();
        let parent = rustix::process::getppid().unwrap().as_raw_pid();
        let process = Process::look(own).unwrap();
        assert_eq!((process.pid, process.parent, process.is_zombie), (own, parent, false));
        assert!(Process::all().any(|other| other == process));
        assert_eq!(Process::look(0), None);
    }

    #[test]
    fn a_tree_is_walked_to_its_leaves() {
        let process = |pid, parent| Process { pid, parent, group: pid, began: 1, is_zombie: false };
        let all = [process(1, 0), process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 6)];
        let mut found: Vec<i32> = below(2, &all).iter().map(|process| process.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
        assert!(below(9, &all).is_empty());
    }
}
