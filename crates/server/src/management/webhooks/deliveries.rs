//! Deliveries: what was sent, what became of it, and sending one again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_protocol::AppId;
use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::event::{COUNT_CHANGED, Kind};
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, DeliveryStatus};
use bellwire_webhooks::replay::ReplayOf;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::DeliveryPage;
use super::replays;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::{self, Asked};
use crate::management::paths::{AppPath, DeliveryPath};
use crate::management::problem::{BadQuery, Conflicts, Problem, Refusals};
use crate::views::delivery::{DeliveryDetail, DeliveryView, status_named};
use crate::views::replay::ReplayView;

/// Deliveries of a page, unless somebody says otherwise, and at most.
const PAGE: (u32, u32) = (50, 200);

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// What has become of them: `pending`, `delivered`, `failed`, `discarded` or `split`.
    #[param(example = "failed")]
    status: Option<String>,
    /// With an event of this name.
    #[param(example = "channel_occupied")]
    event: Option<String>,
    /// With an event of this channel.
    #[param(example = "presence-lobby")]
    channel: Option<String>,
    /// To this webhook.
    #[param(example = "ep_4f1c2a9be07d8835a6c1")]
    endpoint: Option<String>,
    /// Made not before: RFC 3339, or milliseconds since 1970.
    #[param(example = "2026-11-21T09:30:00Z")]
    from: Option<String>,
    /// Made not after.
    to: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Deliveries of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

impl DeliveryQuery {
    /// The filter for an app; its limit is one more than the page, to see whether there is another.
    fn filter(&self, app: AppId) -> Result<DeliveryFilter, Problem> {
        let id = "expected the id of a webhook, ep_ and letters or digits";
        let from_ms = input::moment("from", self.from.as_deref())?;
        let to_ms = input::moment("to", self.to.as_deref())?;
        input::span(("from", from_ms), ("to", to_ms))?;
        let cursor = "expected the next_cursor of the page before";
        Ok(DeliveryFilter {
            app: Some(app),
            endpoint: input::parameter::<EndpointId>("endpoint", self.endpoint.as_deref(), id)?,
            status: self.status.as_deref().map(status).transpose()?,
            event: self.event.as_deref().map(|name| event("event", name)).transpose()?,
            channel: self.channel.clone(),
            from_ms,
            to_ms,
            before: input::parameter("cursor", self.cursor.as_deref(), cursor)?,
            limit: input::limit(self.limit.as_deref(), PAGE.0, PAGE.1)? + 1,
        })
    }
}

fn status(text: &str) -> Result<DeliveryStatus, Problem> {
    let expected = "expected pending, delivered, failed, discarded or split";
    status_named(text).ok_or_else(|| Problem::invalid("status", expected))
}

/// The name of an event, if there is such an event.
pub(super) fn event(field: &str, name: &str) -> Result<String, Problem> {
    if name == COUNT_CHANGED || Kind::named(name).is_some() {
        return Ok(name.to_owned());
    }
    let names = Kind::ALL.map(Kind::name).join(", ");
    Err(Problem::invalid(field, &format!("expected one of {names}, {COUNT_CHANGED}")))
}

/// List deliveries
///
/// Newest first, a page at a time. Those of removed webhooks are gone.
#[utoipa::path(
    get, path = "/apps/{app_id}/deliveries", tag = "deliveries", operation_id = "list_deliveries",
    params(AppPath, DeliveryQuery),
    responses((status = 200, description = "A page", body = DeliveryPage), BadQuery, Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<DeliveryQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let filter = query.filter(within.app)?;
    let page = desk.ask(move |desk| {
        let mut found = desk.store.deliveries(&filter)?;
        let has_more = found.len() >= filter.limit as usize;
        if has_more {
            found.pop();
        }
        let last = found.last().map(|delivery| delivery.batch.id.to_string());
        let deliveries = found.iter().map(DeliveryView::of).collect();
        Ok(DeliveryPage { deliveries, next_cursor: last.filter(|_| has_more) })
    });
    page.await.map(Json)
}

/// Show a delivery
///
/// With what was sent, every attempt and every answer.
#[utoipa::path(
    get, path = "/apps/{app_id}/deliveries/{id}", tag = "deliveries", operation_id = "show_delivery",
    params(DeliveryPath),
    responses((status = 200, description = "The delivery", body = DeliveryDetail), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<BatchId>,
) -> Result<Json<DeliveryDetail>, Problem> {
    let detail = desk.ask(move |desk| {
        let (delivery, attempts) = desk.delivery(&within.app, id)?;
        Ok(DeliveryDetail::of(&delivery, &attempts, false))
    });
    detail.await.map(Json)
}

/// Send a delivery again
///
/// With the same `Webhook-Id`, whatever became of it, even if its webhook is disabled.
#[utoipa::path(
    post, path = "/apps/{app_id}/deliveries/{id}/replay", tag = "deliveries",
    operation_id = "replay_delivery", params(DeliveryPath),
    responses(
        (status = 202, description = "The replay that sends it", body = ReplayView),
        Conflicts, Refusals
    )
)]
pub(super) async fn replay(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<BatchId>,
) -> Result<(StatusCode, Json<ReplayView>), Problem> {
    let replay = desk.change(move |desk| {
        let (delivery, _) = desk.delivery(&within.app, id)?;
        if delivery.status == DeliveryStatus::Pending {
            return Err(Problem::conflict("The delivery is pending: it is still being tried"));
        }
        let of = ReplayOf::Delivery(id.to_string());
        replays::begin(desk, &within, &delivery.batch.endpoint, of, 1)
    });
    Ok((StatusCode::ACCEPTED, Json(ReplayView::of(&replay.await?))))
}

impl Desk {
    /// A delivery of an app, with every attempt.
    fn delivery(&self, app: &AppId, id: BatchId) -> Result<(Delivery, Vec<Attempt>), Problem> {
        let found = self.store.delivery(id)?.filter(|(delivery, _)| delivery.batch.app == *app);
        found.ok_or_else(|| Problem::not_found("delivery"))
    }
}
