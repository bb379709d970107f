use bellwire_testkit::{Answer, App};
use serde_json::{Value, json};

use super::office::refused;
use super::reader::Reader;
use super::{Office, config, office};

#[test]
fn the_life_of_a_connection_is_told_line_by_line() {
    let office = office();
    let mut reader = Reader::follow(&office, "");
    let mut client = office.server.connect();
    let socket = client.socket_id();
    let line = reader.line();
    assert_eq!((&line["type"], &line["socket_id"]), (&json!("connection"), &json!(socket)));
    let detail = line["detail"].as_str().unwrap();
    assert!(detail.starts_with("ws, js 8.6.0, from 127.0.0.1"), "{detail}");
    assert!(line["at"].as_str().unwrap().ends_with('Z'));
    assert!(line["id"].as_str().unwrap().parse::<u64>().is_ok());

    client.join("presence-lobby", r#"{"user_id":"ann"}"#);
    let line = reader.line();
    assert_eq!((&line["type"], &line["channel"]), (&json!("occupied"), &json!("presence-lobby")));
    let line = reader.line();
    assert_eq!((&line["type"], &line["user_id"]), (&json!("presence"), &json!("ann")));
    let line = reader.line();
    assert_eq!((&line["type"], &line["user_id"]), (&json!("subscribed"), &json!("ann")));

    client.trigger("presence-lobby", "client-typing", &json!({ "at": 1 }));
    let line = reader.line();
    assert_eq!((&line["type"], &line["event"]), (&json!("client_event"), &json!("client-typing")));
    assert_eq!((&line["payload"], &line["bytes"]), (&json!("{\"at\":1}"), &json!(8)));
    assert_eq!(line["user_id"], "ann");

    client.unsubscribe("presence-lobby");
    assert_eq!(reader.line()["type"], "unsubscribed");
    assert_eq!(reader.line()["detail"], "Member removed");
    assert_eq!(reader.line()["type"], "vacated");
    client.subscribe("news");
    reader.line_of("subscribed");
    drop(client);
    let line = reader.line_of("disconnection");
    assert_eq!(line["socket_id"], socket);
    assert!(line["detail"].as_str().unwrap().contains("1 channel (news)"), "{line}");
}

#[test]
fn what_is_published_and_what_is_refused_is_told() {
    let office = office();
    let _client = office.member(&["news"]);
    let mut reader = Reader::follow(&office, "");
    let long = "x".repeat(5_000);
    office.server.api().publish("news", "posted", &long);
    let line = reader.line();
    assert_eq!((&line["type"], &line["channel"]), (&json!("api_message"), &json!("news")));
    assert_eq!((&line["event"], &line["detail"]), (&json!("posted"), &json!("To 1 subscriber")));
    assert_eq!((&line["truncated"], &line["bytes"]), (&json!(true), &json!(5_000)));
    assert_eq!(line["payload"].as_str().unwrap().len(), 4_096);

    let refused = office.server.api().post("/events", &json!({ "name": "x" })).send();
    assert_eq!(refused.status, 400);
    let line = reader.line();
    assert_eq!(line["type"], "api_error");
    assert!(line["detail"].as_str().unwrap().starts_with("400: "), "{line}");

    let mut client = office.server.connect();
    client.trigger("private-x", "client-x", &json!({}));
    client.expect_error();
    let line = reader.line_of("client_error");
    assert_eq!(line["socket_id"], client.socket_id());
    assert!(line["detail"].as_str().unwrap().contains("not subscribed"), "{line}");

    let key = &office.server.config().first_app().key;
    office.server.open(&format!("/app/{key}?protocol=3")).expect_refusal(4007);
    let line = reader.line_of("error");
    assert!(line["detail"].as_str().unwrap().starts_with("4007: "), "{line}");
}

#[test]
fn webhooks_are_told_with_their_status() {
    let office = office();
    let (_, hook) = office.heard();
    let mut reader = Reader::follow(&office, "?types=webhook_sent,webhook_failed");
    hook.then(Answer::status(500));
    let _client = office.member(&["news"]);
    let failed = reader.line();
    assert_eq!(failed["type"], "webhook_failed");
    let detail = failed["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("POST to http://") && detail.contains(": status 500, 1 event"),
        "{detail}"
    );
    let sent = reader.line();
    assert_eq!(sent["type"], "webhook_sent");
    assert!(sent["detail"].as_str().unwrap().contains("status 200"), "{sent}");
    assert!(sent["payload"].as_str().unwrap().contains("channel_occupied"), "{sent}");
}

#[test]
fn a_filter_shows_only_what_is_wanted() {
    let office = office();
    let mut reader = Reader::follow(&office, "?types=api_message,error&channel=LOBBY&q=needle");
    let publish = |channel, data| office.server.api().publish(channel, "e", data);
    publish("news", "needle");
    publish("lobby-1", "hay");
    publish("lobby-2", "a Needle");
    let line = reader.line();
    assert_eq!((&line["channel"], &line["payload"]), (&json!("lobby-2"), &json!("a Needle")));
    let problem = refused(&office.ask("GET", "/console?types=nothing"), 422);
    assert_eq!(problem["field"], "types");
}

#[test]
fn who_comes_later_sees_what_those_before_saw() {
    let office = office();
    office.server.api().publish("news", "unseen", "0");
    let mut first = Reader::follow(&office, "");
    office.server.api().publish("news", "seen", "1");
    let seen = first.line();
    let mut second = Reader::open(&office, "");
    let hello = second.event();
    assert_eq!((hello.name.as_str(), &hello.data), ("hello", &json!({ "recent": 1 })));
    assert_eq!(second.line(), seen);
    assert_eq!(seen["event"], "seen");
}

#[test]
fn of_a_busy_app_is_counted_what_is_not_shown() {
    let office = office();
    let mut reader = Reader::follow(&office, "");
    let channels: Vec<String> = (0..100).map(|n| format!("c-{n}")).collect();
    let body = json!({ "name": "e", "channels": channels, "data": "x" });
    for _ in 0..5 {
        office.server.api().events(&body).ok();
    }
    let (mut lines, mut left_out) = (0, 0);
    while lines + left_out < 500 {
        let event = reader.event();
        match event.name.as_str() {
            "sampled" => left_out += event.data["left_out"].as_u64().unwrap(),
            _ => lines += 1,
        }
    }
    assert_eq!(lines + left_out, 500);
}

#[test]
fn a_console_is_only_for_those_who_may_look() {
    let office = office();
    let other = super::office::token(&office.server, &["--app", "1002"]).1;
    let request = bellwire_testkit::Request::get(&format!("{}/console", super::office::APP));
    let with = request.header("Authorization", &format!("Bearer {other}"));
    refused(&office.server.http(&with), 403);
    let without = bellwire_testkit::Request::get(&format!("{}/console", super::office::APP));
    refused(&office.server.http(&without), 401);
}

#[test]
fn another_app_is_not_seen() {
    let office = Office::with(config());
    let mut reader = Reader::follow(&office, "");
    let other = App::new(2);
    office.server.api_of(&other).publish("news", "theirs", "0");
    office.server.api().publish("news", "ours", "0");
    let line: Value = reader.line();
    assert_eq!(line["event"], "ours");
}
