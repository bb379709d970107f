//! The list of apps, with what goes on in each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::AppSummary;
use crate::management::Desk;
use crate::management::auth::Access;
use crate::management::input::Asked;
use crate::management::page::Page;
use crate::management::problem::{BadQuery, Problem, Refusals};

/// Which apps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AppQuery {
    /// Of this account.
    #[param(example = "acc_0123456789abcdef")]
    account_id: Option<String>,
    /// Whose name or id contains this, whatever its case.
    #[param(example = "chat")]
    q: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Apps of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
}

/// A page of apps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppPage {
    /// By name.
    apps: Vec<AppSummary>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// List apps
///
/// Those of the accounts that whoever asks may see, with what goes on in each.
#[utoipa::path(
    get, path = "/apps", tag = "apps", operation_id = "list_apps", params(AppQuery),
    responses((status = 200, description = "A page", body = AppPage), BadQuery, Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    access: Access,
    Asked(query): Asked<AppQuery>,
) -> Result<Json<AppPage>, Problem> {
    let page = Page::read(query.cursor.clone(), query.limit.as_deref())?;
    let words = query.q.unwrap_or_default().to_lowercase();
    let mut found: Vec<_> = desk
        .apps
        .all()
        .into_iter()
        .filter_map(|app| {
            let live = app.live();
            let account = live.owner.as_ref().map(|owner| &*owner.by.id);
            access.role_for(&app.id, account)?;
            let is_wanted = query.account_id.is_none() || query.account_id.as_deref() == account;
            let name = live.settings.name.to_lowercase();
            let fits = is_wanted && (name.contains(&words) || app.id.as_str().contains(&words));
            drop(live);
            // A name may be there twice, an id is not.
            fits.then(|| (format!("{name}\u{0}{}", app.id), app))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total = found.len();
    let (found, next_cursor) = page.cut(found, |(text, _)| text.clone());
    let channels = desk.hub.channel_counts();
    let apps = found
        .iter()
        .map(|(_, app)| AppSummary::of(app, channels.get(&app.handle).copied().unwrap_or(0)));
    Ok(Json(AppPage { apps: apps.collect(), next_cursor, total }))
}
