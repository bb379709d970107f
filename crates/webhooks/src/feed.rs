//! What a node tells the desk: rows of entries, in the order in which things happened there, written
//! where no node can lose them.

mod code;
pub(crate) mod feeder;
pub(crate) mod shell;

use bellwire_hub::Fact;
use bellwire_protocol::AppId;

pub use self::code::{BadRow, decode, encode};
use crate::outbox::OutboxError;

/// One row of a feed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Row {
    /// When it was written, by the clock of its node, in milliseconds since the epoch. The times of
    /// its facts are by that clock too.
    pub said_ms: u64,
    /// In the order in which things happened.
    pub entries: Vec<Entry>,
}

/// What a node tells the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Something happened.
    Fact {
        /// What.
        fact: Fact,
        /// It happened before anybody wanted to know.
        quietly: bool,
    },
    /// Events of a lane came when there was no room even to say so.
    Lost {
        /// In which app.
        app: AppId,
        /// In which lane.
        lane: u8,
        /// How many.
        count: u64,
    },
    /// Here begins the present state of the node.
    RetellBegins,
    /// There it ends: what was said before it began and not again since is not there any more.
    RetellEnds,
    /// The node drains: who leaves from here on was told to come back, and is not said to leave.
    Drains,
    /// Nothing is there of an app, but for what is said from here on: somebody began or ceased to
    /// want to hear of it.
    Anew {
        /// Which app.
        app: AppId,
    },
}

/// A node's end of its feed.
pub trait Feed: Send {
    /// Adds the row with the number `n`: 1, 2, 3, … within the life of the node. The same row may be
    /// offered again, and is there once.
    ///
    /// # Errors
    /// When it is not known to be kept; also when the lease of the node is over, or when rows that
    /// were kept before are neither there nor heard.
    fn append(&mut self, n: u64, body: &[u8]) -> Result<(), OutboxError>;

    /// The run of the desk that hears the feeds now. It wants to hear the present state of every
    /// node once.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn desk(&mut self) -> Result<u64, OutboxError>;

    /// The last row of this feed that is heard, with all before it; 0: none is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn heard(&mut self) -> Result<u64, OutboxError>;
}
