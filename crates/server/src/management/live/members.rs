//! Who is on a presence channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_hub::looking::MemberSeen;
use bellwire_protocol::ChannelName;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::PageQuery;
use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::Asked;
use crate::management::paths::ChannelPath;
use crate::management::problem::{BadQuery, Problem, Refusals};

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberPage {
    /// By id.
    members: Vec<MemberView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// A member of a presence channel.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    /// Its id.
    #[schema(example = "ann")]
    id: String,
    /// What its first connection said of it; `null`: nothing.
    #[schema(value_type = Object, example = json!({ "name": "Ann" }))]
    info: Box<RawValue>,
    /// How many of its connections are on the channel.
    connections: u32,
}

/// List the members of a presence channel
#[utoipa::path(
    get, path = "/apps/{app_id}/channels/{id}/members", tag = "live",
    operation_id = "list_channel_members", params(ChannelPath, PageQuery),
    responses((status = 200, description = "A page", body = MemberPage), BadQuery, Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(name): Named<ChannelName>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<MemberPage>, Problem> {
    let app = desk.served(&within.app)?;
    query.limit()?;
    let page = desk.ask(move |desk| {
        let page = desk.hub.member_page(&app, &name, &query.wanted()?);
        let last = page.items.last().map(|member| member.id.to_string());
        let next_cursor = last.filter(|_| page.has_more);
        let members = page.items.into_iter().map(MemberView::of).collect();
        Ok(MemberPage { members, next_cursor, total: page.total })
    });
    page.await.map(Json)
}

impl MemberView {
    fn of(seen: MemberSeen) -> Self {
        let MemberSeen { id, info, connections } = seen;
        // It was JSON when it came.
        let info = RawValue::from_string(info).unwrap_or_default();
        Self { id: id.to_string(), info, connections }
    }
}
