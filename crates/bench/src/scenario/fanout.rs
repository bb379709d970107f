//! A steady stream of events on one channel. Latency counts from when a publish was due, so a
//! generator or server that falls behind cannot hide it.

use std::rc::Rc;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::report::{Figure, Report};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::pace::Streamed;
use crate::scenario::rivals::Rivals;
use crate::scenario::{load_channel, pace, payload};
use crate::sign::Event;
use crate::socket::Endpoint;
use crate::target::Target;

/// Options of `fanout`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// What is streamed.
    #[command(flatten)]
    load: Load,
}

/// One channel, its listeners and its events.
#[derive(Debug, Args)]
pub(super) struct Load {
    /// How many connections listen.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Events per second.
    #[arg(long, default_value_t = 40)]
    rate: u32,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Keep-alive connections that publish.
    #[arg(long, default_value_t = 4)]
    publishers: usize,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let Options { rivals, load } = options;
    rivals.measure(&format!("fanout: {}", load.title()), "", |target, report| {
        one_round(load, target, report)
    })
}

impl Load {
    /// Its numbers, for people.
    pub(super) fn title(&self) -> String {
        format!(
            "{} subscribers, {}/s of {} bytes, {} s",
            self.subscribers, self.rate, self.bytes, self.seconds
        )
    }
}

/// # Errors
/// When the server cannot be driven or measured.
pub(super) fn one_round(load: &Load, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let requests = requests(load, target, payload::data);
    let measured = stream(load, target, &target.endpoint(), &requests, report)?;
    Ok(measured.streamed.figures(&measured.used, measured.lost))
}

/// What came of a round.
pub(super) struct Measured {
    /// Deliveries and answers.
    pub(super) streamed: Streamed,
    /// What it took.
    pub(super) used: Used,
    /// Deliveries that are missing.
    pub(super) lost: u64,
}

/// Has everybody connect to the endpoint, sends a second of the requests to warm up, then all.
///
/// # Errors
/// When the server cannot be driven or measured.
pub(super) fn stream(
    load: &Load,
    target: &Target,
    endpoint: &Rc<Endpoint>,
    requests: &[Vec<u8>],
    report: &mut Report,
) -> Result<Measured> {
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(endpoint, load.subscribers, |_| channel.clone())?;
    client.add_publishers(&target.api, load.publishers)?;
    let mut stream = |requests: &[Vec<u8>]| {
        let deliveries = (requests.len() * load.subscribers) as u64;
        pace::stream(&mut client, load.rate, requests, deliveries)
    };
    stream(&requests[..load.rate as usize])?;
    let meter = Meter::start(target)?;
    let streamed = stream(requests)?;
    let used = meter.stop()?;
    let lost = streamed.tally.check(report, &target.name, |_| requests.len() as u64);
    Ok(Measured { streamed, used, lost })
}

/// Every request of a round, signed; `data` makes what is in them, by number and size.
pub(super) fn requests(
    load: &Load,
    target: &Target,
    data: impl Fn(u32, usize) -> String,
) -> Vec<Vec<u8>> {
    let count = load.rate * load.seconds.max(1);
    let channel = load_channel();
    (0..count)
        .map(|sequence| {
            let data = data(sequence, load.bytes);
            let event = Event { channel: &channel, data: &data };
            target.credentials.publish(target.address, &[event])
        })
        .collect()
}
