//! Connections of an app, one by one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_protocol::SocketId;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::PageQuery;
use crate::gateway::asking::Seen;
use crate::live::Place;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::{self, Asked};
use crate::management::paths::{AppPath, ConnectionPath};
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::moment::Moment;

/// A page of connections.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionPage {
    /// In no order that means anything.
    connections: Vec<ConnectionView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(super) struct ConnectionView {
    /// Its name.
    #[schema(example = "123.456")]
    socket_id: String,
    /// `ws`, `xhr_streaming` or `xhr_polling`.
    #[schema(example = "ws")]
    transport: &'static str,
    /// Whether it came by TLS, here or at a trusted proxy.
    tls: bool,
    /// The other end, as far as trusted proxies tell.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    /// The page that it belongs to.
    #[schema(required, example = "https://shop.example")]
    origin: Option<String>,
    /// Name and version of its library.
    #[schema(required, example = "js 8.4.0")]
    client: Option<String>,
    /// When it came.
    connected_at: Moment,
    /// Who it signed in as.
    #[schema(required, example = "ann")]
    user_id: Option<String>,
    /// What it listens to: the first 100 in a list, the first 1,000 of one.
    subscriptions: Vec<SubscriptionView>,
    /// How many subscriptions it has.
    subscription_count: usize,
    /// Messages that it has sent.
    messages_in: u32,
    /// Bytes that wait because it reads too slowly.
    backlog_bytes: usize,
}

/// A channel that a connection listens to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(super) struct SubscriptionView {
    /// Its name.
    #[schema(example = "presence-lobby")]
    channel: String,
    /// Who the connection is there; `null`: it is no presence channel.
    #[schema(required, example = "ann")]
    user_id: Option<String>,
}

impl ConnectionView {
    fn of(seen: Seen) -> Self {
        let story = &seen.story;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let subscription = |(channel, user): (_, Option<bellwire_protocol::UserId>)| {
            let channel: bellwire_protocol::ChannelName = channel;
            let user_id = user.map(|user| user.to_string());
            SubscriptionView { channel: channel.to_string(), user_id }
        };
        Self {
            socket_id: seen.socket_id.to_string(),
            transport: seen.transport,
            tls: story.tls,
            address: story.address.map(|address| address.to_canonical().to_string()),
            origin: text(&story.visitor.origin),
            client: text(&story.visitor.client),
            connected_at: Moment(story.connected_at_ms),
            user_id: seen.user.map(|user| user.to_string()),
            messages_in: story.messages_in,
            subscriptions: seen.subscriptions.into_iter().map(subscription).collect(),
            subscription_count: seen.subscription_count,
            backlog_bytes: seen.backlog_bytes,
        }
    }
}

/// List connections
///
/// `q` looks at socket id, user, address, origin and client.
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
    let from = input::parameter::<Place>("cursor", query.cursor.as_deref(), expected)?;
    let (limit, q) = (query.limit()?, query.q.unwrap_or_default().to_lowercase());
    let page = desk.questions.connections(&app, &q, from.unwrap_or_default(), limit).await;
    let total = desk.questions.count(&app, &q).await;
    let connections = page.seen.into_iter().map(ConnectionView::of).collect();
    let next_cursor = page.next.map(|place| place.to_string());
    Ok(Json(ConnectionPage { connections, next_cursor, total }))
}

/// Show a connection
#[utoipa::path(
    get, path = "/apps/{app_id}/connections/{id}", tag = "live", operation_id = "show_connection",
    params(ConnectionPath),
    responses((status = 200, description = "The connection", body = ConnectionView), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(socket): Named<SocketId>,
) -> Result<Json<ConnectionView>, Problem> {
    let app = desk.served(&within.app)?;
    let seen = desk.questions.connection(&app, socket).await;
    let seen = seen.ok_or_else(|| Problem::not_found("connection"))?;
    Ok(Json(ConnectionView::of(seen)))
}

/// Disconnect one
///
/// With code 4009: libraries do not connect again by themselves.
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
    if !desk.questions.disconnect(&app, socket).await {
        return Err(Problem::not_found("connection"));
    }
    desk.ask(move |desk| {
        desk.note(&within.did("connection.disconnected", &socket.to_string(), Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
