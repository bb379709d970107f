//! What is kept when the server dies, the line is cut or somebody else writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bellwire_store::{Durability, Postgres};
use bellwire_testkit::postgres::Postgres as Server;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::{Outbox as _, OutboxError, Retention, Transaction};

use super::Place;
use super::proxy::{Cut, Proxy};
use crate::contract::things::{endpoint, occupied};

/// Events of a transaction.
const EVENTS: u64 = 50;

fn transaction(number: u64) -> Transaction {
    let first = (number - 1) * EVENTS + 1;
    let steps = (first..first + EVENTS).map(|seq| occupied(seq, &format!("room-{seq}"))).collect();
    Transaction { number, steps }
}

/// How many transactions there are, each of them whole.
fn kept(store: &Postgres) -> u64 {
    let verdict = store.verify().unwrap();
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
    assert_eq!((verdict.events, verdict.events % EVENTS), (verdict.announced, 0));
    verdict.events / EVENTS
}

#[test]
fn what_was_answered_survives_the_death_of_the_server_and_the_rest_is_offered_again() {
    let server = Server::start();
    let database = server.database();
    let store = Postgres::open(&database.url()).unwrap();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    let answered = AtomicU64::new(0);
    for round in 0..4_u64 {
        let begun = answered.load(Ordering::SeqCst);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in begun + 1.. {
                    if outbox.commit(&transaction(number)).is_err() {
                        break;
                    }
                    answered.store(number, Ordering::SeqCst);
                }
            });
            while answered.load(Ordering::SeqCst) < begun + 10 {}
            // Not always at the same moment of a commit.
            thread::sleep(Duration::from_micros(round * 700));
            server.kill();
        });
        server.start_again();
        let last = answered.load(Ordering::SeqCst);
        let there = kept(&store);
        assert!(there == last || there == last + 1, "answered {last}, there {there}");
        outbox.commit(&transaction(last + 1)).unwrap();
        assert_eq!(kept(&store), last + 1);
        answered.store(last + 1, Ordering::SeqCst);
    }
}

#[test]
fn a_commit_whose_line_is_cut_is_kept_once_when_it_is_offered_again() {
    let place = Place::new();
    let proxy = Proxy::to(Server::shared().port());
    let port = |port: u16| format!(":{port}/");
    let url = place.database.url().replace(&port(Server::shared().port()), &port(proxy.port));
    let store = Postgres::open(&url).unwrap();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(1)).unwrap();
    for (number, cut, there) in [(2, Cut::Before, 1), (3, Cut::After, 3), (4, Cut::Before, 3)] {
        proxy.cut(cut);
        outbox.commit(&transaction(number)).unwrap_err();
        proxy.cut(Cut::Never);
        assert_eq!(kept(&place.store), there, "{cut:?}");
        outbox.commit(&transaction(number)).unwrap();
        outbox.commit(&transaction(number)).unwrap();
        assert_eq!(kept(&place.store), number, "{cut:?}");
    }
}

#[test]
fn a_commit_waits_until_it_is_decided_whether_it_had_arrived() {
    let place = Place::new();
    let run = place.store.roll().take_desk(place.join("one")).unwrap().unwrap();
    let mut outbox = place.store.outbox_of(run, Durability::Power);
    outbox.commit(&transaction(1)).unwrap();
    // The first try is still on its way to the disk while the second comes.
    let mut first = place.client();
    let mut first = first.transaction().unwrap();
    first.batch_execute("UPDATE outbox SET last_transaction = 2").unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| outbox.commit(&transaction(2)));
        place.wait_for_a_lock();
        first.commit().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(kept(&place.store), 1, "the one that arrived was made up here, and empty");
}

#[test]
fn a_database_that_went_back_is_not_written_to() {
    let place = Place::new();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    outbox.commit(&transaction(1)).unwrap();
    outbox.commit(&transaction(2)).unwrap();
    place.database.ask("UPDATE outbox SET last_transaction = 1");
    assert_eq!(outbox.commit(&transaction(3)), Err(OutboxError::Forgotten));
    assert_eq!(outbox.commit(&transaction(2)), Err(OutboxError::Forgotten));
    // Who opens it after that goes on with what is there.
    let mut next = place.store.outbox(Durability::Process).unwrap();
    assert_eq!(next.recover(&mut |_| {}).unwrap().last_transaction, 1);
    next.commit(&Transaction { number: 2, steps: Vec::new() }).unwrap();
}

#[test]
fn a_database_that_went_back_before_the_first_commit_is_not_written_to_either() {
    let place = Place::new();
    place.store.outbox(Durability::Process).unwrap().commit(&transaction(1)).unwrap();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    outbox.recover(&mut |_| {}).unwrap();
    place.database.ask("UPDATE outbox SET last_transaction = 0");
    assert_eq!(outbox.commit(&transaction(2)), Err(OutboxError::Forgotten));
}

#[test]
fn who_only_reads_notices_when_another_server_answers_that_went_back() {
    let place = Place::new();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    outbox.commit(&transaction(1)).unwrap();
    place.database.ask("UPDATE outbox SET last_transaction = 0");
    place.database.cut_connections();
    assert!(outbox.feeds(&[], 9).unwrap_err().is_transient());
    assert_eq!(outbox.feeds(&[], 9), Err(OutboxError::Forgotten));
    let rules = Retention { delivered_ms: 0, failed_ms: 0, bytes_max: 0 };
    assert_eq!(outbox.sweep(&rules, 0), Err(OutboxError::Forgotten));
}

#[test]
fn a_commit_survives_what_was_promised() {
    let place = Place::new();
    for (durability, setting) in [(Durability::Power, "on"), (Durability::Process, "off")] {
        let mut outbox = place.store.outbox(durability).unwrap();
        place.database.ask(
            "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 CREATE TABLE IF NOT EXISTS noted (setting text);
                 INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL;
             END $$;
             CREATE OR REPLACE TRIGGER note AFTER INSERT ON app_log EXECUTE FUNCTION note()",
        );
        let number = if durability == Durability::Power { 1 } else { 2 };
        outbox.commit(&transaction(number)).unwrap();
        let noted = place.database.ask("SELECT setting FROM noted");
        assert_eq!(noted.lines().last(), Some(setting), "{durability:?}");
    }
}

#[test]
fn people_write_while_the_outbox_commits() {
    let place = Place::new();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..30 {
                let name = number.to_string();
                place.store.put_endpoint(&endpoint(&name)).unwrap();
                if number % 3 == 0 {
                    place.store.remove_endpoint(&endpoint(&name).id).unwrap();
                }
            }
        });
        (1..=60).for_each(|number| outbox.commit(&transaction(number)).unwrap());
    });
    assert_eq!(kept(&place.store), 60);
    assert_eq!(place.store.endpoints(None).unwrap().len(), 20);
}

#[test]
fn names_with_a_zero_are_kept_apart() {
    use crate::contract::things::{added, removed};
    let place = Place::new();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    let steps = vec![added(1, "presence-room", "a\u{0}b"), added(2, "presence-room", "a\u{1a}0b")];
    outbox.commit(&Transaction { number: 1, steps }).unwrap();
    let steps = vec![removed(3, "presence-room", "a\u{0}b")];
    outbox.commit(&Transaction { number: 2, steps }).unwrap();
    let error = outbox
        .commit(&Transaction { number: 3, steps: vec![added(4, "presence-room", "a\u{1a}0b")] });
    assert!(error.unwrap_err().to_string().contains("is announced already"));
    let mut left = Vec::new();
    outbox.recover(&mut |thing| left.extend(thing.user)).unwrap();
    assert_eq!(left.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a\u{1a}0b"]);
}
