//! One POST as it came, and what its headers and its body say.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// One POST.
pub(super) struct Post {
    /// When its last byte had come, in milliseconds since the epoch.
    pub(super) at_ms: u64,
    pub(super) path: String,
    headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body, if it is a webhook's.
    pub(super) webhook: Option<Webhook>,
}

/// What a body says (contract 16.1).
pub(super) struct Webhook {
    pub(super) time_ms: u64,
    pub(super) events: Vec<Value>,
}

/// Places of the log that the sender will not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Post {
    pub(super) fn new(at_ms: u64, path: String, headers: HeaderMap, body: Bytes) -> Self {
        let webhook = Webhook::parse(&body);
        Self { at_ms, path, headers, body, webhook }
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.header("webhook-id")
    }

    pub(super) fn sequence(&self) -> Option<u64> {
        self.number("x-bellwire-sequence")
    }

    pub(super) fn previous(&self) -> Option<u64> {
        self.number("x-bellwire-previous-sequence")
    }

    pub(super) fn replay(&self) -> Option<&str> {
        self.header("x-bellwire-replay")
    }

    /// `first-last;count=n`.
    pub(super) fn gap(&self) -> Option<Gap> {
        let (places, _) = self.header("x-bellwire-gap")?.split_once(';')?;
        let (first, last) = places.split_once('-')?;
        Some(Gap { first: first.parse().ok()?, last: last.parse().ok()? })
    }

    /// Milliseconds since the time in its body.
    pub(super) fn age_ms(&self) -> Option<i64> {
        let webhook = self.webhook.as_ref()?;
        Some(self.at_ms.cast_signed().saturating_sub(webhook.time_ms.cast_signed()))
    }

    /// The events in its body.
    pub(super) fn events(&self) -> &[Value] {
        self.webhook.as_ref().map_or(&[], |webhook| &webhook.events)
    }
}

impl Webhook {
    fn parse(body: &[u8]) -> Option<Self> {
        let mut json: Value = serde_json::from_slice(body).ok()?;
        let time_ms = json["time_ms"].as_u64().filter(|ms| i64::try_from(*ms).is_ok())?;
        match json["events"].take() {
            Value::Array(events) => Some(Self { time_ms, events }),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) fn post(headers: &[(&str, &str)], body: &str) -> Post {
    let headers = headers.iter().map(|(name, value)| {
        let name: http::HeaderName = name.parse().unwrap();
        (name, value.parse::<http::HeaderValue>().unwrap())
    });
    Post::new(10_000, "/".into(), headers.collect(), Bytes::copy_from_slice(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_has_a_time_and_events() {
        assert_eq!(post(&[], r#"{"time_ms":9000,"events":[{}]}"#).age_ms(), Some(1_000));
        assert_eq!(post(&[], r#"{"time_ms":10500,"events":[]}"#).age_ms(), Some(-500));
        for other in [
            "",
            "[]",
            "{}",
            r#"{"time_ms":1}"#,
            r#"{"time_ms":1.5,"events":[]}"#,
            r#"{"time_ms":18446744073709551615,"events":[]}"#,
            r#"{"time_ms":1,"events":{}}"#,
        ] {
            assert!(post(&[], other).webhook.is_none(), "{other}");
        }
    }

    #[test]
    fn a_gap_is_its_two_places() {
        let gap = |text| post(&[("X-Bellwire-Gap", text)], "").gap();
        assert_eq!(gap("4-8;count=3"), Some(Gap { first: 4, last: 8 }));
        for other in ["", "4-8", "4;count=1", "a-b;count=1"] {
            assert_eq!(gap(other), None, "{other}");
        }
    }
}
