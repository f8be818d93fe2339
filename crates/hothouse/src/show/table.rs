//! Tables: columns as wide as they need to be, the last one as wide as it likes.

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

/// The table as text, with a line of headings.
pub(crate) fn table(headings: &[&str], rows: &[Vec<Cell>], style: Style) -> String {
    let head: Vec<Cell> = headings.iter().map(|heading| Cell::painted(*heading, Style::dim)).collect();
    lined_up(&std::iter::once(&head).chain(rows).collect::<Vec<_>>(), style)
}

/// The rows as text, without a line of headings.
pub(crate) fn rows(rows: &[Vec<Cell>], style: Style) -> String {
    lined_up(&rows.iter().collect::<Vec<_>>(), style)
}

fn lined_up(rows: &[&Vec<Cell>], style: Style) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
        cells.max().unwrap_or(0)
    };
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            line.push_str(&(cell.paint)(style, &cell.text));
            if at + 1 < row.len() {
                let gap = widths[at] - cell.text.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "x"], ["long", ""]].map(|row| row.map(Cell::plain).to_vec());
        assert_eq!(table(&["NAME", "NOTE"], &rows, Style::plain()), "NAME  NOTE\na     x\nlong\n");
    }
}
