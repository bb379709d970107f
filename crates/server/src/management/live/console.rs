//! The console: what happens in an app, as it happens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bellwire_live::line::{Filter, LogType};
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input::Asked;
use crate::management::paths::AppPath;
use crate::management::problem::{BadQuery, Conflicts, Problem, Refusals};
use crate::views::line::LogLine;

/// What somebody wants to see.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConsoleQuery {
    /// Only lines of these types, with commas between them.
    #[param(example = "api_message,client_event")]
    types: Option<String>,
    /// Only of channels with this in their name, in whatever case.
    #[param(example = "lobby")]
    channel: Option<String>,
    /// Only with this anywhere, in whatever case.
    #[param(example = "ann")]
    q: Option<String>,
}

/// Follow what happens
///
/// Server-sent events. First `hello` with `{"recent": n}` and so many lines from before, if somebody
/// looks already; then a line for each thing that happens, on all nodes. Of a busy app at most 200
/// lines a second are shown, and `sampled` tells with `{"shown": n, "left_out": n, "types": {…}}` what was not. The
/// answer ends after a quarter of an hour; ask again then.
#[utoipa::path(
    get, path = "/apps/{app_id}/console", tag = "live", operation_id = "follow_console",
    params(AppPath, ConsoleQuery),
    responses(
        (
            status = 200, description = "Events, each with a line as data",
            body = LogLine<'static>, content_type = "text/event-stream"
        ),
        BadQuery, Conflicts, Refusals
    )
)]
pub(super) async fn follow(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<ConsoleQuery>,
) -> Result<Response, Problem> {
    let app = desk.served(&within.app)?;
    let (channel, q) = (query.channel.unwrap_or_default(), query.q.unwrap_or_default());
    let filter = Filter::new(types(query.types.as_deref().unwrap_or_default())?, &channel, &q);
    let feed = desk.live.look(app, filter);
    let feed = feed.ok_or_else(|| Problem::conflict("Too many people look at this console"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // Proxies must not gather what is to be seen at once.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::new(feed)).into_response())
}

fn types(list: &str) -> Result<Vec<LogType>, Problem> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let kind = |name: &str| {
        let known = LogType::ALL.map(LogType::name).join(", ");
        let expected = || format!("{name:?} is none of {known}");
        LogType::named(name).ok_or_else(|| Problem::invalid("types", &expected()))
    };
    names.map(kind).collect()
}
