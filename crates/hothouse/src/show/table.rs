//! Tables: columns as wide as they need to be, the last one as wide as it likes. On a terminal that is too narrow for all
//! of them the least important columns are left out, and the last one is cut: a line never wraps.

use std::io::IsTerminal;

use super::style::Style;

/// One cell: its text and how it is coloured, which must not count as width.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    paint: fn(Style, &str) -> String,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), paint: |_, text| text.to_owned() }
    }

    pub(crate) fn painted(text: impl Into<String>, paint: fn(Style, &str) -> String) -> Cell {
        Cell { text: text.into(), paint }
    }
}

/// A column: its heading, and how early it is left out where there is no room: 0 never, then the highest number first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column(pub(crate) &'static str, pub(crate) u8);

/// The gap between two columns.
const GAP: usize = 2;
/// A column that is cut is not made narrower than this.
const NARROWEST: usize = 8;

/// The width of standard output: what `COLUMNS` says, else what the terminal says; `None` where lines may be as long as
/// they like.
pub(crate) fn stdout_width() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || {
        let stdout = std::io::stdout();
        let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(stdout).ok());
        size.flatten().map(|size| usize::from(size.ws_col))
    };
    said.or_else(terminal).filter(|width| *width > 0)
}

/// The table as text, with a line of headings, however wide that is.
pub(crate) fn table(headings: &[&'static str], rows: &[Vec<Cell>], style: Style) -> String {
    let columns: Vec<Column> = headings.iter().map(|heading| Column(heading, 0)).collect();
    fitted(&columns, rows, style, None)
}

/// The same, in lines that are no longer than `width`.
pub(crate) fn fitted(columns: &[Column], rows: &[Vec<Cell>], style: Style, width: Option<usize>) -> String {
    let head: Vec<Cell> = columns.iter().map(|column| Cell::painted(column.0, Style::dim)).collect();
    lined_up(columns, &std::iter::once(&head).chain(rows).collect::<Vec<_>>(), style, width)
}

/// The rows as text, without a line of headings.
pub(crate) fn rows(rows: &[Vec<Cell>], style: Style) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    lined_up(&vec![Column("", 0); columns], &rows.iter().collect::<Vec<_>>(), style, None)
}

fn lined_up(columns: &[Column], rows: &[&Vec<Cell>], style: Style, width: Option<usize>) -> String {
    let needed = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
        cells.max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(needed).collect();
    let shown = shown(columns, &mut widths, width.unwrap_or(usize::MAX));
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        let mut gap = 0;
        for at in &shown {
            let Some(cell) = row.get(*at) else { continue };
            let cut = cut(&cell.text, widths[*at]);
            line.extend(std::iter::repeat_n(' ', gap));
            line.push_str(&(cell.paint)(style, &cut));
            gap = widths[*at] - cut.chars().count() + GAP;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The columns that there is room for; the widest of what is left gives way if even those are too many.
fn shown(columns: &[Column], widths: &mut [usize], room: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let total = |shown: &[usize], widths: &[usize]| {
        shown.iter().map(|at| widths[*at]).sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    // The last column is mostly a note: what is left of it after a cut says something still.
    if let Some(last) = columns.len().checked_sub(1) {
        let rest = total(&shown, widths) - widths[last];
        let least = widths[last].min(4 * NARROWEST);
        if rest.saturating_add(widths[last]) > room {
            widths[last] = room.saturating_sub(rest).max(least);
        }
    }
    while total(&shown, widths) > room {
        let least =
            shown.iter().copied().filter(|at| columns[*at].1 > 0).max_by_key(|at| (columns[*at].1, *at));
        let Some(least) = least else { break };
        shown.retain(|at| *at != least);
    }
    while total(&shown, widths) > room {
        let widest = shown.iter().copied().max_by_key(|at| widths[*at]);
        let Some(widest) = widest.filter(|at| widths[*at] > NARROWEST) else { break };
        let over = total(&shown, widths) - room;
        widths[widest] = widths[widest].saturating_sub(over).max(NARROWEST);
    }
    shown
}

/// The text in that many characters, with `…` where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "x"], ["long", ""]].map(|row| row.map(Cell::plain).to_vec());
        assert_eq!(table(&["NAME", "NOTE"], &rows, Style::plain()), "NAME  NOTE\na     x\nlong\n");
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_never_a_longer_line() {
        let columns = [Column("PLUGIN", 0), Column("VERSION", 2), Column("STATE", 0), Column("NOTE", 1)];
        let note = "exited with code 3 before it was ready, which is no good";
        let rows = vec![["inventory", "1.2.0", "failed", note].map(Cell::plain).to_vec()];
        let at = |width| fitted(&columns, &rows, Style::plain(), Some(width));
        assert!(at(200).contains(note));
        assert!(at(70).contains("VERSION") && at(70).contains("…"), "{}", at(70));
        assert!(!at(55).contains("VERSION") && at(55).contains("NOTE"), "{}", at(55));
        assert!(!at(40).contains("NOTE") && at(40).contains("inventory"), "{}", at(40));
        for width in 18..90 {
            assert!(at(width).lines().all(|line| line.chars().count() <= width), "{width}: {}", at(width));
        }
    }
}
