//! Client events one to one: each private channel has two connections, and each says to the other. At
//! a rate, or as fast as answered: whoever hears one says the next.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::frame;
use crate::histogram::Histogram;
use crate::report::{Figure, Report};
use crate::scenario::meter::Meter;
use crate::scenario::pace::{self, PATIENCE, Streamed};
use crate::scenario::payload::{self, Reader, Stamped};
use crate::scenario::rivals::Rivals;
use crate::scenario::tally::Tally;
use crate::socket::{Closing, Hearer};
use crate::target::Target;
use crate::topics::{Pass, Topics};

/// Options of `client-events`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// How many connections talk, two by two.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..))]
    connections: u32,
    /// Events per second of each connection.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// As fast as answered instead: one event of each pair is always under way.
    #[arg(long, conflicts_with = "rate")]
    saturate: bool,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let pace = match options.saturate {
        true => "as fast as answered".into(),
        false => format!("{}/s each", options.rate),
    };
    let title = format!(
        "client-events: {} connections two by two, {pace}, {} bytes, {} s",
        options.pairs() * 2,
        options.bytes,
        options.seconds
    );
    options.rivals.measure(&title, APP, |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let credentials = Rc::new(target.credentials.clone());
    let mut talk = Talk::open(options, target, |socket| {
        let pass = Pass { credentials: Rc::clone(&credentials), member: None };
        Topics::signed(channel(socket), pass)
    })?;
    talk.go_on(options, 1)?;
    let meter = Meter::start(target)?;
    let (streamed, said) = talk.go_on(options, options.seconds.max(1))?;
    let used = meter.stop()?;
    let lost = streamed.tally.check(report, &target.name, |socket| said[partner(socket)]);
    Ok(streamed.figures(&used, lost))
}

impl Options {
    fn pairs(&self) -> u32 {
        self.connections / 2
    }
}

/// All pairs, subscribed.
struct Talk {
    /// Their connections.
    client: Client,
    /// What each says.
    lines: Vec<Stamped>,
}

/// How often each connection has spoken.
type Said = Vec<u64>;

impl Talk {
    fn open(options: &Options, target: &Target, topics: impl Fn(usize) -> Topics) -> Result<Self> {
        let (mut client, count) = (Client::new()?, 2 * options.pairs() as usize);
        client.open_all(&target.endpoint(), count, topics)?;
        let lines = (0..count).map(|socket| Stamped::new(line(socket, options.bytes)));
        Ok(Self { client, lines: lines.collect::<Result<_>>()? })
    }

    fn go_on(&mut self, options: &Options, seconds: u32) -> Result<(Streamed, Said)> {
        match options.saturate {
            true => self.answer_for(Duration::from_secs(seconds.into())),
            false => self.say_when_due(options.rate, seconds),
        }
    }

    /// Each connection says its line so often each second, one after the other.
    fn say_when_due(&mut self, rate: u32, seconds: u32) -> Result<(Streamed, Said)> {
        let Self { client, lines } = self;
        let everybody = lines.len() as u32;
        let due = pace::schedule((everybody * rate * seconds) as usize, everybody * rate);
        let mut ears = Ears::new(client, due.clone());
        let mut said = vec![0; lines.len()];
        let say = |client: &mut Client, number: usize, ears: &mut Ears| {
            let socket = number % lines.len();
            client.say(socket, lines[socket].with(number as u32), ears);
            said[socket] += 1;
        };
        let lateness = pace::say_when_due(client, &due, due.len() as u64, &mut ears, say)?;
        Ok((Streamed { tally: ears.tally, lateness }, said))
    }

    /// One of each pair begins; then whoever hears something answers, for `time`.
    fn answer_for(&mut self, time: Duration) -> Result<(Streamed, Said)> {
        let mut ears = Ears::new(&self.client, Vec::new());
        ears.heard.extend((0..self.lines.len()).step_by(2));
        ears.said_at = vec![Instant::now(); self.lines.len() / 2];
        let (until, mut said) = (Instant::now() + time, vec![0; self.lines.len()]);
        let mut count = 0;
        loop {
            let talking = Instant::now() < until;
            for socket in std::mem::take(&mut ears.heard) {
                if talking {
                    ears.said_at[socket / 2] = Instant::now();
                    self.client.say(socket, self.lines[socket].with(count), &mut ears);
                    said[socket] += 1;
                    count += 1;
                }
            }
            let done = !talking && ears.tally.delivered >= count.into();
            if done || ears.tally.nothing_for(PATIENCE) {
                return Ok((Streamed { tally: ears.tally, lateness: Histogram::new() }, said));
            }
            self.client.turn(Duration::from_millis(100), &mut ears)?;
        }
    }
}

/// Counts what is heard, and remembers by whom until it is answered.
struct Ears {
    /// Finds sequence numbers.
    reader: Reader,
    /// The count.
    tally: Tally,
    /// Who has heard something that is to be answered.
    heard: Vec<usize>,
    /// By pair: when the event that is under way was said. Empty where events are due at a moment.
    said_at: Vec<Instant>,
}

impl Ears {
    fn new(client: &Client, due: Vec<Instant>) -> Self {
        let tally = Tally::new(client.added(), due);
        Self { reader: Reader::default(), tally, heard: Vec::new(), said_at: Vec::new() }
    }
}

impl AsRef<Tally> for Ears {
    fn as_ref(&self) -> &Tally {
        &self.tally
    }
}

impl Hearer for Ears {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        if let Some(sequence) = self.reader.sequence(payload) {
            self.tally.record(socket, sequence, at);
            if let Some(said) = self.said_at.get(socket / 2) {
                self.heard.push(socket);
                self.tally.latency.record(at.saturating_duration_since(*said));
            }
        }
    }

    fn closed(&mut self, socket: usize, closing: Closing) {
        self.tally.closed(socket, closing);
    }
}

/// A frame that says something to the partner.
fn line(socket: usize, bytes: usize) -> Vec<u8> {
    let (channel, data) = (channel(socket), payload::data(0, bytes));
    let text =
        format!("{{\"event\":\"client-load\",\"channel\":\"{channel}\",\"data\":\"{data}\"}}");
    frame::masked(frame::TEXT, text.as_bytes())
}

/// Names of one length, so that event numbers stand at one place in all frames.
fn channel(socket: usize) -> Rc<str> {
    format!("private-pair-{:06}", socket / 2).into()
}

fn partner(socket: usize) -> usize {
    socket ^ 1
}

/// Client events are allowed; how many each connection may say is counted, but never too many.
const APP: &str = "client_events = true\nmax_client_events_per_s = 1000000\n";
