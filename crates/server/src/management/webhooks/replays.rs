//! Replays: of failed deliveries or of the log, counted first if somebody wants; how far they have
//! come, and stopping them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bellwire_accounts::Change;
use bellwire_protocol::AppId;
use bellwire_webhooks::ids::{EndpointId, ReplayId};
use bellwire_webhooks::replay::{LogFilter, Progress, Replay, ReplayOf, Span, State as Going};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answers::{Counted, ReplayList};
use super::deliveries::event;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::{self, Given};
use crate::management::paths::{AppPath, ReplayPath, WebhookPath};
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;
use crate::views::replay::ReplayView;

/// What to send again: either failed deliveries or a part of the log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "failed": { "from": "2026-11-21T00:00:00Z" }, "dry_run": true }))]
pub(super) struct NewReplay {
    /// Deliveries that failed, with their own ids.
    failed: Option<FailedPart>,
    /// Events of the log that the webhook would hear today, in new deliveries.
    log: Option<LogPart>,
    /// Only count.
    #[serde(default)]
    #[schema(default = false)]
    dry_run: bool,
}

/// Which failed deliveries: made in a span of time; `{}`: all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FailedPart {
    /// Not before.
    from: Option<Moment>,
    /// Not after.
    to: Option<Moment>,
}

/// Which events of the log; `{}`: all that are kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogPart {
    /// Not before.
    from: Option<Moment>,
    /// Not after.
    to: Option<Moment>,
    /// From this place of the log on.
    from_seq: Option<u64>,
    /// Up to this place; without it, up to the last place there is now.
    to_seq: Option<u64>,
    /// Only of this channel.
    channel: Option<String>,
    /// Only events of this name.
    event: Option<String>,
}

impl NewReplay {
    fn of(self) -> Result<ReplayOf, Problem> {
        match (self.failed, self.log) {
            (Some(part), None) => Ok(ReplayOf::Failed(span("failed", part.from, part.to)?)),
            (None, Some(part)) => part.filter().map(ReplayOf::Log),
            _ => Err(Problem::said("Expected either \"failed\" or \"log\"")),
        }
    }
}

impl LogPart {
    fn filter(self) -> Result<LogFilter, Problem> {
        input::span(("from_seq", self.from_seq), ("log.to_seq", self.to_seq))?;
        Ok(LogFilter {
            span: span("log", self.from, self.to)?,
            from_seq: self.from_seq,
            to_seq: self.to_seq,
            channel: self.channel,
            event: self.event.map(|name| event("log.event", &name)).transpose()?,
        })
    }
}

fn span(part: &str, from: Option<Moment>, to: Option<Moment>) -> Result<Span, Problem> {
    let span = Span { from_ms: from.map(Moment::ms), to_ms: to.map(Moment::ms) };
    input::span(("from", span.from_ms), (&format!("{part}.to"), span.to_ms))?;
    Ok(span)
}

/// Replay failed deliveries or a part of the log
///
/// It is kept, goes on after a restart, and runs slower than live events. With `dry_run` it is only
/// counted. If the webhook is disabled, it waits.
#[utoipa::path(
    post, path = "/apps/{app_id}/webhooks/{id}/replays", tag = "replays",
    operation_id = "create_replay", params(WebhookPath), request_body = NewReplay,
    responses(
        (status = 200, description = "What it would be (dry run)", body = Counted),
        (status = 202, description = "It is on its way", body = ReplayView),
        BadBody, Refusals
    )
)]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<EndpointId>,
    Given(wanted): Given<NewReplay>,
) -> Result<Response, Problem> {
    let is_dry = wanted.dry_run;
    let of = wanted.of()?;
    if is_dry {
        let counted = desk.ask(move |desk| {
            desk.endpoint(&within.app, &id)?;
            Ok(Counted { count: desk.store.count(&id, &of)? })
        });
        return Ok(Json(counted.await?).into_response());
    }
    let replay = desk.change(move |desk| {
        desk.endpoint(&within.app, &id)?;
        let total = desk.store.count(&id, &of)?;
        begin(desk, &within, &id, of, total)
    });
    Ok((StatusCode::ACCEPTED, Json(ReplayView::of(&replay.await?))).into_response())
}

/// Writes a replay down, for the engine to find. Within a change, or two could have one id.
pub(super) fn begin(
    desk: &Desk,
    within: &Within,
    endpoint: &EndpointId,
    of: ReplayOf,
    total: u64,
) -> Result<Replay, Problem> {
    let now_ms = now_ms();
    let last = desk.store.replays(None)?.first().map(|replay| replay.id);
    let id = ReplayId::after(last.unwrap_or(ReplayId::of(0)), now_ms);
    let progress = Progress { cursor: 0, delivered: 0, failed: 0, state: Going::Running };
    desk.store.put_replay(&Replay {
        id,
        app: within.app.clone(),
        endpoint: endpoint.clone(),
        of,
        created_at_ms: now_ms,
        total,
        progress,
    })?;
    let told = Change { field: "total".into(), from: Value::Null, to: total.into() };
    desk.note(&within.did("replay.created", endpoint.as_str(), vec![told]));
    // As it was written down: the end of its log is set there.
    desk.replay(&within.app, id)
}

/// List replays
///
/// Newest first, tests too.
#[utoipa::path(
    get, path = "/apps/{app_id}/replays", tag = "replays", operation_id = "list_replays",
    params(AppPath),
    responses((status = 200, description = "The replays", body = ReplayList), Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<ReplayList>, Problem> {
    let replays = desk.ask(move |desk| Ok(desk.store.replays(Some(&within.app))?)).await?;
    Ok(Json(ReplayList { replays: replays.iter().map(ReplayView::of).collect() }))
}

/// Show a replay
///
/// How far it has come.
#[utoipa::path(
    get, path = "/apps/{app_id}/replays/{id}", tag = "replays", operation_id = "show_replay",
    params(ReplayPath),
    responses((status = 200, description = "The replay", body = ReplayView), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<ReplayId>,
) -> Result<Json<ReplayView>, Problem> {
    let replay = desk.ask(move |desk| desk.replay(&within.app, id)).await?;
    Ok(Json(ReplayView::of(&replay)))
}

/// Stop a replay
///
/// What was sent stays sent.
#[utoipa::path(
    post, path = "/apps/{app_id}/replays/{id}/cancel", tag = "replays",
    operation_id = "cancel_replay", params(ReplayPath),
    responses((status = 200, description = "The replay", body = ReplayView), Conflicts, Refusals)
)]
pub(super) async fn cancel(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<ReplayId>,
) -> Result<Json<ReplayView>, Problem> {
    let replay = desk.change(move |desk| {
        let replay = desk.replay(&within.app, id)?;
        if !desk.store.cancel_replay(id)? {
            return Err(Problem::conflict("The replay does not run any more"));
        }
        desk.note(&within.did("replay.cancelled", replay.endpoint.as_str(), Vec::new()));
        desk.replay(&within.app, id)
    });
    Ok(Json(ReplayView::of(&replay.await?)))
}

impl Desk {
    /// A replay of an app.
    fn replay(&self, app: &AppId, id: ReplayId) -> Result<Replay, Problem> {
        let replay = self.store.replay(id)?.filter(|replay| replay.app == *app);
        replay.ok_or_else(|| Problem::not_found("replay"))
    }
}
