//! The port to the other nodes of a cluster: what they are to hear of this one, and who they are.
//! A node that stands alone has no peers, and nothing here costs it anything.

use std::sync::Arc;

use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, SocketId, UserId};

use crate::app::App;
use crate::cache::Stamp;
use crate::fact::Held;
use crate::outlet::Traffic;

/// Takes what other nodes are to hear. Called with a lock of the hub held, so that news of a channel
/// keep their order: it must not block and must not call the hub.
pub trait Peers: Send + Sync {
    /// Other nodes are to hear this.
    fn tell(&self, news: News);
}

/// Something in an app that other nodes are to hear.
#[derive(Debug, Clone)]
pub struct News {
    /// In which app.
    pub app: Arc<App>,
    /// What.
    pub what: Saying,
}

/// What other nodes are to hear. Counts and comings are of this node alone: what was said before on
/// another node changes none of it.
#[derive(Debug, Clone)]
pub enum Saying {
    /// The first subscription of a channel here. It waits, and those that follow it wait, until all
    /// that others say there is heard; then, and from another thread,
    /// [`Hub::release`](crate::Hub::release) must be called.
    Opens(Held),
    /// Nobody listens to a channel here any more.
    Closes(ChannelName),
    /// How many connections listen to a channel here.
    Listeners(ChannelName, u32),
    /// The first connection of a user here has joined a presence channel.
    Joined(ChannelName, Member),
    /// The last connection of a user here has left a presence channel.
    Left(ChannelName, UserId),
    /// The first connection of a user here has signed in.
    Online(UserId),
    /// The last connection of a user here is gone.
    Offline(UserId),
    /// An event for a channel.
    Event(Event),
    /// Every connection that signed in as a user has to end.
    Terminate(Box<str>),
}

/// An event on its way to the other nodes, or from one of them.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where.
    pub channel: ChannelName,
    /// What subscribers hear.
    pub frame: Frame,
    /// Who must not hear it, wherever it is.
    pub except: Option<SocketId>,
    /// How it counts.
    pub traffic: Traffic,
    /// On cache channels: which of two events is the later one.
    pub stamp: Option<Stamp>,
}

/// Another node, as this hub calls it: less than [`Seat::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat(u8);

impl Seat {
    /// Other nodes at one time.
    pub const MAX: u8 = 32;

    /// The seat with a number, if there is one.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number < Self::MAX).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

/// Some of the other nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seats(u32);

impl Seats {
    pub(crate) fn add(&mut self, seat: Seat) {
        self.0 |= 1 << seat.0;
    }

    pub(crate) fn remove(&mut self, seat: Seat) {
        self.0 &= !(1 << seat.0);
    }

    pub(crate) fn has(self, seat: Seat) -> bool {
        self.0 & (1 << seat.0) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What another node has said of a channel: somebody listens there, these users are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The app's handle.
    pub app: u32,
    /// The channel.
    pub channel: ChannelName,
    /// The users of a presence channel.
    pub users: Vec<UserId>,
}
