//! The habits of the official clients that are not pusher-js, as their sources have them.

use bellwire_testkit::{App, Client, Incoming, Server};
use serde_json::{Value, json};

use crate::support::serve_app;

fn everything() -> App {
    App::new(1).with("client_events = true").with("subscription_count = true")
}

/// What every one of them does once it is connected.
#[track_caller]
fn lives_a_day(server: &Server, client: &mut Client) {
    client.ask("public", None);
    let frame = client.expect_on("pusher_internal:subscription_succeeded", "public");
    assert_eq!(frame.data_text(), "{}");
    client.expect_on("pusher_internal:subscription_count", "public");
    client.join("presence-a", r#"{"user_id": "1", "user_info": {"name": "Zo\u00eb"}}"#);
    server.api().publish("public", "sold", "{\"n\":1}");
    assert_eq!(client.expect_on("sold", "public").data_text(), "{\"n\":1}");
    client.unsubscribe("public");
}

// contract: 1.3, 2.1, 3.4, 3.5, 3.8
#[test]
fn java_speaks_protocol_5_and_pings_without_data() {
    let server = serve_app(everything());
    let mut client = server.open("/app/key-1?client=java-client&protocol=5&version=2.4.4");
    client.expect_established();
    client.send(r#"{"event":"pusher:ping"}"#);
    let pong = client.expect("pusher:pong");
    assert!(pong.json()["data"].is_string(), "getData() dereferences it");
    lives_a_day(&server, &mut client);
    client.send(r#"{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key-1:0"}}"#);
    let error = client.expect_subscription_refused("private-x");
    assert_eq!(error.json()["data"]["code"], Value::Null);
}

// contract: 1.6, 2.2, 3.2, 3.6
#[test]
fn swift_asks_for_a_subprotocol_and_pings_by_rfc() {
    let server = serve_app(everything());
    let subprotocol = [("Sec-WebSocket-Protocol", "pusher-channels-protocol-7")];
    let path = "/app/key-1?protocol=7&client=pusher-websocket-swift&version=10.1.10";
    let mut client = server.open_with(path, &subprotocol);
    assert_eq!(client.subprotocol(), Some("pusher-channels-protocol-7"));
    client.expect_established();
    client.ping(b"");
    assert!(matches!(client.incoming(), Incoming::Pong(_)));
    lives_a_day(&server, &mut client);
}

// contract: 1.3, 2.2, 3.3, 4.9, 5.5
#[test]
fn dotnet_pings_by_rfc_all_the_time_and_walks_ids_against_the_hash() {
    let server = serve_app(everything());
    let mut client = server.open("/app/key-1?protocol=5&client=pusher-dotnet-client&version=2.3.1");
    client.expect_established();
    for _ in 0..20 {
        client.ping(b"");
        assert!(matches!(client.incoming(), Incoming::Pong(_)));
    }
    lives_a_day(&server, &mut client);
    let frame = client.join("presence-b", r#"{"user_id":"2"}"#);
    let presence = frame.data()["presence"].clone();
    let hash = presence["hash"].as_object().unwrap();
    for id in presence["ids"].as_array().unwrap() {
        assert!(hash.contains_key(id.as_str().unwrap()), "KeyNotFound in .NET");
    }
    client.say("pusher:subscribe", &json!({ "channel": "private-x", "auth": "" }));
    client.expect_subscription_refused("private-x");
}

// contract: 1.3, 1.10, 2.1
#[test]
fn pysher_pings_before_anything_else() {
    let server = serve_app(everything());
    let mut client = server.open("/app/key-1?client=Pysher&version=1.0.8&protocol=6");
    client.send(r#"{"event": "pusher:ping", "data": ""}"#);
    let established = client.expect_established();
    assert!(established.data()["socket_id"].is_string());
    client.expect("pusher:pong");
    lives_a_day(&server, &mut client);
    client.send(r#"{"event": "pusher:pong", "data": ""}"#);
    client.settle();
}

// contract: 4.1, 6.6, 7.6
#[test]
fn pusher_js_sends_an_empty_auth_and_may_leave_out_the_data_of_a_trigger() {
    let server = serve_app(everything());
    let mut client = server.open("/app/key-1?protocol=7&client=js&version=8.6.0&flash=false");
    client.expect_established();
    client.sign_in(r#"{"id":"ann"}"#);
    client.send(
        r##"{"event":"pusher:subscribe","data":{"auth":"","channel":"#server-to-user-ann"}}"##,
    );
    client.expect_on("pusher_internal:subscription_succeeded", "#server-to-user-ann");
    client.ask("private-a", None);
    client.expect("pusher_internal:subscription_succeeded");
    client.expect("pusher_internal:subscription_count");
    client.send(r#"{"event":"client-x","channel":"private-a"}"#);
    client.expect_error();
    client.settle();
}
