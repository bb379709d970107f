//! What goes when it is old or too much, and who is told.

use std::sync::Arc;

use bellwire_webhooks::batch::{Gap, Outcome};
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::ids::{BatchId, ReplayId};
use bellwire_webhooks::ledger::{Ledger as _, Lost};
use bellwire_webhooks::outbox::{Retention, Step};
use bellwire_webhooks::replay::{LogFilter, Progress, ReplayOf, State};

use super::Place;
use super::desk::Desk;
use super::things::*;

/// What was delivered is old after 100 s, what failed after 1,000 s; there is room for everything.
const RULES: Retention =
    Retention { delivered_ms: 100_000, failed_ms: 1_000_000, bytes_max: u64::MAX };
/// There is room for nothing, and nothing gets old.
const NO_ROOM: Retention = Retention { delivered_ms: u64::MAX, failed_ms: u64::MAX, bytes_max: 0 };

fn has_delivery(place: &impl Place, id: u64) -> bool {
    place.store().delivery(BatchId::of(id)).unwrap().is_some()
}

/// The places of the log that have an event.
fn places(place: &impl Place) -> Vec<u64> {
    let log = place.store().log(&app(), 0, 100_000).unwrap();
    log.iter().map(|event| event.seq).collect()
}

pub(crate) fn what_is_young_stays(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep(vec![occupied(1, "room"), cut(&batch(1, "a", "room", &[1]))]);
    desk.keep(vec![attempted(1, 1), end(1, Outcome::Delivered, 1_000)]);
    assert_eq!(desk.sweep(&RULES, 101_000).rows, 0);
    assert_eq!(places(place), [1]);
    assert!(has_delivery(place, 1));
    assert!(desk.sweep(&RULES, 101_001).rows > 0);
    assert!(places(place).is_empty());
    assert!(!has_delivery(place, 1));
}

pub(crate) fn delivered_batches_go_before_failed_ones(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    for (id, outcome) in (1..).zip(Outcome::ALL) {
        desk.keep(vec![cut(&batch(id, "a", "room", &[id])), attempted(id, 1)]);
        desk.keep(vec![end(id, outcome, 5_000)]);
    }
    let left = |place| (1..=4).filter(|id| has_delivery(place, *id)).collect::<Vec<u64>>();
    desk.sweep(&RULES, 105_001);
    assert_eq!(left(place), [2]);
    let (_, attempts) = place.store().delivery(BatchId::of(2)).unwrap().unwrap();
    assert_eq!(attempts.len(), 1);
    desk.sweep(&RULES, 1_005_001);
    assert!(left(place).is_empty());
}

pub(crate) fn an_open_batch_stays_however_old_it_is(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1])), attempted(1, 1)]);
    desk.sweep(&RULES, u64::MAX / 2);
    desk.sweep(&NO_ROOM, 0);
    assert_eq!(Desk::open(place).remains.open, [(batch(1, "a", "room", &[1]), 1)]);
}

pub(crate) fn a_batch_that_is_gone_does_not_give_its_id_or_place_away(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let kept = batch(7, "a", "room", &[4]);
    desk.keep(vec![cut(&kept), end(7, Outcome::Delivered, 5_000)]);
    desk.sweep(&RULES, 1_000_000);
    let remains = Desk::open(place).remains;
    assert_eq!(remains.last_batch, Some(BatchId::of(7)));
    assert_eq!(remains.previous, [(endpoint_id("a"), kept.lane, 4)]);
}

pub(crate) fn old_events_go_unless_somebody_waits_for_them(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let (waited, other) = (channel_of(3, 0), channel_of(4, 0));
    desk.keep((1..=20).map(|seq| cache_miss(seq, [&waited, &other][seq as usize % 2])).collect());
    // The first lane has the even places. Of the second, all that is old was cut.
    desk.keep(vec![behind("a", 10), behind("b", 6)]);
    desk.keep(
        ["a", "b"]
            .into_iter()
            .zip(1..)
            .map(|(at, id)| cut(&batch(id, at, &other, &[17])))
            .collect(),
    );
    desk.sweep(&RULES, 118_001);
    assert_eq!(places(place), [8, 10, 12, 14, 16, 18, 19, 20]);
    assert!(place.store().gaps(&app()).unwrap().is_empty());
    desk.keep(vec![caught_up("b")]);
    desk.sweep(&RULES, 118_001);
    assert_eq!(places(place), [12, 14, 16, 18, 19, 20]);
    place.store().remove_endpoint(&endpoint_id("a")).unwrap();
    desk.sweep(&RULES, 118_001);
    assert_eq!(places(place), [19, 20]);
}

