//! Making, changing and removing webhooks; secrets; tests; what the config file declares.

use bellwire_testkit::{App, Config, Receiver, Webhook};
use serde_json::{Value, json};

use super::office::{Office, config, path_of, refused};
use crate::support::eventually;

#[test]
fn a_webhook_that_was_made_is_shown_listed_and_hears() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let made = office.webhook(&hook, &json!({ "description": "mine", "events": [] }));
    assert!(made["id"].as_str().unwrap().starts_with("ep_"));
    let expected = [
        ("app_id", json!("1001")),
        ("url", json!(hook.url())),
        ("events", json!([])),
        ("channel_prefix", Value::Null),
        ("channel_suffix", Value::Null),
        ("headers", json!({})),
        ("retry_hours", Value::Null),
        ("max_in_flight", json!(16)),
        ("max_per_second", Value::Null),
        ("description", json!("mine")),
        ("origin", json!("stored")),
        ("enabled", json!(true)),
        ("disabled", Value::Null),
        ("failing_since", Value::Null),
        ("warnings", json!([])),
    ];
    for (key, value) in expected {
        assert_eq!(made[key], value, "{key}");
    }
    let created_at = made["created_at"].as_str().unwrap();
    assert!(created_at.len() == 24 && created_at.ends_with('Z'), "{created_at}");

    let shown = office.get(&path_of(&made));
    assert_eq!(shown["created_at"], made["created_at"]);
    assert_eq!(office.get("/webhooks"), json!({ "webhooks": [shown] }));

    office.warm(&made, &hook);
    let _client = office.member(&["public"]);
    let delivery = hook.expect_event("channel_occupied", "public");
    assert!(delivery.verify_pusher("secret-1"));
    assert!(delivery.verify_standard(made["secret"].as_str().unwrap()));
}

#[test]
fn a_secret_is_shown_once() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let made = office.webhook(&hook, &json!({}));
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = path_of(&made);
    let changed = office.tell("PATCH", &path, &json!({ "description": "x" }));
    let answers = [
        office.ask("GET", &path),
        office.ask("GET", "/webhooks"),
        office.ask("POST", &format!("{path}/disable")),
        office.ask("POST", &format!("{path}/enable")),
        changed,
    ];
    for answer in answers {
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains("whsec_"), "{}", answer.text());
    }
}

#[test]
fn filters_and_headers_are_in_force() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let terms = json!({
        "events": ["channel_occupied"],
        "channel_prefix": "private-",
        "headers": { "X-Api-Key": "mine" },
    });
    let made = office.webhook(&hook, &terms);
    assert_eq!(made["headers"], json!({ "X-Api-Key": "***" }));
    office.warm(&made, &hook);
    let _client = office.member(&["public", "presence-a", "private-a"]);
    let delivery = hook.expect_event("channel_occupied", "private-a");
    assert_eq!(delivery.header("x-api-key"), Some("mine"));
    assert!(hook.events_of("public").is_empty() && hook.events_of("presence-a").is_empty());
}

