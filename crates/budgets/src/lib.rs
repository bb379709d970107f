//! The budgets: a file with a number of instructions for each thing that the server does most, and
//! the verdict on what was measured.

use std::fmt::{self, Write as _};

use serde::Deserialize;

/// All budgets, as they are in the file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// In the order of the file.
    #[serde(rename = "budget")]
    pub all: Vec<Budget>,
}

/// What one thing may cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The name of its scenario.
    pub name: String,
    /// Instructions in user space for each.
    pub instructions: u64,
    /// What is counted, for whoever reads the file.
    pub covers: String,
}

/// What one thing cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured<'a> {
    /// The name of its scenario.
    pub name: &'a str,
    /// Instructions in user space for each.
    pub instructions: u64,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// What was measured.
    pub measured: Measured<'a>,
    /// What it may cost; none: nobody has said.
    pub budget: Option<u64>,
}

/// What follows from a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps to its budget.
    Kept,
    /// It has become so much cheaper that the budget should follow.
    Cheaper,
    /// It costs more than its budget and the tolerance.
    Exceeded,
    /// There is no budget for it.
    Missing,
}

/// What a budget may be exceeded by, in percent.
pub const TOLERANCE_PERCENT: u64 = 5;

const HEAD: &str = "\
# What the server may spend on what it does most: instructions in user space, for each. Checked by
# scripts/budgets, which fails above 105 %; `scripts/budgets --write` writes this file anew. How it
# is counted: docs/reference/instruction-budgets.md.
";

impl Budgets {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is no list of budgets.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The budget of a scenario.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<u64> {
        self.all.iter().find(|budget| budget.name == name).map(|budget| budget.instructions)
    }
}

/// The file, as [`Budgets::parse`] reads it.
impl fmt::Display for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for Budget { name, instructions, covers } in &self.all {
            write!(f, "\n[[budget]]\nname = {name:?}\ninstructions = {instructions}\n")?;
            writeln!(f, "covers = {covers:?}")?;
        }
        Ok(())
    }
}

impl Line<'_> {
    /// What follows from it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let measured = self.measured.instructions;
        match self.budget {
            None => Verdict::Missing,
            Some(budget) if measured * 100 > budget * (100 + TOLERANCE_PERCENT) => {
                Verdict::Exceeded
            }
            Some(budget) if measured * 100 < budget * (100 - TOLERANCE_PERCENT) => Verdict::Cheaper,
            Some(_) => Verdict::Kept,
        }
    }
}

impl Verdict {
    /// Whether the check fails by it.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::Exceeded | Self::Missing)
    }

    fn says(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::Cheaper => "cheaper: lower the budget with --write",
            Self::Exceeded => "EXCEEDED",
            Self::Missing => "NO BUDGET: write one with --write",
        }
    }
}

/// The table for people.
#[must_use]
pub fn table(lines: &[Line<'_>]) -> String {
    let mut out = format!("{:<16} {:>9} {:>9} {:>6}\n", "name", "budget", "measured", "ratio");
    for line in lines {
        let Measured { name, instructions } = line.measured;
        let (budget, ratio) = match line.budget {
            Some(budget) => {
                (budget.to_string(), format!("{:.3}", instructions as f64 / budget as f64))
            }
            None => ("-".into(), "-".into()),
        };
        let row = format!("{name:<16} {budget:>9} {instructions:>9} {ratio:>6}");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", format!("{row}  {}", line.verdict().says()).trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(budget: Option<u64>, instructions: u64) -> Verdict {
        Line { measured: Measured { name: "x", instructions }, budget }.verdict()
    }

    #[test]
    fn a_budget_may_be_exceeded_by_five_percent_and_not_by_more() {
        assert_eq!(verdict(Some(1_000), 1_050), Verdict::Kept);
        assert_eq!(verdict(Some(1_000), 1_051), Verdict::Exceeded);
        assert_eq!(verdict(Some(1_000), 950), Verdict::Kept);
        assert_eq!(verdict(Some(1_000), 949), Verdict::Cheaper);
        assert_eq!(verdict(None, 1), Verdict::Missing);
        assert!(Verdict::Exceeded.fails() && Verdict::Missing.fails());
        assert!(!Verdict::Kept.fails() && !Verdict::Cheaper.fails());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let budget = |name: &str, instructions| {
            let covers = "one \"thing\"".into();
            Budget { name: name.into(), instructions, covers }
        };
        let budgets = Budgets { all: vec![budget("a", 1), budget("b", 2)] };
        assert_eq!(Budgets::parse(&budgets.to_string()).unwrap(), budgets);
        assert_eq!((budgets.of("b"), budgets.of("c")), (Some(2), None));
    }

    #[test]
    fn the_table_names_what_is_exceeded() {
        let line = |budget, instructions| Line {
            measured: Measured { name: "delivery", instructions },
            budget: Some(budget),
        };
        let table = table(&[line(100, 101), line(100, 200)]);
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(rows[0], "delivery               100       101  1.010");
        assert_eq!(rows[1], "delivery               100       200  2.000  EXCEEDED");
    }
}
