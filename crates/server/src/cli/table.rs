//! Columns that stand below each other.

use std::fmt;

use super::output::one_line;

/// A table for people.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with a first row of names.
    pub(super) fn with_head(names: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(names.iter().map(|name| name.to_uppercase()));
        table
    }

    /// Adds a row.
    pub(super) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.push(cells.into_iter().map(|cell| one_line(cell.as_ref()).into_owned()).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let chars =
            |row: &Vec<String>, at: usize| row.get(at).map_or(0, |cell| cell.chars().count());
        let width = |at| self.0.iter().map(|row| chars(row, at)).max().unwrap_or(0);
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.0 {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::with_head(&["id", "name", "x"]);
        table.row(["1", "Zoë's shop", ""]);
        table.row(["1000", "b", "y"]);
        assert_eq!(
            table.to_string(),
            "ID    NAME        X\n1     Zoë's shop\n1000  b           y\n"
        );
    }
}
