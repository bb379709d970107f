//! Laws of a lane.

use super::*;
use crate::announcement::Announcement;

fn event(seq: u64, channel: &str, bytes: usize) -> Arc<Event> {
    let (app, channel) = ("1".parse().unwrap(), channel.parse().unwrap());
    let Announcement { app, kind, channel, user, at_ms, .. } =
        Announcement::cache_miss(app, channel, 0);
    Arc::new(Event { app, seq, kind, channel, user, at_ms, body: "x".repeat(bytes).into() })
}

fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

/// A lane in which events wait, with places 1, 2, 3, …
fn lane(channels: &[&str], bytes: usize) -> Lane {
    let mut lane = Lane::default();
    for (seq, channel) in (1..).zip(channels) {
        lane.push(&event(seq, channel, bytes), true);
    }
    lane
}

#[test]
fn a_post_holds_a_hundred_events_or_256_kib() {
    let mut small = lane(&["room"; 150], 10);
    assert_eq!((small.cut(true).len(), small.cut(true).len()), (100, 50));
    let mut large = lane(&["room"; 6], 100 * 1024);
    assert_eq!((large.cut(true).len(), large.cut(true).len()), (2, 2));
    let mut larger = lane(&["room"; 2], 300 * 1024);
    assert_eq!(larger.cut(true).len(), 1, "what is too large goes alone");
}

// contract: 16.10
#[test]
fn events_of_encrypted_channels_travel_alone() {
    let secret = "private-encrypted-x";
    let mut lane = lane(&["room", "room", secret, secret, "room"], 10);
    let mut cuts = Vec::new();
    while lane.has_waiting() {
        cuts.push(seqs(&lane.cut(true)));
    }
    assert_eq!(cuts, [vec![1, 2], vec![3], vec![4], vec![5]]);
}

// contract: 16.1
#[test]
fn without_batches_every_event_travels_alone() {
    let mut lane = lane(&["room"; 2], 10);
    assert_eq!((seqs(&lane.cut(false)), seqs(&lane.cut(false))), (vec![1], vec![2]));
}

#[test]
fn what_does_not_fit_in_memory_is_read_from_the_store_in_its_order() {
    let mut lane = lane(&["room"; 300], 10);
    assert_eq!(lane.waiting(), 256);
    assert_eq!(lane.behind(), Some(0));
    assert_eq!(lane.read(), None, "first goes what is here");
    assert_eq!(lane.cut(true).len() + lane.cut(true).len() + lane.cut(true).len(), 256);
    assert_eq!(lane.read(), Some(256));
    // Meanwhile another comes, and is in the store's answer or is not.
    lane.push(&event(301, "room", 10), true);
    lane.push(&event(302, "room", 10), true);
    let found = (257..=301).map(|seq| event(seq, "room", 10)).collect();
    lane.found(found, Some(301), true);
    assert_eq!(seqs(&lane.cut(true)), (257..=302).collect::<Vec<_>>());
    assert_eq!(lane.behind(), None);
}

#[test]
fn what_is_left_to_the_store_is_read_when_it_is_its_turn() {
    let mut lane = lane(&["room"; 3], 10);
    lane.shed();
    lane.push(&event(4, "room", 10), true);
    assert_eq!((lane.waiting(), lane.behind(), lane.is_idle()), (0, Some(0), true));
    assert_eq!(lane.read(), Some(0));
    lane.push(&event(5, "room", 10), true);
    lane.shed();
    lane.found((1..=4).map(|seq| event(seq, "room", 10)).collect(), Some(4), true);
    assert_eq!(seqs(&lane.cut(true)), [1, 2, 3, 4]);
    assert_eq!((lane.read(), lane.is_reading()), (Some(4), true));
}

#[test]
fn nothing_is_left_to_the_store_where_nothing_waits() {
    let mut lane = Lane::default();
    lane.shed();
    assert_eq!((lane.behind(), lane.is_idle()), (None, false));
}

#[test]
fn without_room_nothing_waits_in_memory() {
    let mut lane = Lane::default();
    lane.push(&event(7, "room", 10), false);
    assert_eq!((lane.waiting(), lane.read()), (0, Some(6)));
}

#[test]
fn an_answer_for_a_lane_that_was_cleared_since_changes_nothing() {
    let mut lane = Lane::default();
    lane.push(&event(1, "room", 10), false);
    lane.read();
    lane.clear(1);
    lane.push(&event(2, "room", 10), false);
    lane.found(vec![event(1, "room", 10)], Some(1), true);
    assert_eq!(
        (lane.has_waiting(), lane.read()),
        (false, Some(1)),
        "the second waits in the store"
    );
}

#[test]
fn what_is_lost_while_a_request_is_under_way_is_named_by_the_next() {
    let gap = |first, last| Gap { first, last, count: last - first + 1 };
    let mut lane = Lane::default();
    lane.misses(gap(1, 2));
    assert_eq!(lane.name(), None, "the store does not know of it yet");
    assert_eq!(lane.debt(false), Some(Some(gap(1, 2))));
    assert_eq!(lane.name(), Some(gap(1, 2)));
    lane.misses(gap(5, 5));
    lane.accepted();
    assert_eq!(lane.debt(false), Some(Some(Gap { first: 1, last: 5, count: 3 })));
    lane.name();
    lane.accepted();
    assert_eq!((lane.debt(false), lane.name()), (Some(None), None));
}

#[test]
fn of_what_a_disabled_endpoint_misses_the_store_hears_at_the_beginning_and_at_the_end() {
    let place = |seq| Gap { first: seq, last: seq, count: 1 };
    let mut lane = Lane::default();
    lane.sleeps_through(place(1));
    assert_eq!(lane.debt(true), Some(Some(place(1))));
    lane.sleeps_through(place(2));
    assert_eq!(lane.debt(true), None);
    lane.wake();
    assert_eq!(lane.debt(false), Some(Some(place(1).and(place(2)))));
}
