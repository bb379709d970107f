//! What one connection may do and has done so far: `handle(now, text)` answers with the one thing
//! that follows. The worker that owns the socket carries it out; nothing here touches the hub.

use std::sync::Arc;

use bellwire_protocol::client::{self, ClientMessage, Unreadable};
use bellwire_protocol::presence::Member;
use bellwire_protocol::signature::split_auth;
use bellwire_protocol::user::User;
use bellwire_protocol::{
    ChannelKind, ChannelName, Close, Frame, SocketId, UserId, close, limits, server,
};

use crate::app::{App, Live, Settings};
use crate::complaint::{About, Complaint};
use crate::conn::ChannelId;
use crate::hub::{ClientEvent, Told};
use crate::interest::Listener;
use crate::shard::Refusal;
pub use crate::subscriptions::Subscription;
use crate::subscriptions::Subscriptions;

/// What follows from what a client said.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Only an answer.
    Say(Frame),
    /// A complaint, and nothing else.
    Complain(Box<Complaint>),
    /// A subscription that is in order; tell the session how it went.
    Subscribe {
        /// Where.
        channel: ChannelName,
        /// Who, on presence channels.
        member: Option<Member>,
    },
    /// The end of a subscription that there was.
    Unsubscribe(Subscription),
    /// An event for the others on the channel.
    Publish(ClientEvent),
    /// A sign-in that is in order; the session knows the user from now on.
    SignIn {
        /// Who.
        user: Box<User>,
        /// The text that was signed.
        user_data: String,
        /// Whom the connection watched so far.
        before: Vec<UserId>,
    },
    /// The end of the connection.
    Close(Close),
}

/// Who a connection signed in as.
#[derive(Debug)]
pub struct SignedIn {
    /// Id and info.
    pub member: Member,
    /// Whom it watches.
    pub watchlist: Vec<UserId>,
}

/// One connection, without its socket.
#[derive(Debug)]
pub struct Session {
    /// The app it belongs to.
    pub app: Arc<App>,
    /// The name that the client was told.
    pub socket_id: SocketId,
    /// What it listens to.
    subscriptions: Subscriptions,
    /// Who it is, after sign-in.
    user: Option<Box<SignedIn>>,
    /// When the current second of client events began.
    client_events_since_ms: u64,
    /// Client events in that second.
    client_events: u32,
    /// Messages in a row that were not JSON objects.
    bad_in_a_row: u8,
    /// Whether it has proved itself (contract 10.1).
    authorized: bool,
    /// Whether it must do so within a time: the toggle was on when it came (contract 10.3).
    must_authorize: bool,
}

impl Session {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(app: Arc<App>, socket_id: SocketId, must_authorize: bool) -> Self {
        Self {
            app,
            socket_id,
            subscriptions: Subscriptions::default(),
            user: None,
            client_events_since_ms: 0,
            client_events: 0,
            bad_in_a_row: 0,
            authorized: false,
            must_authorize,
        }
    }

    /// Whether the connection still owes its proof.
    #[must_use]
    pub fn owes_authorization(&self) -> bool {
        self.must_authorize && !self.authorized
    }

    /// The connection has proved itself; whether it owed that.
    pub fn authorize(&mut self) -> bool {
        let owed = self.owes_authorization();
        self.authorized = true;
        owed
    }

    /// What it listens to, and leaves it without: for the end of the connection.
    pub fn take_subscriptions(&mut self) -> Vec<Subscription> {
        self.subscriptions.take()
    }

    /// Who it is, and leaves it nobody: for the end of the connection.
    pub fn take_user(&mut self) -> Option<Box<SignedIn>> {
        self.user.take()
    }

    /// Reads one message and says what follows.
    pub fn handle(&mut self, now_ms: u64, text: &str) -> Action {
        let message = match ClientMessage::parse(text) {
            Ok(message) => message,
            Err(error) => return self.unreadable(&error),
        };
        self.bad_in_a_row = 0;
        match message {
            ClientMessage::Ping => Action::Say(server::pong()),
            ClientMessage::Pong => Action::Nothing,
            ClientMessage::Subscribe(wish) => self.subscribe(&wish),
            ClientMessage::Unsubscribe(channel) => self.unsubscribe(&channel),
            ClientMessage::SignIn(wish) => self.sign_in(&wish),
            ClientMessage::ClientEvent(event) => self.client_event(now_ms, &event),
        }
    }

    /// The hub has taken the subscription.
    pub fn subscribed(&mut self, channel: ChannelName, id: ChannelId, user: Option<UserId>) {
        self.subscriptions.push(Subscription { channel, id, user });
    }

    /// The hub has refused the subscription: what the client hears.
    #[must_use]
    pub fn refused(channel: &ChannelName, refusal: &Refusal) -> Box<Complaint> {
        Complaint::subscription(About::Limit, channel.as_str(), refusal.to_string(), 403)
    }

    /// What it listens to.
    pub fn subscriptions(&self) -> impl ExactSizeIterator<Item = &Subscription> {
        self.subscriptions.iter()
    }

