//! Contract 4.4–4.10: who may subscribe, and what a refusal says.

use bellwire_testkit::{App, channel_auth};
use serde_json::json;

use crate::support::{hears_nothing_before_a_marker, serve_app, server};

// contract: 4.4, 4.6
#[test]
fn private_channels_accept_the_hmac_of_socket_id_and_channel() {
    let server = server();
    let mut client = server.connect();
    for channel in ["private-a", "private-encrypted-a", "private-cache-a"] {
        assert_eq!(client.subscribe(channel).data_text(), "{}");
        client.drain();
    }
}

// contract: 4.4
#[test]
fn a_presence_signature_covers_channel_data_byte_for_byte() {
    let server = server();
    for (n, channel_data) in [
        r#"{"user_id":"10","user_info":{"name":"Zoë"}}"#,
        r#"{"user_id": "10", "user_info": {"name": "Zo\u00eb"}}"#,
        r#"{"user_id":"10","user_info":{"url":"http:\/\/x\/"}}"#,
        "{\n  \"user_id\" : \"10\"\n}",
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = server.connect();
        let channel = format!("presence-{n}");
        client.join(&channel, channel_data);
        let other = channel_data.replace("10", "11");
        let auth = client.auth_for("presence-x", Some(channel_data));
        let data = json!({ "channel": "presence-x", "auth": auth, "channel_data": other });
        client.say("pusher:subscribe", &data);
        client.expect_subscription_refused("presence-x");
    }
}

// contract: 4.4, 4.5, 4.8
#[test]
fn any_signature_but_the_right_one_is_refused() {
    let server = serve_app(App::new(1));
    let mut client = server.connect();
    let socket_id = client.socket_id();
    let right = client.auth_for("private-a", None);
    let (_, hex) = right.split_once(':').unwrap();
    for wrong in [
        right.to_uppercase(),
        format!("key-1:{}", hex.to_uppercase()),
        format!("key-1:{}", &hex[..63]),
        format!("key-1:{hex}0"),
        format!("key-1: {hex}"),
        format!("key-1:{}", "0".repeat(64)),
        "key-1:".to_owned(),
        channel_auth("key-1", "secret-2", &socket_id, "private-a", None),
        channel_auth("key-1", "secret-1", "1.1", "private-a", None),
        channel_auth("key-1", "secret-1", &socket_id, "private-b", None),
        channel_auth("key-1", "secret-1", &socket_id, "private-a", Some("{}")),
    ] {
        let data = json!({ "channel": "private-a", "auth": wrong });
        client.say("pusher:subscribe", &data);
        client.expect_subscription_refused("private-a");
    }
    client.subscribe("private-a");
}

// contract: 4.8
#[test]
fn a_refusal_says_what_was_expected_in_the_words_of_live_pusher() {
    let server = server();
    let mut client = server.connect();
    let socket_id = client.socket_id();

    let data = json!({ "channel": "private-a", "auth": "key-1:abc123" });
    client.say("pusher:subscribe", &data);
    let error = client.expect_subscription_refused("private-a");
    let text = error.error_message();
    assert!(text.contains("Invalid signature: Expected HMAC SHA256 hex digest of"), "{text}");
    assert!(text.contains(&format!("{socket_id}:private-a")), "{text}");
    assert!(text.contains("abc123"), "{text}");
    assert!(!text.contains("secret-1"), "{text}");
    let right = client.auth_for("private-a", None);
    assert!(!text.contains(right.trim_start_matches("key-1:")), "{text}");

    let data = json!({ "channel": "private-a", "auth": "nobody:abc123" });
    client.say("pusher:subscribe", &data);
    let error = client.expect_subscription_refused("private-a");
    let text = error.error_message();
    assert!(text.contains("Invalid key in subscription auth data"), "{text}");
    assert!(text.contains("nobody"), "{text}");

    client.say("pusher:subscribe", &json!({ "channel": "private-a" }));
    let error = client.expect_subscription_refused("private-a");
    let text = error.error_message();
    assert!(text.contains("Auth info required to subscribe to private-a"), "{text}");
}

// contract: 4.8
#[test]
fn a_refused_subscription_leaves_the_connection_and_its_others_intact() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    client.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": "key-1:0" }));
    client.expect_subscription_refused("private-a");
    server.api().publish("private-a", "secret", "{}");
    hears_nothing_before_a_marker(&server, "shop", &mut [&mut client]);
}

// contract: 4.9
#[test]
fn a_refusal_is_also_a_subscription_error_on_the_channel() {
    let server = server();
    let mut client = server.connect();
    client.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": "key-1:0" }));
    let frames = [client.message(), client.message()];
    let refusal = frames.iter().find(|frame| frame.event() == "pusher:subscription_error").unwrap();
    assert_eq!(refusal.channel(), Some("private-a"));
    let data = refusal.data();
    assert_eq!(data["type"], "AuthError");
    assert_eq!(data["status"], 401);
    assert!(data["error"].is_string());
}

// contract: 4.10
#[test]
fn a_refusal_leaves_nothing_behind_that_hinders_a_right_attempt() {
    let server = server();
    let mut client = server.connect();
    client.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": "key-1:0" }));
    client.expect_subscription_refused("private-a");
    assert_eq!(server.api().channel("private-a", "")["occupied"], false);
    client.subscribe("private-a");
    assert_eq!(server.api().channel("private-a", "")["occupied"], true);
}
