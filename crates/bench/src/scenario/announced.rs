//! Many channels that were announced and stay: what they cost in memory and on disk, and how long a
//! server takes to come back after `kill -9`. Nobody returns, so that it has to take all of them
//! back, each once.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::proc::{self, Memory};
use crate::progress;
use crate::receiver::Tally;
use crate::report::{Column, Figure, Report, figure};
use crate::scenario::churn::Churn;
use crate::scenario::stage::{Durability, Plan, Stage, bin};
use crate::scenario::webhooks::{await_events, check_clean};
use crate::scenario::{load_channel, megabytes};

/// Options of `announced`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server; it is started several times, so it must be --bin.
    #[command(flatten)]
    target: TargetArgs,
    /// How many channels.
    #[arg(long, default_value_t = 1_000_000)]
    channels: u32,
    /// How many connections share them. A server may look through all channels of a connection for
    /// each that it adds, so few connections measure that.
    #[arg(long, default_value_t = 500)]
    connections: usize,
    /// Subscriptions that each connection has under way.
    #[arg(long, default_value_t = 32)]
    ahead: usize,
    /// What a commit survives.
    #[arg(long, value_enum, default_value_t = Durability::Power)]
    durability: Durability,
    /// How long clients have to return after the crash, in milliseconds.
    #[arg(long, default_value_t = 5_000)]
    reconnect_ms: u64,
}

/// # Errors
/// When a server cannot be started, driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let (channels, connections) = (options.channels, options.connections);
    let title = format!("announced: {channels} channels of {connections} connections, kill -9");
    let mut report = Report { title, ..Report::default() };
    let without = Measured::of(options, "no endpoint", 0, &mut report)?;
    let with = Measured::of(options, "webhooks", 1, &mut report)?;
    let more = with.each(channels) - without.each(channels);
    report.columns = vec![
        Column { name: "webhooks".into(), figures: with.figures(channels, Some(more)) },
        Column { name: "no endpoint".into(), figures: without.figures(channels, None) },
    ];
    Ok(report)
}

/// What one server took.
struct Measured {
    /// Memory without a channel, and with all.
    memory: [Memory; 2],
    /// How long all subscriptions took.
    subscribed: Duration,
    /// How long it took until all were announced and delivered.
    announced: Duration,
    /// Bytes on disk then.
    disk: Option<u64>,
    /// How it came back.
    returned: Option<Returned>,
}

/// What a server took after its crash.
struct Returned {
    /// From its start until it was ready.
    ready: Duration,
    /// Memory at once.
    memory: Memory,
    /// From ready until everything was taken back.
    taken_back: Duration,
    /// Memory then.
    after: Memory,
}

impl Measured {
    fn of(options: &Options, name: &str, endpoints: usize, report: &mut Report) -> Result<Self> {
        let mut stage = Stage::start(&options.target, name, &options.plan(endpoints))?;
        let mut client = Client::new()?;
        let channel = load_channel();
        let endpoint = stage.target.endpoint();
        client.open_all(&endpoint, options.connections, |_| Rc::clone(&channel))?;
        let before = memory(&stage)?;
        progress(&format!("{name}: {} channels", options.channels));
        let mut churn = Churn::new(&client, 0..options.channels, options.ahead).staying();
        let began = Instant::now();
        churn.press(&mut client)?;
        let subscribed = began.elapsed();
        await_events(&mut churn, &mut client, &stage.receiver, options.channels.into())?;
        let announced = began.elapsed();
        let settled = Instant::now() + SETTLE;
        churn.wait(&mut client, || Instant::now() < settled)?;
        churn.check(report, name, options.channels.into());
        let (with_all, disk) = (memory(&stage)?, stage.target.disk_bytes());
        let mut measured =
            Self { memory: [before, with_all], subscribed, announced, disk, returned: None };
        if endpoints > 0 {
            check_announced(options, &stage, report);
            measured.returned = Some(Returned::of(options, &mut stage, client, report)?);
        }
        Ok(measured)
    }

    /// Resident bytes of each channel.
    fn each(&self, channels: u32) -> f64 {
        let [before, with_all] = self.memory;
        (with_all.rss as f64 - before.rss as f64) / f64::from(channels.max(1))
    }

