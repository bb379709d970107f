//! What is announced to the outside: one entry of the log, finished as JSON.

use bellwire_protocol::{AppId, ChannelName, UserId};

/// Lanes of an endpoint: events of one channel share one, so they keep their order.
pub const LANES: u8 = 64;

/// One entry of an app's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose log.
    pub app: AppId,
    /// Its place in the log: 1, 2, 3, … within the app. A number that is missing was lost.
    pub seq: u64,
    /// What happened.
    pub kind: Kind,
    /// Where.
    pub channel: ChannelName,
    /// Who was added or removed; the sender of a client event on a presence channel.
    pub user: Option<UserId>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The object that receivers get in `events`, with Pusher's name for its kind.
    pub body: Box<str>,
}

impl Event {
    /// The lane in which every endpoint gets it.
    #[must_use]
    pub fn lane(&self) -> u8 {
        lane_of(self.channel.as_str())
    }
}

/// The lane of a channel: FNV-1a and one round of mixing, which must never change, because lanes
/// outlive the process. FNV alone hardly moves its upper bits for the last characters of a name, so
/// `room-1` to `room-99` would share two lanes.
#[must_use]
pub fn lane_of(channel: &str) -> u8 {
    let hash = channel.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed >> 58) % u64::from(LANES)) as u8
}

/// The kinds of webhook events (contract 16.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `channel_occupied`
    Occupied,
    /// `channel_vacated`
    Vacated,
    /// `member_added`
    MemberAdded,
    /// `member_removed`
    MemberRemoved,
    /// `client_event`
    ClientEvent,
    /// `cache_miss`
    CacheMiss,
    /// `subscription_count`
    SubscriptionCount,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Occupied,
        Self::Vacated,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::ClientEvent,
        Self::CacheMiss,
        Self::SubscriptionCount,
    ];

    /// Pusher's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Occupied => "channel_occupied",
            Self::Vacated => "channel_vacated",
            Self::MemberAdded => "member_added",
            Self::MemberRemoved => "member_removed",
            Self::ClientEvent => "client_event",
            Self::CacheMiss => "cache_miss",
            Self::SubscriptionCount => "subscription_count",
        }
    }

    /// The kind with Pusher's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Another host's name for `subscription_count`.
pub const COUNT_CHANGED: &str = "subscription_count_changed";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn channels_that_differ_in_a_number_only_are_spread_over_the_lanes() {
        for name in ["room", "presence-chat", "private-user-0"] {
            let lanes: HashSet<u8> = (0..100).map(|n| lane_of(&format!("{name}-{n}"))).collect();
            assert!(lanes.len() >= 40, "{name}: {} lanes", lanes.len());
        }
        assert!((0..10_000).all(|n| lane_of(&format!("room-{n}")) < LANES));
    }
}
