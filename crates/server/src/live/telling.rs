//! What others tell: each thing becomes a line for those who look, and what went wrong an entry of
//! the error log. Told in the midst of turns and under the hub's locks, so that nothing here waits.

use std::borrow::Cow;
use std::net::IpAddr;

use bellwire_hub::App;
use bellwire_hub::complaint::About;
use bellwire_hub::fact::What;
use bellwire_hub::session::Subscription;
use bellwire_hub::statistics::Counted;
use bellwire_hub::{ChannelInfo, Fact};
use bellwire_live::errors::{ErrorKind, Example, Mishap};
use bellwire_live::line::{Line, LogType};
use bellwire_protocol::publish::Publish;
use bellwire_protocol::{ChannelName, Close, Frame};
use bellwire_webhooks::attempt::Answer as Posted;
use bellwire_webhooks::turn::Dispatch;
use http::StatusCode;
use serde::Deserialize;

use super::Live;
use crate::gateway::witness::{Sight, Story, Trouble, Who, Witness};

/// Channels that the line of a disconnection names.
const CHANNELS_NAMED: usize = 10;

impl Witness for Live {
    fn see(&self, app: &App, who: Who<'_>, sight: &Sight<'_>) {
        let Some(console) = self.consoles.of(&app.id) else { return };
        let kind = kind_of(sight);
        console.add(who.at_ms, kind, || seen(kind, who, sight).socket(who.socket));
    }

    fn note(&self, app: &App, who: Who<'_>, trouble: &Trouble<'_>) {
        let (kind, code, message) = mistake(trouble);
        let channel = match trouble {
            Trouble::Complaint(complaint) => complaint.channel.as_deref(),
            _ => None,
        };
        let example = || Example {
            socket_id: who.socket.map(|socket| socket.to_string()),
            address: who.story.address.map(|address| address.to_string()),
            channel: channel.map(str::to_owned),
            origin: who.story.visitor.origin.as_deref().map(str::to_owned),
        };
        let at_ms = who.at_ms;
        self.errors().note(&app.id, at_ms, || {
            let message = &message;
            Mishap { kind, code, message, example: example() }
        });
        let Some(console) = self.consoles.of(&app.id) else { return };
        let kind = match trouble {
            Trouble::Complaint(_) => LogType::ClientError,
            _ => LogType::Error,
        };
        console.add(at_ms, kind, || {
            let line = Line::new(kind, at_ms, with_code(code, &message)).socket(who.socket);
            match channel {
                Some(channel) => line.channel(channel),
                None => line,
            }
        });
    }
}

impl Live {
    /// Something happened on a channel.
    pub(crate) fn happened(&self, fact: &Fact) {
        let Some(console) = self.consoles.of(&fact.app) else { return };
        let (kind, detail, user) = match &fact.what {
            What::Occupied => (LogType::Occupied, "Channel occupied", None),
            What::Vacated => (LogType::Vacated, "Channel vacated", None),
            What::MemberAdded(user) => (LogType::Presence, "Member added", Some(user)),
            What::MemberRemoved(user) => (LogType::Presence, "Member removed", Some(user)),
            // The gateway tells of client events; the others are no news for people.
            What::ClientEvent { .. }
            | What::CacheMiss
            | What::CacheFilled
            | What::SubscriptionCount(_) => return,
        };
        console.add(fact.at_ms, kind, || {
            let line = Line::new(kind, fact.at_ms, detail).channel(fact.channel.as_str());
            line.user(user.map(|user| user.as_str()))
        });
    }

    /// The HTTP API has published something; `reached` is what is known of each of its channels.
    pub(crate) fn published(
        &self,
        app: &App,
        at_ms: u64,
        publish: &Publish<'_>,
        reached: &[ChannelInfo],
    ) {
        let Some(console) = self.consoles.of(&app.id) else { return };
        for (channel, info) in publish.channels.iter().zip(reached) {
            console.add(at_ms, LogType::ApiMessage, || {
                let detail = match info.subscriptions {
                    0 => "To nobody".to_owned(),
                    1 => "To 1 subscriber".to_owned(),
                    count => format!("To {count} subscribers"),
                };
                Line::new(LogType::ApiMessage, at_ms, detail)
                    .channel(channel.as_str())
                    .event(&publish.name.decode())
                    .payload(&publish.data.decode())
                    .socket(publish.except)
            });
        }
    }

    /// The HTTP API has answered a request of an app that took so long.
    pub(crate) fn answered(&self, app: &App, took_us: u64, refused: bool) {
        app.usage.statistics.count_request(took_us, refused);
    }

    /// The HTTP API has refused a request of an app.
    pub(crate) fn refused(
        &self,
        app: &App,
        at_ms: u64,
        from: Option<IpAddr>,
        (status, line): (StatusCode, &str),
    ) {
        let kind = match status {
            StatusCode::UNAUTHORIZED => ErrorKind::Auth,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::Limit,
            StatusCode::FORBIDDEN if line.contains("quota") => ErrorKind::Limit,
            _ => ErrorKind::Api,
        };
        let code = Some(status.as_u16());
        let message = line.trim();
        self.errors().note(&app.id, at_ms, || {
            let address = from.map(|address| address.to_string());
            let example = Example { address, ..Example::default() };
            Mishap { kind, code, message, example }
        });
        if let Some(console) = self.consoles.of(&app.id) {
            console.add(at_ms, LogType::ApiError, || {
                Line::new(LogType::ApiError, at_ms, with_code(code, message))
            });
        }
    }

