//! The scenarios, one file each, and what they share.

pub(crate) mod announced;
mod churn;
pub(crate) mod drain;
pub(crate) mod fanout;
pub(crate) mod idle;
mod meter;
mod payload;
pub(crate) mod saturate;
mod stage;
pub(crate) mod stopped_reader;
mod tally;
pub(crate) mod webhooks;
pub(crate) mod webhooks_cost;

use std::rc::Rc;

use anyhow::Result;

use crate::progress;
use crate::report::{Figure, Report, medians};
use crate::target::Target;

/// The channel that fan-out scenarios use.
fn load_channel() -> Rc<str> {
    Rc::from("load")
}

/// Measures one target, or two in turn (A B A B …) so that what else the machine does falls on both
/// alike; the medians go side by side.
fn in_turn(
    title: String,
    rounds: usize,
    targets: &[Target],
    measure: impl Fn(&Target, &mut Report) -> Result<Vec<Figure>>,
) -> Result<Report> {
    let mut report = Report { title, ..Report::default() };
    let mut measured = vec![Vec::new(); targets.len()];
    for round in 1..=rounds {
        for (target, results) in targets.iter().zip(&mut measured) {
            progress(&format!("{}: round {round} of {rounds}", target.name));
            results.push(measure(target, &mut report)?);
        }
    }
    report.columns = targets
        .iter()
        .zip(&measured)
        .map(|(target, results)| medians(&target.name, results))
        .collect();
    report.add_ratios();
    Ok(report)
}
