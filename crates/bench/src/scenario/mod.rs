//! The scenarios, one file each, and what they share.

pub(crate) mod announced;
mod arrivals;
pub(crate) mod channels;
mod churn;
pub(crate) mod client_events;
pub(crate) mod compression;
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

/// Measures one thing, or several in turn (A B A B …) so that what else the machine does falls on all
/// alike; the medians go side by side. `measure` is told which of `names` it is about. A round without
/// figures counts in no median.
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
            let figures = measure(index, &mut report)?;
            if !figures.is_empty() {
                results.push(figures);
            }
        }
    }
    report.columns =
        names.iter().zip(&measured).map(|(name, results)| medians(name, results)).collect();
    report.rounds = names.iter().map(|name| (*name).to_owned()).zip(measured).collect();
    report.add_ratios();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::report::figure;

    #[test]
    fn a_round_without_figures_counts_in_no_median() {
        let round = Cell::new(0);
        let measure = |index: usize, _: &mut Report| {
            round.set(round.get() + 1);
            let silent = index == 1 && round.get() == 2;
            Ok(if silent { Vec::new() } else { vec![figure("a", "A", "s", round.get() as f64)] })
        };
        let report = in_turn(String::new(), 2, &["one", "other"], measure).expect("measured");
        let value = |column: usize| report.columns[column].figures[0].value;
        assert_eq!((value(0), value(1)), (Some(2.0), Some(4.0)));
        let rounds: Vec<usize> = report.rounds.iter().map(|(_, rounds)| rounds.len()).collect();
        assert_eq!(rounds, [2, 1]);
    }
}
