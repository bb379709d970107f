//! One channel, occupied or not, with what it remembers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_protocol::ChannelName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::ChannelSummary;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::paths::ChannelPath;
use crate::management::problem::{Problem, Refusals};
use crate::ops::clock::now_ms;

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelView {
    #[serde(flatten)]
    summary: ChannelSummary,
    /// Whether anybody is subscribed.
    occupied: bool,
    /// The event that it remembers; `null`: none.
    #[schema(required)]
    cache: Option<CachedEvent>,
}

/// An event that new subscribers get.
#[derive(Debug, Serialize, ToSchema)]
struct CachedEvent {
    /// Its name.
    #[schema(example = "price-changed")]
    event: String,
    /// Its data as subscribers get it.
    data: String,
    /// Bytes of the data.
    bytes: usize,
    /// Seconds until it is forgotten.
    expires_in_s: u64,
}

/// What was sent.
#[derive(Deserialize)]
struct Sent {
    event: String,
    data: String,
}

/// Show a channel
///
/// Any legal name, occupied or not.
#[utoipa::path(
    get, path = "/apps/{app_id}/channels/{id}", tag = "live", operation_id = "show_channel",
    params(ChannelPath),
    responses((status = 200, description = "The channel", body = ChannelView), Refusals)
)]
pub(crate) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(name): Named<ChannelName>,
) -> Result<Json<ChannelView>, Problem> {
    let app = desk.served(&within.app)?;
    let known = desk.hub.info(&app, &name);
    let cached = desk.hub.cached(now_ms(), &app, &name).and_then(|(frame, left_ms)| {
        let sent: Sent = serde_json::from_slice(frame.payload()).ok()?;
        let (bytes, expires_in_s) = (sent.data.len(), left_ms.div_ceil(1000));
        Some(CachedEvent { event: sent.event, data: sent.data, bytes, expires_in_s })
    });
    Ok(Json(ChannelView {
        summary: ChannelSummary::of(&name, known, cached.is_some()),
        occupied: known.subscriptions > 0,
        cache: cached,
    }))
}
