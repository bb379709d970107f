//! What the API puts around what it shows: lists, pages, and what is said only once.

use bellwire_webhooks::endpoint::{Endpoint, SigningSecret};
use serde::Serialize;
use utoipa::ToSchema;

use super::terms;
use crate::moment::Moment;
use crate::views::delivery::DeliveryView;
use crate::views::replay::ReplayView;
use crate::views::webhook::Webhook;

/// The webhooks of an app.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookList {
    /// Oldest first.
    pub(super) webhooks: Vec<Webhook>,
}

/// A webhook that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookCreated {
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
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        Self {
            webhook: Webhook::of(endpoint),
            secret: endpoint.secrets.first().map(|secret| secret.text.clone()).unwrap_or_default(),
            warnings: terms::warnings(&endpoint.terms.url),
        }
    }
}

/// A webhook that was just changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookChanged {
    #[serde(flatten)]
    webhook: Webhook,
    /// What may be unwise about it.
    warnings: Vec<String>,
}

impl WebhookChanged {
    /// An endpoint with new terms.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        Self { webhook: Webhook::of(endpoint), warnings: terms::warnings(&endpoint.terms.url) }
    }
}

/// A new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub(super) struct RotatedWebhook {
    /// Signs from now on. It is not shown again.
    #[schema(example = "whsec_…")]
    secret: String,
    /// Until then the older ones sign too.
    overlap_until: Moment,
}

impl RotatedWebhook {
    /// A secret and the end of those before it.
    pub(super) fn of(secret: &SigningSecret, overlap_until_ms: u64) -> Self {
        Self { secret: secret.text.clone(), overlap_until: Moment(overlap_until_ms) }
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryPage {
    /// Newest first.
    pub(super) deliveries: Vec<DeliveryView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required, example = "msg_03338d4e1a400000")]
    pub(super) next_cursor: Option<String>,
}

/// The replays of an app.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplayList {
    /// Newest first, at most 1,000.
    pub(super) replays: Vec<ReplayView>,
}

/// What a replay would repeat.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counted {
    /// Events of a log, or deliveries.
    #[schema(example = 42)]
    pub(super) count: u64,
}
