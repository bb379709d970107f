//! What clients say: the messages of contract 2, 4, 6 and 7, read from one text frame.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, JsonStr};

/// One message from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// `pusher:ping`, whatever its data.
    Ping,
    /// `pusher:pong`: only a sign of life.
    Pong,
    /// `pusher:subscribe`.
    Subscribe(Subscribe<'a>),
    /// `pusher:unsubscribe`, with the channel.
    Unsubscribe(Cow<'a, str>),
    /// `pusher:signin`.
    SignIn(SignIn<'a>),
    /// `client-…`, meant for the other subscribers.
    ClientEvent(ClientEvent<'a>),
}

/// A wish to hear a channel.
#[derive(Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The channel's name, not yet checked.
    pub channel: Cow<'a, str>,
    /// `key:signature`; clients send an empty one for public channels.
    pub auth: Option<Cow<'a, str>>,
    /// Who joins a presence channel, as the text that was signed.
    pub channel_data: Option<Cow<'a, str>>,
}

/// A wish to be known as a user.
#[derive(Debug, PartialEq, Eq)]
pub struct SignIn<'a> {
    /// `key:signature`.
    pub auth: Cow<'a, str>,
    /// The user, as the text that was signed.
    pub user_data: Cow<'a, str>,
}

/// A message for the other subscribers of a channel.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientEvent<'a> {
    /// The event's name as it came, with its quotes.
    pub event: JsonStr<'a>,
    /// The channel's name, not yet checked.
    pub channel: Cow<'a, str>,
    /// The data as subscribers get it: a string stays as it is, anything else becomes the string of
    /// its compact JSON (contract 7.1).
    pub data: JsonStr<'a>,
}

/// Why a text frame is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a JSON object at all, or one with the same key twice.
    #[error("Message is not a JSON object: {0}")]
    NotAnObject(String),
    /// An object, but not a message that this protocol has.
    #[error("{0}")]
    Refused(String),
}

impl<'a> ClientMessage<'a> {
    /// Reads one text frame.
    ///
    /// # Errors
    /// A sentence for the client, naming the field and what was expected of it.
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        let envelope: Envelope<'a> = object(text)?;
        let event = string(envelope.event, "event")?;
        match event.decode().as_ref() {
            "pusher:ping" => Ok(Self::Ping),
            "pusher:pong" => Ok(Self::Pong),
            "pusher:subscribe" => subscribe(envelope.data).map(Self::Subscribe),
            "pusher:unsubscribe" => unsubscribe(envelope.data).map(Self::Unsubscribe),
            "pusher:signin" => sign_in(envelope.data).map(Self::SignIn),
            name if name.starts_with("client-") => {
                client_event(event.clone(), &envelope).map(Self::ClientEvent)
            }
            name => {
                let name: String = name.chars().take(100).collect();
                let text = format!("Unsupported event received on socket: '{name}'");
                Err(Unreadable::Refused(text))
            }
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    event: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    channel: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    channel: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    auth: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    channel_data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    user_data: Option<&'a RawValue>,
}

fn subscribe(data: Option<&RawValue>) -> Result<Subscribe<'_>, Unreadable> {
    let fields = fields(data)?;
    Ok(Subscribe {
        channel: text(fields.channel, "data.channel")?,
        auth: optional_text(fields.auth, "data.auth")?,
        channel_data: optional_text(fields.channel_data, "data.channel_data")?,
    })
}

fn unsubscribe(data: Option<&RawValue>) -> Result<Cow<'_, str>, Unreadable> {
    text(fields(data)?.channel, "data.channel")
}

fn sign_in(data: Option<&RawValue>) -> Result<SignIn<'_>, Unreadable> {
    let fields = fields(data)?;
    Ok(SignIn {
        auth: text(fields.auth, "data.auth")?,
        user_data: text(fields.user_data, "data.user_data")?,
    })
}

fn client_event<'a>(
    event: JsonStr<'a>,
    envelope: &Envelope<'a>,
) -> Result<ClientEvent<'a>, Unreadable> {
    let channel = envelope.channel.and_then(JsonStr::from_raw);
    let (Some(channel), Some(data)) = (channel, envelope.data) else {
        let text = "Invalid client event (must contain channel and data)";
        return Err(Unreadable::Refused(text.into()));
    };
    let data =
        JsonStr::from_raw(data).unwrap_or_else(|| JsonStr::encode(&json::compact(data.get())));
    Ok(ClientEvent { event, channel: channel.into_text(), data })
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    // A struct could also be read from an array.
    if !text.trim_start().starts_with('{') {
        return Err(Unreadable::NotAnObject("expected '{'".into()));
    }
    serde_json::from_str(text).map_err(|error| Unreadable::NotAnObject(error.to_string()))
}

fn fields(data: Option<&RawValue>) -> Result<Fields<'_>, Unreadable> {
    let data = data.ok_or_else(|| Unreadable::Refused("Missing parameter: data".into()))?;
    object(data.get()).map_err(|error| {
        let Unreadable::NotAnObject(why) = error else {
            return error;
        };
        Unreadable::Refused(format!("Expected data parameter to be an object: {why}"))
    })
}

