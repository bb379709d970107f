//! A few events a second: from the moment a client asks for a channel to the moment the receiver
//! has read that it is occupied.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Options;
use super::burst::{await_events, check_clean, commits};
use crate::client::Client;
use crate::histogram::Histogram;
use crate::metrics::Buckets;
use crate::progress;
use crate::report::{Figure, Report, figure};
use crate::scenario::churn::{Churn, subscription};
use crate::scenario::load_channel;
use crate::scenario::meter::Meter;
use crate::scenario::stage::Stage;

/// A server with its clients, between two stretches of the trickle.
pub(super) struct Trickle {
    /// The server and its receiver.
    stage: Stage,
    /// A few connections.
    client: Client,
    /// What the server says to them.
    hearer: Churn,
    /// The next channel.
    next: u32,
    /// The server's transactions when it began.
    commits: Option<Buckets>,
    /// CPU of the server, in its own turns only.
    server_ns: u64,
}

/// What came of it.
pub(super) struct Trickled {
    /// From asked to arrived.
    latency: Histogram,
    /// The server's transactions.
    commits: Option<Buckets>,
    /// The server's CPU for each event, whoever is to hear it.
    server_us: f64,
}

/// Lets the events trickle to each server in turn, so that what else the machine does falls on all
/// alike.
///
/// # Errors
/// When a server cannot be driven.
pub(super) fn in_turn(options: &Options, trickles: &mut [Trickle]) -> Result<()> {
    let each = options.trickle_rate.max(1) * options.trickle_seconds / TURNS;
    for turn in 1..=TURNS {
        for trickle in &mut *trickles {
            progress(&format!("{}: turn {turn} of {TURNS}", trickle.stage.target.name));
            trickle.stretch(options, each.max(1))?;
        }
    }
    Ok(())
}

impl Trickle {
    /// # Errors
    /// When the server cannot be started.
    pub(super) fn start(options: &Options, dead: usize, name: &str) -> Result<Self> {
        let plan = options.plan(options.endpoints, dead);
        let stage = Stage::start(&options.target, name, &plan)?;
        let (mut client, channel) = (Client::new()?, load_channel());
        client.open_all(&stage.target.endpoint(), CONNECTIONS, |_| Rc::clone(&channel))?;
        let hearer = Churn::new(&client, 0..0, 1).staying();
        let commits = commits(&stage.target);
        Ok(Self { stage, client, hearer, next: 0, commits, server_ns: 0 })
    }

    fn stretch(&mut self, options: &Options, count: u32) -> Result<()> {
        let Self { stage, client, hearer, next, .. } = self;
        let meter = Meter::start(&stage.target)?;
        let start = Instant::now() + FIRST;
        for number in 0..count {
            let due = start + Duration::from_secs(number.into()) / options.trickle_rate.max(1);
            client.wake_at(due)?;
            hearer.wait(client, || Instant::now() < due)?;
            let words = subscription(*next);
            stage.receiver.heard().expect(*next, Instant::now());
            client.say(*next as usize % CONNECTIONS, &words, hearer);
            *next += 1;
        }
        await_events(hearer, client, &stage.receiver, u64::from(*next))?;
        self.server_ns += meter.stop()?.server.map_or(0, |used| used.ns);
        Ok(())
    }

    /// What came of it.
    pub(super) fn end(self, report: &mut Report) -> Trickled {
        let (name, count) = (&self.stage.target.name, self.next);
        self.hearer.check(report, name, count.into());
        let heard = self.stage.receiver.heard();
        for (number, tally) in heard.each().enumerate() {
            let (occupied, vacated) = (tally.occupied, tally.vacated);
            report.check(
                (occupied, vacated) == (count.into(), 0),
                format!("{name}: endpoint {number} heard {occupied} of {count}"),
            );
            check_clean(report, name, number, &tally);
        }
        let commits = commits(&self.stage.target).zip(self.commits.as_ref());
        Trickled {
            latency: heard.latency.clone(),
            commits: commits.map(|(now, then)| now.since(then)),
            server_us: self.server_ns as f64 / 1e3 / f64::from(count.max(1)),
        }
    }
}

/// The same rows for every column.
pub(super) fn figures(trickled: Option<&Trickled>) -> [Figure; 6] {
    let of = |value: fn(&Trickled) -> f64| trickled.map(value);
    let commits = trickled.and_then(|trickled| trickled.commits.as_ref());
    let commit = |share| commits.and_then(|commits| commits.percentile_ms(share));
    [
        figure(
            "fact_p50_ms",
            "trickle: fact to POST p50",
            "ms",
            of(|t| t.latency.percentile_ms(0.5)),
        ),
        figure(
            "fact_p99_ms",
            "trickle: fact to POST p99",
            "ms",
            of(|t| t.latency.percentile_ms(0.99)),
        ),
        figure("fact_max_ms", "trickle: fact to POST max", "ms", of(|t| t.latency.max_ms())),
        figure("trickle_commit_p50_ms", "trickle: transaction p50", "ms", commit(0.5)),
        figure("trickle_commit_p99_ms", "trickle: transaction p99", "ms", commit(0.99)),
        figure("trickle_cpu_us", "trickle: server CPU per event", "µs", of(|t| t.server_us)),
    ]
}

/// How many clients there are.
const CONNECTIONS: usize = 16;
/// How often each server has its turn.
const TURNS: u32 = 3;
/// The first event is due a little after everything stands.
const FIRST: Duration = Duration::from_millis(50);
