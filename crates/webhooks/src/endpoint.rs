//! Where webhooks go: one URL of one app, with what it wants to hear.

use bellwire_protocol::{AppId, ChannelName};
use serde::{Deserialize, Serialize};

use crate::event::{COUNT_CHANGED, Kind};
use crate::ids::EndpointId;

/// An endpoint as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// Whose events it hears.
    pub app: AppId,
    /// What it wants, and how.
    pub terms: Terms,
    /// Who wrote it down.
    pub origin: Origin,
    /// When, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// Why it hears nothing now, if so.
    pub disabled: Option<Disabled>,
    /// Since when every attempt has failed.
    pub failing_since_ms: Option<u64>,
    /// Secrets of the Standard Webhooks headers, newest first. Never empty.
    pub secrets: Vec<SigningSecret>,
}

/// What the owner of an endpoint decides. The store keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// `http://` or `https://`, without a fragment.
    pub url: String,
    /// Names of the events it hears; empty: all.
    #[serde(default)]
    pub events: Vec<String>,
    /// Only channels that start so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_prefix: Option<String>,
    /// Only channels that end so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_suffix: Option<String>,
    /// Sent with every request; names of signed headers are refused.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub headers: std::collections::BTreeMap<String, String>,
    /// Keep trying for this many hours, with a fresh `time_ms` at every attempt; at most 72.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_hours: Option<u8>,
    /// Requests under way at the same time, 1 to 64.
    #[serde(default = "in_flight")]
    pub max_in_flight: u8,
    /// Requests a second at most; none: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_second: Option<u32>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

fn in_flight() -> u8 {
    IN_FLIGHT
}

/// Requests under way at the same time, unless the endpoint says otherwise.
pub const IN_FLIGHT: u8 = 16;
/// Headers that are the server's own, in lower case; those that start with `x-pusher-`,
/// `x-bellwire-` and `webhook-` too.
const OWN_HEADERS: [&str; 8] = [
    "content-type",
    "content-length",
    "host",
    "connection",
    "transfer-encoding",
    "user-agent",
    "expect",
    "upgrade",
];

/// Who wrote an endpoint down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The config file; read-only elsewhere.
    File,
    /// The management API or the command line.
    Stored,
}

/// Why an endpoint hears nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// `manual`, `gone` (it answered 410) or `failing` (days of nothing but failure).
    pub reason: String,
    /// Since when, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// One secret of the Standard Webhooks headers.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    /// `whsec_` and base64.
    pub text: String,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// When it stops signing; none: it is the newest.
    pub expires_at_ms: Option<u64>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(***)")
    }
}

impl Terms {
    /// Terms with every default, for a URL.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            events: Vec::new(),
            channel_prefix: None,
            channel_suffix: None,
            headers: std::collections::BTreeMap::new(),
            retry_hours: None,
            max_in_flight: IN_FLIGHT,
            max_per_second: None,
            description: String::new(),
        }
    }

    /// Says whether the terms can be kept.
    ///
    /// # Errors
    /// A sentence that names the field and what was expected.
    pub fn check(&self) -> Result<(), String> {
        check_url(&self.url)?;
        if let Some(name) = self.events.iter().find(|name| !is_event_name(name)) {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            return Err(format!(
                "events: {name:?} is none of {}, {COUNT_CHANGED}",
                known.join(", ")
            ));
        }
        for (name, value) in &self.headers {
            check_header(name, value)?;
        }
        match self.retry_hours {
            None | Some(1..=72) => {}
            Some(hours) => return Err(format!("retry_hours: {hours} is not 1 to 72")),
        }
        if !(1..=64).contains(&self.max_in_flight) {
            return Err(format!("max_in_flight: {} is not 1 to 64", self.max_in_flight));
        }
        if self.max_per_second == Some(0) {
            return Err("max_per_second: expected at least 1".into());
        }
        Ok(())
    }

    /// Whether it wants to hear of a kind of event at all.
    #[must_use]
    pub fn wants_any(&self, kind: Kind) -> bool {
        self.events.is_empty() || self.name_of(kind).is_some()
    }

    /// Whether it wants to hear of a kind of event on a channel.
    #[must_use]
    pub fn wants(&self, kind: Kind, channel: &ChannelName) -> bool {
        let name = channel.as_str();
        self.wants_any(kind)
            && self.channel_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && self.channel_suffix.as_ref().is_none_or(|suffix| name.ends_with(suffix))
    }

    /// Whether counts are to be called `subscription_count_changed`.
    #[must_use]
    pub fn says_count_changed(&self) -> bool {
        self.name_of(Kind::SubscriptionCount) == Some(COUNT_CHANGED)
    }

    fn name_of(&self, kind: Kind) -> Option<&str> {
        let asked = |wanted: &str| self.events.iter().map(String::as_str).find(|n| *n == wanted);
        let other = || asked(COUNT_CHANGED).filter(|_| kind == Kind::SubscriptionCount);
        asked(kind.name()).or_else(other)
    }
}

fn is_event_name(name: &str) -> bool {
    name == COUNT_CHANGED || Kind::named(name).is_some()
}

fn check_url(url: &str) -> Result<(), String> {
    let expected = "expected an address like https://example.com/webhooks";
    let parsed: http::Uri = url.parse().map_err(|error| format!("url: {error}; {expected}"))?;
    let is_web = matches!(parsed.scheme_str(), Some("http" | "https"));
    let has_host = parsed.host().is_some_and(|host| !host.is_empty());
    if !is_web || !has_host || url.contains('#') {
        return Err(format!("url: {expected}"));
    }
    if parsed.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("url: a user or password in it is not supported; use a header".into());
    }
    Ok(())
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    let is_own = OWN_HEADERS.contains(&lower.as_str())
        || ["x-pusher-", "x-bellwire-", "webhook-"].iter().any(|own| lower.starts_with(own));
    if is_own {
        return Err(format!("headers: {name:?} is set by the server and cannot be changed"));
    }
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(format!("headers: {name:?} is no name of an HTTP header"));
    }
    if http::HeaderValue::from_str(value).is_err() {
        return Err(format!("headers: the value of {name:?} has a control character"));
    }
    Ok(())
}

#[cfg(test)]
impl Endpoint {
    /// One that is well, with these terms.
    pub(crate) fn of_a_test(id: &str, app: AppId, terms: Terms) -> Self {
        let text = "whsec_AAAA".into();
        Self {
            id: id.parse().unwrap(),
            app,
            terms,
            origin: Origin::Stored,
            created_at_ms: 0,
            disabled: None,
            failing_since_ms: None,
            secrets: vec![SigningSecret { text, created_at_ms: 0, expires_at_ms: None }],
        }
    }
}
