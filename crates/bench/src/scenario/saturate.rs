//! One channel, as fast as the API accepts: each publisher sends its next event when the last one is
//! answered. Nothing may be lost.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::report::{Figure, Report, figure};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::payload;
use crate::scenario::tally::Tally;
use crate::scenario::{in_turn, load_channel};
use crate::sign::Event;
use crate::target::Target;

/// Options of `saturate`.
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
    /// How many connections listen.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Seconds of each round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Keep-alive connections that publish.
    #[arg(long, default_value_t = 8)]
    publishers: usize,
    /// Events in each request (up to 10).
    #[arg(long, default_value_t = 1)]
    batch: usize,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let mut targets = vec![Target::from_args(&options.target)?];
    if options.compare {
        targets.push(Target::floor()?);
    }
    let rounds = options.rounds.unwrap_or(if options.compare { 3 } else { 1 });
    let title = format!(
        "saturate: {} subscribers, {} publishers, {} x {} bytes, {} s, {rounds} rounds",
        options.subscribers, options.publishers, options.batch, options.bytes, options.seconds
    );
    in_turn(title, rounds, &targets, |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(&target.endpoint(), options.subscribers, |_| channel.clone())?;
    client.add_publishers(target.address, options.publishers)?;
    let request = request(options, target);
    let warm = press(&mut client, &request, options, Duration::from_secs(1))?;
    check(report, &format!("{}, warming up", target.name), &warm, options);
    let counters = Counters::read(target);
    let meter = Meter::start(target)?;
    let tally = press(&mut client, &request, options, Duration::from_secs(options.seconds))?;
    let used = meter.stop()?;
    let counted = Counters::read(target).since(&counters);
    check(report, &target.name, &tally, options);
    let lost = tally.lost(expected(&tally, options));
    Ok(figures(&tally, &used, lost, &counted))
}

/// How many events each connection should have received.
fn expected(tally: &Tally, options: &Options) -> u64 {
    tally.accepted * options.batch as u64
}

fn check(report: &mut Report, name: &str, tally: &Tally, options: &Options) {
    let each = expected(tally, options);
    let (lost, doubled) = (tally.lost(each), tally.doubled(each));
    report.check(
        lost == 0 && doubled == 0,
        format!("{name}: {} delivered, {lost} lost, {doubled} doubled", tally.delivered),
    );
    let (refused, closed) = (tally.refused, tally.closings.len());
    let first = tally.closings.first();
    report.check(
        refused.is_none() && closed == 0,
        format!("{name}: refused {refused:?}, closed {closed} {first:?}"),
    );
}

/// The same signed request over and over: nothing here asks which event arrived, only how many.
fn request(options: &Options, target: &Target) -> Vec<u8> {
    let (channel, data) = (load_channel(), payload::data(0, options.bytes));
    let events: Vec<Event<'_>> =
        (0..options.batch.max(1)).map(|_| Event { channel: &channel, data: &data }).collect();
    target.credentials.publish(target.address, &events)
}

/// Publishes without a pause for `time`, then waits for what is under way.
fn press(client: &mut Client, request: &[u8], options: &Options, time: Duration) -> Result<Tally> {
    let mut tally = Tally::new(client.added(), Vec::new());
    let until = Instant::now() + time;
    let mut sent = 0;
    loop {
        let publishing = Instant::now() < until && tally.refused.is_none();
        while publishing && let Some(publisher) = client.free_publisher() {
            client.publish(publisher, request)?;
            sent += 1;
        }
        let wanted = sent * (options.batch * options.subscribers) as u64;
        let done = !publishing && tally.accepted == sent && tally.delivered >= wanted;
        if done || tally.nothing_for(PATIENCE) {
            return Ok(tally);
        }
        client.turn(Duration::from_millis(100), &mut tally)?;
    }
}

/// The server's own counts, where it tells them.
pub(super) struct Counters {
    /// `send` and `writev` calls on client sockets.
    writes: Option<f64>,
    /// Frames that went out in them.
    frames: Option<f64>,
}

impl Counters {
    pub(super) fn read(target: &Target) -> Self {
        Self {
            writes: target.counter("bellwire_socket_writes_total"),
            frames: target.counter("bellwire_frames_out_total"),
        }
    }

    pub(super) fn since(&self, earlier: &Self) -> Self {
        let less = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Self {
            writes: less(self.writes, earlier.writes),
            frames: less(self.frames, earlier.frames),
        }
    }

    pub(super) fn figures(&self) -> Vec<Figure> {
        let joined = self.frames.zip(self.writes).filter(|(_, writes)| *writes > 0.0);
        vec![
            figure("socket_writes", "server's socket writes", "", self.writes),
            figure("frames_out", "server's frames out", "", self.frames),
            figure(
                "frames_per_write",
                "frames per write",
                "",
                joined.map(|(frames, writes)| frames / writes),
            ),
        ]
    }
}

fn figures(tally: &Tally, used: &Used, lost: u64, counted: &Counters) -> Vec<Figure> {
    let per_second = |count: u64| count as f64 / used.took.as_secs_f64();
    let mut figures = vec![
        figure("deliveries_per_s", "deliveries", "/s", per_second(tally.delivered)),
        figure("requests_per_s", "requests accepted", "/s", per_second(tally.accepted)),
        figure("lost", "lost", "", lost as f64),
        figure(
            "server_cpu_us",
            "server CPU per delivery",
            "µs",
            used.server_us_each(tally.delivered),
        ),
        figure("client_cpu_us", "client CPU per delivery", "µs", used.own_us_each(tally.delivered)),
        figure("accept_p50_ms", "publish answered p50", "ms", tally.accepting.percentile_ms(0.5)),
        figure("accept_p99_ms", "publish answered p99", "ms", tally.accepting.percentile_ms(0.99)),
        figure("server_waited_ms", "server waited for a CPU", "ms", used.server_waited_ms()),
        figure("others_percent", "others on the machine", "%", used.others_percent),
    ];
    figures.extend(counted.figures());
    figures
}

/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);
