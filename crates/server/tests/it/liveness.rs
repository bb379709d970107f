//! Contract 2: pings of both kinds, probes, and who is given up.

use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{App, Config, Incoming, Opcode, Server, Wire, WireFrame};
use serde_json::json;

use crate::support::{PATH, serve, server};

fn impatient_server() -> Server {
    let config =
        Config::with(App::new(1)).setting("activity_timeout_s = 1").setting("pong_timeout_s = 1");
    serve(config)
}

// contract: 2.1, 2.6, 3.8
#[test]
fn a_pusher_ping_is_answered_whatever_its_data_is() {
    let server = server();
    let mut client = server.open(PATH);
    client.send(r#"{"event":"pusher:ping","data":{}}"#);
    client.expect_established();
    let pong = client.expect("pusher:pong");
    assert_eq!(pong.data_text(), "{}");
    for ping in [
        r#"{"event":"pusher:ping"}"#,
        r#"{"event":"pusher:ping","data":""}"#,
        r#"{"event":"pusher:ping","data":"{}"}"#,
        r#"{"event":"pusher:ping","data":null}"#,
        r#"{"data":{},"event":"pusher:ping","channel":"x"}"#,
    ] {
        client.send(ping);
        assert_eq!(client.expect("pusher:pong").data_text(), "{}");
    }
}

// contract: 2.2
#[test]
fn an_rfc_ping_is_answered_with_its_payload() {
    let server = server();
    let mut client = server.connect();
    for payload in [&b""[..], b"dotnet", &[0xff; 125]] {
        client.ping(payload);
        match client.incoming() {
            Incoming::Pong(echo) => assert_eq!(echo, payload),
            other => panic!("not a pong: {other:?}"),
        }
    }
}

// contract: 2.2
#[test]
fn rfc_pings_are_not_rate_limited() {
    let server = server();
    let mut client = server.connect();
    for _ in 0..1000 {
        client.ping(b"");
    }
    for _ in 0..1000 {
        assert!(matches!(client.incoming(), Incoming::Pong(_)));
    }
    client.settle();
}

// contract: 2.3, 2.5
#[test]
fn a_silent_client_is_probed_with_an_rfc_ping_and_then_closed_with_4201() {
    let server = impatient_server();
    let mut wire = Wire::open(server.target(), PATH);
    assert!(wire.text().contains("pusher:connection_established"));
    let probe = wire.read().unwrap();
    assert_eq!(probe.opcode, Opcode::Ping as u8, "{probe:?}");
    let close = loop {
        let frame = wire.read().expect("ended without a close frame");
        // No client but pusher-js answers a `pusher:ping` of the server.
        let text = String::from_utf8_lossy(&frame.payload);
        assert!(!text.contains("pusher:ping"), "{text}");
        if frame.opcode == Opcode::Close as u8 {
            break frame.payload;
        }
    };
    assert_eq!(close[..2], 4201_u16.to_be_bytes());
    assert_eq!(&close[2..], b"Pong reply not received");
}

// contract: 2.5
#[test]
fn a_client_that_answers_its_probes_stays() {
    let server = impatient_server();
    let mut client = server.connect();
    for _ in 0..3 {
        assert!(matches!(client.incoming(), Incoming::Ping));
    }
    client.settle();
}

// contract: 2.4
#[test]
fn every_inbound_frame_counts_as_life() {
    let config =
        Config::with(App::new(1)).setting("activity_timeout_s = 3").setting("pong_timeout_s = 3");
    let server = serve(config);
    let signs_of_life = [
        WireFrame::text(r#"{"event":"pusher:pong","data":{}}"#),
        WireFrame::new(Opcode::Ping, ""),
        WireFrame::new(Opcode::Pong, ""),
    ];
    let mut wires = signs_of_life.each_ref().map(|_| Wire::open(server.target(), PATH));
    let end = Instant::now() + Duration::from_secs(9);
    while Instant::now() < end {
        for (wire, sign) in wires.iter_mut().zip(&signs_of_life) {
            wire.send(sign);
        }
        thread::sleep(Duration::from_millis(100));
    }
    for wire in &mut wires {
        wire.send(&WireFrame::text(r#"{"event":"pusher:ping"}"#));
        while !wire.text().contains("pusher:pong") {}
    }
}

// contract: 2.7
#[test]
fn a_pusher_pong_is_accepted_silently() {
    let server = server();
    let mut client = server.connect();
    client.send(r#"{"event":"pusher:pong"}"#);
    client.say("pusher:pong", &json!({}));
    client.say("pusher:pong", &json!("{}"));
    client.settle();
}
