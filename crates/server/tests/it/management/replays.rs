//! Sending again: of failed deliveries and of the log; counted first, watched, stopped.

use bellwire_testkit::{Answer, Client, Hook};
use serde_json::{Value, json};

use super::office::{APP, Office, config, path_of, refused};

/// Gives up after a second.
fn impatient() -> Office {
    Office::with(config().webhooks("retry_window_ms = 1000"))
}

/// A webhook for which it was given up that the channel `a` is occupied, and who occupies it.
#[track_caller]
fn given_up(office: &Office) -> (Value, Hook, Client) {
    let (webhook, hook) = office.heard();
    hook.always(Answer::status(500));
    let client = office.member(&["a"]);
    office.deliveries("status=failed&channel=a", 1);
    hook.always(Answer::ok());
    (webhook, hook, client)
}

// webhooks: P8
#[test]
fn failed_deliveries_are_counted_and_replayed() {
    let office = impatient();
    let (webhook, hook, _client) = given_up(&office);
    let failed = office.deliveries("status=failed&channel=a", 1).remove(0);
    let path = format!("{}/replays", path_of(&webhook));
    let dry = json!({ "failed": {}, "dry_run": true });
    assert_eq!(office.tell("POST", &path, &dry).ok(), json!({ "count": 1 }));
    let past = json!({ "failed": { "to": "2001-01-01T00:00:00Z" }, "dry_run": true });
    assert_eq!(office.tell("POST", &path, &past).ok(), json!({ "count": 0 }));
    assert!(hook.events_of("a").is_empty(), "a dry run sends nothing");
    let response = office.tell("POST", &path, &json!({ "failed": { "from": 0 } }));
    assert_eq!(response.status, 202, "{}", response.text());
    let replay = response.json();
    assert_eq!(replay["kind"], "failed");
    assert_eq!(replay["filter"]["from"], "1970-01-01T00:00:00.000Z");
    let done = office.is_done(&replay);
    assert_eq!((&done["delivered"], &done["failed"]), (&done["total"], &json!(0)));
    let delivery = hook.expect_event("channel_occupied", "a");
    assert_eq!(
        (Some(delivery.id()), delivery.replay()),
        (failed["id"].as_str(), replay["id"].as_str())
    );
    assert_eq!(office.get("/replays")["replays"][0], done, "newest first");
}

// webhooks: P8
#[test]
fn the_log_is_replayed_by_place_channel_and_event() {
    let office = Office::usual();
    let (webhook, hook) = office.heard();
    let _client = office.member(&["presence-a", "b"]);
    let sequence = hook.expect_event("channel_occupied", "b").sequence();
    hook.expect_event("member_added", "presence-a");
    let path = format!("{}/replays", path_of(&webhook));
    let count = |part: Value| {
        let dry = json!({ "log": part, "dry_run": true });
        office.tell("POST", &path, &dry).ok()["count"].as_u64().unwrap()
    };
    assert_eq!(count(json!({})), 3);
    assert_eq!(count(json!({ "channel": "presence-a" })), 2);
    assert_eq!(count(json!({ "event": "channel_occupied" })), 2);
    assert_eq!(count(json!({ "from_seq": sequence, "to_seq": sequence })), 1);
    assert_eq!(count(json!({ "from_seq": sequence + 100 })), 0);
    assert_eq!(count(json!({ "to": "2001-01-01T00:00:00Z" })), 0);
    let response = office.tell("POST", &path, &json!({ "log": { "channel": "b" } }));
    assert_eq!(response.status, 202, "{}", response.text());
    let replay = response.json();
    assert_eq!((&replay["kind"], &replay["total"]), (&json!("log"), &json!(1)));
    assert_eq!(replay["filter"]["channel"], "b");
    assert!(replay["filter"]["to_seq"].is_u64(), "it does not chase live events: {replay}");
    assert_eq!(office.is_done(&replay)["delivered"], 1);
    let again = hook.accepted().pop().unwrap();
    assert_eq!(again.replay(), replay["id"].as_str());
    assert!(again.has("channel_occupied", "b"));
}

