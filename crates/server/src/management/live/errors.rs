//! The error log of an app.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_live::errors::Group;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input::{self, Asked};
use crate::management::paths::AppPath;
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::moment::Moment;

/// Errors of a page.
const PAGE: usize = 100;

/// Which errors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ErrorQuery {
    /// That came last not before: RFC 3339, or milliseconds since 1970.
    #[param(example = "2026-11-21T09:30:00Z")]
    from: Option<String>,
    /// That came first not after.
    to: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of errors.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorPage {
    /// The latest first; at most 200 are kept, for 30 days.
    errors: Vec<ErrorView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The same mistake, however often it was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorGroup)]
pub(super) struct ErrorView {
    /// Its name.
    #[schema(example = "9c4f1c2a9be07d88")]
    id: String,
    /// `connection`, `auth`, `api`, `client` or `limit`.
    #[schema(example = "auth")]
    kind: &'static str,
    /// A close code, the code of a `pusher:error`, or the status of an answer.
    #[schema(required, example = 401)]
    code: Option<u16>,
    /// What was said, with `…` for what differs.
    #[schema(example = "Auth info required to subscribe to …")]
    message: String,
    /// How often. Of a flood, 200 a second are counted.
    count: u64,
    /// When it came first.
    first_at: Moment,
    /// When it came last.
    last_at: Moment,
    /// The latest.
    sample: SampleView,
    /// What mends it.
    #[schema(example = "Compare key and secret with App Keys")]
    fix: &'static str,
}

/// To whom it happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorSample)]
struct SampleView {
    /// The connection.
    #[schema(required, example = "123.456")]
    socket_id: Option<String>,
    /// Where it came from.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    /// The channel that it was about.
    #[schema(required, example = "private-chat")]
    channel: Option<String>,
    /// The page.
    #[schema(required, example = "https://shop.example")]
    origin: Option<String>,
}

impl ErrorView {
    fn of(group: Group) -> Self {
        let example = group.example.clone();
        Self {
            id: group.id.to_string(),
            kind: group.kind.name(),
            code: group.code,
            fix: group.fix(),
            message: group.message,
            count: group.count,
            first_at: Moment(group.first_at_ms),
            last_at: Moment(group.last_at_ms),
            sample: SampleView {
                socket_id: example.socket_id,
                address: example.address,
                channel: example.channel,
                origin: example.origin,
            },
        }
    }
}

/// List errors
///
/// What went wrong at the door, with signatures, requests, clients and limits: one entry for each
/// mistake, with what mends it. Refusals that name no app are in the operator's log only.
#[utoipa::path(
    get, path = "/apps/{app_id}/errors", tag = "live", operation_id = "list_errors",
    params(AppPath, ErrorQuery),
    responses((status = 200, description = "A page", body = ErrorPage), BadQuery, Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<ErrorQuery>,
) -> Result<Json<ErrorPage>, Problem> {
    let app = desk.served(&within.app)?;
    let from_ms = input::moment("from", query.from.as_deref())?;
    let to_ms = input::moment("to", query.to.as_deref())?;
    input::span(("from", from_ms), ("to", to_ms))?;
    let expected = "expected the next_cursor of the page before";
    let skip = input::parameter::<usize>("cursor", query.cursor.as_deref(), expected)?.unwrap_or(0);
    let page = desk.ask(move |desk| {
        let mut found = desk.live.mistakes(&app)?;
        found.retain(|group| {
            from_ms.is_none_or(|from_ms| group.last_at_ms >= from_ms)
                && to_ms.is_none_or(|to_ms| group.first_at_ms <= to_ms)
        });
        let next = skip.saturating_add(PAGE);
        let next_cursor = (found.len() > next).then(|| next.to_string());
        let errors = found.into_iter().skip(skip).take(PAGE).map(ErrorView::of).collect();
        Ok(ErrorPage { errors, next_cursor })
    });
    page.await.map(Json)
}
