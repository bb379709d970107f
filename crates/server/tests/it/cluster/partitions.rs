//! Nodes that are cut off from the bus or from the database, and engines that start again: everybody
//! is served meanwhile, and in the end everybody knows what is so.

use std::thread;
use std::time::Duration;

use bellwire_testkit::{Client, Engine, LEASE, Proxy, Request, Via};

use super::over_redis_and_nats;
use super::stage::{Stage, Truth, are_on, channels, known, metric};
use crate::support::eventually;
use crate::webhooks::stage::unique;

over_redis_and_nats! {
    a_node_that_is_cut_off_from_the_bus_serves_its_own_and_catches_up
    a_bus_that_stalls_is_noticed_and_caught_up_with
    both_engines_may_start_again
}

/// Publishes on a node and waits until a client has heard it. Everything that came before is
/// returned; it is published again as long as it does not come.
#[track_caller]
fn hears_from(stage: &Stage, node: usize, client: &mut Client, channel: &str) {
    let name = format!("tick-{}", unique());
    eventually("it crosses", || {
        stage.cluster[node].api().publish(channel, &name, "");
        thread::sleep(Duration::from_millis(100));
        client.drain().iter().any(|frame| frame.event() == name)
    });
}

/// What `/ready` says.
fn ready(stage: &Stage, node: usize) -> String {
    let response = stage.cluster[node].http(&Request::get("/ready"));
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().to_owned()
}

#[track_caller]
fn is_degraded(stage: &Stage, node: usize, is_so: bool) {
    eventually(if is_so { "it says degraded" } else { "it says degraded no more" }, || {
        ready(stage, node).contains("degraded") == is_so
    });
}

// webhooks: P1, P2, P9
fn a_node_that_is_cut_off_from_the_bus_serves_its_own_and_catches_up(via: Via) {
    without_the_bus(via, |stage| stage.cluster[1].bus().cut());
}

// webhooks: P1, P2, P9
fn a_bus_that_stalls_is_noticed_and_caught_up_with(via: Via) {
    without_the_bus(via, |stage| stage.cluster[1].bus().stall());
}

/// Node 1 loses the bus and gets it back.
#[track_caller]
fn without_the_bus(via: Via, lose: impl Fn(&Stage)) {
    let mut stage = Stage::apart(via, 2);
    let (both, ones) = (channels("presence-both", 20), channels("ones", 20));
    let mut ann = stage.member(0, "ann", &both);
    let mut bob = stage.member(1, "bob", &[both.clone(), ones.clone()].concat());
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &both);
    are_on(&mut truth, "bob", &[both.clone(), ones].concat());
    stage.converges(&[0, 1], &truth);

    lose(&stage);
    is_degraded(&stage, 1, true);
    let dropped = || metric(&stage.cluster[1], "bellwire_bus_dropped_total");
    let before = dropped();
    hears_from(&stage, 0, &mut ann, "presence-both-0");
    hears_from(&stage, 1, &mut bob, "presence-both-0");
    eventually("what did not cross is counted", || {
        stage.cluster[1].api().publish("presence-both-0", "lost", "");
        dropped() > before
    });
    // People come and go on both sides; webhooks do not need the bus.
    let carol = stage.member(1, "carol", &both);
    let dave = stage.member(0, "dave", &["presence-dave"]);
    bob.unsubscribe("ones-0");
    bob.unsubscribe("presence-both-1");
    bob.drain();
    are_on(&mut truth, "carol", &both);
    are_on(&mut truth, "dave", &["presence-dave"]);
    truth.remove("ones-0");
    truth.get_mut("presence-both-1").unwrap().retain(|user| user != "bob");
    stage.hook.expect_event("member_added", "presence-dave");
    stage.hook.expect_event("channel_vacated", "ones-0");

    stage.cluster[1].bus().restore();
    stage.converges(&[0, 1], &truth);
    is_degraded(&stage, 1, false);
    hears_from(&stage, 0, &mut bob, "presence-both-0");
    hears_from(&stage, 1, &mut ann, "presence-both-0");
    stage.is_verified(0, &truth);
    drop((carol, dave));
}