#[test]
fn a_change_touches_what_it_names() {
    let office = Office::usual();
    let (first, second) = (office.receiver.hook("/first"), office.receiver.hook("/second"));
    let terms = json!({ "channel_prefix": "a", "headers": { "X-A": "1", "X-B": "2" } });
    let made = office.webhook(&first, &terms);
    let path = path_of(&made);
    let patch = json!({
        "url": second.url(),
        "channel_prefix": null,
        "headers": { "x-a": "***", "X-B": "3", "X-C": "4" },
        "max_per_second": 50,
    });
    let changed = office.tell("PATCH", &path, &patch).ok();
    assert_eq!(changed["url"], second.url());
    assert_eq!(changed["channel_prefix"], Value::Null);
    assert_eq!(changed["max_per_second"], 50);
    assert_eq!(changed["headers"], json!({ "X-A": "***", "X-B": "***", "X-C": "***" }));
    assert_eq!(office.tell("PATCH", &path, &json!({})).ok()["url"], second.url());
    office.warm(&made, &second);
    let _client = office.member(&["public"]);
    let delivery = second.expect_event("channel_occupied", "public");
    for (name, value) in [("x-a", "1"), ("x-b", "3"), ("x-c", "4")] {
        assert_eq!(delivery.header(name), Some(value));
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let made = office.webhook(&hook, &json!({}));
    for (key, value, field) in [
        ("url", json!("example.com"), "url"),
        ("url", json!("ftp://example.com/"), "url"),
        ("url", json!("https://user:pass@example.com/"), "url"),
        ("url", json!(7), "url"),
        ("events", json!(["channel_ocupied"]), "events"),
        ("headers", json!({ "Content-Type": "text/plain" }), "headers"),
        ("headers", json!({ "X-A": 5 }), "headers.X-A"),
        ("headers", json!({ "X-A": "***" }), "headers"),
        ("retry_hours", json!(73), "retry_hours"),
        ("max_in_flight", json!(0), "max_in_flight"),
        ("max_per_second", json!(-1), "max_per_second"),
        ("enabled", json!(false), "enabled"),
        ("secret", json!("whsec_x"), "secret"),
    ] {
        let mut given = json!({ "url": "https://example.com/" });
        given[key] = value.clone();
        let problem = refused(&office.tell("POST", "/webhooks", &given), 422);
        assert_eq!(problem["field"], field, "{problem}");
        let problem = refused(&office.tell("PATCH", &path_of(&made), &json!({ key: value })), 422);
        assert_eq!(problem["field"], field, "{problem}");
    }
    assert_eq!(refused(&office.tell("POST", "/webhooks", &json!({})), 422)["field"], "url");
    assert_eq!(office.get("/webhooks")["webhooks"].as_array().unwrap().len(), 1);
}

#[test]
fn plain_http_beyond_private_networks_is_warned_of() {
    let office = Office::usual();
    let made = office.tell("POST", "/webhooks", &json!({ "url": "http://example.com/hook" }));
    assert_eq!(made.status, 201);
    let made = made.json();
    assert!(made["warnings"][0].as_str().unwrap().contains("https"), "{made}");
    let patch = json!({ "url": "https://example.com/hook" });
    assert_eq!(office.tell("PATCH", &path_of(&made), &patch).ok()["warnings"], json!([]));
}

#[test]
fn a_server_that_requires_https_refuses_http() {
    let office = Office::with(config().webhooks("require_https = true"));
    let refuse = json!({ "url": "http://127.0.0.1/hook" });
    let problem = refused(&office.tell("POST", "/webhooks", &refuse), 422);
    assert_eq!(problem["field"], "url");
    assert!(problem["detail"].as_str().unwrap().contains("https"), "{problem}");
    let made = office.tell("POST", "/webhooks", &json!({ "url": "https://127.0.0.1/hook" }));
    assert_eq!(made.status, 201);
    refused(&office.tell("PATCH", &path_of(&made.json()), &refuse), 422);
}

#[test]
fn a_removed_webhook_is_gone_and_hears_nothing() {
    let office = Office::usual();
    let (webhook, hook) = office.heard();
    let kept = office.receiver.hook("/kept");
    let other = office.webhook(&kept, &json!({}));
    office.warm(&other, &kept);
    let path = path_of(&webhook);
    assert_eq!(office.ask("DELETE", &path).status, 204);
    for (method, below) in [("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/test")] {
        refused(&office.ask(method, &format!("{path}{below}")), 404);
    }
    assert_eq!(office.get("/webhooks")["webhooks"].as_array().unwrap().len(), 1);
    // The other one has heard of the removal too once this test has come.
    office.warm(&other, &kept);
    let _client = office.member(&["public"]);
    kept.expect_event("channel_occupied", "public");
    assert!(hook.events_of("public").is_empty());
}

#[test]
fn a_disabled_webhook_hears_nothing_until_it_is_enabled() {
    let office = Office::usual();
    let (webhook, hook) = office.heard();
    let path = path_of(&webhook);
    let disabled = office.ask("POST", &format!("{path}/disable")).ok();
    assert_eq!(disabled["enabled"], false);
    assert_eq!(disabled["disabled"]["reason"], "manual");
    assert!(disabled["disabled"]["at"].as_str().unwrap().ends_with('Z'));
    let again = office.ask("POST", &format!("{path}/disable")).ok();
    assert_eq!(again["disabled"], disabled["disabled"], "it is disabled since the first time");
    let kept = office.receiver.hook("/kept");
    office.webhook(&kept, &json!({}));
    // A test is sent all the same, and shows that the engine knows of both.
    office.warm(&webhook, &hook);
    let client = office.member(&["before"]);
    kept.expect_event("channel_occupied", "before");
    let enabled = office.ask("POST", &format!("{path}/enable")).ok();
    assert_eq!((&enabled["enabled"], &enabled["disabled"]), (&json!(true), &Value::Null));
    office.warm(&webhook, &hook);
    let _after = office.member(&["after"]);
    hook.expect_event("channel_occupied", "after");
    drop(client);
    hook.expect_event("channel_vacated", "before");
    assert_eq!(hook.names_of("before"), ["channel_vacated"]);
}

#[test]
fn what_the_config_file_declares_is_read_only() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/file");
    let app = App::new(1).webhook(Webhook::to(hook.url()));
    let office = Office::beside(receiver, Config::with(app).webhooks("grace_ms = 300"));
    let listed = office.get("/webhooks");
    let webhook = &listed["webhooks"][0];
    assert_eq!(webhook["origin"], "file");
    let path = path_of(webhook);
    let patch = office.tell("PATCH", &path, &json!({ "events": ["cache_miss"] }));
    let refusals =
        [patch, office.ask("DELETE", &path), office.ask("POST", &format!("{path}/disable"))];
    for response in refusals {
        let problem = refused(&response, 409);
        assert!(problem["detail"].as_str().unwrap().contains("config file"), "{problem}");
    }
    assert_eq!(office.ask("POST", &format!("{path}/enable")).ok()["enabled"], true);
    office.warm(webhook, &hook);
    // Its secret was never shown, so a new one can be had.
    let rotated = office.ask("POST", &format!("{path}/rotate-secret")).ok();
    eventually("the new secret signs", || {
        let _client = office.member(&["public"]);
        let delivery = hook.expect_event("channel_occupied", "public");
        delivery.verify_standard(rotated["secret"].as_str().unwrap())
    });
}

