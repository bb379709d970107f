//! Contract 1: the upgrade, what is refused and how.

use std::collections::HashSet;

use bellwire_testkit::{App, Client, Config, Opcode, Request, Wire, WireFrame};
use serde_json::json;

use crate::support::{PATH, eventually, serve, serve_app, server};

// contract: 1.1
#[test]
fn an_upgrade_is_accepted_and_unknown_query_parameters_are_ignored() {
    let server = server();
    let extra = "&flash=false&shoe=%2042&empty=&bare";
    server.open(&format!("{PATH}{extra}")).expect_established();
}

// contract: 1.1
#[test]
fn wss_is_accepted_on_a_tls_listener() {
    let server = serve(Config::with(App::new(1)).tls());
    let mut client = server.connect();
    client.subscribe("shop");
    server.api().publish("shop", "sold", "{}");
    client.expect_on("sold", "shop");
}

// contract: 1.1
#[test]
fn a_subscribe_sent_in_the_same_packet_as_the_upgrade_is_not_lost() {
    let server = server();
    let subscribe = json!({ "event": "pusher:subscribe", "data": { "channel": "early" } });
    let early = WireFrame::text(&subscribe.to_string()).to_bytes();
    let mut wire = Wire::open_with_early_bytes(server.target(), PATH, &early);
    assert!(wire.text().contains("pusher:connection_established"));
    assert!(wire.text().contains("pusher_internal:subscription_succeeded"));
}

// contract: 1.2
#[test]
fn a_path_prefix_may_precede_the_app_path() {
    let server = serve(Config::with(App::new(1)).setting("path_prefix = \"/realtime\""));
    server.open(&format!("/realtime{PATH}")).expect_established();
    server.open(PATH).expect_established();
}

// contract: 1.3
#[test]
fn protocols_four_to_seven_are_accepted() {
    let server = server();
    for protocol in 4..=7 {
        let path = format!("/app/key-1?protocol={protocol}&client=x&version=1.0");
        server.open(&path).expect_established();
    }
}

// contract: 1.4
#[test]
fn an_unsupported_protocol_is_refused_with_4007() {
    let server = server();
    for protocol in ["0", "1", "2", "3", "8", "99999999999999999999", "-7", "7.5", "seven"] {
        let path = format!("/app/key-1?protocol={protocol}&client=js&version=8.6.0");
        server.open(&path).expect_refusal(4007);
    }
}

// contract: 1.4
#[test]
fn a_missing_protocol_is_refused_with_4008() {
    let server = server();
    server.open("/app/key-1").expect_refusal(4008);
    server.open("/app/key-1?client=js&version=8.6.0").expect_refusal(4008);
}

// contract: 1.4
#[test]
fn a_version_that_is_no_dotted_number_is_refused_with_4006() {
    let server = server();
    for version in ["abc", "8.x", "8..6"] {
        let path = format!("/app/key-1?protocol=7&client=js&version={version}");
        server.open(&path).expect_refusal(4006);
    }
}

// contract: 1.4
#[test]
fn a_missing_version_or_client_is_acceptable() {
    let server = server();
    server.open("/app/key-1?protocol=7").expect_established();
    server.open("/app/key-1?protocol=7&version=2").expect_established();
    server.open("/app/key-1?protocol=7&client=js").expect_established();
}

// contract: 1.4
#[test]
fn an_upgrade_on_another_path_is_refused_with_4005() {
    let server = server();
    for path in ["/app/key-1/more?protocol=7", "/nowhere?protocol=7", "/?protocol=7"] {
        server.open(path).expect_refusal(4005);
    }
}

// contract: 1.5
#[test]
fn a_binary_frame_is_answered_with_close_1003() {
    let server = server();
    let mut wire = Wire::open(server.target(), PATH);
    wire.send(&WireFrame::new(Opcode::Binary, "{\"event\":\"pusher:ping\",\"data\":{}}"));
    assert_eq!(wire.close_code(), Some(1003));
}

// contract: 1.6
#[test]
fn an_offered_subprotocol_is_echoed() {
    let server = server();
    let offered = "pusher-channels-protocol-7";
    let mut client = server.open_with(PATH, &[("Sec-WebSocket-Protocol", offered)]);
    assert_eq!(client.subprotocol(), Some(offered));
    client.expect_established();
    assert_eq!(server.open(PATH).subprotocol(), None);
}

// contract: 1.7, 1.8
#[test]
fn an_unknown_key_is_refused_by_an_upgrade_an_error_and_a_close_with_one_text() {
    let server = server();
    for protocol in 5..=7 {
        let path = format!("/app/stranger?protocol={protocol}&client=js&version=8.6.0");
        let text = server.open(&path).expect_refusal(4001);
        assert!(text.contains("stranger"), "{text}");
        assert!(text.contains("not in this cluster"), "{text}");
    }
}

// contract: 1.7
#[test]
fn a_key_that_is_no_key_at_all_is_still_refused_after_the_upgrade() {
    let server = server();
    for key in ["%00", "..%2F..", "%C3%A9", "%FF", &"k".repeat(2000)] {
        server.open(&format!("/app/{key}?protocol=7")).expect_refusal(4001);
    }
}

