//! Consoles of several nodes, and who looks at them.

use bellwire_live::line::{Line, LogType};
use bellwire_live::sharing::{Elsewhere as _, Said};
use bellwire_protocol::AppId;

use super::tests::{Node, end, eventually, town};
use super::*;

/// The consoles of a node: at which somebody looks elsewhere, and what was heard.
#[derive(Default)]
struct Hall {
    looked_at: Mutex<Vec<(AppId, bool)>>,
    heard: Mutex<Vec<Said>>,
}

impl Consoles for Hall {
    fn looked_at(&self, app: &AppId, looks: bool) -> bool {
        lock(&self.looked_at).push((app.clone(), looks));
        true
    }

    fn hear(&self, _: &AppId, said: Said) {
        lock(&self.heard).push(said);
    }
}

impl Hall {
    fn of(node: &Node) -> Arc<Self> {
        let hall = Arc::new(Self::default());
        node.link.set_consoles(Arc::clone(&hall) as _);
        hall
    }

    fn was_told(&self) -> Vec<bool> {
        lock(&self.looked_at).iter().map(|(_, looks)| *looks).collect()
    }
}

fn app() -> AppId {
    "1".parse().unwrap()
}

fn said(text: &str) -> Said {
    let lines = vec![Line::new(LogType::Presence, 1, text)];
    Said { node: "a".into(), lines, left_out: [0; LogType::ALL.len()] }
}

#[test]
fn others_know_where_somebody_looks_and_only_there_lines_are_heard() {
    let (_, nodes) = town(3);
    let halls: Vec<_> = nodes.iter().map(Hall::of).collect();
    nodes[0].link.look(&app(), true);
    for hall in &halls[1..] {
        eventually("it is known", || hall.was_told() == [true]);
    }
    nodes[1].link.pass_on(&app(), &said("hello"));
    eventually("it is heard", || *lock(&halls[0].heard) == [said("hello")]);
    assert!(lock(&halls[2].heard).is_empty(), "nobody looks there");
    assert_eq!(nodes[1].link.figures().lines, 1);
    nodes[0].link.look(&app(), false);
    for hall in &halls[1..] {
        eventually("nobody looks", || hall.was_told() == [true, false]);
    }
    assert!(halls[0].was_told().is_empty());
    end(nodes);
}

#[test]
fn somebody_looks_elsewhere_while_anybody_does() {
    let (_, nodes) = town(3);
    let hall = Hall::of(&nodes[2]);
    nodes[0].link.look(&app(), true);
    nodes[1].link.look(&app(), true);
    eventually("it is known", || hall.was_told() == [true]);
    nodes[0].link.look(&app(), false);
    nodes[0].join(1, "room", None);
    eventually("what was said later is known", || nodes[2].listeners("room") == 1);
    assert_eq!(hall.was_told(), [true]);
    nodes[1].link.look(&app(), false);
    eventually("nobody looks", || hall.was_told() == [true, false]);
    end(nodes);
}

#[test]
fn a_node_that_is_gone_looks_no_more() {
    let (_, nodes) = town(2);
    let hall = Hall::of(&nodes[1]);
    nodes[0].link.look(&app(), true);
    eventually("it is known", || hall.was_told() == [true]);
    nodes[1].link.set_neighbours(vec![2]);
    eventually("nobody looks", || hall.was_told() == [true, false]);
    nodes[1].link.set_neighbours(vec![1, 2]);
    eventually("it is told again", || hall.was_told() == [true, false, true]);
    end(nodes);
}

#[test]
fn what_a_gap_has_swallowed_is_told_again() {
    let (wire, nodes) = town(2);
    let hall = Hall::of(&nodes[1]);
    nodes[0].link.look(&app(), true);
    eventually("it is known", || hall.was_told() == [true]);
    wire.cut(0, true);
    nodes[0].link.look(&app(), false);
    nodes[0].join(1, "room", None);
    std::thread::sleep(2 * PULSE);
    assert_eq!(hall.was_told(), [true]);
    wire.cut(0, false);
    eventually("nobody looks", || hall.was_told() == [true, false]);
    end(nodes);
}
