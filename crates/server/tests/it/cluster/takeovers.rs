//! The desk goes from one node to another: what the new one does not know yet it does not take back.

use std::thread;
use std::time::Duration;

use bellwire_testkit::Via;

use super::stage::{SHORT_GRACE, Stage, Truth, are_on, channels};
use crate::support::eventually;

/// Longer than this test, so that a node that is frozen counts as live all the time.
const LONG: Duration = Duration::from_secs(600);

// webhooks: P1, P2
#[test]
fn after_a_take_over_nobody_leaves_before_every_live_node_has_told_who_is_there() {
    let settings = [SHORT_GRACE, "reconnect_ms = 100"];
    let mut stage = Stage::apart_with_lease(&settings, Via::Redis, 3, LONG);
    assert!(stage.cluster[0].has_desk());
    let (kept, left) = (channels("presence-kept", 20), channels("presence-left", 20));
    let _ann = stage.member(1, "ann", &kept);
    let bob = stage.member(0, "bob", &left);
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &kept);
    are_on(&mut truth, "bob", &left);
    stage.converges(&[0, 1, 2], &truth);

    stage.cluster[1].freeze();
    stage.cluster[0].terminate();
    eventually("the desk is elsewhere", || stage.cluster[2].has_desk());
    // Several times as long as the grace and the time to return.
    thread::sleep(Duration::from_secs(4));
    let events = stage.hook.events();
    let has_left =
        |name: &serde_json::Value| *name == "member_removed" || *name == "channel_vacated";
    let told = events.iter().find(|event| has_left(&event["name"]));
    assert_eq!(told, None, "node 1 has not told who is there");

    stage.cluster[1].thaw();
    left.iter().for_each(|channel| drop(truth.remove(channel)));
    stage.converges(&[1, 2], &truth);
    stage.expect_names(&kept, &["channel_occupied", "member_added"]);
    let (come, gone) =
        (["channel_occupied", "member_added"], ["member_removed", "channel_vacated"]);
    stage.expect_names(&left, &[come, gone].concat());
    drop(bob);
}
