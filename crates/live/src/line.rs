//! One line of a console: something that happened in an app, for a person who looks.

use std::sync::Arc;

use bellwire_protocol::SocketId;

/// What a line is about; Pusher's fourteen log types. Nodes call them by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogType {
    /// A client has connected.
    Connection,
    /// A client is gone.
    Disconnection,
    /// A channel has its first subscriber.
    Occupied,
    /// A channel has lost its last subscriber.
    Vacated,
    /// A client listens to a channel.
    Subscribed,
    /// A client listens to a channel no more.
    Unsubscribed,
    /// An event of the HTTP API.
    ApiMessage,
    /// An event of a client.
    ClientEvent,
    /// A member came or went.
    Presence,
    /// A connection was refused, or closed because of a mistake.
    Error,
    /// A request of the HTTP API was refused.
    ApiError,
    /// A client was told that it did something wrong.
    ClientError,
    /// A webhook was accepted.
    WebhookSent,
    /// A webhook was not.
    WebhookFailed,
}

impl LogType {
    /// Every type.
    pub const ALL: [Self; 14] = [
        Self::Connection,
        Self::Disconnection,
        Self::Occupied,
        Self::Vacated,
        Self::Subscribed,
        Self::Unsubscribed,
        Self::ApiMessage,
        Self::ClientEvent,
        Self::Presence,
        Self::Error,
        Self::ApiError,
        Self::ClientError,
        Self::WebhookSent,
        Self::WebhookFailed,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Disconnection => "disconnection",
            Self::Occupied => "occupied",
            Self::Vacated => "vacated",
            Self::Subscribed => "subscribed",
            Self::Unsubscribed => "unsubscribed",
            Self::ApiMessage => "api_message",
            Self::ClientEvent => "client_event",
            Self::Presence => "presence",
            Self::Error => "error",
            Self::ApiError => "api_error",
            Self::ClientError => "client_error",
            Self::WebhookSent => "webhook_sent",
            Self::WebhookFailed => "webhook_failed",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place; grows. 0 until it has one.
    pub id: u64,
    /// When it happened.
    pub at_ms: u64,
    /// The other node that it is from; none: this one.
    pub node: Option<Arc<str>>,
    /// What it is about.
    pub kind: LogType,
    /// The connection that it is about.
    pub socket: Option<SocketId>,
    /// The channel that it is about.
    pub channel: Option<Box<str>>,
    /// The name of an event.
    pub event: Option<Box<str>>,
    /// The user that it is about.
    pub user: Option<Box<str>>,
    /// The rest, in words.
    pub detail: String,
    /// The data of an event, or its beginning.
    pub payload: Option<Box<str>>,
    /// Whether the payload is only the beginning.
    pub truncated: bool,
    /// Bytes of the whole payload.
    pub bytes: usize,
}

/// Bytes of a payload that are kept.
pub const PAYLOAD_BYTES: usize = 4_096;
/// Bytes of a name or a detail that are kept: what clients say may be long.
const TEXT_BYTES: usize = 512;

impl Line {
    /// A line with nothing but a sentence.
    #[must_use]
    pub fn new(kind: LogType, at_ms: u64, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(beginning(&detail, TEXT_BYTES).len());
        Self {
            id: 0,
            at_ms,
            node: None,
            kind,
            socket: None,
            channel: None,
            event: None,
            user: None,
            detail,
            payload: None,
            truncated: false,
            bytes: 0,
        }
    }

    /// Of a connection.
    #[must_use]
    pub fn socket(mut self, socket: Option<SocketId>) -> Self {
        self.socket = socket;
        self
    }

    /// Of a channel.
    #[must_use]
    pub fn channel(mut self, channel: &str) -> Self {
        self.channel = Some(beginning(channel, TEXT_BYTES).into());
        self
    }

    /// Of an event.
    #[must_use]
    pub fn event(mut self, event: &str) -> Self {
        self.event = Some(beginning(event, TEXT_BYTES).into());
        self
    }

    /// Of a user.
    #[must_use]
    pub fn user(mut self, user: Option<&str>) -> Self {
        self.user = user.map(|user| beginning(user, TEXT_BYTES).into());
        self
    }

    /// With data; cut before it is copied.
    #[must_use]
    pub fn payload(mut self, payload: &str) -> Self {
        let kept = beginning(payload, PAYLOAD_BYTES);
        self.truncated = kept.len() < payload.len();
        self.bytes = payload.len();
        self.payload = Some(kept.into());
        self
    }
}

/// As much of a text as fits, in whole characters.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// What somebody wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    types: Vec<LogType>,
    channel: String,
    q: String,
}

impl Filter {
    /// Lines of these types (none: all), of channels with this in their name, and with this text
    /// anywhere, in whatever case. An empty text is no wish.
    #[must_use]
    pub fn new(types: Vec<LogType>, channel: &str, q: &str) -> Self {
        Self { types, channel: channel.to_lowercase(), q: q.to_lowercase() }
    }

    /// Whether a line is wanted.
    #[must_use]
    pub fn takes(&self, line: &Line) -> bool {
        (self.types.is_empty() || self.types.contains(&line.kind))
            && (self.channel.is_empty() || has(line.channel.as_deref(), &self.channel))
            && (self.q.is_empty() || self.is_somewhere(line))
    }

    fn is_somewhere(&self, line: &Line) -> bool {
        let socket = line.socket.map(|socket| socket.to_string());
        let texts = [
            Some(line.kind.name()),
            Some(&line.detail),
            line.channel.as_deref(),
            line.event.as_deref(),
            line.user.as_deref(),
            line.payload.as_deref(),
            socket.as_deref(),
        ];
        texts.into_iter().any(|text| has(text, &self.q))
    }
}

fn has(text: Option<&str>, part: &str) -> bool {
    text.is_some_and(|text| text.to_lowercase().contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line::new(LogType::ClientEvent, 5, "to 3 others")
            .channel("private-Chat")
            .event("client-typing")
            .user(Some("ann"))
            .payload("{\"a\":1}")
    }

    #[test]
    fn a_long_payload_is_cut_in_whole_characters() {
        let long = "é".repeat(4_000);
        let line = line().payload(&long);
        assert_eq!((line.bytes, line.truncated), (8_000, true));
        assert_eq!(line.payload.unwrap().len(), 4_096);
        let odd = Line::new(LogType::Error, 0, "x".to_owned() + &long);
        assert_eq!(odd.detail.len(), 511);
    }

    #[test]
    fn a_filter_takes_what_fits_all_of_its_wishes() {
        let takes =
            |types: &[LogType], channel, q| Filter::new(types.to_vec(), channel, q).takes(&line());
        assert!(Filter::default().takes(&line()));
        assert!(takes(&[LogType::ClientEvent], "chat", "TYPING"));
        assert!(takes(&[], "", "client_event") && takes(&[], "", "ann") && takes(&[], "", "\"a\""));
        assert!(!takes(&[LogType::Presence], "", ""));
        assert!(!takes(&[], "other", ""));
        assert!(!takes(&[], "", "elsewhere"));
    }

    #[test]
    fn every_type_has_a_name_of_its_own() {
        for kind in LogType::ALL {
            assert_eq!(LogType::named(kind.name()), Some(kind));
        }
    }
}
