use serde_json::{Value, json};

use super::office;
use super::office::{Office, refused};
use crate::support::eventually;

/// The one error with this in its message, once it is there.
#[track_caller]
fn error(office: &Office, says: &str) -> Value {
    let mut found = Value::Null;
    eventually(&format!("there is an error that says {says:?}"), || {
        let page = office.get("/errors");
        let errors = page["errors"].as_array().unwrap();
        let mut matching = errors.iter().filter(|e| e["message"].as_str().unwrap().contains(says));
        found = matching.next().cloned().unwrap_or_default();
        assert!(matching.next().is_none(), "{page}");
        !found.is_null()
    });
    found
}

#[test]
fn the_same_mistake_is_one_entry_with_an_example_and_a_fix() {
    let office = office();
    let mut client = office.server.connect();
    for channel in ["private-a", "private-b"] {
        let bad = json!({ "channel": channel, "auth": "app-key:0bad0bad" });
        client.say("pusher:subscribe", &bad);
        client.expect_subscription_refused(channel);
    }
    let error = error(&office, "Invalid key");
    assert_eq!((&error["kind"], &error["code"]), (&json!("auth"), &Value::Null));
    assert_eq!(error["count"], 2);
    assert_eq!(error["sample"]["socket_id"], client.socket_id());
    assert_eq!(error["sample"]["channel"], "private-b");
    assert_eq!(error["sample"]["address"], "127.0.0.1");
    assert!(error["fix"].as_str().unwrap().contains("App Keys"), "{error}");
    assert!(error["first_at"].as_str().unwrap() <= error["last_at"].as_str().unwrap());
}

#[test]
fn refusals_at_the_door_are_those_of_their_app() {
    let office = office();
    let key = office.server.config().first_app().key.clone();
    office.server.open(&format!("/app/{key}")).expect_refusal(4008);
    office.server.open("/app/nobodys-key?protocol=7").expect_refusal(4001);
    let error = error(&office, "No protocol version");
    assert_eq!((&error["kind"], &error["code"]), (&json!("connection"), &json!(4008)));
    let page = office.get("/errors");
    assert_eq!(page["errors"].as_array().unwrap().len(), 1, "{page}");
    let others = office.server.http(&office.request("GET", "/management/v1/apps/1002/errors"));
    assert_eq!(others.json()["errors"], json!([]));
}

#[test]
fn refused_requests_are_there_by_their_status() {
    let office = office();
    let api = office.server.api();
    assert_eq!(api.get("/channels").sign_with("another secret").send().status, 401);
    let large = json!({ "name": "e", "channel": "c", "data": "x".repeat(20_000) });
    assert_eq!(api.events(&large).status, 413);
    let unsigned = error(&office, "Invalid signature");
    assert_eq!((&unsigned["kind"], &unsigned["code"]), (&json!("auth"), &json!(401)));
    let large = error(&office, "data content");
    assert_eq!((&large["kind"], &large["code"]), (&json!("limit"), &json!(413)));
    assert!(large["fix"].as_str().unwrap().contains("max_event_bytes"), "{large}");
}

#[test]
fn errors_survive_a_restart_and_go_on_counting() {
    let mut office = office();
    let key = office.server.config().first_app().key.clone();
    let path = format!("/app/{key}?protocol=3");
    office.server.open(&path).expect_refusal(4007);
    assert_eq!(error(&office, "Unsupported protocol")["count"], 1);
    office.server.crash();
    office.server.restart();
    office.server.open(&path).expect_refusal(4007);
    eventually("both are counted", || error(&office, "Unsupported protocol")["count"] == 2);
}

#[test]
fn a_span_of_time_is_asked_for() {
    let office = office();
    let key = office.server.config().first_app().key.clone();
    office.server.open(&format!("/app/{key}")).expect_refusal(4008);
    error(&office, "No protocol version");
    let none = office.get("/errors?to=2020-01-01T00:00:00Z");
    assert_eq!(none, json!({ "errors": [], "next_cursor": null }));
    for (query, field) in [("from=x", "from"), ("cursor=x", "cursor"), ("q=x", "q")] {
        let problem = refused(&office.ask("GET", &format!("/errors?{query}")), 422);
        assert_eq!(problem["field"], field, "{query}");
    }
}
