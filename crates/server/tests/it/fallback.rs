//! Contract B1, B2.2 and B6: URLs and sessions of the HTTP fallbacks, whichever way they receive.

use bellwire_testkit::{
    App, Config, Fallback, FallbackFrame, Frame, Server, Streaming, channel_auth,
};
use serde_json::json;

use crate::support::{PATH, eventually, serve, serve_app, server};

const SESSION: &str = "0123abcv";

pub(crate) fn fallback(server: &Server) -> Fallback {
    Fallback::new(server.target(), "key-1", SESSION)
}

pub(crate) fn socket_id(established: &Frame) -> String {
    assert_eq!(established.event(), "pusher:connection_established");
    established.data()["socket_id"].as_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn subscribed(fallback: &Fallback, stream: &mut Streaming, channel: &str) {
    fallback.say("pusher:subscribe", &json!({ "channel": channel, "auth": "" }));
    stream.expect("pusher_internal:subscription_succeeded");
}

pub(crate) fn opened_by_polls(server: &Server) -> Fallback {
    let fallback = fallback(server);
    let opening = fallback.poll();
    if opening.len() == 1 {
        fallback.poll_messages();
    }
    fallback
}

// contract: B1.1, B6.6
#[test]
fn a_whole_conversation_runs_over_a_stream() {
    let server = serve_app(crate::support::featured());
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    let id = socket_id(&stream.message());
    subscribed(&fallback, &mut stream, "public");
    stream.expect("pusher_internal:subscription_count");
    let auth = channel_auth("key-1", "secret-1", &id, "private-a", None);
    fallback.say("pusher:subscribe", &json!({ "channel": "private-a", "auth": auth }));
    stream.expect("pusher_internal:subscription_succeeded");
    stream.expect("pusher_internal:subscription_count");
    server.api().publish("public", "sold", "{\"n\":1}");
    assert_eq!(stream.expect("sold").data_text(), "{\"n\":1}");
    let mut socket = server.connect();
    socket.subscribe("private-a");
    socket.expect("pusher_internal:subscription_count");
    stream.expect("pusher_internal:subscription_count");
    let event = json!({ "event": "client-hi", "channel": "private-a", "data": "1" });
    assert_eq!(fallback.send(&[event.to_string()]).status, 204);
    socket.expect_on("client-hi", "private-a");
    socket.trigger("private-a", "client-ho", &json!("2"));
    stream.expect("client-ho");
    let body = json!({ "name": "x", "data": "", "channel": "public", "socket_id": id });
    server.api().events(&body).ok();
    server.api().publish("public", "marker", "");
    stream.expect("marker");
    fallback.say("pusher:ping", &json!({}));
    stream.expect("pusher:pong");
}

// contract: B1.1
#[test]
fn the_operators_prefix_may_precede_the_fallback_path_too() {
    let server = serve(Config::with(App::new(1)).setting("path_prefix = \"/realtime\""));
    for base in ["/realtime/pusher/app/key-1/9/aaaaaaaa", "/pusher/app/key-1/9/bbbbbbbb"] {
        let mut stream = Fallback::at(server.target(), base).stream();
        stream.expect("pusher:connection_established");
    }
}

// contract: B1.2, B6.7
#[test]
fn the_receive_call_is_where_the_protocol_is_read() {
    let server = server();
    let refused = |query: &str, session: &str| {
        let fallback = Fallback::new(server.target(), "key-1", session);
        let mut request = fallback.request("xhr");
        let path = request.path.split('?').next().unwrap().to_owned();
        request.path = format!("{path}?{query}");
        let response = server.http(&request);
        assert_eq!(response.status, 200);
        response.text().to_owned()
    };
    let text = refused("protocol=2&client=js&version=8.6.0&t=1&n=1", "aaaaaaaa");
    assert!(text.starts_with("o\n") && text.contains("c[4007,"), "{text}");
    let text = refused("t=1&n=1", "bbbbbbbb");
    assert!(text.starts_with("o\n") && text.contains("c[4008,"), "{text}");
}

// contract: B1.3
#[test]
fn key_server_and_session_together_make_a_session() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let bases = [
        "/pusher/app/key-1/1/aaaaaaaa",
        "/pusher/app/key-1/2/aaaaaaaa",
        "/pusher/app/key-2/1/aaaaaaaa",
        "/pusher/app/key-1/1/aaaaaaab",
    ];
    let mut ids: Vec<String> = Vec::new();
    let mut streams = Vec::new();
    for base in bases {
        let mut stream = Fallback::at(server.target(), base).stream();
        ids.push(socket_id(&stream.message()));
        streams.push(stream);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), bases.len());
}

