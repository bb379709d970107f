//! How a node is among the others, for people, metrics and health checks.

use std::sync::Arc;

use bellwire_cluster::LinkFigures;
use bellwire_store::NodeRow;
use bellwire_webhooks::node::{NodeId, NodeState};

use super::{Cluster, address};
use crate::config::Config;
use crate::ops::clock::now_ms;

/// The nodes of this server.
pub(crate) enum Nodes {
    /// This one, alone with its file.
    One(NodeRow),
    /// This one and whoever shares its database.
    Many(Arc<Cluster>),
}

impl Nodes {
    /// Those of a cluster, or this one with its number.
    pub(crate) fn of(cluster: Option<Arc<Cluster>>, config: &Config, number: u64) -> Self {
        cluster.map_or_else(|| Self::One(alone(config, number)), Self::Many)
    }

    /// How this node is among them.
    pub(crate) fn standing(&self) -> Standing {
        match self {
            Self::One(node) => Standing {
                me: node.id,
                nodes: Arc::new(vec![node.clone()]),
                desk: Some(node.id),
                has_desk: true,
                has_lease: true,
                has_database: true,
                link: None,
            },
            Self::Many(cluster) => cluster.standing(),
        }
    }

    /// Whether there may be several.
    pub(crate) fn are_a_cluster(&self) -> bool {
        matches!(self, Self::Many(_))
    }
}

fn alone(config: &Config, number: u64) -> NodeRow {
    NodeRow {
        id: NodeId::of(number),
        name: config.cluster.node_name.clone(),
        address: address(config),
        version: env!("CARGO_PKG_VERSION").into(),
        started_at_ms: now_ms(),
        state: NodeState::Up,
        lease_left_ms: 0,
    }
}

/// How this node is among the others.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// This node.
    pub(crate) me: NodeId,
    /// Every node, as it was last read.
    pub(crate) nodes: Arc<Vec<NodeRow>>,
    /// Who is at the desk of webhooks, as it was last read.
    pub(crate) desk: Option<NodeId>,
    /// Whether the desk of webhooks is here.
    pub(crate) has_desk: bool,
    /// Whether the others count on this node.
    pub(crate) has_lease: bool,
    /// Whether the database answers.
    pub(crate) has_database: bool,
    /// The link, if there is a bus.
    pub(crate) link: Option<LinkFigures>,
}

impl Standing {
    /// What keeps this node from doing all it should. Clients are served all the same.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        let is_cut_off = self.link.is_some_and(|link| !link.is_up);
        let is_other = |node: &NodeRow| node.state.is_live() && node.id != self.me;
        let is_apart = self.link.is_none() && self.nodes.iter().any(is_other);
        let troubles = [
            (is_cut_off, Trouble::Bus),
            (is_apart, Trouble::NoBus),
            (!self.has_database, Trouble::Database),
        ];
        troubles.into_iter().filter_map(|(is_there, trouble)| is_there.then_some(trouble)).collect()
    }
}

/// What keeps a node of a cluster from doing all it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing goes to the other nodes, and nothing comes.
    Bus,
    /// There is another node, but no bus to it.
    NoBus,
    /// PostgreSQL does not answer.
    Database,
}

impl Trouble {
    /// For programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bus => "bus_down",
            Self::NoBus => "no_bus",
            Self::Database => "database_down",
        }
    }

    /// What it means for users, in a sentence.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Bus => {
                "The bus is down: events reach only clients of the node where they are published. \
                 Webhooks go on; when the bus is back the nodes tell each other again who is where."
            }
            Self::NoBus => {
                "Another node uses this database, but this one has no bus: events reach only clients of \
                 the node where they are published. Give all nodes the same [cluster] bus."
            }
            Self::Database => {
                "The database does not answer: clients are served, but nothing can be changed, and \
                 webhook events wait in memory; when there is no more room they become a gap."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(link: Option<LinkFigures>, has_database: bool) -> Standing {
        let config = Config::parse("", &|_| None).unwrap();
        let one = Nodes::of(None, &config, 7).standing();
        Standing { has_database, link, ..one }
    }

    #[test]
    fn a_node_alone_has_the_desk_and_no_troubles() {
        let alone = standing(None, true);
        assert_eq!((alone.desk, alone.nodes.len()), (Some(NodeId::of(7)), 1));
        assert_eq!(alone.troubles(), []);
        let other = NodeRow { id: NodeId::of(8), ..alone.nodes[0].clone() };
        let nodes = Arc::new(vec![alone.nodes[0].clone(), other]);
        assert_eq!(Standing { nodes, ..alone }.troubles(), [Trouble::NoBus]);
    }

    #[test]
    fn each_engine_that_is_away_is_a_trouble() {
        let down = LinkFigures::default();
        let up = LinkFigures { is_up: true, ..down };
        assert_eq!(standing(Some(up), true).troubles(), []);
        assert_eq!(standing(Some(down), true).troubles(), [Trouble::Bus]);
        assert_eq!(standing(Some(down), false).troubles(), [Trouble::Bus, Trouble::Database]);
        assert_eq!(standing(Some(up), false).troubles(), [Trouble::Database]);
    }
}
