//! The engine: facts in, transactions and POSTs out, without a clock, a disk or a network of its
//! own. Whoever drives it hands it what happened and carries out what it orders, one transaction at
//! a time; the simulation drives it through crashes.

mod desk;
mod log;
mod nodes;
mod rounds;

use std::collections::{BTreeSet, VecDeque};

use bellwire_hub::Fact;
use bellwire_protocol::AppId;
use hashbrown::{HashMap, HashSet};

use self::nodes::Nodes;
pub use self::nodes::Overheard;
use crate::attempt::Answer;
use crate::batch::Gap;
use crate::courier::Courier;
use crate::endpoint::Endpoint;
use crate::event::LANES;
use crate::hashing::Hashing;
use crate::ids::{BatchId, EndpointId};
use crate::lane::Lane;
use crate::outbox::{Announced, Found, Read, Remains, Swept, Transaction};
use crate::replay::Replay;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::seat::Seat;
use crate::settle::{Announce, Settle, SettleRules};
use crate::turn::{Asker, DeliveryRules, Dispatch, Notice, Turn};

type Map<K, V> = HashMap<K, V, Hashing>;
type Set<T> = HashSet<T, Hashing>;
type Alarms = BTreeSet<(u64, EndpointId)>;

/// Endpoints that have not shown that they are well and have their turn at once: in tests fewer, so
/// that the simulation knows what it is to wait.
const LINE_MAX: usize = if cfg!(test) { 2 } else { 16 };

/// The engine.
#[derive(Debug)]
pub struct Engine {
    settle: Settle,
    desk: Desk,
    /// Who else there is, in a cluster.
    nodes: Nodes,
    /// What a job that runs will have kept.
    in_job: Option<Job>,
    /// The number of the last transaction.
    transaction: u64,
    /// When couriers are to be run again: of each at most one.
    alarms: Alarms,
}

/// Everything but the settling: the logs and the couriers.
#[derive(Debug)]
struct Desk {
    logs: Map<AppId, Log>,
    couriers: Map<EndpointId, Courier>,
    turn: Turn,
    /// Bytes of events that are not kept yet.
    pending_bytes: usize,
    /// Events that wait in memory at all couriers, as of their last run.
    waiting: usize,
    /// Couriers to be run.
    touched: Set<EndpointId>,
    /// Of these, the ones that have their turn after the others.
    line: VecDeque<EndpointId>,
    /// Batches that are kept and can go.
    kept: Vec<Dispatch>,
    /// What there was no room for since the last job.
    overflow: Overflow,
}

/// What there was no room for.
#[derive(Debug, Default)]
struct Overflow {
    events: u64,
    /// Whose logs have places that stay empty.
    apps: Set<AppId>,
    /// What endpoints miss by it, lane by lane.
    gaps: Map<(EndpointId, u8), Gap>,
}

/// The log of an app.
#[derive(Debug, Default)]
struct Log {
    last_seq: u64,
    endpoints: Vec<EndpointId>,
}

/// What a job holds until it is done.
#[derive(Debug)]
struct Job {
    /// Whether it has a transaction.
    keeps: bool,
    bytes: usize,
    cut: Vec<Dispatch>,
}

/// What has to be done now, in this order; the transaction and the reads are one job.
#[derive(Debug, Default)]
pub struct Orders {
    /// To be kept, if it has steps, and answered; the engine gives no other before [`Engine::kept`].
    pub job: Option<(Transaction, Vec<(Asker, Read)>)>,
    /// To be sent.
    pub posts: Vec<Dispatch>,
    /// For people.
    pub notices: VecDeque<Notice>,
}

/// An attempt that has ended.
#[derive(Debug)]
pub struct Answered {
    /// Where.
    pub endpoint: EndpointId,
    /// The lane of the batch.
    pub lane: u8,
    /// What.
    pub batch: BatchId,
    /// When it began, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How it went.
    pub answer: Answer,
}

/// What waits, for people and metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Load {
    /// Events that wait in memory for a batch.
    pub waiting: usize,
    /// POSTs that are cut or under way.
    pub under_way: usize,
    /// Bytes of events that are not kept yet.
    pub pending_bytes: usize,
    /// When the oldest event or batch that waits happened, in milliseconds since the epoch.
    pub oldest_ms: Option<u64>,
    /// Endpoints whose breaker is open.
    pub open_breakers: usize,
    /// Channels that are here or were announced.
    pub channels: usize,
    /// Endpoints for which something waits, or that are not well.
    pub queues: Vec<Queue>,
}