// contract: B2.2
#[test]
fn responses_are_marked_against_caching_and_buffering() {
    let server = server();
    let stream = fallback(&server).stream();
    let head = stream.head();
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert_eq!(head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(head.header("content-encoding"), None);
}

// contract: B6.1
#[test]
fn an_unknown_session_on_a_receive_call_is_a_new_session() {
    let server = server();
    let first = Fallback::new(server.target(), "key-1", "vvvvvvvv").poll();
    assert!(matches!(first[0], FallbackFrame::Open(_)), "{first:?}");
}

// contract: B6.2
#[test]
fn an_unknown_session_on_a_send_call_is_not_found() {
    let server = server();
    let response = fallback(&server).send(&["{}".to_owned()]);
    assert_eq!(response.status, 404);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
}

// contract: B6.3
#[test]
fn a_session_whose_client_went_away_expires() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    let id = socket_id(&stream.message());
    let member = r#"{"user_id":"ann"}"#;
    let auth = channel_auth("key-1", "secret-1", &id, "presence-a", Some(member));
    let data = json!({ "channel": "presence-a", "auth": auth, "channel_data": member });
    fallback.say("pusher:subscribe", &data);
    stream.expect("pusher_internal:subscription_succeeded");
    let mut watcher = server.connect();
    watcher.join("presence-a", r#"{"user_id":"w"}"#);
    stream.expect("pusher_internal:member_added");
    stream.abort();
    watcher.expect_on("pusher_internal:member_removed", "presence-a");
    assert_eq!(fallback.send(&["{}".to_owned()]).status, 404);
}

// contract: B6.4
#[test]
fn frames_wait_in_order_between_polls_and_too_many_end_the_session() {
    let server = serve(Config::with(App::new(1)).setting("backlog_bytes_max = 65536"));
    let fallback = opened_by_polls(&server);
    fallback.say("pusher:subscribe", &json!({ "channel": "public" }));
    fallback.poll_messages();
    let data = "x".repeat(10_000);
    for _ in 0..40 {
        server.api().publish("public", "tick", &data);
    }
    eventually("the session is dropped", || {
        server.api().channel("public", "")["occupied"] == false
    });
    server.connect().settle();
}

// contract: B6.5
#[test]
fn sends_on_several_connections_are_all_heard() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let fallback = fallback.clone();
            scope.spawn(move || {
                fallback.say("pusher:subscribe", &json!({ "channel": format!("c-{n}") }));
            });
        }
    });
    let mut channels: Vec<_> = (0..8)
        .map(|_| stream.expect("pusher_internal:subscription_succeeded"))
        .map(|frame| frame.channel().unwrap().to_owned())
        .collect();
    channels.sort();
    let expected: Vec<_> = (0..8).map(|n| format!("c-{n}")).collect();
    assert_eq!(channels, expected);
}

// contract: B6.5
#[test]
fn one_send_may_hold_several_messages_and_they_keep_their_order() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    let subscribe = |channel: &str| {
        json!({ "event": "pusher:subscribe", "data": { "channel": channel } }).to_string()
    };
    let messages = ["a", "b", "c"].map(subscribe);
    assert_eq!(fallback.send(&messages).status, 204);
    for channel in ["a", "b", "c"] {
        let frame = stream.expect("pusher_internal:subscription_succeeded");
        assert_eq!(frame.channel(), Some(channel));
    }
}

// contract: B6.6
#[test]
fn a_fallback_session_counts_toward_the_quota() {
    let server = serve_app(App::new(1).with("max_connections = 1"));
    let mut stream = fallback(&server).stream();
    stream.expect("pusher:connection_established");
    server.open(PATH).expect_refusal(4004);
    let mut other = Fallback::new(server.target(), "key-1", "zzzzzzzz").stream();
    assert!(matches!(other.frame(), Some(FallbackFrame::Open(_))));
    assert_eq!(other.close_code(), 4004);
}

// contract: B6.6
#[test]
fn a_fallback_session_must_authorise_like_any_other() {
    let app = App::new(1).with("authorized_connections = true");
    let server = serve(Config::with(app).setting("authorize_within_s = 1"));
    assert_eq!(fallback(&server).stream().close_code(), 4009);
}

// contract: B6.7
#[test]
fn a_refusal_is_an_o_followed_by_a_c() {
    let server = server();
    let stranger = Fallback::new(server.target(), "stranger", SESSION);
    let mut stream = stranger.stream();
    assert!(matches!(stream.frame(), Some(FallbackFrame::Open(_))));
    assert_eq!(stream.close_code(), 4001);
    let frames = Fallback::new(server.target(), "stranger", "zzzzzzzz").poll();
    assert!(matches!(frames.first(), Some(FallbackFrame::Open(_))), "{frames:?}");
    assert!(matches!(frames.last(), Some(FallbackFrame::Close(4001, _))), "{frames:?}");
}

// contract: B6.8
#[test]
fn an_open_frame_names_no_other_host_on_a_single_node() {
    let server = server();
    let frames = fallback(&server).poll();
    assert_eq!(frames[0], FallbackFrame::Open(None));
}

// contract: B6.9
#[test]
fn a_client_that_can_set_no_headers_is_served_all_the_same() {
    let server = server();
    let mut request = fallback(&server).request("xhr");
    request.headers.clear();
    let response = server.http(&request);
    assert_eq!(response.status, 200);
    assert!(response.text().starts_with('o'));
}

// contract: B6.2
#[test]
fn a_send_that_is_no_array_of_strings_is_refused_and_the_session_lives() {
    let server = server();
    let fallback = fallback(&server);
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    for body in ["", "x", "{}", "[1]", "[{}]", "\"x\"", "[[\"x\"]]", "[\"x\""] {
        let request = fallback.request("xhr_send").body(body);
        let status = server.http(&request).status;
        assert!((400..500).contains(&status), "{body}: {status}");
    }
    let status = server.http(&fallback.request("xhr_send").body(b"[\"\xff\"]")).status;
    assert!((400..500).contains(&status), "{status}");
    fallback.say("pusher:ping", &json!({}));
    stream.expect("pusher:pong");
    assert_eq!(fallback.send(&["rubbish".to_owned()]).status, 204);
    stream.expect("pusher:error");
}
