//! Contract 6: sign-in and messages to a user.

use bellwire_testkit::{App, user_auth};
use serde_json::json;

use crate::support::{featured, hears_nothing_before_a_marker, serve_app, server};

const INBOX: &str = "#server-to-user-ann";
const ANN: &str = r#"{"id":"ann"}"#;

// contract: 6.1, 6.3
#[test]
fn sign_in_success_holds_the_received_string_inside_a_string() {
    let server = server();
    for user_data in [
        ANN,
        r#"{"id": "ann", "user_info": {"name": "Zo\u00eb", "url": "http:\/\/x"}}"#,
        r#"{"user_info":{"b":1,"a":2},"id":"ann","extra":[]}"#,
    ] {
        let mut client = server.connect();
        let frame = client.sign_in(user_data);
        assert_eq!(frame.data()["user_data"], user_data);
    }
}

// contract: 6.1, 6.4
#[test]
fn a_sign_in_without_the_right_signature_is_refused() {
    let server = server();
    let mut client = server.connect();
    let socket_id = client.socket_id();
    let right = user_auth("key-1", "secret-1", &socket_id, ANN);
    let hex = right.trim_start_matches("key-1:");
    for wrong in [
        user_auth("key-1", "secret-2", &socket_id, ANN),
        user_auth("key-9", "secret-1", &socket_id, ANN),
        user_auth("key-1", "secret-1", "1.1", ANN),
        user_auth("key-1", "secret-1", &socket_id, r#"{"id":"bob"}"#),
        format!("key-1:{}", hex.to_uppercase()),
        format!("key-1::user::{hex}"),
        client.auth_for(&format!("user:{ANN}"), None),
        hex.to_owned(),
        String::new(),
    ] {
        client.say("pusher:signin", &json!({ "auth": wrong, "user_data": ANN }));
        assert_eq!(client.expect_error().error_code(), None, "{wrong}");
    }
    client.sign_in(ANN);
}

// contract: 6.2, 6.4
#[test]
fn user_data_needs_an_id_that_is_a_non_empty_string_of_allowed_characters() {
    let server = server();
    let mut client = server.connect();
    let long = format!(r#"{{"id":"{}"}}"#, "i".repeat(129));
    for bad in [
        "",
        "x",
        "[]",
        "{}",
        "null",
        r#"{"id":1}"#,
        r#"{"id":null}"#,
        r#"{"id":""}"#,
        r#"{"id":["a"]}"#,
        r#"{"id":"a b"}"#,
        r##"{"id":"a#b"}"##,
        r#"{"id":"a/b"}"#,
        r#"{"id":"é"}"#,
        r#"{"user_id":"ann"}"#,
        r#"{"id":"ann","user_info":"x"}"#,
        r#"{"id":"ann","watchlist":"bob"}"#,
        r#"{"id":"ann","watchlist":[1]}"#,
        &long,
    ] {
        client.ask_sign_in(bad);
        assert_eq!(client.expect_error().error_code(), None, "{bad}");
    }
    let longest = format!(r#"{{"id":"{}"}}"#, "i".repeat(128));
    client.sign_in(&longest);
    server.connect().sign_in(r#"{"id":"azAZ09_-=@,.;"}"#);
}

// contract: 6.4
#[test]
fn a_sign_in_with_missing_or_mistyped_fields_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    for data in [
        json!({}),
        json!({ "auth": "key-1:0" }),
        json!({ "user_data": ANN }),
        json!({ "auth": 1, "user_data": ANN }),
        json!({ "auth": "key-1:0", "user_data": { "id": "ann" } }),
        json!(null),
        json!("x"),
        json!([]),
    ] {
        client.say("pusher:signin", &data);
        assert_eq!(client.expect_error().error_code(), None, "{data}");
    }
    client.settle();
}

// contract: 6.5
#[test]
fn a_second_sign_in_succeeds_for_the_same_user_and_fails_for_another() {
    let server = server();
    let mut client = server.connect();
    client.sign_in(ANN);
    client.sign_in(ANN);
    client.ask_sign_in(r#"{"id":"bob"}"#);
    assert_eq!(client.expect_error().error_code(), None);
    client.subscribe(INBOX);
}

// contract: 6.6
#[test]
fn the_users_own_channel_is_open_to_the_signed_in_user_only() {
    let server = server();
    let mut client = server.connect();
    client.ask(INBOX, None);
    client.expect_error();
    client.drain();
    client.sign_in(ANN);
    client.ask("#server-to-user-bob", None);
    client.expect_error();
    client.drain();
    assert_eq!(client.subscribe(INBOX).data_text(), "{}");
}

// contract: 6.7
#[test]
fn a_message_to_a_user_reaches_every_connection_of_that_user_and_nobody_else() {
    let server = server();
    let mut anns = [server.connect(), server.connect()];
    for ann in &mut anns {
        ann.sign_in(ANN);
        ann.subscribe(INBOX);
        ann.subscribe("public");
    }
    let mut bob = server.connect();
    bob.sign_in(r#"{"id":"bob"}"#);
    bob.subscribe("#server-to-user-bob");
    bob.subscribe("public");
    server.api().publish(INBOX, "hello", "{\"n\":1}");
    for ann in &mut anns {
        assert_eq!(ann.expect_on("hello", INBOX).data_text(), "{\"n\":1}");
    }
    let [first, second] = &mut anns;
    hears_nothing_before_a_marker(&server, "public", &mut [first, second, &mut bob]);
}

// contract: 6.7
#[test]
fn nothing_else_with_a_hash_can_be_published_to() {
    let server = server();
    for channel in
        ["#", "#ann", "#server-to-user-", "a#b", "#server-to-user-a#b", "#server-to-users-a"]
    {
        let body = json!({ "name": "x", "data": "{}", "channels": [channel] });
        assert_eq!(server.api().events(&body).status, 400, "{channel}");
    }
}

// contract: 6.8
#[test]
fn a_users_channel_takes_no_part_in_lists_counts_or_client_events() {
    let server = serve_app(featured());
    let mut ann = server.connect();
    let mut other = server.connect();
    for client in [&mut ann, &mut other] {
        client.sign_in(ANN);
        client.drain();
        client.subscribe(INBOX);
    }
    ann.trigger(INBOX, "client-x", &json!({}));
    ann.expect_error();
    let channels = server.api().get("/channels").send().ok();
    assert_eq!(channels, json!({ "channels": {} }));
    hears_nothing_before_a_marker(&server, INBOX, &mut [&mut ann, &mut other]);
}

// contract: 6.13
#[test]
fn sign_in_works_without_the_watchlist_toggle() {
    let server = serve_app(App::new(1).with("watchlist = false"));
    let mut bob = server.connect();
    bob.sign_in(r#"{"id":"bob"}"#);
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann","watchlist":["bob"]}"#);
    ann.subscribe("public");
    bob.leave();
    hears_nothing_before_a_marker(&server, "public", &mut [&mut ann]);
}
