//! What is done to webhooks beside changing them: on and off, a new secret, a test.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_webhooks::endpoint::{Endpoint, Origin};
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::replay::ReplayOf;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answers::RotatedWebhook;
use super::endpoints::{READ_ONLY, found, secret};
use super::replays;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::Given;
use crate::management::paths::WebhookPath;
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::ops::clock::now_ms;
use crate::views::replay::ReplayView;
use crate::views::webhook::Webhook;

const HOUR_MS: u64 = 3_600_000;
/// How long older secrets go on signing, unless somebody says otherwise.
const OVERLAP_HOURS: u64 = 24;
const OVERLAP_HOURS_MAX: u64 = 720;

/// Enable a webhook
///
/// It hears what happens from now on. Also one of the config file that the server has disabled.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks/{id}/enable", tag = "webhooks",
    operation_id = "enable_webhook", params(WebhookPath),
    responses((status = 200, description = "The webhook", body = Webhook), Conflicts, Refusals)
)]
pub(super) async fn enable(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<Json<Webhook>, Problem> {
    switch(&desk, within, id, true).await
}

/// Disable a webhook
///
/// What waits for it is discarded, and named as a gap when it is enabled again.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks/{id}/disable", tag = "webhooks",
    operation_id = "disable_webhook", params(WebhookPath),
    responses((status = 200, description = "The webhook", body = Webhook), Conflicts, Refusals)
)]
pub(super) async fn disable(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<Json<Webhook>, Problem> {
    switch(&desk, within, id, false).await
}

async fn switch(
    desk: &Arc<Desk>,
    within: Within,
    id: EndpointId,
    on: bool,
) -> Result<Json<Webhook>, Problem> {
    let endpoint = desk
        .change(move |desk| {
            let endpoint = desk.endpoint(&within.app, &id)?;
            check_switch(&endpoint, on)?;
            if endpoint.disabled.is_none() != on {
                found(desk.store.set_enabled(&id, on, now_ms())?)?;
                let what = if on { "webhook.enabled" } else { "webhook.disabled" };
                desk.note(&within.did(what, &endpoint.terms.url, Vec::new()));
            }
            desk.endpoint(&within.app, &id)
        })
        .await?;
    Ok(Json(Webhook::of(&endpoint)))
}

/// The config file disables its webhooks by naming them no more, and nobody else does it by hand.
fn check_switch(endpoint: &Endpoint, on: bool) -> Result<(), Problem> {
    let by_hand = endpoint.disabled.as_ref().is_some_and(|disabled| disabled.reason == "manual");
    match (endpoint.origin, on) {
        (Origin::File, false) => Err(Problem::conflict(READ_ONLY)),
        (Origin::File, true) if by_hand => {
            Err(Problem::conflict("The config file does not name this webhook any more"))
        }
        _ => Ok(()),
    }
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// For so many hours requests are signed with the older secrets too.
    #[serde(default = "overlap_hours")]
    #[schema(minimum = 0, maximum = 720, default = 24)]
    overlap_hours: u64,
}

fn overlap_hours() -> u64 {
    OVERLAP_HOURS
}

/// Replace the secret of a webhook
///
/// The answer is the only one with the new secret. If the config file has a `signing_secret` for the
/// webhook, that one comes back when the file is read again.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks/{id}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret", params(WebhookPath), request_body = Option<Rotation>,
    responses(
        (status = 200, description = "The new secret", body = RotatedWebhook), BadBody, Refusals
    )
)]
pub(super) async fn rotate(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
    Given(rotation): Given<Rotation>,
) -> Result<Json<RotatedWebhook>, Problem> {
    if rotation.overlap_hours > OVERLAP_HOURS_MAX {
        let expected = format!("expected a number from 0 to {OVERLAP_HOURS_MAX}");
        return Err(Problem::invalid("overlap_hours", &expected));
    }
    let now_ms = now_ms();
    let overlap_until_ms = now_ms + rotation.overlap_hours * HOUR_MS;
    let secret = secret(now_ms)?;
    let rotated = RotatedWebhook::of(&secret, overlap_until_ms);
    desk.change(move |desk| {
        let endpoint = desk.endpoint(&within.app, &id)?;
        found(desk.store.rotate(&id, &secret, overlap_until_ms)?)?;
        desk.note(&within.did("webhook.secret_rotated", &endpoint.terms.url, Vec::new()));
        Ok(())
    })
    .await?;
    Ok(Json(rotated))
}

/// Send a test
///
/// One made-up `channel_occupied` of the channel `bellwire-test`, even if the webhook is disabled.
/// It is a replay: its progress tells whether it arrived, its deliveries tell why not.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks/{id}/test", tag = "webhooks",
    operation_id = "test_webhook", params(WebhookPath),
    responses((status = 202, description = "The replay that sends it", body = ReplayView), Refusals)
)]
pub(super) async fn test(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<(StatusCode, Json<ReplayView>), Problem> {
    let replay = desk
        .change(move |desk| {
            desk.endpoint(&within.app, &id)?;
            replays::begin(desk, &within, &id, ReplayOf::Test, 1)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayView::of(&replay))))
}
