//! A connection, as people see it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::gateway::asking::Seen;
use crate::moment::Moment;

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct ConnectionView {
    /// Its name.
    #[schema(example = "123.456")]
    socket_id: String,
    /// The node that it is on; `null`: there is only one.
    #[schema(required, example = "node-1")]
    node: Option<String>,
    /// `ws`, `xhr_streaming` or `xhr_polling`.
    #[schema(example = "ws")]
    transport: &'static str,
    /// Whether it came by TLS, here or at a trusted proxy.
    tls: bool,
    /// The other end, as far as trusted proxies tell.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    /// The page that it belongs to.
    #[schema(required, example = "https://shop.example")]
    origin: Option<String>,
    /// Name and version of its library.
    #[schema(required, example = "js 8.4.0")]
    client: Option<String>,
    /// When it came.
    connected_at: Moment,
    /// Who it signed in as.
    #[schema(required, example = "ann")]
    user_id: Option<String>,
    /// What it listens to: the first 100 in a list, the first 1,000 of one.
    subscriptions: Vec<SubscriptionView>,
    /// How many subscriptions it has.
    subscription_count: usize,
    /// Messages that it has sent.
    messages_in: u32,
    /// Bytes that wait because it reads too slowly.
    backlog_bytes: usize,
}

/// A channel that a connection listens to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
struct SubscriptionView {
    /// Its name.
    #[schema(example = "presence-lobby")]
    channel: String,
    /// Who the connection is there; `null`: it is no presence channel.
    #[schema(required, example = "ann")]
    user_id: Option<String>,
}

impl ConnectionView {
    /// A connection of this node; `node` is what it is called, if there are others.
    pub(crate) fn of(seen: Seen, node: Option<&str>) -> Self {
        let story = &seen.story;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let subscription = |(channel, user): (_, Option<bellwire_protocol::UserId>)| {
            let channel: bellwire_protocol::ChannelName = channel;
            let user_id = user.map(|user| user.to_string());
            SubscriptionView { channel: channel.to_string(), user_id }
        };
        Self {
            socket_id: seen.socket_id.to_string(),
            node: node.map(str::to_owned),
            transport: seen.transport,
            tls: story.tls,
            address: story.address.map(|address| address.to_canonical().to_string()),
            origin: text(&story.visitor.origin),
            client: text(&story.visitor.client),
            connected_at: Moment(story.connected_at_ms),
            user_id: seen.user.map(|user| user.to_string()),
            messages_in: story.messages_in,
            subscriptions: seen.subscriptions.into_iter().map(subscription).collect(),
            subscription_count: seen.subscription_count,
            backlog_bytes: seen.backlog_bytes,
        }
    }

    /// Shows only half of the subscriptions; whether there were any.
    pub(crate) fn halve(&mut self) -> bool {
        let shown = self.subscriptions.len();
        self.subscriptions.truncate(shown / 2);
        shown > 0
    }
}
