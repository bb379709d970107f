//! One channel, as fast as the API accepts: each publisher sends its next event when the last one is
//! answered. Nothing may be lost.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::report::{Figure, Report, figure};
use crate::scenario::meter::Meter;
use crate::scenario::rivals::Rivals;
use crate::scenario::{load_channel, pace, payload};
use crate::sign::Event;
use crate::target::Target;

/// Options of `saturate`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
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
    let title = format!(
        "saturate: {} subscribers, {} publishers, {} x {} bytes, {} s",
        options.subscribers, options.publishers, options.batch, options.bytes, options.seconds
    );
    options.rivals.measure_joining(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(&target.endpoint(), options.subscribers, |_| channel.clone())?;
    client.add_publishers(&target.api, options.publishers)?;
    let requests = [request(options, target)];
    let batch = options.batch.max(1) as u64;
    let mut press = |name: &str, seconds| {
        let deliveries = |sent| sent * batch * options.subscribers as u64;
        let time = Duration::from_secs(seconds);
        let pressed = pace::press(&mut client, &requests, deliveries, time)?;
        let lost = pressed.tally.check(report, name, |_| pressed.sent * batch);
        anyhow::Ok((pressed, lost))
    };
    press(&format!("{}, warming up", target.name), 1)?;
    let counters = Counters::read(target);
    let meter = Meter::start(target)?;
    let (pressed, lost) = press(&target.name, options.seconds)?;
    let used = meter.stop()?;
    let mut figures = pressed.figures(&used, lost);
    figures.extend(Counters::read(target).since(&counters).figures());
    Ok(figures)
}

/// The same signed request over and over: nothing here asks which event arrived, only how many.
fn request(options: &Options, target: &Target) -> Vec<u8> {
    let (channel, data) = (load_channel(), payload::data(0, options.bytes));
    let events: Vec<Event<'_>> =
        (0..options.batch.max(1)).map(|_| Event { channel: &channel, data: &data }).collect();
    target.credentials.publish(target.address, &events)
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