// contract: 1.9, 1.10, 1.12
#[test]
fn the_first_frame_is_connection_established_with_a_string_as_data() {
    let server = server();
    let mut client = server.open(PATH);
    let frame = client.expect_established();
    assert!(frame.json()["data"].is_string(), "{}", frame.text());
    let socket_id = client.socket_id();
    let (left, right) = socket_id.split_once('.').unwrap();
    for half in [left, right] {
        assert!(!half.is_empty() && half.bytes().all(|b| b.is_ascii_digit()), "{socket_id}");
    }
}

// contract: 1.11
#[test]
fn the_activity_timeout_is_an_integer_of_seconds_for_every_protocol() {
    let server = serve(Config::with(App::new(1)).setting("activity_timeout_s = 77"));
    for protocol in 4..=7 {
        let path = format!("/app/key-1?protocol={protocol}&client=x&version=1.0");
        let established = server.open(&path).expect_established();
        assert_eq!(established.data()["activity_timeout"], 77);
    }
}

// contract: 1.11
#[test]
fn the_activity_timeout_is_120_unless_configured() {
    let established = server().open(PATH).expect_established();
    assert_eq!(established.data()["activity_timeout"], 120);
}

// contract: 1.12
#[test]
fn socket_ids_are_unique_while_connected() {
    let server = server();
    let clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    let ids: HashSet<String> = clients.iter().map(Client::socket_id).collect();
    assert_eq!(ids.len(), clients.len());
}

// contract: 1.14
#[test]
fn plain_text_is_refused_with_4000_where_tls_is_forced() {
    let server = serve_app(App::new(1).with("force_tls = true"));
    server.open(PATH).expect_refusal(4000);
}

// contract: 1.14
#[test]
fn tls_satisfies_an_app_that_forces_it() {
    let server = serve(Config::with(App::new(1).with("force_tls = true")).tls());
    server.open(PATH).expect_established();
}

// contract: 1.14
#[test]
fn a_trusted_proxy_may_say_that_the_client_came_over_tls() {
    let app = App::new(1).with("force_tls = true");
    let trusting = Config::with(app).setting("trusted_proxies = [\"127.0.0.1/32\"]");
    let server = serve(trusting);
    let https = [("X-Forwarded-Proto", "https")];
    server.open_with(PATH, &https).expect_established();
    let http = [("X-Forwarded-Proto", "http")];
    server.open_with(PATH, &http).expect_refusal(4000);
}

// contract: 1.14
#[test]
fn a_stranger_who_claims_a_forwarded_scheme_is_not_believed() {
    let app = App::new(1).with("force_tls = true");
    let elsewhere = Config::with(app).setting("trusted_proxies = [\"192.0.2.0/24\"]");
    let server = serve(elsewhere);
    let https = [("X-Forwarded-Proto", "https")];
    server.open_with(PATH, &https).expect_refusal(4000);
}

// contract: 1.15
#[test]
fn beyond_the_apps_quota_new_connections_get_4004_and_old_ones_stay() {
    let config = Config::with(App::new(1).with("max_connections = 2")).app(App::new(2));
    let server = serve(config);
    let mut first = server.connect();
    let second = server.connect();
    server.open(PATH).expect_refusal(4004);
    first.settle();
    server.connect_to(server.config().numbered(2)).settle();
    second.leave();
    eventually("the freed place can be taken", || {
        let mut client = server.open(PATH);
        client.message().event() == "pusher:connection_established"
    });
    first.settle();
}

// contract: 1.16
#[test]
fn a_node_over_capacity_refuses_with_4100() {
    let config = Config::with(App::new(1)).app(App::new(2)).setting("max_connections = 2");
    let server = serve(config);
    let mut first = server.connect();
    let mut second = server.connect_to(server.config().numbered(2));
    server.open(PATH).expect_refusal(4100);
    first.settle();
    second.settle();
}

// contract: 1.16
#[test]
fn a_disabled_app_refuses_with_4003() {
    serve_app(App::new(1).with("enabled = false")).open(PATH).expect_refusal(4003);
}

// contract: 1.17, 1.18
#[test]
fn no_refusal_at_the_handshake_tells_the_client_to_come_back_at_once() {
    let config = Config::with(App::new(1))
        .app(App::new(2).with("enabled = false"))
        .app(App::new(3).with("force_tls = true"))
        .setting("max_connections = 1");
    let server = serve(config);
    let _only = server.connect();
    let query = "protocol=7&client=js&version=8.6.0";
    let paths = [
        format!("/app/stranger?{query}"),
        format!("/app/key-2?{query}"),
        format!("/app/key-3?{query}"),
        format!("/app/key-1?{query}"),
        "/app/key-1?protocol=1".to_owned(),
        "/app/key-1".to_owned(),
        format!("/nowhere?{query}"),
    ];
    for path in paths {
        let close = server.open(&path).expect_close();
        assert!((4000..4200).contains(&close.code), "{path}: {close:?}");
    }
}

// contract: 1.1
#[test]
fn a_plain_get_on_the_app_path_is_told_that_it_is_no_upgrade() {
    let server = server();
    let response = server.http(&Request::get(PATH));
    assert!((400..500).contains(&response.status), "{}", response.status);
    server.connect().settle();
}