    fn figures(&self, channels: u32, more: Option<f64>) -> Vec<Figure> {
        let [before, with_all] = self.memory;
        let returned = self.returned.as_ref();
        let after = |value: fn(&Returned) -> f64| returned.map(value);
        let told = returned.map(|_| self.announced.as_secs_f64());
        let disk = returned.and(self.disk).map(megabytes);
        let rate =
            after(|returned| returned.taken_back.as_secs_f64()).map(|s| f64::from(channels) / s);
        vec![
            figure("rss_before", "resident before", "MB", megabytes(before.rss)),
            figure("rss_after", "resident with all", "MB", megabytes(with_all.rss)),
            figure("rss_each", "resident per channel", "B", self.each(channels)),
            figure("more_each", "of it webhooks", "B", more),
            figure("subscribed_s", "subscribed after", "s", self.subscribed.as_secs_f64()),
            figure("announced_s", "announced and delivered after", "s", told),
            figure("disk", "on disk", "MB", disk),
            figure("ready_s", "killed: ready after", "s", after(|r| r.ready.as_secs_f64())),
            figure("rss_ready", "resident then", "MB", after(|r| megabytes(r.memory.rss))),
            figure("back_s", "all taken back after", "s", after(|r| r.taken_back.as_secs_f64())),
            figure("back_per_s", "taken back, with the wait", "/s", rate),
            figure("rss_back", "resident then", "MB", after(|r| megabytes(r.after.rss))),
        ]
    }
}

impl Returned {
    /// Kills the server, with all its clients connected, and follows it until nothing is announced.
    fn of(
        options: &Options,
        stage: &mut Stage,
        client: Client,
        report: &mut Report,
    ) -> Result<Self> {
        progress("kill -9");
        let ready = stage.target.crash_and_return(&bin(&options.target)?)?;
        let back = Instant::now();
        let memory_then = memory(stage)?;
        drop(client);
        let mut nobody = Client::new()?;
        let mut hearer = Churn::new(&nobody, 0..0, 1);
        let wanted = 2 * u64::from(options.channels);
        await_events(&mut hearer, &mut nobody, &stage.receiver, wanted)?;
        let taken_back = back.elapsed();
        hearer.wait(&mut nobody, || back.elapsed() < taken_back + SETTLE)?;
        let (name, tally) = (&stage.target.name, stage.receiver.heard().total());
        let Tally { occupied, vacated, .. } = tally;
        report.check(
            (occupied, vacated) == (options.channels.into(), options.channels.into()),
            format!("{name}: after the crash {occupied} occupied and {vacated} vacated in all"),
        );
        check_clean(report, name, 0, &tally);
        Ok(Self { ready, memory: memory_then, taken_back, after: memory(stage)? })
    }
}

/// Everything was announced, and the server says so too.
fn check_announced(options: &Options, stage: &Stage, report: &mut Report) {
    let (name, wanted) = (&stage.target.name, options.channels);
    let Tally { occupied, vacated, .. } = stage.receiver.heard().total();
    report.check(
        (occupied, vacated) == (wanted.into(), 0),
        format!("{name}: before the crash {occupied} of {wanted} occupied, {vacated} vacated"),
    );
    let counted = stage.target.counter(EVENTS);
    report.check(
        counted.is_some_and(|counted| counted >= f64::from(wanted)),
        format!("{name}: the server counts {counted:?} events"),
    );
}

fn memory(stage: &Stage) -> Result<Memory> {
    proc::memory(stage.target.pid.context("the server's process is known")?)
}

impl Options {
    fn plan(&self, endpoints: usize) -> Plan {
        Plan {
            endpoints,
            dead: 0,
            events: &[],
            batching: true,
            durability: self.durability,
            grace_ms: 200,
            reconnect_ms: self.reconnect_ms,
        }
    }
}

/// The server's count of what has a place in its log.
const EVENTS: &str = "bellwire_webhook_events_total";
/// Long enough for what was set in motion, and for the record of the last delivery.
const SETTLE: Duration = Duration::from_secs(1);
