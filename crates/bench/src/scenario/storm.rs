//! A reconnect storm: every connection is lost at once, because the network went or the server was
//! killed, and all return at once, each to a private channel of its own and to a presence channel. A
//! roll call tells whether each is heard of again in both.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::client::Client;
use crate::proc::Memory;
use crate::report::{Figure, Report, figure};
use crate::scenario::arrivals::{self, Arrivals, Party};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::rivals::Rivals;
use crate::scenario::{megabytes, pace, payload};
use crate::sign::{Credentials, Event};
use crate::target::Target;
use crate::topics::{Pass, Topics};

/// Options of `storm`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// How many connections.
    #[arg(long, default_value_t = 8000)]
    connections: usize,
    /// How many of them share a presence channel.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    members: u32,
    /// The server is killed and started again on its data, instead of clients that lose their network.
    #[arg(long, conflicts_with_all = ["compare", "floor", "addr"])]
    crash: bool,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let cause = if options.crash { "the server is killed" } else { "the network is lost" };
    let title = format!("storm: {} connections, {cause}", options.connections);
    options.rivals.measure(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &mut Target, report: &mut Report) -> Result<Vec<Figure>> {
    let credentials = Rc::new(target.credentials.clone());
    let topics = |index| options.topics(index, &credentials);
    let (mut client, count) = (Client::new()?, options.connections);
    client.open_all(&target.endpoint(), count, topics)?;
    let before = target.memory()?;
    let restart = options.crash.then(|| crash(options, target)).transpose()?;
    let meter = Meter::start(target)?;
    let lost_at = Instant::now();
    client.hang_up();
    let party = Party { endpoint: target.endpoint(), count, ahead: count };
    let arrivals = arrivals::arrive(&mut client, &party, topics)?;
    let storm = Storm { back: lost_at.elapsed(), used: meter.stop()?, arrivals, restart };
    storm.arrivals.check(count, report, &target.name);
    let memory = [before, target.memory()?];
    let missing = roll_call(options, target, &mut client, report)?;
    Ok(storm.figures(memory, missing))
}

/// Kills the server, starts it again and tells how long that took.
fn crash(options: &Options, target: &mut Target) -> Result<Duration> {
    let bin: PathBuf = options.rivals.server().context("a server to be killed: give --bin PATH")?;
    target.crash_and_return(&bin)
}

/// One event to each channel. Everybody must hear the two that are meant for them, once each; tells how
/// many did not come.
fn roll_call(
    options: &Options,
    target: &Target,
    client: &mut Client,
    report: &mut Report,
) -> Result<u64> {
    client.add_publishers(&target.api, PUBLISHERS)?;
    let rooms = options.connections.div_ceil(options.members as usize);
    let channels = (0..options.connections).map(own).chain((0..rooms).map(room));
    let request = |(number, channel): (usize, Rc<str>)| {
        let data = payload::data(number as u32, 0);
        let event = Event { channel: &channel, data: &data };
        target.credentials.publish(target.address, &[event])
    };
    let requests: Vec<Vec<u8>> = channels.enumerate().map(request).collect();
    let deliveries = 2 * options.connections as u64;
    let called = pace::stream(client, ROLL_CALL_RATE, &requests, deliveries)?;
    Ok(called.tally.check(report, &format!("{}, roll call", target.name), |_| 2))
}

impl Options {
    fn topics(&self, index: usize, credentials: &Rc<Credentials>) -> Topics {
        let member = format!("{{\"user_id\":\"user-{index}\"}}");
        let pass = Pass { credentials: Rc::clone(credentials), member: Some(member.into()) };
        Topics::all_signed(vec![own(index), room(index / self.members as usize)], pass)
    }
}

/// The storm and what came of it.
struct Storm {
    /// Until all were subscribed again.
    back: Duration,
    /// Until then, by everybody.
    used: Used,
    /// Who came back.
    arrivals: Arrivals,
    /// From the kill until the server was ready; `None` if it was not killed.
    restart: Option<Duration>,
}

impl Storm {
    fn figures(&self, memory: [Option<Memory>; 2], missing: u64) -> Vec<Figure> {
        let (used, live, took) = (&self.used, self.arrivals.live as u64, &self.arrivals.took);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let [before, after] = memory.map(|memory| memory.map(|memory| megabytes(memory.rss)));
        let (server, own) = (used.server_us_each(live), used.own_us_each(live));
        let mut figures = vec![
            figure("returned", "connections back", "", live as f64),
            figure("refused", "refused or closed", "", self.arrivals.closings.len() as f64),
            figure("lost", "missed at the roll call", "", missing as f64),
            figure("restart_ms", "killed until ready", "ms", self.restart.map(ms)),
            figure("back_ms", "all are back after", "ms", ms(self.back)),
            figure("wait_p50_ms", "wait of one p50", "ms", took.percentile_ms(0.5)),
            figure("wait_p99_ms", "wait of one p99", "ms", took.percentile_ms(0.99)),
            figure("wait_max_ms", "wait of one max", "ms", took.max_ms()),
            figure("server_cpu_us", "server CPU per return", "µs", server),
            figure("client_cpu_us", "client CPU per return", "µs", own),
            figure("rss_before", "resident before", "MB", before),
            figure("rss_after", "resident when all are back", "MB", after),
        ];
        figures.extend(pace::crowd(used));
        figures
    }
}

fn own(index: usize) -> Rc<str> {
    format!("private-storm-{index}").into()
}

fn room(number: usize) -> Rc<str> {
    format!("presence-storm-{number}").into()
}

/// Enough that the roll call does not take long.
const PUBLISHERS: usize = 8;
/// Channels called each second.
const ROLL_CALL_RATE: u32 = 2000;
