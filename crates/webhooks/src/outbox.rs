//! The port to the place where webhooks are kept until they are delivered. One thread writes; it
//! groups what came together into one transaction.

use std::sync::Arc;

use bellwire_protocol::{AppId, ChannelName, UserId};

use crate::attempt::Attempt;
use crate::batch::{Batch, Gap, Outcome};
use crate::event::Event;
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::node::{NodeId, NodeState};
use crate::replay::{Progress, Replay};

/// What is kept together: all of it or nothing survives.
#[derive(Debug, Default)]
pub struct Transaction {
    /// 1, 2, 3, … within the life of the store, one more than the last that was kept.
    pub number: u64,
    /// In this order.
    pub steps: Vec<Step>,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Step {
    /// Adds to the log. `Occupied` and `MemberAdded` also add to what is announced, `Vacated` and
    /// `MemberRemoved` take from it; to add what is there or to take what is not there is an error
    /// of the whole transaction.
    Append(Arc<Event>),
    /// Places of a log that will stay empty, because there was no room to wait: the counter of the
    /// app moves to `last`.
    Skip {
        /// Whose log.
        app: AppId,
        /// The last place that was skipped.
        last: u64,
    },
    /// A batch is cut.
    Cut(Arc<Batch>),
    /// An attempt was made.
    Attempt(Arc<Attempt>),
    /// A batch has ended.
    End {
        /// Which.
        batch: BatchId,
        /// How.
        outcome: Outcome,
        /// When, in milliseconds since the epoch.
        at_ms: u64,
    },
    /// Events after this place wait that are in no batch yet: in every lane of the endpoint those
    /// that also come after the last that was cut there. Replaces what was said of it before. One
    /// row an endpoint, not one a lane, so that an event costs nothing for those behind.
    Behind {
        /// Who.
        endpoint: EndpointId,
        /// No event up to this place waits.
        after: u64,
    },
    /// No event waits for an endpoint any more.
    CaughtUp {
        /// Who.
        endpoint: EndpointId,
    },
    /// A receiver misses something; the next batch of the lane will name it. Replaces what was said
    /// of the lane before.
    Owes {
        /// Whose lane.
        endpoint: EndpointId,
        /// Which.
        lane: u8,
        /// What it misses.
        gap: Gap,
    },
    /// A batch that was just cut names what the lane owed.
    Paid {
        /// Whose lane.
        endpoint: EndpointId,
        /// Which.
        lane: u8,
    },
    /// A gap for people to see: what was lost, and why.
    Lost {
        /// Whose.
        endpoint: EndpointId,
        /// What.
        gap: Gap,
        /// `expired`, `refused`, `disabled`, `overflow` or `retention`.
        reason: &'static str,
        /// When, in milliseconds since the epoch.
        at_ms: u64,
    },
    /// Every attempt has failed since then; none: one went well.
    Failing {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Since when.
        since_ms: Option<u64>,
    },
    /// An endpoint is disabled by the server.
    Disable {
        /// Which.
        endpoint: EndpointId,
        /// `gone` or `failing`.
        reason: &'static str,
        /// When, in milliseconds since the epoch.
        at_ms: u64,
    },
    /// A replay has come further.
    Replayed {
        /// Which.
        replay: ReplayId,
        /// How far.
        progress: Progress,
    },
    /// What a node said up to here is heard, and all that follows from it is in this transaction or
    /// was before: those rows of its feed go. Only in a cluster.
    Heard {
        /// Whose feed.
        node: NodeId,
        /// The last row that was heard.
        n: u64,
    },
}

/// A row of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Who said it.
    pub node: NodeId,
    /// Its place in the feed of that node.
    pub n: u64,
    /// What was said, as [`feed::encode`](crate::feed::encode) wrote it.
    pub body: Vec<u8>,
}

