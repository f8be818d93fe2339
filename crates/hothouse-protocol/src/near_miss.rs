//! What somebody probably meant: the allowed name that is the fewest slips of the finger away.

use alloc::vec;
use alloc::vec::Vec;
use core::mem;

/// Longer words get no suggestion: no name of the protocol comes near this length.
const LONGEST: usize = 64;

/// The candidate that `found` most probably means, or none if nothing comes close.
///
/// A slip is a letter added, missing, wrong, or swapped with its neighbour; one slip is forgiven per three
/// letters, at least one. Another case (`AutoRestart`) and other joints (`auto_restart`, `auto-restart`) are
/// no slips. On a draw the earlier candidate wins.
#[must_use]
pub fn near_miss<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = folded(found)?;
    let allowed = (found.len() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| Some((slips(&found, &folded(candidate)?), candidate)))
        .filter(|(slips, _)| *slips <= allowed && *slips < found.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// The letters that count, or none if there are too many.
fn folded(word: &str) -> Option<Vec<char>> {
    if word.len() > 4 * LONGEST {
        return None;
    }
    let letters: Vec<char> =
        word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect();
    (letters.len() <= LONGEST).then_some(letters)
}

/// How many slips turn one word into the other (optimal string alignment).
fn slips(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; to.len() + 1];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let mut row: Vec<usize> = above.clone();
    for (i, letter) in from.iter().enumerate() {
        row[0] = i + 1;
        for (j, wanted) in to.iter().enumerate() {
            let wrong = above[j] + usize::from(letter != wanted);
            let mut fewest = wrong.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from[i - 1] == *wanted && *letter == to[j - 1] {
                fewest = fewest.min(before[j - 1] + 1);
            }
            row[j + 1] = fewest;
        }
        mem::swap(&mut before, &mut above);
        mem::swap(&mut above, &mut row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let table = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("kitten", "sitting", 3),
        ];
        for (from, to, expected) in table {
            assert_eq!(slips(&folded(from).unwrap(), &folded(to).unwrap()), expected, "{from} {to}");
        }
    }

    #[test]
    fn near_misses() {
        let modes = ["minimal", "cached", "readonly", "offline", "disabled"];
        let table = [
            ("minimla", Some("minimal")),
            ("Minimal", Some("minimal")),
            ("read-only", Some("readonly")),
            ("read_only", Some("readonly")),
            ("ofline", Some("offline")),
            ("", None),
            ("x", None),
            ("everything", None),
        ];
        for (found, expected) in table {
            assert_eq!(near_miss(found, modes), expected, "{found:?}");
        }
        assert_eq!(near_miss(&"minimal".repeat(100_000), modes), None);
    }
}
