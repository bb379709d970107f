//! The HTTP fallback `xhr_streaming`, as pusher-js uses it where WebSocket is blocked: sessions that
//! wait, then a steady stream of events to all of them. Sessions whose answer has grown too long ask
//! anew while it runs, and may miss nothing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use memchr::memmem;
use serde_json::json;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::proc::Memory;
use crate::progress;
use crate::report::{Column, Figure, Report, figure};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::pace::{self, PATIENCE};
use crate::scenario::{load_channel, payload};
use crate::sign::Event;
use crate::socket::{Answer, Closing, Endpoint, Hearer};
use crate::target::Target;
use crate::topics::Topics;
use crate::xhr::Session;

/// Options of `fallback`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// How many sessions listen.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    sessions: u32,
    /// Events per second.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds of load, after one of warming up.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Fails when a waiting session takes more resident memory than this, in bytes.
    #[arg(long)]
    max_bytes: Option<f64>,
}

/// # Errors
/// When the server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    ensure!(!options.target.floor, "the send loop has no fallbacks");
    let Options { sessions, rate, seconds, bytes, .. } = options;
    let tls = if options.target.tls.tls { ", TLS" } else { "" };
    let title =
        format!("fallback: {sessions} sessions, {rate}/s of {bytes} bytes, {seconds} s{tls}");
    let target = Target::from_args(&options.target)?;
    let mut report = Report { title, ..Report::default() };
    progress(&format!("{sessions} sessions of xhr_streaming"));
    let (mut client, waiting) = wait(options, &target)?;
    let mut figures = waiting.figures(*sessions);
    if let Some(max) = options.max_bytes {
        let fits = waiting.each(*sessions).is_some_and(|bytes| bytes <= max);
        report.check(fits, format!("at most {max} bytes a session"));
    }
    figures.extend(stream(options, &target, &mut client, &mut report)?);
    report.columns = vec![Column { name: target.name, figures }];
    Ok(report)
}

/// Sessions that wait.
struct Waiting {
    /// Resident memory before and with all; `None` if the server's process is not known.
    memory: [Option<Memory>; 2],
    /// While they were opened.
    opening: Used,
}

/// Opens all sessions and lets them wait.
fn wait(options: &Options, target: &Target) -> Result<(Client, Waiting)> {
    let mut client = Client::new()?;
    client.add_publishers(&target.api, PUBLISHERS)?;
    // What a server allocates once is not to be counted per session.
    open(&mut client, target, WARM_UP)?;
    std::thread::sleep(SETTLE);
    let before = target.memory()?;
    let meter = Meter::start(target)?;
    open(&mut client, target, options.sessions)?;
    let opening = meter.stop()?;
    std::thread::sleep(SETTLE);
    Ok((client, Waiting { memory: [before, target.memory()?], opening }))
}

/// Opens so many sessions more, a few at a time, and subscribes each to the channel.
fn open(client: &mut Client, target: &Target, count: u32) -> Result<()> {
    let first = client.added();
    let sessions: Vec<Session> = (0..count)
        .map(|number| Session::new(&target.credentials.key, first as u32 + number))
        .collect();
    let subscribe = json!({
        "event": "pusher:subscribe", "data": { "channel": &*load_channel() }
    });
    let subscribe = subscribe.to_string();
    let mut opening = Opening { moved: Some(Instant::now()), ..Opening::default() };
    let mut asked = 0;
    while opening.subscribed < sessions.len() {
        while client.added() - first < sessions.len()
            && client.added() - first - opening.subscribed < OPENING_AT_ONCE
        {
            let session = &sessions[client.added() - first];
            client.add(&Endpoint::session(target.door.clone(), session), Topics::default())?;
        }
        while asked < opening.live.len()
            && let Some(publisher) = client.free_publisher()
        {
            let session = &sessions[opening.live[asked] - first];
            client.publish(publisher, &session.send(target.address, &subscribe))?;
            asked += 1;
        }
        client.turn(Duration::from_millis(100), &mut opening)?;
        opening.goes_well(sessions.len())?;
    }
    Ok(())
}