pub(crate) fn of_a_lane_the_oldest_go_first_even_if_the_clock_went_back(place: &impl Place) {
    let mut desk = Desk::open(place);
    let (here, there) = (channel_of(3, 0), channel_of(4, 0));
    let at = |seq, name: &str, at_ms| {
        let event = event(seq, Kind::CacheMiss, name, None);
        Step::Append(Arc::new(Event { at_ms, ..Event::clone(&event) }))
    };
    desk.keep(vec![at(1, &here, 1_000), at(2, &there, 1_000), at(3, &here, 90_000)]);
    desk.keep(vec![at(4, &here, 2_000), at(5, &there, 2_000)]);
    desk.sweep(&RULES, 110_000);
    assert_eq!(places(place), [3, 4]);
    desk.sweep(&RULES, 190_001);
    assert!(places(place).is_empty());
}

pub(crate) fn a_running_replay_holds_what_it_has_not_repeated(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep((1..=20).map(|seq| cache_miss(seq, "room")).collect());
    let filter = LogFilter { from_seq: Some(5), to_seq: Some(12), ..LogFilter::default() };
    let mut running = replay(1, "a", ReplayOf::Log(filter));
    running.created_at_ms = 500_000;
    place.store().put_replay(&running).unwrap();
    desk.sweep(&RULES, 500_000);
    assert_eq!(places(place).first(), Some(&5));
    let replayed = |cursor, state| Step::Replayed {
        replay: ReplayId::of(1),
        progress: Progress { cursor, state, ..running.progress },
    };
    desk.keep(vec![replayed(9, State::Running)]);
    desk.sweep(&RULES, 500_000);
    assert_eq!(places(place).first(), Some(&10));
    desk.keep(vec![replayed(12, State::Done)]);
    desk.sweep(&RULES, 500_000);
    assert!(places(place).is_empty());
}

pub(crate) fn what_was_waited_for_too_long_is_owed_and_told(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b", "c"]);
    let (here, there) = (channel_of(3, 0), channel_of(4, 0));
    desk.keep((1..=20).map(|seq| cache_miss(seq, [&here, &there][seq as usize % 2])).collect());
    let owed = Gap { first: 1, last: 2, count: 2 };
    let owes = Step::Owes { endpoint: endpoint_id("a"), lane: 3, gap: owed };
    desk.keep(vec![behind("a", 5), behind("b", 10), behind("c", 1), owes]);
    // What was cut is not waited for, nor what is not wanted.
    let cuts = [("a", &there, 13), ("b", &here, 12), ("c", &here, 14)];
    desk.keep(cuts.iter().zip(1..).map(|(at, id)| cut(&batch(id, at.0, at.1, &[at.2]))).collect());
    let mut picky = endpoint("c").terms;
    picky.events = vec!["channel_occupied".into()];
    place.store().set_terms(&endpoint_id("c"), &picky).unwrap();
    // Places 1 to 14 are too old to be waited for.
    let mut swept = desk.sweep(&RULES, 1_014_001);
    swept.lost.sort_by_key(|(endpoint, lane, _)| (endpoint.clone(), *lane));
    let gap = |first, last, count| Gap { first, last, count };
    let expected = [
        (endpoint_id("a"), 3, gap(6, 14, 5)),
        (endpoint_id("b"), 3, gap(14, 14, 1)),
        (endpoint_id("b"), 4, gap(11, 13, 2)),
    ];
    assert_eq!(swept.lost, expected);
    assert_eq!(places(place).first(), Some(&15));
    let mut remains = Desk::open(place).remains;
    let (a, b) = (endpoint_id("a"), endpoint_id("b"));
    remains.owed.sort_by_key(|(endpoint, lane, _)| (endpoint.clone(), *lane));
    let owed = [
        (a.clone(), 3, gap(1, 14, 7)),
        (b.clone(), 3, expected[1].2),
        (b.clone(), 4, expected[2].2),
    ];
    assert_eq!(remains.owed, owed);
    let mut told = place.store().gaps(&app()).unwrap();
    told.sort_by_key(|lost| lost.endpoint.clone());
    let lost = |endpoint, gap| Lost { endpoint, gap, reason: "retention".into(), at_ms: 1_014_001 };
    assert_eq!(told, [lost(a, gap(6, 14, 5)), lost(b, gap(11, 14, 3))]);
}

