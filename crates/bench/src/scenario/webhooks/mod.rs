//! Webhooks of channels that come and go. First as fast as the server goes: every channel must be
//! told occupied and vacated, each once and in turn. Then a trickle, to see how long one event
//! takes, alone and beside endpoints that are no good.

mod burst;
mod trickle;

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::progress;
use crate::report::{Column, Report};
use crate::scenario::stage::{Durability, Plan, Stage};

use self::burst::Burst;
pub(in crate::scenario) use self::burst::{await_events, check_clean};
use self::trickle::{Trickle, Trickled};

/// Options of `webhooks`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server; it is started several times, so it must be --bin.
    #[command(flatten)]
    target: TargetArgs,
    /// How many channels come and go; each is two events.
    #[arg(long, default_value_t = 10_000)]
    channels: u32,
    /// How many connections subscribe.
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Subscriptions that each connection has under way.
    #[arg(long, default_value_t = 16)]
    ahead: usize,
    /// How many channels may be ahead of the receiver; 0: any number. A server may pass over a
    /// channel that came and went while it had no room to tell anybody.
    #[arg(long, default_value_t = 50_000)]
    outstanding: u32,
    /// Endpoints that want everything.
    #[arg(long, default_value_t = 1)]
    endpoints: usize,
    /// Measures the trickle once more beside so many endpoints that refuse, stay silent, answer 500
    /// or never end their answer.
    #[arg(long, default_value_t = 0)]
    dead: usize,
    /// One event in each POST.
    #[arg(long)]
    no_batching: bool,
    /// What a commit survives.
    #[arg(long, value_enum, default_value_t = Durability::Power)]
    durability: Durability,
    /// How long a channel may be empty without a word, in milliseconds.
    #[arg(long, default_value_t = 200)]
    grace_ms: u64,
    /// Events per second of the trickle.
    #[arg(long, default_value_t = 20)]
    trickle_rate: u32,
    /// Seconds of the trickle; 0: none.
    #[arg(long, default_value_t = 15)]
    trickle_seconds: u32,
}

/// # Errors
/// When a server cannot be started, driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let mut report = Report { title: title(options), ..Report::default() };
    let told = burst_of(options, &options.plan(options.endpoints, 0), "webhooks", &mut report)?;
    let silent = burst_of(options, &options.plan(0, 0), "no endpoint", &mut report)?;
    let own_us = told.server_us().zip(silent.server_us()).map(|(with, without)| with - without);
    let mut trickles = trickles(options, &mut report)?.into_iter();
    report.columns = vec![
        column("webhooks", Some(&told), own_us, trickles.next().as_ref()),
        column("no endpoint", Some(&silent), None, None),
    ];
    let beside = trickles.map(|dead| column(&beside(options), None, None, Some(&dead)));
    report.columns.extend(beside);
    Ok(report)
}

fn title(options: &Options) -> String {
    format!(
        "webhooks: {} channels occupied and vacated by {} connections, {} endpoints, batches {}, \
         durability {}, grace {} ms",
        options.channels,
        options.connections,
        options.endpoints,
        if options.no_batching { "off" } else { "on" },
        options.durability.name(),
        options.grace_ms,
    )
}

fn burst_of(options: &Options, plan: &Plan, name: &str, report: &mut Report) -> Result<Burst> {
    progress(&format!("{name}: {} channels come and go", options.channels));
    let stage = Stage::start(&options.target, name, plan)?;
    burst::run(options, &stage, report)
}

/// What came of it alone, and then beside dead endpoints, as far as they were asked for.
fn trickles(options: &Options, report: &mut Report) -> Result<Vec<Trickled>> {
    if options.trickle_seconds == 0 {
        return Ok(Vec::new());
    }
    let mut trickles = vec![Trickle::start(options, 0, "trickle")?];
    if options.dead > 0 {
        trickles.push(Trickle::start(options, options.dead, &beside(options))?);
    }
    trickle::in_turn(options, &mut trickles)?;
    Ok(trickles.into_iter().map(|trickle| trickle.end(report)).collect())
}

fn beside(options: &Options) -> String {
    format!("with {} dead", options.dead)
}

fn column(
    name: &str,
    burst: Option<&Burst>,
    own_us: Option<f64>,
    trickle: Option<&Trickled>,
) -> Column {
    let mut figures = burst::figures(burst, own_us);
    figures.extend(trickle::figures(trickle));
    Column { name: name.to_owned(), figures }
}

impl Options {
    fn plan(&self, endpoints: usize, dead: usize) -> Plan {
        Plan {
            endpoints,
            dead,
            events: &[],
            batching: !self.no_batching,
            durability: self.durability,
            grace_ms: self.grace_ms,
            reconnect_ms: 1_000,
        }
    }
}
