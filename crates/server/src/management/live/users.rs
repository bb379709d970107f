//! Users that are signed in now.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_protocol::{UserId, close};
use serde::Serialize;
use utoipa::ToSchema;

use super::PageQuery;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::Asked;
use crate::management::paths::{AppPath, UserPath};
use crate::management::problem::{BadQuery, Problem, Refusals};

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserPage {
    /// By id.
    users: Vec<UserView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// A user that is signed in now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    /// Its id.
    #[schema(example = "ann")]
    id: String,
    /// How many connections it has.
    connections: usize,
}

/// List users
///
/// Those that are signed in now.
#[utoipa::path(
    get, path = "/apps/{app_id}/users", tag = "live", operation_id = "list_users",
    params(AppPath, PageQuery),
    responses((status = 200, description = "A page", body = UserPage), BadQuery, Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<UserPage>, Problem> {
    let app = desk.served(&within.app)?;
    query.limit()?;
    let page = desk.ask(move |desk| {
        let page = desk.hub.user_page(&app, &query.wanted()?);
        let last = page.items.last().map(|(id, _)| id.to_string());
        let next_cursor = last.filter(|_| page.has_more);
        let view =
            |(id, connections): (UserId, usize)| UserView { id: id.to_string(), connections };
        let users = page.items.into_iter().map(view).collect();
        Ok(UserPage { users, next_cursor, total: page.total })
    });
    page.await.map(Json)
}

/// How many connections were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ended {
    /// Those that the user had.
    #[schema(example = 2)]
    connections: usize,
}

/// Disconnect a user
///
/// Ends all connections that signed in as the user, with code 4009. Libraries do not connect again by
/// themselves.
#[utoipa::path(
    post, path = "/apps/{app_id}/users/{id}/disconnect", tag = "live",
    operation_id = "disconnect_user", params(UserPath),
    responses((status = 200, description = "They end", body = Ended), Refusals)
)]
pub(super) async fn disconnect(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(user): Named<UserId>,
) -> Result<Json<Ended>, Problem> {
    let app = desk.served(&within.app)?;
    let ended = desk.ask(move |desk| {
        let connections = desk.hub.terminate(&app, user.as_str(), &close::TERMINATED);
        desk.note(&within.did("user.disconnected", user.as_str(), Vec::new()));
        Ok(Ended { connections })
    });
    ended.await.map(Json)
}