    /// Who it is, after sign-in.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref().map(|user| &user.member.id)
    }

    fn unreadable(&mut self, error: &Unreadable) -> Action {
        if matches!(error, Unreadable::NotAnObject(_)) {
            self.bad_in_a_row += 1;
            if self.bad_in_a_row >= limits::BAD_MESSAGES_IN_A_ROW {
                return Action::Close(close::NOT_JSON);
            }
        } else {
            self.bad_in_a_row = 0;
        }
        complain(None, error.to_string())
    }

    fn subscribe(&self, wish: &client::Subscribe<'_>) -> Action {
        match self.checked(wish) {
            Ok((channel, member)) => Action::Subscribe { channel, member },
            Err(Refused::Plain(text)) => complain(None, text),
            Err(Refused::Subscription(about, text)) => {
                Action::Complain(Complaint::subscription(about, &wish.channel, text, 401))
            }
        }
    }

    fn checked(
        &self,
        wish: &client::Subscribe<'_>,
    ) -> Result<(ChannelName, Option<Member>), Refused> {
        let shown: String = wish.channel.chars().take(limits::CHANNEL_NAME_CHARS).collect();
        let channel: ChannelName = wish.channel.parse().map_err(|error| {
            Refused::Subscription(About::Client, format!("Invalid channel name '{shown}': {error}"))
        })?;
        if self.subscriptions.get(&wish.channel).is_some() {
            return Err(Refused::Plain(format!("Existing subscription to channel {channel}")));
        }
        let live = self.app.live();
        let max = live.settings.max_channels_per_connection;
        if max != 0 && self.subscriptions.len() >= max {
            let text = format!("This connection has the maximum of {max} subscriptions");
            return Err(Refused::Subscription(About::Limit, text));
        }
        let member = match channel.kind() {
            ChannelKind::ServerToUser => self.check_own_user(&channel).map(|()| None)?,
            kind if kind.is_presence() => Some(self.check_member(&live, &channel, wish)?),
            kind if kind.needs_auth() => {
                self.check_signature(&live, &channel, wish, None).map(|()| None)?
            }
            _ => None,
        };
        Ok((channel, member))
    }

    /// A server-to-user channel is only for the user it names (contract 6.6).
    fn check_own_user(&self, channel: &ChannelName) -> Result<(), Refused> {
        let own = self.user.as_ref().map(|user| user.member.id.as_str());
        if own.is_some() && own == channel.addressed_user() {
            return Ok(());
        }
        Err(unauthorized(format!(
            "Not allowed to subscribe to {channel}: sign in as that user first"
        )))
    }

    /// Who joins: from `channel_data`, or else from the sign-in (contract 5.10).
    fn check_member(
        &self,
        live: &Live,
        channel: &ChannelName,
        wish: &client::Subscribe<'_>,
    ) -> Result<Member, Refused> {
        let Some(data) = wish.channel_data.as_deref() else {
            self.check_signature(live, channel, wish, None)?;
            let user = self.user.as_ref().ok_or_else(|| {
                let text = "presence channels need channel_data, or a connection that is signed in";
                unauthorized(format!("Cannot subscribe to {channel}: {text}"))
            })?;
            return Ok(user.member.clone());
        };
        self.check_signature(live, channel, wish, Some(data))?;
        Member::parse(data, live.settings.max_user_object_bytes)
            .map_err(|error| Refused::Subscription(About::Client, error.to_string()))
    }

    fn check_signature(
        &self,
        live: &Live,
        channel: &ChannelName,
        wish: &client::Subscribe<'_>,
        channel_data: Option<&str>,
    ) -> Result<(), Refused> {
        let auth = wish.auth.as_deref().unwrap_or_default();
        if auth.is_empty() {
            let text = format!("Auth info required to subscribe to {channel}");
            return Err(unauthorized(text));
        }
        let (key, signature) = split_auth(auth).ok_or_else(|| invalid_auth_format(auth))?;
        let signer = live.signer(key).ok_or_else(|| invalid_key(key))?;
        let socket_id = self.socket_id.to_string();
        if signer.verify_channel(&socket_id, channel.as_str(), channel_data, signature) {
            return Ok(());
        }
        let data = channel_data.map_or(String::new(), |data| format!(":{data}"));
        let signed = format!("{socket_id}:{channel}{data}");
        Err(unauthorized(invalid_signature(&signed, signature)))
    }

    fn unsubscribe(&mut self, channel: &str) -> Action {
        let Some(subscription) = self.subscriptions.remove(channel) else {
            let channel: String = channel.chars().take(limits::CHANNEL_NAME_CHARS).collect();
            let text = format!(
                "No current subscription to channel {channel}, or subscription in progress"
            );
            return complain(None, text);
        };
        Action::Unsubscribe(subscription)
    }

    fn sign_in(&mut self, wish: &client::SignIn<'_>) -> Action {
        match self.check_user(wish) {
            Ok(user) => {
                let before = self.user.take().map_or(Vec::new(), |user| user.watchlist);
                self.user = Some(Box::new(SignedIn {
                    member: user.member.clone(),
                    watchlist: user.watchlist.clone(),
                }));
                Action::SignIn {
                    user: Box::new(user),
                    user_data: wish.user_data.as_ref().to_owned(),
                    before,
                }
            }
            Err(text) => Action::Complain(Complaint::plain(About::Auth, None, text)),
        }
    }

    fn check_user(&self, wish: &client::SignIn<'_>) -> Result<User, String> {
        let live = self.app.live();
        let auth = wish.auth.as_ref();
        let (key, signature) = split_auth(auth).ok_or_else(|| invalid_auth_format(auth).text())?;
        let signer = live.signer(key).ok_or_else(|| invalid_key(key).text())?;
        let socket_id = self.socket_id.to_string();
        if !signer.verify_user(&socket_id, &wish.user_data, signature) {
            let signed = format!("{socket_id}::user::{}", wish.user_data);
            return Err(invalid_signature(&signed, signature));
        }
        let Settings { max_user_object_bytes, max_watchlist, .. } = live.settings;
        let user = User::parse(&wish.user_data, max_user_object_bytes, max_watchlist)
            .map_err(|error| error.to_string())?;
        match &self.user {
            Some(before) if before.member.id != user.member.id => {
                Err(format!("Connection is already signed in as user {}", before.member.id))
            }
            _ => Ok(user),
        }
    }

    fn client_event(&mut self, now_ms: u64, said: &client::ClientEvent<'_>) -> Action {
        match self.check_client_event(now_ms, said) {
            Ok(event) => Action::Publish(event),
            Err((code, text)) => complain(code, text),
        }
    }

    fn check_client_event(
        &mut self,
        now_ms: u64,
        said: &client::ClientEvent<'_>,
    ) -> Result<ClientEvent, (Option<u16>, String)> {
        let live = self.app.live();
        let settings = &live.settings;
        let refuse = |text: &str| Err((None, text.to_owned()));
        if !settings.client_events {
            return refuse(
                "To send client events, you must enable this feature in the Settings page of your \
                 dashboard.",
            );
        }
        let Some(subscription) = self.subscriptions.get(&said.channel) else {
            let channel: String = said.channel.chars().take(limits::CHANNEL_NAME_CHARS).collect();
            return refuse(&format!(
                "Cannot broadcast client event (connection not subscribed to channel {channel})"
            ));
        };
        if !subscription.channel.kind().takes_client_events() {
            return refuse("Client events are only supported on private and presence channels");
        }
        let event = said.event.decode();
        if event.chars().count() > limits::EVENT_NAME_CHARS {
            return refuse("Client event name is longer than 200 characters");
        }
        if said.data.is_longer_than(settings.max_event_bytes) {
            return refuse(&format!(
                "The data of this client event exceeds the allowed maximum ({} bytes)",
                settings.max_event_bytes
            ));
        }
        let max = settings.max_client_events_per_s;
        if !within_rate(&mut self.client_events_since_ms, &mut self.client_events, now_ms, max) {
            let text = format!("Client event rejected: rate limit of {max} per second exceeded");
            return Err((Some(4301), text));
        }
        let (channel, user) = (&subscription.channel, subscription.user.as_ref());
        let is_told = self.app.interest.is_there(Listener::ClientEvents);
        let told =
            || Told { event: event.into(), data: said.data.decode().into(), user: user.cloned() };
        Ok(ClientEvent {
            frame: server::event(&said.event, channel, &said.data, user),
            channel: channel.clone(),
            told: is_told.then(told),
        })
    }
}

