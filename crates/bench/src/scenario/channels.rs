//! Many channels with few listeners each, and several channels to a connection: what a server pays to
//! find out who hears an event. At a rate, or as fast as the API accepts.

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::report::{Figure, Report};
use crate::scenario::meter::Meter;
use crate::scenario::rivals::Rivals;
use crate::scenario::{pace, payload};
use crate::sign::Event;
use crate::target::Target;
use crate::topics::Topics;

/// Options of `channels`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who is measured.
    #[command(flatten)]
    rivals: Rivals,
    /// Who listens to what.
    #[command(flatten)]
    spread: Spread,
    /// Events per second, to one channel after the other.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// As fast as the API accepts instead.
    #[arg(long, conflicts_with = "rate")]
    saturate: bool,
    /// Seconds of each round, after one of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Keep-alive connections that publish.
    #[arg(long, default_value_t = 8)]
    publishers: usize,
}

/// Who listens to what: every channel has as many listeners as the others, or one more.
#[derive(Debug, Args)]
pub(super) struct Spread {
    /// How many channels there are.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) channels: u32,
    /// How many connections listen.
    #[arg(long, default_value_t = 1000)]
    pub(super) connections: u32,
    /// How many channels each of them listens to.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) subscriptions: u32,
}

/// # Errors
/// When a server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let Spread { channels, connections, subscriptions } = options.spread;
    let pace = if options.saturate { "saturated".into() } else { format!("{}/s", options.rate) };
    let title = format!(
        "channels: {channels} channels, {connections} connections, {subscriptions} subscriptions \
         each, {pace}, {} bytes, {} s",
        options.bytes, options.seconds
    );
    options.rivals.measure(&title, "", |target, report| {
        let mut client = Client::new()?;
        let topics = |socket| Topics::public(options.spread.names(socket).collect());
        client.open_all(&target.endpoint(), connections as usize, topics)?;
        client.add_publishers(&target.api, options.publishers)?;
        match options.saturate {
            true => saturated(options, target, &mut client, report),
            false => paced(options, target, &mut client, report),
        }
    })
}

fn paced(
    options: &Options,
    target: &Target,
    client: &mut Client,
    report: &mut Report,
) -> Result<Vec<Figure>> {
    let requests = requests(options, target, options.rate * options.seconds.max(1));
    let mut stream = |requests: &[Vec<u8>]| {
        let deliveries = options.spread.deliveries(requests.len() as u64);
        pace::stream(client, options.rate, requests, deliveries)
    };
    stream(&requests[..options.rate as usize])?;
    let meter = Meter::start(target)?;
    let streamed = stream(&requests)?;
    let used = meter.stop()?;
    let wanted = |socket| options.spread.wanted(socket, requests.len() as u64);
    let lost = streamed.tally.check(report, &target.name, wanted);
    Ok(streamed.figures(&used, lost))
}

fn saturated(
    options: &Options,
    target: &Target,
    client: &mut Client,
    report: &mut Report,
) -> Result<Vec<Figure>> {
    let spread = &options.spread;
    let requests = requests(options, target, spread.channels);
    let mut press = |name: &str, seconds: u32| {
        let time = Duration::from_secs(seconds.into());
        let pressed = pace::press(client, &requests, |sent| spread.deliveries(sent), time)?;
        let wanted = |socket| spread.wanted(socket, pressed.sent);
        let lost = pressed.tally.check(report, name, wanted);
        anyhow::Ok((pressed, lost))
    };
    press(&format!("{}, warming up", target.name), 1)?;
    let meter = Meter::start(target)?;
    let (pressed, lost) = press(&target.name, options.seconds)?;
    let used = meter.stop()?;
    Ok(pressed.figures(&used, lost))
}

/// So many requests, signed, to one channel after the other.
fn requests(options: &Options, target: &Target, count: u32) -> Vec<Vec<u8>> {
    let request = |sequence| {
        let channel = name(sequence % options.spread.channels);
        let data = payload::data(sequence, options.bytes);
        target.credentials.publish(target.address, &[Event { channel: &channel, data: &data }])
    };
    (0..count).map(request).collect()
}

impl Spread {
    /// The names of a connection's channels.
    pub(super) fn names(&self, socket: usize) -> impl Iterator<Item = Rc<str>> {
        self.heard_by(socket).map(name)
    }

    /// The channels of a connection: the first is its own, the others lie evenly around.
    fn heard_by(&self, socket: usize) -> impl Iterator<Item = u32> {
        let (first, channels) = (socket as u32 % self.channels, self.channels);
        let subscriptions = self.subscriptions.min(channels);
        let step = channels / subscriptions;
        (0..subscriptions).map(move |number| (first + number * step) % channels)
    }

    /// How many of the first so many events a connection hears.
    pub(super) fn wanted(&self, socket: usize, events: u64) -> u64 {
        let channels = u64::from(self.channels);
        let of_one =
            |channel| events / channels + u64::from(u64::from(channel) < events % channels);
        self.heard_by(socket).map(of_one).sum()
    }

    pub(super) fn deliveries(&self, events: u64) -> u64 {
        (0..self.connections as usize).map(|socket| self.wanted(socket, events)).sum()
    }
}

/// Names of one length, so that event numbers stand at one place in all frames.
pub(super) fn name(channel: u32) -> Rc<str> {
    format!("channel-{channel:06}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_as_many_listeners() {
        let spread = Spread { channels: 100, connections: 100, subscriptions: 10 };
        let mut listeners = [0; 100];
        for socket in 0..100 {
            spread.heard_by(socket).for_each(|channel| listeners[channel as usize] += 1);
        }
        assert_eq!(listeners, [10; 100]);
    }

    #[test]
    fn a_connection_hears_each_of_its_channels_once_a_turn() {
        let spread = Spread { channels: 7, connections: 3, subscriptions: 2 };
        assert_eq!(spread.heard_by(1).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(spread.wanted(1, 7), 2);
        assert_eq!([8, 9, 11, 12].map(|events| spread.wanted(1, events)), [2, 3, 3, 4]);
        assert_eq!(spread.deliveries(7), 6);
    }

    #[test]
    fn nobody_listens_to_a_channel_twice() {
        let spread = Spread { channels: 3, connections: 1, subscriptions: 10 };
        assert_eq!(spread.heard_by(2).collect::<Vec<_>>(), [2, 0, 1]);
    }
}
