//! The limits that protect one client, one app and the node from each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bellwire_testkit::{App, Config, Wire, WireFrame};
use serde_json::json;

use crate::support::{PATH, eventually, hears_nothing_before_a_marker, serve, serve_app, server};

fn subscribe(channel: &str) -> WireFrame {
    let message = json!({ "event": "pusher:subscribe", "data": { "channel": channel } });
    WireFrame::text(&message.to_string())
}

// contract: 4.13
#[test]
fn of_100_000_subscribes_a_thousand_succeed_and_the_connection_lives() {
    let server = server();
    let mut wire = Wire::open(server.target(), PATH);
    wire.text();
    let (mut succeeded, mut refused) = (0, 0);
    for batch in 0..200 {
        let frames = (0..500).map(|n| subscribe(&format!("c-{batch}-{n}")));
        let bytes: Vec<u8> = frames.flat_map(|frame| frame.to_bytes()).collect();
        wire.send_bytes(&bytes);
        let mut answered = 0;
        while answered < 500 {
            let text = wire.text();
            if text.contains("pusher_internal:subscription_succeeded") {
                succeeded += 1;
                answered += 1;
            } else if text.contains("pusher:error") {
                assert!(text.contains("1000"), "the error names the limit: {text}");
                refused += 1;
                answered += 1;
            } else {
                assert!(text.contains("pusher:subscription_error"), "{text}");
            }
        }
    }
    assert_eq!((succeeded, refused), (1000, 99_000));
    wire.send(&WireFrame::text(r#"{"event":"pusher:ping","data":{}}"#));
    while !wire.text().contains("pusher:pong") {}
}

// contract: 4.13
#[test]
fn a_place_freed_by_an_unsubscribe_can_be_taken_again() {
    let server = serve_app(App::new(1).with("max_channels_per_connection = 2"));
    let mut client = server.connect();
    client.subscribe("a");
    client.subscribe("b");
    client.ask("c", None);
    assert_eq!(client.expect_error().error_code(), None);
    client.drain();
    client.unsubscribe("a");
    client.subscribe("c");
    server.connect().subscribe("d");
}

// contract: 17.1
#[test]
fn a_reader_that_stops_is_closed_and_the_others_miss_nothing() {
    let app = App::new(1).with("subscription_count = true");
    let server = serve(Config::with(app).setting("backlog_bytes_max = 131072"));
    let mut stalled = Wire::open(server.target(), PATH);
    stalled.send(&subscribe("busy"));
    let mut healthy = server.connect();
    healthy.ask("busy", None);
    eventually("both are there", || {
        server.api().channel("busy", "subscription_count")["subscription_count"] == 2
    });
    let is_closed = AtomicBool::new(false);
    let data = "x".repeat(10_000);
    let published = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut expected = 0;
            loop {
                let frame = healthy.message();
                match frame.event() {
                    "tick" => {
                        let number = frame.data_text().split(' ').next().unwrap();
                        assert_eq!(number, expected.to_string());
                        expected += 1;
                    }
                    "end" => return expected,
                    _ => {}
                }
            }
        });
        let mut published = 0;
        while published < 5000 && !is_closed.load(Ordering::Relaxed) {
            server.api().publish("busy", "tick", &format!("{published} {data}"));
            published += 1;
            let channel = server.api().channel("busy", "subscription_count");
            is_closed.store(channel["subscription_count"] == 1, Ordering::Relaxed);
        }
        server.api().publish("busy", "end", "");
        let heard: u64 = reader.join().unwrap();
        assert_eq!(heard, published);
        published
    });
    assert!(is_closed.into_inner(), "not closed after {published} events");
    while stalled.read().is_some() {}
}

// contract: 1.15
#[test]
fn limits_of_one_app_are_not_those_of_another() {
    let config = Config::with(App::new(1).with("max_event_bytes = 100")).app(App::new(2));
    let server = serve(config);
    let body = json!({ "name": "x", "data": "d".repeat(101), "channel": "a" });
    let response = server.api().events(&body);
    assert_eq!(response.status, 413);
    assert!(response.text().contains("100 bytes"), "{}", response.text());
    server.api_of(server.config().numbered(2)).events(&body).ok();
}

// contract: 7.5
#[test]
fn the_rate_of_client_events_can_be_configured() {
    let app = App::new(1).with("client_events = true").with("max_client_events_per_s = 1000");
    let server = serve_app(app);
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("private-a");
    bob.subscribe("private-a");
    for n in 0..100 {
        ann.trigger("private-a", "client-x", &json!(n));
    }
    ann.settle();
    for n in 0..100 {
        assert_eq!(bob.expect("client-x").data_text(), n.to_string());
    }
}

// contract: 6.12
#[test]
fn the_length_of_a_watchlist_can_be_configured() {
    let app = App::new(1).with("watchlist = true").with("max_watchlist = 1");
    let server = serve_app(app);
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann","watchlist":["bob","carol"]}"#);
    assert_eq!(ann.expect_error().error_code(), Some(4302));
}

// contract: 5.3
#[test]
fn the_size_of_a_user_object_can_be_configured() {
    let server = serve_app(App::new(1).with("max_user_object_bytes = 64"));
    let mut client = server.connect();
    let info = "i".repeat(64);
    client.ask("presence-a", Some(&format!(r#"{{"user_id":"ann","user_info":{{"x":"{info}"}}}}"#)));
    client.expect_subscription_refused("presence-a");
    client.join("presence-a", r#"{"user_id":"ann","user_info":{"x":1}}"#);
}

// contract: 4.7
#[test]
fn many_subscribers_of_one_channel_hear_every_event_in_order() {
    let server = server();
    let mut clients: Vec<_> = (0..300).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.subscribe("busy");
    }
    for n in 0..20 {
        server.api().publish("busy", "tick", &n.to_string());
    }
    for client in &mut clients {
        for n in 0..20 {
            assert_eq!(client.expect("tick").data_text(), n.to_string());
        }
    }
    let mut refs: Vec<_> = clients.iter_mut().collect();
    hears_nothing_before_a_marker(&server, "busy", &mut refs);
}
