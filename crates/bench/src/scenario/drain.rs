//! SIGTERM to one of two instances. Clients behave as pusher-js does: 4200–4299 reconnect at once,
//! anything else after a second, here to the other instance, as a load balancer would send them.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::histogram::Histogram;
use crate::progress;
use crate::report::{Column, Figure, Report, figure};
use crate::scenario::load_channel;
use crate::socket::{Closing, Hearer, Phase};
use crate::target::Target;

/// Options of `drain`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server; both instances are started, so it must be --bin.
    #[command(flatten)]
    target: TargetArgs,
    /// How many clients are moved.
    #[arg(long, default_value_t = 2000)]
    clients: usize,
}

/// # Errors
/// When a server cannot be started or driven.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let bin = &options.target.server().context("drain starts its servers: give --bin PATH")?;
    let mut old = Target::start(bin, &options.target)?;
    let new = Target::start(bin, &options.target)?;
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(&old.endpoint(), options.clients, |_| channel.clone())?;
    progress("all connected; sending SIGTERM");
    let window = Duration::from_secs(options.target.drain_window_s.into());
    let moving = watch(&mut client, options, &mut old, &new, window)?;
    let title = format!("drain: {} clients over {} s", options.clients, window.as_secs());
    Ok(summarize(title, &moving, options.clients, window, client.open()))
}

/// Follows the drain until the old instance is gone and everybody is at home in the new one.
fn watch(
    client: &mut Client,
    options: &Options,
    old: &mut Target,
    new: &Target,
    window: Duration,
) -> Result<Moving> {
    let (old_end, new_end, channel) = (old.endpoint(), new.endpoint(), load_channel());
    let mut moving = Moving::new(options.clients);
    old.terminate()?;
    let limit = moving.began + window + GRACE;
    while Instant::now() < limit {
        client.turn(Duration::from_millis(5), &mut moving)?;
        while let Some(index) = moving.due() {
            client.reopen(index, &new_end, &channel)?;
        }
        if moving.probe.is_none() && moving.began.elapsed() > window / 2 {
            moving.probe = Some(Probe::default());
            // Refused at once is an answer too: the listener is closed.
            let _ = client.add(&old_end, &channel);
        }
        if moving.exit.is_none() {
            moving.exit = old.exited()?.map(|status| (status, moving.began.elapsed()));
        }
        if moving.exit.is_some() && moving.moved == options.clients {
            break;
        }
    }
    Ok(moving)
}

fn summarize(
    title: String,
    moving: &Moving,
    clients: usize,
    window: Duration,
    open: usize,
) -> Report {
    let slices = moving.slices(window);
    let largest = slices.iter().copied().max().unwrap_or(0) as f64 / clients as f64;
    let columns = vec![Column { name: "bellwire".into(), figures: figures(moving, largest) }];
    let mut report = Report { title, columns, ..Report::default() };
    let series = slices.iter().map(|&count| count as f64).collect();
    report.series.push(("closes by tenth of the window, then later", series));
    report.check(moving.moved == clients, format!("{} of {clients} moved", moving.moved));
    report.check(open >= clients, format!("{open} connections open at the end"));
    report.check(moving.refused == 0, "none refused by the new instance");
    report.check(moving.otherwise == 0, "every close was 4200");
    report.check(largest <= 0.4, format!("no tenth held over 40 %: {:.0} %", 100.0 * largest));
    let exit = moving.exit.map(|(status, _)| status);
    report.check(exit.is_some_and(|status| status.success()), format!("exit: {exit:?}"));
    if let Some(surprise) = &moving.surprise {
        report.check(false, format!("first surprise: {surprise:?}"));
    }
    report
}

