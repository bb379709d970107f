//! What an outbox keeps, and what it refuses.

use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::{Remains, Step};

use super::Place;
use super::desk::Desk;
use super::things::*;

const GAP: Gap = Gap { first: 3, last: 9, count: 4 };

fn is_empty(remains: &Remains) -> bool {
    let Remains { last_transaction, last_seqs, last_batch, open, behind, owed, previous } = remains;
    *last_transaction == 0
        && last_batch.is_none()
        && last_seqs.is_empty()
        && open.is_empty()
        && behind.is_empty()
        && owed.is_empty()
        && previous.is_empty()
}

/// What is announced: channel, user, place.
fn announced(desk: &Desk) -> Vec<(String, String, u64)> {
    let told = desk.announced.iter().map(|thing| {
        let user = thing.user.as_ref().map_or(String::new(), ToString::to_string);
        (thing.channel.to_string(), user, thing.seq)
    });
    let mut told: Vec<(String, String, u64)> = told.collect();
    told.sort();
    told
}

fn told(channel: &str, user: &str, seq: u64) -> (String, String, u64) {
    (channel.into(), user.into(), seq)
}

pub(crate) fn a_new_place_has_no_remains(place: &impl Place) {
    let desk = Desk::open(place);
    assert!(is_empty(&desk.remains), "{:?}", desk.remains);
    assert!(desk.announced.is_empty());
}

pub(crate) fn what_is_kept_is_found_after_a_restart(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let open = Batch { gap: Some(GAP), previous: 1, ..batch(7, "a", "room", &[2, 4]) };
    let half = Batch { parent: Some(BatchId::of(7)), ..batch(8, "a", "room", &[4]) };
    let again = rerun(9, "a", "room", &[2]);
    desk.keep(vec![occupied(1, "room"), added(2, "room", "ann"), cache_miss(4, "room")]);
    desk.keep(vec![cut(&open), cut(&half), cut(&again), attempted(7, 1), attempted(7, 2)]);
    let gap = GAP;
    desk.keep(vec![behind("a", 4), Step::Owes { endpoint: endpoint_id("a"), lane: 6, gap }]);
    drop(desk);

    let desk = Desk::open(place);
    assert_eq!(announced(&desk), [told("room", "", 1), told("room", "ann", 2)]);
    let remains = desk.remains;
    assert_eq!(remains.last_transaction, 3);
    assert_eq!(remains.last_seqs, [(app(), 4)]);
    assert_eq!(remains.last_batch, Some(again.id));
    assert_eq!(remains.open, [(open.clone(), 2), (half, 0), (again, 0)]);
    assert_eq!(remains.behind, [(endpoint_id("a"), 4)]);
    assert_eq!(remains.owed, [(endpoint_id("a"), 6, GAP)]);
    assert_eq!(remains.previous, [(endpoint_id("a"), open.lane, 4)]);
}

pub(crate) fn what_is_taken_back_is_announced_no_more(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room"), added(2, "room", "ann"), added(3, "room", "bob")]);
    desk.keep(vec![removed(4, "room", "ann")]);
    assert_eq!(announced(&Desk::open(place)), [told("room", "", 1), told("room", "bob", 3)]);
    let mut desk = Desk::open(place);
    desk.keep(vec![removed(5, "room", "bob"), vacated(6, "room"), occupied(7, "room")]);
    assert_eq!(announced(&Desk::open(place)), [told("room", "", 7)]);
}

pub(crate) fn a_second_occupied_fails_the_whole_transaction(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room")]);
    let error = desk.try_keep(vec![occupied(2, "other"), occupied(3, "room")]).unwrap_err();
    assert!(error.to_string().contains("room"), "{error}");
    let desk = Desk::open(place);
    assert_eq!(announced(&desk), [told("room", "", 1)]);
    assert_eq!(desk.remains.last_transaction, 1);
    assert_eq!(desk.remains.last_seqs, [(app(), 1)]);
}

pub(crate) fn a_second_member_added_fails(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room"), added(2, "room", "ann")]);
    let error = desk.try_keep(vec![added(3, "room", "ann")]).unwrap_err();
    assert!(error.to_string().contains("ann"), "{error}");
    desk.keep(vec![added(3, "room", "bob"), occupied(4, "other"), added(5, "other", "ann")]);
}

pub(crate) fn a_vacated_of_what_is_not_announced_fails(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room")]);
    desk.try_keep(vec![vacated(2, "other")]).unwrap_err();
    desk.try_keep(vec![removed(2, "room", "ann")]).unwrap_err();
    desk.try_keep(vec![vacated(2, "room"), vacated(3, "room")]).unwrap_err();
    assert_eq!(announced(&Desk::open(place)), [told("room", "", 1)]);
}

