//! Contract 12.16–12.22: the queries, the deprecated routes and the other statuses.

use bellwire_testkit::{App, Config, Request};
use serde_json::json;

use crate::support::{featured, serve, serve_app, server};

// contract: 12.16
#[test]
fn the_list_of_channels_holds_the_occupied_ones_and_is_always_an_object() {
    let server = server();
    let api = server.api();
    assert_eq!(api.get("/channels").send().ok(), json!({ "channels": {} }));
    api.publish("cache-only-cached", "x", "1");
    assert_eq!(api.get("/channels").send().ok(), json!({ "channels": {} }));
    let mut client = server.connect();
    client.subscribe("a");
    client.subscribe("private-b");
    client.join("presence-c", r#"{"user_id":"ann"}"#);
    let expected = json!({ "channels": { "a": {}, "private-b": {}, "presence-c": {} } });
    assert_eq!(api.get("/channels").send().ok(), expected);
    client.unsubscribe("a");
    client.settle();
    let expected = json!({ "channels": { "private-b": {}, "presence-c": {} } });
    assert_eq!(api.get("/channels").send().ok(), expected);
}

// contract: 12.17
#[test]
fn the_list_can_be_filtered_by_a_literal_prefix() {
    let server = server();
    let mut client = server.connect();
    for channel in ["a.1", "a.2", "axb", "b"] {
        client.subscribe(channel);
    }
    let list = |prefix: &str| {
        let request = server.api().get("/channels").query("filter_by_prefix", prefix);
        let body = request.send().ok();
        let channels = body["channels"].as_object().unwrap();
        channels.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(list("a."), ["a.1", "a.2"]);
    assert_eq!(list("a"), ["a.1", "a.2", "axb"]);
    assert_eq!(list("a.1"), ["a.1"]);
    assert_eq!(list("zz"), [""; 0]);
    assert_eq!(list("").len(), 4);
}

// contract: 12.17
#[test]
fn user_counts_of_a_list_need_a_presence_prefix() {
    let server = serve_app(featured());
    let mut client = server.connect();
    client.join("presence-a", r#"{"user_id":"ann"}"#);
    let get = |prefix: Option<&str>, info: &str| {
        let request = server.api().get("/channels").query("info", info);
        match prefix {
            Some(prefix) => request.query("filter_by_prefix", prefix).send(),
            None => request.send(),
        }
    };
    let expected = json!({ "channels": { "presence-a": { "user_count": 1 } } });
    assert_eq!(get(Some("presence-"), "user_count").ok(), expected);
    assert_eq!(get(Some("presence-a"), "user_count").ok(), expected);
    assert_eq!(get(None, "user_count").status, 400);
    assert_eq!(get(Some("private-"), "user_count").status, 400);
    assert_eq!(get(Some("presence"), "user_count").status, 400);
    assert_eq!(get(Some("presence-"), "subscription_count").status, 400);
    assert_eq!(get(Some("presence-"), "shoe_size").status, 400);
    assert_eq!(get(Some("presence-"), "user_count;x").status, 400);
}

// contract: 12.18
#[test]
fn one_channel_can_be_asked_about_whether_it_is_occupied_or_not() {
    let server = serve_app(featured());
    let api = server.api();
    assert_eq!(api.channel("nobody-here", ""), json!({ "occupied": false }));
    let mut client = server.connect();
    client.subscribe("a");
    client.expect("pusher_internal:subscription_count");
    client.join("presence-a", r#"{"user_id":"ann"}"#);
    assert_eq!(api.channel("a", ""), json!({ "occupied": true }));
    let expected = json!({ "occupied": true, "subscription_count": 1 });
    assert_eq!(api.channel("a", "subscription_count"), expected);
    let expected = json!({ "occupied": true, "user_count": 1 });
    assert_eq!(api.channel("presence-a", "user_count"), expected);
    let expected = json!({ "occupied": false, "user_count": 0 });
    assert_eq!(api.channel("presence-empty", "user_count"), expected);
}

// contract: 12.18
#[test]
fn an_attribute_that_does_not_apply_is_refused() {
    let server = server();
    for (channel, info) in [
        ("a", "user_count"),
        ("private-a", "user_count"),
        ("a", "cache"),
        ("private-cachet", "cache"),
        ("a", "subscription_count"),
        ("a", "shoe_size"),
        ("presence-a", "user_count,shoe_size"),
        ("presence-a", "user_count,,"),
    ] {
        let path = format!("/channels/{channel}");
        let response = server.api().get(&path).query("info", info).send();
        assert_eq!(response.status, 400, "{channel} {info}: {}", response.text());
    }
}

// contract: 12.18
#[test]
fn a_channel_name_that_is_not_legal_is_refused() {
    let server = server();
    let long = "n".repeat(165);
    for name in ["a%20b", "a%23b", "%23", "a%2Fb", "%C3%A9", "%FF", "a%00", long.as_str()] {
        let path = format!("/apps/1001/channels/{name}");
        let decoded = name.replace("%20", " ").replace("%23", "#").replace("%2F", "/");
        let signed = format!("/apps/1001/channels/{decoded}");
        let request = server.api().request_at("GET", &path);
        let status = request.send().status;
        assert!((400..405).contains(&status), "{name}: {status}");
        let status = request.sign_path(&signed).send().status;
        assert!((400..405).contains(&status), "{name}: {status}");
    }
}

// contract: 12.19
#[test]
fn the_users_of_a_presence_channel_are_listed_by_string_ids() {
    let server = server();
    let api = server.api();
    assert_eq!(api.get("/channels/presence-a/users").send().ok(), json!({ "users": [] }));
    let mut one = server.connect();
    let mut two = server.connect();
    one.join("presence-a", r#"{"user_id":1}"#);
    two.join("presence-a", r#"{"user_id":1}"#);
    assert_eq!(
        api.get("/channels/presence-a/users").send().ok(),
        json!({ "users": [{ "id": "1" }] })
    );
}

// contract: 12.19
#[test]
fn users_are_for_presence_channels_and_take_no_parameter() {
    let server = server();
    for channel in ["a", "private-a", "cache-a", "private-presence-a"] {
        let path = format!("/channels/{channel}/users");
        assert_eq!(server.api().get(&path).send().status, 400, "{channel}");
    }
    let request = server.api().get("/channels/presence-a/users");
    let response = request.query("info", "user_count").send();
    assert_eq!(response.status, 400);
    let text = response.text();
    assert!(text.contains("query string parameters are extraneous: info"), "{text}");
}

// contract: 12.20
#[test]
fn the_deprecated_stats_are_still_answered() {
    let server = server();
    let mut one = server.connect();
    let mut two = server.connect();
    for client in [&mut one, &mut two] {
        client.join("presence-a", r#"{"user_id":"ann"}"#);
    }
    let stats = server.api().get("/channels/presence-a/stats").send().ok();
    assert_eq!(stats["occupied"], true);
    assert_eq!(stats["user_count"], 1);
    let stats = server.api().get("/channels/nobody/stats").send().ok();
    assert_eq!(stats["occupied"], false);
    assert!(stats.get("user_count").is_none());
}

// contract: 12.20, 12.2
#[test]
fn the_deprecated_publish_takes_the_raw_body_as_data_and_answers_202() {
    let server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("a");
    bob.subscribe("a");
    let publish = |body: &[u8]| {
        let request = server.api().request("POST", "/channels/a/events").body(body);
        request.query("name", "x").query("socket_id", &ann.socket_id()).send()
    };
    let response = publish(b"raw \xc3\xa9 { body");
    assert_eq!(response.status, 202);
    assert_eq!(bob.expect_on("x", "a").data_text(), "raw \u{e9} { body");
    assert_eq!(publish(b"\xff\xfe").status, 400);
    ann.settle();
}

// contract: 12.21
#[test]
fn an_unknown_app_or_path_is_not_found() {
    let server = server();
    for request in [
        server.api().request_at("GET", "/apps/4711/channels"),
        server.api().request_at("POST", "/apps/4711/events").body("{}"),
        server.api().get("/nowhere"),
        server.api().get("/channels/a/nowhere"),
        server.api().get("/channels/a/users/more"),
        server.api().request_at("GET", "/apps"),
        server.api().request_at("GET", "/apps/abc/channels"),
    ] {
        let response = request.send();
        assert_eq!(response.status, 404, "{}", response.text());
        assert!(response.text().contains("404 NOT FOUND"), "{}", response.text());
    }
}

// contract: 12.21
#[test]
fn a_disabled_app_is_forbidden() {
    let config = Config::with(App::new(1).with("enabled = false"));
    let server = serve(config);
    assert_eq!(server.api().get("/channels").send().status, 403);
    let body = json!({ "name": "x", "data": "", "channel": "a" });
    assert_eq!(server.api().events(&body).status, 403);
}

// contract: 12.21, 12.22, 17.3
#[test]
fn an_app_over_its_message_quota_is_forbidden_to_publish_but_not_to_ask() {
    let server = serve_app(App::new(1).with("max_messages_per_day = 10"));
    let body = json!({ "name": "x", "data": "", "channel": "a" });
    for n in 0..10 {
        assert_eq!(server.api().events(&body).status, 200, "message {n}");
    }
    let responses: Vec<_> = (0..3).map(|_| server.api().events(&body)).collect();
    let refused = responses.last().unwrap();
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("message quota exceeded"), "{}", refused.text());
    let batch = json!([{ "name": "x", "data": "", "channel": "a" }]);
    assert_eq!(server.api().batch(&batch).status, 403);
    server.api().get("/channels").send().ok();
}

// contract: 12.21
#[test]
fn a_method_that_a_path_does_not_have_is_refused() {
    let server = server();
    for request in [
        server.api().request("DELETE", "/channels"),
        server.api().request("PUT", "/events").body("{}"),
        server.api().get("/events"),
        server.api().get("/users/ann/terminate_connections"),
    ] {
        let status = request.send().status;
        assert!([404, 405].contains(&status), "{status}");
    }
}

// contract: B8.1, B8.2
#[test]
fn the_statistics_of_pusher_js_are_answered_in_both_forms() {
    let server = server();
    let query = "?session=MTIz&bundle=MQ%3D%3D&key=a2V5LTE%3D&lib=anM%3D&version=OC42LjA%3D";
    let response = server.http(&Request::get(&format!("/timeline/v2/xhr/2{query}")));
    assert!(response.ok().is_object());
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let response = server.http(&Request::get(&format!("/timeline/v2/jsonp/3{query}")));
    assert_eq!(response.status, 200);
    assert_eq!(response.text().trim(), "Pusher.ScriptReceivers[3](null,{});");
    let content_type = response.header("content-type").unwrap();
    assert!(content_type.contains("javascript"), "{content_type}");
}

// contract: B7.3
#[test]
fn sockjs_is_told_that_it_is_not_here() {
    let server = server();
    assert_eq!(server.http(&Request::get("/pusher/info?cb=abc")).status, 404);
}
