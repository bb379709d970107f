//! The fan-out with `permessage-deflate`: off, on but asked for by nobody, on and taken by everybody.
//! Compressed frames are counted, never inflated.

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::report::{Figure, Report, figure};
use crate::scenario::fanout::{self, Load, Measured};
use crate::scenario::{in_turn, payload, stage};
use crate::socket::Endpoint;
use crate::target::Target;

/// Options of `compression`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// How often each way is measured; medians are printed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What is streamed: records whose numbers vary.
    #[command(flatten)]
    load: Load,
}

/// Whether messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The app does not want it.
    Off,
    /// The app wants it and no client asks for it.
    Offered,
    /// The app wants it and every client asks for it.
    Taken,
}

/// # Errors
/// When a server cannot be started, driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let title = format!("compression: {}, {} rounds", options.load.title(), options.rounds);
    let names = WAYS.map(Way::name);
    in_turn(title, options.rounds, &names, |index, report| one_round(options, WAYS[index], report))
}

fn one_round(options: &Options, way: Way, report: &mut Report) -> Result<Vec<Figure>> {
    let bin = stage::bin(&options.target)?;
    let mut target = Target::start_with(&bin, &options.target, way.app())?;
    way.name().clone_into(&mut target.name);
    let endpoint = match way {
        Way::Off | Way::Offered => target.endpoint(),
        Way::Taken => Endpoint::compressing(target.door.clone(), &target.credentials.key),
    };
    let requests = fanout::requests(&options.load, &target, payload::records);
    let measured = fanout::stream(&options.load, &target, &endpoint, &requests, report)?;
    let tally = &measured.streamed.tally;
    let wanted = if way == Way::Taken { tally.delivered } else { 0 };
    report.check(
        tally.compressed == wanted,
        format!("{}: {} of {} compressed", way.name(), tally.compressed, tally.delivered),
    );
    Ok(figures(&measured))
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let tally = &measured.streamed.tally;
    let each = (tally.delivered > 0).then(|| tally.bytes as f64 / tally.delivered as f64);
    let mut figures = measured.streamed.figures(&measured.used, measured.lost);
    figures.push(figure("wire_bytes", "WebSocket bytes per delivery", "B", each));
    figures
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Offered => "offered",
            Self::Taken => "taken",
        }
    }

    /// Lines of `[[apps]]`.
    fn app(self) -> &'static str {
        match self {
            Self::Off => "compression = false\n",
            Self::Offered | Self::Taken => "compression = true\n",
        }
    }
}

const WAYS: [Way; 3] = [Way::Off, Way::Offered, Way::Taken];
