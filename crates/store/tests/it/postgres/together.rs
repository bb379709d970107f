//! Nodes that use one database together.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_accounts::{AccountStore as _, Password, Role};
use bellwire_hub::{AppSpec, AppStore as _, KeySpec, Settings};
use bellwire_live::LiveStore as _;
use bellwire_live::chart::MINUTE_S;
use bellwire_store::{Postgres, StoreError};
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::ledger::{DeliveryFilter, Ledger as _};
use bellwire_webhooks::outbox::Step;

use super::Place;
use crate::contract::Place as _;
use crate::contract::desk::Desk;
use crate::contract::things::*;
use crate::contract::{accounts, live};

fn spec(id: &str, keys: &[&str]) -> AppSpec {
    let key = |key: &&str| KeySpec {
        key: key.parse().unwrap(),
        secret: "secret".parse().unwrap(),
        active: true,
        created_at_ms: Some(5),
    };
    AppSpec::new(id.parse().unwrap(), Settings::default(), keys.iter().map(key).collect())
}

#[test]
fn two_owners_who_leave_at_once_on_two_nodes_leave_one() {
    let place = Place::new();
    let (main, nodes) = (accounts::account("acc_1", "Main"), [place.again(), place.again()]);
    let hash = Password::new("correct horse").unwrap().hash(&[1; 16]).unwrap();
    place.store.put_account(&main).unwrap();
    let people = ["usr_1", "usr_2"].map(|id| accounts::person(id, &format!("{id}@example.com")));
    people.iter().for_each(|person| assert!(place.store.put_person(person, Some(&hash)).unwrap()));
    for round in 0..10 {
        for person in &people {
            assert!(place.store.put_member(&main.id, &person.id, Role::Owner, round).unwrap());
        }
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for (node, person) in nodes.iter().zip(&people) {
                scope.spawn(|| {
                    start.wait();
                    node.remove_member(&main.id, &person.id).unwrap()
                });
            }
        });
        assert_eq!(place.store.members(&main.id).unwrap().len(), 1, "round {round}");
    }
}

#[test]
fn a_key_that_two_nodes_want_at_once_has_one_app() {
    let place = Place::new();
    let nodes = [place.again(), place.again()];
    for round in 0..10 {
        let (key, start) = (format!("key-{round}"), Barrier::new(2));
        let put = |node: usize| {
            start.wait();
            nodes[node].put(&spec(&node.to_string(), &[&key]))
        };
        let done = thread::scope(|scope| {
            [0, 1].map(|node| scope.spawn(move || put(node))).map(|node| node.join().unwrap())
        });
        let taken = |done: &&Result<(), StoreError>| matches!(done, Err(StoreError::KeyTaken(_)));
        assert_eq!(done.iter().filter(taken).count(), 1, "{done:?}");
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
    }
}

#[test]
fn what_nodes_count_at_once_adds_up() {
    let place = Place::new();
    let nodes: Vec<_> = (0..4).map(|_| place.again()).collect();
    thread::scope(|scope| {
        for node in &nodes {
            scope.spawn(|| {
                for _ in 0..10 {
                    let points =
                        [live::point("1", MINUTE_S, 60, 2), live::point("2", MINUTE_S, 60, 1)];
                    node.keep(&points, &live::mistakes(&["a"], 5)).unwrap();
                }
            });
        }
    });
    let points = place.store.points(&live::app("1"), MINUTE_S, 0).unwrap();
    assert_eq!((points.len(), points[0].1.messages.api), (1, 80));
    assert_eq!(place.store.errors(&live::app("1")).unwrap()[0].count, 40);
}

