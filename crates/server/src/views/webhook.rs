//! Webhooks as people see them: never with a secret, but where it is new.

use std::collections::BTreeMap;

use bellwire_webhooks::endpoint::{Endpoint, Origin};
use serde::Serialize;
use utoipa::ToSchema;

use super::HIDDEN;
use crate::moment::Moment;

/// A place to which an app's webhooks go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    #[schema(example = "ep_4f1c2a9be07d8835a6c1")]
    pub(crate) id: String,
    /// Whose events it hears.
    #[schema(example = "1001")]
    app_id: String,
    /// Where it is.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// Names of the events it hears of; empty: all.
    #[schema(example = json!(["channel_occupied", "channel_vacated"]))]
    events: Vec<String>,
    /// Only of channels whose names start so.
    #[schema(required)]
    channel_prefix: Option<String>,
    /// Only of channels whose names end so.
    #[schema(required)]
    channel_suffix: Option<String>,
    /// Headers of its own, by name; the values are never shown.
    #[schema(example = json!({ "X-Api-Key": "***" }))]
    headers: BTreeMap<String, &'static str>,
    /// It is tried for so many hours instead of five minutes.
    #[schema(required)]
    retry_hours: Option<u8>,
    /// Requests under way at the same time.
    #[schema(example = 16)]
    max_in_flight: u8,
    /// Requests a second at most.
    #[schema(required)]
    max_per_second: Option<u32>,
    /// A note for people.
    description: String,
    /// Who wrote it down.
    origin: WrittenBy,
    /// Whether it hears anything.
    enabled: bool,
    /// Why it does not.
    #[schema(required)]
    disabled: Option<DisabledView>,
    /// Since when every attempt has failed.
    #[schema(required)]
    failing_since: Option<Moment>,
    /// When it was made.
    created_at: Moment,
}

/// Who wrote a webhook down.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Origin)]
#[serde(rename_all = "lowercase")]
enum WrittenBy {
    /// The config file: it is read-only here.
    File,
    /// This API or the command line.
    Stored,
}

/// Why a webhook hears nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Disabled)]
struct DisabledView {
    /// `manual`, `gone` (it answered 410) or `failing` (days of nothing but failure).
    #[schema(example = "failing")]
    reason: String,
    /// Since when.
    at: Moment,
}

impl Webhook {
    /// An endpoint as people see it.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let terms = endpoint.terms.clone();
        Self {
            id: endpoint.id.to_string(),
            app_id: endpoint.app.to_string(),
            url: terms.url,
            events: terms.events,
            channel_prefix: terms.channel_prefix,
            channel_suffix: terms.channel_suffix,
            headers: terms.headers.into_keys().map(|name| (name, HIDDEN)).collect(),
            retry_hours: terms.retry_hours,
            max_in_flight: terms.max_in_flight,
            max_per_second: terms.max_per_second,
            description: terms.description,
            origin: match endpoint.origin {
                Origin::File => WrittenBy::File,
                Origin::Stored => WrittenBy::Stored,
            },
            enabled: endpoint.disabled.is_none(),
            disabled: endpoint.disabled.as_ref().map(|disabled| DisabledView {
                reason: disabled.reason.clone(),
                at: Moment(disabled.at_ms),
            }),
            failing_since: endpoint.failing_since_ms.map(Moment),
            created_at: Moment(endpoint.created_at_ms),
        }
    }
}
