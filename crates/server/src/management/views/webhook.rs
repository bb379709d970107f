//! Webhooks as people see them: never with a secret, but where it is new.

use std::collections::BTreeMap;

use bellwire_webhooks::endpoint::{Endpoint, Origin, SigningSecret};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::management::moment::Moment;
use crate::management::terms::{self, HIDDEN};

/// A place to which an app's webhooks go.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::management) struct Webhook {
    /// Its id.
    #[schema(example = "ep_4f1c2a9be07d8835a6c1")]
    id: String,
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
    pub(in crate::management) fn of(endpoint: &Endpoint) -> Self {
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

/// The webhooks of an app.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::management) struct WebhookList {
    /// Oldest first.
    pub(in crate::management) webhooks: Vec<Webhook>,
}

/// A webhook that was just made.
#[derive(Serialize, ToSchema)]
pub(in crate::management) struct WebhookCreated {
    #[serde(flatten)]
    webhook: Webhook,
    /// Signs the Standard Webhooks headers. It is not shown again.
    #[schema(example = "whsec_…")]
    secret: String,
    /// What may be unwise about it.
    warnings: Vec<String>,
}

impl WebhookCreated {
    /// A new endpoint.
    pub(in crate::management) fn of(endpoint: &Endpoint) -> Self {
        Self {
            webhook: Webhook::of(endpoint),
            secret: endpoint.secrets.first().map(|secret| secret.text.clone()).unwrap_or_default(),
            warnings: terms::warnings(&endpoint.terms.url),
        }
    }

    /// Its id.
    pub(in crate::management) fn id(&self) -> &str {
        &self.webhook.id
    }
}

/// A webhook that was just changed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::management) struct WebhookChanged {
    #[serde(flatten)]
    webhook: Webhook,
    /// What may be unwise about it.
    warnings: Vec<String>,
}

impl WebhookChanged {
    /// An endpoint with new terms.
    pub(in crate::management) fn of(endpoint: &Endpoint) -> Self {
        Self { webhook: Webhook::of(endpoint), warnings: terms::warnings(&endpoint.terms.url) }
    }
}

/// A new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub(in crate::management) struct RotatedWebhook {
    /// Signs from now on. It is not shown again.
    #[schema(example = "whsec_…")]
    secret: String,
    /// Until then the older ones sign too.
    overlap_until: Moment,
}

impl RotatedWebhook {
    /// A secret and the end of those before it.
    pub(in crate::management) fn of(secret: &SigningSecret, overlap_until_ms: u64) -> Self {
        Self { secret: secret.text.clone(), overlap_until: Moment(overlap_until_ms) }
    }
}

/// The path of an app.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(in crate::management) struct AppPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
}

/// The path of a webhook.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(in crate::management) struct WebhookPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The webhook's id.
    #[param(example = "ep_4f1c2a9be07d8835a6c1")]
    id: String,
}
