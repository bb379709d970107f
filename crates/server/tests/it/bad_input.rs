//! What a WebSocket client must not send: frames that break RFC 6455, and messages that break ours.
//! The rule each time: the client is told or closed, and nobody else notices.

use bellwire_testkit::{App, Opcode, Server, Wire, WireFrame};
use serde_json::{Value, json};

use crate::support::{PATH, featured, serve_app, server};

const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;

/// An upgraded connection past `connection_established`.
fn established(server: &Server) -> Wire {
    let mut wire = Wire::open(server.target(), PATH);
    assert!(wire.text().contains("pusher:connection_established"));
    wire
}

#[track_caller]
fn expect_pong(wire: &mut Wire) {
    let text = wire.text();
    assert!(text.contains("pusher:pong"), "{text}");
}

/// Sends these frames on a new connection and expects it closed with `code`.
#[track_caller]
fn closes_with(server: &Server, code: u16, frames: &[WireFrame]) {
    let mut wire = established(server);
    let bytes: Vec<u8> = frames.iter().flat_map(WireFrame::to_bytes).collect();
    wire.send_bytes(&bytes);
    assert_eq!(wire.close_code(), Some(code), "{frames:?}");
}

// contract: 1.5
#[test]
fn frames_that_break_rfc_6455_are_closed_with_1002() {
    let server = server();
    let text = WireFrame::text;
    let with = |change: fn(&mut WireFrame)| {
        let mut frame = text(PING);
        change(&mut frame);
        frame
    };
    let long_ping = WireFrame::new(Opcode::Ping, vec![0; 126]);
    for frames in [
        vec![text(PING).unmasked()],
        vec![with(|frame| frame.reserved = 4)],
        vec![with(|frame| frame.reserved = 1)],
        vec![with(|frame| frame.opcode = 3)],
        vec![with(|frame| frame.opcode = 15)],
        vec![WireFrame::new(Opcode::Continuation, "x")],
        vec![text("{").unfinished(), text("}")],
        vec![long_ping],
        vec![WireFrame::new(Opcode::Ping, "").unfinished()],
        vec![WireFrame::new(Opcode::Close, "x")],
        vec![WireFrame::close(999)],
        vec![WireFrame::close(1005)],
    ] {
        closes_with(&server, 1002, &frames);
    }
    server.connect().settle();
}

// contract: 1.5
#[test]
fn text_that_is_not_utf_8_is_closed_with_1007() {
    let server = server();
    for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"{\"event\":\"\x80\"}"] {
        closes_with(&server, 1007, &[WireFrame::new(Opcode::Text, bytes)]);
    }
    let half = WireFrame::new(Opcode::Text, &b"\xc3"[..]).unfinished();
    let wrong_half = WireFrame::new(Opcode::Continuation, &b"\x28"[..]);
    closes_with(&server, 1007, &[half, wrong_half]);
}

// contract: 1.5
#[test]
fn binary_frames_fragmented_or_not_are_closed_with_1003() {
    let server = server();
    closes_with(&server, 1003, &[WireFrame::new(Opcode::Binary, PING)]);
    closes_with(&server, 1003, &[WireFrame::new(Opcode::Binary, PING).unfinished()]);
}

// contract: 3.11
#[test]
fn a_frame_that_claims_to_be_enormous_is_refused_before_it_comes() {
    let server = server();
    let before = server.rss_bytes();
    let mut wires = Vec::new();
    for claimed in [1_u64 << 30, 1 << 40, (1 << 63) - 1] {
        let mut wire = established(&server);
        let mut frame = WireFrame::text(PING);
        frame.claimed_length = Some(claimed);
        wire.send(&frame);
        assert_eq!(wire.close_code(), Some(1009), "{claimed}");
        wires.push(wire);
    }
    closes_with(
        &server,
        1002,
        &[WireFrame { claimed_length: Some(1 << 63), ..WireFrame::text(PING) }],
    );
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 32 << 20, "grew by {growth} bytes");
}

