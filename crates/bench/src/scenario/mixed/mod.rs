//! A mixed load, as production has it: broadcasts to a crowd, many small channels, client events,
//! visitors in presence rooms, and listeners who leave, lose their connection and come back. All of it
//! on one server at once, each delivery accounted for.

mod cast;
mod ears;
mod follow;
mod play;
mod script;

use anyhow::Result;
use clap::Args;

use crate::histogram::Histogram;
use crate::report::{Figure, Report, figure};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::mixed::cast::Cast;
use crate::scenario::mixed::ears::Ears;
use crate::scenario::mixed::play::Play;
use crate::scenario::mixed::script::{Rates, Script};
use crate::scenario::pace;
use crate::scenario::rivals::Rivals;
use crate::target::Target;

/// Options of `mixed`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// Who takes part.
    #[command(flatten)]
    cast: Cast,
    /// What happens.
    #[command(flatten)]
    rates: Rates,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let (cast, seconds) = (&options.cast, options.seconds);
    let title = format!(
        "mixed: {} connections, {} s, events of {} bytes",
        cast.len(),
        seconds,
        options.bytes
    );
    options.rivals.measure(&title, APP, |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let Options { cast, rates, seconds, bytes, .. } = options;
    let mut play = Play::open(cast, target, *bytes)?;
    let signed = play.sign(target, *bytes, &Script::new(rates, *seconds));
    play.perform(&Script::new(rates, 1), &signed)?;
    let meter = Meter::start(target)?;
    let script = Script::new(rates, *seconds);
    let (mut ears, lateness) = play.perform(&script, &signed)?;
    let used = meter.stop()?;
    let lost = ears.check(&script, report, &target.name);
    Ok(figures(&ears, &lateness, &used, lost))
}

fn figures(ears: &Ears<'_>, lateness: &Histogram, used: &Used, lost: u64) -> Vec<Figure> {
    let delivered: u64 = ears.tallies.iter().map(|tally| tally.delivered).sum();
    let mut figures = pace::costs(delivered, lost, used);
    let per_second = delivered as f64 / used.took.as_secs_f64();
    figures.push(figure("deliveries_per_s", "deliveries", "/s", per_second));
    for (tally, names) in ears.tallies.iter().zip(LATENCIES) {
        for ((key, label), share) in names.into_iter().zip([0.5, 0.99]) {
            figures.push(figure(key, label, "ms", tally.latency.percentile_ms(share)));
        }
    }
    let accept_p99 = ears.tallies[1].accepting.percentile_ms(0.99);
    figures.extend([
        figure("returned", "wanderers that came back", "", f64::from(ears.returned)),
        figure("accept_p99_ms", "publish answered p99", "ms", accept_p99),
        figure("late_p99_ms", "generator late p99", "ms", lateness.percentile_ms(0.99)),
    ]);
    figures.extend(pace::crowd(used));
    figures
}

/// The latencies of each kind, as they are called.
const LATENCIES: [[(&str, &str); 2]; 4] = [
    [("broadcast_p50_ms", "broadcast p50"), ("broadcast_p99_ms", "broadcast p99")],
    [("small_p50_ms", "small channel p50"), ("small_p99_ms", "small channel p99")],
    [("client_event_p50_ms", "client event p50"), ("client_event_p99_ms", "client event p99")],
    [("presence_p50_ms", "presence p50"), ("presence_p99_ms", "presence p99")],
];
/// Client events are allowed, as many as are said.
const APP: &str = "client_events = true\nmax_client_events_per_s = 1000000\n";
