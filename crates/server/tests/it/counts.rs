//! Contract 14 and 17: subscription counts, and what counts as a message.

use std::time::{Duration, Instant};

use bellwire_testkit::{App, Client, Config, Request, Server};
use serde_json::json;

use crate::support::{
    eventually, featured, hears_nothing_before_a_marker, serve, serve_app, server,
};

const COUNT: &str = "pusher_internal:subscription_count";

fn counting() -> Server {
    serve_app(App::new(1).with("subscription_count = true"))
}

#[track_caller]
fn expect_count(client: &mut Client, channel: &str, count: u64) {
    let frame = client.expect_on(COUNT, channel);
    assert_eq!(frame.data(), json!({ "subscription_count": count }));
}

// contract: 14.1, 14.2
#[test]
fn every_subscriber_hears_the_count_after_each_coming_and_going() {
    let server = counting();
    for channel in ["public", "private-a", "cache-a", "private-encrypted-a"] {
        let mut ann = server.connect();
        let mut bob = server.connect();
        ann.subscribe(channel);
        let mut rest = vec![ann.message()];
        if channel == "cache-a" {
            rest.push(ann.message());
        }
        let count = rest.iter().find(|frame| frame.event() == COUNT).unwrap();
        assert_eq!(count.data(), json!({ "subscription_count": 1 }));
        bob.ask(channel, None);
        expect_count(&mut ann, channel, 2);
        bob.unsubscribe(channel);
        expect_count(&mut ann, channel, 1);
        bob.ask(channel, None);
        expect_count(&mut ann, channel, 2);
        drop(bob);
        expect_count(&mut ann, channel, 1);
    }
}

// contract: 14.2
#[test]
fn presence_channels_have_no_subscription_count_frames() {
    let server = counting();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.join("presence-a", r#"{"user_id":"ann"}"#);
    bob.join("presence-a", r#"{"user_id":"bob"}"#);
    ann.expect("pusher_internal:member_added");
    hears_nothing_before_a_marker(&server, "presence-a", &mut [&mut ann, &mut bob]);
}

// contract: 14.2
#[test]
fn the_count_is_of_connections_and_not_of_users() {
    let server = counting();
    let mut tabs = [server.connect(), server.connect()];
    for tab in &mut tabs {
        tab.sign_in(r#"{"id":"ann"}"#);
    }
    let [first, second] = &mut tabs;
    first.subscribe("public");
    expect_count(first, "public", 1);
    second.subscribe("public");
    expect_count(first, "public", 2);
}

// contract: 14.2
#[test]
fn without_the_toggle_there_are_no_count_frames() {
    let server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("public");
    bob.subscribe("public");
    hears_nothing_before_a_marker(&server, "public", &mut [&mut ann, &mut bob]);
}

// contract: 14.3, 14.5
#[test]
fn above_a_hundred_the_counts_are_thinned_out_and_the_last_one_is_not_lost() {
    let server = counting();
    let mut watcher = server.connect();
    watcher.subscribe("public");
    let mut crowd = Vec::new();
    let started = Instant::now();
    for _ in 0..200 {
        let mut client = server.connect();
        client.subscribe("public");
        crowd.push(client);
    }
    let mut above = 0;
    loop {
        let frame = watcher.expect_on(COUNT, "public");
        let count = frame.data()["subscription_count"].as_u64().unwrap();
        above += u64::from(count > 101);
        if count == 201 {
            break;
        }
    }
    let windows = started.elapsed().as_secs() / 5 + 2;
    assert!(above <= windows, "{above} counts above a hundred in {windows} windows");
}

// contract: 14.5
#[test]
fn falling_below_a_hundred_again_is_told() {
    let server = counting();
    let mut watcher = server.connect();
    watcher.subscribe("public");
    let mut crowd = Vec::new();
    for _ in 0..110 {
        let mut client = server.connect();
        client.subscribe("public");
        crowd.push(client);
    }
    drop(crowd);
    let mut count = 0;
    while count != 1
        || server.api().channel("public", "subscription_count")["subscription_count"] != 1
    {
        count = watcher.expect_on(COUNT, "public").data()["subscription_count"].as_u64().unwrap();
    }
}

// contract: 17.2
#[test]
fn each_delivery_counts_as_a_message() {
    let server = serve_app(App::new(1).with("max_messages_per_day = 12"));
    let mut clients: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.subscribe("public");
    }
    let body = json!({ "name": "x", "data": "", "channel": "public" });
    assert_eq!(server.api().events(&body).status, 200);
    assert_eq!(server.api().events(&body).status, 200);
    // What was heard has been counted: six messages each, and so the quota is used up.
    for client in &mut clients {
        client.expect("x");
        client.expect("x");
    }
    assert_eq!(server.api().events(&body).status, 403);
}

// contract: 17.2
#[test]
fn a_publish_that_asks_for_info_counts_twice() {
    let server = serve_app(App::new(1).with("max_messages_per_day = 12"));
    let body = json!({ "name": "x", "data": "", "channel": "presence-a", "info": "user_count" });
    let statuses: Vec<u16> = (0..9).map(|_| server.api().events(&body).status).collect();
    assert_eq!(statuses[..6], [200; 6]);
    assert_eq!(statuses[8], 403, "{statuses:?}");
}

// contract: 17.2
#[test]
fn pings_subscriptions_and_sign_ins_do_not_count() {
    let server = serve_app(App::new(1).with("max_messages_per_day = 3"));
    let mut client = server.connect();
    client.sign_in(r#"{"id":"ann"}"#);
    for n in 0..10 {
        client.settle();
        client.subscribe(&format!("private-{n}"));
        client.unsubscribe(&format!("private-{n}"));
    }
    client.settle();
    for _ in 0..3 {
        server.api().publish("nobody", "x", "");
    }
}

// contract: 17.1
#[test]
fn excluding_a_socket_leaves_out_that_connection_only() {
    let server = server();
    let mut tabs = [server.connect(), server.connect()];
    for tab in &mut tabs {
        tab.join("presence-a", r#"{"user_id":"ann"}"#);
    }
    let [excluded, other] = &mut tabs;
    let items = json!([{
        "name": "x", "data": "", "channel": "presence-a", "socket_id": excluded.socket_id(),
    }]);
    server.api().batch(&items).ok();
    other.expect_on("x", "presence-a");
    hears_nothing_before_a_marker(&server, "presence-a", &mut [excluded, other]);
}

// contract: 17.4
#[test]
fn the_metrics_tell_connections_and_messages() {
    let server = serve(Config::with(featured()).setting("admin_listen = \"{admin}\""));
    let mut client = server.connect();
    client.ask("public", None);
    server.api().publish("public", "x", "");
    eventually("connections and messages are among the metrics", || {
        let mut admin = bellwire_testkit::Connection::open(server.admin());
        let metrics = admin.exchange(&Request::get("/metrics"));
        let text = metrics.text().to_owned();
        metrics.status == 200 && text.contains("connections") && text.contains("messages")
    });
}

// contract: 14.2
#[test]
fn a_refused_second_subscription_does_not_count() {
    let server = counting();
    let mut ann = server.connect();
    ann.subscribe("public");
    expect_count(&mut ann, "public", 1);
    ann.ask("public", None);
    ann.expect_error();
    ann.settle();
    let deadline = Instant::now() + Duration::from_millis(50);
    while Instant::now() < deadline {
        ann.settle();
    }
    let channel = server.api().channel("public", "subscription_count");
    assert_eq!(channel["subscription_count"], 1);
}