/// Follows sessions until they are subscribed.
#[derive(Default)]
struct Opening {
    /// Those that are open, in that order.
    live: Vec<usize>,
    /// How many are subscribed.
    subscribed: usize,
    /// What went wrong first.
    failed: Option<String>,
    /// When something last arrived.
    moved: Option<Instant>,
}

impl Opening {
    fn goes_well(&mut self, count: usize) -> Result<()> {
        if let Some(failed) = self.failed.take() {
            bail!("session {} of {count} failed: {failed}", self.subscribed + 1);
        }
        let moved = self.moved.context("a beginning")?;
        ensure!(
            moved.elapsed() < PATIENCE,
            "{} of {count} sessions subscribed, then nothing moved",
            self.subscribed
        );
        Ok(())
    }
}

impl Hearer for Opening {
    fn live(&mut self, socket: usize) {
        self.live.push(socket);
        self.moved = Some(Instant::now());
    }

    fn frame(&mut self, _socket: usize, payload: &[u8], at: Instant) {
        if memmem::find(payload, b"subscription_succeeded").is_some() {
            self.subscribed += 1;
            self.moved = Some(at);
        }
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.failed.get_or_insert_with(|| format!("{closing:?}"));
    }

    fn answered(&mut self, answer: Answer) {
        if !(200..300).contains(&answer.status) {
            let status = answer.status;
            self.failed.get_or_insert_with(|| format!("xhr_send was answered {status}"));
        }
    }
}

impl Waiting {
    /// Resident bytes of one session.
    fn each(&self, sessions: u32) -> Option<f64> {
        let [before, with_all] = self.memory;
        Some((with_all?.rss as f64 - before?.rss as f64) / f64::from(sessions))
    }

    fn figures(&self, sessions: u32) -> Vec<Figure> {
        let opening = self.opening.server_us_each(sessions.into());
        vec![
            figure("rss_per_session", "resident per session", "B", self.each(sessions)),
            figure("open_cpu_us", "server CPU per session opened", "µs", opening),
        ]
    }
}

fn stream(
    options: &Options,
    target: &Target,
    client: &mut Client,
    report: &mut Report,
) -> Result<Vec<Figure>> {
    let listeners = client.added() as u64;
    let requests = requests(options, target);
    let stream = |client: &mut Client, requests: &[Vec<u8>]| {
        pace::stream(client, options.rate, requests, requests.len() as u64 * listeners)
    };
    stream(client, &requests[..options.rate as usize])?;
    let again_before = client.asked_again();
    let meter = Meter::start(target)?;
    let streamed = stream(client, &requests)?;
    let used = meter.stop()?;
    let lost = streamed.tally.check(report, &target.name, |_| requests.len() as u64);
    let again = client.asked_again() - again_before;
    let mut figures = streamed.figures(&used, lost);
    figures.push(figure("asked_again", "answers that grew too long", "", again as f64));
    Ok(figures)
}

/// Every request of the load, signed.
fn requests(options: &Options, target: &Target) -> Vec<Vec<u8>> {
    let channel = load_channel();
    let request = |sequence| {
        let data = payload::data(sequence, options.bytes);
        target.credentials.publish(target.address, &[Event { channel: &channel, data: &data }])
    };
    (0..options.rate * options.seconds).map(request).collect()
}

/// Sessions that are open before the first reading; they hear the stream too.
const WARM_UP: u32 = 50;
/// Keep-alive connections that say what sessions say, and publish.
const PUBLISHERS: usize = 4;
/// Stays below the accept queue of a server with default settings.
const OPENING_AT_ONCE: usize = 100;
/// Long enough for what opening set in motion.
const SETTLE: Duration = Duration::from_secs(2);
