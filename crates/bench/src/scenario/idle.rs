//! Memory of connections that only wait, each subscribed to one channel.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::client::Client;
use crate::proc::{self, Memory};
use crate::progress;
use crate::report::{Figure, Report, figure};
use crate::scenario::megabytes;
use crate::scenario::meter::{Meter, Used};
use crate::scenario::rivals::Rivals;
use crate::socket::{Closing, Hearer};
use crate::target::Target;

/// Options of `idle`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// How many connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// All on one channel instead of each on its own.
    #[arg(long)]
    shared: bool,
    /// Fails when a connection takes more resident memory than this, in bytes.
    #[arg(long)]
    max_bytes: Option<f64>,
    /// How long they wait while the server's CPU is watched, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// # Errors
/// When the server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let kind = if options.shared { "one shared channel" } else { "a channel each" };
    let title = format!("idle: {} connections, {kind}", options.connections);
    options.rivals.measure(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let measured = measure(options, target)?;
    let figures = figures(&measured, options.connections);
    let (open, all, name) = (measured.open, options.connections + WARM_UP, &target.name);
    report.check(open == all, format!("{name}: {open} of {all} connections stayed open"));
    if let Some(first) = measured.closings.first() {
        report.check(false, format!("{name}: none closed: {first:?}"));
    }
    if let Some(max) = options.max_bytes {
        let resident = figures.iter().find(|figure| figure.key == RSS_EACH).and_then(|f| f.value);
        let fits = resident.is_some_and(|bytes| bytes <= max);
        report.check(fits, format!("{name}: at most {max} bytes a connection"));
    }
    Ok(figures)
}

/// What was read along the way.
struct Measured {
    /// Memory before, with all connections, and after they closed.
    memory: [Memory; 3],
    /// Kernel memory of all TCP sockets, before and with all connections.
    kernel: [u64; 2],
    /// While they were opened.
    opening: Used,
    /// While they waited.
    waiting: Used,
    /// How many were open at the end of the wait.
    open: usize,
    /// Those that were not.
    closings: Vec<Closing>,
}

fn measure(options: &Options, target: &Target) -> Result<Measured> {
    let pid = target.pid.context("the server's --pid is needed to read its memory")?;
    let (mut client, endpoint) = (Client::new()?, target.endpoint());
    let channel = |index: usize| -> Rc<str> {
        if options.shared { "idle-shared".into() } else { idle_channel("idle", index) }
    };
    client.open_all(&endpoint, WARM_UP, |index| idle_channel("idle-warm", index))?;
    let mut quiet = Quiet::default();
    wait(&mut client, &mut quiet, SETTLE)?;
    let (before, kernel_before) = (proc::memory(pid)?, proc::tcp_kernel_bytes()?);
    progress(&format!("opening {} connections", options.connections));
    let meter = Meter::start(target)?;
    client.open_all(&endpoint, options.connections, channel)?;
    let opening = meter.stop()?;
    wait(&mut client, &mut quiet, SETTLE)?;
    let (with_all, kernel_with_all) = (proc::memory(pid)?, proc::tcp_kernel_bytes()?);
    let meter = Meter::start(target)?;
    wait(&mut client, &mut quiet, Duration::from_secs(options.seconds))?;
    let waiting = meter.stop()?;
    let open = client.open();
    client.hang_up();
    wait(&mut client, &mut quiet, SETTLE)?;
    Ok(Measured {
        memory: [before, with_all, proc::memory(pid)?],
        kernel: [kernel_before, kernel_with_all],
        opening,
        waiting,
        open,
        closings: quiet.closings,
    })
}

fn figures(measured: &Measured, connections: usize) -> Vec<Figure> {
    let Measured { memory: [before, with_all, closed], kernel, opening, waiting, .. } = measured;
    let count = connections as f64;
    let each = |after: u64, before: u64| (after as f64 - before as f64) / count;
    let (rss, own) = (each(with_all.rss, before.rss), each(with_all.anonymous, before.anonymous));
    let per_second = count / opening.took.as_secs_f64();
    let open_cpu = opening.server_us_each(connections as u64);
    let idle_cpu = waiting.server.map(|used| used.ns as f64 / 1e6 / waiting.took.as_secs_f64());
    vec![
        figure("rss_before", "resident before", "MB", megabytes(before.rss)),
        figure("rss_after", "resident with all", "MB", megabytes(with_all.rss)),
        figure("rss_closed", "resident after all closed", "MB", megabytes(closed.rss)),
        figure(RSS_EACH, "resident per connection", "B", rss),
        figure("anonymous_per_connection", "heap and stack per connection", "B", own),
        figure(
            "kernel_per_connection",
            "kernel TCP per connection",
            "B",
            each(kernel[1], kernel[0]),
        ),
        figure("opens_per_s", "connections opened", "/s", per_second),
        figure("open_cpu_us", "server CPU per open", "µs", open_cpu),
        figure("idle_cpu_ms_per_s", "server CPU while idle", "ms/s", idle_cpu),
    ]
}

fn idle_channel(kind: &str, index: usize) -> Rc<str> {
    format!("{kind}-{index}").into()
}

fn wait(client: &mut Client, quiet: &mut Quiet, time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        client.turn(Duration::from_millis(100), quiet)?;
    }
    Ok(())
}

/// Nothing should happen; what does is kept.
#[derive(Default)]
struct Quiet {
    /// Connections that closed.
    closings: Vec<Closing>,
}

impl Hearer for Quiet {
    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.closings.push(closing);
    }
}

/// The figure that `--max-bytes` is about.
const RSS_EACH: &str = "rss_per_connection";
/// Opened before the first reading, so that what a server allocates once is not counted per connection.
const WARM_UP: usize = 50;
/// Long enough for what opening or closing set in motion.
const SETTLE: Duration = Duration::from_secs(2);
