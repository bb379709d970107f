//! Webhooks: making, changing and removing them. What the config file declares is read-only.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::changes;
use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::{Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::ids::EndpointId;
use http::StatusCode;
use serde_json::Value;

use super::answers::{WebhookChanged, WebhookCreated, WebhookList};
use super::terms::{self, NewWebhook, WebhookPatch};
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input;
use crate::management::paths::{AppPath, WebhookPath};
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::ops::clock::now_ms;
use crate::ops::random::random_hex;
use crate::ops::webhooks::new_secret;
use crate::views::webhook::Webhook;

/// Why a webhook of the config file cannot be changed.
pub(super) const READ_ONLY: &str = "The config file declares this webhook: change it there";

/// List the webhooks of an app
///
/// Oldest first, those of the config file too.
#[utoipa::path(
    get, path = "/apps/{app_id}/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    params(AppPath),
    responses((status = 200, description = "The webhooks", body = WebhookList), Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<WebhookList>, Problem> {
    let endpoints = desk.ask(move |desk| Ok(desk.store.endpoints(Some(&within.app))?)).await?;
    Ok(Json(WebhookList { webhooks: endpoints.iter().map(Webhook::of).collect() }))
}

/// Make a webhook
///
/// It hears what happens from now on. The answer is the only one with its secret.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks", tag = "webhooks", operation_id = "create_webhook",
    params(AppPath), request_body = NewWebhook,
    responses((status = 201, description = "It is made", body = WebhookCreated), BadBody, Refusals)
)]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    within: Within,
    input::Json(given): input::Json,
) -> Result<(StatusCode, Json<WebhookCreated>), Problem> {
    let terms = terms::new(given)?;
    desk.check_scheme(&terms)?;
    desk.check_target(&terms.url).await?;
    let endpoint = made(&within, terms)?;
    let created = WebhookCreated::of(&endpoint);
    desk.change(move |desk| {
        desk.check_room(&within)?;
        desk.store.put_endpoint(&endpoint)?;
        let told = changes(&Value::Null, &told(&endpoint.terms), &HIDDEN_FIELDS);
        desk.note(&within.did("webhook.created", &endpoint.terms.url, told));
        Ok(())
    })
    .await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Show a webhook
#[utoipa::path(
    get, path = "/apps/{app_id}/webhooks/{id}", tag = "webhooks", operation_id = "show_webhook",
    params(WebhookPath),
    responses((status = 200, description = "The webhook", body = Webhook), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<Json<Webhook>, Problem> {
    let endpoint = desk.ask(move |desk| desk.endpoint(&within.app, &id)).await?;
    Ok(Json(Webhook::of(&endpoint)))
}

/// Change a webhook
///
/// A JSON merge patch. Requests that are under way are not affected.
#[utoipa::path(
    patch, path = "/apps/{app_id}/webhooks/{id}", tag = "webhooks", operation_id = "change_webhook",
    params(WebhookPath),
    request_body(content(
        (WebhookPatch = "application/merge-patch+json"), (WebhookPatch = "application/json")
    )),
    responses(
        (status = 200, description = "The webhook as it is now", body = WebhookChanged),
        BadBody, Conflicts, Refusals
    )
)]
pub(super) async fn patch(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
    input::Json(patch): input::Json,
) -> Result<Json<WebhookChanged>, Problem> {
    if let Some(url) = patch.get("url").and_then(Value::as_str) {
        desk.check_target(url).await?;
    }
    let endpoint = desk
        .change(move |desk| {
            let mut endpoint = desk.editable(&within.app, &id)?;
            let before = told(&endpoint.terms);
            let terms = terms::changed(&endpoint.terms, patch)?;
            if terms.url != endpoint.terms.url {
                desk.check_scheme(&terms)?;
            }
            found(desk.store.set_terms(&id, &terms)?)?;
            endpoint.terms = terms;
            let told = changes(&before, &told(&endpoint.terms), &HIDDEN_FIELDS);
            desk.note(&within.did("webhook.changed", &endpoint.terms.url, told));
            Ok(endpoint)
        })
        .await?;
    Ok(Json(WebhookChanged::of(&endpoint)))
}

/// Remove a webhook
///
/// With its deliveries, replays and gaps.
#[utoipa::path(
    delete, path = "/apps/{app_id}/webhooks/{id}", tag = "webhooks", operation_id = "remove_webhook",
    params(WebhookPath),
    responses((status = 204, description = "It is gone"), Conflicts, Refusals)
)]
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
) -> Result<StatusCode, Problem> {
    desk.change(move |desk| {
        let endpoint = desk.editable(&within.app, &id)?;
        found(desk.store.remove_endpoint(&id)?)?;
        desk.note(&within.did("webhook.removed", &endpoint.terms.url, Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// An endpoint that may be changed here.
    fn editable(&self, app: &AppId, id: &EndpointId) -> Result<Endpoint, Problem> {
        let endpoint = self.endpoint(app, id)?;
        match endpoint.origin {
            Origin::Stored => Ok(endpoint),
            Origin::File => Err(Problem::conflict(READ_ONLY)),
        }
    }

    /// Refuses an app whose account's plan allows no more webhooks.
    fn check_room(&self, within: &Within) -> Result<(), Problem> {
        let Some(account) = &within.account else { return Ok(()) };
        let Some(account) = self.store.account(account)? else { return Ok(()) };
        let (plan, max) = (&account.plan.name, account.plan.max_webhooks_per_app as usize);
        let there = self.store.endpoints(Some(&within.app))?.len();
        if max == 0 || there < max {
            return Ok(());
        }
        let why = format!("The plan {plan:?} allows {max} webhooks an app, and there are {there}");
        Err(Problem::refused(&why))
    }

    /// Refuses a target to which nothing would ever be sent.
    async fn check_target(&self, url: &str) -> Result<(), Problem> {
        match self.webhooks.refusal(url).await {
            Some(why) => Err(Problem::invalid("url", &why)),
            None => Ok(()),
        }
    }

    fn check_scheme(&self, terms: &Terms) -> Result<(), Problem> {
        if self.require_https && !terms.url.starts_with("https://") {
            let sentence = "expected an https:// address, because this server requires it";
            return Err(Problem::invalid("url", sentence));
        }
        Ok(())
    }
}

/// Terms as their changes are told.
fn told(terms: &Terms) -> Value {
    serde_json::to_value(terms).unwrap_or_default()
}

/// What of terms may be secret.
const HIDDEN_FIELDS: [&str; 1] = ["headers"];

fn made(within: &Within, terms: Terms) -> Result<Endpoint, Problem> {
    let random = random_hex::<10>().map_err(|error| Problem::internal(&error))?;
    let id = format!("ep_{random}").parse().map_err(|error| Problem::internal(&error))?;
    let now_ms = now_ms();
    Ok(Endpoint {
        id,
        app: within.app.clone(),
        terms,
        origin: Origin::Stored,
        created_at_ms: now_ms,
        disabled: None,
        failing_since_ms: None,
        secrets: vec![secret(now_ms)?],
    })
}

/// Refuses if the store did not find a webhook: another process has just removed it.
pub(super) fn found(is_there: bool) -> Result<(), Problem> {
    if is_there { Ok(()) } else { Err(Problem::not_found("webhook")) }
}

/// A new secret.
pub(super) fn secret(now_ms: u64) -> Result<SigningSecret, Problem> {
    let text = new_secret().map_err(|error| Problem::internal(&error))?;
    Ok(SigningSecret { text, created_at_ms: now_ms, expires_at_ms: None })
}
