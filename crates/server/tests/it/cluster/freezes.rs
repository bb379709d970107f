//! A node that is stopped for longer than its lease and goes on then: nobody waits for it, nobody
//! else is touched, and it sends nothing that is not its own any more. `FREEZE_S` is a number of the
//! environment.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{LEASE, Via};

use super::over_redis_and_nats;
use super::stage::{Stage, Truth, are_on, channels};
use crate::support::eventually;
use crate::webhooks::dice::number;

over_redis_and_nats! {
    while_the_node_with_the_desk_is_frozen_the_others_go_on
}

// webhooks: P1, P2, P4, P9
fn while_the_node_with_the_desk_is_frozen_the_others_go_on(via: Via) {
    freeze_a_node(via, true);
}

// webhooks: P1, P2, P4, P9
#[test]
fn while_a_node_without_the_desk_is_frozen_the_others_go_on() {
    freeze_a_node(Via::Redis, false);
}

#[track_caller]
fn freeze_a_node(via: Via, with_desk: bool) {
    let mut stage = Stage::start(via, 3);
    let frozen = stage.node_with_desk(with_desk);
    let awake: Vec<usize> = (0..3).filter(|node| *node != frozen).collect();
    let (its_own, kept) = (channels("presence-frozen", 50), channels("presence-kept", 50));
    let mut sleeper = stage.member(frozen, "sleeper", &its_own);
    let _others = [stage.member(awake[0], "ann", &kept), stage.member(awake[1], "bob", &kept)];
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &kept);
    are_on(&mut truth, "bob", &kept);
    let without_it = truth.clone();
    are_on(&mut truth, "sleeper", &its_own);
    stage.converges(&[0, 1, 2], &truth);
    let before = medians(&stage, &awake, "before");
    // Nothing is under way when it is frozen.
    stage.converges(&[0, 1, 2], &truth);
    thread::sleep(Duration::from_millis(500));

    stage.cluster[frozen].freeze();
    let asleep = Instant::now();
    let during = medians(&stage, &awake, "during");
    // Someone who comes meanwhile is told of, as soon as there is a desk again.
    let late = stage.member(awake[0], "late", &["presence-late"]);
    let mut expected = without_it;
    are_on(&mut expected, "late", &["presence-late"]);
    stage.converges(&awake, &expected);
    let longest = number("FREEZE_S").map_or(2 * LEASE, Duration::from_secs);
    thread::sleep(longest.saturating_sub(asleep.elapsed()));
    let after = medians(&stage, &awake, "later");
    eprintln!(
        "{via:?}, join, publish, query: {before:?} before, {during:?} at once, {after:?} later"
    );

    stage.cluster[frozen].thaw();
    are_on(&mut truth, "late", &["presence-late"]);
    stage.converges(&[0, 1, 2], &truth);
    stage.is_verified(frozen, &truth);
    sleeper.drain();
    stage.expect_names(&kept, &["channel_occupied", "member_added", "member_added"]);
    let (come, gone) =
        (["channel_occupied", "member_added"], ["member_removed", "channel_vacated"]);
    stage.expect_names(&its_own, &[come, gone, come].concat());
    assert_eq!(stage.duplicates(), 0, "nothing was under way when it was frozen");
    stage.cluster[frozen].api().publish("presence-kept-0", "tick", "");
    drop(late);
}

// webhooks: P1, P3, P4
#[test]
fn what_was_under_way_when_the_desk_was_frozen_comes_once_more_and_nothing_else() {
    let mut stage = Stage::start(Via::Redis, 2);
    // The endpoint has accepted something, so it gets as much at once as it allows.
    let _first = stage.member(0, "ann", &["presence-first"]);
    stage.hook.expect_event("member_added", "presence-first");
    let gate = stage.hook.hold();
    let rooms = channels("presence-room", 200);
    let _ann = stage.member(0, "ann", &rooms);
    gate.expect_waiting(2);
    assert!(stage.cluster[0].has_desk());
    stage.cluster[0].freeze();
    gate.open();
    stage.may_come_again();
    let under_way = all_that_came(&stage);
    let others = channels("presence-other", 30);
    let _bob = stage.member(1, "bob", &others);
    eventually("the desk is elsewhere", || stage.cluster[1].has_desk());
    let mut truth = Truth::new();
    are_on(&mut truth, "bob", &others);
    stage.converges(&[1], &truth);
    stage.cluster[0].thaw();
    are_on(&mut truth, "ann", &rooms);
    are_on(&mut truth, "ann", &["presence-first"]);
    stage.converges(&[0, 1], &truth);
    stage.is_verified(0, &truth);
    for (id, times) in ids(&stage) {
        let most = if under_way.contains_key(&id) { 2 } else { 1 };
        assert!(times <= most, "{id} came {times} times: {under_way:?} were under way");
    }
}

/// The same, once those that were held at the receiver are through: the frozen node sends no more, and
/// no other does before the lease is over.
fn all_that_came(stage: &Stage) -> BTreeMap<String, usize> {
    let mut came = ids(stage);
    eventually("no more come", || {
        thread::sleep(LEASE / 8);
        let before = std::mem::replace(&mut came, ids(stage));
        came == before
    });
    came
}

/// How often each request has come.
fn ids(stage: &Stage) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for request in stage.hook.requests() {
        *ids.entry(request.id().to_owned()).or_default() += 1;
    }
    ids
}

/// How long a join, a publish and a query take on these nodes.
fn medians(stage: &Stage, nodes: &[usize], when: &str) -> [Duration; 3] {
    let mut taken = [const { Vec::new() }; 3];
    for n in 0..30 {
        let node = &stage.cluster[nodes[n % nodes.len()]];
        let mut client = node.connect();
        let begun = Instant::now();
        client.subscribe(&format!("quick-{when}-{n}"));
        taken[0].push(begun.elapsed());
        let begun = Instant::now();
        node.api().publish("presence-kept-0", "tick", "");
        taken[1].push(begun.elapsed());
        let begun = Instant::now();
        node.api().users("presence-kept-0");
        taken[2].push(begun.elapsed());
        client.leave();
    }
    taken.map(|mut taken| {
        taken.sort();
        taken[taken.len() / 2]
    })
}
