//! permessage-deflate (RFC 7692): only where the app wants it and the client offers it, each message
//! for itself, both ways.

use bellwire_testkit::{App, Config, Opcode, Server, Wire, WireFrame};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};

use crate::support::serve;

const PATH: &str = "/app/key-1?protocol=7";
const OFFER: &str = "permessage-deflate; client_max_window_bits";
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn server() -> Server {
    serve(Config::with(App::new(1).with("compression = true").with("client_events = true")))
}

/// A client that has agreed to compress, past its greeting.
#[track_caller]
fn deflating(server: &Server) -> Wire {
    let (mut wire, agreed) = Wire::open_offering(server.target(), PATH, OFFER);
    assert_eq!(agreed.as_deref(), Some(AGREED));
    assert!(wire.text().contains("connection_established"));
    wire
}

fn deflate(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut compress = Compress::new(Compression::default(), false);
    compress.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

fn inflate(payload: &[u8]) -> String {
    let bytes = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut out = Vec::with_capacity(1 << 20);
    Decompress::new(false).decompress_vec(&bytes, &mut out, FlushDecompress::Sync).unwrap();
    String::from_utf8(out).unwrap()
}

fn squeezed(text: &str) -> WireFrame {
    WireFrame { reserved: 4, ..WireFrame::new(Opcode::Text, deflate(text)) }
}

fn subscription(channel: &str) -> String {
    json!({ "event": "pusher:subscribe", "data": { "channel": channel } }).to_string()
}

#[track_caller]
fn subscribe(wire: &mut Wire, channel: &str) {
    wire.send(&squeezed(&subscription(channel)));
    assert!(wire.text().contains("subscription_succeeded"));
}

fn long(number: usize) -> String {
    format!("{number} {}", "the same words ".repeat(100))
}

/// The data of the event in a frame, which must be compressed or must not be.
#[track_caller]
fn data(frame: &WireFrame, is_squeezed: bool) -> String {
    assert_eq!((frame.opcode, frame.fin), (1, true));
    assert_eq!(frame.reserved, if is_squeezed { 4 } else { 0 });
    let text = match is_squeezed {
        true => inflate(&frame.payload),
        false => String::from_utf8(frame.payload.clone()).unwrap(),
    };
    let event: Value = serde_json::from_str(&text).unwrap();
    event["data"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_is_compressed_unless_app_and_client_want_it() {
    let server = serve(Config::with(App::new(1)).app(App::new(2).with("compression = true")));
    let agreed = |path, offer| Wire::open_offering(server.target(), path, offer).1;
    assert_eq!(agreed(PATH, OFFER), None);
    let other = "/app/key-2?protocol=7";
    assert_eq!(agreed(other, "permessage-bzip2"), None);
    assert_eq!(agreed(other, "permessage-deflate; server_max_window_bits=9"), None);
    assert_eq!(agreed(other, OFFER).as_deref(), Some(AGREED));
    // Who may not come in agrees to nothing.
    assert_eq!(agreed("/app/key-2?protocol=3", OFFER), None);
    let mut plain = Wire::open(server.target(), PATH);
    plain.text();
    plain.send(&squeezed(&subscription("room")));
    assert_eq!(plain.close_code(), Some(1002));
}

#[test]
fn an_event_reaches_each_as_it_wants_it() {
    let server = server();
    let (mut one, mut other) = (deflating(&server), deflating(&server));
    let mut plain = Wire::open(server.target(), PATH);
    plain.text();
    subscribe(&mut one, "room");
    subscribe(&mut other, "room");
    plain.send(&WireFrame::text(&subscription("room")));
    plain.text();
    for number in 0..50 {
        server.api().publish("room", "said", &long(number));
    }
    for number in 0..50 {
        let (first, second) = (one.read().unwrap(), other.read().unwrap());
        assert!(first.payload.len() < 300, "{} bytes", first.payload.len());
        assert_eq!(first.payload, second.payload);
        assert_eq!(data(&first, true), long(number));
        assert_eq!(data(&plain.read().unwrap(), false), long(number));
    }
    // What would hardly shrink stays as it is.
    server.api().publish("room", "said", "short");
    assert_eq!(data(&one.read().unwrap(), false), "short");
}

#[test]
fn a_cached_event_is_compressed_for_who_comes_later() {
    let server = server();
    server.api().publish("cache-room", "said", &long(1));
    let mut late = deflating(&server);
    subscribe(&mut late, "cache-room");
    assert_eq!(data(&late.read().unwrap(), true), long(1));
}

#[test]
fn what_clients_compress_is_read() {
    let server = server();
    let channel = "private-room";
    let (mut one, mut other) = (deflating(&server), deflating(&server));
    for wire in [&mut one, &mut other] {
        subscribe(wire, "marker");
        let refused = json!({ "event": "pusher:subscribe", "data": { "channel": channel } });
        wire.send(&squeezed(&refused.to_string()));
        assert!(wire.text().contains("Auth info required"));
        assert!(wire.text().contains("subscription_error"));
    }
    let text = json!({ "event": "pusher:ping", "data": {} }).to_string();
    let halves = deflate(&text);
    let (head, tail) = halves.split_at(halves.len() / 2);
    let first = WireFrame { reserved: 4, ..WireFrame::new(Opcode::Text, head) };
    one.send(&first.unfinished());
    one.send(&WireFrame::new(Opcode::Continuation, tail));
    assert!(one.text().contains("pusher:pong"));
    one.send(&WireFrame::text(&text));
    assert!(one.text().contains("pusher:pong"), "a message need not be compressed");
}

#[test]
fn bad_compression_ends_the_connection_and_a_bomb_costs_nothing() {
    let server = server();
    let mut garbage = deflating(&server);
    garbage.send(&WireFrame { reserved: 4, ..WireFrame::new(Opcode::Text, [0xff; 40]) });
    assert_eq!(garbage.close_code(), Some(1007));
    let before = server.rss_bytes();
    let mut bomb = deflating(&server);
    bomb.send(&squeezed(&"0".repeat(30 << 20)));
    assert_eq!(bomb.close_code(), Some(1009));
    assert!(server.rss_bytes() < before + (8 << 20));
}