fn figures(moving: &Moving, largest: f64) -> Vec<Figure> {
    let exit_s = moving.exit.map(|(_, took)| took.as_secs_f64());
    let close_s =
        |pick: fn(f64, f64) -> f64| moving.closes.iter().map(Duration::as_secs_f64).reduce(pick);
    let probe = moving.probe.as_ref().and_then(|probe| probe.code).map(f64::from);
    vec![
        figure("moved", "clients live on the new instance", "", moving.moved as f64),
        figure("closed_4200", "closed with 4200", "", moving.with_4200 as f64),
        figure("closed_otherwise", "closed otherwise", "", moving.otherwise as f64),
        figure("refused", "refused by the new instance", "", moving.refused as f64),
        figure("largest_slice", "largest tenth of the window", "%", 100.0 * largest),
        figure("first_close_s", "first close after", "s", close_s(f64::min)),
        figure("last_close_s", "last close after", "s", close_s(f64::max)),
        figure("exit_s", "exit after", "s", exit_s),
        figure("absent_p50_ms", "absent p50", "ms", moving.absent.percentile_ms(0.5)),
        figure("absent_max_ms", "absent max", "ms", moving.absent.max_ms()),
        figure("probe_code", "newcomer in the drain was told", "", probe),
    ]
}

/// The move as it happens.
struct Moving {
    /// When SIGTERM was sent.
    began: Instant,
    /// How many clients there are; a higher number is the probe.
    clients: usize,
    /// When each close came, since the signal.
    closes: Vec<Duration>,
    /// When each client was closed.
    left: Vec<Instant>,
    /// Who reconnects when: at once, and after a second. Each is in order of time.
    returning: [VecDeque<(Instant, usize)>; 2],
    /// How many are subscribed on the new instance.
    moved: usize,
    /// Closes with 4200.
    with_4200: usize,
    /// Closes in any other way.
    otherwise: usize,
    /// Attempts at the new instance that failed.
    refused: usize,
    /// From the close to the new subscription.
    absent: Histogram,
    /// A new connection to the old instance amid the drain.
    probe: Option<Probe>,
    /// How and when the old instance ended.
    exit: Option<(ExitStatus, Duration)>,
    /// The first close that should not have been.
    surprise: Option<Closing>,
}

/// What a newcomer is told in the drain.
#[derive(Debug, Default)]
struct Probe {
    /// The close code; `None` if it got none.
    code: Option<u16>,
}

impl Moving {
    fn new(clients: usize) -> Self {
        let began = Instant::now();
        Self {
            began,
            clients,
            closes: Vec::with_capacity(clients),
            left: vec![began; clients],
            returning: [VecDeque::new(), VecDeque::new()],
            moved: 0,
            with_4200: 0,
            otherwise: 0,
            refused: 0,
            absent: Histogram::new(),
            probe: None,
            exit: None,
            surprise: None,
        }
    }

    /// A client whose time to reconnect has come.
    fn due(&mut self) -> Option<usize> {
        let now = Instant::now();
        let queue = self
            .returning
            .iter_mut()
            .find(|queue| queue.front().is_some_and(|(at, _)| *at <= now))?;
        queue.pop_front().map(|(_, index)| index)
    }

    /// Closes by tenth of the window, and one more for those after it.
    fn slices(&self, window: Duration) -> Vec<usize> {
        let mut slices = vec![0; 11];
        for close in &self.closes {
            let tenth = 10.0 * close.as_secs_f64() / window.as_secs_f64().max(0.001);
            slices[(tenth as usize).min(10)] += 1;
        }
        slices
    }
}

impl Hearer for Moving {
    fn live(&mut self, socket: usize) {
        if let Some(left) = self.left.get(socket) {
            self.moved += 1;
            self.absent.record(left.elapsed());
        }
    }

    fn closed(&mut self, socket: usize, closing: Closing) {
        if socket >= self.clients {
            if let Some(probe) = &mut self.probe {
                probe.code = closing.code;
            }
            return;
        }
        let now = Instant::now();
        let at_once = closing.code.is_some_and(|code| (4200..4300).contains(&code));
        let wait = if at_once { Duration::ZERO } else { Duration::from_secs(1) };
        self.returning[usize::from(!at_once)].push_back((now + wait, socket));
        if closing.phase != Phase::Live {
            self.refused += 1;
        } else {
            self.closes.push(now - self.began);
            self.left[socket] = now;
            self.with_4200 += usize::from(closing.code == Some(4200));
            self.otherwise += usize::from(closing.code != Some(4200));
        }
        if closing.phase != Phase::Live || closing.code != Some(4200) {
            self.surprise.get_or_insert(closing);
        }
    }
}

/// How long after the window all must be over.
const GRACE: Duration = Duration::from_secs(15);
