//! Replays, from the wish to the last batch.

use bellwire_webhooks::batch::{Batch, Outcome};
use bellwire_webhooks::event::Kind;
use bellwire_webhooks::ids::{BatchId, ReplayId};
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::{LogFilter, Progress, Replay, ReplayOf, Span, State};

use super::Place;
use super::desk::Desk;
use super::things::*;

fn with_cursor(replay: &Replay, cursor: u64) -> Replay {
    Replay { progress: Progress { cursor, ..replay.progress }, ..replay.clone() }
}

fn span(from_ms: u64, to_ms: u64) -> Span {
    Span { from_ms: Some(from_ms), to_ms: Some(to_ms) }
}

/// Twenty events in three channels and two kinds.
fn a_log(desk: &mut Desk) {
    let names = ["room-a", "room-b", "room-c"];
    let steps = (1..=20).map(|seq| match seq {
        4 | 8 => Step::Append(event(seq, Kind::SubscriptionCount, "room-a", None)),
        _ => cache_miss(seq, names[seq as usize % 3]),
    });
    desk.keep(steps.collect());
}

pub(crate) fn a_replay_of_the_log_does_not_chase_it(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    a_log(&mut desk);
    let wish = replay(1, "a", ReplayOf::Log(LogFilter::default()));
    place.store().put_replay(&wish).unwrap();
    desk.keep(vec![cache_miss(21, "room-a")]);
    let written = place.store().replay(ReplayId::of(1)).unwrap().unwrap();
    let bounded = LogFilter { to_seq: Some(20), ..LogFilter::default() };
    assert_eq!(written, Replay { of: ReplayOf::Log(bounded), ..wish });
    assert_eq!(desk.events_of(&written, 100).len(), 20);
    assert_eq!(desk.events_of(&with_cursor(&written, 3), 4), [4, 5, 6, 7]);
    assert_eq!(desk.events_of(&with_cursor(&written, 20), 4), [0; 0]);
}

pub(crate) fn a_replay_of_the_log_repeats_what_its_filter_lets_through(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    a_log(&mut desk);
    let mut number = 0;
    let mut repeats = |filter: LogFilter| {
        number += 1;
        place.store().put_replay(&replay(number, "a", ReplayOf::Log(filter))).unwrap();
        let written = place.store().replay(ReplayId::of(number)).unwrap().unwrap();
        let all = desk.events_of(&written, 100);
        let rest = desk.events_of(&with_cursor(&written, 10), 2);
        let after = all.iter().copied().filter(|seq| *seq > 10).take(2);
        assert_eq!(rest, after.collect::<Vec<u64>>());
        all
    };
    let any = LogFilter::default;
    assert_eq!(repeats(LogFilter { from_seq: Some(9), to_seq: Some(11), ..any() }), [9, 10, 11]);
    assert_eq!(repeats(LogFilter { span: span(3_000, 5_999), ..any() }), [3, 4, 5]);
    assert_eq!(repeats(LogFilter { span: span(21_000, 30_000), ..any() }), [0; 0]);
    let late = Span { from_ms: Some(18_500), to_ms: None };
    assert_eq!(repeats(LogFilter { span: late, ..any() }), [19, 20]);
    let channel = Some("room-a".to_owned());
    assert_eq!(
        repeats(LogFilter { channel: channel.clone(), ..any() }),
        [3, 4, 6, 8, 9, 12, 15, 18]
    );
    let count = Some("subscription_count".to_owned());
    assert_eq!(repeats(LogFilter { event: count.clone(), ..any() }), [4, 8]);
    let changed = Some("subscription_count_changed".to_owned());
    assert_eq!(repeats(LogFilter { event: changed, ..any() }), [4, 8]);
    assert_eq!(repeats(LogFilter { event: Some("nonsense".into()), ..any() }), [0; 0]);
    let span = span(5_000, 12_000);
    assert_eq!(repeats(LogFilter { span, channel, event: count, ..any() }), [8]);
}

pub(crate) fn a_replay_of_failed_batches_repeats_live_ones_in_order(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let cuts = (1..=6).map(|id| cut(&batch(id, "a", "room", &[id])));
    desk.keep(
        cuts.chain([cut(&batch(7, "b", "room", &[7])), cut(&rerun(8, "a", "room", &[1]))])
            .collect(),
    );
    desk.keep([1, 2, 4, 5, 7, 8].map(|id| end(id, Outcome::Failed, 9_000)).to_vec());
    desk.keep(vec![end(3, Outcome::Delivered, 9_000)]);
    let wish = |span| replay(1, "a", ReplayOf::Failed(span));
    let found = desk.batches_of(&wish(Span::default()), 10);
    assert_eq!(found, [1, 2, 4, 5].map(|id| batch(id, "a", "room", &[id])));
    let mut ids = |replay: &Replay, limit| {
        let batches: Vec<Batch> = desk.batches_of(replay, limit);
        batches.iter().map(|batch| batch.id.number()).collect::<Vec<u64>>()
    };
    assert_eq!(ids(&wish(Span::default()), 2), [1, 2]);
    assert_eq!(ids(&with_cursor(&wish(Span::default()), 2), 2), [4, 5]);
    assert_eq!(ids(&wish(span(2_000, 4_000)), 10), [2, 4]);
}

