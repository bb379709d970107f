//! A batch: the events of one lane that go to one endpoint in one POST. It is cut once; every
//! attempt sends the same bytes.

use serde_json::value::RawValue;

use bellwire_protocol::AppId;

use crate::ids::{BatchId, EndpointId, ReplayId};

/// A batch on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The receiver's `webhook-id`, unless it is a replay of an older batch.
    pub id: BatchId,
    /// Whose events.
    pub app: AppId,
    /// Where to.
    pub endpoint: EndpointId,
    /// Its lane; [`REPLAY_LANE`] for replays.
    pub lane: u8,
    /// When it was cut, in milliseconds since the epoch: the `time_ms` of its body.
    pub time_ms: u64,
    /// The JSON array of the events, finished.
    pub events: Box<str>,
    /// The places of its events in the app's log, ascending; empty for a test.
    pub seqs: Vec<u64>,
    /// The last place that was sent in this lane before; 0: none is known.
    pub previous: u64,
    /// What was lost in this lane between `previous` and the batch.
    pub gap: Option<Gap>,
    /// After this no attempt is made, in milliseconds since the epoch.
    pub deadline_ms: u64,
    /// The replay that sends it.
    pub replay: Option<ReplayId>,
    /// The batch that it repeats, or from which it was split.
    pub parent: Option<BatchId>,
}

/// The lane number of replays and tests: they keep out of the way of live events.
pub const REPLAY_LANE: u8 = 255;

/// Places of a log that a receiver did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// How many of this lane there are between.
    pub count: u64,
}

impl Gap {
    /// Both gaps as one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (first, last) = (self.first.min(other.first), self.last.max(other.last));
        // What is swept away may be lost once more before anybody has heard of it.
        let count = (self.count + other.count).min(last - first + 1);
        Self { first, last, count }
    }
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A 2xx.
    Delivered,
    /// The time for it was over, or it alone was refused for good.
    Failed,
    /// Its endpoint was disabled or removed first, or its replay was cancelled.
    Discarded,
    /// Two halves took its place.
    Split,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Discarded, Self::Split];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
            Self::Split => "split",
        }
    }

    /// The outcome with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl Batch {
    /// The body of the POST (contract 16.1).
    #[must_use]
    pub fn body(&self, time_ms: u64) -> String {
        format!("{{\"time_ms\":{time_ms},\"events\":{}}}", self.events)
    }

    /// The place of its last event; 0 for a test.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.seqs.last().copied().unwrap_or(0)
    }

    /// What the receiver misses without it. What the batch names as lost is not in it: that is owed
    /// already.
    #[must_use]
    pub fn as_gap(&self) -> Option<Gap> {
        let (first, last) = (*self.seqs.first()?, *self.seqs.last()?);
        Some(Gap { first, last, count: self.seqs.len() as u64 })
    }

    /// The channels of its events.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Place {
            channel: String,
        }
        let places: Vec<Place> = serde_json::from_str(&self.events).unwrap_or_default();
        places.into_iter().map(|place| place.channel).collect()
    }

    /// The objects of its events.
    #[must_use]
    pub fn bodies(&self) -> Vec<&RawValue> {
        // We wrote the array ourselves.
        serde_json::from_str(&self.events).unwrap_or_default()
    }
}

/// The array of some events.
#[must_use]
pub fn join<'a>(bodies: impl Iterator<Item = &'a str>) -> Box<str> {
    let mut array = String::from("[");
    for (at, body) in bodies.enumerate() {
        if at > 0 {
            array.push(',');
        }
        array.push_str(body);
    }
    array.push(']');
    array.into()
}
