//! What a scenario found: figures in columns, checks that passed or did not, series for charts; as a
//! table for people or JSON for machines.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// One number with its name and unit.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Its name in JSON.
    pub(crate) key: &'static str,
    /// Its name in the table.
    pub(crate) label: &'static str,
    /// Its unit in the table.
    pub(crate) unit: &'static str,
    /// The number; `None` where it could not be measured.
    pub(crate) value: Option<f64>,
}

/// One column of figures; every column of a report has the same keys in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// What was measured.
    pub(crate) name: String,
    /// What came out.
    pub(crate) figures: Vec<Figure>,
}

/// A statement that held or did not.
#[derive(Debug)]
pub(crate) struct Check {
    /// The statement.
    pub(crate) says: String,
    /// Whether it held.
    pub(crate) holds: bool,
}

/// All that one scenario found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The scenario and its parameters.
    pub(crate) title: String,
    /// Figures side by side.
    pub(crate) columns: Vec<Column>,
    /// The figures of every round that the columns are the medians of.
    pub(crate) rounds: Vec<(String, Vec<Vec<Figure>>)>,
    /// Statements that must hold; one that does not makes the program fail.
    pub(crate) checks: Vec<Check>,
    /// What somebody who is only compared with did not do; it fails nothing.
    pub(crate) notes: Vec<String>,
    /// Named rows of numbers.
    pub(crate) series: Vec<(&'static str, Vec<f64>)>,
}

pub(crate) fn figure(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    value: impl Into<Option<f64>>,
) -> Figure {
    Figure { key, label, unit, value: value.into() }
}

impl Report {
    pub(crate) fn check(&mut self, holds: bool, says: impl Into<String>) {
        self.checks.push(Check { says: says.into(), holds });
    }

    pub(crate) fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// Adds a column with the ratios of the first two.
    pub(crate) fn add_ratios(&mut self) {
        let [first, second, ..] = &self.columns[..] else { return };
        let figures = first.figures.iter().zip(&second.figures).map(|(one, other)| {
            let ratio = match (one.value, other.value) {
                (Some(one), Some(other)) if other != 0.0 => Some(one / other),
                _ => None,
            };
            figure(one.key, one.label, one.unit, ratio)
        });
        let name = format!("{}/{}", first.name, second.name);
        self.columns.push(Column { name, figures: figures.collect() });
    }

    /// The table for people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.title);
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, "{:<36}{:<10}", "", "");
        for column in &self.columns {
            let _ = write!(text, "{:>16}", column.name);
        }
        text.push('\n');
        let rows = self.columns.first().map_or(0, |column| column.figures.len());
        for row in 0..rows {
            self.write_row(&mut text, row);
        }
        for (name, numbers) in &self.series {
            let _ = writeln!(text, "{name}: {numbers:?}");
        }
        for check in &self.checks {
            let mark = if check.holds { "ok  " } else { "FAIL" };
            let _ = writeln!(text, "{mark}  {}", check.says);
        }
        for note in &self.notes {
            let _ = writeln!(text, "note  {note}");
        }
        text
    }

    /// The same for machines.
    pub(crate) fn json(&self) -> Value {
        let columns: Map<String, Value> = self
            .columns
            .iter()
            .map(|column| (column.name.clone(), figures_json(&column.figures)))
            .collect();
        let rounds = self.rounds.iter().map(|(name, rounds)| {
            let each: Vec<Value> = rounds.iter().map(|round| figures_json(round)).collect();
            (name.clone(), each.into())
        });
        let rounds: Map<String, Value> = rounds.collect();
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| json!({ "says": check.says, "holds": check.holds }))
            .collect();
        let series: Map<String, Value> =
            self.series.iter().map(|(name, row)| ((*name).to_owned(), json!(row))).collect();
        json!({
            "scenario": self.title,
            "columns": columns,
            "rounds": rounds,
            "checks": checks,
            "notes": self.notes,
            "series": series,
            "passed": self.passed(),
        })
    }

    fn write_row(&self, text: &mut String, row: usize) {
        let Some(first) = self.columns.first().and_then(|column| column.figures.get(row)) else {
            return;
        };
        let _ = write!(text, "{:<36}{:<10}", first.label, first.unit);
        for column in &self.columns {
            let value = column.figures.get(row).and_then(|figure| figure.value);
            let _ = write!(text, "{:>16}", value.map_or_else(|| "-".into(), shown));
        }
        text.push('\n');
    }
}

/// For each figure the median over several rounds of the same measurement.
pub(crate) fn medians(name: &str, rounds: &[Vec<Figure>]) -> Column {
    let first = rounds.first().map_or(&[][..], Vec::as_slice);
    let figures = first.iter().enumerate().map(|(row, example)| {
        let mut values: Vec<f64> =
            rounds.iter().filter_map(|round| round.get(row)?.value).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        };
        figure(example.key, example.label, example.unit, median)
    });
    Column { name: name.to_owned(), figures: figures.collect() }
}

fn figures_json(figures: &[Figure]) -> Value {
    figures
        .iter()
        .map(|figure| (figure.key.to_owned(), json!(figure.value)))
        .collect::<Map<_, _>>()
        .into()
}

fn shown(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: f64) -> Vec<Figure> {
        vec![figure("a", "A", "s", value)]
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let odd = medians("x", &[one(9.0), one(1.0), one(2.0)]);
        assert_eq!(odd.figures[0].value, Some(2.0));
        let even = medians("x", &[one(4.0), one(1.0), one(2.0), one(9.0)]);
        assert_eq!(even.figures[0].value, Some(3.0));
    }

    #[test]
    fn ratios_are_of_the_first_to_the_second() {
        let column = |name: &str, value| Column { name: name.into(), figures: one(value) };
        let mut report =
            Report { columns: vec![column("b", 3.0), column("f", 2.0)], ..Report::default() };
        report.add_ratios();
        assert_eq!(report.columns[2].figures[0].value, Some(1.5));
        assert_eq!(report.columns[2].name, "b/f");
    }

    #[test]
    fn one_false_check_fails_the_report() {
        let mut report = Report::default();
        report.check(true, "a");
        assert!(report.passed());
        report.check(false, "b");
        assert!(!report.passed());
        assert_eq!(report.json()["passed"], false);
    }
}
