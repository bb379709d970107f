//! Who waits for what of a log, and what they miss of what goes.

use std::collections::BTreeMap;

use bellwire_protocol::ChannelName;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::endpoint::Terms;
use bellwire_webhooks::event::{Kind, LANES, lane_of};
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::replay::ReplayOf;

use crate::log;

/// Of each lane, a place: up to it nobody waits for anything.
pub(crate) type Ends = [u64; LANES as usize];

/// An endpoint for which events wait.
pub(crate) struct Waiting {
    pub(crate) endpoint: EndpointId,
    /// What it wants at all.
    terms: Terms,
    /// What it does not wait for.
    pub(crate) ends: Ends,
    /// What its lanes owe already.
    owes: [Option<Gap>; LANES as usize],
}

/// An event that went although somebody may have waited for it.
pub(crate) struct Gone {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) channel: ChannelName,
}

/// What a lane misses.
pub(crate) struct Missed {
    pub(crate) lane: u8,
    /// Of what went now.
    pub(crate) gap: Gap,
    /// With what it owed before.
    pub(crate) owed: Gap,
}

impl Waiting {
    /// It waits for what comes after a place.
    pub(crate) fn after(endpoint: EndpointId, terms: Terms, after: u64) -> Self {
        Self { endpoint, terms, ends: [after; LANES as usize], owes: [None; LANES as usize] }
    }

    /// One of its lanes knows better: what was cut there, and what it owes.
    pub(crate) fn lane(&mut self, lane: u8, previous: u64, owes: Option<Gap>) {
        let at = usize::from(lane % LANES);
        self.ends[at] = self.ends[at].max(previous);
        self.owes[at] = owes;
    }

    /// What its lanes miss of events that went, by their lanes.
    pub(crate) fn misses(&self, gone: &BTreeMap<u8, Vec<Gone>>) -> Vec<Missed> {
        let lanes = gone.iter().filter_map(|(lane, gone)| {
            let at = usize::from(*lane);
            let missed = gone.iter().filter(|event| {
                event.seq > self.ends[at] && self.terms.wants(event.kind, &event.channel)
            });
            let places = missed.map(|event| Gap { first: event.seq, last: event.seq, count: 1 });
            let gap = places.reduce(Gap::and)?;
            let owed = self.owes[at].map_or(gap, |owes| owes.and(gap));
            Some(Missed { lane: *lane, gap, owed })
        });
        lanes.collect()
    }
}

/// Somebody waits for what comes after a place in each lane.
pub(crate) fn hold(ends: &mut Ends, others: &Ends) {
    for (end, other) in ends.iter_mut().zip(others) {
        *end = (*end).min(*other);
    }
}

/// A running replay waits for what it has not repeated.
pub(crate) fn hold_for(ends: &mut Ends, of: &ReplayOf, cursor: u64) {
    let ReplayOf::Log(filter) = of else { return };
    let (first, last) = log::places(filter, cursor);
    if first > last {
        return;
    }
    let mut others = [u64::MAX; LANES as usize];
    match filter.channel.as_deref().map(lane_of) {
        Some(lane) => others[usize::from(lane % LANES)] = first - 1,
        None => others.fill(first - 1),
    }
    hold(ends, &others);
}
