//! Channels that come and go: each connection subscribes to channels that nobody else has, some
//! ahead of the server's confirmations, and leaves each as soon as it is confirmed, or keeps it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Result;
use memchr::memmem;

use crate::client::Client;
use crate::frame;
use crate::receiver::channel;
use crate::report::Report;
use crate::socket::{Closing, Hearer};

/// Subscriptions as they go on. The connections are those of a client, all of them live.
pub(super) struct Churn {
    /// The next channel that nobody has asked for.
    next: u32,
    /// The first that is not to be asked for.
    end: u32,
    /// The first that is not to be asked for yet.
    limit: u32,
    /// How many each connection asks for before it waits.
    ahead: usize,
    /// Whether connections stay subscribed.
    stays: bool,
    /// By connection.
    ways: Vec<Way>,
    /// Connections that have something to say.
    due: Vec<usize>,
    /// Subscriptions confirmed.
    pub(super) confirmed: u64,
    /// Connections that have answered the last question.
    answered: usize,
    /// The first refusal.
    refusal: Option<String>,
    /// Connections that closed.
    closings: Vec<Closing>,
    /// When something last arrived.
    moved: Instant,
}

/// One connection.
#[derive(Debug, Clone, Default)]
struct Way {
    /// Channels asked for and not confirmed, oldest first: confirmations come in this order.
    asked: VecDeque<u32>,
    /// Channels confirmed and not left.
    confirmed: Vec<u32>,
    /// Whether the server asked if it is still there.
    is_asked: bool,
    /// Whether it is among those that are due.
    is_due: bool,
}

impl Churn {
    /// Over the connections of a client, with the channels of these numbers.
    pub(super) fn new(client: &Client, numbers: Range<u32>, ahead: usize) -> Self {
        let mut churn = Self {
            next: numbers.start,
            end: numbers.end,
            limit: numbers.end,
            ahead: ahead.max(1),
            stays: false,
            ways: vec![Way::default(); client.added()],
            due: Vec::new(),
            confirmed: 0,
            answered: 0,
            refusal: None,
            closings: Vec::new(),
            moved: Instant::now(),
        };
        (0..client.added()).for_each(|socket| churn.is_due(socket));
        churn
    }

    /// Connections stay subscribed.
    pub(super) fn staying(self) -> Self {
        Self { stays: true, ..self }
    }

    /// Goes on until everything is confirmed and the server has taken every word, or nothing moves.
    ///
    /// # Errors
    /// When the poll fails.
    pub(super) fn press(&mut self, client: &mut Client) -> Result<()> {
        self.press_below(client, || u32::MAX)
    }

    /// The same, but channels from `limit` on have to wait until it rises.
    ///
    /// # Errors
    /// When the poll fails.
    pub(super) fn press_below(
        &mut self,
        client: &mut Client,
        limit: impl Fn() -> u32,
    ) -> Result<()> {
        let wanted = self.confirmed + u64::from(self.end - self.next);
        self.moved = Instant::now();
        while self.goes_on(self.confirmed < wanted || !self.due.is_empty()) {
            self.go_up_to(limit());
            self.turn(client, Duration::from_millis(5))?;
        }
        // Nothing confirms that a channel was left; but what is said later is answered later.
        self.answered = 0;
        for socket in 0..self.ways.len() {
            client.say(socket, &says(PING), self);
        }
        while self.goes_on(self.answered < self.ways.len()) {
            self.turn(client, Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// Lets the connections live while `goes_on` says so.
    ///
    /// # Errors
    /// When the poll fails.
    pub(super) fn wait(
        &mut self,
        client: &mut Client,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<()> {
        while goes_on() {
            self.turn(client, Duration::from_millis(10))?;
        }
        Ok(())
    }

    /// Says what did not go as it should.
    pub(super) fn check(&self, report: &mut Report, name: &str, wanted: u64) {
        let confirmed = self.confirmed;
        report.check(
            confirmed == wanted,
            format!("{name}: {confirmed} of {wanted} subscriptions confirmed"),
        );
        if let Some(refusal) = &self.refusal {
            report.check(false, format!("{name}: refused: {refusal}"));
        }
        if let Some(closing) = self.closings.first() {
            let count = self.closings.len();
            report.check(false, format!("{name}: {count} connections closed, first {closing:?}"));
        }
    }

    /// Whoever waited for the limit to rise may go on.
    fn go_up_to(&mut self, limit: u32) {
        let limit = limit.min(self.end);
        if std::mem::replace(&mut self.limit, limit) < limit {
            self.moved = Instant::now();
            (0..self.ways.len()).for_each(|socket| self.is_due(socket));
        }
    }

    /// Says what is due, then hears what there is.
    fn turn(&mut self, client: &mut Client, patience: Duration) -> Result<()> {
        for socket in std::mem::take(&mut self.due) {
            let words = self.words(socket);
            if !words.is_empty() {
                client.say(socket, &words, self);
            }
        }
        client.turn(patience, self)
    }

    fn goes_on(&self, unfinished: bool) -> bool {
        unfinished && self.closings.is_empty() && self.moved.elapsed() < PATIENCE
    }

    fn is_due(&mut self, socket: usize) {
        if let Some(way) = self.ways.get_mut(socket)
            && !std::mem::replace(&mut way.is_due, true)
        {
            self.due.push(socket);
        }
    }

    /// What a connection says now, in one write.
    fn words(&mut self, socket: usize) -> Vec<u8> {
        let mut words = Vec::new();
        let Some(way) = self.ways.get_mut(socket) else { return words };
        way.is_due = false;
        if std::mem::take(&mut way.is_asked) {
            words.extend(says(PONG));
        }
        for number in way.confirmed.drain(..) {
            words.extend(of_channel("pusher:unsubscribe", number));
        }
        while way.asked.len() < self.ahead && self.next < self.limit {
            words.extend(of_channel("pusher:subscribe", self.next));
            way.asked.push_back(self.next);
            self.next += 1;
        }
        words
    }
}

impl Hearer for Churn {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        let says = |word: &str| memmem::find(payload, word.as_bytes()).is_some();
        self.moved = at;
        if says("subscription_succeeded") {
            self.confirmed += 1;
            let way = &mut self.ways[socket];
            let number = way.asked.pop_front();
            way.confirmed.extend(number.filter(|_| !self.stays));
            self.is_due(socket);
        } else if says("pusher:pong") {
            self.answered += 1;
        } else if says("pusher:ping") {
            self.ways[socket].is_asked = true;
            self.is_due(socket);
        } else if says("error") {
            self.refusal.get_or_insert_with(|| String::from_utf8_lossy(payload).into_owned());
        }
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.closings.push(closing);
    }
}

/// A subscription to a numbered channel.
pub(super) fn subscription(number: u32) -> Vec<u8> {
    of_channel("pusher:subscribe", number)
}

fn of_channel(word: &str, number: u32) -> Vec<u8> {
    let channel = channel(number);
    says(&format!("{{\"event\":\"{word}\",\"data\":{{\"channel\":\"{channel}\"}}}}"))
}

fn says(text: &str) -> Vec<u8> {
    frame::masked(frame::TEXT, text.as_bytes())
}

const PING: &str = "{\"event\":\"pusher:ping\",\"data\":{}}";
const PONG: &str = "{\"event\":\"pusher:pong\",\"data\":{}}";
/// How long nothing may arrive before the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
#[path = "churn_tests.rs"]
mod tests;
