//! The cap: how much there is is found out from some pages of large tables.

use bellwire_store::Durability;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::{Outbox as _, Retention, Transaction};

use super::Place;
use crate::contract::things::{app, occupied};

/// Nothing gets old.
fn at_most(bytes_max: u64) -> Retention {
    Retention { delivered_ms: u64::MAX, failed_ms: u64::MAX, bytes_max }
}

#[test]
fn above_the_cap_only_as_much_goes_as_must() {
    const EVENTS: u64 = 20_000;
    let place = Place::new();
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    for number in 1..=EVENTS / 1_000 {
        let seqs = (number - 1) * 1_000 + 1..=number * 1_000;
        let steps = seqs.map(|seq| occupied(seq, &format!("room-{seq}"))).collect();
        outbox.commit(&Transaction { number, steps }).unwrap();
    }
    let bytes = place.database.ask("SELECT sum(pg_column_size(body) + 200) FROM event");
    let bytes: u64 = bytes.parse().unwrap();
    assert_eq!(outbox.sweep(&at_most(bytes), 100_000).unwrap().rows, 0);
    while outbox.sweep(&at_most(bytes * 3 / 4), 100_000).unwrap().rows > 0 {}
    let left = place.store.log(&app(), 0, 100_000).unwrap();
    // The first have shorter names.
    assert!((14_000..=15_000).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap().seq, EVENTS);
    assert_eq!(left.first().unwrap().seq, EVENTS + 1 - left.len() as u64);
    assert_eq!(place.store.snapshot(&app()).unwrap().announced.len() as u64, EVENTS);
    assert!(place.store.verify().unwrap().broken.is_empty());
}

#[test]
fn what_is_gone_counts_no_more_though_its_place_is_not_given_back() {
    let place = Place::new();
    // 5,000 pages, of which a fifth is looked at.
    place.database.ask(
        "INSERT INTO event (app, seq, kind, lane, channel, at_ms, body)
             SELECT '1', n, 6, n % 64, 'room', n, repeat('x', 700) FROM generate_series(1, 50000) n;
         INSERT INTO app_log (app, last_seq) VALUES ('1', 50000);
         DELETE FROM event WHERE seq <= 25000",
    );
    let live = 25_000 * (700 + 4 + 200);
    let mut outbox = place.store.outbox(Durability::Process).unwrap();
    assert_eq!(outbox.sweep(&at_most(live * 11 / 10), 0).unwrap().rows, 0);
    assert!(outbox.sweep(&at_most(live * 9 / 10), 0).unwrap().rows > 0);
}
