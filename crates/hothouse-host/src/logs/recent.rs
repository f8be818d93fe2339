//! The last lines of one plugin, in memory.

/// How many bytes of them are kept at least, once there are as many. Twice as many are at most, but for one long line.
const KEPT: usize = 32 * 1024;

/// The last lines, as they are kept in files.
#[derive(Default, Debug)]
pub(crate) struct Recent {
    lines: Vec<u8>,
}

impl Recent {
    /// Adds whole lines.
    pub(crate) fn push(&mut self, lines: &[u8]) {
        if lines.len() >= KEPT {
            self.lines.clear();
            self.lines.extend_from_slice(&lines[begin_of_last(lines)..]);
            self.lines.shrink_to(2 * KEPT);
        } else {
            if self.lines.len() + lines.len() > 2 * KEPT {
                self.lines.drain(..begin_of_last(&self.lines));
            }
            self.lines.extend_from_slice(lines);
        }
    }

    /// The last `count` lines, each with its newline, the oldest first.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let newest_first = self.lines.split_inclusive(|byte| *byte == b'\n').rev().take(count);
        let lines: Vec<&[u8]> = newest_first.collect();
        lines.into_iter().rev()
    }
}

/// Where the lines begin that are to be kept: as many whole ones as fit, and at least one.
fn begin_of_last(lines: &[u8]) -> usize {
    let Some(over) = lines.len().checked_sub(KEPT) else { return 0 };
    // A line begins at the very place if the byte before ends one.
    let from = over.saturating_sub(1);
    let whole = lines[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at + 1);
    match whole.filter(|begin| *begin < lines.len()) {
        Some(begin) => begin,
        None => {
            let without_end = &lines[..lines.len() - 1];
            without_end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_stays_bounded_and_lines_stay_whole() {
        let mut recent = Recent::default();
        for number in 0..100_000 {
            recent.push(format!("line {number}\n").as_bytes());
            assert!(recent.lines.len() <= 2 * KEPT);
        }
        let last: Vec<_> = recent.last(3).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        assert_eq!(last, ["line 99997\n", "line 99998\n", "line 99999\n"]);
        assert!(recent.last(usize::MAX).count() > 1000);
        assert!(recent.last(usize::MAX).all(|line| line.starts_with(b"line ") && line.ends_with(b"\n")));
    }

    #[test]
    fn a_batch_that_is_too_large_leaves_its_end() {
        let mut recent = Recent::default();
        let batch: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
        recent.push(batch.as_bytes());
        assert!(recent.lines.len() <= KEPT && recent.lines.starts_with(b"line "));
        assert_eq!(recent.last(1).next().unwrap(), b"line 9999\n");
    }

    #[test]
    fn one_enormous_line_is_kept_as_a_whole() {
        let mut recent = Recent::default();
        let long = [vec![b'x'; 3 * KEPT], b"\n".to_vec()].concat();
        recent.push(&[b"before\n".as_slice(), &long].concat());
        assert_eq!(recent.last(5).collect::<Vec<_>>(), [&long]);
        recent.push(b"after\n");
        assert_eq!(recent.last(1).next().unwrap(), b"after\n");
        assert!(recent.lines.len() <= long.len() + 6);
        let exact = [vec![b'a'; 9], b"\n".to_vec(), vec![b'y'; KEPT - 1], b"\n".to_vec()].concat();
        recent.push(&exact);
        assert_eq!(recent.lines.len(), KEPT);
    }
}
