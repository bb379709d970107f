//! What happened, as a closed list: the only thing the hub tells the rest of the house.

use std::sync::Arc;

use bellwire_protocol::{AppId, ChannelName, SocketId, UserId};

use crate::app::App;
use crate::conn::ChannelId;

/// Something that happened in an app. Facts of one channel come in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The app in which it happened.
    pub app: AppId,
    /// The channel on which it happened.
    pub channel: ChannelName,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What.
    pub what: What,
}

/// What happened on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The first subscription of a channel.
    Occupied,
    /// The last subscription ended.
    Vacated,
    /// A user's first connection joined a presence channel.
    MemberAdded(UserId),
    /// A user's last connection left a presence channel.
    MemberRemoved(UserId),
    /// A client sent an event that was passed on.
    ClientEvent {
        /// The event's name.
        event: Box<str>,
        /// The data as subscribers got it.
        data: Box<str>,
        /// The sender's connection.
        socket_id: SocketId,
        /// The sender, on presence channels.
        user: Option<UserId>,
    },
    /// A subscriber found nothing cached.
    CacheMiss,
    /// The cache of an occupied channel holds something again.
    CacheFilled,
    /// How many connections listen now; not throttled.
    SubscriptionCount(usize),
}

impl What {
    /// Every name that [`What::name`] can return.
    pub const NAMES: [&'static str; 8] = [
        "channel_occupied",
        "channel_vacated",
        "member_added",
        "member_removed",
        "client_event",
        "cache_miss",
        "cache_filled",
        "subscription_count",
    ];

    /// Pusher's name for it, where it has one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Occupied => "channel_occupied",
            Self::Vacated => "channel_vacated",
            Self::MemberAdded(_) => "member_added",
            Self::MemberRemoved(_) => "member_removed",
            Self::ClientEvent { .. } => "client_event",
            Self::CacheMiss => "cache_miss",
            Self::CacheFilled => "cache_filled",
            Self::SubscriptionCount(_) => "subscription_count",
        }
    }
}

/// A channel whose first subscribers wait to be admitted until what was told of it is kept.
#[derive(Debug, Clone)]
pub struct Held {
    /// Whose channel it is.
    pub app: Arc<App>,
    /// Its name.
    pub channel: ChannelName,
    /// Its life.
    pub id: ChannelId,
}

/// Takes facts. Called with a shard's lock held, so that facts of a channel keep their order: it
/// must not block and must not call the hub.
pub trait FactSink: Send + Sync {
    /// Something happened.
    fn take(&self, fact: Fact);

    /// A client event was passed on that nobody wants to be told of; for those who count.
    fn pass(&self) {}

    /// Somebody waits for all that was told so far to be kept; then, and from another thread,
    /// [`Hub::release`](crate::Hub::release) must be called.
    fn hold(&self, held: Held);
}
