//! One request as the receiver got it, and what its headers and its body say.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::serving::{self, Incoming};
use crate::sign::{hex, hmac_sha256};

/// One request. What it says is read when it is asked for; a header that is missing or is no number
/// is a panic.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place among all that came to the receiver: 0, 1, 2, …
    pub number: usize,
    /// The connection on which it came: 1, 2, 3, …
    pub connection: u64,
    /// When its last byte had come.
    pub at: Instant,
    /// The same in milliseconds since the epoch.
    pub at_ms: u64,
    /// Request line and headers with their line ends, exactly as on the wire.
    pub head: Arc<[u8]>,
    /// The body's bytes.
    pub body: Arc<[u8]>,
    /// What it was answered with so far.
    pub given: Given,
    events: Arc<[Value]>,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Nothing yet.
    Nothing,
    /// A complete response with this status.
    Status(u16),
    /// Something else, as the script has it.
    Broken(String),
}

/// Places of the log that a receiver did not get: the numbers of `X-Bellwire-Gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

impl Delivery {
    pub(super) fn new(number: usize, connection: u64, incoming: Incoming) -> Self {
        let Incoming { at, head, body } = incoming;
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        let events = json.and_then(|mut json| match json["events"].take() {
            Value::Array(events) => Some(events),
            _ => None,
        });
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            number,
            connection,
            at,
            at_ms: u64::try_from(since_epoch.as_millis()).unwrap(),
            head: head.into(),
            body: body.into(),
            given: Given::Nothing,
            events: events.unwrap_or_default().into(),
        }
    }

    // --- the request

    /// The request line.
    #[must_use]
    pub fn request_line(&self) -> &str {
        let text = std::str::from_utf8(&self.head).unwrap_or_default();
        text.split("\r\n").next().unwrap_or_default()
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.request_line().split(' ').next().unwrap_or_default()
    }

    /// The path, with its query.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        self.request_line().split(' ').nth(1).unwrap_or_default()
    }

    /// The path, without a query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query().split('?').next().unwrap_or_default()
    }

    /// Every header as it came.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &str)> {
        serving::headers(&self.head).collect()
    }

    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        serving::header(&self.head, name)
    }

    /// Whether it was answered with a complete 2xx.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.given, Given::Status(200..=299))
    }

    // --- what its headers say

    /// `X-Pusher-Key`.
    #[must_use]
    #[track_caller]
    pub fn key(&self) -> &str {
        self.expect_header("X-Pusher-Key")
    }

    /// `X-Pusher-Signature`.
    #[must_use]
    #[track_caller]
    pub fn signature(&self) -> &str {
        self.expect_header("X-Pusher-Signature")
    }

    /// `webhook-id`.
    #[must_use]
    #[track_caller]
    pub fn id(&self) -> &str {
        self.expect_header("webhook-id")
    }

    /// `X-Bellwire-Attempt`: 1, 2, 3, …
    #[must_use]
    #[track_caller]
    pub fn attempt(&self) -> u64 {
        self.number_of("X-Bellwire-Attempt")
    }

    /// `X-Bellwire-Sequence`.
    #[must_use]
    #[track_caller]
    pub fn sequence(&self) -> u64 {
        self.number_of("X-Bellwire-Sequence")
    }

    /// `X-Bellwire-Previous-Sequence`.
    #[must_use]
    #[track_caller]
    pub fn previous(&self) -> u64 {
        self.number_of("X-Bellwire-Previous-Sequence")
    }

    /// `X-Bellwire-Gap`: the first two numbers in it, or one for both.
    #[must_use]
    #[track_caller]
    pub fn gap(&self) -> Option<Gap> {
        let text = self.header("X-Bellwire-Gap")?;
        let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let numbers: Vec<u64> = digits.map(|digits| digits.parse().unwrap()).collect();
        match numbers[..] {
            [first, last, ..] => Some(Gap { first, last }),
            [only] => Some(Gap { first: only, last: only }),
            [] => panic!("no numbers in the gap {text:?}"),
        }
    }

    /// `X-Bellwire-Replay`, if it is a replay.
    #[must_use]
    pub fn replay(&self) -> Option<&str> {
        self.header("X-Bellwire-Replay")
    }

    // --- what its body says

    /// The body as text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is not UTF-8")
    }

    /// `time_ms`, in milliseconds since the epoch.
    #[must_use]
    #[track_caller]
    pub fn time_ms(&self) -> u64 {
        let json: Value = serde_json::from_slice(&self.body).expect("the body is no JSON");
        json["time_ms"].as_u64().unwrap_or_else(|| panic!("no time_ms: {}", self.text()))
    }

    /// `events`; empty if there are none.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Whether it has an event with this name on this channel.
    #[must_use]
    pub fn has(&self, name: &str, channel: &str) -> bool {
        self.events.iter().any(|event| event["name"] == name && event["channel"] == channel)
    }

    // --- what it is signed with

    /// Whether `X-Pusher-Signature` is the lower-case hex HMAC-SHA256 of the body (contract 16.2).
    #[must_use]
    pub fn verify_pusher(&self, secret: &str) -> bool {
        self.signature() == hex(&hmac_sha256(secret.as_bytes(), &self.body))
    }

    /// Whether one of `webhook-signature` is made with this secret, `whsec_` and base64, the way
    /// Standard Webhooks says: HMAC-SHA256 over id, timestamp and body with dots between.
    #[must_use]
    #[track_caller]
    pub fn verify_standard(&self, secret: &str) -> bool {
        let secret = secret.strip_prefix("whsec_").expect("a secret starts with whsec_");
        let key = STANDARD.decode(secret).expect("a secret is base64");
        let timestamp = self.expect_header("webhook-timestamp");
        let mut signed = format!("{}.{timestamp}.", self.id()).into_bytes();
        signed.extend_from_slice(&self.body);
        let right = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)));
        self.expect_header("webhook-signature").split(' ').any(|given| given == right)
    }

    /// Panics at a rule of the wire that it breaks (contract 16).
    #[track_caller]
    pub fn assert_wire_rules(&self) {
        if let Some(fault) = super::rules::fault(self) {
            panic!("{fault}: {self}");
        }
    }

    #[track_caller]
    fn expect_header(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no header {name}: {self}"))
    }

    #[track_caller]
    fn number_of(&self, name: &str) -> u64 {
        let text = self.expect_header(name);
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}"))
    }
}

/// A line for the message of a failure.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = |name| self.header(name).unwrap_or("-");
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(300).collect();
        write!(
            f,
            "#{} {} id={} attempt={} sequence={} previous={} gap={} → {:?} {body}",
            self.number,
            self.request_line(),
            header("webhook-id"),
            header("X-Bellwire-Attempt"),
            header("X-Bellwire-Sequence"),
            header("X-Bellwire-Previous-Sequence"),
            header("X-Bellwire-Gap"),
            self.given,
        )
    }
}