// webhooks: P8
#[test]
fn a_replay_waits_for_its_webhook_and_can_be_stopped() {
    let office = impatient();
    let (webhook, hook, _client) = given_up(&office);
    let path = path_of(&webhook);
    office.ask("POST", &format!("{path}/disable")).ok();
    // The engine knows: it does what is asked by name all the same.
    office.warm(&webhook, &hook);
    let replay = office.tell("POST", &format!("{path}/replays"), &json!({ "failed": {} })).json();
    office.warm(&webhook, &hook);
    let replay_path = format!("/replays/{}", replay["id"].as_str().unwrap());
    assert_eq!(office.get(&replay_path)["state"], "running");
    let stopped = office.ask("POST", &format!("{replay_path}/cancel")).ok();
    assert_eq!((&stopped["state"], &stopped["delivered"]), (&json!("cancelled"), &json!(0)));
    refused(&office.ask("POST", &format!("{replay_path}/cancel")), 409);
    office.ask("POST", &format!("{path}/enable")).ok();
    office.warm(&webhook, &hook);
    assert!(hook.events_of("a").is_empty());
    assert_eq!(office.get(&replay_path)["state"], "cancelled");
}

#[test]
fn a_replay_that_is_not_there_is_404() {
    let office = Office::usual();
    let (webhook, _) = office.heard();
    let known = office.get("/replays")["replays"][0]["id"].as_str().unwrap().to_owned();
    for id in ["rpl_0000000000000001", "rpl_1", "anything"] {
        refused(&office.ask("GET", &format!("/replays/{id}")), 404);
        refused(&office.ask("POST", &format!("/replays/{id}/cancel")), 404);
    }
    let elsewhere = APP.replace("1001", "1002");
    for (method, path) in [
        ("GET", format!("/replays/{known}")),
        ("POST", format!("/replays/{known}/cancel")),
        ("POST", format!("{}/test", path_of(&webhook))),
    ] {
        refused(&office.server.http(&office.request(method, &format!("{elsewhere}{path}"))), 404);
    }
    let list = office.server.http(&office.request("GET", &format!("{elsewhere}/replays")));
    assert_eq!(list.ok(), json!({ "replays": [] }));
    let body = json!({ "log": {} });
    refused(&office.tell("POST", "/webhooks/ep_0/replays", &body), 404);
}

#[test]
fn a_replay_that_cannot_be_is_refused_with_its_field() {
    let office = Office::usual();
    let (webhook, _) = office.heard();
    let path = format!("{}/replays", path_of(&webhook));
    for (body, field) in [
        (json!({ "failed": { "from": "soon" } }), "failed.from"),
        (json!({ "failed": { "from": 5, "to": 4 } }), "failed.to"),
        (json!({ "failed": { "channel": "a" } }), "failed.channel"),
        (json!({ "log": { "from_seq": 5, "to_seq": 4 } }), "log.to_seq"),
        (json!({ "log": { "from": 5, "to": 4 } }), "log.to"),
        (json!({ "log": { "event": "occupied" } }), "log.event"),
        (json!({ "log": { "from_seq": -1 } }), "log.from_seq"),
        (json!({ "log": {}, "dry_run": "yes" }), "dry_run"),
        (json!({ "logs": {} }), "logs"),
    ] {
        let problem = refused(&office.tell("POST", &path, &body), 422);
        assert_eq!(problem["field"], field, "{problem}");
    }
    for body in [json!({}), json!({ "dry_run": true }), json!({ "failed": {}, "log": {} })] {
        let problem = refused(&office.tell("POST", &path, &body), 422);
        assert!(problem["detail"].as_str().unwrap().contains("either"), "{problem}");
    }
}
