//! Contract 12.1–12.15: POST /events and /batch_events, and what every answer looks like.

use bellwire_testkit::{App, Config, Connection, Request};
use serde_json::{Value, json};

use crate::support::{featured, hears_nothing_before_a_marker, serve, serve_app, server};

// contract: 12.1, 12.2
#[test]
fn a_publish_answers_200_and_an_empty_object() {
    let server = server();
    let body = json!({ "name": "sold", "data": "{}", "channels": ["shop"] });
    let response = server.api().events(&body);
    assert_eq!(response.status, 200);
    assert_eq!(response.json(), json!({}));
    let content_type = response.header("content-type").unwrap();
    assert!(content_type.starts_with("application/json"), "{content_type}");
}

// contract: 12.1
#[test]
fn one_connection_carries_many_requests() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("shop");
    let mut connection = Connection::open(server.target());
    for n in 0..20 {
        let body = json!({ "name": "sold", "data": n.to_string(), "channel": "shop" });
        let request = server.api().post("/events", &body).to_request();
        connection.exchange(&request).ok();
        assert_eq!(client.expect("sold").data_text(), n.to_string());
    }
    let get = server.api().get("/channels").to_request();
    connection.exchange(&get).ok();
}

// contract: 12.1
#[test]
fn the_api_is_served_over_tls_too() {
    let server = serve(Config::with(App::new(1)).tls());
    server.api().publish("shop", "sold", "{}");
}

// contract: 12.1, 13.4
#[test]
fn an_operators_prefix_may_precede_the_path_and_need_not_be_signed() {
    let server = serve(Config::with(App::new(1)).setting("path_prefix = \"/realtime\""));
    let api = server.api();
    let path = "/realtime/apps/1001/channels";
    api.request_at("GET", path).sign_path("/apps/1001/channels").send().ok();
    api.request_at("GET", path).send().ok();
    api.get("/channels").send().ok();
}

// contract: 12.3
#[test]
fn an_error_is_one_line_of_plain_text() {
    let server = server();
    let api = server.api();
    let body = json!({ "name": 1, "data": "", "channel": "shop" });
    let long = json!({ "name": "x", "data": "d".repeat(10_241), "channel": "shop" });
    for (status, response) in [
        (400, api.events(&body)),
        (413, api.events(&long)),
        (401, api.get("/channels").unsigned().send()),
        (404, server.http(&Request::get("/nowhere"))),
    ] {
        assert_eq!(response.status, status);
        let content_type = response.header("content-type").unwrap();
        assert!(content_type.starts_with("text/plain"), "{content_type}");
        let text = response.text();
        assert!(text.ends_with('\n'), "{text:?}");
        assert!(!text.trim_end_matches('\n').contains('\n'), "{text:?}");
        assert!(text.len() > 3, "{text:?}");
    }
}

// contract: 12.4
#[test]
fn post_parameters_may_stand_in_the_query() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    client.subscribe("b");
    let request = server
        .api()
        .request("POST", "/events")
        .query("name", "foo bar")
        .query("data", "h&=\u{e9}")
        .query("channels[]", "a")
        .query("channels[]", "b");
    request.send().ok();
    for channel in ["a", "b"] {
        assert_eq!(client.expect_on("foo bar", channel).data_text(), "h&=\u{e9}");
    }
}

// contract: 12.4
#[test]
fn the_content_type_does_not_matter() {
    let server = server();
    let body = json!({ "name": "x", "data": "", "channel": "a" });
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"]
    {
        let request = server.api().post("/events", &body);
        request.header("Content-Type", content_type).send().ok();
    }
}

// contract: 12.5
#[test]
fn the_limits_of_a_publish_pass_and_one_more_does_not() {
    let server = server();
    let api = server.api();
    let channels = |n: u32| (0..n).map(|n| format!("c-{n}")).collect::<Vec<_>>();
    let status = |name: &str, data: &str, channels: &[String]| {
        let body = json!({ "name": name, "data": data, "channels": channels });
        api.events(&body).status
    };
    let one = channels(1);
    assert_eq!(status(&"n".repeat(200), "", &one), 200);
    assert_eq!(status(&"n".repeat(201), "", &one), 400);
    assert_eq!(status("", "", &one), 400);
    assert_eq!(status("x", &"d".repeat(10_240), &one), 200);
    assert_eq!(status("x", &"d".repeat(10_241), &one), 413);
    assert_eq!(status("x", &"\u{e9}".repeat(5120), &one), 200);
    assert_eq!(status("x", &"\u{e9}".repeat(5121), &one), 413);
    assert_eq!(status("x", &"\"".repeat(10_240), &one), 200);
    assert_eq!(status("x", "", &channels(100)), 200);
    assert_eq!(status("x", "", &channels(101)), 400);
    assert_eq!(status("x", "", &[]), 400);
}

