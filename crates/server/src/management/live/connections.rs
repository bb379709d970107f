//! Connections of an app, one by one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_protocol::SocketId;
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::PageQuery;
use crate::live::{Sought, Spot};
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::{self, Asked};
use crate::management::paths::{AppPath, ConnectionPath};
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::views::connection::ConnectionView;

/// A page of connections.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionPage {
    /// Node by node, and in no order that means anything.
    #[schema(value_type = Vec<ConnectionView>)]
    connections: Vec<Box<RawValue>>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
    /// Nodes that have not answered within a second: theirs are neither shown nor counted.
    #[schema(example = json!(["node-2"]))]
    missing_nodes: Vec<String>,
}

/// List connections
///
/// Those of all nodes. `q` looks at socket id, user, address, origin and client. A page may be shorter
/// than `limit` and not be the last.
#[utoipa::path(
    get, path = "/apps/{app_id}/connections", tag = "live", operation_id = "list_connections",
    params(AppPath, PageQuery),
    responses((status = 200, description = "A page", body = ConnectionPage), BadQuery, Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<ConnectionPage>, Problem> {
    let app = desk.served(&within.app)?;
    let expected = "expected the next_cursor of the page before";
    let from = input::parameter::<Spot>("cursor", query.cursor.as_deref(), expected)?;
    let (limit, q) = (query.limit()?, query.q.unwrap_or_default().to_lowercase());
    let page = desk.everywhere.connections(&app, &q, from, limit).await;
    let next_cursor = page.next.map(|spot| spot.to_string());
    let (connections, total, missing_nodes) = (page.connections, page.total, page.missing);
    Ok(Json(ConnectionPage { connections, next_cursor, total, missing_nodes }))
}

/// Show a connection
///
/// Of whatever node.
#[utoipa::path(
    get, path = "/apps/{app_id}/connections/{id}", tag = "live", operation_id = "show_connection",
    params(ConnectionPath),
    responses(
        (status = 200, description = "The connection", body = ConnectionView), Refusals
    )
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(socket): Named<SocketId>,
) -> Result<Json<Box<RawValue>>, Problem> {
    let app = desk.served(&within.app)?;
    there(desk.everywhere.connection(&app, socket).await).map(Json)
}

/// Disconnect one
///
/// With code 4009: libraries do not connect again by themselves. If its node does not answer in time,
/// it may end all the same.
#[utoipa::path(
    post, path = "/apps/{app_id}/connections/{id}/disconnect", tag = "live",
    operation_id = "disconnect", params(ConnectionPath),
    responses((status = 204, description = "It ends"), Refusals)
)]
pub(super) async fn disconnect(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(socket): Named<SocketId>,
) -> Result<StatusCode, Problem> {
    let app = desk.served(&within.app)?;
    there(desk.everywhere.disconnect(&app, socket).await)?;
    desk.ask(move |desk| {
        desk.note(&within.did("connection.disconnected", &socket.to_string(), Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn there<T>(sought: Sought<T>) -> Result<T, Problem> {
    match sought {
        Sought::Found(found) => Ok(found),
        Sought::NotThere => Err(Problem::not_found("connection")),
        Sought::Unknown(nodes) => Err(Problem::silence(&nodes)),
    }
}
