//! Contract 4: names, success, order, and what a second attempt does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::{eventually, featured, hears_nothing_before_a_marker, serve_app, server};

// contract: 4.1, 4.6
#[test]
fn a_public_subscription_needs_no_auth_and_ignores_an_empty_one() {
    let server = server();
    let mut client = server.connect();
    for (channel, data) in [
        ("a", json!({ "channel": "a" })),
        ("b", json!({ "channel": "b", "auth": "" })),
        ("c", json!({ "channel": "c", "auth": "", "channel_data": "{}" })),
        ("d", json!({ "channel": "d", "auth": null, "channel_data": null })),
        ("e", json!({ "channel": "e", "later_sdk": { "option": [] } })),
    ] {
        client.say("pusher:subscribe", &data);
        let frame = client.expect_on("pusher_internal:subscription_succeeded", channel);
        assert_eq!(frame.data_text(), "{}");
    }
}

// contract: 4.2
#[test]
fn the_prefix_decides_which_channels_need_authorisation() {
    let server = server();
    let mut client = server.connect();
    for private in [
        "private-a",
        "private-",
        "private-cache-a",
        "private-encrypted-a",
        "private-encrypted-cache-a",
        "private-room-cache-x",
        "presence-a",
        "presence-cache-a",
        "presence-room-private-x",
    ] {
        client.say("pusher:subscribe", &json!({ "channel": private }));
        client.expect_subscription_refused(private);
        client.settle();
    }
    for public in
        ["a", "a-private-b", "privately", "private", "presence", "Private-a", "my-presence-x"]
    {
        client.say("pusher:subscribe", &json!({ "channel": public }));
        client.expect_on("pusher_internal:subscription_succeeded", public);
    }
}

// contract: 4.2, 8.2
#[test]
fn the_prefix_decides_which_channels_are_cache_channels() {
    let server = server();
    let mut client = server.connect();
    for cache in ["cache-a", "cache-", "private-cache-a", "private-encrypted-cache-a"] {
        client.subscribe(cache);
        client.expect_on("pusher:cache_miss", cache);
        client.settle();
    }
    client.join("presence-cache-a", r#"{"user_id":"1"}"#);
    client.expect_on("pusher:cache_miss", "presence-cache-a");
    for plain in
        ["my-cache-room", "cachet", "cache", "private-room-cache-x", "private-encrypted-x-cache-y"]
    {
        client.subscribe(plain);
        client.settle();
    }
}

// contract: 4.3
#[test]
fn a_name_of_164_characters_passes_and_one_of_165_does_not() {
    let server = server();
    let mut client = server.connect();
    client.subscribe(&"n".repeat(164));
    client.subscribe(&format!("private-{}", "n".repeat(156)));
    for long in ["n".repeat(165), format!("private-{}", "n".repeat(157)), "n".repeat(5000)] {
        client.ask(&long, None);
        assert_eq!(client.expect_error().error_code(), None);
        client.expect("pusher:subscription_error");
    }
    client.drain();
}

// contract: 4.3, 4.13
#[test]
fn only_the_documented_characters_are_allowed_in_a_name() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("azAZ09_-=@,.;");
    for name in [
        "",
        " ",
        "a b",
        "a#b",
        "#a",
        "a/b",
        "a:b",
        "a!b",
        "a*",
        "a\u{e9}",
        "a\0b",
        "a\nb",
        "a%20b",
        "a'b",
        "a\"b",
        "a\\b",
        "a+b",
        "a?b",
        "a&b",
        "\u{1f514}",
    ] {
        client.ask(name, None);
        assert_eq!(client.expect_error().error_code(), None, "{name:?}");
        let more = client.drain();
        assert!(
            more.iter().all(|frame| frame.event() == "pusher:subscription_error"),
            "{name:?}: {more:?}"
        );
    }
    client.subscribe("still-alive");
}