/// What waits for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Whose.
    pub endpoint: EndpointId,
    /// Events that wait in memory for a batch.
    pub waiting: usize,
    /// When the oldest event or batch that waits happened, in milliseconds since the epoch.
    pub oldest_ms: Option<u64>,
    /// Whether its breaker is open: one delivery at a time probes it.
    pub is_probed: bool,
}

impl Engine {
    /// An engine that goes on where a former run ended. `seed` is for chance.
    #[must_use]
    pub fn new(settle: SettleRules, rules: DeliveryRules, seed: u64) -> Self {
        let turn = Turn::new(rules, seed, BatchId::of(0));
        let desk = Desk {
            logs: Map::default(),
            couriers: Map::default(),
            turn,
            pending_bytes: 0,
            waiting: 0,
            touched: Set::default(),
            line: VecDeque::new(),
            kept: Vec::new(),
            overflow: Overflow::default(),
        };
        let settle = Settle::new(settle);
        Self {
            settle,
            desk,
            nodes: Nodes::default(),
            in_job: None,
            transaction: 0,
            alarms: BTreeSet::new(),
        }
    }

    /// Something that a former run has announced and not taken back.
    pub fn told_before(&mut self, announced: Announced) {
        self.settle.told_before(&announced.app, announced.channel, announced.user);
    }

    /// Takes over what a former run has left. After [`Engine::told_before`] for everything, before
    /// anything else.
    pub fn begin(
        &mut self,
        now_ms: u64,
        remains: Remains,
        endpoints: Vec<Endpoint>,
        batching: &dyn Fn(&AppId) -> Option<bool>,
        replays: Vec<Replay>,
    ) {
        self.desk.turn.now_ms = now_ms;
        self.transaction = remains.last_transaction;
        self.desk.turn.last_batch = remains.last_batch.unwrap_or(BatchId::of(0));
        for (app, last_seq) in remains.last_seqs {
            self.desk.logs.entry(app).or_default().last_seq = last_seq;
        }
        self.settle.begin(now_ms);
        self.configure(now_ms, endpoints, batching, Vec::new());
        self.desk.resume(remains.behind, remains.owed, remains.previous);
        self.desk.reopen(remains.open, &replays);
        self.desk.rerun(replays);
        self.desk.discard_disabled();
        self.desk.touch_all();
    }

    /// The endpoints and replays as they are written down now. `batching` says of an app whether it
    /// wants batches, and nothing if there is no such app. Returns the apps of which facts are
    /// wanted from now on and were not before.
    pub fn configure(
        &mut self,
        now_ms: u64,
        endpoints: Vec<Endpoint>,
        batching: &dyn Fn(&AppId) -> Option<bool>,
        replays: Vec<Replay>,
    ) -> Vec<AppId> {
        self.desk.turn.now_ms = now_ms;
        let before = self.wanted();
        self.desk.configure(endpoints, batching);
        self.desk.rerun(replays);
        let after = self.wanted();
        // Of many nodes each says so itself.
        let is_shared = self.settle.is_shared();
        for app in before.iter().filter(|app| !is_shared && !after.contains(*app)) {
            self.settle.forget(now_ms, app);
        }
        let mut new: Vec<AppId> = after.into_iter().filter(|app| !before.contains(app)).collect();
        new.sort();
        new
    }

    /// The apps of which facts are wanted.
    #[must_use]
    pub fn wanted(&self) -> HashSet<AppId, foldhash::fast::RandomState> {
        let logs = self.desk.logs.iter();
        logs.filter(|(_, log)| !log.endpoints.is_empty()).map(|(app, _)| app.clone()).collect()
    }

    /// Something happened. `quietly`: it had happened before anybody wanted to know.
    pub fn take(&mut self, now_ms: u64, fact: Fact, quietly: bool) {
        self.desk.turn.now_ms = now_ms;
        self.settle.take(now_ms, Seat::ALONE, fact, quietly, &mut self.desk);
    }

    /// Events of a lane came when there was no room even to leave them: they get places in the log
    /// that stay empty.
    pub fn lost(&mut self, now_ms: u64, app: &AppId, lane: u8, count: u64) {
        self.desk.turn.now_ms = now_ms;
        self.desk.lose_places(app, lane, count);
    }

