//! What a webhook wants, as it is said in JSON: whole, or as a change of what was said before.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bellwire_webhooks::endpoint::{IN_FLIGHT, Terms};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::management::input;
use crate::management::problem::Problem;
use crate::views::HIDDEN;

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "url": "https://example.com/webhooks",
    "events": ["channel_occupied", "channel_vacated"],
    "channel_prefix": "private-",
}))]
pub(super) struct NewWebhook {
    /// Where to POST: `http://` or `https://`, without a user, a password or a fragment.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// Names of the events to hear of; empty: all. `channel_occupied`, `channel_vacated`,
    /// `member_added`, `member_removed`, `client_event`, `cache_miss`, `subscription_count`, or
    /// `subscription_count_changed`, which is the last one by another name.
    #[serde(default)]
    #[schema(example = json!(["channel_occupied", "channel_vacated"]))]
    events: Vec<String>,
    /// Only of channels whose names start so.
    #[serde(default)]
    channel_prefix: Option<String>,
    /// Only of channels whose names end so.
    #[serde(default)]
    channel_suffix: Option<String>,
    /// Sent with every request. Names of headers that the server sets are refused.
    #[serde(default)]
    #[schema(example = json!({ "X-Api-Key": "a secret of yours" }))]
    headers: BTreeMap<String, String>,
    /// Keep trying for this many hours instead of five minutes, with a fresh `time_ms` each time.
    #[serde(default)]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 72)]
    retry_hours: Option<i64>,
    /// Requests under way at the same time.
    #[serde(default = "in_flight")]
    #[schema(value_type = u8, minimum = 1, maximum = 64, default = 16)]
    max_in_flight: i64,
    /// Requests a second at most; without it there is no limit.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_per_second: Option<i64>,
    /// A note for people.
    #[serde(default)]
    description: String,
}

/// A change of a webhook: a JSON merge patch (RFC 7396). What is not named stays as it is, `null`
/// gives the default, and headers are changed one by one.
#[derive(ToSchema)]
#[schema(example = json!({ "events": null, "headers": { "X-Api-Key": "another" } }))]
#[expect(dead_code, reason = "the description is made of it; a change is merged, not read")]
pub(super) struct WebhookPatch {
    /// Where to POST.
    #[schema(nullable = false)]
    url: Option<String>,
    /// Names of the events to hear of.
    events: Option<Vec<String>>,
    /// Only of channels whose names start so.
    channel_prefix: Option<String>,
    /// Only of channels whose names end so.
    channel_suffix: Option<String>,
    /// Headers to set or, with `null`, to remove. `***` keeps the value that is there.
    headers: Option<BTreeMap<String, Option<String>>>,
    /// Keep trying for this many hours.
    #[schema(minimum = 1, maximum = 72)]
    retry_hours: Option<u8>,
    /// Requests under way at the same time.
    #[schema(minimum = 1, maximum = 64)]
    max_in_flight: Option<u8>,
    /// Requests a second at most.
    #[schema(minimum = 1)]
    max_per_second: Option<u32>,
    /// A note for people.
    description: Option<String>,
}

fn in_flight() -> i64 {
    IN_FLIGHT.into()
}

/// The terms of a webhook to be made.
pub(super) fn new(given: Value) -> Result<Terms, Problem> {
    merged(Value::Object(Map::new()), given)
}

/// The terms of a webhook after a change.
pub(super) fn changed(terms: &Terms, patch: Value) -> Result<Terms, Problem> {
    let base = serde_json::to_value(terms).map_err(|error| Problem::internal(&error))?;
    merged(base, patch)
}

fn merged(mut base: Value, mut patch: Value) -> Result<Terms, Problem> {
    if !patch.is_object() {
        return Err(Problem::said("Expected a JSON object"));
    }
    if let Some(headers) = patch.get_mut("headers").and_then(Value::as_object_mut) {
        keep_hidden(base.get("headers"), headers)?;
    }
    input::merge(&mut base, patch);
    let terms = input::read::<NewWebhook>(base)?.into_terms()?;
    terms.check().map_err(|sentence| Problem::said(&sentence))?;
    twice(&terms.headers)?;
    Ok(terms)
}

/// Takes headers out of a change whose values are to stay. Names have no case.
fn keep_hidden(base: Option<&Value>, headers: &mut Map<String, Value>) -> Result<(), Problem> {
    let there = |name: &str| {
        let known = base.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        known.into_iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let hidden = |value: &Value| value.as_str() == Some(HIDDEN);
    if let Some((name, _)) = headers.iter().find(|(name, value)| hidden(value) && !there(name)) {
        let sentence = format!("*** keeps the value that is there, but {name:?} is not");
        return Err(Problem::invalid("headers", &sentence));
    }
    headers.retain(|_, value| !hidden(value));
    Ok(())
}

fn twice(headers: &BTreeMap<String, String>) -> Result<(), Problem> {
    let mut names: Vec<String> = headers.keys().map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Problem::invalid("headers", &format!("{:?} is there twice", pair[0]))),
        None => Ok(()),
    }
}

impl NewWebhook {
    fn into_terms(self) -> Result<Terms, Problem> {
        let hours = "expected a number from 1 to 72";
        let in_flight = "expected a number from 1 to 64";
        let per_second = "expected a number from 1 on";
        Ok(Terms {
            url: self.url,
            events: self.events,
            channel_prefix: self.channel_prefix,
            channel_suffix: self.channel_suffix,
            headers: self.headers,
            retry_hours: self.retry_hours.map(|n| number("retry_hours", n, hours)).transpose()?,
            max_in_flight: number("max_in_flight", self.max_in_flight, in_flight)?,
            max_per_second: self
                .max_per_second
                .map(|n| number("max_per_second", n, per_second))
                .transpose()?,
            description: self.description,
        })
    }
}

fn number<T: TryFrom<i64>>(field: &str, given: i64, expected: &str) -> Result<T, Problem> {
    T::try_from(given).map_err(|_| Problem::invalid(field, expected))
}

/// What people should know about a URL that is not refused.
pub(super) fn warnings(url: &str) -> Vec<String> {
    let Ok(uri) = url.parse::<http::Uri>() else { return Vec::new() };
    let is_plain = uri.scheme_str() == Some("http");
    if is_plain && uri.host().is_some_and(|host| !is_private(host)) {
        let warning = "url: http leaves the private network unencrypted; use https if you can";
        return vec![warning.into()];
    }
    Vec::new()
}

/// Whether a host is certainly in a private network. Of a name that is not known.
fn is_private(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
#[path = "terms_tests.rs"]
mod tests;
