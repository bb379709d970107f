//! One turn of the engine: what it reads and what it orders.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::attempt::Failure;
use crate::batch::{Batch, Gap};
use crate::endpoint::Endpoint;
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::node::NodeId;
use crate::outbox::{Read, Step};
use crate::schedule::Dice;

/// How the engine delivers.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRules {
    /// How long a batch is tried, in milliseconds.
    pub window_ms: u64,
    /// An endpoint that has failed for so long without a break is disabled.
    pub disable_after_ms: u64,
    /// Bytes of events that may wait for the store.
    pub pending_bytes_max: usize,
    /// Events that may wait in memory for their batches, of all endpoints together.
    pub waiting_max: usize,
}

impl Default for DeliveryRules {
    fn default() -> Self {
        Self {
            window_ms: 290_000,
            disable_after_ms: 5 * 24 * 3_600_000,
            pending_bytes_max: 64 << 20,
            waiting_max: 200_000,
        }
    }
}

/// One POST to be made.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// What is sent.
    pub batch: Arc<Batch>,
    /// Where to, and how it is signed.
    pub endpoint: Arc<Endpoint>,
    /// 1, 2, 3, …
    pub attempt: u32,
    /// The `time_ms` of the body.
    pub time_ms: u64,
    /// What the receiver misses.
    pub gap: Option<Gap>,
}

/// What people and metrics may hear of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A batch has arrived.
    Delivered {
        /// Where.
        endpoint: EndpointId,
        /// What.
        batch: BatchId,
        /// Events in it.
        events: usize,
        /// Attempts that it took.
        attempts: u32,
        /// Milliseconds since it was cut.
        took_ms: u64,
    },
    /// An attempt has failed and another follows.
    Retried {
        /// Where.
        endpoint: EndpointId,
        /// What.
        batch: BatchId,
        /// Attempts so far.
        attempts: u32,
        /// Why.
        failure: Failure,
        /// The status, if there was one.
        status: Option<u16>,
        /// Milliseconds until the next.
        next_in_ms: u64,
    },
    /// A batch is given up.
    GivenUp {
        /// Where.
        endpoint: EndpointId,
        /// What.
        batch: BatchId,
        /// Events in it.
        events: usize,
        /// `expired`, `refused` or `disabled`.
        reason: &'static str,
    },
    /// The breaker of an endpoint has opened or closed.
    Breaker {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Whether it opened.
        open: bool,
    },
    /// An endpoint has failed for a day or more without a break.
    FailingLong {
        /// Which endpoint.
        endpoint: EndpointId,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The server has disabled an endpoint.
    Disabled {
        /// Which endpoint.
        endpoint: EndpointId,
        /// `gone` or `failing`.
        reason: &'static str,
    },
    /// Events had to be let go because too much waited for the store.
    Overflowed {
        /// How many.
        events: u64,
    },
    /// What a node has said cannot be read, and is passed over.
    Unreadable {
        /// Which node.
        node: NodeId,
        /// Which row of its feed.
        n: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// Whose question to the store it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// A lane of an endpoint.
    Lane(EndpointId, u8),
    /// A replay to an endpoint.
    Replay(EndpointId, ReplayId),
}

/// What a turn has gathered.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The time of this turn.
    pub(crate) now_ms: u64,
    /// The engine's rules.
    pub(crate) rules: DeliveryRules,
    /// Chance.
    pub(crate) dice: Dice,
    /// The last id that was given to a batch.
    pub(crate) last_batch: BatchId,
    /// What must be kept.
    pub(crate) steps: Vec<Step>,
    /// What was cut, to be sent once it is kept.
    pub(crate) cut: Vec<Dispatch>,
    /// What can be sent at once.
    pub(crate) posts: Vec<Dispatch>,
    /// What must be read, after what must be kept.
    pub(crate) reads: Vec<(Asker, Read)>,
    /// What people may hear.
    pub(crate) notices: VecDeque<Notice>,
}

impl Turn {
    pub(crate) fn new(rules: DeliveryRules, seed: u64, last_batch: BatchId) -> Self {
        Self {
            now_ms: 0,
            rules,
            dice: Dice::new(seed),
            last_batch,
            steps: Vec::new(),
            cut: Vec::new(),
            posts: Vec::new(),
            reads: Vec::new(),
            notices: VecDeque::new(),
        }
    }

    /// A name for the next batch.
    pub(crate) fn batch_id(&mut self) -> BatchId {
        self.last_batch = BatchId::after(self.last_batch, self.now_ms);
        self.last_batch
    }

    /// Tells people.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }
}