#[test]
fn after_a_rotation_both_secrets_sign_for_a_while() {
    let office = Office::usual();
    let (webhook, hook) = office.heard();
    let path = format!("{}/rotate-secret", path_of(&webhook));
    let rotated = office.ask("POST", &path).ok();
    let (old, new) = (webhook["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    assert!(new.starts_with("whsec_") && new != old);
    assert!(rotated["overlap_until"].as_str().unwrap().ends_with('Z'));
    let both = |delivery: &bellwire_testkit::Delivery| {
        (delivery.verify_standard(old), delivery.verify_standard(new))
    };
    let last = || {
        let test = office.ask("POST", &format!("{}/test", path_of(&webhook)));
        office.is_done(&test.json());
        hook.accepted().pop().unwrap()
    };
    assert_eq!(both(&last()), (true, true));
    let ended = office.tell("POST", &path, &json!({ "overlap_hours": 0 })).ok();
    let newest = ended["secret"].as_str().unwrap();
    let delivery = last();
    assert_eq!(both(&delivery), (false, false));
    assert!(delivery.verify_standard(newest));
    for wrong in [json!(721), json!(-1), json!("24"), json!(1.5)] {
        let problem = refused(&office.tell("POST", &path, &json!({ "overlap_hours": wrong })), 422);
        assert_eq!(problem["field"], "overlap_hours");
    }
    assert_eq!(refused(&office.tell("POST", &path, &json!({ "hours": 1 })), 422)["field"], "hours");
}

#[test]
fn a_test_tells_whether_it_arrived() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let webhook = office.webhook(&hook, &json!({ "events": ["cache_miss"] }));
    let test = office.ask("POST", &format!("{}/test", path_of(&webhook)));
    assert_eq!(test.status, 202);
    let replay = office.is_done(&test.json());
    assert_eq!(
        (&replay["kind"], &replay["delivered"], &replay["failed"]),
        (&json!("test"), &json!(1), &json!(0))
    );
    let delivery = hook.expect_event("channel_occupied", "bellwire-test");
    assert_eq!(delivery.replay(), replay["id"].as_str());
    assert_eq!(delivery.header("x-bellwire-sequence"), None, "it stands nowhere in the log");
}
