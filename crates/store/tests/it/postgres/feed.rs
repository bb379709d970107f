//! What nodes tell the desk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bellwire_store::{Durability, PostgresOutbox, PostgresRoll};
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::feed::Feed as _;
use bellwire_webhooks::node::{NodeId, NodeState};
use bellwire_webhooks::outbox::{FeedRow, Outbox, OutboxError, Step, Transaction};

use super::Place;
use crate::contract::things::{event, occupied, vacated};

/// What a feed has, as nodes and places.
fn places(rows: &[FeedRow]) -> Vec<(NodeId, u64)> {
    rows.iter().map(|row| (row.node, row.n)).collect()
}

fn outbox(place: &Place) -> PostgresOutbox {
    place.store.outbox(Durability::Process).unwrap()
}

#[test]
fn rows_come_in_about_the_order_in_which_they_were_said() {
    let place = Place::new();
    let (one, other) = (place.join("one"), place.join("other"));
    let mut feeds = [one, other].map(|node| place.store.feed(node));
    for n in 1..=3 {
        feeds[0].append(n, format!("one {n}").as_bytes()).unwrap();
        feeds[1].append(n, format!("other {n}").as_bytes()).unwrap();
    }
    let mut outbox = outbox(&place);
    let rows = outbox.feeds(&[], 100).unwrap();
    assert_eq!(places(&rows), [(one, 1), (other, 1), (one, 2), (other, 2), (one, 3), (other, 3)]);
    assert_eq!(rows[3].body, b"other 2");
    let rows = outbox.feeds(&[(one, 2), (other, 1)], 2).unwrap();
    assert_eq!(places(&rows), [(other, 2), (one, 3)]);
    let rows = outbox.feeds(&[(one, u64::MAX), (NodeId::of(0), 5)], 2).unwrap();
    assert_eq!(places(&rows), [(other, 1), (other, 2)]);
}

#[test]
fn no_feed_starves_for_another_that_says_much() {
    let place = Place::new();
    let (loud, soft) = (place.join("loud"), place.join("soft"));
    let sql =
        "INSERT INTO feed (node, n, body) SELECT $1, n, '' FROM generate_series($2::bigint, $3) n";
    let mut client = place.client();
    let mut say = |node: NodeId, first: i64, last: i64| {
        client.execute(sql, &[&node.number().cast_signed(), &first, &last]).unwrap();
    };
    say(loud, 1, 500);
    say(soft, 1, 1);
    say(loud, 501, 1_000);
    let (mut outbox, mut after, mut seen) = (outbox(&place), BTreeMap::new(), 0);
    while !after.contains_key(&soft) {
        let heard: Vec<(NodeId, u64)> = after.iter().map(|(node, n)| (*node, *n)).collect();
        let rows = outbox.feeds(&heard, 100).unwrap();
        assert_eq!(rows.len(), 100);
        after.extend(places(&rows));
        seen += 100;
    }
    assert_eq!(seen, 600);
}

#[test]
fn a_row_that_is_offered_again_is_there_once() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    feed.append(1, b"first").unwrap();
    feed.append(1, b"first").unwrap();
    feed.append(2, b"second").unwrap();
    feed.append(1, b"first").unwrap();
    let mut outbox = outbox(&place);
    assert_eq!(places(&outbox.feeds(&[], 9).unwrap()), [(node, 1), (node, 2)]);
    assert_eq!(feed.heard().unwrap(), 0);
    let heard = Step::Heard { node, n: 2 };
    outbox.commit(&Transaction { number: 1, steps: vec![heard] }).unwrap();
    assert_eq!(feed.heard().unwrap(), 2);
    // Also when it was heard meanwhile, and even if it came in between.
    feed.append(2, b"second").unwrap();
    assert_eq!(outbox.feeds(&[], 9).unwrap(), []);
    place.database.ask(&format!("INSERT INTO feed (node, n, body) VALUES ({node}, 2, '')"));
    assert_eq!(outbox.feeds(&[], 9).unwrap(), []);
    feed.append(3, b"third").unwrap();
    assert_eq!(places(&outbox.feeds(&[], 9).unwrap()), [(node, 3)]);
}

