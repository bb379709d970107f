//! Laws of what a node tells.

use super::*;
use crate::feed::decode;

const RULES: FeedRules = FeedRules { row_bytes_max: 1_000, waiting_bytes_max: 2_000 };

fn fact(channel: &str, what: What) -> Fact {
    Fact { app: "1".parse().unwrap(), channel: channel.parse().unwrap(), at_ms: 0, what }
}

fn says(feeder: &mut Feeder<&'static str>, channel: &str) {
    let (event, data) = ("client-x".into(), "{}".into());
    let socket_id = "1.2".parse().unwrap();
    let what = What::ClientEvent { event, data, socket_id, user: None };
    feeder.take(fact(channel, what), false);
}

/// Keeps everything; the rows.
fn keep(feeder: &mut Feeder<&'static str>) -> Vec<Vec<Entry>> {
    let mut rows = Vec::new();
    while let Some((n, body)) = feeder.row(9) {
        assert_eq!(n, rows.len() as u64 + 1);
        rows.push(decode(body).unwrap().entries);
        feeder.kept();
    }
    rows
}

#[test]
fn what_came_together_is_one_row_unless_it_is_too_much() {
    let mut feeder = Feeder::new(RULES);
    for channel in 0..10 {
        feeder.take(fact(&format!("room-{channel}"), What::Occupied), false);
    }
    let rows = keep(&mut feeder);
    assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [8, 2]);
}

#[test]
fn a_row_is_the_same_until_it_is_kept() {
    let mut feeder = Feeder::<()>::new(RULES);
    feeder.take(fact("a", What::Occupied), false);
    let (n, first) = feeder.row(1).map(|(n, body)| (n, body.to_vec())).unwrap();
    feeder.failed();
    feeder.take(fact("b", What::Occupied), false);
    assert_eq!(feeder.row(99), Some((n, &*first)));
}

#[test]
fn above_the_bound_losses_are_counted_and_the_whole_state_is_said_anew() {
    let mut feeder = Feeder::new(RULES);
    feeder.begin_retelling(1);
    feeder.end_retelling();
    assert!(!feeder.wants_retelling(1));
    keep(&mut feeder);
    feeder.failed();
    for _ in 0..30 {
        says(&mut feeder, "private-a");
        feeder.take(fact("a", What::Occupied), false);
    }
    assert!(feeder.bytes <= RULES.waiting_bytes_max);
    assert!(!feeder.wants_retelling(1), "not while the store is away");
    feeder.answered();
    assert!(feeder.wants_retelling(1));
    feeder.begin_retelling(1);
    feeder.take(fact("a", What::Occupied), false);
    feeder.end_retelling();
    assert!(!feeder.wants_retelling(1));
    let entries: Vec<Entry> = std::iter::from_fn(|| {
        let row = decode(feeder.row(9)?.1).unwrap();
        feeder.kept();
        Some(row.entries)
    })
    .flatten()
    .collect();
    let lane = lane_of("private-a");
    let lost = Entry::Lost { app: "1".parse().unwrap(), lane, count: 30 };
    assert!(entries.contains(&lost), "{entries:?}");
    assert_eq!(entries[0], Entry::RetellBegins);
}

#[test]
fn a_new_run_is_told_once_and_a_retelling_that_was_cut_short_begins_again() {
    let mut feeder = Feeder::<()>::new(RULES);
    assert!(feeder.wants_retelling(7));
    feeder.begin_retelling(7);
    feeder.failed();
    for _ in 0..30 {
        feeder.take(fact("a", What::Occupied), false);
    }
    feeder.end_retelling();
    feeder.answered();
    assert!(feeder.wants_retelling(7));
    feeder.begin_retelling(7);
    feeder.end_retelling();
    assert!(!feeder.wants_retelling(7) && feeder.wants_retelling(8));
}

// webhooks: P3
#[test]
fn who_waits_is_let_in_when_the_row_is_heard_and_after_an_overflow_when_the_state_is() {
    let mut feeder = Feeder::new(RULES);
    feeder.hold("nothing was said");
    assert_eq!(feeder.heard(0), ["nothing was said"]);
    feeder.take(fact("a", What::Occupied), false);
    feeder.hold("a");
    assert!(!feeder.has_held(), "there is no row to ask for");
    keep(&mut feeder);
    assert!(feeder.has_held());
    assert!(feeder.heard(0).is_empty());
    assert_eq!(feeder.heard(1), ["a"]);
    feeder.failed();
    feeder.take(fact("b", What::Occupied), false);
    feeder.hold("b");
    for _ in 0..30 {
        feeder.take(fact("c", What::Occupied), false);
    }
    feeder.hold("c");
    feeder.answered();
    assert!(feeder.row(9).is_none());
    feeder.begin_retelling(1);
    feeder.end_retelling();
    assert!(feeder.row(9).is_some());
    assert!(feeder.heard(1).is_empty());
    assert_eq!(feeder.heard(2), ["b", "c"]);
}

#[test]
fn whoever_leaves_a_node_that_drains_was_told_to_come_back() {
    let mut feeder = Feeder::new(RULES);
    feeder.close();
    feeder.take(fact("a", What::Vacated), false);
    feeder.take(fact("b", What::Occupied), false);
    let entry = Entry::Fact { fact: fact("b", What::Occupied), quietly: false };
    assert_eq!(keep(&mut feeder), [vec![Entry::Drains, entry]]);
}
