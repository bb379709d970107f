//! Hears everything of a mixed load and keeps the kinds apart.

use std::time::Instant;

use memchr::memmem;

use crate::report::Report;
use crate::scenario::mixed::cast::{Cast, Role};
use crate::scenario::mixed::follow::Follow;
use crate::scenario::mixed::script::{Act, KINDS, Script};
use crate::scenario::pace::PATIENCE;
use crate::scenario::payload::Reader;
use crate::scenario::tally::Tally;
use crate::socket::{Answer, Closing, Hearer};

/// What was heard in one stretch.
pub(super) struct Ears<'a> {
    /// Who is who.
    cast: &'a Cast,
    /// Finds the marks of events.
    reader: Reader,
    /// What was heard, by kind. Visit n is event 2n when it begins and 2n + 1 when it ends.
    pub(super) tallies: [Tally; KINDS.len()],
    /// The broadcasts, by connection; only the crowd and the wanderers have a use for theirs.
    pub(super) follows: Vec<Follow>,
    /// Broadcasts sent.
    pub(super) sent: u32,
    /// Broadcasts answered: they are sent one after the other.
    pub(super) answered: u32,
    /// How often visitors were let in.
    joined: u32,
    /// How often wanderers have left.
    pub(super) left: u32,
    /// How often they came back.
    pub(super) returned: u32,
}

impl<'a> Ears<'a> {
    /// Everybody is there.
    pub(super) fn new(cast: &'a Cast, script: &Script) -> Self {
        let mut ears = Self {
            cast,
            reader: Reader::default(),
            tallies: KINDS.map(|act| Tally::new(cast.len(), script.due(act))),
            follows: vec![Follow::default(); cast.len()],
            sent: 0,
            answered: 0,
            joined: 0,
            left: 0,
            returned: 0,
        };
        let listeners = (0..cast.crowd as usize).chain(cast.wanderer_numbers());
        listeners.for_each(|socket| ears.follows[socket].arrive(0));
        ears
    }

    /// Whether all that was to be heard has been, and all who left are back.
    pub(super) fn is_complete(&self, script: &Script) -> bool {
        let [broadcasts, publishes, says, visits] = KINDS.map(|act| script.count(act));
        let cast = self.cast;
        let wanted = [
            u64::from(broadcasts) * u64::from(cast.crowd),
            cast.spread().deliveries(publishes.into()),
            says.into(),
            cast.told(visits / 2),
        ];
        let enough =
            self.tallies.iter().zip(wanted).all(|(tally, wanted)| tally.delivered >= wanted);
        enough && self.left == self.returned && self.listeners_are_done(broadcasts)
    }

    /// Whether nothing has arrived for too long.
    pub(super) fn hears_nothing(&self) -> bool {
        self.tallies.iter().all(|tally| tally.nothing_for(PATIENCE))
    }

    /// Says what did not go as it should, and tells how many deliveries were lost.
    pub(super) fn check(&mut self, script: &Script, report: &mut Report, name: &str) -> u64 {
        let [broadcasts, publishes, says, visits] = KINDS.map(|act| script.count(act));
        let lost_broadcasts = self.check_broadcasts(broadcasts, report, name);
        let (cast, spread) = (self.cast, self.cast.spread());
        let [_, small, talk, rooms] = &self.tallies;
        let in_crowd = |socket: usize| socket < cast.crowd as usize;
        let of_small = |socket| match in_crowd(socket) {
            true => spread.wanted(socket, publishes.into()),
            false => 0,
        };
        let lost = [
            lost_broadcasts,
            small.check(report, &format!("{name}, small channels"), of_small),
            talk.check(report, &format!("{name}, client events"), |socket| {
                cast.said_to(socket, says)
            }),
            rooms.check(report, &format!("{name}, presence"), |socket| {
                cast.told_to(socket, visits / 2)
            }),
        ];
        let (joined, left, returned) = (self.joined, self.left, self.returned);
        report.check(
            joined == visits / 2,
            format!("{name}: visitors got in {joined} of {} times", visits / 2),
        );
        report.check(
            left == returned && left == script.count(Act::Leave),
            format!("{name}: {left} left a channel and their connection, {returned} came back"),
        );
        lost.iter().sum()
    }

    /// Of a listener, each stretch of its presence is judged by itself: nothing may be missing between
    /// its first number and the last that was answered before it left.
    fn check_broadcasts(&mut self, count: u32, report: &mut Report, name: &str) -> u64 {
        self.follows.iter_mut().for_each(|follow| follow.close(count));
        let lost: u64 = self.follows.iter().map(|follow| follow.missed).sum();
        let doubled: u64 = self.follows.iter().map(|follow| follow.doubled).sum();
        let tally = &self.tallies[Act::Broadcast as usize];
        report.check(
            lost == 0 && doubled == 0,
            format!(
                "{name}, broadcasts: {} delivered, {lost} lost, {doubled} doubled",
                tally.delivered
            ),
        );
        if let Some(status) = tally.refused {
            report.check(false, format!("{name}: a broadcast was answered {status}"));
        }
        if let Some(closing) = tally.closings.first() {
            let closed = tally.closings.len();
            report.check(false, format!("{name}: {closed} connections closed, first {closing:?}"));
        }
        lost
    }

    fn listeners_are_done(&self, broadcasts: u32) -> bool {
        let mut listeners = (0..self.cast.crowd as usize).chain(self.cast.wanderer_numbers());
        listeners.all(|socket| self.follows[socket].has_heard(broadcasts))
    }
}

impl Hearer for Ears<'_> {
    /// Only wanderers become live while the load runs.
    fn live(&mut self, socket: usize) {
        self.follows[socket].arrive(self.sent);
        self.returned += 1;
    }

    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        let says = |word: &[u8]| memmem::find(payload, word).is_some();
        if matches!(self.cast.role(socket), Role::Visitor(_)) {
            self.joined += u32::from(says(b"subscription_succeeded"));
            return;
        }
        let Some(mark) = self.reader.sequence(payload) else { return };
        let Some((act, number)) = Act::of_mark(mark) else { return };
        let number = match act {
            Act::Visit => 2 * number + u32::from(says(b"member_removed")),
            _ => number,
        };
        if act == Act::Broadcast {
            self.follows[socket].hear(number);
        }
        self.tallies[act as usize].record(socket, number, at);
    }

    /// Of the broadcasts' own publisher, or of any other.
    fn answered(&mut self, answer: Answer) {
        let act = if answer.publisher == BROADCASTER { Act::Broadcast } else { Act::Publish };
        self.answered += u32::from(act == Act::Broadcast);
        self.tallies[act as usize].answered(answer);
    }

    fn closed(&mut self, socket: usize, closing: Closing) {
        self.tallies[Act::Broadcast as usize].closed(socket, closing);
    }
}

/// The publisher that all broadcasts go through, so that their numbers are delivered in order.
pub(super) const BROADCASTER: usize = 0;