#[test]
fn a_feed_has_no_hole() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    assert!(feed.append(2, b"").is_err());
    feed.append(1, b"").unwrap();
    assert!(feed.append(3, b"").is_err());
    feed.append(2, b"").unwrap();
    // As after a copy has taken the place of the database, and lagged.
    place.database.ask("DELETE FROM feed WHERE n = 2");
    assert_eq!(feed.append(3, b""), Err(OutboxError::Forgotten));
}

#[test]
fn a_feed_that_says_nothing_notices_that_it_is_forgotten_when_another_server_answers() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    (1..=2).for_each(|n| feed.append(n, b"").unwrap());
    place.database.ask("DELETE FROM feed WHERE n = 2");
    let run = feed.desk().unwrap();
    place.database.cut_connections();
    assert!(feed.desk().unwrap_err().is_transient());
    assert_eq!(feed.desk(), Err(OutboxError::Forgotten));
    place.database.ask(&format!("INSERT INTO heard (node, n) VALUES ({node}, 1)"));
    assert_eq!(feed.heard(), Err(OutboxError::Forgotten));
    // What is heard goes, and was there.
    place.database.ask("UPDATE heard SET n = 2");
    assert_eq!(feed.desk(), Ok(run));
}

#[test]
fn what_is_heard_goes_with_what_follows_from_it_or_stays() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    (1..=3).for_each(|n| feed.append(n, b"").unwrap());
    let mut outbox = outbox(&place);
    let heard = |n| Step::Heard { node, n };
    let steps = vec![heard(2), vacated(1, "room")];
    outbox.commit(&Transaction { number: 1, steps }).unwrap_err();
    assert_eq!(outbox.feeds(&[], 9).unwrap().len(), 3);
    let steps =
        vec![heard(1), occupied(1, "room"), heard(2), Step::Heard { node: NodeId::of(7), n: 1 }];
    outbox.commit(&Transaction { number: 1, steps }).unwrap();
    assert_eq!(places(&outbox.feeds(&[], 9).unwrap()), [(node, 3)]);
    assert_eq!(place.database.ask("SELECT count(*) FROM feed"), "1");
    assert_eq!(place.database.ask("SELECT node, n FROM heard"), format!("{node}|2"));
}

#[test]
fn an_append_after_the_lease_is_over_fails() {
    let place = Place::new();
    let (node, other) = (place.join("one"), place.join("other"));
    let mut feed = place.store.feed(node);
    feed.append(1, b"").unwrap();
    place.end_lease(node);
    let error = feed.append(2, b"").unwrap_err();
    assert!(error.to_string().contains("lease"), "{error}");
    place.store.roll().leave(other).unwrap();
    assert!(place.store.feed(other).append(1, b"").is_err());
    assert!(place.store.feed(NodeId::of(7)).append(1, b"").is_err());
    // What it said before is heard all the same.
    assert_eq!(places(&outbox(&place).feeds(&[], 9).unwrap()), [(node, 1)]);
}

#[test]
fn nothing_is_added_to_the_feed_of_whom_the_roll_calls_gone() {
    let place = Place::new();
    let mut outbox = outbox(&place);
    for round in 0..40 {
        let node = place.join(&format!("node {round}"));
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut feed = place.store.feed(node);
                (1..).find(|n| feed.append(*n, b"").is_err()).unwrap()
            });
            while outbox.feeds(&[], 3).unwrap().len() < 3 {}
            place.end_lease(node);
            let states = outbox.roll().unwrap();
            assert!(states.contains(&(node, NodeState::Gone)));
            let then = outbox.feeds(&[], 10_000).unwrap().len();
            thread::sleep(std::time::Duration::from_millis(10));
            assert_eq!(outbox.feeds(&[], 10_000).unwrap().len(), then, "round {round}");
        });
        place.database.ask("DELETE FROM feed");
    }
}

