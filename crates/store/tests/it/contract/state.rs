//! The announced state, the log, and whether they agree.

use std::collections::BTreeSet;

use bellwire_webhooks::batch::{Batch, Outcome};
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::{Announced, Step};

use super::Place;
use super::desk::Desk;
use super::things::*;

fn announced(name: &str, user: Option<&str>, seq: u64) -> Announced {
    let user = user.map(|user| user.parse().unwrap());
    Announced { app: app(), channel: channel(name), user, seq }
}

pub(crate) fn a_snapshot_names_channels_before_their_members(place: &impl Place) {
    let mut desk = Desk::open(place);
    assert_eq!(place.store().snapshot(&app()).unwrap().seq, 0);
    desk.keep(vec![occupied(1, "b"), added(2, "b", "zoe"), added(3, "b", "ann"), occupied(4, "a")]);
    desk.keep(vec![cache_miss(5, "c"), removed(6, "b", "zoe")]);
    let snapshot = place.store().snapshot(&app()).unwrap();
    assert_eq!(snapshot.seq, 6);
    let mut left = snapshot.announced.clone();
    left.sort_by_key(|thing| thing.seq);
    assert_eq!(
        left,
        [announced("b", None, 1), announced("b", Some("ann"), 3), announced("a", None, 4)]
    );
    let place_of = |thing| snapshot.announced.iter().position(|other| *other == thing);
    assert!(place_of(announced("b", None, 1)) < place_of(announced("b", Some("ann"), 3)));
}

pub(crate) fn a_snapshot_and_the_log_after_it_give_the_truth(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "a"), added(2, "a", "ann"), occupied(3, "b")]);
    let snapshot = place.store().snapshot(&app()).unwrap();
    desk.keep(vec![
        added(4, "a", "bob"),
        removed(5, "a", "ann"),
        vacated(6, "b"),
        cache_miss(7, "b"),
    ]);
    desk.keep(vec![occupied(9, "c"), removed(10, "a", "bob"), vacated(11, "a")]);
    let key =
        |event: &Event| (event.channel.to_string(), event.user.as_ref().map(ToString::to_string));
    let things = |things: Vec<Announced>| -> BTreeSet<(String, Option<String>)> {
        things
            .iter()
            .map(|t| (t.channel.to_string(), t.user.as_ref().map(ToString::to_string)))
            .collect()
    };
    let mut state = things(snapshot.announced);
    let mut cursor = snapshot.seq;
    loop {
        // Page by page.
        let log = place.store().log(&app(), cursor, 2).unwrap();
        let Some(last) = log.last() else { break };
        cursor = last.seq;
        for event in &log {
            match event.kind {
                Kind::Occupied | Kind::MemberAdded => assert!(state.insert(key(event))),
                Kind::Vacated | Kind::MemberRemoved => assert!(state.remove(&key(event))),
                _ => {}
            }
        }
    }
    let now = place.store().snapshot(&app()).unwrap();
    assert_eq!((cursor, now.seq), (11, 11));
    assert_eq!(state, things(now.announced));
}

pub(crate) fn a_log_in_order_is_found_in_order(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep(vec![occupied(1, "a"), added(2, "a", "ann"), occupied(3, "b"), cache_miss(4, "b")]);
    desk.keep(vec![Step::Skip { app: app(), last: 6 }, removed(7, "a", "ann"), vacated(8, "a")]);
    desk.keep(vec![occupied(9, "a"), added(10, "a", "ann"), added(11, "a", "bob")]);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1, 2])), cut(&batch(2, "a", "room", &[4]))]);
    desk.keep(vec![end(1, Outcome::Failed, 9_000), cut(&rerun(3, "a", "room", &[1, 2]))]);
    let verdict = place.store().verify().unwrap();
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
    assert_eq!((verdict.events, verdict.announced), (9, 4));
}

pub(crate) fn halves_of_a_batch_do_not_overlap_with_it(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let half =
        |id, seqs: &[u64]| Batch { parent: Some(BatchId::of(1)), ..batch(id, "a", "room", seqs) };
    desk.keep(vec![cut(&batch(1, "a", "room", &[1, 2, 3])), end(1, Outcome::Split, 9_000)]);
    desk.keep(vec![cut(&half(3, &[2, 3])), cut(&half(2, &[1])), cut(&batch(4, "a", "room", &[4]))]);
    assert!(place.store().verify().unwrap().broken.is_empty());
    // Nor when the whole was delivered by a replay later.
    desk.keep(vec![end(1, Outcome::Delivered, 9_000)]);
    assert!(place.store().verify().unwrap().broken.is_empty());
}

pub(crate) fn batches_that_overlap_are_found(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let other = channel_of(5, 0);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1, 4])), cut(&batch(2, "b", "room", &[4]))]);
    desk.keep(vec![cut(&batch(3, "a", &other, &[2]))]);
    assert!(place.store().verify().unwrap().broken.is_empty());
    desk.keep(vec![cut(&batch(4, "a", "room", &[3])), cut(&batch(5, "a", &other, &[9, 8]))]);
    let broken = place.store().verify().unwrap().broken;
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken.iter().any(|sentence| sentence.contains("overlap")), "{broken:?}");
    assert!(broken.iter().any(|sentence| sentence.contains("ascend")), "{broken:?}");
}
