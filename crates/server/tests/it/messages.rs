//! Contract 3: the shape of every frame, and what is double encoded.

use bellwire_testkit::{Client, Frame, Server};
use serde_json::{Value, json};

use crate::support::{featured, serve_app, server};

/// Everything a server says to one client that tries each feature once.
fn a_tour(server: &Server) -> Vec<Frame> {
    let mut client = server.open(crate::support::PATH);
    let mut heard = vec![client.expect_established()];
    client.send(r#"{"event":"pusher:ping","data":{}}"#);
    client.ask_sign_in(r#"{"id":"ann","watchlist":["bob"]}"#);
    for channel in ["shop", "private-a", "private-encrypted-a", "cache-a", "#server-to-user-ann"] {
        client.ask(channel, None);
    }
    client.ask("presence-a", Some(r#"{"user_id":"ann"}"#));
    client.say("pusher:subscribe", &json!({ "channel": "private-b", "auth": "x:y" }));
    client.say("pusher:unsubscribe", &json!({ "channel": "never" }));
    client.say("pusher:what", &json!({}));
    client.send("not json");
    heard.extend(client.drain());

    let mut other = server.connect();
    other.ask("private-a", None);
    hear_until(&mut other, "pusher_internal:subscription_count");
    other.join("presence-a", r#"{"user_id":1,"user_info":{"n":null}}"#);
    other.trigger("private-a", "client-x", &json!({ "deep": [1, 2] }));
    other.trigger("presence-a", "client-x", &Value::Null);
    other.unsubscribe("presence-a");
    other.settle();
    server.api().publish("shop", "sold", "plain words");
    server.api().publish("cache-a", "sold", "{}");
    server.api().publish("#server-to-user-ann", "hello", "{}");
    heard.extend(hear_until(&mut client, "hello"));
    heard
}

fn hear_until(client: &mut Client, event: &str) -> Vec<Frame> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|frame: &Frame| frame.event() != event) {
        heard.push(client.message());
    }
    heard
}

// contract: 3.1, 3.2, 3.3, 3.4, 3.5, 3.8
#[test]
fn every_frame_has_an_event_and_data_that_is_a_string_but_for_errors() {
    let server = serve_app(featured());
    let heard = a_tour(&server);
    let mut events: Vec<&str> = heard.iter().map(Frame::event).collect();
    events.sort_unstable();
    events.dedup();
    for expected in [
        "client-x",
        "hello",
        "pusher:cache_miss",
        "pusher:connection_established",
        "pusher:error",
        "pusher:signin_success",
        "pusher:subscription_error",
        "pusher_internal:member_added",
        "pusher_internal:member_removed",
        "pusher_internal:subscription_count",
        "pusher_internal:subscription_succeeded",
        "pusher_internal:watchlist_events",
        "sold",
    ] {
        assert!(events.contains(&expected), "{expected} is not among {events:?}");
    }
    for frame in &heard {
        let message = frame.json().as_object().unwrap();
        if frame.event() == "pusher:error" {
            let _ = (frame.error_code(), frame.error_message());
        } else {
            assert!(message["data"].is_string(), "{}", frame.text());
        }
        for key in ["channel", "user_id"] {
            let value = message.get(key);
            assert!(value.is_none_or(Value::is_string), "{}", frame.text());
        }
    }
}

// contract: 3.6
#[test]
fn the_data_of_subscription_succeeded_is_an_empty_object_in_a_string() {
    let server = server();
    let mut client = server.connect();
    for channel in ["shop", "private-shop", "private-encrypted-shop"] {
        assert_eq!(client.subscribe(channel).data_text(), "{}");
    }
}

// contract: 3.7
#[test]
fn published_data_arrives_as_the_string_that_was_posted() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    let all_controls: String = (0..32_u8).map(char::from).collect();
    for data in [
        "",
        " ",
        "not json at all",
        "{\"half\":",
        "{\"b\":1,  \"a\":1.0, \"a\":2}",
        "\"quoted\"",
        "back\\slash / slash",
        "Zo\u{eb} \u{1f514} \u{2028}\u{2029}\u{7f}",
        "<script>&amp;</script>",
        &all_controls,
        &"x".repeat(10_240),
    ] {
        server.api().publish("shop", "sold", data);
        assert_eq!(client.expect_on("sold", "shop").data_text(), data);
    }
}

// contract: 3.7
#[test]
fn escapes_in_the_posted_body_mean_the_same_when_they_arrive() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    let body =
        r#"{ "data" : "\u00e9\ud83d\udd14\/\u0000\"" , "name":"a\u002db","channel":"sh\u006fp" }"#;
    server.api().request("POST", "/events").body(body).send().ok();
    let frame = client.expect_on("a-b", "shop");
    assert_eq!(frame.data_text(), "\u{e9}\u{1f514}/\0\"");
}

// contract: 3.9
#[test]
fn the_keys_of_a_published_event_come_in_the_order_of_live_frames() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    server.api().publish("shop", "sold", "1");
    let text = client.expect("sold").text().to_owned();
    let place = |key: &str| text.find(&format!("\"{key}\"")).unwrap();
    assert!(place("event") < place("data"), "{text}");
    assert!(place("data") < place("channel"), "{text}");
}

// contract: 3.10
#[test]
fn an_unknown_event_is_told_by_name_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    for name in ["foo", "pusher:foo", "pusher_internal:subscription_succeeded", "it's", ""] {
        client.say(name, &json!({}));
        let error = client.expect_error();
        assert_eq!(error.error_code(), None);
        let text = format!("Unsupported event received on socket: '{name}'");
        assert_eq!(error.error_message(), text);
    }
    client.settle();
}

// contract: 3.11
#[test]
fn a_frame_that_is_no_json_object_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    for text in [
        "",
        "x",
        "{",
        "[]",
        "\"pusher:ping\"",
        "1",
        "null",
        "{\"event\":\"pusher:ping\"} {}",
        "{}",
        "{\"event\":1}",
        "{\"event\":null}",
    ] {
        client.send(text);
        assert_eq!(client.expect_error().error_code(), None, "{text}");
        client.settle();
    }
}

// contract: 3.11
#[test]
fn a_client_that_says_nothing_but_rubbish_is_closed_in_the_end() {
    let server = server();
    let mut wire = bellwire_testkit::Wire::open(server.target(), crate::support::PATH);
    let rubbish = bellwire_testkit::WireFrame::text("rubbish").to_bytes();
    let mut sent = 0;
    while sent < 1000 && wire.try_send_bytes(&rubbish).is_ok() {
        sent += 1;
    }
    while wire.read().is_some() {}
    server.connect().settle();
}
