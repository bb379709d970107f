//! Limits of the protocol in one place; contract, "Limits in one place". Those that an app may
//! change are only the defaults of its settings.

/// Characters of a channel name, prefix included.
pub const CHANNEL_NAME_CHARS: usize = 164;
/// Characters of an event name.
pub const EVENT_NAME_CHARS: usize = 200;
/// UTF-8 bytes of an event's data.
pub const EVENT_DATA_BYTES: usize = 10_240;
/// Channels of one publish.
pub const CHANNELS_PER_PUBLISH: usize = 100;
/// Events of one batch.
pub const EVENTS_PER_BATCH: usize = 10;
/// Distinct users of one presence channel.
pub const PRESENCE_MEMBERS: usize = 100;
/// Bytes of a presence member's `channel_data` and of a signed-in user's `user_data` without the
/// watchlist.
pub const USER_OBJECT_BYTES: usize = 1_024;
/// Characters of a user id.
pub const USER_ID_CHARS: usize = 128;
/// Client events that one connection may send in one second.
pub const CLIENT_EVENTS_PER_S: u32 = 10;
/// Users that one connection may watch.
pub const WATCHLIST_IDS: usize = 100;
/// Seconds that a cache channel remembers its last event.
pub const CACHE_TTL_S: u32 = 1_800;
/// Seconds by which a request's timestamp must be nearer than to the server's clock.
pub const TIMESTAMP_SKEW_S: u64 = 600;
/// Subscribers above which `subscription_count` is throttled.
pub const COUNT_THROTTLE_ABOVE: usize = 100;
/// Milliseconds between two throttled `subscription_count` frames of one channel.
pub const COUNT_THROTTLE_MS: u64 = 5_000;
/// Channels that one connection may subscribe to, unless its app says otherwise.
pub const CHANNELS_PER_CONNECTION: usize = 1_000;
/// Bytes of one message from a client, all of its frames together.
pub const CLIENT_MESSAGE_BYTES: usize = 65_536;
/// Bytes of an API request's body. A batch of ten full events fits, escaped in the worst way.
pub const API_BODY_BYTES: usize = 1_048_576;
/// Messages in a row that are not JSON objects before the connection is closed (contract 3.11).
pub const BAD_MESSAGES_IN_A_ROW: u8 = 10;
/// Seconds of silence after which a client is probed, and that it is told.
pub const ACTIVITY_TIMEOUT_S: u32 = 120;
/// Seconds that a probed client has for its answer.
pub const PONG_TIMEOUT_S: u32 = 30;