    /// An attempt has ended.
    pub fn answered(&mut self, now_ms: u64, answered: Answered) {
        let Desk { couriers, turn, touched, .. } = &mut self.desk;
        turn.now_ms = now_ms;
        let Answered { endpoint, lane, batch, at_ms, answer } = answered;
        if let Some(courier) = couriers.get_mut(&endpoint) {
            courier.answered(batch, lane, at_ms, answer, turn);
            touched.insert(endpoint);
        }
    }

    /// The job is done: its transaction is kept, its questions are answered.
    pub fn kept(&mut self, now_ms: u64, found: Vec<(Asker, Found)>) {
        self.desk.turn.now_ms = now_ms;
        if let Some(job) = self.in_job.take() {
            self.desk.pending_bytes -= job.bytes;
            self.desk.kept = job.cut;
        }
        for (asker, found) in found {
            self.desk.found(asker, found);
        }
    }

    /// The store has let go of what somebody waited for.
    pub fn swept(&mut self, swept: Swept) {
        for (endpoint, lane, gap) in swept.lost {
            if let Some(courier) = self.desk.couriers.get_mut(&endpoint) {
                courier.lanes[usize::from(lane % LANES)].skip_to(gap.last);
                courier.lanes[usize::from(lane % LANES)].misses(gap);
                self.desk.touched.insert(endpoint);
            }
        }
    }

    /// The server goes down: whoever leaves from now on was told to come back.
    pub fn close(&mut self) {
        #[cfg(test)]
        if sabotaged(Sabotage::VacatedAtTheEnd) {
            return;
        }
        self.settle.close();
    }

    /// The number of the transaction with which all that was said so far will be kept.
    #[must_use]
    pub fn promised(&self) -> u64 {
        let has_more = !self.desk.turn.steps.is_empty() || self.desk.overflow.events > 0;
        self.transaction + u64::from(has_more)
    }

    /// The number of the last transaction that is known to be kept.
    #[must_use]
    pub fn last_kept(&self) -> u64 {
        self.transaction - u64::from(self.in_job.as_ref().is_some_and(|job| job.keeps))
    }

    /// Whether every POST has ended and everything is kept.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.in_job.is_none()
            && self.desk.turn.steps.is_empty()
            && self.desk.couriers.values().all(|courier| courier.under_way == 0)
    }

    /// When to ask for orders again, if nothing happens before; milliseconds since the epoch.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        let alarm = self.alarms.first().map(|(at_ms, _)| *at_ms);
        let settles = self.settle.next_ms().filter(|_| self.desk.has_room());
        [alarm, settles].into_iter().flatten().min()
    }

    /// When a look has to begin after which it is sure that somebody has left.
    #[must_use]
    pub fn unsure_ms(&self) -> Option<u64> {
        self.settle.unsure_ms()
    }

    /// What has to be done now.
    pub fn orders(&mut self, now_ms: u64) -> Orders {
        self.desk.turn.now_ms = now_ms;
        self.settle.tick(now_ms, &mut self.desk);
        while self.alarms.first().is_some_and(|(at_ms, _)| *at_ms <= now_ms) {
            let Some((_, endpoint)) = self.alarms.pop_first() else { break };
            self.desk.touched.insert(endpoint);
        }
        for dispatch in std::mem::take(&mut self.desk.kept) {
            self.desk.go(dispatch);
        }
        self.run_couriers(now_ms);
        let job = self.job();
        let turn = &mut self.desk.turn;
        let posts = std::mem::take(&mut turn.posts);
        Orders { job, posts, notices: std::mem::take(&mut turn.notices) }
    }

    /// What waits.
    #[must_use]
    pub fn load(&self) -> Load {
        let couriers = self.desk.couriers.values();
        let queues: Vec<Queue> = couriers.clone().filter_map(queue).collect();
        Load {
            waiting: self.desk.waiting,
            under_way: couriers.clone().map(|courier| courier.under_way).sum(),
            pending_bytes: self.desk.pending_bytes,
            oldest_ms: queues.iter().filter_map(|queue| queue.oldest_ms).min(),
            open_breakers: couriers.filter(|courier| courier.breaker.is_open()).count(),
            channels: self.settle.channels(),
            queues,
        }
    }
}

/// What waits for an endpoint, if anything does or it is not well.
fn queue(courier: &Courier) -> Option<Queue> {
    let oldest_ms = courier.lanes.iter().filter_map(Lane::oldest_ms).min();
    let is_probed = courier.breaker.is_open();
    (oldest_ms.is_some() || is_probed).then(|| Queue {
        endpoint: courier.endpoint.id.clone(),
        waiting: courier.waiting,
        oldest_ms,
        is_probed,
    })
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