// contract: 3.11
#[test]
fn a_message_without_end_is_refused_though_each_fragment_is_small() {
    let server = server();
    let before = server.rss_bytes();
    let mut wire = established(&server);
    let piece = "x".repeat(60_000);
    let mut is_open = wire.try_send_bytes(&WireFrame::text(&piece).unfinished().to_bytes()).is_ok();
    let more = WireFrame::new(Opcode::Continuation, piece).unfinished().to_bytes();
    let mut sent = 0;
    while is_open && sent < 2000 {
        is_open = wire.try_send_bytes(&more).is_ok();
        sent += 1;
    }
    assert!(sent < 2000, "120 MB of one message were taken");
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 32 << 20, "grew by {growth} bytes");
    server.connect().settle();
}

// contract: 1.5, 2.2
#[test]
fn a_fragmented_message_works_with_control_frames_in_between() {
    let server = server();
    let mut wire = established(&server);
    let (head, tail) = PING.split_at(10);
    for frame in [
        WireFrame::text(head).unfinished(),
        WireFrame::new(Opcode::Ping, "in between"),
        WireFrame::new(Opcode::Continuation, "").unfinished(),
        WireFrame::new(Opcode::Pong, ""),
        WireFrame::new(Opcode::Continuation, tail),
    ] {
        wire.send(&frame);
    }
    let pong = wire.read().unwrap();
    assert_eq!(pong.opcode, Opcode::Pong as u8);
    assert_eq!(pong.payload, b"in between");
    expect_pong(&mut wire);
}

// contract: 1.5
#[test]
fn frames_may_arrive_byte_by_byte_or_many_in_one_packet() {
    let server = server();
    let mut wire = established(&server);
    for byte in WireFrame::text(PING).to_bytes() {
        wire.send_bytes(&[byte]);
    }
    expect_pong(&mut wire);
    wire.send_bytes(&WireFrame::text(PING).to_bytes().repeat(100));
    for _ in 0..100 {
        expect_pong(&mut wire);
    }
}

// contract: 1.5
#[test]
fn a_character_may_be_cut_between_two_fragments() {
    let server = server();
    let mut wire = established(&server);
    let text = r#"{"event":"né","data":{}}"#.as_bytes();
    let cut = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    wire.send(&WireFrame::new(Opcode::Text, &text[..cut]).unfinished());
    wire.send(&WireFrame::new(Opcode::Continuation, &text[cut..]));
    let answer = wire.text();
    assert!(answer.contains("né") || answer.contains("n\\u00e9"), "{answer}");
}

// contract: 1.5
#[test]
fn a_close_is_answered_with_a_close() {
    let server = server();
    for frame in [WireFrame::close(1000), WireFrame::close(4999), WireFrame::new(Opcode::Close, "")]
    {
        let mut wire = established(&server);
        wire.send(&frame);
        assert!(wire.close_code().is_some());
        assert!(wire.read().is_none(), "the connection is ended");
    }
}

