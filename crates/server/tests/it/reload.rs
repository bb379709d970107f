//! SIGHUP: the config file is read again, without a restart.

use std::fs;

use bellwire_testkit::{App, Config};
use serde_json::json;

use crate::support::{PATH, eventually, serve, serve_app, server};

// contract: 7.2
#[test]
fn a_toggle_that_is_switched_takes_effect_on_open_connections() {
    let mut server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("private-a");
    bob.subscribe("private-a");
    ann.trigger("private-a", "client-x", &json!({}));
    ann.expect_error();
    server.reload(Config::with(App::new(1).with("client_events = true")));
    eventually("client events pass", || {
        ann.trigger("private-a", "client-x", &json!({}));
        ann.drain().is_empty()
    });
    bob.expect("client-x");
}

// contract: 1.15
#[test]
fn a_lowered_quota_keeps_new_connections_out_and_old_ones_in() {
    let mut server = server();
    let mut first = server.connect();
    let mut second = server.connect();
    server.reload(Config::with(App::new(1).with("max_connections = 1")));
    eventually("new connections are refused", || {
        server.open(PATH).message().event() == "pusher:error"
    });
    server.open(PATH).expect_refusal(4004);
    first.settle();
    second.settle();
}

// contract: 1.16, 12.21
#[test]
fn an_app_that_is_disabled_is_refused_from_then_on() {
    let mut server = server();
    server.reload(Config::with(App::new(1).with("enabled = false")));
    eventually("the API says 403", || server.api().get("/channels").send().status == 403);
    server.open(PATH).expect_refusal(4003);
}

// contract: 15.1
#[test]
fn an_app_that_is_added_is_served() {
    let mut server = server();
    server.reload(Config::with(App::new(1)).app(App::new(2)));
    let added = server.config().numbered(2).clone();
    eventually("the new app answers", || {
        server.api_of(&added).get("/channels").send().status == 200
    });
    server.connect_to(&added).settle();
}

// contract: 15.1
#[test]
fn an_app_that_is_removed_is_unknown_from_then_on() {
    let mut server = serve(Config::with(App::new(1)).app(App::new(2)));
    let removed = server.config().numbered(2).clone();
    server.reload(Config::with(App::new(1)));
    eventually("the app is unknown", || {
        server.api_of(&removed).get("/channels").send().status == 404
    });
    server.open("/app/key-2?protocol=7").expect_refusal(4001);
}

// contract: 12.1
#[test]
fn a_file_that_is_wrong_is_told_and_the_old_settings_stay() {
    let mut server = serve_app(App::new(1).with("client_events = true"));
    let mut client = server.connect();
    fs::write(server.config_file(), "[server]\nno_such_key = 1\n").unwrap();
    server.hang_up();
    eventually("the mistake is told", || server.stderr().contains("no_such_key"));
    client.settle();
    server.connect().settle();
    assert!(server.is_running());
}

// contract: 1.1
#[test]
fn a_new_certificate_is_shown_to_new_connections_and_old_ones_stay() {
    let mut server = serve(Config::with(App::new(1)).tls());
    let certificate = |server: &bellwire_testkit::Server| {
        server.target().connect().unwrap().peer_certificate().unwrap()
    };
    let first = certificate(&server);
    let mut old = server.connect();
    server.reload(Config::with(App::new(1)).other_tls());
    eventually("another certificate is shown", || certificate(&server) != first);
    old.settle();
    server.connect().settle();
}
