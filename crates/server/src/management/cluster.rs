//! The nodes of the server, as the one that is asked sees them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_cluster::LinkFigures;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::auth::Access;
use super::problem::{Problem, Refusals};
use crate::cluster::{Nodes, Standing, Trouble};
use crate::views::node::NodeView;

/// The paths of nodes.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The nodes of the server, as one of them sees them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cluster)]
pub(super) struct ClusterView {
    /// Whether there may be several; without a database that they share there is one.
    is_cluster: bool,
    /// The node that answers, by its id; behind a load balancer it may be another the next time.
    #[schema(example = 2_839_174_003_u64)]
    answered_by: u64,
    /// `well`, or `degraded`: clients are served, but not all is as it should be.
    #[schema(example = "well")]
    state: &'static str,
    /// Why it is degraded.
    reasons: Vec<ReasonView>,
    /// Whether the database answers.
    has_database: bool,
    /// Every node, the oldest first; those that left or are gone stay for an hour.
    nodes: Vec<NodeView>,
    /// What carries messages between nodes; `null`: there is none, so there is one node.
    #[schema(required)]
    bus: Option<BusView>,
}

/// Why a node is degraded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DegradedReason)]
struct ReasonView {
    /// For programs: `bus_down`, `no_bus` or `database_down`.
    #[schema(example = "bus_down")]
    reason: &'static str,
    /// What it means for users, in a sentence.
    meaning: &'static str,
}

/// The bus of the node that answers, since it started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bus)]
struct BusView {
    /// Whether messages go out and come in.
    is_up: bool,
    /// Other nodes whose clients this one knows of.
    neighbours: u64,
    /// Whether every one of them has told who is there.
    is_whole: bool,
    /// Messages that went out.
    published: u64,
    /// Messages that came.
    received: u64,
    /// Messages that could not go out.
    dropped: u64,
    /// Messages of other nodes that did not come.
    lost: u64,
    /// Connections that were made anew.
    reconnects: u64,
}

impl ClusterView {
    fn of(nodes: &Nodes) -> Self {
        let is_cluster = nodes.are_a_cluster();
        let standing = nodes.standing();
        let reasons: Vec<_> = standing.troubles().into_iter().map(ReasonView::of).collect();
        Self {
            is_cluster,
            answered_by: standing.me.number(),
            state: if reasons.is_empty() { "well" } else { "degraded" },
            reasons,
            has_database: standing.has_database,
            nodes: node_views(&standing, is_cluster),
            bus: standing.link.map(BusView::of),
        }
    }
}

fn node_views(standing: &Standing, is_cluster: bool) -> Vec<NodeView> {
    let nodes = standing.nodes.iter();
    match is_cluster {
        true => nodes.map(|node| NodeView::of(node, standing.desk)).collect(),
        false => nodes.map(NodeView::alone).collect(),
    }
}

impl ReasonView {
    fn of(trouble: Trouble) -> Self {
        Self { reason: trouble.name(), meaning: trouble.meaning() }
    }
}

impl BusView {
    fn of(link: LinkFigures) -> Self {
        Self {
            is_up: link.is_up,
            neighbours: link.neighbours,
            is_whole: link.is_whole,
            published: link.bus.published,
            received: link.bus.received,
            dropped: link.bus.dropped,
            lost: link.lost,
            reconnects: link.bus.reconnects,
        }
    }
}

/// Show the nodes
///
/// For operators. How the node that answers sees them: no other is asked.
#[utoipa::path(
    get, path = "/cluster", tag = "cluster", operation_id = "show_cluster",
    responses((status = 200, description = "The nodes", body = ClusterView), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    access: Access,
) -> Result<Json<ClusterView>, Problem> {
    access.need_operator()?;
    Ok(Json(ClusterView::of(&desk.nodes)))
}