#[test]
fn a_question_waits_for_no_writer() {
    let place = Place::new();
    place.store.put(&spec("1", &["a"])).unwrap();
    thread::scope(|scope| {
        let slow = "BEGIN; LOCK TABLE change IN EXCLUSIVE MODE; UPDATE app SET settings = '{}';
             SELECT pg_sleep(2); COMMIT";
        scope.spawn(|| place.database.ask(slow));
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        assert_eq!(place.store.apps().unwrap().len(), 1);
        assert_eq!(place.store.version().unwrap(), 2);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    });
    assert_eq!(place.store.version().unwrap(), 3);
}

#[test]
fn a_change_counts_once_and_for_all_nodes_when_it_is_there() {
    let (place, before) = (Place::new(), 1);
    let other = place.again();
    place.store.put(&spec("1", &["a", "b", "c"])).unwrap();
    assert_eq!(other.version().unwrap(), before + 1);
    assert!(place.store.put(&spec("2", &["d", "a"])).is_err());
    assert_eq!(other.version().unwrap(), before + 1);
}

#[test]
fn a_turn_to_write_that_does_not_come_is_not_waited_for_long() {
    let place = Place::new();
    thread::scope(|scope| {
        // The number is that of the turn.
        let held = "BEGIN; SELECT pg_advisory_xact_lock(7163384699739271169); SELECT pg_sleep(7)";
        scope.spawn(|| place.database.ask(held));
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        let error = place.store.put(&spec("1", &["a"])).unwrap_err();
        assert!(error.to_string().contains("lock timeout"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        assert!(place.store.apps().unwrap().is_empty(), "others may ask meanwhile");
    });
    place.store.put(&spec("1", &["a"])).unwrap();
}

#[test]
fn many_who_ask_at_once_share_a_few_connections() {
    let place = Place::new();
    place.store.put(&spec("1", &["a"])).unwrap();
    let most = thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(place.store.apps().unwrap().len(), 1);
                }
            });
        }
        let count = "SELECT count(*) FROM pg_stat_activity
             WHERE application_name = 'bellwire' AND datname = current_database()";
        (0..5).map(|_| place.database.ask(count).parse::<u32>().unwrap()).max().unwrap()
    });
    assert!((2..=8).contains(&most), "{most}");
}

/// Lets the outbox commit while somebody does something on another node, over and over.
fn while_the_outbox_commits(
    place: &Place,
    steps: impl Fn(u64) -> Vec<Step>,
    mut work: impl FnMut(&Postgres) + Send,
) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let (node, is_over) = (place.again(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                work(&node);
            }
        });
        (1..=300).for_each(|n| desk.keep(steps(n)));
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn people_and_the_outbox_never_wait_for_each_other_in_a_circle() {
    let (place, [a, b]) = (Place::new(), [endpoint_id("a"), endpoint_id("b")]);
    let failing = |endpoint: &EndpointId, ms| {
        let endpoint = endpoint.clone();
        Step::Failing { endpoint, since_ms: Some(ms) }
    };
    let steps = |n| {
        let (endpoint, at_ms) = (a.clone(), 5_000);
        vec![Step::Disable { endpoint, reason: "failing", at_ms }, failing(&a, n), failing(&b, n)]
    };
    // The server notices all of it: everybody counts a change and writes to an endpoint.
    while_the_outbox_commits(&place, steps, |node| {
        for (id, on) in [(&b, false), (&a, true), (&b, true)] {
            assert!(node.set_enabled(id, on, 6_000).unwrap());
        }
    });
}

#[test]
fn nothing_is_cut_for_an_endpoint_while_it_goes() {
    let (place, b) = (Place::new(), endpoint_id("b"));
    let filter =
        DeliveryFilter { endpoint: Some(b.clone()), limit: 1, ..DeliveryFilter::default() };
    while_the_outbox_commits(
        &place,
        |n| vec![cut(&batch(n, "b", "room", &[n]))],
        |node| {
            assert!(node.remove_endpoint(&b).unwrap());
            thread::sleep(Duration::from_millis(5));
            assert_eq!(node.deliveries(&filter).unwrap(), []);
            node.put_endpoint(&endpoint("b")).unwrap();
        },
    );
}