    /// A webhook was sent.
    pub(crate) fn posted(&self, at_ms: u64, dispatch: &Dispatch, answer: &Posted) {
        let id = &dispatch.batch.app;
        let accepted = answer.failure.is_none();
        if let Some(app) = self.apps.by_id(id.as_str()) {
            app.usage.count_messages(1);
            app.usage.statistics.count(Counted::Webhook, 1);
            app.usage.statistics.count_webhook(accepted);
        }
        let Some(console) = self.consoles.of(id) else { return };
        let kind = if accepted { LogType::WebhookSent } else { LogType::WebhookFailed };
        console.add(at_ms, kind, || {
            Line::new(kind, at_ms, post(dispatch, answer)).payload(&dispatch.batch.events)
        });
    }
}

fn kind_of(sight: &Sight<'_>) -> LogType {
    match sight {
        Sight::Connected { .. } => LogType::Connection,
        Sight::Disconnected { .. } => LogType::Disconnection,
        Sight::Subscribed { .. } => LogType::Subscribed,
        Sight::Unsubscribed(_) => LogType::Unsubscribed,
        Sight::ClientEvent { .. } => LogType::ClientEvent,
    }
}

fn seen(kind: LogType, who: Who<'_>, sight: &Sight<'_>) -> Line {
    let line = |detail: String| Line::new(kind, who.at_ms, detail);
    match sight {
        Sight::Connected { transport } => line(arrival(who.story, transport)),
        Sight::Disconnected { subscriptions } => line(departure(who, subscriptions)),
        Sight::Subscribed { channel, user } => {
            line("Subscribed".into()).channel(channel.as_str()).user(user.map(|user| user.as_str()))
        }
        Sight::Unsubscribed(Subscription { channel, user, .. }) => line("Unsubscribed".into())
            .channel(channel.as_str())
            .user(user.as_ref().map(|user| user.as_str())),
        Sight::ClientEvent { channel, frame } => client_event(line(String::new()), channel, frame),
    }
}

fn arrival(story: &Story, transport: &str) -> String {
    let mut detail = format!("{transport}{}", if story.tls { " over TLS" } else { "" });
    if let Some(client) = &story.visitor.client {
        detail.push_str(&format!(", {client}"));
    }
    if let Some(address) = story.address {
        detail.push_str(&format!(", from {address}"));
    }
    if let Some(origin) = &story.visitor.origin {
        detail.push_str(&format!(", page of {origin}"));
    }
    detail
}

fn departure(who: Who<'_>, subscriptions: &[Subscription]) -> String {
    let lifetime_s = who.at_ms.saturating_sub(who.story.connected_at_ms) / 1000;
    let names = subscriptions.iter().take(CHANNELS_NAMED).map(|it| it.channel.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let channels = match subscriptions.len() {
        0 => "no channels".to_owned(),
        1 => format!("1 channel ({names})"),
        count if count > CHANNELS_NAMED => format!("{count} channels ({names}, …)"),
        count => format!("{count} channels ({names})"),
    };
    format!("After {lifetime_s} s, {channels}")
}

fn client_event(line: Line, channel: &ChannelName, frame: &Frame) -> Line {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        event: Cow<'a, str>,
        #[serde(borrow)]
        data: Cow<'a, str>,
        #[serde(borrow, default)]
        user_id: Option<Cow<'a, str>>,
    }
    let line = line.channel(channel.as_str());
    // The server has made the frame itself.
    match serde_json::from_slice::<Said<'_>>(frame.payload()) {
        Ok(said) => line.event(&said.event).user(said.user_id.as_deref()).payload(&said.data),
        Err(_) => line,
    }
}

/// What kind of mistake it is, its code and its words.
fn mistake<'a>(trouble: &Trouble<'a>) -> (ErrorKind, Option<u16>, Cow<'a, str>) {
    match trouble {
        Trouble::Refused(close) | Trouble::Closed(close) => {
            (kind_of_close(close), Some(close.code), Cow::Borrowed(&*close.reason))
        }
        Trouble::TooSlow(bytes) => {
            let text = format!("Reader too slow: more than {bytes} bytes waited for it");
            (ErrorKind::Limit, None, text.into())
        }
        Trouble::Complaint(complaint) => {
            let kind = match complaint.about {
                About::Auth => ErrorKind::Auth,
                About::Client => ErrorKind::Client,
                About::Limit => ErrorKind::Limit,
            };
            (kind, complaint.code, Cow::Borrowed(&*complaint.text))
        }
    }
}

fn kind_of_close(close: &Close) -> ErrorKind {
    match close.code {
        1_009 | 4_004 | 4_100 => ErrorKind::Limit,
        1_000..4_000 => ErrorKind::Client,
        _ => ErrorKind::Connection,
    }
}

fn with_code(code: Option<u16>, message: &str) -> String {
    match code {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    }
}

fn post(dispatch: &Dispatch, answer: &Posted) -> String {
    // What follows the question mark may be a secret.
    let url = dispatch.endpoint.terms.url.split('?').next().unwrap_or_default();
    let events = dispatch.batch.seqs.len();
    let events = if events == 1 { "1 event".to_owned() } else { format!("{events} events") };
    let outcome = match (answer.status, answer.failure) {
        (Some(status), _) => format!("status {status}"),
        (None, Some(failure)) => format!("{}: {}", failure.name(), answer.detail),
        (None, None) => "no answer".to_owned(),
    };
    let (attempt, took_ms) = (dispatch.attempt, answer.duration_ms);
    format!("POST to {url}: {outcome}, {events}, attempt {attempt}, {took_ms} ms")
}