#[test]
fn the_desk_that_is_asked_for_is_the_one_that_was_taken_last() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    assert_eq!(feed.desk().unwrap(), 0);
    let run = place.store.roll().take_desk(node).unwrap().unwrap();
    assert_eq!(feed.desk().unwrap(), run);
}

/// Says so when it goes, also because a test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Hears the feeds at the desk for as long as nobody else takes it: puts down where each row came from.
fn hear(mut outbox: PostgresOutbox, is_over: &AtomicBool) {
    let remains = outbox.recover(&mut |_| {}).unwrap();
    let mut number = remains.last_transaction;
    let mut seq = remains.last_seqs.first().map_or(0, |(_, last)| *last);
    while !is_over.load(Ordering::Relaxed) {
        let Ok(rows) = outbox.feeds(&[], 7) else { return };
        number += 1;
        let mut steps = Vec::new();
        for row in &rows {
            seq += 1;
            let said = event(seq, Kind::CacheMiss, &format!("node-{}", row.node), None);
            let body = format!("{} {}", row.node, row.n).into();
            steps.push(Step::Append(Arc::new(Event { body, ..(*said).clone() })));
            steps.push(Step::Heard { node: row.node, n: row.n });
        }
        if outbox.commit(&Transaction { number, steps }).is_err() {
            return;
        }
    }
}

/// Takes the desk again and again, and hears.
fn work(place: &Place, node: NodeId, is_over: &AtomicBool) -> u32 {
    let (mut roll, mut times): (PostgresRoll, u32) = (place.store.roll(), 0);
    while !is_over.load(Ordering::Relaxed) {
        if let Some(run) = roll.take_desk(node).unwrap() {
            times += 1;
            hear(place.store.outbox_of(run, Durability::Process), is_over);
        }
    }
    times
}

#[test]
fn every_row_is_heard_once_and_in_order_whoever_is_at_the_desk() {
    const ROWS: u64 = 60;
    let place = Place::new();
    let nodes = ["one", "two", "three"].map(|name| place.join(name));
    let is_over = AtomicBool::new(false);
    let times = thread::scope(|scope| {
        let (place, is_over) = (&place, &is_over);
        let desks = nodes.map(|node| scope.spawn(move || work(place, node, is_over)));
        let tellers = nodes.map(|node| {
            let mut feed = place.store.feed(node);
            scope.spawn(move || (1..=ROWS).for_each(|n| feed.append(n, b"").unwrap()))
        });
        // Whoever is at the desk is thrown out of it in the middle of its work.
        while tellers.iter().any(|teller| !teller.is_finished()) {
            place.database.ask("UPDATE outbox SET run = run + 1, owner = NULL");
        }
        let is_over = Over(is_over);
        place.wait_for("SELECT count(*) FROM feed", |count| count == "0");
        drop(is_over);
        desks.map(|desk| desk.join().unwrap()).iter().sum::<u32>()
    });
    assert!(times > 3, "{times}");
    for node in nodes {
        let told = place
            .database
            .ask(&format!("SELECT body FROM event WHERE channel = 'node-{node}' ORDER BY seq"));
        let said: Vec<String> = (1..=ROWS).map(|n| format!("{node} {n}")).collect();
        assert_eq!(told.lines().collect::<Vec<_>>(), said);
    }
}

#[test]
fn a_row_that_is_on_its_way_while_it_is_offered_again_is_there_once() {
    let place = Place::new();
    let node = place.join("one");
    let mut feed = place.store.feed(node);
    let mut first = place.client();
    let mut first = first.transaction().unwrap();
    let sql = format!("INSERT INTO feed (node, n, body) VALUES ({node}, 1, 'first')");
    first.batch_execute(&sql).unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| feed.append(1, b"first"));
        place.wait_for_a_lock();
        first.commit().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(places(&outbox(&place).feeds(&[], 9).unwrap()), [(node, 1)]);
}
