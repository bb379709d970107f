//! Publishes that nobody hears, as fast as the API accepts: what it takes to read a signed request, to
//! check it and to answer.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::report::{Figure, Report, figure};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::pace::{self, Pressed};
use crate::scenario::rivals::Rivals;
use crate::scenario::{load_channel, payload};
use crate::sign::Event;
use crate::target::Target;

/// Options of `publish`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// Keep-alive connections that publish, one request at a time each.
    #[arg(long, default_value_t = 32)]
    publishers: usize,
    /// Requests that are signed beforehand, each another, and sent in turn.
    #[arg(long, default_value_t = 10_000)]
    requests: u32,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let title = format!(
        "publish: no subscribers, {} publishers, {} bytes, {} s",
        options.publishers, options.bytes, options.seconds
    );
    options.rivals.measure(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let requests = requests(options, target);
    let mut client = Client::new()?;
    client.add_publishers(&target.api, options.publishers)?;
    let mut press =
        |seconds| pace::press(&mut client, &requests, |_| 0, Duration::from_secs(seconds));
    press(1)?;
    let meter = Meter::start(target)?;
    let pressed = press(options.seconds)?;
    let used = meter.stop()?;
    let (sent, accepted, name) = (pressed.sent, pressed.tally.accepted, &target.name);
    report.check(
        accepted == sent,
        format!("{name}: {accepted} of {sent} accepted, refused {:?}", pressed.tally.refused),
    );
    Ok(figures(&pressed, &used))
}

fn requests(options: &Options, target: &Target) -> Vec<Vec<u8>> {
    let channel = load_channel();
    let request = |sequence| {
        let data = payload::data(sequence, options.bytes);
        target.credentials.publish(target.address, &[Event { channel: &channel, data: &data }])
    };
    (0..options.requests.max(1)).map(request).collect()
}

fn figures(pressed: &Pressed, used: &Used) -> Vec<Figure> {
    let (accepted, accepting) = (pressed.tally.accepted, &pressed.tally.accepting);
    let per_second = accepted as f64 / used.took.as_secs_f64();
    let (server, own) = (used.server_us_each(accepted), used.own_us_each(accepted));
    let mut figures = vec![
        figure("requests_per_s", "requests accepted", "/s", per_second),
        figure("server_cpu_us", "server CPU per request", "µs", server),
        figure("client_cpu_us", "client CPU per request", "µs", own),
        figure("accept_p50_ms", "publish answered p50", "ms", accepting.percentile_ms(0.5)),
        figure("accept_p99_ms", "publish answered p99", "ms", accepting.percentile_ms(0.99)),
        figure("accept_p999_ms", "publish answered p99.9", "ms", accepting.percentile_ms(0.999)),
    ];
    figures.extend(pace::crowd(used));
    figures
}
