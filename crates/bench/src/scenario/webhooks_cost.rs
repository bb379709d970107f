//! The fan-out with webhooks on and without, in turn: what nobody is told about must cost nothing.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cli::TargetArgs;
use crate::report::Report;
use crate::scenario::fanout::{self, Load};
use crate::scenario::in_turn;
use crate::scenario::stage::{Durability, Plan, Stage};

/// Options of `webhooks-cost`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server; it is started twice, so it must be --bin.
    #[command(flatten)]
    target: TargetArgs,
    /// How often each is measured; medians are printed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What is streamed.
    #[command(flatten)]
    load: Load,
}

/// # Errors
/// When a server cannot be started, driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let with = Stage::start(&options.target, "webhooks", &plan(1))?;
    let without = Stage::start(&options.target, "no endpoint", &plan(0))?;
    let title = format!("webhooks-cost: {}, {} rounds", options.load.title(), options.rounds);
    let targets = [with.target, without.target];
    let names = targets.each_ref().map(|target| &*target.name);
    let mut report = in_turn(title, options.rounds, &names, |index, report| {
        fanout::one_round(&options.load, &targets[index], report)
    })?;
    let heard = with.receiver.heard().total();
    let counted = targets.first().context("there are two")?.counter(EVENTS);
    report.check(
        heard.others > 0 && heard.again + heard.gaps + heard.malformed == 0,
        format!("webhooks were on: {} events heard, {counted:?} counted", heard.others),
    );
    Ok(report)
}

fn plan(endpoints: usize) -> Plan {
    Plan {
        endpoints,
        dead: 0,
        events: &ALL_BUT_CLIENT_EVENTS,
        batching: true,
        durability: Durability::Power,
        grace_ms: 200,
        reconnect_ms: 1_000,
    }
}

const ALL_BUT_CLIENT_EVENTS: [&str; 6] = [
    "channel_occupied",
    "channel_vacated",
    "member_added",
    "member_removed",
    "cache_miss",
    "subscription_count",
];
/// The server's count of what has a place in its log.
const EVENTS: &str = "bellwire_webhook_events_total";
