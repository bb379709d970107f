//! The port through which the hub speaks to the workers that own the sockets.

use std::sync::Arc;

use bellwire_protocol::{Close, Frame};
use smallvec::SmallVec;

use crate::app::App;
use crate::conn::{ChannelId, Conn};

/// What kind of traffic a delivery is, for the counters (contract 17.2, 17.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// An event from the HTTP API.
    Broadcast,
    /// An event from another client.
    Client,
    /// A member came or went.
    Presence,
    /// Counts and other news that no quota counts.
    Internal,
}

/// What a worker is told. Messages of one channel reach every worker in one order, because they are
/// pushed while the channel's shard is locked.
#[derive(Debug, Clone)]
pub enum Message {
    /// A frame for every member of a channel on this worker.
    Deliver {
        /// Whose members.
        channel: ChannelId,
        /// What they hear.
        frame: Frame,
        /// Who must not hear it.
        except: Option<Conn>,
        /// How it counts.
        traffic: Traffic,
        /// How many members that are.
        hearers: u32,
    },
    /// A connection becomes a member of a channel and hears these frames first.
    Admit {
        /// Who.
        conn: Conn,
        /// Where.
        channel: ChannelId,
        /// The app that the channel belongs to.
        app: Arc<App>,
        /// `subscription_succeeded`, then the cached event or the miss.
        frames: SmallVec<[Frame; 2]>,
    },
    /// A connection is a member no more.
    Dismiss {
        /// Who.
        conn: Conn,
        /// Where.
        channel: ChannelId,
    },
    /// A frame for one connection.
    Say {
        /// Who hears it.
        conn: Conn,
        /// What it hears.
        frame: Frame,
    },
    /// A connection ends.
    Close {
        /// Which.
        conn: Conn,
        /// Why.
        close: Close,
    },
    /// All connections of an app end: it was disabled or deleted.
    CloseApp {
        /// The app.
        app: Arc<App>,
        /// Why.
        close: Close,
    },
}

/// Takes messages to workers. Called with a shard's lock held: it must not block and must not call
/// the hub.
pub trait Outlet: Send + Sync {
    /// How many workers there are; their numbers count from 0.
    fn workers(&self) -> u8;
    /// Hands a message to a worker, in order.
    fn push(&self, worker: u8, message: Message);
}
