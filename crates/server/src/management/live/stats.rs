//! Statistics over a range of time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_live::chart::Range;
use bellwire_live::rollup::{Rollup, Spread};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input::Asked;
use crate::management::paths::AppPath;
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// Which range.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsQuery {
    /// `1h`, `6h`, `24h`, `7d`, `30d` or `90d`; without it `24h`.
    #[param(example = "24h")]
    range: Option<String>,
}

/// The statistics of an app.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stats {
    /// What was asked for.
    #[schema(example = "24h")]
    range: &'static str,
    /// Seconds of a point.
    #[schema(example = 600)]
    step_s: u64,
    /// When the first point begins.
    from: Moment,
    /// Now: the last point is under way.
    to: Moment,
    /// The points, one after the other, also where nothing happened.
    series: Vec<PointView>,
    /// All of them together.
    totals: PointView,
}

/// What happened in a while.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsPoint)]
pub(super) struct PointView {
    /// When it begins.
    at: Moment,
    /// Messages, as quotas count them.
    messages: MessagesView,
    /// Connections.
    connections: ConnectionsView,
    /// Bytes of published messages, as clients get them.
    message_bytes: BytesView,
    /// Requests of the HTTP API.
    api: ApiView,
    /// Requests to webhooks.
    webhooks: WebhooksView,
}

/// Messages by kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsMessages)]
struct MessagesView {
    /// Calls of the HTTP API that publish.
    api: u64,
    /// Client events that came.
    client_in: u64,
    /// Events of the API, for each connection that got one.
    broadcast: u64,
    /// Client events, for each connection that got one.
    client_out: u64,
    /// Members that came or went, for each connection that heard of it.
    presence: u64,
    /// Requests to webhooks.
    webhook: u64,
}

/// Connections in a while.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsConnections)]
struct ConnectionsView {
    /// At its end.
    now: u64,
    /// The most at one time.
    peak: u64,
}

/// How large messages were; 0 where there were none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsBytes)]
struct BytesView {
    /// On average.
    average: u64,
    /// The largest.
    max: u64,
    /// Half of them were not larger, roughly.
    p50: u64,
    /// 95 % of them were not larger, roughly.
    p95: u64,
}

/// Requests of the HTTP API; times are 0 where there were none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsApi)]
struct ApiView {
    /// All of them.
    requests: u64,
    /// Those that were refused.
    errors: u64,
    /// Half of them took no longer, in milliseconds, roughly.
    p50_ms: f64,
    /// 95 % of them took no longer, roughly.
    p95_ms: f64,
}

/// Requests to webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsWebhooks)]
struct WebhooksView {
    /// Answered with a 2xx.
    accepted: u64,
    /// Not.
    failed: u64,
}

impl PointView {
    fn of(at_s: u64, rollup: &Rollup) -> Self {
        let Rollup { messages, sizes, requests, .. } = rollup;
        Self {
            at: Moment(at_s * 1000),
            messages: MessagesView {
                api: messages.api,
                client_in: messages.client_in,
                broadcast: messages.broadcast,
                client_out: messages.client_out,
                presence: messages.presence,
                webhook: messages.webhook,
            },
            connections: ConnectionsView { now: rollup.connections, peak: rollup.peak },
            message_bytes: BytesView {
                average: whole(sizes.average()),
                max: sizes.max,
                p50: whole(sizes.percentile(50)),
                p95: whole(sizes.percentile(95)),
            },
            api: ApiView {
                requests: requests.count(),
                errors: rollup.request_errors,
                p50_ms: milliseconds(requests, 50),
                p95_ms: milliseconds(requests, 95),
            },
            webhooks: WebhooksView {
                accepted: rollup.webhooks_accepted,
                failed: rollup.webhooks_failed,
            },
        }
    }
}

fn whole(value: Option<f64>) -> u64 {
    value.unwrap_or_default().round() as u64
}

/// To the microsecond.
fn milliseconds(spread: &Spread, percent: u64) -> f64 {
    spread.percentile(percent).unwrap_or_default().round() / 1000.0
}

/// Show statistics
///
/// Up to this moment. Points of a minute are kept for two days, points of an hour for three months.
#[utoipa::path(
    get, path = "/apps/{app_id}/stats", tag = "live", operation_id = "show_stats",
    params(AppPath, StatsQuery),
    responses((status = 200, description = "The statistics", body = Stats), BadQuery, Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<StatsQuery>,
) -> Result<Json<Stats>, Problem> {
    let app = desk.served(&within.app)?;
    let expected = "expected 1h, 6h, 24h, 7d, 30d or 90d";
    let range = Range::named(query.range.as_deref().unwrap_or("24h"));
    let range = range.ok_or_else(|| Problem::invalid("range", expected))?;
    let stats = desk.ask(move |desk| {
        let now_ms = now_ms();
        let series = desk.live.statistics(&app, &range, now_ms / 1000)?;
        let mut totals = Rollup::default();
        series.iter().for_each(|(_, rollup)| totals.add(rollup));
        totals.connections = app.usage.all_connections() as u64;
        let from_s = range.from_s(now_ms / 1000);
        Ok(Stats {
            range: range.name,
            step_s: range.step_s,
            from: Moment(from_s * 1000),
            to: Moment(now_ms),
            series: series.iter().map(|(at_s, rollup)| PointView::of(*at_s, rollup)).collect(),
            totals: PointView::of(from_s, &totals),
        })
    });
    stats.await.map(Json)
}