pub(crate) fn what_comes_and_goes_in_one_transaction_is_judged_too(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room"), added(2, "room", "ann")]);
    desk.try_keep(vec![occupied(3, "room"), vacated(4, "room")]).unwrap_err();
    desk.try_keep(vec![vacated(3, "other"), occupied(4, "other")]).unwrap_err();
    desk.try_keep(vec![occupied(3, "other"), occupied(4, "other")]).unwrap_err();
    desk.keep(vec![occupied(3, "other"), vacated(4, "other")]);
    desk.keep(vec![occupied(5, "other"), vacated(6, "other"), occupied(7, "other")]);
    desk.keep(vec![removed(8, "room", "ann"), added(9, "room", "ann")]);
    let told = [told("other", "", 7), told("room", "", 1), told("room", "ann", 9)];
    assert_eq!(announced(&Desk::open(place)), told);
}

pub(crate) fn a_transaction_that_is_offered_twice_is_kept_once(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let batch = batch(7, "a", "room", &[1]);
    let steps = || vec![occupied(1, "room"), cut(&batch)];
    desk.keep(steps());
    desk.number = 0;
    desk.keep(steps());
    let mut desk = Desk::open(place);
    assert_eq!(announced(&desk), [told("room", "", 1)]);
    assert_eq!(desk.remains.open, [(batch.clone(), 0)]);
    // Nor is it after a restart, in which nobody knew whether it had arrived.
    desk.number = 0;
    desk.keep(steps());
    assert_eq!(Desk::open(place).remains.last_transaction, 1);
}

pub(crate) fn a_transaction_that_failed_can_be_offered_with_other_steps(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.try_keep(vec![vacated(1, "room")]).unwrap_err();
    desk.keep(vec![occupied(1, "room")]);
    assert_eq!(announced(&Desk::open(place)), [told("room", "", 1)]);
}

pub(crate) fn numbers_may_be_left_out(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![occupied(1, "room")]);
    desk.number = 10;
    desk.keep(vec![vacated(2, "room")]);
    let desk = Desk::open(place);
    assert_eq!(desk.remains.last_transaction, 11);
    assert!(desk.announced.is_empty());
}

pub(crate) fn ten_thousand_events_fit_into_one_transaction(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let mut steps: Vec<Step> =
        (1..=10_000).map(|seq| occupied(seq, &format!("room-{seq}"))).collect();
    steps.extend((1..=100).map(|id| {
        let seqs: Vec<u64> = (id * 100 - 99..=id * 100).collect();
        cut(&batch(id, "a", "room", &seqs))
    }));
    desk.keep(steps);
    let desk = Desk::open(place);
    assert_eq!(desk.announced.len(), 10_000);
    assert_eq!(desk.remains.open.len(), 100);
    assert!(desk.remains.open.iter().all(|(batch, _)| batch.bodies().len() == 100));
    let verdict = place.store().verify().unwrap();
    assert_eq!((verdict.events, verdict.announced), (10_000, 10_000));
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
}

pub(crate) fn skipped_places_are_taken(place: &impl Place) {
    let mut desk = Desk::open(place);
    desk.keep(vec![Step::Skip { app: app(), last: 9 }]);
    desk.keep(vec![Step::Skip { app: app(), last: 4 }, cache_miss(3, "room")]);
    assert_eq!(Desk::open(place).remains.last_seqs, [(app(), 9)]);
    assert_eq!(place.store().snapshot(&app()).unwrap().seq, 9);
}

pub(crate) fn a_lane_is_read_in_order_after_a_place(place: &impl Place) {
    let mut desk = Desk::open(place);
    let (here, there) = (channel_of(3, 0), channel_of(4, 0));
    let second = channel_of(3, 1);
    desk.keep(
        (1..=30).map(|seq| cache_miss(seq, [&here, &there, &second][seq as usize % 3])).collect(),
    );
    let read: Vec<u64> = desk.lane(3, 5, 4).iter().map(|event| event.seq).collect();
    assert_eq!(read, [6, 8, 9, 11]);
    assert_eq!(desk.lane(3, 29, 4).len(), 1);
    assert_eq!(desk.lane(3, 30, 4), []);
    assert_eq!(desk.lane(5, 0, 4), []);
    let events = desk.lane(4, 0, 1);
    let kept = event(1, bellwire_webhooks::event::Kind::CacheMiss, &there, None);
    assert_eq!(events, [(*kept).clone()]);
}

pub(crate) fn a_batch_that_has_ended_is_not_open(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    for (id, outcome) in (1..).zip(Outcome::ALL) {
        desk.keep(vec![cut(&batch(id, "a", "room", &[id])), end(id, outcome, 9_000)]);
    }
    assert!(Desk::open(place).remains.open.is_empty());
    // What failed may be delivered by a replay later.
    desk = Desk::open(place);
    desk.keep(vec![end(2, Outcome::Delivered, 10_000)]);
    let (delivery, _) = place.store().delivery(BatchId::of(2)).unwrap().unwrap();
    assert_eq!(delivery.ended_at_ms, Some(10_000));
}

