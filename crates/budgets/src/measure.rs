//! A scenario under callgrind, in two sizes: the difference is what one more costs, and everything
//! that does not depend on the size cancels out.

use std::hint::black_box;
use std::process::Command;

use anyhow::{Context as _, bail};
use bellwire_budgets::Measured;

use crate::scenario::{Scenario, Work};

/// Measures every scenario, in their order.
pub(crate) fn all() -> anyhow::Result<Vec<Measured<'static>>> {
    Scenario::ALL.iter().map(measure).collect()
}

fn measure(scenario: &Scenario) -> anyhow::Result<Measured<'static>> {
    let Scenario { name, sizes: (small, large), .. } = *scenario;
    let more = count(name, large)?.checked_sub(count(name, small)?);
    let more = more.with_context(|| format!("{name}: {large} cost less than {small}"))?;
    let sizes = (large - small) as u64;
    Ok(Measured { name, instructions: (more + sizes / 2) / sizes })
}

/// The instructions of one run, inside [`measured`] only.
fn count(name: &str, size: usize) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*measured*", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["run", name, &size.to_string()])
        .output()
        .context("cannot start valgrind: is it installed?")?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected =
        log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => bail!("{name} with {size} did not run to its end:\n{log}"),
    }
}

/// Runs a scenario once and looks whether it did what it should.
pub(crate) fn run(scenario: &Scenario, size: usize) -> anyhow::Result<()> {
    let mut work = (scenario.prepare)(size)?;
    measured(&mut *work);
    work.check().with_context(|| format!("{} with {size}", scenario.name))
}

/// What callgrind counts. It needs a name of its own in the program, and a return.
#[inline(never)]
fn measured(work: &mut dyn Work) {
    work.run();
    black_box(());
}
