//! SIGTERM: new connections are sent elsewhere, old ones are let go one after the other.

use bellwire_testkit::{App, Client, Config, Fallback, FallbackFrame, Incoming, Request, Server};
use serde_json::json;

use crate::support::{PATH, eventually, serve};

fn draining_within(seconds: u32) -> Server {
    serve(Config::with(App::new(1)).setting(&format!("drain_window_s = {seconds}")))
}

fn is_ready(server: &Server) -> bool {
    server.http(&Request::get("/ready")).status == 200
}

// contract: 1.17
#[test]
fn while_draining_ready_says_503_and_new_connections_get_4100_after_the_upgrade() {
    let server = draining_within(20);
    assert!(is_ready(&server));
    let clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    server.terminate();
    eventually("ready says 503", || server.http(&Request::get("/ready")).status == 503);
    assert_eq!(server.http(&Request::get("/up")).status, 200);
    server.open(PATH).expect_refusal(4100);
    let frames = Fallback::new(server.target(), "key-1", "aaaaaaaa").poll();
    assert!(matches!(frames.last(), Some(FallbackFrame::Close(4100, _))), "{frames:?}");
    drop(clients);
}

// contract: 1.17
#[test]
fn established_connections_get_4200_spread_over_the_window_and_the_process_ends_well() {
    let mut server = draining_within(4);
    let mut clients: Vec<Client> = (0..40).map(|_| server.connect()).collect();
    server.terminate();
    eventually("draining", || !is_ready(&server));
    for client in &mut clients {
        let close = client.expect_close();
        assert_eq!(close.code, 4200, "{close:?}");
    }
    assert_eq!(server.wait().code(), Some(0));
}

// contract: 1.17
#[test]
fn when_the_first_is_let_go_others_are_still_served() {
    let server = draining_within(20);
    let mut clients: Vec<Client> = (0..40).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.subscribe("a");
    }
    server.terminate();
    eventually("one has been let go", || {
        clients.retain_mut(|client| {
            client.say("pusher:ping", &json!({}));
            matches!(client.incoming(), Incoming::Frame(_))
        });
        clients.len() < 40
    });
    assert!(!clients.is_empty(), "all were let go at once");
    server.api().publish("a", "still-here", "");
}

// contract: 1.17
#[test]
fn a_server_without_connections_ends_at_once() {
    let mut server = draining_within(600);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
}

// contract: 1.17
#[test]
fn an_open_stream_is_let_go_with_4200_too() {
    let mut server = draining_within(1);
    let mut stream = Fallback::new(server.target(), "key-1", "aaaaaaaa").stream();
    stream.expect("pusher:connection_established");
    server.terminate();
    assert_eq!(stream.close_code(), 4200);
    assert_eq!(server.wait().code(), Some(0));
}
