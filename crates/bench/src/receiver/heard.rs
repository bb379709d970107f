//! What has arrived at the endpoints: counted, and held to what the server promises. Every event
//! once, each channel's in turn: occupied, vacated, occupied, …

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::histogram::Histogram;

/// All that the endpoints have heard.
#[derive(Debug)]
pub(crate) struct Heard {
    /// By endpoint.
    hooks: Vec<Hook>,
    /// When a client asked for the channels whose way is timed.
    asked: HashMap<u32, Instant>,
    /// From asked to arrived.
    pub(crate) latency: Histogram,
    /// When the first event arrived.
    first: Option<Instant>,
    /// When the last one did.
    last: Option<Instant>,
}

/// One endpoint.
#[derive(Debug, Default)]
struct Hook {
    /// The numbers.
    tally: Tally,
    /// Every `Webhook-Id` so far.
    ids: HashSet<Box<str>>,
    /// What it was told of each channel, by number.
    told: Vec<Told>,
}

/// What an endpoint was told of a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Told {
    /// Nothing.
    #[default]
    Never,
    /// That it is occupied.
    Occupied,
    /// That it is vacated.
    Vacated,
}

/// What one endpoint has heard, or all of them together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// POSTs, without those that came again.
    pub(crate) posts: u64,
    /// Numbered channels that were occupied.
    pub(crate) occupied: u64,
    /// Numbered channels that were vacated.
    pub(crate) vacated: u64,
    /// Events of other channels or kinds.
    pub(crate) others: u64,
    /// POSTs with a `Webhook-Id` that was there before.
    pub(crate) again: u64,
    /// Events that cannot follow what was told before: an event twice is one of these too.
    pub(crate) out_of_turn: u64,
    /// POSTs that say that something was lost.
    pub(crate) gaps: u64,
    /// Bodies that do not read as expected, and POSTs without an id.
    pub(crate) malformed: u64,
    /// Events in the largest POST.
    pub(crate) largest: u64,
}

/// The body of a webhook.
#[derive(Deserialize)]
struct Body<'a> {
    /// What has happened, in order.
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

/// One event, as much of it as is asked about.
#[derive(Deserialize)]
struct Event<'a> {
    /// The kind.
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Where.
    #[serde(borrow)]
    channel: Cow<'a, str>,
}

/// The name of a numbered channel.
pub(crate) fn channel(number: u32) -> String {
    format!("{NUMBERED}{number}")
}

impl Heard {
    pub(crate) fn new(endpoints: usize) -> Self {
        Self {
            hooks: (0..endpoints).map(|_| Hook::default()).collect(),
            asked: HashMap::new(),
            latency: Histogram::new(),
            first: None,
            last: None,
        }
    }

    /// From `at` on the way of this channel is timed: until endpoints hear that it is occupied.
    pub(crate) fn expect(&mut self, number: u32, at: Instant) {
        self.asked.insert(number, at);
    }

    /// Takes a POST that has arrived at an endpoint. False: there is no such endpoint.
    pub(crate) fn post(
        &mut self,
        endpoint: usize,
        id: &str,
        tells_gap: bool,
        body: &[u8],
        at: Instant,
    ) -> bool {
        let Some(hook) = self.hooks.get_mut(endpoint) else { return false };
        self.first.get_or_insert(at);
        self.last = Some(at);
        if !hook.ids.insert(id.into()) {
            hook.tally.again += 1;
            return true;
        }
        hook.tally.posts += 1;
        hook.tally.gaps += u64::from(tells_gap);
        hook.tally.malformed += u64::from(id.is_empty());
        let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
            hook.tally.malformed += 1;
            return true;
        };
        hook.tally.largest = hook.tally.largest.max(body.events.len() as u64);
        for event in &body.events {
            let Some((number, told)) = event.standing() else {
                hook.tally.others += 1;
                continue;
            };
            hook.hear(number, told);
            if told == Told::Occupied
                && let Some(asked) = self.asked.get(&number)
            {
                self.latency.record(at.saturating_duration_since(*asked));
            }
        }
        true
    }

    /// All endpoints together.
    pub(crate) fn total(&self) -> Tally {
        self.hooks.iter().map(|hook| hook.tally).fold(Tally::default(), Tally::and)
    }

    /// Endpoint by endpoint.
    pub(crate) fn each(&self) -> impl Iterator<Item = Tally> {
        self.hooks.iter().map(|hook| hook.tally)
    }

    /// From the first POST to the last.
    pub(crate) fn span(&self) -> Duration {
        self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// When the last POST came.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.last
    }
}

impl Hook {
    fn hear(&mut self, number: u32, told: Told) {
        let place = number as usize;
        if self.told.len() <= place {
            self.told.resize(place + 1, Told::Never);
        }
        let before = std::mem::replace(&mut self.told[place], told);
        let (counter, in_turn) = match told {
            Told::Occupied => (&mut self.tally.occupied, before != Told::Occupied),
            Told::Vacated | Told::Never => (&mut self.tally.vacated, before == Told::Occupied),
        };
        *counter += 1;
        self.tally.out_of_turn += u64::from(!in_turn);
    }
}

impl Event<'_> {
    /// The number of a numbered channel, and what is told of it.
    fn standing(&self) -> Option<(u32, Told)> {
        let number = self.channel.strip_prefix(NUMBERED)?.parse().ok()?;
        match &*self.name {
            "channel_occupied" => Some((number, Told::Occupied)),
            "channel_vacated" => Some((number, Told::Vacated)),
            _ => None,
        }
    }
}

impl Tally {
    /// Events of numbered channels.
    pub(crate) fn events(&self) -> u64 {
        self.occupied + self.vacated
    }

    /// Whether nothing came that should not have.
    pub(crate) fn is_clean(&self) -> bool {
        self.again + self.out_of_turn + self.gaps + self.malformed == 0
    }

    fn and(self, other: Self) -> Self {
        Self {
            posts: self.posts + other.posts,
            occupied: self.occupied + other.occupied,
            vacated: self.vacated + other.vacated,
            others: self.others + other.others,
            again: self.again + other.again,
            out_of_turn: self.out_of_turn + other.out_of_turn,
            gaps: self.gaps + other.gaps,
            malformed: self.malformed + other.malformed,
            largest: self.largest.max(other.largest),
        }
    }
}

/// How names of numbered channels begin.
const NUMBERED: &str = "wh-";

#[cfg(test)]
#[path = "heard_tests.rs"]
mod tests;
