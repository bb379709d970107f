//! Nodes as people see them.

use bellwire_store::NodeRow;
use bellwire_webhooks::node::{NodeId, NodeState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// A node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeView {
    /// Its number, with which the socket ids of its clients begin.
    #[schema(example = 2_839_174_003_u64)]
    id: u64,
    /// As its operator calls it.
    #[schema(example = "node-1")]
    name: String,
    /// Where it listens.
    #[schema(example = "0.0.0.0:6001")]
    address: String,
    /// Which Bellwire runs there.
    #[schema(example = "0.1.0")]
    version: String,
    /// How it is: `up`; `draining`: its clients are told to go elsewhere; `left`: it has ended in
    /// order; `gone`: nothing was heard of it for as long as its lease was.
    #[schema(example = "up")]
    state: &'static str,
    /// When it joined.
    started_at: Moment,
    /// For how long the others go on counting on it if they hear nothing more; `null`: it is alone.
    #[schema(required, example = 14_200)]
    lease_left_ms: Option<u64>,
    /// Whether the webhooks of all nodes are sent from there.
    has_desk: bool,
}

impl NodeView {
    /// A node of a cluster.
    pub(crate) fn of(node: &NodeRow, desk: Option<NodeId>) -> Self {
        Self {
            id: node.id.number(),
            name: node.name.clone(),
            address: node.address.clone(),
            version: node.version.clone(),
            state: state(node.state),
            started_at: Moment(node.started_at_ms),
            lease_left_ms: Some(node.lease_left_ms),
            has_desk: node.state.is_live() && desk == Some(node.id),
        }
    }

    /// A node that is alone.
    pub(crate) fn alone(node: &NodeRow) -> Self {
        Self { lease_left_ms: None, ..Self::of(node, Some(node.id)) }
    }
}

/// A node's state, in a word.
pub(crate) fn state(state: NodeState) -> &'static str {
    match state {
        NodeState::Up => "up",
        NodeState::Draining => "draining",
        NodeState::Left => "left",
        NodeState::Gone => "gone",
    }
}
