//! What is particular to SQLite: failures half way, and the plans of the questions that run beside
//! commits.

use std::path::Path;
use std::sync::Arc;

use bellwire_webhooks::endpoint::{Endpoint, Origin, Terms};
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::ledger::Ledger as _;

use super::*;
use crate::{FILE, Sqlite};

fn occupied(seq: u64) -> Step {
    let name = format!("room-{seq}");
    Step::Append(Arc::new(Event {
        app: "1".parse().unwrap(),
        seq,
        kind: Kind::Occupied,
        channel: name.parse().unwrap(),
        user: None,
        at_ms: seq,
        body: format!(r#"{{"name":"channel_occupied","channel":"{name}"}}"#).into(),
    }))
}

fn transaction(number: u64, seqs: std::ops::RangeInclusive<u64>) -> Transaction {
    Transaction { number, steps: seqs.map(occupied).collect() }
}

fn store() -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    (folder, store)
}

/// How many events there are, and that they are as they should.
fn events(store: &Sqlite) -> u64 {
    let verdict = store.verify().unwrap();
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
    assert_eq!(verdict.events, verdict.announced);
    verdict.events
}

/// Lets the file of the outbox's connection grow by so many pages and no more.
fn limit_disk(outbox: &SqliteOutbox, pages: i64) {
    let connection = outbox.connection.as_ref().unwrap();
    let used: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update_and_check(None, "max_page_count", used + pages, |_| Ok(())).unwrap();
}

#[test]
fn a_commit_that_failed_half_way_is_kept_once_when_it_is_offered_again() {
    let (_folder, store) = store();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(1, 1..=10)).unwrap();
    limit_disk(&outbox, 5);
    let large = transaction(2, 11..=2_000);
    let error = outbox.commit(&large).unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    assert!(outbox.connection.is_none());
    assert_eq!(events(&store), 10);
    // A new connection has no limit: the disk has room again.
    outbox.commit(&large).unwrap();
    assert_eq!(events(&store), 2_000);
    outbox.commit(&large).unwrap();
    assert_eq!(events(&store), 2_000);
    assert_eq!(outbox.recover(&mut |_| {}).unwrap().last_transaction, 2);
}

#[test]
fn a_commit_that_arrived_although_it_failed_is_not_repeated() {
    let (_folder, store) = store();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(1, 1..=10)).unwrap();
    // As after an error that came later than the commit.
    outbox.connection = None;
    outbox.commit(&transaction(1, 1..=10)).unwrap();
    outbox.commit(&transaction(2, 11..=11)).unwrap();
    assert_eq!(events(&store), 11);
}

#[test]
fn what_was_committed_is_in_the_files_of_a_process_that_is_killed() {
    let (folder, store) = store();
    let copy = tempfile::tempdir().unwrap();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(1, 1..=10)).unwrap();
    outbox.commit(&transaction(2, 11..=20)).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{FILE}{suffix}");
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
    }
    let after = Sqlite::open(copy.path()).unwrap();
    assert_eq!(events(&after), 20);
    let mut outbox = after.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(2, 11..=20)).unwrap();
    outbox.commit(&transaction(3, 21..=21)).unwrap();
    assert_eq!(events(&after), 21);
}

#[test]
fn a_half_written_commit_is_not_there_after_a_kill() {
    let (folder, store) = store();
    let mut outbox = store.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(1, 1..=10)).unwrap();
    let whole = std::fs::metadata(wal(folder.path())).unwrap().len();
    outbox.commit(&transaction(2, 11..=500)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join(FILE), copy.path().join(FILE)).unwrap();
    let log = std::fs::read(wal(folder.path())).unwrap();
    let torn = (whole as usize + log.len()) / 2;
    std::fs::write(wal(copy.path()), &log[..torn]).unwrap();
    let after = Sqlite::open(copy.path()).unwrap();
    assert_eq!(events(&after), 10);
    let mut outbox = after.outbox(Durability::Power).unwrap();
    outbox.commit(&transaction(2, 11..=500)).unwrap();
    assert_eq!(events(&after), 500);
}

fn wal(folder: &Path) -> PathBuf {
    folder.join(format!("{FILE}-wal"))
}

