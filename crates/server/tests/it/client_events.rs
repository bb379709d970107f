//! Contract 7: what clients say to each other.

use bellwire_testkit::{App, Client, Server};
use serde_json::{Value, json};

use crate::support::{hears_nothing_before_a_marker, serve_app, server};

const CHANNEL: &str = "private-chat";

fn talkative() -> App {
    App::new(1).with("client_events = true")
}

/// Two subscribers past everything that subscribing makes them hear.
fn two_on(server: &Server, channel: &str) -> (Client, Client) {
    let mut clients = [server.connect(), server.connect()];
    for (n, client) in clients.iter_mut().enumerate() {
        let data = json!({ "user_id": format!("user-{n}") }).to_string();
        let data = channel.starts_with("presence-").then_some(data);
        client.ask(channel, data.as_deref());
        client.expect("pusher_internal:subscription_succeeded");
        if channel.contains("cache-") {
            client.expect_on("pusher:cache_miss", channel);
        }
    }
    let [mut first, second] = clients;
    if channel.starts_with("presence-") {
        first.expect_on("pusher_internal:member_added", channel);
    }
    (first, second)
}

// contract: 7.1, 7.4
#[test]
fn a_string_goes_out_verbatim_and_anything_else_as_compact_json() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for (data, expected) in [
        (r#""plain""#, "plain"),
        (r#""{ \"a\" : 1 }""#, "{ \"a\" : 1 }"),
        (r#""""#, ""),
        (r#"{ "a" : [ 1 , 2.50 ], "b" : null }"#, r#"{"a":[1,2.50],"b":null}"#),
        ("[ ]", "[]"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", "true"),
        ("null", "null"),
    ] {
        ann.send(&format!(r#"{{"event":"client-x","channel":"{CHANNEL}","data":{data}}}"#));
        let event = bob.expect_on("client-x", CHANNEL);
        assert_eq!(event.data_text(), expected);
        assert!(event.json().get("user_id").is_none());
    }
    ann.settle();
}

// contract: 7.1
#[test]
fn on_a_presence_channel_the_event_names_its_sender() {
    let server = serve_app(talkative());
    for channel in ["presence-chat", "presence-cache-chat"] {
        let (mut ann, mut bob) = two_on(&server, channel);
        ann.trigger(channel, "client-x", &json!({ "a": 1 }));
        let event = bob.expect_on("client-x", channel);
        assert_eq!(event.json()["user_id"], "user-0");
        assert_eq!(event.data_text(), r#"{"a":1}"#);
    }
}

// contract: 7.2, 7.6
#[test]
fn without_the_toggle_client_events_are_refused() {
    let server = server();
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    ann.trigger(CHANNEL, "client-x", &json!({}));
    let error = ann.expect_error();
    assert_eq!(error.error_code(), None);
    let text = error.error_message();
    assert!(text.contains("To send client events, you must enable this feature"), "{text}");
    ann.settle();
    hears_nothing_before_a_marker(&server, CHANNEL, &mut [&mut ann, &mut bob]);
}

// contract: 7.2
#[test]
fn client_events_work_on_every_private_and_presence_kind_and_on_no_public_one() {
    let server = serve_app(talkative());
    for channel in [
        "private-a",
        "private-cache-a",
        "private-encrypted-a",
        "private-encrypted-cache-a",
        "presence-a",
        "presence-cache-a",
    ] {
        let (mut ann, mut bob) = two_on(&server, channel);
        ann.trigger(channel, "client-x", &json!("1"));
        bob.expect_on("client-x", channel);
    }
    for channel in ["public", "cache-public"] {
        let (mut ann, mut bob) = two_on(&server, channel);
        ann.trigger(channel, "client-x", &json!("1"));
        assert_eq!(ann.expect_error().error_code(), None);
        ann.settle();
        hears_nothing_before_a_marker(&server, channel, &mut [&mut ann, &mut bob]);
    }
}

// contract: 7.2, 3.10
#[test]
fn only_names_that_start_with_client_are_client_events() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for name in ["x", "Client-x", "client", " client-x", "pusher_internal:member_added"] {
        ann.trigger(CHANNEL, name, &json!({}));
        ann.expect_error();
    }
    ann.settle();
    hears_nothing_before_a_marker(&server, CHANNEL, &mut [&mut ann, &mut bob]);
}

// contract: 7.2, 7.6
#[test]
fn a_sender_must_be_subscribed() {
    let server = serve_app(talkative());
    let mut bob = server.connect();
    bob.subscribe(CHANNEL);
    let mut ann = server.connect();
    ann.trigger(CHANNEL, "client-x", &json!({}));
    let error = ann.expect_error();
    assert_eq!(error.error_code(), None);
    let text = error.error_message();
    let expected = format!("connection not subscribed to channel {CHANNEL}");
    assert!(text.contains(&expected), "{text}");
    ann.settle();
    hears_nothing_before_a_marker(&server, CHANNEL, &mut [&mut bob]);
}

// contract: 7.3
#[test]
fn a_client_event_on_an_encrypted_channel_passes_as_it_is() {
    let server = serve_app(talkative());
    let channel = "private-encrypted-chat";
    let (mut ann, mut bob) = two_on(&server, channel);
    let sealed = r#"{"nonce":"AA==","ciphertext":"///w=="}"#;
    ann.trigger(channel, "client-x", &json!(sealed));
    assert_eq!(bob.expect_on("client-x", channel).data_text(), sealed);
}

// contract: 7.4
#[test]
fn every_other_connection_hears_it_other_tabs_of_the_sender_too_but_never_the_sender() {
    let server = serve_app(talkative());
    let channel = "presence-chat";
    let mut tabs = [server.connect(), server.connect()];
    for tab in &mut tabs {
        tab.join(channel, r#"{"user_id":"ann"}"#);
    }
    let [mut ann, mut ann_too] = tabs;
    ann.trigger(channel, "client-x", &json!({}));
    ann_too.expect_on("client-x", channel);
    ann.settle();
    hears_nothing_before_a_marker(&server, channel, &mut [&mut ann, &mut ann_too]);
}

// contract: 7.5
#[test]
fn the_surplus_over_ten_a_second_is_dropped_with_4301_and_the_connection_stays() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for n in 0..200 {
        ann.trigger(CHANNEL, "client-x", &json!(n));
    }
    let refused = ann.drain();
    assert!(!refused.is_empty());
    for error in &refused {
        assert_eq!(error.error_code(), Some(4301), "{}", error.text());
    }
    server.api().publish(CHANNEL, "marker", "{}");
    let mut passed = 0;
    while bob.message().event() == "client-x" {
        passed += 1;
    }
    assert!(passed >= 10, "only {passed} passed");
    assert_eq!(passed + refused.len(), 200);
    ann.expect("marker");
    ann.settle();
}

// contract: 7.5
#[test]
fn ten_at_once_are_within_the_rate() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for n in 0..10 {
        ann.trigger(CHANNEL, "client-x", &json!(n));
    }
    ann.settle();
    for n in 0..10 {
        assert_eq!(bob.expect("client-x").data_text(), n.to_string());
    }
}

// contract: 7.6
#[test]
fn a_client_event_without_data_or_channel_is_invalid() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for frame in [
        json!({ "event": "client-x" }),
        json!({ "event": "client-x", "channel": CHANNEL }),
        json!({ "event": "client-x", "data": {} }),
        json!({ "event": "client-x", "channel": 1, "data": {} }),
        json!({ "event": "client-x", "channel": Value::Null, "data": {} }),
        json!({ "event": "client-x", "channel": [CHANNEL], "data": {} }),
    ] {
        ann.send_json(&frame);
        let error = ann.expect_error();
        assert_eq!(error.error_code(), None);
        let text = error.error_message();
        assert!(text.contains("must contain channel and data"), "{frame}: {text}");
    }
    ann.settle();
    hears_nothing_before_a_marker(&server, CHANNEL, &mut [&mut ann, &mut bob]);
}

// contract: 7.7
#[test]
fn a_client_event_is_not_cached() {
    let server = serve_app(talkative());
    let channel = "private-cache-chat";
    let (mut ann, mut bob) = two_on(&server, channel);
    ann.trigger(channel, "client-x", &json!({}));
    bob.expect_on("client-x", channel);
    let mut late = server.connect();
    late.subscribe(channel);
    late.expect_on("pusher:cache_miss", channel);
}

// contract: 7.8
#[test]
fn a_name_of_200_characters_and_10240_bytes_of_data_pass_and_no_more() {
    let server = serve_app(talkative());
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    let name = format!("client-{}", "n".repeat(193));
    let data = "d".repeat(10_240);
    ann.trigger(CHANNEL, &name, &json!(data));
    assert_eq!(bob.expect_on(&name, CHANNEL).data_text(), data);
    ann.trigger(CHANNEL, &format!("{name}n"), &json!({}));
    ann.expect_error();
    ann.trigger(CHANNEL, "client-x", &json!(format!("{data}d")));
    ann.expect_error();
    ann.settle();
    hears_nothing_before_a_marker(&server, CHANNEL, &mut [&mut ann, &mut bob]);
}

// contract: 17.2
#[test]
fn a_client_event_and_its_deliveries_count_as_messages_of_the_app() {
    let server = serve_app(talkative().with("max_messages_per_day = 20"));
    let (mut ann, mut bob) = two_on(&server, CHANNEL);
    for _ in 0..10 {
        ann.trigger(CHANNEL, "client-x", &json!({}));
    }
    for _ in 0..10 {
        bob.expect("client-x");
    }
    let body = json!({ "name": "x", "data": "", "channel": "empty" });
    let statuses: Vec<u16> = (0..6).map(|_| server.api().events(&body).status).collect();
    assert!(statuses.contains(&403), "{statuses:?}");
}
