//! The line of the file that a problem is about, with a marker under the place.

use std::fmt;

use crate::source::{Position, Source, Span, number};

/// At most this many characters of a line are shown: a JSON file may be one line of megabytes.
const WIDTH: usize = 100;

/// One line of the file, cut to a readable width, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Number of the line, from 1.
    pub line: u32,
    /// The text, tabs as single spaces, `…` where it was cut, `***` where a secret stands.
    pub text: String,
    /// Where the marker begins, in characters from 0.
    pub offset: usize,
    /// How many characters are marked; at least 1.
    pub width: usize,
}

impl Excerpt {
    /// The line on which `span` begins; `None` where there is nothing to see. Whatever of it lies in one of the
    /// `hidden` spans is replaced by `***`.
    pub(super) fn of(source: &Source, span: Span, hidden: &[Span]) -> Option<Excerpt> {
        let line = source.line(span.start.line)?;
        if line.trim().is_empty() {
            return None;
        }
        let start = span.start.column as usize - 1;
        let end = if span.end.line == span.start.line { span.end.column as usize - 1 } else { usize::MAX };
        let window = Window::around(start, line, span.start.line, hidden);
        Some(window.cut(span.start.line, start, end))
    }
}

/// A character to show and the column (from 0) it stands for.
struct Cell {
    shown: &'static str,
    plain: char,
    column: usize,
}

/// The part of a line that may be shown; nothing is built of the megabytes around it.
struct Window {
    cells: Vec<Cell>,
    /// Whether the line goes on to the left.
    more_before: bool,
    /// Whether the line goes on to the right.
    more_after: bool,
}

impl Window {
    fn around(start: usize, line: &str, number_of_line: u32, hidden: &[Span]) -> Window {
        // Wider than what is shown, because hidden stretches take less room than they have.
        let first = start.saturating_sub(2 * WIDTH);
        let mut rest = line.chars();
        let skipped = rest.by_ref().take(first).count();
        let part: String = rest.by_ref().take(5 * WIDTH).collect();
        let cells = cells(&part, skipped, number_of_line, hidden);
        Window { cells, more_before: skipped > 0, more_after: rest.next().is_some() }
    }
}

fn cells(part: &str, first_column: usize, number_of_line: u32, hidden: &[Span]) -> Vec<Cell> {
    let hidden: Vec<_> =
        hidden.iter().filter(|span| (span.start.line..=span.end.line).contains(&number_of_line)).collect();
    let mut cells = Vec::new();
    let mut in_secret = false;
    for (column, c) in (first_column..).zip(part.chars()) {
        let here = Position { line: number_of_line, column: number(column + 1) };
        let secret = hidden.iter().any(|span| span.start <= here && here < span.end);
        let plain = if c.is_control() { ' ' } else { c };
        if !secret {
            cells.push(Cell { shown: "", plain, column });
        } else if !in_secret {
            cells.push(Cell { shown: "***", plain, column });
        }
        in_secret = secret;
    }
    cells
}

impl Window {
    /// Cuts out [`WIDTH`] cells among which the start of the marked place is.
    fn cut(&self, line: u32, start: usize, end: usize) -> Excerpt {
        let cells = &self.cells;
        // The cell at or before the column: a place inside a hidden stretch is marked at its `***`.
        let marked = cells.partition_point(|cell| cell.column <= start).saturating_sub(1);
        let beyond = cells.last().is_none_or(|cell| cell.column < start && cell.shown.is_empty());
        let is_near_start = marked < WIDTH * 3 / 4 && !self.more_before;
        let first = if is_near_start { 0 } else { marked.saturating_sub(WIDTH / 2) };
        let last = (first + WIDTH).min(cells.len());
        let cut_before = first > 0 || self.more_before;
        let mut text = String::from(if cut_before { "…" } else { "" });
        let (mut offset, mut width) = (0, 0);
        for (index, cell) in cells.iter().enumerate().take(last).skip(first) {
            let size = cell.shown.len().max(1);
            if index < marked {
                offset += size;
            } else if index == marked || cell.column < end {
                width += size;
            }
            if cell.shown.is_empty() { text.push(cell.plain) } else { text.push_str(cell.shown) }
        }
        if beyond {
            (offset, width) = (offset + width, 1);
        }
        let cut_after = last < cells.len() || self.more_after;
        let text = if cut_after { text + "…" } else { text.trim_end().to_owned() };
        Excerpt { line, text, offset: offset + usize::from(cut_before), width: width.max(1) }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        writeln!(f, "  {number} | {}", self.text)?;
        let blank = " ".repeat(number.len());
        write!(f, "  {blank} | {}{}", " ".repeat(self.offset), "^".repeat(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn excerpt(text: &str, from: u32, to: u32, hidden: &[(u32, u32)]) -> String {
        let source = Source::new(Path::new("x"), text.into());
        let span = |from, to| Span {
            start: Position { line: 1, column: from },
            end: Position { line: 1, column: to },
        };
        let hidden: Vec<_> = hidden.iter().map(|(from, to)| span(*from, *to)).collect();
        Excerpt::of(&source, span(from, to), &hidden).map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_place_is_marked() {
        assert_eq!(excerpt("a: 1 # x", 4, 5, &[]), "  1 | a: 1 # x\n    |    ^");
        assert_eq!(excerpt("\ta:", 4, 4, &[]), "  1 |  a:\n    |    ^");
        assert_eq!(excerpt("ab", 1, 3, &[]), "  1 | ab\n    | ^^");
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        assert_eq!(excerpt("p: hunter2, q: 1", 16, 17, &[(4, 11)]), "  1 | p: ***, q: 1\n    |            ^");
        assert_eq!(excerpt("p: hunter2", 4, 11, &[(4, 11)]), "  1 | p: ***\n    |    ^^^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = "x".repeat(500) + "!" + &"y".repeat(500);
        let shown = excerpt(&text, 501, 502, &[]);
        let (line, marker) = shown.split_once('\n').unwrap();
        assert!(line.chars().count() < 120, "{line}");
        let column = marker.chars().position(|c| c == '^').unwrap();
        assert_eq!(line.chars().nth(column), Some('!'));
    }
}
