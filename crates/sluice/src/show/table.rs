//! Tables: columns as wide as what is in them, two spaces between, the last one as long as it likes.

use crate::terminal::{Paint, cut, visible_width};

/// Rows under headings.
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: &[impl AsRef<str>]) -> Table {
        let headings = headings.iter().map(|heading| heading.as_ref().to_owned()).collect();
        Table { headings, rows: Vec::new() }
    }

    /// Adds a row with a cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len(), "a cell for each heading");
        self.rows.push(cells);
    }

    /// The lines, cut to `width` when there is one.
    pub(crate) fn lines(&self, paint: Paint, width: Option<usize>) -> Vec<String> {
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| visible_width(&row[column]));
                cells.chain([visible_width(&self.headings[column])]).max().unwrap_or(0)
            })
            .collect();
        let headings = self.headings.iter().map(|heading| paint.dim(heading)).collect();
        std::iter::once(&headings)
            .chain(&self.rows)
            .map(|row| {
                let line = joined(row, &widths);
                width.map_or_else(|| line.clone(), |width| cut(&line, width))
            })
            .collect()
    }
}

fn joined(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width - visible_width(cell) + 2));
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["NAME", "LIVE"]);
        table.row(vec!["checkout".to_owned(), "2.0.3".to_owned()]);
        table.row(vec!["a".to_owned(), String::new()]);
        assert_eq!(table.lines(Paint::plain(), None), ["NAME      LIVE", "checkout  2.0.3", "a"]);
        assert_eq!(table.lines(Paint::plain(), Some(10))[1], "checkout …");
    }
}
