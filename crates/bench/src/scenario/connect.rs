//! Many connect and subscribe at once, as after an outage; then all of them leave, and the server has
//! three seconds to give back what they took.

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::proc::Memory;
use crate::report::{Figure, Report, figure};
use crate::scenario::arrivals::{self, Arrivals, Party};
use crate::scenario::meter::{Meter, Used};
use crate::scenario::rivals::Rivals;
use crate::scenario::{megabytes, pace};
use crate::target::Target;

/// Options of `connect`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// How many connections, each with a channel of its own.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How many may be on their way at once; more than a server's accept queue holds come a second
    /// late, when the kernel tries again. 0: all.
    #[arg(long, default_value_t = 0)]
    ahead: usize,
    /// Fails when the server's resident memory is this many times what it was, after all have left.
    #[arg(long)]
    max_left: Option<f64>,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let title = format!("connect: {} connections at once", options.connections);
    options.rivals.measure(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    // What a server allocates once is not to count as left behind.
    let mut few = Client::new()?;
    few.open_all(&target.endpoint(), WARM_UP, |index| channel(index + options.connections))?;
    few.hang_up();
    std::thread::sleep(SETTLE);
    let before = target.memory()?;
    let mut client = Client::new()?;
    let meter = Meter::start(target)?;
    let ahead = if options.ahead == 0 { options.connections } else { options.ahead };
    let party = Party { endpoint: target.endpoint(), count: options.connections, ahead };
    let arrivals = arrivals::arrive(&mut client, &party, channel)?;
    let arriving = meter.stop()?;
    let with_all = target.memory()?;
    let meter = Meter::start(target)?;
    client.hang_up();
    std::thread::sleep(SETTLE);
    let leaving = meter.stop()?;
    let measured = Measured { memory: [before, with_all, target.memory()?], arriving, leaving };
    check(options, &target.name, &arrivals, &measured, report);
    Ok(measured.figures(&arrivals))
}

fn check(
    options: &Options,
    name: &str,
    arrivals: &Arrivals,
    measured: &Measured,
    report: &mut Report,
) {
    arrivals.check(options.connections, report, name);
    if let Some((max, left)) = options.max_left.zip(measured.left()) {
        report.check(left <= max, format!("{name}: {left:.3} of its memory left, at most {max}"));
    }
}

/// What the server took.
struct Measured {
    /// Its memory before, with everybody, and after they left; `None` if its process is not known.
    memory: [Option<Memory>; 3],
    /// While they came.
    arriving: Used,
    /// While they left.
    leaving: Used,
}

impl Measured {
    /// How many times its former memory it has in the end.
    fn left(&self) -> Option<f64> {
        let [before, _, after] = self.memory;
        Some(after?.rss as f64 / before?.rss as f64)
    }

    fn figures(&self, arrivals: &Arrivals) -> Vec<Figure> {
        let (arriving, live, took) = (&self.arriving, arrivals.live as u64, &arrivals.took);
        let [before, with_all, after] =
            self.memory.map(|memory| memory.map(|memory| megabytes(memory.rss)));
        let left = self.leaving.server_us_each(live);
        let per_second = live as f64 / arriving.took.as_secs_f64();
        let (server, own) = (arriving.server_us_each(live), arriving.own_us_each(live));
        let mut figures = vec![
            figure("server_cpu_us", "server CPU per connection", "µs", server),
            figure("client_cpu_us", "client CPU per connection", "µs", own),
            figure("leave_cpu_us", "server CPU per leave", "µs", left),
            figure("connects_per_s", "subscribed", "/s", per_second),
            figure("connect_p50_ms", "subscribed p50", "ms", took.percentile_ms(0.5)),
            figure("connect_p99_ms", "subscribed p99", "ms", took.percentile_ms(0.99)),
            figure("connect_max_ms", "subscribed max", "ms", took.max_ms()),
            figure("rss_before", "resident before", "MB", before),
            figure("rss_with_all", "resident with all", "MB", with_all),
            figure("rss_left", "resident 3 s after all left", "MB", after),
            figure("left_ratio", "of what it was before", "", self.left()),
        ];
        figures.extend(pace::crowd(arriving));
        figures
    }
}

fn channel(index: usize) -> Rc<str> {
    format!("connect-{index}").into()
}

/// Connections that come and leave before the first reading.
const WARM_UP: usize = 50;
/// How long a server has to give memory back.
const SETTLE: Duration = Duration::from_secs(3);
