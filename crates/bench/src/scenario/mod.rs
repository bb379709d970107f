//! The scenarios, one file each, and what they share.

pub(crate) mod announced;
mod arrivals;
pub(crate) mod channels;
mod churn;
pub(crate) mod client_events;
pub(crate) mod connect;
pub(crate) mod drain;
pub(crate) mod fallback;
pub(crate) mod fanout;
pub(crate) mod idle;
mod meter;
pub(crate) mod mixed;
mod pace;
mod payload;
pub(crate) mod presence;
pub(crate) mod publish;
mod rivals;
pub(crate) mod saturate;
mod stage;
pub(crate) mod stopped_reader;
pub(crate) mod storm;
mod tally;
pub(crate) mod webhooks;
pub(crate) mod webhooks_cost;

use std::rc::Rc;

use anyhow::Result;

use crate::progress;
use crate::report::{Figure, Report, medians};

/// The channel that fan-out scenarios use.
fn load_channel() -> Rc<str> {
    Rc::from("load")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Measures one thing, or two in turn (A B A B …) so that what else the machine does falls on both
/// alike; the medians go side by side. `measure` is told which of `names` it is about.
fn in_turn(
    title: String,
    rounds: usize,
    names: &[&str],
    measure: impl Fn(usize, &mut Report) -> Result<Vec<Figure>>,
) -> Result<Report> {
    let mut report = Report { title, ..Report::default() };
    let mut measured = vec![Vec::new(); names.len()];
    for round in 1..=rounds {
        for (index, (name, results)) in names.iter().zip(&mut measured).enumerate() {
            progress(&format!("{name}: round {round} of {rounds}"));
            results.push(measure(index, &mut report)?);
        }
    }
    report.columns =
        names.iter().zip(&measured).map(|(name, results)| medians(name, results)).collect();
    report.add_ratios();
    Ok(report)
}