// contract: 3.11
#[test]
fn deeply_nested_json_is_an_error_and_not_the_end_of_the_server() {
    let server = serve_app(featured());
    let mut client = server.connect();
    client.ask("private-a", None);
    client.expect("pusher_internal:subscription_succeeded");
    client.expect("pusher_internal:subscription_count");
    for depth in [200, 4_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth / 4), "}".repeat(depth / 4));
        for text in [
            nested.clone(),
            "[".repeat(depth),
            format!(r#"{{"event":"pusher:subscribe","data":{nested}}}"#),
            format!(r#"{{"event":"pusher:subscribe","data":{objects}}}"#),
            format!(r#"{{"event":"pusher:subscribe","data":{{"channel":{nested}}}}}"#),
            format!(r#"{{"event":"pusher:signin","data":{nested}}}"#),
            format!(r#"{{"event":{nested}}}"#),
        ] {
            client.send(&text);
            client.expect_error();
        }
        client.send(&format!(r#"{{"event":"client-x","channel":"private-a","data":{nested}}}"#));
        client.drain();
    }
    client.settle();
}

// contract: 3.11
#[test]
fn a_key_that_stands_twice_does_no_harm() {
    let server = server();
    let mut client = server.connect();
    for text in [
        r#"{"event":"pusher:ping","event":"pusher:pong"}"#,
        r#"{"event":"pusher:ping","data":{},"data":1}"#,
        r#"{"event":"pusher:subscribe","data":{"channel":"a","channel":"private-b"}}"#,
        r#"{"event":"pusher:subscribe","data":{"channel":"private-b","channel":"c"},"data":{}}"#,
    ] {
        client.send(text);
    }
    client.say("pusher:unsubscribe", &json!({ "channel": "nowhere-to-be-found" }));
    loop {
        let frame = client.message();
        if frame.text().contains("nowhere-to-be-found") {
            break;
        }
    }
    let channel = server.api().channel("private-b", "");
    assert_eq!(channel["occupied"], false, "no way around the signature");
}

/// Frames of one event with every shape of `data` that is not the right one.
fn mistyped(event: &str, field: &str, rest: &Value) -> Vec<Value> {
    let mut frames = vec![json!({ "event": event })];
    for data in [json!(null), json!(""), json!("x"), json!(1), json!([]), json!({}), json!(true)] {
        frames.push(json!({ "event": event, "data": data }));
    }
    for wrong in [json!(null), json!(1), json!([]), json!({}), json!(false)] {
        let mut data = rest.clone();
        data[field] = wrong;
        frames.push(json!({ "event": event, "data": data }));
    }
    frames
}

// contract: 4.1, 4.13
#[test]
fn a_subscribe_with_missing_or_mistyped_fields_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    let auth = client.auth_for("private-a", None);
    let rest = json!({ "channel": "private-a", "auth": auth });
    for field in ["channel", "auth"] {
        for frame in mistyped("pusher:subscribe", field, &rest) {
            client.send_json(&frame);
            assert_eq!(client.expect_error().error_code(), None, "{frame}");
            client.drain();
        }
    }
    client.subscribe("private-a");
}

// contract: 5.2
#[test]
fn a_presence_subscribe_with_mistyped_channel_data_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    let member = r#"{"user_id":"ann"}"#;
    let auth = client.auth_for("presence-a", Some(member));
    let rest = json!({ "channel": "presence-a", "auth": auth, "channel_data": member });
    for frame in mistyped("pusher:subscribe", "channel_data", &rest) {
        client.send_json(&frame);
        assert_eq!(client.expect_error().error_code(), None, "{frame}");
        client.drain();
    }
    client.send_json(&json!({ "event": "pusher:subscribe", "data": rest }));
    client.expect_on("pusher_internal:subscription_succeeded", "presence-a");
}

// contract: 4.12
#[test]
fn an_unsubscribe_with_missing_or_mistyped_fields_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    for frame in mistyped("pusher:unsubscribe", "channel", &json!({})) {
        client.send_json(&frame);
        assert_eq!(client.expect_error().error_code(), None, "{frame}");
    }
    server.api().publish("a", "x", "");
    client.expect("x");
}

// contract: 6.4
#[test]
fn a_sign_in_with_mistyped_fields_is_an_error_and_the_connection_stays() {
    let server = server();
    let mut client = server.connect();
    let rest = json!({ "auth": "key-1:0", "user_data": "{\"id\":\"ann\"}" });
    for field in ["auth", "user_data"] {
        for frame in mistyped("pusher:signin", field, &rest) {
            client.send_json(&frame);
            assert_eq!(client.expect_error().error_code(), None, "{frame}");
        }
    }
    client.sign_in(r#"{"id":"ann"}"#);
}

// contract: 3.8, 3.10
#[test]
fn an_answer_that_quotes_the_client_is_still_valid_json() {
    let server = server();
    let mut client = server.connect();
    for name in ["\"", "\\", "\u{0}", "\u{1f}\u{7f}", "\u{2028}", "</script>", "{}", "\u{10ffff}"] {
        client.say(name, &json!({}));
        client.expect_error();
        client.unsubscribe(name);
        client.expect_error();
    }
    let long = "n".repeat(20_000);
    client.say(&long, &json!({}));
    client.expect_error();
    client.settle();
}

// contract: 1.8
#[test]
fn frames_behind_a_refusal_are_not_acted_on() {
    let server = serve_app(App::new(1).with("enabled = false"));
    let subscribe = json!({ "event": "pusher:subscribe", "data": { "channel": "a" } });
    let early = WireFrame::text(&subscribe.to_string()).to_bytes();
    let mut wire = Wire::open_with_early_bytes(server.target(), PATH, &early);
    let mut texts = Vec::new();
    while let Some(frame) = wire.read() {
        if frame.opcode == Opcode::Text as u8 {
            texts.push(String::from_utf8(frame.payload).unwrap());
        }
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("pusher:error"), "{texts:?}");
}
