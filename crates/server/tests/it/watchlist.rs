//! Contract 6.9–6.15: online and offline, for those who watch.

use std::collections::BTreeMap;

use bellwire_testkit::{App, Client, Frame, Server};
use serde_json::{Value, json};

use crate::support::{featured, hears_nothing_before_a_marker, serve_app};

const WATCHLIST: &str = "pusher_internal:watchlist_events";

fn signed_in(server: &Server, id: &str) -> Client {
    let mut client = server.connect();
    client.sign_in(&json!({ "id": id }).to_string());
    client
}

fn watching(server: &Server, id: &str, watched: &[&str]) -> Client {
    let mut client = server.connect();
    client.sign_in(&json!({ "id": id, "watchlist": watched }).to_string());
    client
}

/// The groups of a watchlist frame, each sorted.
fn groups(frame: &Frame) -> BTreeMap<String, Vec<String>> {
    assert_eq!(frame.event(), WATCHLIST, "{}", frame.text());
    assert!(frame.json().get("channel").is_none(), "{}", frame.text());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let data = frame.data();
    let events = data["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| {
            let ids = event["user_ids"].as_array().unwrap();
            let mut ids: Vec<_> = ids.iter().map(text).collect();
            ids.sort();
            (text(&event["name"]), ids)
        })
        .collect()
}

#[track_caller]
fn expect_only(client: &mut Client, name: &str, ids: &[&str]) {
    let expected = [(name.to_owned(), ids.iter().map(|&id| id.to_owned()).collect())];
    assert_eq!(groups(&client.message()), BTreeMap::from(expected));
}

// contract: 6.9, 6.10, 6.14
#[test]
fn after_sign_in_comes_one_frame_with_who_is_online_and_who_is_not() {
    let server = serve_app(featured());
    let _bob = signed_in(&server, "bob");
    let _carol = signed_in(&server, "carol");
    let mut ann = watching(&server, "ann", &["bob", "carol", "dave"]);
    let groups = groups(&ann.message());
    assert_eq!(groups["online"], ["bob", "carol"]);
    assert_eq!(groups["offline"], ["dave"]);
    ann.settle();
}

// contract: 6.10
#[test]
fn an_empty_group_is_left_out() {
    let server = serve_app(featured());
    let mut ann = watching(&server, "ann", &["bob"]);
    expect_only(&mut ann, "offline", &["bob"]);
    let _bob = signed_in(&server, "bob");
    let mut carol = watching(&server, "carol", &["bob"]);
    expect_only(&mut carol, "online", &["bob"]);
}

// contract: 6.10, 6.11, 6.15
#[test]
fn watchers_hear_the_first_sign_in_and_the_last_leave_at_once() {
    let server = serve_app(featured());
    let mut ann = watching(&server, "ann", &["bob"]);
    expect_only(&mut ann, "offline", &["bob"]);
    ann.subscribe("private-public");
    ann.expect_on("pusher_internal:subscription_count", "private-public");
    let first = signed_in(&server, "bob");
    expect_only(&mut ann, "online", &["bob"]);
    let mut second = signed_in(&server, "bob");
    first.leave();
    second.settle();
    hears_nothing_before_a_marker(&server, "private-public", &mut [&mut ann]);
    second.leave();
    expect_only(&mut ann, "offline", &["bob"]);
}

// contract: 6.10
#[test]
fn being_watched_gives_no_view_back() {
    let server = serve_app(featured());
    let mut bob = signed_in(&server, "bob");
    bob.subscribe("public");
    bob.expect_on("pusher_internal:subscription_count", "public");
    let mut ann = watching(&server, "ann", &["bob"]);
    expect_only(&mut ann, "online", &["bob"]);
    ann.leave();
    hears_nothing_before_a_marker(&server, "public", &mut [&mut bob]);
}

// contract: 6.11
#[test]
fn being_a_presence_member_is_not_being_online() {
    let server = serve_app(featured());
    let mut bob = server.connect();
    bob.join("presence-a", r#"{"user_id":"bob"}"#);
    let mut ann = watching(&server, "ann", &["bob"]);
    expect_only(&mut ann, "offline", &["bob"]);
}

// contract: 6.12, 6.14
#[test]
fn of_more_than_a_hundred_ids_the_first_hundred_count_and_4302_tells_so() {
    let server = serve_app(featured());
    let _last_in = signed_in(&server, "user-99");
    let _first_out = signed_in(&server, "user-100");
    let ids: Vec<String> = (0..101).map(|n| format!("user-{n}")).collect();
    let mut ann = server.connect();
    ann.sign_in(&json!({ "id": "ann", "watchlist": ids }).to_string());
    let error = ann.expect_error();
    assert_eq!(error.error_code(), Some(4302));
    assert!(error.error_message().contains("user-99"), "{}", error.text());
    let groups = groups(&ann.message());
    assert_eq!(groups["online"], ["user-99"]);
    assert_eq!(groups["offline"].len(), 99);
    ann.settle();
}

// contract: 6.12
#[test]
fn exactly_a_hundred_ids_are_no_error() {
    let server = serve_app(featured());
    let ids: Vec<String> = (0..100).map(|n| format!("user-{n}")).collect();
    let mut ann = server.connect();
    ann.sign_in(&json!({ "id": "ann", "watchlist": ids }).to_string());
    assert_eq!(groups(&ann.message())["offline"].len(), 100);
    ann.settle();
}

// contract: 6.13
#[test]
fn without_the_toggle_there_are_no_watchlist_frames_and_no_4302() {
    let server = serve_app(App::new(1));
    let ids: Vec<String> = (0..101).map(|n| format!("user-{n}")).collect();
    let mut ann = server.connect();
    ann.sign_in(&json!({ "id": "ann", "watchlist": ids }).to_string());
    ann.subscribe("public");
    let _watched = signed_in(&server, "user-1");
    hears_nothing_before_a_marker(&server, "public", &mut [&mut ann]);
}
