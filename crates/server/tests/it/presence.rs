//! Contract 5: who is here.

use bellwire_testkit::App;
use serde_json::{Value, json};

use crate::support::{eventually, featured, hears_nothing_before_a_marker, serve_app, server};

const ROOM: &str = "presence-room";

// contract: 5.1, 5.4, 5.5
#[test]
fn the_newcomer_gets_everyone_including_itself() {
    let server = server();
    let mut ann = server.connect();
    let frame = ann.join(ROOM, r#"{"user_id":"ann","user_info":{"name":"Ann"}}"#);
    let expected = json!({ "presence": {
        "ids": ["ann"], "hash": { "ann": { "name": "Ann" } }, "count": 1,
    } });
    assert_eq!(frame.data(), expected);

    let mut bob = server.connect();
    let presence = bob.join(ROOM, r#"{"user_id":"bob"}"#).data()["presence"].clone();
    let mut ids: Vec<_> = presence["ids"].as_array().unwrap().clone();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, ["ann", "bob"]);
    assert_eq!(presence["count"], 2);
    assert_eq!(presence["hash"], json!({ "ann": { "name": "Ann" }, "bob": null }));
}

// contract: 5.1, 5.6
#[test]
fn a_numeric_user_id_becomes_its_decimal_string_everywhere() {
    let server = serve_app(App::new(1).with("client_events = true"));
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut client = server.connect();
    let presence = client.join(ROOM, r#"{"user_id":10}"#).data()["presence"].clone();
    assert!(presence["ids"].as_array().unwrap().contains(&json!("10")));
    assert_eq!(presence["hash"]["10"], Value::Null);
    let added = watcher.expect_on("pusher_internal:member_added", ROOM);
    assert_eq!(added.data()["user_id"], "10");
    client.trigger(ROOM, "client-hi", &json!({}));
    let event = watcher.expect_on("client-hi", ROOM);
    assert_eq!(event.json()["user_id"], "10");
    assert_eq!(server.api().users(ROOM), ["10", "w"]);
    client.unsubscribe(ROOM);
    let removed = watcher.expect_on("pusher_internal:member_removed", ROOM);
    assert_eq!(removed.data()["user_id"], "10");
}

// contract: 5.6
#[test]
fn a_number_and_its_string_are_the_same_user() {
    let server = server();
    let mut one = server.connect();
    let mut other = server.connect();
    one.join(ROOM, r#"{"user_id":7}"#);
    let frame = other.join(ROOM, r#"{"user_id":"7"}"#);
    assert_eq!(frame.data()["presence"]["count"], 1);
    hears_nothing_before_a_marker(&server, ROOM, &mut [&mut one, &mut other]);
}

// contract: 5.2, 5.10, 4.9
#[test]
fn channel_data_that_is_not_what_it_should_be_is_refused() {
    let server = server();
    let mut client = server.connect();
    for bad in [
        "",
        "not json",
        "[]",
        "1",
        "null",
        "\"ann\"",
        "{}",
        r#"{"id":"ann"}"#,
        r#"{"user_id":null}"#,
        r#"{"user_id":""}"#,
        r#"{"user_id":true}"#,
        r#"{"user_id":["a"]}"#,
        r#"{"user_id":{"a":1}}"#,
    ] {
        client.ask(ROOM, Some(bad));
        client.expect_subscription_refused(ROOM);
        client.settle();
    }
    for no_object in ["\"x\"", "1", "[]", "true"] {
        let bad = format!(r#"{{"user_id":"ann","user_info":{no_object}}}"#);
        client.ask(ROOM, Some(&bad));
        let error = client.expect_subscription_refused(ROOM);
        let text = error.error_message();
        assert!(text.contains("user_info supplied to presence subscription is invalid"), "{text}");
    }
    client.ask(ROOM, None);
    client.expect_subscription_refused(ROOM);
    client.join(ROOM, r#"{"user_id":"ann"}"#);
}

// contract: 5.3
#[test]
fn a_full_channel_refuses_a_new_user_but_not_another_connection_of_one_inside() {
    let server = serve_app(App::new(1).with("max_presence_members = 2"));
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.join(ROOM, r#"{"user_id":"ann"}"#);
    bob.join(ROOM, r#"{"user_id":"bob"}"#);
    let mut carol = server.connect();
    carol.ask(ROOM, Some(r#"{"user_id":"carol"}"#));
    carol.expect_subscription_refused(ROOM);
    carol.settle();
    let mut ann_again = server.connect();
    ann_again.join(ROOM, r#"{"user_id":"ann"}"#);
    bob.unsubscribe(ROOM);
    bob.settle();
    carol.join(ROOM, r#"{"user_id":"carol"}"#);
}

// contract: 5.3
#[test]
fn a_hundred_members_fit_unless_configured_otherwise() {
    let server = server();
    let mut members = Vec::new();
    for n in 0..100 {
        let mut member = server.connect();
        member.join(ROOM, &format!(r#"{{"user_id":"{n}"}}"#));
        members.push(member);
    }
    let mut late = server.connect();
    late.ask(ROOM, Some(r#"{"user_id":"late"}"#));
    late.expect_subscription_refused(ROOM);
    assert_eq!(server.api().users(ROOM).len(), 100);
}

// contract: 5.3
#[test]
fn a_user_object_over_a_kilobyte_and_an_id_over_128_characters_are_refused() {
    let server = server();
    let mut client = server.connect();
    let info = "i".repeat(1100);
    client.ask(ROOM, Some(&format!(r#"{{"user_id":"ann","user_info":{{"x":"{info}"}}}}"#)));
    client.expect_subscription_refused(ROOM);
    client.ask(ROOM, Some(&format!(r#"{{"user_id":"{}"}}"#, "i".repeat(129))));
    client.expect_subscription_refused(ROOM);
    let info = "i".repeat(900);
    client.join(ROOM, &format!(r#"{{"user_id":"ann","user_info":{{"x":"{info}"}}}}"#));
    client.join("presence-other", &format!(r#"{{"user_id":"{}"}}"#, "i".repeat(128)));
}

// contract: 5.7, 5.8
#[test]
fn others_hear_the_first_connection_come_and_the_last_one_go() {
    let server = server();
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut first = server.connect();
    let mut second = server.connect();
    first.join(ROOM, r#"{"user_id":"ann","user_info":{"n":1}}"#);
    let added = watcher.expect_on("pusher_internal:member_added", ROOM);
    assert_eq!(added.data(), json!({ "user_id": "ann", "user_info": { "n": 1 } }));
    second.join(ROOM, r#"{"user_id":"ann","user_info":{"n":1}}"#);
    first.unsubscribe(ROOM);
    first.settle();
    hears_nothing_before_a_marker(&server, ROOM, &mut [&mut watcher, &mut second]);
    second.leave();
    let removed = watcher.expect_on("pusher_internal:member_removed", ROOM);
    assert_eq!(removed.data(), json!({ "user_id": "ann" }));
}

// contract: 5.7
#[test]
fn member_added_leaves_out_user_info_when_there_is_none() {
    let server = server();
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut ann = server.connect();
    ann.join(ROOM, r#"{"user_id":"ann"}"#);
    let added = watcher.expect_on("pusher_internal:member_added", ROOM);
    assert_eq!(added.data(), json!({ "user_id": "ann" }));
}

// contract: 5.9
#[test]
fn two_tabs_are_one_user_and_two_subscriptions() {
    let server = serve_app(featured());
    let mut one = server.connect();
    let mut other = server.connect();
    one.join(ROOM, r#"{"user_id":"ann"}"#);
    let frame = other.join(ROOM, r#"{"user_id":"ann"}"#);
    assert_eq!(frame.data()["presence"]["count"], 1);
    assert_eq!(frame.data()["presence"]["ids"], json!(["ann"]));
    let channel = server.api().channel(ROOM, "user_count,subscription_count");
    assert_eq!(channel["user_count"], 1);
    assert_eq!(channel["subscription_count"], 2);
}

// contract: 5.10
#[test]
fn a_signed_in_socket_may_join_without_channel_data() {
    let server = server();
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann","user_info":{"name":"Ann"}}"#);
    ann.ask(ROOM, None);
    let frame = ann.expect_on("pusher_internal:subscription_succeeded", ROOM);
    let expected = json!({ "presence": {
        "ids": ["ann"], "hash": { "ann": { "name": "Ann" } }, "count": 1,
    } });
    assert_eq!(frame.data(), expected);
}

// contract: 5.10
#[test]
fn channel_data_wins_over_the_sign_in() {
    let server = server();
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann"}"#);
    let frame = ann.join(ROOM, r#"{"user_id":"nick"}"#);
    assert_eq!(frame.data()["presence"]["ids"], json!(["nick"]));
}

// contract: 5.11
#[test]
fn the_info_of_the_first_connection_is_the_one_shown() {
    let server = server();
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut first = server.connect();
    let mut second = server.connect();
    first.join(ROOM, r#"{"user_id":"ann","user_info":{"n":1}}"#);
    watcher.expect_on("pusher_internal:member_added", ROOM);
    let frame = second.join(ROOM, r#"{"user_id":"ann","user_info":{"n":2}}"#);
    assert_eq!(frame.data()["presence"]["hash"]["ann"], json!({ "n": 1 }));
    hears_nothing_before_a_marker(&server, ROOM, &mut [&mut watcher]);
}

// contract: 5.12, 5.13
#[test]
fn user_info_survives_verbatim_with_its_nesting_and_every_digit() {
    let server = server();
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut ann = server.connect();
    let info =
        r#"{"a":{"b":[1,{"c":null}]},"big":12345678901234567890123,"f":1.10,"s":"Zo\u00eb"}"#;
    let frame = ann.join(ROOM, &format!(r#"{{"user_id":90071992547409931,"user_info":{info}}}"#));
    for text in [frame.data_text(), watcher.message().data_text()] {
        assert!(text.contains("12345678901234567890123"), "{text}");
        assert!(text.contains("\"90071992547409931\""), "{text}");
        assert!(text.contains("1.10"), "{text}");
        assert!(text.contains(r#"{"b":[1,{"c":null}]}"#), "{text}");
    }
    assert_eq!(frame.data()["presence"]["hash"]["90071992547409931"]["s"], "Zo\u{eb}");
}

// contract: 5.13
#[test]
fn a_user_id_beyond_53_bits_is_not_rounded() {
    let server = server();
    let mut client = server.connect();
    client.join(ROOM, r#"{"user_id":12345678901234567890123}"#);
    assert_eq!(server.api().users(ROOM), ["12345678901234567890123"]);
}

// contract: 5.7
#[test]
fn a_member_that_drops_is_removed_for_the_others() {
    let server = server();
    let mut watcher = server.connect();
    watcher.join(ROOM, r#"{"user_id":"w"}"#);
    let mut ann = server.connect();
    ann.join(ROOM, r#"{"user_id":"ann"}"#);
    watcher.expect_on("pusher_internal:member_added", ROOM);
    drop(ann);
    watcher.expect_on("pusher_internal:member_removed", ROOM);
    eventually("one user is left", || server.api().users(ROOM) == ["w"]);
}