pub(crate) fn who_has_caught_up_and_paid_is_forgotten(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let owes =
        |lane, last| Step::Owes { endpoint: endpoint_id("a"), lane, gap: Gap { last, ..GAP } };
    desk.keep(vec![behind("a", 10), behind("b", 10), owes(1, 9), owes(2, 9)]);
    desk.keep(vec![behind("a", 20), owes(2, 19)]);
    let paid = Step::Paid { endpoint: endpoint_id("a"), lane: 1 };
    desk.keep(vec![caught_up("b"), paid]);
    let remains = Desk::open(place).remains;
    assert_eq!(remains.behind, [(endpoint_id("a"), 20)]);
    assert_eq!(remains.owed, [(endpoint_id("a"), 2, Gap { last: 19, ..GAP })]);
}

pub(crate) fn only_what_was_sent_live_counts_as_the_last_place_of_a_lane(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let (one, other) = (channel_of(3, 0), channel_of(4, 0));
    desk.keep(vec![cut(&batch(1, "a", &one, &[2, 5])), cut(&batch(2, "a", &other, &[3]))]);
    // The second half is cut first.
    let half =
        |id, seqs: &[u64]| Batch { parent: Some(BatchId::of(1)), ..batch(id, "a", &one, seqs) };
    desk.keep(vec![end(1, Outcome::Split, 9_000), cut(&half(4, &[5])), cut(&half(3, &[2]))]);
    desk.keep(vec![cut(&rerun(5, "a", &one, &[90]))]);
    let mut previous = Desk::open(place).remains.previous;
    previous.sort();
    assert_eq!(previous, [(endpoint_id("a"), 3, 5), (endpoint_id("a"), 4, 3)]);
}

pub(crate) fn what_is_said_of_a_removed_endpoint_leaves_nothing(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1])), cut(&batch(2, "b", "room", &[1]))]);
    assert!(place.store().remove_endpoint(&endpoint_id("a")).unwrap());
    let endpoint = || endpoint_id("a");
    desk.keep(vec![
        occupied(1, "room"),
        attempted(1, 1),
        end(1, Outcome::Delivered, 9_000),
        cut(&batch(3, "a", "room", &[2])),
        attempted(3, 1),
        behind("a", 1),
        caught_up("c"),
        Step::Owes { endpoint: endpoint(), lane: 1, gap: GAP },
        Step::Paid { endpoint: endpoint(), lane: 2 },
        Step::Lost { endpoint: endpoint(), gap: GAP, reason: "expired", at_ms: 9_000 },
        Step::Failing { endpoint: endpoint(), since_ms: Some(5) },
        Step::Disable { endpoint: endpoint(), reason: "gone", at_ms: 9_000 },
    ]);
    let desk = Desk::open(place);
    assert_eq!(announced(&desk), [told("room", "", 1)]);
    assert_eq!(desk.remains.open.len(), 1);
    assert!(desk.remains.behind.is_empty() && desk.remains.owed.is_empty());
    assert!(place.store().delivery(BatchId::of(3)).unwrap().is_none());
    assert!(place.store().gaps(&app()).unwrap().is_empty());
    // Its id is not given again all the same.
    assert_eq!(desk.remains.last_batch, Some(BatchId::of(3)));
}

pub(crate) fn an_endpoint_that_is_removed_has_no_remains(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let owes = Step::Owes { endpoint: endpoint_id("a"), lane: 1, gap: GAP };
    desk.keep(vec![cut(&batch(1, "a", "room", &[1])), behind("a", 1), owes]);
    assert!(place.store().remove_endpoint(&endpoint_id("a")).unwrap());
    place.store().put_endpoint(&endpoint("a")).unwrap();
    let remains = Desk::open(place).remains;
    assert!(remains.open.is_empty() && remains.behind.is_empty());
    assert!(remains.owed.is_empty() && remains.previous.is_empty());
}

pub(crate) fn the_server_does_not_disable_what_a_person_has_disabled(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let ledger = place.store();
    assert!(ledger.set_enabled(&endpoint_id("a"), false, 4_000).unwrap());
    let disable =
        |name| Step::Disable { endpoint: endpoint_id(name), reason: "gone", at_ms: 9_000 };
    desk.keep(vec![disable("a"), disable("b")]);
    let reason = |name| {
        let disabled = ledger.endpoint(&endpoint_id(name)).unwrap().unwrap().disabled.unwrap();
        (disabled.reason, disabled.at_ms)
    };
    assert_eq!(reason("a"), ("manual".into(), 4_000));
    assert_eq!(reason("b"), ("gone".into(), 9_000));
}

pub(crate) fn commits_are_not_noticed_by_the_version(place: &impl Place) {
    use bellwire_hub::AppStore as _;

    let before = place.store().version().unwrap();
    Desk::open(place).keep(vec![Step::Skip { app: app(), last: 7 }]);
    assert_eq!(place.store().version().unwrap(), before);
}