// contract: 12.5, 12.6
#[test]
fn channel_and_channels_are_joined_and_a_channel_named_twice_hears_it_once() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    client.subscribe("b");
    let body = json!({ "name": "x", "data": "", "channel": "a", "channels": ["b", "a", "b"] });
    server.api().events(&body).ok();
    let mut heard = [client.message(), client.message()].map(|f| f.channel().unwrap().to_owned());
    heard.sort();
    assert_eq!(heard, ["a", "b"]);
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

// contract: 12.6, 12.7
#[test]
fn a_publish_that_asks_for_info_gets_an_entry_for_each_distinct_channel() {
    let server = serve_app(featured());
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.join("presence-a", r#"{"user_id":"ann"}"#);
        client.ask("public", None);
    }
    let mut third = server.connect();
    third.ask("public", None);
    crate::support::eventually("three listen", || {
        let channel = server.api().channel("public", "subscription_count");
        channel["subscription_count"] == 3
    });
    let body = json!({
        "name": "x",
        "data": "",
        "channels": ["presence-a", "public", "presence-empty", "public", "empty"],
        "info": "user_count,subscription_count",
    });
    let expected = json!({ "channels": {
        "presence-a": { "user_count": 1, "subscription_count": 2 },
        "presence-empty": { "user_count": 0, "subscription_count": 0 },
        "public": { "subscription_count": 3 },
        "empty": { "subscription_count": 0 },
    } });
    assert_eq!(server.api().events(&body).ok(), expected);
}

// contract: 12.7
#[test]
fn a_user_count_on_a_channel_without_users_is_silently_absent() {
    let server = server();
    let body = json!({
        "name": "x", "data": "", "channels": ["public", "presence-a"], "info": "user_count",
    });
    let expected = json!({ "channels": { "public": {}, "presence-a": { "user_count": 0 } } });
    assert_eq!(server.api().events(&body).ok(), expected);
}

// contract: 12.7
#[test]
fn an_unknown_info_attribute_is_refused_and_nothing_is_published() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    for info in [json!("shoe_size"), json!("user_count,,"), json!("user_count;x"), json!(1)] {
        let body = json!({ "name": "x", "data": "", "channel": "a", "info": info });
        assert_eq!(server.api().events(&body).status, 400, "{info}");
    }
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

// contract: 12.8
#[test]
fn a_subscription_count_needs_the_toggle() {
    let server = server();
    let body = json!({ "name": "x", "data": "", "channel": "a", "info": "subscription_count" });
    assert_eq!(server.api().events(&body).status, 400);
    let request = server.api().get("/channels/a").query("info", "subscription_count");
    assert_eq!(request.send().status, 400);
}

// contract: 12.9, 12.10
#[test]
fn any_event_name_passes_but_pushers_own() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    for name in
        ["App\\Events\\Foo", "client-x", "with space", "\u{1f514}", "a:b", "pusher", "Pusher:x"]
    {
        server.api().publish("a", name, "1");
        client.expect_on(name, "a");
    }
    for name in ["pusher:x", "pusher:", "pusher_internal:member_added"] {
        let body = json!({ "name": name, "data": "", "channel": "a" });
        assert_eq!(server.api().events(&body).status, 400, "{name}");
    }
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

// contract: 12.9
#[test]
fn an_app_may_insist_on_the_documented_event_names() {
    let server = serve_app(App::new(1).with("strict_event_names = true"));
    let status = |name: &str| {
        let body = json!({ "name": name, "data": "", "channel": "a" });
        server.api().events(&body).status
    };
    assert_eq!(status("plain_name-1"), 200);
    assert_eq!(status("App\\Events\\Foo"), 400);
}

// contract: 12.11, 17.1
#[test]
fn the_excluded_socket_hears_nothing_and_the_rest_everything() {
    let server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("a");
    bob.subscribe("a");
    let body = json!({ "name": "x", "data": "", "channel": "a", "socket_id": ann.socket_id() });
    server.api().events(&body).ok();
    bob.expect_on("x", "a");
    hears_nothing_before_a_marker(&server, "a", &mut [&mut ann, &mut bob]);
}

