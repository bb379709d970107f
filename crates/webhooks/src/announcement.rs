//! What is announced, before it has its place in the log.

use bellwire_protocol::json::push_string;
use bellwire_protocol::{AppId, ChannelName, SocketId, UserId};

use crate::event::{COUNT_CHANGED, Kind};

/// An event without its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Whose log.
    pub app: AppId,
    /// What happened.
    pub kind: Kind,
    /// Where.
    pub channel: ChannelName,
    /// Who, where it is about somebody.
    pub user: Option<UserId>,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// Only the log hears of it.
    pub quietly: bool,
    /// The object that receivers get.
    pub body: Box<str>,
}

impl Announcement {
    /// A channel was occupied or vacated, a member was added or removed.
    pub(crate) fn standing(
        app: AppId,
        channel: ChannelName,
        user: Option<UserId>,
        arrives: bool,
        at_ms: u64,
        quietly: bool,
    ) -> Self {
        let kind = match (user.is_some(), arrives) {
            (false, true) => Kind::Occupied,
            (false, false) => Kind::Vacated,
            (true, true) => Kind::MemberAdded,
            (true, false) => Kind::MemberRemoved,
        };
        let mut body = Body::new(kind, &channel);
        if let Some(user) = &user {
            body.text("user_id", user.as_str());
        }
        Self { app, kind, channel, user, at_ms, quietly, body: body.done() }
    }

    /// A client event: `data` is the string that subscribers got (contract 16.9).
    pub(crate) fn client_event(
        app: AppId,
        channel: ChannelName,
        at_ms: u64,
        event: &str,
        data: &str,
        socket_id: SocketId,
        user: Option<UserId>,
    ) -> Self {
        let mut body = Body::new(Kind::ClientEvent, &channel);
        body.text("event", event).text("data", data).text("socket_id", &socket_id.to_string());
        if let Some(user) = &user {
            body.text("user_id", user.as_str());
        }
        let body = body.done();
        Self { app, kind: Kind::ClientEvent, channel, user, at_ms, quietly: false, body }
    }

    /// A subscriber found nothing cached.
    pub(crate) fn cache_miss(app: AppId, channel: ChannelName, at_ms: u64) -> Self {
        let body = Body::new(Kind::CacheMiss, &channel).done();
        Self { app, kind: Kind::CacheMiss, channel, user: None, at_ms, quietly: false, body }
    }

    /// How many listen.
    pub(crate) fn count(app: AppId, channel: ChannelName, at_ms: u64, count: usize) -> Self {
        let kind = Kind::SubscriptionCount;
        let name = channel.as_str();
        let body = format!(
            r#"{{"channel":"{name}","name":"{}","subscription_count":{count}}}"#,
            kind.name()
        );
        Self { app, kind, channel, user: None, at_ms, quietly: false, body: body.into() }
    }
}

/// The object of a count with the name that another host gives it.
#[must_use]
pub fn count_changed(body: &str) -> String {
    // A channel's name has no quotes, so the first match is the name of the event.
    let pusher = format!("\"name\":\"{}\"", Kind::SubscriptionCount.name());
    body.replacen(&pusher, &format!("\"name\":\"{COUNT_CHANGED}\""), 1)
}

/// The object of an event while it is written.
struct Body(Vec<u8>);

impl Body {
    fn new(kind: Kind, channel: &ChannelName) -> Self {
        let mut body = Vec::with_capacity(64 + channel.as_str().len());
        body.extend_from_slice(b"{\"name\":");
        push_string(&mut body, kind.name());
        body.extend_from_slice(b",\"channel\":");
        push_string(&mut body, channel.as_str());
        Self(body)
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.0.push(b',');
        push_string(&mut self.0, key);
        self.0.push(b':');
        push_string(&mut self.0, value);
        self
    }

    fn done(&mut self) -> Box<str> {
        self.0.push(b'}');
        // JSON of texts is text.
        String::from_utf8(std::mem::take(&mut self.0)).unwrap_or_default().into()
    }
}