/// Why a subscription is refused.
enum Refused {
    /// Said once, without naming the channel: the subscription that there is survives.
    Plain(String),
    /// Said twice, once for clients that listen by channel (contract 4.9).
    Subscription(About, String),
}

impl Refused {
    fn text(self) -> String {
        match self {
            Self::Plain(text) | Self::Subscription(_, text) => text,
        }
    }
}

fn within_rate(since_ms: &mut u64, count: &mut u32, now_ms: u64, max: u32) -> bool {
    // A clock that was set back starts a new second.
    if now_ms >= *since_ms + 1000 || now_ms < *since_ms {
        (*since_ms, *count) = (now_ms, 0);
    }
    *count += 1;
    max == 0 || *count <= max
}

fn invalid_key(key: &str) -> Refused {
    let key: String = key.chars().take(100).collect();
    unauthorized(format!("Invalid key in subscription auth data: '{key}'"))
}

fn invalid_auth_format(auth: &str) -> Refused {
    let auth: String = auth.chars().take(200).collect();
    unauthorized(format!(
        "Invalid signature: Expected auth to be <key>:<signature>, but got '{auth}'"
    ))
}

fn invalid_signature(signed: &str, signature: &str) -> String {
    let signature: String = signature.chars().take(100).collect();
    format!("Invalid signature: Expected HMAC SHA256 hex digest of {signed}, but got {signature}")
}

fn unauthorized(text: String) -> Refused {
    Refused::Subscription(About::Auth, text)
}

/// A complaint about what a client said; those with a code are about a limit (contract 7.7).
fn complain(code: Option<u16>, text: String) -> Action {
    let about = if code.is_some() { About::Limit } else { About::Client };
    Action::Complain(Complaint::plain(about, code, text))
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
