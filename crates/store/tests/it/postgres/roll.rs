//! Nodes, their leases and the desk.

use std::thread;
use std::time::Duration;

use bellwire_store::{Desk, Durability};
use bellwire_webhooks::feed::Feed as _;
use bellwire_webhooks::node::{NodeId, NodeState};
use bellwire_webhooks::outbox::{Outbox as _, Transaction};

use super::Place;
use crate::contract::things::occupied;

/// Longer than any test.
const LEASE: Duration = Duration::from_secs(600);

impl Place {
    pub(super) fn join(&self, name: &str) -> NodeId {
        self.store.roll().join(name, "10.0.0.1:6001", "1.0.0", LEASE).unwrap()
    }

    /// Lets the lease of a node end.
    pub(super) fn end_lease(&self, node: NodeId) {
        self.database.ask(&format!(
            "UPDATE node SET lease_until = clock_timestamp() - interval '1 ms' WHERE id = {node}"
        ));
    }

    fn states(&self) -> Vec<(String, NodeState)> {
        let nodes = self.store.roll().nodes().unwrap();
        nodes.into_iter().map(|node| (node.name, node.state)).collect()
    }
}

#[test]
fn who_joins_is_on_the_roll_with_a_number_of_its_own() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    assert_ne!(one, other);
    assert!([one, other].iter().all(|node| (1..=1 << 32).contains(&node.number())));
    let node = place.store.roll().nodes().unwrap().remove(0);
    assert_eq!((node.id, &*node.name, node.state), (one, "one", NodeState::Up));
    assert_eq!((&*node.address, &*node.version), ("10.0.0.1:6001", "1.0.0"));
    assert!((590_000..=600_000).contains(&node.lease_left_ms), "{}", node.lease_left_ms);
    assert!(node.started_at_ms > 1_700_000_000_000);
}