/// What a former run has left.
#[derive(Debug, Default)]
pub struct Remains {
    /// The number of the last transaction that was kept.
    pub last_transaction: u64,
    /// The last place of each app's log that is taken.
    pub last_seqs: Vec<(AppId, u64)>,
    /// The largest id of any batch.
    pub last_batch: Option<BatchId>,
    /// Batches that have not ended, oldest first, each with the attempts that were made.
    pub open: Vec<(Batch, u32)>,
    /// Endpoints for which events wait, with the place after which they do.
    pub behind: Vec<(EndpointId, u64)>,
    /// What lanes owe.
    pub owed: Vec<(EndpointId, u8, Gap)>,
    /// The last place that was sent in a lane.
    pub previous: Vec<(EndpointId, u8, u64)>,
}

/// A question to the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Events of a lane after a place.
    Lane {
        /// Whose log.
        app: AppId,
        /// Which lane.
        lane: u8,
        /// Only later ones.
        after: u64,
        /// At most as many.
        limit: u32,
    },
    /// The next of what a replay repeats, after its cursor.
    Replay {
        /// Which replay; its filter and its cursor count.
        replay: Box<Replay>,
        /// At most as many.
        limit: u32,
    },
}

/// The answer.
#[derive(Debug)]
pub enum Found {
    /// Events, ascending.
    Events(Vec<Event>),
    /// Batches that ended, ascending by id.
    Batches(Vec<Batch>),
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Delivered batches, and events that no lane waits for, in milliseconds.
    pub delivered_ms: u64,
    /// Everything else, in milliseconds.
    pub failed_ms: u64,
    /// Bytes of the log and the deliveries together; above, the oldest go first.
    pub bytes_max: u64,
}

/// What a sweep took away although somebody waited for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that went, waited for or not.
    pub rows: u64,
    /// Lanes whose waiting events went: the endpoint, the lane, what it misses.
    pub lost: Vec<(EndpointId, u8, Gap)>,
}

/// What can go wrong in the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// It has failed; nothing is known of the last transaction until the same is offered again.
    #[error("the outbox failed: {0}")]
    Failed(String),
    /// It has gone back behind what it had kept, like a copy that lagged behind its model. What is
    /// offered follows from what is not there any more, and will never be kept.
    #[error("the outbox has lost what it had kept")]
    Forgotten,
}

impl OutboxError {
    /// Whether it may go well if the same is tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// Where webhooks are kept. One owner, one thread.
pub trait Outbox: Send {
    /// What a former run has left. `announced` hears everything that was announced and not taken
    /// back: members with a user.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError>;

    /// Keeps a transaction so that it survives, per the durability that was chosen. After an error
    /// the same number is offered again, with the same steps: the store finds out by itself whether
    /// it had arrived. One that has gone back behind what this outbox has seen says so, here and
    /// elsewhere.
    ///
    /// # Errors
    /// When it is not known to be kept.
    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError>;

    /// Answers a question.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn read(&mut self, read: &Read) -> Result<Found, OutboxError>;

    /// Takes away what is too old or too much, a part at a time: call again while `rows` is not 0.
    /// What somebody waited for is recorded as lost (`retention`) in the same transaction.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Result<Swept, OutboxError>;

    /// What nodes have said and nobody has heard: rows of all feeds, at most `limit`, those of a node
    /// ascending by their places without a hole. Of a node that `after` names only later ones; so
    /// nothing of one with `u64::MAX`. No feed may starve for the others: roughly in the order in
    /// which they came.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn feeds(&mut self, after: &[(NodeId, u64)], limit: u32) -> Result<Vec<FeedRow>, OutboxError> {
        let _ = (after, limit);
        Ok(Vec::new())
    }

    /// The nodes and how they are. Once it says that a node has left or is gone, or does not name it
    /// any more, nothing is added to the feed of that node.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn roll(&mut self) -> Result<Vec<(NodeId, NodeState)>, OutboxError> {
        Ok(Vec::new())
    }
}

/// One thing that was announced and not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// In which app.
    pub app: AppId,
    /// Which channel is occupied.
    pub channel: ChannelName,
    /// Which user is a member of it; none: the channel itself.
    pub user: Option<UserId>,
    /// The place in the log of the event that said so.
    pub seq: u64,
}
