use std::sync::Arc;

use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::outbox::{Outbox as _, Step, Transaction};

use super::*;
use crate::rows::kind_number;
use crate::{Durability, Sqlite};

/// Two channels with members that come and go, one that is vacated, and what is not of a standing.
const LOG: [(Kind, &str, Option<&str>); 17] = [
    (Kind::Occupied, "presence-a", None),
    (Kind::MemberAdded, "presence-a", Some("ann")),
    (Kind::Occupied, "presence-b", None),
    (Kind::MemberAdded, "presence-a", Some("bob")),
    (Kind::MemberAdded, "presence-b", Some("ann")),
    (Kind::CacheMiss, "presence-b", None),
    (Kind::MemberRemoved, "presence-a", Some("ann")),
    (Kind::Occupied, "c", None),
    (Kind::MemberRemoved, "presence-a", Some("bob")),
    (Kind::Vacated, "presence-a", None),
    (Kind::Vacated, "c", None),
    (Kind::Occupied, "presence-a", None),
    (Kind::MemberAdded, "presence-a", Some("ann")),
    (Kind::MemberRemoved, "presence-b", Some("ann")),
    (Kind::MemberAdded, "presence-b", Some("ann")),
    (Kind::Occupied, "c", None),
    (Kind::Vacated, "c", None),
];

fn is_standing(kind: Kind) -> bool {
    !matches!(kind, Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount)
}

fn store() -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let steps = (1..).zip(LOG).map(|(seq, (kind, channel, user))| {
        Step::Append(Arc::new(Event {
            app: "1".parse().unwrap(),
            seq,
            kind,
            channel: channel.parse().unwrap(),
            user: user.map(|user| user.parse().unwrap()),
            at_ms: seq,
            body: "{}".into(),
        }))
    });
    let steps = steps.collect();
    store.outbox(Durability::Process).unwrap().commit(&Transaction { number: 1, steps }).unwrap();
    (folder, store)
}

/// What is found after somebody has changed the database by hand, which is then undone.
fn found_after(store: &Sqlite, sql: &str) -> Vec<String> {
    let mut connection = crate::lock(&store.writer);
    let transaction = connection.transaction().unwrap();
    transaction.execute_batch(sql).unwrap();
    verify(&transaction).unwrap().broken
}

#[track_caller]
fn assert_found(store: &Sqlite, sql: &str, expected: &str) {
    let broken = found_after(store, sql);
    assert!(broken.iter().any(|sentence| sentence.contains(expected)), "{sql}: {broken:?}");
}

#[test]
fn an_untouched_store_is_in_order() {
    let (_folder, store) = store();
    assert_eq!(found_after(&store, ""), [""; 0]);
}

#[test]
fn every_event_that_is_missing_is_noticed() {
    let (_folder, store) = store();
    for (seq, (kind, channel, user)) in (1..).zip(LOG) {
        // Nobody can tell the oldest of a lane from one that was swept away.
        let oldest = LOG.iter().position(|(_, name, _)| *name == channel).unwrap() + 1;
        if is_standing(kind) && seq != oldest {
            let broken = found_after(&store, &format!("DELETE FROM event WHERE seq = {seq}"));
            assert!(!broken.is_empty(), "{seq}: {kind:?} {channel} {user:?}");
        }
    }
}

#[test]
fn every_event_of_the_wrong_kind_is_noticed() {
    let (_folder, store) = store();
    for (seq, (kind, ..)) in (1..).zip(LOG) {
        let other = match kind {
            Kind::Occupied => Kind::Vacated,
            Kind::Vacated => Kind::Occupied,
            Kind::MemberAdded => Kind::MemberRemoved,
            Kind::MemberRemoved => Kind::MemberAdded,
            _ => continue,
        };
        let other = kind_number(other);
        let sql = format!("UPDATE event SET kind = {other} WHERE seq = {seq}");
        assert!(!found_after(&store, &sql).is_empty(), "{seq}: {kind:?}");
    }
}

#[test]
fn what_is_announced_and_not_in_the_log_is_noticed() {
    let (_folder, store) = store();
    let insert = "INSERT INTO announced (app, channel, user, seq) VALUES";
    assert_found(&store, &format!("{insert} ('1', 'c', '', 16)"), "taken back at 17");
    assert_found(&store, &format!("{insert} ('1', 'c', 'ann', 16)"), "but not its channel");
    assert_found(&store, &format!("{insert} ('1', 'nowhere', '', 99)"), "has no such event");
    assert_found(&store, &format!("{insert} ('2', 'nowhere', '', 1)"), "app 2");
    let moved = "UPDATE announced SET seq = 3 WHERE channel = 'presence-a' AND user = ''";
    assert_found(&store, moved, "announced at 3, but the log says at 12");
}

#[test]
fn what_the_log_says_and_is_not_announced_is_noticed() {
    let (_folder, store) = store();
    let gone = "DELETE FROM announced WHERE channel = 'presence-b' AND user = ''";
    assert_found(&store, gone, "channel presence-b: the log says at 3");
    assert_found(&store, gone, "channel presence-b, user ann: announced, but not its channel");
    let gone = "DELETE FROM announced WHERE channel = 'presence-b' AND user = 'ann'";
    assert_found(&store, gone, "channel presence-b, user ann: the log says at 15");
}

#[test]
fn a_log_that_is_swept_from_its_beginning_is_in_order() {
    let (_folder, store) = store();
    for seq in 1..=LOG.len() {
        let sql = format!("DELETE FROM event WHERE seq <= {seq}");
        assert_eq!(found_after(&store, &sql), [""; 0], "up to {seq}");
    }
}

#[test]
fn the_order_of_a_channel_and_its_members_is_checked() {
    let (_folder, store) = store();
    let late = "UPDATE event SET seq = 11 WHERE seq = 9; UPDATE event SET seq = 9 WHERE seq = 10;";
    let late = format!("DELETE FROM event WHERE seq = 11; {late}");
    assert_found(&store, &late, "vacated while user bob, added at 4, is a member");
    assert_found(&store, &late, "user bob is removed, but the channel was vacated at 9");
    assert_found(&store, "UPDATE app_log SET last_seq = 16", "the log is said to end at 16");
    assert_found(&store, "UPDATE event SET lane = 63 - lane WHERE seq = 6", "it stands in lane");
}

#[test]
fn a_hundred_sentences_are_enough() {
    let (_folder, store) = store();
    let sql = "WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 300)
         INSERT INTO announced (app, channel, user, seq) SELECT '1', 'x' || n, '', 99 FROM n";
    assert_eq!(found_after(&store, sql).len(), BROKEN_MAX);
}