// contract: 12.11
#[test]
fn an_unknown_socket_id_is_no_error_and_a_malformed_one_is() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    let status = |socket_id: Value| {
        let body = json!({ "name": "x", "data": "", "channel": "a", "socket_id": socket_id });
        server.api().events(&body).status
    };
    assert_eq!(status(json!("1.1")), 200);
    assert_eq!(status(json!("99999999999999999999999.00000000000000000001")), 200);
    for bad in [
        json!(""),
        json!("1"),
        json!("1."),
        json!(".1"),
        json!("1.1\n"),
        json!(" 1.1"),
        json!("1.1.1"),
        json!("a.b"),
        json!("1.1 "),
        json!("\u{661}.\u{661}"),
        json!(1.1),
        json!([]),
    ] {
        assert_eq!(status(bad.clone()), 400, "{bad}");
    }
    client.expect("x");
    client.expect("x");
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

// contract: 12.13
#[test]
fn data_over_the_limit_gets_413_in_the_words_of_live_pusher() {
    let server = server();
    let body = json!({ "name": "x", "data": "d".repeat(10_241), "channel": "a" });
    let response = server.api().events(&body);
    assert_eq!(response.status, 413);
    let text = response.text();
    let expected = "The data content of this event exceeds the allowed maximum (10240 bytes)";
    assert!(text.contains(expected), "{text}");
}

// contract: 12.13
#[test]
fn the_limit_is_on_the_data_and_not_on_the_body() {
    let server = server();
    let item = |n: u32| json!({ "name": "x", "data": "\u{1}".repeat(10_240), "channel": format!("c-{n}") });
    let items: Vec<Value> = (0..10).map(item).collect();
    let body = json!({ "batch": items });
    assert!(body.to_string().len() > 600_000);
    server.api().post("/batch_events", &body).send().ok();
}

// contract: 12.14
#[test]
fn a_batch_publishes_each_event_in_order() {
    let server = server();
    let mut ann = server.connect();
    let mut bob = server.connect();
    ann.subscribe("a");
    bob.subscribe("a");
    let items: Vec<Value> =
        (0..10).map(|n| json!({ "name": "x", "data": n.to_string(), "channel": "a" })).collect();
    assert_eq!(server.api().batch(&json!(items)).ok(), json!({}));
    for client in [&mut ann, &mut bob] {
        for n in 0..10 {
            assert_eq!(client.expect_on("x", "a").data_text(), n.to_string());
        }
    }
    let items = json!([
        { "name": "y", "data": "1", "channel": "a", "socket_id": ann.socket_id() },
        { "name": "y", "data": "2", "channel": "a" },
    ]);
    server.api().batch(&items).ok();
    assert_eq!(ann.expect("y").data_text(), "2");
    assert_eq!(bob.expect("y").data_text(), "1");
    assert_eq!(bob.expect("y").data_text(), "2");
}

// contract: 12.14
#[test]
fn a_batch_of_eleven_is_too_large() {
    let server = server();
    let item = json!({ "name": "x", "data": "", "channel": "a" });
    let response = server.api().batch(&json!(vec![item; 11]));
    assert_eq!(response.status, 400);
    assert!(response.text().contains("Batch too large"), "{}", response.text());
}

// contract: 12.14
#[test]
fn a_batch_is_published_whole_or_not_at_all() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    let good = json!({ "name": "x", "data": "", "channel": "a" });
    for (status, bad) in [
        (413, json!({ "name": "x", "data": "d".repeat(10_241), "channel": "a" })),
        (400, json!({ "name": "x", "data": "", "channels": ["a"] })),
        (400, json!({ "name": "x", "data": "", "channel": "a b" })),
        (400, json!({ "name": "pusher:x", "data": "", "channel": "a" })),
        (400, json!({ "name": "x", "data": "", "channel": "a", "socket_id": "x" })),
        (400, json!({ "data": "", "channel": "a" })),
        (400, json!(null)),
    ] {
        let response = server.api().batch(&json!([good, bad]));
        assert_eq!(response.status, status, "{bad}: {}", response.text());
    }
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

// contract: 12.15
#[test]
fn the_answer_to_a_batch_is_aligned_with_the_request() {
    let server = serve_app(featured());
    let mut client = server.connect();
    client.join("presence-a", r#"{"user_id":"ann"}"#);
    let items = json!([
        { "name": "x", "data": "", "channel": "presence-a", "info": "user_count" },
        { "name": "x", "data": "", "channel": "b" },
        { "name": "x", "data": "", "channel": "b", "info": "subscription_count" },
    ]);
    let expected = json!({ "batch": [{ "user_count": 1 }, {}, { "subscription_count": 0 }] });
    assert_eq!(server.api().batch(&items).ok(), expected);
}
