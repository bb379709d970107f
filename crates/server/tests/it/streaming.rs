//! Contract B3 and B4: xhr_streaming.

use bellwire_testkit::{App, Config, FallbackFrame, Frame};
use serde_json::json;

use crate::fallback::{fallback, socket_id, subscribed};
use crate::support::{serve, server};

// contract: B1.1, B3.1, B4.1
#[test]
fn a_stream_opens_with_a_prelude_an_o_and_connection_established() {
    let server = server();
    let mut stream = fallback(&server).stream();
    let prelude = stream.line().unwrap();
    assert!(prelude.len() >= 2048, "{} characters", prelude.len());
    assert!(prelude.trim_end_matches('\n').bytes().all(|byte| byte == b'h'));
    assert!(matches!(stream.frame(), Some(FallbackFrame::Open(_))));
    let Some(FallbackFrame::Messages(messages)) = stream.frame() else {
        panic!("no a[…] after o");
    };
    let established = Frame::parse(messages[0].clone());
    assert!(socket_id(&established).contains('.'));
    assert_eq!(established.data()["activity_timeout"], 120);
}

// contract: B3.2, B4.4
#[test]
fn a_quiet_stream_is_kept_warm_with_empty_arrays() {
    let server = server();
    let mut stream = fallback(&server).stream();
    stream.expect("pusher:connection_established");
    let warmth = stream.frame();
    assert_eq!(warmth, Some(FallbackFrame::Messages(Vec::new())));
}

// contract: B4.2
#[test]
fn the_server_does_not_end_a_stream() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    subscribed(&fallback, &mut stream, "public");
    for n in 0..50 {
        server.api().publish("public", "tick", &n.to_string());
        assert_eq!(stream.expect("tick").data_text(), n.to_string());
    }
}

// contract: B4.3
#[test]
fn after_256_kib_the_client_starts_a_new_request_and_misses_nothing() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    subscribed(&fallback, &mut stream, "public");
    let data = "x".repeat(10_000);
    let total = 60;
    for n in 0..total {
        server.api().publish("public", "tick", &format!("{n} {data}"));
    }
    let mut resumed = 0;
    let mut expected = 0;
    while expected < total {
        let tick = stream.expect("tick");
        assert!(tick.data_text().starts_with(&format!("{expected} ")), "not tick {expected}");
        expected += 1;
        if stream.received() > 256 * 1024 && stream.is_read_through() {
            stream.abort();
            stream = fallback.stream();
            resumed += 1;
        }
    }
    assert!(resumed >= 1);
}

// contract: B4.3
#[test]
fn a_resumed_stream_has_no_second_o_and_loses_nothing_of_the_gap() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    subscribed(&fallback, &mut stream, "public");
    stream.abort();
    let mut resumed = fallback.stream();
    for n in 0..3 {
        server.api().publish("public", "tick", &n.to_string());
    }
    let mut heard = Vec::new();
    while heard.len() < 3 {
        match resumed.frame().unwrap() {
            FallbackFrame::Messages(messages) => heard.extend(messages),
            other => panic!("{other:?}"),
        }
    }
    let data: Vec<_> =
        heard.into_iter().map(|text| Frame::parse(text).data_text().to_owned()).collect();
    assert_eq!(data, ["0", "1", "2"]);
}

// contract: B4.5
#[test]
fn a_silent_stream_is_checked_with_h_and_given_up_without_an_answer() {
    let config =
        Config::with(App::new(1)).setting("activity_timeout_s = 1").setting("pong_timeout_s = 1");
    let server = serve(config);
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    for _ in 0..3 {
        while stream.frame() != Some(FallbackFrame::Heartbeat) {}
        assert_eq!(fallback.send(&[]).status, 204);
    }
    fallback.say("pusher:ping", &json!({}));
    stream.expect("pusher:pong");
    assert_eq!(stream.close_code(), 4201);
}

// contract: B4.6, B6.2
#[test]
fn the_clients_ping_is_answered_with_an_empty_array_and_not_with_h() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    for _ in 0..3 {
        let response = fallback.send(&[]);
        assert_eq!(response.status, 204);
        assert_eq!(stream.frame(), Some(FallbackFrame::Messages(Vec::new())));
    }
}
