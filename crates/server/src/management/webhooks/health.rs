//! How webhooks do, at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::engine::Queue;
use bellwire_webhooks::ids::EndpointId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::paths::{AppPath, WebhookPath};
use crate::management::problem::{Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;
use crate::ops::pulse::{Minute, Pulse};

/// How a webhook does. What concerns attempts is of the last hour, and begins anew with the server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookHealth)]
pub(crate) struct Health {
    /// `healthy`, `failing` (more than half of the attempts fail), `probing` (one delivery at a time
    /// is tried), `disabled`, or `idle` (nothing was sent).
    #[schema(example = "healthy")]
    state: &'static str,
    /// Attempts that were accepted, from 0 to 1; `null`: there was none.
    #[schema(required, example = 0.98)]
    success_rate: Option<f64>,
    /// Half of the attempts took less, in milliseconds, rounded up to a power of two.
    #[schema(required, example = 16)]
    p50_ms: Option<u64>,
    /// 95 of 100 attempts took less.
    #[schema(required, example = 64)]
    p95_ms: Option<u64>,
    queue: QueueView,
    /// `closed`, or `open`: the endpoint is not well, so that one delivery at a time probes it.
    #[schema(example = "closed")]
    breaker: &'static str,
    /// The minutes of the hour in which something was sent, oldest first.
    spark: Vec<Beat>,
}

/// What waits for a webhook.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = WebhookQueue)]
struct QueueView {
    /// Events that wait in memory.
    events: usize,
    /// Seconds for which the oldest event or delivery has been waiting.
    age_s: u64,
}

/// Attempts of a minute.
#[derive(Debug, Serialize, ToSchema)]
struct Beat {
    /// When it began.
    at: Moment,
    /// Attempts that were accepted.
    accepted: u32,
    /// Attempts that failed.
    failed: u32,
}

/// How the webhooks of an app do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthList {
    /// By id.
    webhooks: BTreeMap<String, Health>,
}

impl Health {
    fn of(endpoint: &Endpoint, pulse: &Pulse, queue: Option<&Queue>, now_ms: u64) -> Self {
        let (accepted, all) = pulse.accepted();
        let is_probed = queue.is_some_and(|queue| queue.is_probed);
        let state = match (endpoint.disabled.is_some(), is_probed, all) {
            (true, ..) => "disabled",
            (false, true, _) => "probing",
            (false, false, 0) => "idle",
            (false, false, all) if accepted * 2 < all => "failing",
            _ => "healthy",
        };
        let beat = |minute: &Minute| {
            let (accepted, failed) = minute.counts();
            Beat { at: Moment(minute.at_ms()), accepted, failed }
        };
        let queue = queue.map(|queue| QueueView {
            events: queue.waiting,
            age_s: queue.oldest_ms.map_or(0, |ms| now_ms.saturating_sub(ms) / 1000),
        });
        Self {
            state,
            success_rate: (all > 0).then(|| accepted as f64 / all as f64),
            p50_ms: pulse.took_ms(50),
            p95_ms: pulse.took_ms(95),
            queue: queue.unwrap_or_default(),
            breaker: if is_probed { "open" } else { "closed" },
            spark: pulse.minutes().iter().map(beat).collect(),
        }
    }
}

/// Show how a webhook does
#[utoipa::path(
    get, path = "/apps/{app_id}/webhooks/{id}/health", tag = "webhooks",
    operation_id = "show_webhook_health", params(WebhookPath),
    responses((status = 200, description = "How it does", body = Health), Refusals)
)]
pub(crate) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<Json<Health>, Problem> {
    desk.ask(move |desk| Ok(Json(desk.health(&desk.endpoint(&within.app, &id)?)))).await
}

/// Show how the webhooks of an app do
#[utoipa::path(
    get, path = "/apps/{app_id}/webhook-health", tag = "webhooks",
    operation_id = "list_webhook_health", params(AppPath),
    responses((status = 200, description = "How they do", body = HealthList), Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<HealthList>, Problem> {
    desk.ask(move |desk| {
        let endpoints = desk.store.endpoints(Some(&within.app))?;
        let one = |endpoint: &Endpoint| (endpoint.id.to_string(), desk.health(endpoint));
        Ok(Json(HealthList { webhooks: endpoints.iter().map(one).collect() }))
    })
    .await
}

impl Desk {
    fn health(&self, endpoint: &Endpoint) -> Health {
        let now_ms = now_ms();
        let pulse = self.watch.pulses.of(&endpoint.id, now_ms);
        let queue = self.watch.pulses.queue(&endpoint.id);
        Health::of(endpoint, &pulse, queue.as_ref(), now_ms)
    }
}
