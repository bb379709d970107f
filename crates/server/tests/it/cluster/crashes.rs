//! `kill -9` of a node: what was there is reported, once; nobody else is touched.

use bellwire_testkit::Via;

use super::over_redis_and_nats;
use super::stage::{Stage, Truth, are_on, at_once, channels, known};
use crate::support::eventually;

over_redis_and_nats! {
    all_that_a_killed_node_held_is_reported_once
}

// webhooks: P1, P2, P4
fn all_that_a_killed_node_held_is_reported_once(via: Via) {
    let with_desk = via == Via::Redis;
    kill_a_node(via, with_desk);
}

// webhooks: P1, P2, P4
#[test]
fn a_killed_node_without_the_desk_is_reported_as_well() {
    kill_a_node(Via::Redis, false);
}

/// One of three nodes holds a thousand channels with members.
#[track_caller]
fn kill_a_node(via: Via, with_desk: bool) {
    let mut stage = Stage::start(via, 3);
    let victim = stage.node_with_desk(with_desk);
    let survivors: Vec<usize> = (0..3).filter(|node| *node != victim).collect();
    let (lost, kept, shared) =
        (channels("presence-lost", 1000), channels("kept", 50), channels("presence-shared", 20));
    let theirs = [kept.clone(), shared.clone()].concat();
    let mut others =
        at_once(&survivors, |node| stage.member(*node, &format!("user-{node}"), &theirs));
    let doomed = at_once(lost.chunks(100), |some| stage.member(victim, "doomed", some));
    let also = stage.member(victim, "doomed", &shared);
    let mut truth = Truth::new();
    are_on(&mut truth, "doomed", &[lost.clone(), shared.clone()].concat());
    survivors.iter().for_each(|node| are_on(&mut truth, &format!("user-{node}"), &theirs));
    stage.converges(&[0, 1, 2], &truth);

    stage.cluster[victim].crash();
    drop((doomed, also));
    if with_desk {
        stage.has_crashed();
    }
    let mut truth = Truth::new();
    survivors.iter().for_each(|node| are_on(&mut truth, &format!("user-{node}"), &theirs));
    stage.converges(&survivors, &truth);
    let whole = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
    stage.expect_names(&lost, &whole);
    stage.expect_names(&kept, &["channel_occupied"]);
    let of_shared =
        ["channel_occupied", "member_added", "member_added", "member_added", "member_removed"];
    stage.expect_names(&shared, &of_shared);
    for client in &mut others {
        let frames = client.drain();
        let removed = frames.iter().filter(|f| f.event() == "pusher_internal:member_removed");
        let mut removed: Vec<_> = removed
            .map(|frame| {
                assert_eq!(frame.data()["user_id"], "doomed", "{}", frame.text());
                frame.channel().unwrap().to_owned()
            })
            .collect();
        removed.sort();
        let mut expected = shared.clone();
        expected.sort();
        assert_eq!(removed, expected);
    }
    stage.is_verified(survivors[0], &truth);
    comes_back(&mut stage, victim, truth);
}

/// The killed node is started again, and is a node like the others.
#[track_caller]
fn comes_back(stage: &mut Stage, victim: usize, mut truth: Truth) {
    stage.cluster[victim].restart();
    eventually("it knows what is so", || known(&stage.cluster[victim]) == truth);
    let back = stage.member(victim, "back", &["presence-lost-0", "presence-shared-0"]);
    are_on(&mut truth, "back", &["presence-lost-0", "presence-shared-0"]);
    stage.converges(&[0, 1, 2], &truth);
    stage.is_verified(victim, &truth);
    drop(back);
}
