//! A steady stream of events on one channel. Latency counts from when a publish was due, so a
//! generator or server that falls behind cannot hide it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::histogram::Histogram;
use crate::report::{Figure, Report, figure};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::payload;
use crate::scenario::tally::Tally;
use crate::scenario::{in_turn, load_channel};
use crate::sign::Event;
use crate::target::Target;

/// Options of `fanout`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// Alternates with the floor and prints both and their ratio.
    #[arg(long)]
    compare: bool,
    /// How often each is measured; medians are printed. Without --compare 1 is the default, with it 3.
    #[arg(long)]
    rounds: Option<usize>,
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
    let mut targets = vec![Target::from_args(&options.target)?];
    if options.compare {
        targets.push(Target::floor()?);
    }
    let rounds = options.rounds.unwrap_or(if options.compare { 3 } else { 1 });
    let title = format!("fanout: {}, {rounds} rounds", options.load.title());
    in_turn(title, rounds, &targets, |target, report| one_round(&options.load, target, report))
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
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(&target.endpoint(), load.subscribers, |_| channel.clone())?;
    client.add_publishers(target.address, load.publishers)?;
    let requests = requests(load, target);
    stream(&mut client, load, &requests[..load.rate as usize])?;
    let meter = Meter::start(target)?;
    let streamed = stream(&mut client, load, &requests)?;
    let used = meter.stop()?;
    let each = requests.len() as u64;
    check(report, target, &streamed.tally, each);
    Ok(figures(&streamed, &used, each))
}

/// Every request of a round, signed.
fn requests(load: &Load, target: &Target) -> Vec<Vec<u8>> {
    let count = load.rate * load.seconds.max(1);
    let channel = load_channel();
    (0..count)
        .map(|sequence| {
            let data = payload::data(sequence, load.bytes);
            let event = Event { channel: &channel, data: &data };
            target.credentials.publish(target.address, &[event])
        })
        .collect()
}

/// What came of a stream of events.
struct Streamed {
    /// Deliveries and answers.
    tally: Tally,
    /// From due to sent: how late the generator itself was.
    lateness: Histogram,
}

/// Sends each request when it is due, and waits for all deliveries or until nothing moves.
fn stream(client: &mut Client, load: &Load, requests: &[Vec<u8>]) -> Result<Streamed> {
    let start = Instant::now() + Duration::from_millis(20);
    let due: Vec<Instant> = (0..requests.len() as u32)
        .map(|number| start + Duration::from_secs(number.into()) / load.rate)
        .collect();
    let mut tally = Tally::new(client.added(), due.clone());
    let mut lateness = Histogram::new();
    let wanted = (requests.len() * load.subscribers) as u64;
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    while next < due.len() || !waiting.is_empty() || tally.delivered < wanted {
        let now = Instant::now();
        while next < due.len() && due[next] <= now {
            waiting.push_back(next);
            next += 1;
        }
        while let Some(publisher) = client.free_publisher() {
            let Some(number) = waiting.pop_front() else {
                break;
            };
            lateness.record(Instant::now() - due[number]);
            client.publish(publisher, &requests[number])?;
        }
        if let Some(at) = due.get(next) {
            client.wake_at(*at)?;
        } else if tally.nothing_for(PATIENCE) {
            break;
        }
        client.turn(Duration::from_millis(200), &mut tally)?;
    }
    Ok(Streamed { tally, lateness })
}

fn check(report: &mut Report, target: &Target, tally: &Tally, each: u64) {
    let name = &target.name;
    let (lost, doubled) = (tally.lost(each), tally.doubled(each));
    report.check(
        lost == 0 && doubled == 0,
        format!("{name}: {} delivered, {lost} lost, {doubled} doubled", tally.delivered),
    );
    if let Some(status) = tally.refused {
        report.check(false, format!("{name}: a publish was answered {status}"));
    }
    if let Some(closing) = tally.closings.first() {
        let count = tally.closings.len();
        report.check(false, format!("{name}: {count} connections closed, first {closing:?}"));
    }
}

fn figures(streamed: &Streamed, used: &Used, each: u64) -> Vec<Figure> {
    let Streamed { tally, lateness } = streamed;
    let latency = |share| tally.latency.percentile_ms(share);
    vec![
        figure("delivered", "deliveries", "", tally.delivered as f64),
        figure("lost", "lost", "", tally.lost(each) as f64),
        figure(
            "server_cpu_us",
            "server CPU per delivery",
            "µs",
            used.server_us_each(tally.delivered),
        ),
        figure("client_cpu_us", "client CPU per delivery", "µs", used.own_us_each(tally.delivered)),
        figure("latency_p50_ms", "latency p50", "ms", latency(0.5)),
        figure("latency_p90_ms", "latency p90", "ms", latency(0.9)),
        figure("latency_p99_ms", "latency p99", "ms", latency(0.99)),
        figure("latency_p999_ms", "latency p99.9", "ms", latency(0.999)),
        figure("latency_max_ms", "latency max", "ms", tally.latency.max_ms()),
        figure("accept_p99_ms", "publish answered p99", "ms", tally.accepting.percentile_ms(0.99)),
        figure("late_p99_ms", "generator late p99", "ms", lateness.percentile_ms(0.99)),
        figure("server_waited_ms", "server waited for a CPU", "ms", used.server_waited_ms()),
        figure("others_percent", "others on the machine", "%", used.others_percent),
    ]
}

/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);
