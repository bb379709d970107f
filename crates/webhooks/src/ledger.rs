//! The port for people: endpoints, what became of deliveries, replays, the state that was announced.
//! The management API, the dashboard and the command line use it; the running engine notices what
//! they write by [`Ledger::changes`].

use bellwire_protocol::AppId;

use crate::attempt::Attempt;
use crate::batch::{Batch, Gap, Outcome};
use crate::endpoint::{Endpoint, SigningSecret, Terms};
use crate::event::Event;
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::outbox::Announced;
use crate::replay::{Replay, ReplayOf};

/// Where endpoints and the history of deliveries are kept.
pub trait Ledger: Send + Sync {
    /// What can go wrong there.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A number that changes whenever an endpoint, a secret or a wanted replay changes, by this
    /// process or another. Progress of replays and deliveries do not change it.
    ///
    /// # Errors
    /// All methods: when the store cannot be read or written.
    fn changes(&self) -> Result<u64, Self::Error>;

    /// The endpoints of an app, or of all, oldest first, with their secrets.
    fn endpoints(&self, app: Option<&AppId>) -> Result<Vec<Endpoint>, Self::Error>;

    /// One endpoint.
    fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, Self::Error>;

    /// Writes an endpoint down: new, or in place of the one with its id. Its secrets count only if
    /// it is new.
    fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), Self::Error>;

    /// Changes the terms of an endpoint; whether it is there.
    fn set_terms(&self, id: &EndpointId, terms: &Terms) -> Result<bool, Self::Error>;

    /// Disables an endpoint (`manual`) or enables it; whether it is there.
    fn set_enabled(&self, id: &EndpointId, on: bool, now_ms: u64) -> Result<bool, Self::Error>;

    /// Removes an endpoint with its history; whether it was there.
    fn remove_endpoint(&self, id: &EndpointId) -> Result<bool, Self::Error>;

    /// Gives an endpoint a new secret; the older ones end at `overlap_until_ms`.
    fn rotate(
        &self,
        id: &EndpointId,
        secret: &SigningSecret,
        overlap_until_ms: u64,
    ) -> Result<bool, Self::Error>;

    /// A page of deliveries, newest first.
    fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, Self::Error>;

    /// One delivery with every attempt.
    fn delivery(&self, id: BatchId) -> Result<Option<(Delivery, Vec<Attempt>)>, Self::Error>;

    /// What receivers of an app missed, newest first, at most 1,000.
    fn gaps(&self, app: &AppId) -> Result<Vec<Lost>, Self::Error>;

    /// How many events or deliveries a replay would repeat.
    fn count(&self, endpoint: &EndpointId, of: &ReplayOf) -> Result<u64, Self::Error>;

    /// Writes a replay down, for the engine to find. Of a log, `to_seq` is set to its last place
    /// if it is open, and `from_seq` to the first event that passes if a time is given.
    fn put_replay(&self, replay: &Replay) -> Result<(), Self::Error>;

    /// The replays of an app, or of all, newest first: those that run, and of the others at most
    /// 1,000.
    fn replays(&self, app: Option<&AppId>) -> Result<Vec<Replay>, Self::Error>;

    /// One replay.
    fn replay(&self, id: ReplayId) -> Result<Option<Replay>, Self::Error>;

    /// Stops a replay; whether it was running.
    fn cancel_replay(&self, id: ReplayId) -> Result<bool, Self::Error>;

    /// What is announced in an app, and the place of its log as of which that is so.
    fn snapshot(&self, app: &AppId) -> Result<Snapshot, Self::Error>;

    /// The log of an app after a place, ascending, at most so many events: with a snapshot it gives
    /// the truth. The places between that are missing were lost or are too old.
    fn log(&self, app: &AppId, after: u64, limit: u32) -> Result<Vec<Event>, Self::Error>;

    /// Checks that each log alternates and agrees with what is announced.
    fn verify(&self) -> Result<Verdict, Self::Error>;
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this app.
    pub app: Option<AppId>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
    /// In this state.
    pub status: Option<DeliveryStatus>,
    /// With an event of this name.
    pub event: Option<String>,
    /// With an event of this channel.
    pub channel: Option<String>,
    /// Cut not before.
    pub from_ms: Option<u64>,
    /// Cut not after.
    pub to_ms: Option<u64>,
    /// Only older than this one: the last of the page before.
    pub before: Option<BatchId>,
    /// At most as many.
    pub limit: u32,
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It waits for its first attempt or the next.
    Pending,
    /// It has ended.
    Ended(Outcome),
}

/// A delivery as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What was sent.
    pub batch: Batch,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// When it ended, in milliseconds since the epoch.
    pub ended_at_ms: Option<u64>,
    /// Attempts so far.
    pub attempts: u32,
    /// The last one.
    pub last: Option<Attempt>,
}

/// What a receiver missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which receiver.
    pub endpoint: EndpointId,
    /// What.
    pub gap: Gap,
    /// Why.
    pub reason: String,
    /// When that was clear, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// The announced state of an app.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last place of the log that is in it.
    pub seq: u64,
    /// Channels and members, channels before their members.
    pub announced: Vec<Announced>,
}

/// What a check of the store has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events that were read.
    pub events: u64,
    /// Things that are announced.
    pub announced: u64,
    /// Sentences, each a broken promise with app, channel and place in the log; at most 100.
    pub broken: Vec<String>,
}