#[test]
fn whoever_opens_the_outbox_last_owns_it() {
    let (folder, store) = store();
    let mut old = store.outbox(Durability::Process).unwrap();
    old.commit(&transaction(1, 1..=1)).unwrap();
    let other = Sqlite::open(folder.path()).unwrap();
    let mut new = other.outbox(Durability::Process).unwrap();
    new.commit(&transaction(2, 2..=2)).unwrap();
    // Neither can the old one keep anything, nor does it take the other's transactions for its own.
    for number in 1..=4 {
        let error = old.commit(&transaction(number, 3..=3)).unwrap_err();
        assert!(error.to_string().contains("taken over"), "{error}");
    }
    new.commit(&transaction(3, 3..=3)).unwrap();
    assert_eq!(events(&store), 3);
}

#[test]
fn people_write_while_the_outbox_commits() {
    let (_folder, store) = store();
    let mut outbox = store.outbox(Durability::Process).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..50 {
                let endpoint = Endpoint {
                    id: format!("ep_{number}").parse().unwrap(),
                    app: "1".parse().unwrap(),
                    terms: Terms::new("https://example.com"),
                    origin: Origin::Stored,
                    created_at_ms: number,
                    disabled: None,
                    failing_since_ms: None,
                    secrets: Vec::new(),
                };
                store.put_endpoint(&endpoint).unwrap();
            }
        });
        for number in 1..=200 {
            outbox.commit(&transaction(number, number..=number)).unwrap();
        }
    });
    assert_eq!(events(&store), 200);
    assert_eq!(store.endpoints(None).unwrap().len(), 50);
}

#[test]
fn a_commit_survives_what_was_promised() {
    let (_folder, store) = store();
    for (durability, synchronous) in [(Durability::Power, 2), (Durability::Process, 1)] {
        let outbox = store.outbox(durability).unwrap();
        let connection = outbox.connection.as_ref().unwrap();
        let found: i64 =
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(found, synchronous, "{durability:?}");
    }
}

#[test]
fn above_the_cap_only_as_much_goes_as_must() {
    let (_folder, store) = store();
    let mut outbox = store.outbox(Durability::Process).unwrap();
    let app = "1".parse().unwrap();
    for number in 0..20 {
        let first = number * 1_000 + 1;
        outbox.commit(&transaction(number + 1, first..=first + 999)).unwrap();
    }
    let bytes = |outbox: &SqliteOutbox| sweep::bytes(outbox.connection.as_ref().unwrap()).unwrap();
    let bytes_max = bytes(&outbox) * 3 / 4;
    let rules = Retention { delivered_ms: u64::MAX, failed_ms: u64::MAX, bytes_max };
    while outbox.sweep(&rules, 100_000).unwrap().rows > 0 {}
    assert!(bytes(&outbox) <= bytes_max);
    let left = store.log(&app, 0, 100_000).unwrap();
    assert!((1_000..19_000).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap().seq, 20_000);
    assert_eq!(left.first().unwrap().seq, 20_001 - left.len() as u64);
    assert_eq!(store.snapshot(&app).unwrap().announced.len(), 20_000);
    assert!(store.verify().unwrap().broken.is_empty());
}

/// How SQLite goes about a question.
fn plan(sql: &str) -> String {
    let (_folder, store) = store();
    let outbox = store.outbox(Durability::Process).unwrap();
    let connection = outbox.connection.as_ref().unwrap();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    steps.join("; ")
}

#[test]
fn what_runs_beside_commits_reads_ranges_of_indexes_and_sorts_nothing() {
    let body = "SEARCH y USING INTEGER PRIMARY KEY (rowid=?)";
    for (sql, expected) in [
        (
            read::lane_sql(),
            "SEARCH event USING INDEX event_by_lane (app=? AND lane=? AND seq>?)".into(),
        ),
        (
            crate::log::sql("seq, body", false),
            "SEARCH event USING PRIMARY KEY (app=? AND seq>? AND seq<?)".into(),
        ),
        (
            crate::log::sql("seq, body", true),
            "SEARCH event USING INDEX event_by_lane (app=? AND lane=? AND seq>? AND seq<?)".into(),
        ),
        (
            read::failed_sql(),
            format!("SEARCH b USING INDEX batch_failed (endpoint=? AND rowid>?); {body}"),
        ),
        (
            sweep::ENDED.into(),
            "SEARCH batch USING COVERING INDEX batch_by_end (outcome=? AND ended_at_ms<?)".into(),
        ),
    ] {
        assert_eq!(plan(&sql), expected);
    }
}
