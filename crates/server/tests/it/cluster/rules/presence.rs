//! Who is on a presence channel, whichever node they came to.

use bellwire_testkit::{Client, Via};
use serde_json::{Value, json};

use super::channels::next;
use crate::cluster::over_redis_and_nats;
use crate::cluster::stage::Stage;
use crate::support::eventually;

over_redis_and_nats! {
    members_of_all_nodes_see_each_other_come_and_go
}

const ROOM: &str = "presence-room";

/// A member with this information, once every node knows of it.
#[track_caller]
fn come(stage: &Stage, node: usize, user: &str, info: u32) -> (Client, Value) {
    let mut client = stage.cluster[node].connect();
    let data = json!({ "user_id": user, "user_info": { "n": info } }).to_string();
    let snapshot = client.join(ROOM, &data).data()["presence"].clone();
    for node in stage.cluster.nodes() {
        eventually("every node knows the member", || {
            node.api().users(ROOM).contains(&user.to_owned())
        });
    }
    (client, snapshot)
}

// contract: 5.4, 5.5, 5.7
fn members_of_all_nodes_see_each_other_come_and_go(via: Via) {
    let stage = Stage::start(via, 2);
    let (mut ann, _) = come(&stage, 0, "ann", 1);
    let (bob, snapshot) = come(&stage, 1, "bob", 2);
    let mut ids: Vec<&str> =
        snapshot["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!((ids, &snapshot["count"]), (vec!["ann", "bob"], &json!(2)));
    assert_eq!(snapshot["hash"], json!({ "ann": { "n": 1 }, "bob": { "n": 2 } }));
    let added = ann.expect_on("pusher_internal:member_added", ROOM);
    assert_eq!(added.data(), json!({ "user_id": "bob", "user_info": { "n": 2 } }));
    bob.leave();
    let removed = ann.expect_on("pusher_internal:member_removed", ROOM);
    assert_eq!(removed.data(), json!({ "user_id": "bob" }));
    ann.settle();
}

// contract: 5.7, 5.9
#[test]
fn a_user_with_tabs_on_several_nodes_comes_once_and_goes_with_the_last() {
    let stage = Stage::start(Via::Redis, 3);
    let (mut ann, _) = come(&stage, 0, "ann", 1);
    let (first, _) = come(&stage, 1, "bob", 2);
    let (second, snapshot) = come(&stage, 2, "bob", 2);
    assert_eq!(snapshot["count"], 2);
    let (third, _) = come(&stage, 0, "bob", 2);
    assert_eq!(next(&mut ann, "pusher_internal:member_added").data()["user_id"], "bob");
    for tab in [second, third] {
        tab.leave();
        // Another member is a marker: what was told before it has come.
        let (marker, _) = come(&stage, 1, "marker", 0);
        assert_eq!(ann.expect_on("pusher_internal:member_added", ROOM).data()["user_id"], "marker");
        marker.leave();
        let removed = ann.expect_on("pusher_internal:member_removed", ROOM);
        assert_eq!(removed.data()["user_id"], "marker", "a tab is still there");
        eventually("the marker is gone everywhere", || {
            stage.cluster.nodes().iter().all(|node| node.api().users(ROOM) == ["ann", "bob"])
        });
    }
    first.leave();
    assert_eq!(ann.expect_on("pusher_internal:member_removed", ROOM).data()["user_id"], "bob");
    for node in stage.cluster.nodes() {
        eventually("ann is alone", || node.api().users(ROOM) == ["ann"]);
    }
}