fn string<'a>(raw: Option<&'a RawValue>, name: &str) -> Result<JsonStr<'a>, Unreadable> {
    let raw = raw.ok_or_else(|| Unreadable::Refused(format!("Missing parameter: {name}")))?;
    JsonStr::from_raw(raw)
        .ok_or_else(|| Unreadable::Refused(format!("Expected {name} parameter to be a string")))
}

fn text<'a>(raw: Option<&'a RawValue>, name: &str) -> Result<Cow<'a, str>, Unreadable> {
    string(raw, name).map(JsonStr::into_text)
}

fn optional_text<'a>(
    raw: Option<&'a RawValue>,
    name: &str,
) -> Result<Option<Cow<'a, str>>, Unreadable> {
    match raw {
        Some(raw) if raw.get() != "null" => text(Some(raw), name).map(Some),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        ClientMessage::parse(text).expect_err(text).to_string()
    }

    // contract: 2.1, 2.7
    #[test]
    fn a_ping_may_have_any_data_or_none() {
        for ping in [
            r#"{"event":"pusher:ping","data":{}}"#,
            r#"{"event":"pusher:ping","data":""}"#,
            r#" {"event":"pusher:ping"} "#,
            r#"{"data":null,"event":"pusher:\u0070ing","extra":[[1]]}"#,
        ] {
            assert_eq!(ClientMessage::parse(ping), Ok(ClientMessage::Ping), "{ping}");
        }
        let pong = r#"{"event":"pusher:pong","data":{}}"#;
        assert_eq!(ClientMessage::parse(pong), Ok(ClientMessage::Pong));
    }

    // contract: 4.1
    #[test]
    fn a_subscribe_keeps_channel_data_byte_for_byte() {
        let text = r#"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"k:s",
            "channel_data":"{\"user_id\": 1, \"n\": \"Zo\\u00eb\"}"}}"#;
        let Ok(ClientMessage::Subscribe(subscribe)) = ClientMessage::parse(text) else {
            panic!("no subscribe");
        };
        assert_eq!(subscribe.channel, "presence-a");
        assert_eq!(subscribe.auth.unwrap(), "k:s");
        assert_eq!(subscribe.channel_data.unwrap(), r#"{"user_id": 1, "n": "Zo\u00eb"}"#);
    }

    // contract: 4.1
    #[test]
    fn an_empty_auth_and_null_fields_are_no_mistake() {
        let text =
            r#"{"event":"pusher:subscribe","data":{"auth":"","channel":"a","channel_data":null}}"#;
        let Ok(ClientMessage::Subscribe(subscribe)) = ClientMessage::parse(text) else {
            panic!("no subscribe");
        };
        assert_eq!((subscribe.auth.as_deref(), subscribe.channel_data), (Some(""), None));
    }

    // contract: 3.10, 3.11, 7.6
    #[test]
    fn each_mistake_has_its_sentence() {
        for (text, part) in [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("\"x\"", "not a JSON object"),
            (r#"{"event":"a","event":"b"}"#, "duplicate field"),
            ("{}", "Missing parameter: event"),
            (r#"{"event":1}"#, "Expected event parameter to be a string"),
            (r#"{"event":"x"}"#, "Unsupported event received on socket: 'x'"),
            (r#"{"event":"pusher:subscribe"}"#, "Missing parameter: data"),
            (r#"{"event":"pusher:subscribe","data":""}"#, "data parameter to be an object"),
            (r#"{"event":"pusher:subscribe","data":{}}"#, "Missing parameter: data.channel"),
            (r#"{"event":"pusher:subscribe","data":{"channel":1}}"#, "data.channel"),
            (r#"{"event":"pusher:subscribe","data":{"channel":"a","auth":{}}}"#, "data.auth"),
            (r#"{"event":"pusher:unsubscribe","data":{}}"#, "data.channel"),
            (r#"{"event":"pusher:signin","data":{"auth":"a"}}"#, "data.user_data"),
            (r#"{"event":"client-a","channel":"b"}"#, "must contain channel and data"),
            (r#"{"event":"client-a","data":"b"}"#, "must contain channel and data"),
            (r#"{"event":"client-a","data":"b","channel":4}"#, "must contain channel and data"),
        ] {
            assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
        }
    }

    // contract: 7.1
    #[test]
    fn client_data_leaves_as_a_string() {
        for (data, literal) in [
            (r#""as \u00e9 is""#, r#""as \u00e9 is""#),
            (r#"{ "a": 1.0 }"#, r#""{\"a\":1.0}""#),
            ("[1, 2]", r#""[1,2]""#),
            ("null", r#""null""#),
            ("true", r#""true""#),
        ] {
            let text = format!(r#"{{"event":"client-x","channel":"private-c","data":{data}}}"#);
            let Ok(ClientMessage::ClientEvent(event)) = ClientMessage::parse(&text) else {
                panic!("no client event");
            };
            assert_eq!(event.data.literal(), literal);
        }
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        let deep = format!(
            r#"{{"event":"client-x","channel":"private-c","data":{}{}}}"#,
            "[".repeat(30_000),
            "]".repeat(30_000)
        );
        let _ = ClientMessage::parse(&deep);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[\{\}":,a-z\\\[\] 0-9]{0,80}"#) {
            let _ = ClientMessage::parse(&text);
        }
    }
}
