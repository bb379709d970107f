//! The store as its port describes it, in memory: the plainest thing that keeps its promises, and
//! the first to say when the engine breaks its own.

mod reads;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwire_protocol::{AppId, UserId};

use super::laws::{Broken, Law};
use crate::attempt::Attempt;
use crate::batch::{Batch, Gap, Outcome};
use crate::endpoint::{Disabled, Endpoint};
use crate::event::Event;
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::ledger::Lost;
use crate::outbox::{
    Announced, Found, Outbox, OutboxError, Read, Remains, Retention, Swept, Transaction,
};
use crate::replay::Replay;

/// The store.
#[derive(Debug, Default)]
pub(super) struct Disk {
    last_transaction: u64,
    pub(super) logs: BTreeMap<AppId, Log>,
    pub(super) announced: BTreeMap<Named, u64>,
    pub(super) batches: BTreeMap<BatchId, Kept>,
    behind: BTreeMap<EndpointId, u64>,
    pub(super) owed: BTreeMap<LaneId, Gap>,
    previous: BTreeMap<LaneId, u64>,
    pub(super) lost: Vec<Lost>,
    pub(super) endpoints: BTreeMap<EndpointId, Endpoint>,
    pub(super) replays: BTreeMap<ReplayId, Replay>,
    /// In which batch an event goes to an endpoint.
    cut_in: BTreeMap<(EndpointId, u64), BatchId>,
    /// How the next commit fails, if it does: whether it has arrived nevertheless.
    pub(super) fails: Option<bool>,
    /// What a commit has found wrong.
    pub(super) broken: Option<Broken>,
}

/// A channel, or a user on it, of an app.
pub(super) type Named = (AppId, String, Option<UserId>);
/// A lane of an endpoint.
pub(super) type LaneId = (EndpointId, u8);

/// The log of an app.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) last_seq: u64,
    /// All that was ever in it.
    pub(super) events: BTreeMap<u64, Arc<Event>>,
    /// Events before this place were swept away.
    swept_to: u64,
}

/// A batch with what became of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) batch: Arc<Batch>,
    attempts: Vec<Arc<Attempt>>,
    pub(super) outcome: Option<Outcome>,
    ended_at_ms: u64,
    /// Whether it was swept away: the laws remember it, the engine cannot read it.
    is_swept: bool,
}

impl Disk {
    pub(super) fn with(endpoints: &[Endpoint]) -> Self {
        let rows = endpoints.iter().map(|row| (row.id.clone(), row.clone()));
        Self { endpoints: rows.collect(), ..Self::default() }
    }

    pub(super) fn event(&self, app: &AppId, seq: u64) -> Option<&Arc<Event>> {
        self.logs.get(app)?.events.get(&seq)
    }

    /// Whether it is on record that an endpoint misses a place.
    pub(super) fn has_lost(&self, endpoint: &EndpointId, seq: u64) -> bool {
        let mut lost = self.lost.iter().filter(|lost| lost.endpoint == *endpoint);
        lost.any(|lost| (lost.gap.first..=lost.gap.last).contains(&seq))
    }

    /// Removes an endpoint with its history, as its owner does.
    pub(super) fn remove_endpoint(&mut self, id: &EndpointId) {
        self.endpoints.remove(id);
        self.batches.retain(|_, kept| kept.batch.endpoint != *id);
        self.behind.remove(id);
        self.owed.retain(|(endpoint, _), _| endpoint != id);
        self.previous.retain(|(endpoint, _), _| endpoint != id);
        self.replays.retain(|_, replay| replay.endpoint != *id);
    }

    pub(super) fn set_enabled(&mut self, id: &EndpointId, on: bool, now_ms: u64) {
        let Some(endpoint) = self.endpoints.get_mut(id) else { return };
        endpoint.disabled = (!on).then(|| Disabled { reason: "manual".into(), at_ms: now_ms });
        if on {
            endpoint.failing_since_ms = None;
        }
    }
}

impl Outbox for Disk {
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError> {
        for ((app, channel, user), seq) in &self.announced {
            let channel = channel.parse().map_err(|_| OutboxError::Failed(channel.clone()))?;
            let (app, user) = (app.clone(), user.clone());
            announced(Announced { app, channel, user, seq: *seq });
        }
        let open = self.batches.values().filter(|kept| kept.outcome.is_none());
        let lanes = |places: &BTreeMap<LaneId, u64>| {
            places.iter().map(|((id, lane), place)| (id.clone(), *lane, *place)).collect()
        };
        Ok(Remains {
            last_transaction: self.last_transaction,
            last_seqs: self.logs.iter().map(|(app, log)| (app.clone(), log.last_seq)).collect(),
            last_batch: self.batches.keys().next_back().copied(),
            open: open
                .map(|kept| (Batch::clone(&kept.batch), kept.attempts.len() as u32))
                .collect(),
            behind: self.behind.iter().map(|(id, after)| (id.clone(), *after)).collect(),
            owed: self.owed.iter().map(|((id, lane), gap)| (id.clone(), *lane, *gap)).collect(),
            previous: lanes(&self.previous),
        })
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError> {
        let failure = self.fails.take();
        let last = self.last_transaction;
        let is_new = transaction.number != last && failure != Some(false);
        if is_new && transaction.number != last + 1 {
            let what = format!("transaction {} after {last}", transaction.number);
            self.broken = Law::SameBytes.broken::<()>(what).err();
        } else if is_new {
            self.last_transaction += 1;
            self.broken = self.apply(transaction).err();
        }
        failure.map_or(Ok(()), |_| Err(OutboxError::Failed("no space left on device".into())))
    }

    fn read(&mut self, read: &Read) -> Result<Found, OutboxError> {
        Ok(match read {
            Read::Lane { app, lane, after, limit } => {
                Found::Events(self.lane(app, *lane, *after, *limit))
            }
            Read::Replay { replay, limit } => self.replayed(replay, *limit),
        })
    }

    fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Result<Swept, OutboxError> {
        Ok(self.let_go(rules, now_ms))
    }
}