pub(crate) fn a_replay_of_one_delivery_repeats_it_once_whatever_became_of_it(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    desk.keep(vec![cut(&batch(5, "a", "room", &[1]))]);
    let wish = replay(1, "a", ReplayOf::Delivery(BatchId::of(5).to_string()));
    for outcome in [None, Some(Outcome::Delivered), Some(Outcome::Failed)] {
        desk.keep(outcome.into_iter().map(|outcome| end(5, outcome, 9_000)).collect());
        assert_eq!(desk.batches_of(&wish, 10), [batch(5, "a", "room", &[1])]);
    }
    assert_eq!(desk.batches_of(&with_cursor(&wish, 5), 10), []);
    let foreign = Replay { endpoint: endpoint_id("b"), ..wish };
    assert_eq!(desk.batches_of(&foreign, 10), []);
    let gone = replay(2, "a", ReplayOf::Delivery(BatchId::of(6).to_string()));
    assert_eq!(desk.batches_of(&gone, 10), []);
}

pub(crate) fn a_replay_is_counted_first(place: &impl Place) {
    let ledger = place.store();
    let mut picky = endpoint("a");
    picky.terms.events = vec!["cache_miss".into()];
    picky.terms.channel_suffix = Some("-a".into());
    ledger.put_endpoint(&picky).unwrap();
    let mut desk = Desk::with_endpoints(place, &["b"]);
    a_log(&mut desk);
    desk.keep(vec![cut(&batch(1, "a", "room", &[1])), cut(&batch(2, "a", "room", &[2]))]);
    desk.keep(vec![end(1, Outcome::Failed, 9_000), cut(&rerun(3, "a", "room", &[1]))]);
    desk.keep(vec![end(3, Outcome::Failed, 9_000)]);
    let count = |name, of| ledger.count(&endpoint_id(name), &of).unwrap();
    let log = || ReplayOf::Log(LogFilter::default());
    assert_eq!((count("a", log()), count("b", log())), (6, 20));
    let late = LogFilter { from_seq: Some(9), ..LogFilter::default() };
    assert_eq!(count("a", ReplayOf::Log(late)), 4);
    assert_eq!(count("a", ReplayOf::Failed(Span::default())), 1);
    assert_eq!(count("a", ReplayOf::Failed(span(2_000, 3_000))), 0);
    let delivery = |id| ReplayOf::Delivery(BatchId::of(id).to_string());
    assert_eq!(
        (count("a", delivery(2)), count("b", delivery(2)), count("a", delivery(9))),
        (1, 0, 0)
    );
    assert_eq!((count("a", ReplayOf::Test), count("c", ReplayOf::Test)), (1, 0));
}

pub(crate) fn a_replay_needs_its_endpoint(place: &impl Place) {
    place.store().put_replay(&replay(1, "a", ReplayOf::Test)).unwrap_err();
    assert!(place.store().replays(None).unwrap().is_empty());
}

pub(crate) fn replays_that_run_are_always_listed(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    for id in 1..=1_005 {
        let mut replay = replay(id, "a", ReplayOf::Test);
        replay.progress.state = if id == 2 { State::Running } else { State::Done };
        place.store().put_replay(&replay).unwrap();
    }
    desk.keep(vec![]);
    let listed = place.store().replays(Some(&app())).unwrap();
    let ids: Vec<u64> = listed.iter().map(|replay| replay.id.number()).collect();
    assert_eq!(ids.len(), 1_001);
    assert!(ids.is_sorted_by(|one, next| one > next));
    assert_eq!((ids.first(), ids.last()), (Some(&1_005), Some(&2)));
    assert!(place.store().replays(Some(&"2".parse().unwrap())).unwrap().is_empty());
}

pub(crate) fn what_is_cancelled_stays_cancelled(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    place.store().put_replay(&replay(1, "a", ReplayOf::Test)).unwrap();
    assert!(place.store().cancel_replay(ReplayId::of(1)).unwrap());
    assert!(!place.store().cancel_replay(ReplayId::of(1)).unwrap());
    assert!(!place.store().cancel_replay(ReplayId::of(2)).unwrap());
    // The engine had not heard of it yet.
    let progress = Progress { cursor: 4, delivered: 2, failed: 1, state: State::Running };
    desk.keep(vec![Step::Replayed { replay: ReplayId::of(1), progress }]);
    let written = place.store().replay(ReplayId::of(1)).unwrap().unwrap();
    assert_eq!(written.progress, Progress { state: State::Cancelled, ..progress });
}