// webhooks: P1, P2, P9
#[test]
fn a_node_without_the_database_serves_on_and_its_events_wait() {
    without_the_database(1, Duration::ZERO, Proxy::cut);
}

// webhooks: P1, P2, P9
#[test]
fn a_node_that_loses_its_lease_without_the_database_comes_back_as_another() {
    without_the_database(1, 2 * LEASE, Proxy::cut);
}

// webhooks: P1, P2, P4, P9
#[test]
fn the_desk_goes_to_another_node_when_its_node_loses_the_database() {
    without_the_database(0, 2 * LEASE, Proxy::cut);
}

// webhooks: P1, P2, P4, P9
#[test]
fn a_database_that_stalls_stalls_nobody_else() {
    without_the_database(0, 2 * LEASE, Proxy::stall);
}

/// A node loses the database, for at least so long, and gets it back.
#[track_caller]
fn without_the_database(lost: usize, at_least: Duration, lose: impl Fn(&Proxy)) {
    let mut stage = Stage::apart(Via::Redis, 2);
    let other = 1 - lost;
    let (both, ones) = (channels("presence-both", 20), channels("ones", 20));
    let mut ann = stage.member(other, "ann", &both);
    let mut bob = stage.member(lost, "bob", &[both.clone(), ones.clone()].concat());
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &both);
    are_on(&mut truth, "bob", &[both.clone(), ones].concat());
    stage.converges(&[0, 1], &truth);

    lose(stage.cluster[lost].database());
    stage.may_come_again();
    is_degraded(&stage, lost, true);
    hears_from(&stage, other, &mut bob, "presence-both-0");
    hears_from(&stage, lost, &mut ann, "presence-both-0");
    let carol = stage.member(lost, "carol", &both);
    let dave = stage.member(other, "dave", &["presence-dave"]);
    bob.unsubscribe("ones-0");
    bob.drain();
    are_on(&mut truth, "carol", &both);
    are_on(&mut truth, "dave", &["presence-dave"]);
    truth.remove("ones-0");
    if !at_least.is_zero() {
        // The others take it for gone.
        stage.hook.expect_event("channel_vacated", "ones-1");
        stage.hook.expect_event("member_added", "presence-dave");
        thread::sleep(at_least / 4);
    }

    stage.cluster[lost].database().restore();
    stage.converges(&[0, 1], &truth);
    is_degraded(&stage, lost, false);
    hears_from(&stage, other, &mut bob, "presence-both-0");
    hears_from(&stage, lost, &mut ann, "presence-both-0");
    stage.is_verified(0, &truth);
    drop((carol, dave));
}

// webhooks: P1, P2, P4, P9
fn both_engines_may_start_again(via: Via) {
    let mut stage = Stage::apart(via, 2);
    let both = channels("presence-both", 20);
    let mut clients = [stage.member(0, "ann", &both), stage.member(1, "bob", &both)];
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &both);
    are_on(&mut truth, "bob", &both);
    stage.converges(&[0, 1], &truth);

    let bus: &mut Engine = &mut stage.cluster.bus;
    bus.stop();
    stage.cluster.postgres().kill();
    for (node, client) in clients.iter_mut().enumerate() {
        is_degraded(&stage, node, true);
        hears_from(&stage, node, client, "presence-both-0");
    }
    let carol = stage.member(0, "carol", &["presence-carol"]);
    clients[1].unsubscribe("presence-both-1");
    clients[1].drain();
    are_on(&mut truth, "carol", &["presence-carol"]);
    truth.get_mut("presence-both-1").unwrap().retain(|user| user != "bob");
    stage.cluster.bus.start_again();
    stage.cluster.postgres().start_again();
    stage.converges(&[0, 1], &truth);
    let [ann, bob] = &mut clients;
    hears_from(&stage, 0, bob, "presence-both-0");
    hears_from(&stage, 1, ann, "presence-both-0");
    is_degraded(&stage, 0, false);
    stage.is_verified(1, &truth);
    assert_eq!(known(&stage.cluster[0]), truth);
    drop(carol);
}
