//! Contract 10: connections that must show who they are in time.

use std::thread;
use std::time::Duration;

use bellwire_testkit::{App, Config, Server};
use serde_json::json;

use crate::support::{PATH, serve};

fn strict() -> App {
    App::new(1).with("authorized_connections = true")
}

fn strict_server(within_s: u32) -> Server {
    serve(Config::with(strict()).setting(&format!("authorize_within_s = {within_s}")))
}

// contract: 10.1, 10.2
#[test]
fn a_connection_that_does_not_authorise_in_time_is_closed_with_4009() {
    let server = strict_server(1);
    let mut client = server.connect();
    let text = client.expect_refusal(4009);
    assert!(text.contains("Connection not authorized within timeout"), "{text}");
}

// contract: 10.1
#[test]
fn public_subscriptions_and_refused_ones_do_not_authorise() {
    let server = strict_server(1);
    let mut client = server.connect();
    client.ask("public", None);
    client.ask("cache-public", None);
    client.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": "key-1:0" }));
    client.say("pusher:signin", &json!({ "auth": "key-1:0", "user_data": "{\"id\":\"a\"}" }));
    assert_eq!(client.expect_close().code, 4009);
}

// contract: 10.1, 10.5
#[test]
fn a_sign_in_or_a_private_or_presence_subscription_authorises_for_good() {
    let server = strict_server(10);
    let mut signed_in = server.connect();
    signed_in.sign_in(r#"{"id":"ann"}"#);
    let mut private = server.connect();
    private.subscribe("private-a");
    let mut presence = server.connect();
    presence.join("presence-a", r#"{"user_id":"ann"}"#);
    let mut gone_again = server.connect();
    gone_again.subscribe("private-a");
    gone_again.unsubscribe("private-a");
    let mut control = server.connect();
    control.expect_refusal(4009);
    thread::sleep(Duration::from_millis(500));
    for client in [&mut signed_in, &mut private, &mut presence, &mut gone_again] {
        client.settle();
    }
}

// contract: 10.2
#[test]
fn without_the_toggle_nobody_has_to_authorise() {
    let config = Config::with(App::new(1)).app(App::new(2).with("authorized_connections = true"));
    let server = serve(config.setting("authorize_within_s = 1"));
    let mut free = server.connect();
    let mut control = server.connect_to(server.config().numbered(2));
    control.expect_refusal(4009);
    free.settle();
}

// contract: 10.3
#[test]
fn switching_the_toggle_on_leaves_older_connections_alone() {
    let config = Config::with(App::new(1)).setting("authorize_within_s = 1");
    let mut server = serve(config);
    let mut old = server.connect();
    server.reload(Config::with(strict()).setting("authorize_within_s = 1"));
    crate::support::eventually("a new connection must authorise", || {
        let mut client = server.connect();
        client.say("pusher:subscribe", &json!({ "channel": "public" }));
        thread::sleep(Duration::from_millis(2500));
        client.say("pusher:ping", &json!({}));
        let mut is_refused = false;
        while let bellwire_testkit::Incoming::Frame(frame) = client.incoming() {
            match frame.event() {
                "pusher:error" => is_refused = true,
                "pusher:pong" => break,
                _ => {}
            }
        }
        is_refused
    });
    old.settle();
}

// contract: 10.4
#[test]
fn unauthorised_connections_do_not_count_toward_the_quota() {
    let server = serve(Config::with(strict().with("max_connections = 1")));
    let mut first = server.connect();
    let mut second = server.connect();
    first.subscribe("private-a");
    second.settle();
    server.open(PATH).expect_refusal(4004);
    first.settle();
}
