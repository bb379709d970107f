//! Cache channels are shared by all nodes, and what is first is decided once.

use bellwire_testkit::{Client, Node, Via};
use serde_json::json;

use super::channels::next;
use crate::cluster::over_redis_and_nats;
use crate::cluster::stage::{SHORT_GRACE, Stage, app, at_once};
use crate::support::eventually;
use crate::webhooks::stage::{join, user_data};

over_redis_and_nats! {
    the_last_event_is_known_on_every_node_and_on_those_that_start_later
}

const CHANNEL: &str = "private-cache-prices";

// contract: 8.1, 8.2
fn the_last_event_is_known_on_every_node_and_on_those_that_start_later(via: Via) {
    let mut stage = Stage::start(via, 2);
    let has = |node: &Node, price: &str| {
        eventually("it has the last one", || {
            let mut client = node.connect();
            client.subscribe(CHANNEL);
            client.message().data_text() == price
        });
    };
    stage.cluster[0].api().publish(CHANNEL, "price", "1");
    // Of two that do not know of each other, in one millisecond, either may be the last.
    has(&stage.cluster[1], "1");
    stage.cluster[1].api().publish(CHANNEL, "price", "2");
    stage.cluster.nodes().iter().for_each(|node| has(node, "2"));
    stage.cluster.add(1);
    let mut client = stage.cluster[2].connect();
    client.subscribe(CHANNEL);
    assert_eq!(client.expect_on("price", CHANNEL).data_text(), "2");
}

// contract: 8.4, 16.8
#[test]
fn an_empty_cache_is_missed_once_though_subscribers_come_to_all_nodes() {
    let stage = Stage::start(Via::Redis, 3);
    let clients: Vec<Client> = (0..30).map(|n| stage.cluster[n % 3].connect()).collect();
    let clients = at_once(clients, |mut client| {
        join(&mut client, "", CHANNEL);
        next(&mut client, "pusher:cache_miss");
        client
    });
    stage.hook.expect_event("cache_miss", CHANNEL);
    drop(clients);
    stage.hook.expect_event("channel_vacated", CHANNEL);
    stage.hook.expect_names(CHANNEL, &["channel_occupied", "cache_miss", "channel_vacated"]);
}

// webhooks: P3
#[test]
fn with_announce_before_ack_a_channel_is_in_the_log_before_anybody_is_let_in() {
    let app = app().with("announce_before_ack = true");
    let stage = Stage::with(app, &[SHORT_GRACE], Via::Redis, 2);
    for node in 0..2 {
        let room = format!("presence-{node}");
        let mut client = stage.cluster[node].connect();
        client.ask(&room, Some(&user_data("ann")));
        let frame = next(&mut client, "pusher_internal:subscription_succeeded");
        assert_eq!(frame.channel(), Some(room.as_str()));
        let snapshot = stage.command(node, &["webhooks", "snapshot", "1001"]);
        let channels = snapshot["channels"].as_array().unwrap();
        assert!(channels.iter().any(|channel| channel["name"] == json!(room)), "{snapshot}");
        client.leave();
    }
}
