//! Counts instructions under callgrind and holds them to their budgets.
//!
//!   bellwire-budgets                  measures everything and fails where a budget is exceeded
//!   bellwire-budgets --write          measures everything and writes the budgets anew
//!   bellwire-budgets run NAME SIZE    does one scenario once: what runs inside callgrind

#[expect(dead_code, reason = "a delivery does not need all that the gateway can do")]
mod gateway;
mod measure;
mod ops;
mod scenario;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bellwire_budgets::{Budget, Budgets, Line, Measured, table};

use crate::scenario::Scenario;

/// Where the budgets are, from the root of the repository.
const PATH: &str = "crates/budgets/budgets.toml";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => check(),
        ["--write"] => write(),
        ["run", name, size] => {
            let size = size.parse().context("SIZE is a number")?;
            measure::run(Scenario::named(name)?, size)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("expected nothing, --write, or run NAME SIZE"),
    }
}

fn check() -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(PATH).with_context(|| format!("cannot read {PATH}"))?;
    let budgets = Budgets::parse(&text).with_context(|| format!("cannot read {PATH}"))?;
    let known = |name: &str| Scenario::ALL.iter().any(|scenario| scenario.name == name);
    if let Some(budget) = budgets.all.iter().find(|budget| !known(&budget.name)) {
        bail!("{PATH} has a budget for {:?}, which nothing measures", budget.name);
    }
    let measured = measure::all()?;
    let lines: Vec<Line<'_>> = measured
        .into_iter()
        .map(|measured| Line { budget: budgets.of(measured.name), measured })
        .collect();
    write!(std::io::stdout(), "{}", table(&lines))?;
    let fails = lines.iter().any(|line| line.verdict().fails());
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn write() -> anyhow::Result<ExitCode> {
    let budget = |(scenario, measured): (&Scenario, Measured<'_>)| Budget {
        name: scenario.name.into(),
        instructions: measured.instructions,
        covers: scenario.covers.into(),
    };
    let all = Scenario::ALL.iter().zip(measure::all()?).map(budget).collect();
    let budgets = Budgets { all };
    std::fs::write(PATH, budgets.to_string()).with_context(|| format!("cannot write {PATH}"))?;
    writeln!(std::io::stdout(), "{PATH} is written")?;
    Ok(ExitCode::SUCCESS)
}
