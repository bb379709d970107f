//! Contract 8: the last event of a cache channel.

use std::thread;
use std::time::Duration;

use bellwire_testkit::{App, Config};
use serde_json::{Value, json};

use crate::support::{eventually, serve, serve_app, server};

const CHANNEL: &str = "cache-prices";

// contract: 8.1, 8.2
#[test]
fn the_last_published_event_is_remembered_though_nobody_listens() {
    let server = server();
    server.api().publish(CHANNEL, "price", "{\"eur\":1}");
    server.api().publish(CHANNEL, "price", "{\"eur\": 2}");
    let mut client = server.connect();
    client.subscribe(CHANNEL);
    let cached = client.expect_on("price", CHANNEL);
    assert_eq!(cached.data_text(), "{\"eur\": 2}");
    client.settle();
}

// contract: 8.2
#[test]
fn a_miss_is_told_to_that_subscriber_only() {
    let server = server();
    let mut first = server.connect();
    first.subscribe(CHANNEL);
    let miss = first.expect_on("pusher:cache_miss", CHANNEL);
    assert_eq!(miss.data_text(), "{}");
    let mut second = server.connect();
    second.subscribe(CHANNEL);
    second.expect_on("pusher:cache_miss", CHANNEL);
    first.settle();
}

// contract: 8.2
#[test]
fn every_kind_of_cache_channel_has_its_cache() {
    let server = server();
    for channel in ["cache-a", "private-cache-a", "private-encrypted-cache-a"] {
        server.api().publish(channel, "price", "1");
        let mut client = server.connect();
        client.subscribe(channel);
        client.expect_on("price", channel);
    }
    server.api().publish("presence-cache-a", "price", "1");
    let mut client = server.connect();
    client.join("presence-cache-a", r#"{"user_id":"ann"}"#);
    client.expect_on("price", "presence-cache-a");
}

// contract: 8.3, 8.4
#[test]
fn a_cached_event_expires_and_reading_does_not_renew_it() {
    let server = serve_app(App::new(1).with("cache_ttl_s = 2"));
    server.api().publish(CHANNEL, "price", "1");
    eventually("the event expires though it is read all the time", || {
        let mut client = server.connect();
        client.subscribe(CHANNEL);
        client.message().event() == "pusher:cache_miss"
    });
    assert_eq!(server.api().channel(CHANNEL, "cache")["cache"], Value::Null);
    server.api().publish(CHANNEL, "price", "2");
    let mut client = server.connect();
    client.subscribe(CHANNEL);
    assert_eq!(client.expect_on("price", CHANNEL).data_text(), "2");
}

// contract: 8.3
#[test]
fn the_time_to_live_is_thirty_minutes_unless_configured() {
    let server = server();
    server.api().publish(CHANNEL, "price", "1");
    let cache = server.api().channel(CHANNEL, "cache")["cache"].clone();
    let ttl = cache["ttl"].as_u64().unwrap();
    assert!((1700..=1800).contains(&ttl), "{cache}");
}

// contract: 8.3
#[test]
fn when_the_cache_is_full_the_server_forgets_instead_of_growing() {
    let config = Config::with(App::new(1)).setting("cache_bytes_max = 65536");
    let server = serve(config);
    let data = "x".repeat(10_000);
    for n in 0..50 {
        server.api().publish(&format!("cache-{n}"), "price", &data);
    }
    let is_cached = |n: u32| {
        let channel = format!("cache-{n}");
        !server.api().channel(&channel, "cache")["cache"].is_null()
    };
    assert!(is_cached(49), "the newest is there");
    let kept = (0..50).filter(|n| is_cached(*n)).count();
    assert!((1..=7).contains(&kept), "{kept} of 50 are kept");
}

// contract: 8.4
#[test]
fn many_misses_at_once_are_each_answered() {
    let server = server();
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ask(CHANNEL, None);
    }
    for client in &mut clients {
        client.expect_on("pusher_internal:subscription_succeeded", CHANNEL);
        client.expect_on("pusher:cache_miss", CHANNEL);
    }
}

// contract: 8.5
#[test]
fn member_events_are_not_cached() {
    let server = server();
    let channel = "presence-cache-a";
    let mut ann = server.connect();
    let mut bob = server.connect();
    let mut carol = server.connect();
    ann.join(channel, r#"{"user_id":"ann"}"#);
    bob.join(channel, r#"{"user_id":"bob"}"#);
    bob.expect_on("pusher:cache_miss", channel);
    bob.unsubscribe(channel);
    bob.settle();
    carol.join(channel, r#"{"user_id":"carol"}"#);
    carol.expect_on("pusher:cache_miss", channel);
    assert_eq!(server.api().channel(channel, "cache")["cache"], Value::Null);
}

// contract: 8.6
#[test]
fn an_event_that_excluded_a_socket_is_cached_all_the_same() {
    let server = server();
    let mut sender = server.connect();
    sender.subscribe(CHANNEL);
    sender.expect("pusher:cache_miss");
    let body = json!({
        "name": "price", "data": "1", "channel": CHANNEL, "socket_id": sender.socket_id(),
    });
    server.api().events(&body).ok();
    sender.settle();
    sender.unsubscribe(CHANNEL);
    sender.subscribe(CHANNEL);
    assert_eq!(sender.expect_on("price", CHANNEL).data_text(), "1");
}

// contract: 8.7
#[test]
fn the_api_shows_the_cached_data_and_its_remaining_seconds() {
    let server = serve_app(App::new(1).with("cache_ttl_s = 600"));
    let api = server.api();
    let empty = api.channel(CHANNEL, "cache");
    assert_eq!(empty, json!({ "occupied": false, "cache": null }));
    api.publish(CHANNEL, "price", "{\"eur\": 1}");
    let full = api.channel(CHANNEL, "cache");
    assert_eq!(full["occupied"], false);
    assert_eq!(full["cache"]["data"], "{\"eur\": 1}");
    let ttl = full["cache"]["ttl"].as_u64().unwrap();
    assert!((500..=600).contains(&ttl), "{full}");
    thread::sleep(Duration::from_millis(1100));
    let later = api.channel(CHANNEL, "cache")["cache"]["ttl"].as_u64().unwrap();
    assert!(later < 600, "{later}");
}

// contract: 8.8, 9.2
#[test]
fn an_encrypted_channels_ciphertext_is_cached_as_it_is() {
    let server = server();
    let channel = "private-encrypted-cache-a";
    let sealed = r#"{"nonce":"AA==","ciphertext":"\/\/w=="}"#;
    server.api().publish(channel, "price", sealed);
    let mut client = server.connect();
    client.subscribe(channel);
    assert_eq!(client.expect_on("price", channel).data_text(), sealed);
    let cache = server.api().channel(channel, "cache")["cache"].clone();
    assert_eq!(cache["data"], sealed);
}

// contract: 8.2
#[test]
fn a_batch_leaves_its_last_event_in_the_cache() {
    let server = server();
    let items = json!([
        { "name": "one", "data": "1", "channel": CHANNEL },
        { "name": "two", "data": "2", "channel": CHANNEL },
    ]);
    server.api().batch(&items).ok();
    let mut client = server.connect();
    client.subscribe(CHANNEL);
    client.expect_on("two", CHANNEL);
}
