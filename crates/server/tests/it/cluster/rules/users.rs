//! Sign-in, watchlists, messages to users and their end, across nodes.

use bellwire_testkit::{Client, Via};
use serde_json::json;

use crate::cluster::over_redis_and_nats;
use crate::cluster::stage::Stage;
use crate::support::eventually;

over_redis_and_nats! {
    users_are_reached_watched_and_ended_on_every_node
}

const INBOX: &str = "#server-to-user-bob";
const WATCHLIST: &str = "pusher_internal:watchlist_events";

fn signed_in(stage: &Stage, node: usize, id: &str) -> Client {
    let mut client = stage.cluster[node].connect();
    client.sign_in(&json!({ "id": id }).to_string());
    client
}

/// Reads until ann is told that bob's state is this.
#[track_caller]
fn hears_that_bob_is(ann: &mut Client, state: &str) {
    let frame = ann.expect(WATCHLIST);
    let expected = json!({ "events": [{ "name": state, "user_ids": ["bob"] }] });
    assert_eq!(frame.data(), expected);
}

// contract: 6.6, 6.9, 6.10, 11.1
fn users_are_reached_watched_and_ended_on_every_node(via: Via) {
    let stage = Stage::start(via, 3);
    let mut ann = stage.cluster[0].connect();
    ann.sign_in(&json!({ "id": "ann", "watchlist": ["bob"] }).to_string());
    hears_that_bob_is(&mut ann, "offline");
    let mut tabs = [signed_in(&stage, 1, "bob"), signed_in(&stage, 2, "bob")];
    hears_that_bob_is(&mut ann, "online");
    // Whoever comes later is told so at once.
    eventually("a newcomer finds bob online", || {
        let mut eve = stage.cluster[2].connect();
        eve.sign_in(&json!({ "id": "eve", "watchlist": ["bob"] }).to_string());
        eve.expect(WATCHLIST).data()["events"][0]["name"] == "online"
    });
    tabs.iter_mut().for_each(|tab| drop(tab.subscribe(INBOX)));
    for node in stage.cluster.nodes() {
        node.api().publish(INBOX, "hello", "you");
        for tab in &mut tabs {
            assert_eq!(tab.expect("hello").data_text(), "you");
        }
    }
    ann.settle();
    stage.cluster[0].api().terminate("bob").ok();
    for tab in &mut tabs {
        assert_eq!(tab.expect_close().code, 4009);
    }
    hears_that_bob_is(&mut ann, "offline");
    ann.settle();
}