#[test]
fn a_lease_ends_by_the_clock_of_the_database_and_nothing_revives_it() {
    let place = Place::new();
    let (mut roll, node) = (place.store.roll(), place.join("one"));
    let short = Duration::from_millis(1);
    assert!(roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert!(roll.nodes().unwrap()[0].lease_left_ms > 590_000);
    assert!(roll.beat(node, NodeState::Up, short).unwrap());
    place.database.ask("SELECT pg_sleep(0.002)");
    assert!(!roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert!(!roll.drain(node).unwrap());
    assert_eq!(place.states(), [("one".into(), NodeState::Gone)]);
    assert!(!roll.beat(node, NodeState::Up, LEASE).unwrap());
    // Nor does a clock that goes back, once it was seen.
    place.database.ask("UPDATE node SET lease_until = clock_timestamp() + interval '1 hour'");
    assert!(!roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert_eq!(place.states(), [("one".into(), NodeState::Gone)]);
}

#[test]
fn who_drains_does_so_for_good_and_who_has_left_stays_away() {
    let place = Place::new();
    let (mut roll, node) = (place.store.roll(), place.join("one"));
    assert!(roll.drain(node).unwrap());
    assert!(roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert_eq!(place.states(), [("one".into(), NodeState::Draining)]);
    roll.leave(node).unwrap();
    roll.leave(node).unwrap();
    assert!(!roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert_eq!(place.states(), [("one".into(), NodeState::Left)]);
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    assert_eq!(outbox.roll().unwrap(), [(node, NodeState::Left)]);
}

#[test]
fn of_two_at_once_one_takes_the_desk() {
    let place = Place::new();
    let nodes = [place.join("one"), place.join("other")];
    let mut rolls = nodes.map(|node| (node, place.store.roll()));
    let mut last = 0;
    for round in 1..=200 {
        let mut won = Vec::new();
        thread::scope(|scope| {
            let takers: Vec<_> = rolls
                .iter_mut()
                .map(|(node, roll)| scope.spawn(|| (*node, roll.take_desk(*node).unwrap())))
                .collect();
            won.extend(takers.into_iter().map(|taker| taker.join().unwrap()));
        });
        won.retain(|(_, run)| run.is_some());
        let [(node, Some(run))] = won[..] else { panic!("round {round}: {won:?}") };
        assert!(run > last, "{run} after {last}");
        last = run;
        let roll = &mut rolls[0].1;
        assert_eq!(roll.desk().unwrap(), Desk { owner: Some(node), run });
        assert!(roll.release_desk(node, run).unwrap());
        assert!(!roll.release_desk(node, run).unwrap());
    }
}

#[test]
fn the_desk_is_free_once_nobody_who_lives_is_there() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    let mut roll = place.store.roll();
    assert_eq!(roll.take_desk(NodeId::of(7)).unwrap(), None, "nobody is 7");
    let first = roll.take_desk(one).unwrap().unwrap();
    assert_eq!(roll.take_desk(other).unwrap(), None);
    let second = roll.take_desk(one).unwrap().expect("whose answer was lost");
    assert!(roll.drain(one).unwrap());
    assert_eq!(roll.take_desk(other).unwrap(), None, "it hands the desk over itself");
    place.end_lease(one);
    let run = roll.take_desk(other).unwrap().unwrap();
    assert!(first < second && second < run, "{first}, {second}, {run}");
    assert!(!roll.release_desk(one, second).unwrap());
    roll.leave(other).unwrap();
    assert_eq!(roll.desk().unwrap(), Desk { owner: None, run });
    let third = place.join("third");
    assert!(roll.drain(third).unwrap());
    assert_eq!(roll.take_desk(third).unwrap(), None, "who goes takes nothing");
}

#[test]
fn a_run_that_the_database_has_lost_sight_of_is_never_given_again() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    let mut roll = place.store.roll();
    let lost = roll.take_desk(one).unwrap().unwrap();
    let mut old = place.store.outbox_of(lost, Durability::Process);
    // As after a copy has taken the place of the database, and lagged.
    place.database.ask("UPDATE outbox SET run = 0, owner = NULL");
    let run = roll.take_desk(other).unwrap().unwrap();
    assert_ne!(run, lost);
    let error = old.commit(&Transaction { number: 1, steps: Vec::new() }).unwrap_err();
    assert!(error.to_string().contains("taken over"), "{error}");
}

#[test]
fn who_waits_for_the_desk_sees_that_its_owner_has_beaten_meanwhile() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    let mut roll = place.store.roll();
    roll.take_desk(one).unwrap().unwrap();
    assert!(roll.beat(one, NodeState::Up, Duration::from_millis(300)).unwrap());
    let mut desk = place.client();
    let mut commit = desk.transaction().unwrap();
    commit.batch_execute("SELECT 1 FROM outbox FOR UPDATE").unwrap();
    thread::scope(|scope| {
        let taker = scope.spawn(|| place.store.roll().take_desk(other).unwrap());
        place.wait_for_a_lock();
        assert!(roll.beat(one, NodeState::Up, LEASE).unwrap());
        place.database.ask("SELECT pg_sleep(0.3)");
        commit.commit().unwrap();
        assert_eq!(taker.join().unwrap(), None);
    });
}

#[test]
fn a_fenced_outbox_keeps_nothing() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    let mut roll = place.store.roll();
    let transaction = |number| Transaction { number, steps: vec![occupied(number, "room")] };
    let run = roll.take_desk(one).unwrap().unwrap();
    let mut old = place.store.outbox_of(run, Durability::Process);
    old.commit(&Transaction { number: 1, steps: Vec::new() }).unwrap();
    place.end_lease(one);
    let run = roll.take_desk(other).unwrap().unwrap();
    for number in 1..=3 {
        let error = old.commit(&transaction(number)).unwrap_err();
        assert!(error.to_string().contains("taken over"), "{error}");
    }
    let rules =
        bellwire_webhooks::outbox::Retention { delivered_ms: 0, failed_ms: 0, bytes_max: 0 };
    assert!(old.sweep(&rules, 0).unwrap_err().to_string().contains("taken over"));
    assert_eq!(place.database.ask("SELECT count(*) FROM event"), "0");
    place.store.outbox_of(run, Durability::Process).commit(&transaction(2)).unwrap();
    assert_eq!(place.database.ask("SELECT count(*) FROM event"), "1");
}

#[test]
fn who_beats_waits_neither_for_an_append_nor_for_the_desk() {
    let place = Place::new();
    let (mut roll, node) = (place.store.roll(), place.join("one"));
    place.store.feed(node).append(1, b"row").unwrap();
    let (mut append, mut desk) = (place.client(), place.client());
    let mut append = append.transaction().unwrap();
    append.batch_execute("SELECT 1 FROM node FOR KEY SHARE").unwrap();
    let mut desk = desk.transaction().unwrap();
    let heard = format!("DELETE FROM feed; INSERT INTO heard (node, n) VALUES ({node}, 1)");
    desk.batch_execute(&format!("SELECT 1 FROM outbox FOR UPDATE; {heard}")).unwrap();
    assert!(roll.beat(node, NodeState::Up, LEASE).unwrap());
    assert!(roll.drain(node).unwrap());
    drop(append);
    desk.commit().unwrap();
}

#[test]
fn nodes_are_forgotten_an_hour_after_their_end_when_all_is_heard() {
    let place = Place::new();
    let names = ["left", "gone", "young", "unheard", "up"];
    let nodes = names.map(|name| place.join(name));
    let [left, gone, young, unheard, _] = nodes;
    let (mut roll, mut outbox) =
        (place.store.roll(), place.store.outbox(Durability::Process).unwrap());
    for node in [gone, unheard] {
        place.store.feed(node).append(1, b"row").unwrap();
    }
    let heard = bellwire_webhooks::outbox::Step::Heard { node: gone, n: 1 };
    outbox.commit(&Transaction { number: 1, steps: vec![heard] }).unwrap();
    roll.leave(left).unwrap();
    [gone, young, unheard].iter().for_each(|node| place.end_lease(*node));
    place
        .database
        .ask("UPDATE node SET lease_until = lease_until - interval '2 hours' WHERE name = 'gone'");
    assert_eq!(roll.forget(&[gone]).unwrap(), 0, "nobody has said yet that it is gone");
    roll.nodes().unwrap();
    place.database.ask(
        "UPDATE node SET lease_until = lease_until - interval '61 minutes'
         WHERE name IN ('left', 'gone', 'unheard')",
    );
    assert_eq!(roll.forget(&[gone]).unwrap(), 1);
    assert_eq!(roll.forget(&nodes).unwrap(), 1);
    let mut stay: Vec<String> = place.states().into_iter().map(|(name, _)| name).collect();
    stay.sort();
    assert_eq!(stay, ["unheard", "up", "young"]);
    assert_eq!(place.database.ask("SELECT count(*) FROM heard"), "0");
}
