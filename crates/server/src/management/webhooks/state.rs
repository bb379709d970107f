//! What was announced: the state as of a place in the log, the log after it, and what receivers
//! missed. With the first two a receiver knows the truth, whatever it has lost.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bellwire_webhooks::event::Event;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::snapshot::{Feed, SnapshotView};
use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input::{self, Asked};
use crate::management::paths::AppPath;
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::moment::Moment;
use crate::views::gap::GapView;

/// Events of a page of the log, unless somebody says otherwise, and at most.
const PAGE: (u32, u32) = (100, 1_000);

/// Show the announced state
///
/// Every occupied channel, and every member of presence channels, as of one place in the log. It may
/// be large; it is sent piece by piece.
#[utoipa::path(
    get, path = "/apps/{app_id}/snapshot", tag = "state", operation_id = "show_snapshot",
    params(AppPath),
    responses((status = 200, description = "The state", body = SnapshotView), Refusals)
)]
pub(super) async fn snapshot(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Response, Problem> {
    let feed = desk.ask(move |desk| Ok(Feed::new(desk.store.snapshot(&within.app)?))).await?;
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, Body::new(feed)).into_response())
}

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Only what comes after this place: the `seq` of a snapshot or the `next_after` of a page. 0 or
    /// nothing: from the oldest event that is kept.
    #[param(value_type = Option<u64>, example = 0)]
    after: Option<String>,
    /// Events of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct LogPage {
    /// Ascending.
    events: Vec<LogEntry>,
    /// The `after` of the next page.
    #[schema(example = 1042)]
    next_after: u64,
    /// Whether there is more now.
    has_more: bool,
}

/// An event in the log.
#[derive(Serialize, ToSchema)]
pub(super) struct LogEntry {
    /// Its place. Places that are missing were lost or are too old.
    #[schema(example = 1042)]
    seq: u64,
    /// When it happened.
    at: Moment,
    /// The event as webhooks have it.
    #[schema(value_type = Object, example = json!({
        "name": "member_added", "channel": "presence-lobby", "user_id": "ann"
    }))]
    event: Box<RawValue>,
}

impl LogEntry {
    fn of(event: Event) -> Result<Self, Problem> {
        let body = RawValue::from_string(event.body.into());
        let event_body = body.map_err(|error| Problem::internal(&error))?;
        Ok(Self { seq: event.seq, at: Moment(event.at_ms), event: event_body })
    }
}

/// Read the log
///
/// Ascending, a page at a time.
#[utoipa::path(
    get, path = "/apps/{app_id}/log", tag = "state", operation_id = "read_log",
    params(AppPath, LogQuery),
    responses((status = 200, description = "A page", body = LogPage), BadQuery, Refusals)
)]
pub(super) async fn log(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<LogQuery>,
) -> Result<Json<LogPage>, Problem> {
    let expected = "expected a place in the log, 0 or more";
    let after = input::parameter::<u64>("after", query.after.as_deref(), expected)?;
    // The store counts in 63 bits.
    let after = after.unwrap_or(0).min(i64::MAX.unsigned_abs());
    let limit = input::limit(query.limit.as_deref(), PAGE.0, PAGE.1)?;
    let page = desk.ask(move |desk| {
        let mut found = desk.store.log(&within.app, after, limit + 1)?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_after = found.last().map_or(after, |event| event.seq);
        let events = found.into_iter().map(LogEntry::of).collect::<Result<_, _>>()?;
        Ok(LogPage { events, next_after, has_more })
    });
    page.await.map(Json)
}

/// What receivers missed.
#[derive(Serialize, ToSchema)]
pub(super) struct GapList {
    /// Newest first, at most 1,000.
    gaps: Vec<GapView>,
}

/// List what receivers missed
///
/// A replay of the log from `first_seq` to `last_seq` sends it.
#[utoipa::path(
    get, path = "/apps/{app_id}/gaps", tag = "state", operation_id = "list_gaps",
    params(AppPath),
    responses((status = 200, description = "The gaps", body = GapList), Refusals)
)]
pub(super) async fn gaps(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<GapList>, Problem> {
    let lost = desk.ask(move |desk| Ok(desk.store.gaps(&within.app)?)).await?;
    Ok(Json(GapList { gaps: lost.iter().map(GapView::of).collect() }))
}