// contract: 4.7
#[test]
fn nothing_on_a_channel_comes_before_succeeded_and_nothing_after_it_is_missed() {
    let server = server();
    let api = server.api();
    api.publish("cache-a", "tick", "0");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 1_u64;
            while !is_over.load(Ordering::Relaxed) {
                api.publish("cache-a", "tick", &n.to_string());
                n += 1;
            }
        });
        for _ in 0..30 {
            let mut client = server.connect();
            client.subscribe("cache-a");
            let tick = |client: &mut bellwire_testkit::Client| -> u64 {
                client.expect_on("tick", "cache-a").data_text().parse().unwrap()
            };
            let cached = tick(&mut client);
            for expected in cached + 1..cached + 20 {
                assert_eq!(tick(&mut client), expected);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

// contract: 4.11
#[test]
fn a_second_subscribe_to_the_same_channel_is_refused_and_the_first_survives() {
    let server = serve_app(featured());
    let mut client = server.connect();
    client.subscribe("shop");
    let count = client.expect_on("pusher_internal:subscription_count", "shop");
    assert_eq!(count.data(), json!({ "subscription_count": 1 }));
    client.ask("shop", None);
    let error = client.expect_error();
    assert_eq!(error.error_code(), None);
    let text = error.error_message();
    assert!(text.contains("Existing subscription to channel shop"), "{text}");
    hears_nothing_before_a_marker(&server, "shop", &mut [&mut client]);
    let channel = server.api().channel("shop", "subscription_count");
    assert_eq!(channel["subscription_count"], 1);
}

// contract: 4.11
#[test]
fn a_second_subscribe_to_a_presence_channel_changes_nobodys_view() {
    let server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.join("presence-a", r#"{"user_id":"ann"}"#);
    bob.join("presence-a", r#"{"user_id":"bob"}"#);
    ann.expect_on("pusher_internal:member_added", "presence-a");
    bob.ask("presence-a", Some(r#"{"user_id":"carol"}"#));
    let text = bob.expect_error();
    assert!(text.error_message().contains("Existing subscription"));
    hears_nothing_before_a_marker(&server, "presence-a", &mut [&mut ann, &mut bob]);
    assert_eq!(server.api().users("presence-a"), ["ann", "bob"]);
    bob.unsubscribe("presence-a");
    let gone = ann.expect_on("pusher_internal:member_removed", "presence-a");
    assert_eq!(gone.data()["user_id"], "bob");
}

// contract: 4.12
#[test]
fn unsubscribing_is_silent_and_ends_delivery() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    client.subscribe("news");
    client.unsubscribe("shop");
    client.settle();
    server.api().publish("shop", "sold", "{}");
    hears_nothing_before_a_marker(&server, "news", &mut [&mut client]);
    assert_eq!(server.api().channel("shop", "")["occupied"], false);
    client.subscribe("shop");
}

// contract: 4.12
#[test]
fn unsubscribing_without_a_subscription_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    client.unsubscribe("shop");
    let error = client.expect_error();
    assert_eq!(error.error_code(), None);
    let text = error.error_message();
    assert!(text.contains("No current subscription to channel shop"), "{text}");
    client.subscribe("shop");
    client.unsubscribe("shop");
    client.unsubscribe("shop");
    client.expect_error();
    client.settle();
}

// contract: 4.13, 6.6
#[test]
fn reserved_names_cannot_be_subscribed_to() {
    let server = server();
    let mut client = server.connect();
    for name in
        ["#server-to-user-", "#server-to-user-ann", "#private-a", "#", "#server-to-user-a#b"]
    {
        client.ask(name, None);
        assert_eq!(client.expect_error().error_code(), None, "{name}");
        client.drain();
    }
    client.settle();
}

// contract: 4.14
#[test]
fn subscriptions_vanish_with_their_connection() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    client.leave();
    eventually("the channel is vacant", || server.api().channel("shop", "")["occupied"] == false);
    let mut back = server.connect();
    server.api().publish("shop", "sold", "{}");
    back.subscribe("shop");
    hears_nothing_before_a_marker(&server, "shop", &mut [&mut back]);
}

// contract: 4.14
#[test]
fn a_connection_that_drops_without_a_close_vanishes_too() {
    let server = server();
    let mut client = server.connect();
    client.join("presence-a", r#"{"user_id":"ann"}"#);
    drop(client);
    eventually("the member is gone", || server.api().users("presence-a").is_empty());
}
