//! Contract 15: an app may have several keys.

use bellwire_testkit::{Api, App, Config, Server, channel_auth, user_auth};
use serde_json::json;

use crate::support::{PATH, eventually, serve, serve_app};

const SECOND_PATH: &str = "/app/key-b?protocol=7&client=js&version=8.6.0";

fn two_keys() -> App {
    App::new(1).with(
        r#"keys = [
            { key = "key-b", secret = "secret-b" },
            { key = "key-old", secret = "secret-old", active = false, created_at = "2026-01-01T00:00:00Z" },
        ]"#,
    )
}

fn api_with(server: &Server, key: &str, secret: &str) -> Api {
    Api::new(server.target(), "1001", key, secret)
}

// contract: 15.1, 1.13
#[test]
fn any_active_key_is_good_for_connecting_and_for_the_api() {
    let server = serve_app(two_keys());
    for path in [PATH, SECOND_PATH] {
        server.open(path).expect_established();
    }
    for (key, secret) in [("key-1", "secret-1"), ("key-b", "secret-b")] {
        api_with(&server, key, secret).publish("a", "x", "");
    }
    assert_eq!(api_with(&server, "key-b", "secret-1").get("/channels").send().status, 401);
}

// contract: 15.1, 1.13
#[test]
fn an_inactive_key_is_good_for_nothing() {
    let server = serve_app(two_keys());
    server.open("/app/key-old?protocol=7").expect_refusal(4001);
    let api = api_with(&server, "key-old", "secret-old");
    assert_eq!(api.get("/channels").send().status, 401);
    let mut client = server.connect();
    client.sign_with("key-old", "secret-old");
    client.ask("private-a", None);
    client.expect_subscription_refused("private-a");
    client.ask_sign_in(r#"{"id":"ann"}"#);
    client.expect_error();
    client.settle();
}

// contract: 15.3, 4.5
#[test]
fn a_subscription_may_be_signed_with_another_key_than_the_connections() {
    let server = serve_app(two_keys());
    let mut client = server.open(SECOND_PATH);
    client.expect_established();
    client.sign_with("key-1", "secret-1");
    client.subscribe("private-a");
    client.sign_with("key-b", "secret-b");
    client.join("presence-a", r#"{"user_id":"ann"}"#);
    let mut other = server.connect();
    other.sign_with("key-b", "secret-b");
    other.sign_in(r#"{"id":"ann"}"#);
}

// contract: 4.5, 15.3
#[test]
fn the_key_of_another_app_is_no_key_for_a_subscription_or_sign_in() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let mut client = server.connect();
    let socket_id = client.socket_id();
    let auth = channel_auth("key-2", "secret-2", &socket_id, "private-a", None);
    client.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": auth }));
    client.expect_subscription_refused("private-a");
    let user_data = r#"{"id":"ann"}"#;
    let auth = user_auth("key-2", "secret-2", &socket_id, user_data);
    client.say("pusher:signin", &json!({ "auth": auth, "user_data": user_data }));
    client.expect_error();
}

// contract: 15.1
#[test]
fn apps_do_not_hear_each_other() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let mut here = server.connect();
    let mut there = server.connect_to(server.config().numbered(2));
    here.subscribe("a");
    there.subscribe("a");
    server.api().publish("a", "here", "");
    server.api_of(server.config().numbered(2)).publish("a", "there", "");
    here.expect("here");
    there.expect("there");
    here.settle();
    there.settle();
}

// contract: 15.1
#[test]
fn a_revoked_key_is_refused_everywhere_without_a_restart() {
    let mut server = serve_app(two_keys());
    let mut old = server.open(SECOND_PATH);
    old.expect_established();
    old.sign_with("key-b", "secret-b");
    old.subscribe("private-a");
    server.reload(Config::with(App::new(1)));
    eventually("the API refuses the key", || {
        api_with(&server, "key-b", "secret-b").get("/channels").send().status == 401
    });
    server.open(SECOND_PATH).expect_refusal(4001);
    old.ask("private-b", None);
    old.expect_subscription_refused("private-b");
    server.connect().subscribe("private-a");
}
