//! `bellwire cluster`: the nodes that share a database, as it knows them.

use bellwire_store::{Desk, NodeRow, Postgres};
use bellwire_webhooks::node::NodeState;
use serde_json::json;

use super::db;
use super::failure::Failure;
use super::output::{Output, note};
use super::place::Place;
use super::table::Table;
use crate::moment::span;
use crate::ops::clock::now_ms;
use crate::views::node::{NodeView, state};

#[derive(clap::Subcommand)]
pub(super) enum Cluster {
    /// List the nodes, and say whether all is well with them: code 0 if so, 1 if not. How the bus is,
    /// only the nodes know: their /ready says it
    Status {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

impl Cluster {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::Status { output, place } = self;
        status(output, &place)
    }
}

fn status(output: Output, place: &Place) -> Result<(), Failure> {
    let url = db::wanted(place)?;
    let (database, tables) = Postgres::look(url.reveal())?;
    if tables.found == 0 {
        let why = format!("there is no Bellwire in the database {}", database.place());
        return Err(Failure::not_found(why)
            .hint("a node makes its tables when it starts, or `bellwire db migrate`"));
    }
    let mut roll = database.roll();
    let (nodes, desk) = (roll.nodes()?, roll.desk()?);
    let troubles = troubles(&nodes, &desk);
    let shown: Vec<_> = nodes.iter().map(|node| NodeView::of(node, desk.owner)).collect();
    let json = json!({
        "ok": troubles.is_empty(),
        "troubles": troubles,
        "database": database.place(),
        "nodes": shown,
    });
    note(format!("the database {}", database.place()));
    output.show(&json, table(&nodes, &desk))?;
    if has_mixed_versions(&nodes) {
        note("the nodes are of different versions, as they are while they are updated in turn");
    }
    match troubles.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(troubles.join("; "))),
    }
}

fn table(nodes: &[NodeRow], desk: &Desk) -> Table {
    if nodes.is_empty() {
        return Table::default();
    }
    let head = ["name", "address", "version", "state", "age", "lease", "desk", "id"];
    let mut table = Table::with_head(&head);
    let now_ms = now_ms();
    for node in nodes {
        let is_live = node.state.is_live();
        // By the clock of the database, which may be ahead.
        let age = span(now_ms.saturating_sub(node.started_at_ms) / 1_000 * 1_000);
        let lease = if is_live { span(node.lease_left_ms / 100 * 100) } else { "–".into() };
        let has_desk = is_live && desk.owner == Some(node.id);
        table.row([
            node.name.as_str(),
            &node.address,
            &node.version,
            state(node.state),
            &age,
            &lease,
            if has_desk { "here" } else { "" },
            &node.id.to_string(),
        ]);
    }
    table
}

/// What is not well, in sentences.
fn troubles(nodes: &[NodeRow], desk: &Desk) -> Vec<String> {
    let live = || nodes.iter().filter(|node| node.state.is_live());
    let mut troubles = Vec::new();
    if !nodes.iter().any(|node| node.state == NodeState::Up) {
        troubles.push("no node is up".to_owned());
    } else if live().all(|node| desk.owner != Some(node.id)) {
        troubles.push("nobody sends webhooks: the desk is free".to_owned());
    }
    let gone = nodes.iter().filter(|node| node.state == NodeState::Gone);
    for node in gone.filter(|node| live().all(|other| other.name != node.name)) {
        troubles.push(format!(
            "the node {} ({}) is gone: nothing was heard of it for as long as its lease was",
            node.name, node.address
        ));
    }
    troubles
}

fn has_mixed_versions(nodes: &[NodeRow]) -> bool {
    let mut live = nodes.iter().filter(|node| node.state.is_live());
    live.next().is_some_and(|first| live.any(|node| node.version != first.version))
}

#[cfg(test)]
mod tests {
    use bellwire_webhooks::node::NodeId;

    use super::*;

    fn node(id: u64, name: &str, state: NodeState) -> NodeRow {
        NodeRow {
            id: NodeId::of(id),
            name: name.into(),
            address: "10.0.0.1:6001".into(),
            version: "0.1.0".into(),
            started_at_ms: 0,
            state,
            lease_left_ms: 0,
        }
    }

    fn told(nodes: &[NodeRow], owner: u64) -> String {
        troubles(nodes, &Desk { owner: Some(NodeId::of(owner)), run: 1 }).join("; ")
    }

    #[test]
    fn all_is_well_where_a_node_is_up_and_one_that_lives_is_at_the_desk() {
        use NodeState::{Draining, Gone, Left, Up};
        let up = [node(1, "a", Up), node(2, "b", Draining), node(3, "c", Left)];
        assert_eq!(told(&up, 1), "");
        assert_eq!(told(&up, 2), "");
        assert!(told(&up, 3).contains("the desk is free"));
        assert!(told(&up[1..], 2).contains("no node is up"));
        assert!(told(&[], 1).contains("no node is up"));
        let lost = [node(1, "a", Up), node(2, "b", Gone)];
        assert!(told(&lost, 1).starts_with("the node b (10.0.0.1:6001) is gone"));
    }

    #[test]
    fn a_node_that_is_gone_is_no_trouble_once_it_has_come_back_under_its_name() {
        let nodes = [node(1, "a", NodeState::Gone), node(2, "a", NodeState::Up)];
        assert_eq!(told(&nodes, 2), "");
    }

    #[test]
    fn versions_are_compared_among_those_who_live() {
        let mut nodes = [node(1, "a", NodeState::Up), node(2, "b", NodeState::Up)];
        nodes[1].version = "0.2.0".into();
        assert!(has_mixed_versions(&nodes));
        nodes[0].state = NodeState::Left;
        assert!(!has_mixed_versions(&nodes));
    }
}