pub(crate) fn old_gaps_and_replays_go(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let gap = Gap { first: 1, last: 2, count: 2 };
    let lost = |at_ms| Step::Lost { endpoint: endpoint_id("a"), gap, reason: "expired", at_ms };
    desk.keep(vec![lost(5_000), lost(6_000)]);
    for (id, state) in
        [(1, State::Done), (2, State::Cancelled), (3, State::Running), (9, State::Done)]
    {
        let mut replay = replay(id, "a", ReplayOf::Test);
        replay.progress.state = state;
        place.store().put_replay(&replay).unwrap();
    }
    desk.sweep(&RULES, 1_005_001);
    assert_eq!(place.store().gaps(&app()).unwrap().len(), 1);
    let left = place.store().replays(None).unwrap();
    assert_eq!(left.iter().map(|replay| replay.id.number()).collect::<Vec<u64>>(), [9, 3]);
}

pub(crate) fn much_goes_in_parts(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep((1..=3_000).map(|seq| cache_miss(seq, &format!("room-{seq}"))).collect());
    let batches = (1..=600).map(|id| cut(&batch(id, "a", "room", &[id])));
    let attempts = (1..=600).flat_map(|id| [attempted(id, 1), attempted(id, 2)]);
    let ends = (1..=600).map(|id| end(id, Outcome::Delivered, 1_000));
    desk.keep(batches.chain(attempts).chain(ends).collect());
    let mut parts = Vec::new();
    loop {
        let rows = desk.outbox.sweep(&RULES, 10_000_000).unwrap().rows;
        if rows == 0 {
            break;
        }
        parts.push(rows);
    }
    assert!(parts.iter().all(|rows| *rows <= 1_100), "{parts:?}");
    assert_eq!(parts.iter().sum::<u64>(), 3_000 + 600 + 1_200);
}

pub(crate) fn above_the_cap_the_least_missed_goes_first(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let (waited, free) = (channel_of(3, 0), channel_of(4, 0));
    desk.keep((1..=20).map(|seq| cache_miss(seq, [&waited, &free][seq as usize % 2])).collect());
    desk.keep(vec![behind("a", 10)]);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1])), cut(&batch(2, "a", &free, &[19]))]);
    desk.keep(vec![end(1, Outcome::Delivered, 9_000), end(2, Outcome::Failed, 1_000)]);
    let mut part = || desk.outbox.sweep(&NO_ROOM, 20_000).unwrap();
    assert_eq!(part().rows, 1);
    assert_eq!((has_delivery(place, 1), has_delivery(place, 2)), (false, true));
    assert_eq!(part().rows, 15);
    assert_eq!(places(place), [12, 14, 16, 18, 20]);
    assert_eq!(part().rows, 1);
    assert!(!has_delivery(place, 2));
    let last = part();
    assert_eq!(last.lost, [(endpoint_id("a"), 3, Gap { first: 12, last: 20, count: 5 })]);
    assert!(places(place).is_empty());
    assert_eq!(part().rows, 0);
}

pub(crate) fn a_log_that_was_swept_is_in_order(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let names: Vec<String> = (0..40).map(|lane| channel_of(lane, 0)).collect();
    let each = |first: u64, step: &dyn Fn(u64, &str) -> Step| -> Vec<Step> {
        (first..).zip(&names).map(|(seq, name)| step(seq, name)).collect()
    };
    desk.keep(each(1, &occupied));
    desk.keep(each(41, &|seq, name| added(seq, name, "ann")));
    desk.keep(each(81, &|seq, name| added(seq, name, "bob")));
    desk.keep(each(121, &|seq, name| removed(seq, name, "ann")));
    let cut_up_to = |lane: usize, seq| cut(&batch(seq, "a", &names[lane], &[seq]));
    desk.keep(vec![behind("a", 30)]);
    desk.keep(
        (0..40)
            .filter(|lane| *lane != 7)
            .map(|lane| {
                cut_up_to(
                    lane,
                    match lane {
                        8 => 90,
                        _ => 121 + lane as u64,
                    },
                )
            })
            .collect(),
    );
    for now_ms in (100_000..=300_000).step_by(8_000) {
        desk.sweep(&RULES, now_ms);
        let verdict = place.store().verify().unwrap();
        assert!(verdict.broken.is_empty(), "{now_ms}: {:?}", verdict.broken);
        assert_eq!(verdict.announced, 80);
    }
    assert_eq!(places(place), [48, 88, 128, 129]);
}
