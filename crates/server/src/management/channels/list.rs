//! Occupied channels of an app.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_hub::{App, ChannelInfo};
use bellwire_protocol::ChannelName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{KINDS, kind};
use crate::management::Desk;
use crate::management::auth::Within;
use crate::management::input::Asked;
use crate::management::page::Page;
use crate::management::paths::AppPath;
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::ops::clock::now_ms;

/// Which channels.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChannelQuery {
    /// Whose names contain this, whatever their case.
    #[param(example = "lobby")]
    q: Option<String>,
    /// `public`, `private`, `encrypted` or `presence`.
    #[param(example = "presence")]
    kind: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Channels of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
}

/// A page of channels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelPage {
    /// By name.
    channels: Vec<ChannelSummary>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// A channel in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelSummary {
    /// Its name.
    #[schema(example = "presence-lobby")]
    pub(super) name: String,
    /// `public`, `private`, `encrypted`, `presence` or `server-to-user`.
    #[schema(example = "presence")]
    kind: &'static str,
    /// Connections that are subscribed.
    subscriptions: usize,
    /// Distinct users; `null`: it is no presence channel.
    #[schema(required)]
    users: Option<usize>,
    /// Whether it remembers an event now.
    cached: bool,
}

impl ChannelSummary {
    /// A channel as it is now.
    pub(super) fn of(name: &ChannelName, known: ChannelInfo, cached: bool) -> Self {
        Self {
            name: name.to_string(),
            kind: kind(name),
            subscriptions: known.subscriptions,
            users: name.kind().is_presence().then_some(known.users),
            cached,
        }
    }
}

/// List occupied channels
///
/// By name, a page at a time.
#[utoipa::path(
    get, path = "/apps/{app_id}/channels", tag = "live", operation_id = "list_channels",
    params(AppPath, ChannelQuery),
    responses((status = 200, description = "A page", body = ChannelPage), BadQuery, Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<ChannelQuery>,
) -> Result<Json<ChannelPage>, Problem> {
    let page = Page::read(query.cursor.clone(), query.limit.as_deref())?;
    if query.kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
        let expected = format!("expected one of {}", KINDS.join(", "));
        return Err(Problem::invalid("kind", &expected));
    }
    let app = desk.served(&within.app)?;
    // As many channels as there are: not for a thread that others wait for.
    desk.ask(move |desk| Ok(Json(desk.channels(&app, &page, &query)))).await
}

impl Desk {
    fn channels(&self, app: &Arc<App>, page: &Page, query: &ChannelQuery) -> ChannelPage {
        let words = query.q.as_deref().unwrap_or_default().to_lowercase();
        let mut found = self.hub.channels(app, "");
        found.retain(|(name, _)| {
            let is_kind = query.kind.as_deref().is_none_or(|wanted| wanted == kind(name));
            is_kind && (words.is_empty() || name.as_str().to_lowercase().contains(&words))
        });
        let total = found.len();
        let (found, next_cursor) = page.cut(found, |(name, _)| name.to_string());
        let now_ms = now_ms();
        let summary = |(name, known): &(ChannelName, ChannelInfo)| {
            let is_cached = name.kind().is_cache() && self.hub.cached(now_ms, app, name).is_some();
            ChannelSummary::of(name, *known, is_cached)
        };
        ChannelPage { channels: found.iter().map(summary).collect(), next_cursor, total }
    }
}
