//! A presence channel in which one member comes and goes while all others are told.

use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use memchr::memmem;

use crate::client::Client;
use crate::report::{Figure, Report};
use crate::scenario::meter::Meter;
use crate::scenario::pace::{self, Streamed};
use crate::scenario::payload::{self, Reader};
use crate::scenario::rivals::Rivals;
use crate::scenario::tally::Tally;
use crate::sign::Credentials;
use crate::socket::{Closing, Hearer};
use crate::target::Target;
use crate::topics::{self, Pass, Topics};

/// Options of `presence`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// How many members the channel has while the visitor is in it. Servers have limits: 100 is
    /// Pusher's.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    members: u32,
    /// How often each second the visitor comes and goes.
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let Options { rivals, members, rate, seconds } = options;
    let title = format!("presence: {members} members, {rate}/s join and leave, {seconds} s");
    rivals.measure(&title, "", |target, report| one_round(options, target, report))
}

fn one_round(options: &Options, target: &Target, report: &mut Report) -> Result<Vec<Figure>> {
    let mut scene = Scene::open(options, target)?;
    let visits = options.rate * options.seconds.max(1);
    let joins = scene.joins(visits);
    scene.visit(&joins[..options.rate as usize], options.rate)?;
    let meter = Meter::start(target)?;
    let (streamed, joined) = scene.visit(&joins, options.rate)?;
    let used = meter.stop()?;
    let (visitor, name) = (scene.visitor, &target.name);
    report.check(
        joined == u64::from(visits),
        format!("{name}: the visitor got in {joined} of {visits} times"),
    );
    let wanted = |socket| if socket == visitor { 0 } else { 2 * u64::from(visits) };
    let lost = streamed.tally.check(report, name, wanted);
    Ok(streamed.figures(&used, lost))
}

/// The channel with its residents, and the visitor before the door.
struct Scene {
    /// All connections.
    client: Client,
    /// Who signs.
    credentials: Rc<Credentials>,
    /// The visitor's connection; residents are those before it.
    visitor: usize,
}

impl Scene {
    fn open(options: &Options, target: &Target) -> Result<Self> {
        let (mut client, endpoint) = (Client::new()?, target.endpoint());
        let credentials = Rc::new(target.credentials.clone());
        let visitor = options.members as usize - 1;
        client.open_all(&endpoint, visitor + 1, |socket| {
            let resident = || pass(&credentials, &format!("resident-{socket}"));
            match socket == visitor {
                true => Topics::default(),
                false => Topics::signed(CHANNEL.into(), resident()),
            }
        })?;
        Ok(Self { client, credentials, visitor })
    }

    /// The frames with which the visitor joins, each time as somebody else, signed.
    fn joins(&self, count: u32) -> Vec<Vec<u8>> {
        let socket_id = self.client.socket_id(self.visitor);
        let join = |number| {
            let pass = pass(&self.credentials, &payload::data(number, 0));
            topics::subscribe(CHANNEL, socket_id, Some(&pass))
        };
        (0..count).map(join).collect()
    }

    /// Joins and leaves in turn, evenly, and waits until everybody was told; tells also how often the
    /// visitor was let in.
    fn visit(&mut self, joins: &[Vec<u8>], rate: u32) -> Result<(Streamed, u64)> {
        let leave = topics::unsubscribe(CHANNEL);
        let due = pace::schedule(2 * joins.len(), 2 * rate);
        let wanted = (due.len() * self.visitor) as u64;
        let mut ears = Ears::new(self.visitor, due.clone());
        let say = |client: &mut Client, number: usize, ears: &mut Ears| {
            let leaves = number % 2 == 1;
            let words = if leaves { &leave } else { &joins[number / 2] };
            client.say(self.visitor, words, ears);
        };
        let lateness = pace::say_when_due(&mut self.client, &due, wanted, &mut ears, say)?;
        Ok((Streamed { tally: ears.tally, lateness }, ears.joined))
    }
}

/// Counts what residents are told of the visitor.
struct Ears {
    /// Finds the number of a visit in `member_added`.
    added: Reader,
    /// Finds it in `member_removed`, where it stands elsewhere.
    removed: Reader,
    /// The count; visit n is event 2n when it begins and 2n + 1 when it ends.
    tally: Tally,
    /// The visitor's connection.
    visitor: usize,
    /// How often the visitor was let in.
    joined: u64,
}

impl Ears {
    fn new(visitor: usize, due: Vec<Instant>) -> Self {
        Self {
            added: Reader::default(),
            removed: Reader::default(),
            tally: Tally::new(visitor + 1, due),
            visitor,
            joined: 0,
        }
    }
}

impl AsRef<Tally> for Ears {
    fn as_ref(&self) -> &Tally {
        &self.tally
    }
}

impl Hearer for Ears {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        let says = |word: &[u8]| memmem::find(payload, word).is_some();
        if socket == self.visitor {
            self.joined += u64::from(says(b"subscription_succeeded"));
        } else if says(b"member_removed") {
            let visit = self.removed.sequence(payload);
            visit.into_iter().for_each(|visit| self.tally.record(socket, 2 * visit + 1, at));
        } else if says(b"member_added") {
            let visit = self.added.sequence(payload);
            visit.into_iter().for_each(|visit| self.tally.record(socket, 2 * visit, at));
        }
    }

    fn closed(&mut self, socket: usize, closing: Closing) {
        self.tally.closed(socket, closing);
    }
}

fn pass(credentials: &Rc<Credentials>, user: &str) -> Pass {
    let member = format!("{{\"user_id\":\"{user}\"}}");
    Pass { credentials: Rc::clone(credentials), member: Some(member.into()) }
}

const CHANNEL: &str = "presence-room";
