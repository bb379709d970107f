//! Contract 8.4: an empty cache channel is told once, not to every subscriber's credit.

use bellwire_testkit::Client;
use serde_json::Value;

use super::stage::{SHORT_GRACE, Stage, app, mark};
use crate::support::eventually;

const CHANNEL: &str = "private-cache-a";

#[track_caller]
fn misses(stage: &Stage, client: &mut Client) -> usize {
    mark(&stage.hook, client, CHANNEL);
    stage.hook.names_of(CHANNEL).iter().filter(|name| *name == "cache_miss").count()
}

// contract: 8.4, 16.8
// webhooks: fault 5
#[test]
fn a_hundred_subscribers_of_an_empty_cache_are_one_miss() {
    let stage = Stage::usual();
    let mut clients: Vec<Client> = (0..100).map(|_| stage.connect()).collect();
    for client in &mut clients {
        client.ask(CHANNEL, None);
    }
    for client in &mut clients {
        client.expect_on("pusher_internal:subscription_succeeded", CHANNEL);
        client.expect_on("pusher:cache_miss", CHANNEL);
    }
    assert_eq!(misses(&stage, &mut clients[0]), 1);
}

// contract: 8.4
#[test]
fn a_filled_cache_that_runs_out_is_missed_again_once() {
    let stage = Stage::with(app().with("cache_ttl_s = 1"), &[SHORT_GRACE]);
    let mut first = stage.member("", &[CHANNEL]);
    assert_eq!(misses(&stage, &mut first), 1);
    for expected in 2..4 {
        stage.server.api().publish(CHANNEL, "price", "1");
        eventually("the cache is empty again", || {
            stage.server.api().channel(CHANNEL, "cache")["cache"] == Value::Null
        });
        let _again = [stage.member("", &[CHANNEL]), stage.member("", &[CHANNEL])];
        assert_eq!(misses(&stage, &mut first), expected);
    }
}

// contract: 8.4
#[test]
fn a_channel_that_was_vacated_is_missed_anew() {
    let stage = Stage::usual();
    stage.member("", &[CHANNEL]).leave();
    stage.hook.expect_event("channel_vacated", CHANNEL);
    let mut client = stage.member("", &[CHANNEL]);
    assert_eq!(misses(&stage, &mut client), 2);
}

// contract: 8.4
#[test]
fn who_finds_something_misses_nothing() {
    let stage = Stage::usual();
    stage.server.api().publish(CHANNEL, "price", "1");
    let mut client = stage.member("", &[CHANNEL]);
    let _others: Vec<Client> = (0..5).map(|_| stage.member("", &[CHANNEL])).collect();
    assert_eq!(misses(&stage, &mut client), 0);
}
