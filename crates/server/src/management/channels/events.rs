//! Publishing by hand: what the event creator does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::Role;
use bellwire_protocol::publish::{Info, Publish, Refused};
use serde::Serialize;
use utoipa::ToSchema;

use super::list::ChannelSummary;
use crate::api::publisher::{OVER_QUOTA, Publisher};
use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input;
use crate::management::paths::AppPath;
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::ops::clock::now_ms;

/// An event, as Pusher's HTTP API takes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description is made of it; the body is read as the API reads it")]
pub(crate) struct NewEvent {
    /// The event's name.
    #[schema(example = "my-event")]
    name: String,
    /// Where to; or `channels`, for several.
    #[schema(nullable = false, example = "my-channel")]
    channel: Option<String>,
    /// Where to.
    #[schema(nullable = false)]
    channels: Option<Vec<String>>,
    /// The data, a string: JSON goes in as text.
    #[schema(example = "{\"hello\":\"world\"}")]
    data: String,
    /// A connection that is not to get it.
    #[schema(nullable = false)]
    socket_id: Option<String>,
}

/// Who got it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    /// Each channel, with how many were subscribed.
    channels: Vec<ChannelSummary>,
}

/// Publish an event
///
/// As an SDK would with `POST /apps/{app_id}/events`. The answer says who was there.
#[utoipa::path(
    post, path = "/apps/{app_id}/events", tag = "live", operation_id = "create_event",
    params(AppPath), request_body = NewEvent,
    responses(
        (status = 200, description = "It is published", body = Published), BadBody, Conflicts, Refusals
    )
)]
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    within: Within,
    input::Json(body): input::Json,
) -> Result<Json<Published>, Problem> {
    within.need(Role::Developer)?;
    let app = desk.served(&within.app)?;
    if !app.live().settings.enabled {
        return Err(Problem::conflict("The app is disabled"));
    }
    let text = body.to_string();
    desk.switchboard.room().await;
    let (hub, switchboard, live) = (&*desk.hub, &*desk.switchboard, &*desk.live);
    let publisher = Publisher { hub, switchboard, live, app: &app, now_ms: now_ms() };
    let publish = Publish::parse(&text, publisher.rules()).map_err(|refused| match refused {
        Refused::Bad(sentence) => Problem::said(&sentence),
        Refused::TooLarge(_) => Problem::invalid("data", &refused.to_string()),
    })?;
    if publisher.is_over_quota() {
        return Err(Problem::refused(OVER_QUOTA));
    }
    // What it asks about channels is answered in any case.
    let publish = Publish { info: Info::default(), ..publish };
    let known = publisher.publish(&publish);
    publisher.let_readers_catch_up(std::slice::from_ref(&publish)).await;
    let each = publish.channels.iter().zip(&known);
    let channels = each.map(|(name, known)| ChannelSummary::of(name, *known, false));
    Ok(Json(Published { channels: channels.collect() }))
}
