//! Apps and their keys.

use bellwire_testkit::App;
use serde_json::{Value, json};

use super::browser::{new_app, operated, path, published};
use crate::management::office::refused;

fn served(app: &Value, key: &str, secret: &str) -> App {
    App::called(app["id"].as_str().unwrap(), key, secret)
}

#[test]
fn an_app_that_was_made_is_served_when_the_answer_comes() {
    let (server, owner) = operated();
    let body = json!({
        "account_id": owner.account(), "name": "Chat", "cluster": "eu",
        "settings": { "client_events": true, "max_event_bytes": 500 },
    });
    let app = owner.make(&server, "/apps", &body);
    assert_eq!(app["settings"]["max_event_bytes"], 500);
    assert_eq!((&app["role"], &app["cluster"]), (&json!("owner"), &json!("eu")));
    let (key, secret) = (app["key"].as_str().unwrap(), app["secret"].as_str().unwrap());
    let served = served(&app, key, secret);
    let mut client = server.connect_to(&served);
    client.subscribe("public");
    assert_eq!(published(&server, &served, "public").status, 200);
    let shown = owner.get(&server, &path("/apps", &app));
    assert_eq!((&shown["connections"], &shown["channels"]), (&json!(1), &json!(1)));
    assert!(shown.get("secret").is_none());
    assert!(shown["created_at"].is_string());
}

#[test]
fn each_setting_that_cannot_be_is_named_and_changes_nothing() {
    let (server, owner) = operated();
    let app = path("/apps", &new_app(&server, &owner, &owner.account()));
    for (patch, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "cluster": "x".repeat(41) }), "cluster"),
        (json!({ "enabled": "yes" }), "enabled"),
        (json!({ "settings": { "cache_ttl_s": 0 } }), "settings.cache_ttl_s"),
        (json!({ "settings": { "max_event_bytes": 10_000_000 } }), "settings.max_event_bytes"),
        (json!({ "settings": { "max_connections": -1 } }), "settings.max_connections"),
        (json!({ "settings": { "allowed_origins": "x" } }), "settings.allowed_origins"),
        (json!({ "settings": { "allowed_origins": ["not one"] } }), "settings.allowed_origins"),
        (json!({ "settings": [] }), "settings"),
    ] {
        let answer = owner.tell(&server, "PATCH", &app, &patch);
        assert_eq!(refused(&answer, 422)["field"], field, "{patch}: {}", answer.text());
    }
    for unknown in [json!({ "nam": "x" }), json!({ "settings": { "client_event": true } })] {
        refused(&owner.tell(&server, "PATCH", &app, &unknown), 422);
    }
    assert_eq!(owner.get(&server, &app)["name"], "Chat");
}

#[test]
fn a_change_is_in_force_when_the_answer_comes_and_null_gives_the_default() {
    let (server, owner) = operated();
    let app = path("/apps", &new_app(&server, &owner, &owner.account()));
    let change = |patch: Value| owner.tell(&server, "PATCH", &app, &patch).ok();
    let changed = change(json!({ "settings": { "max_watchlist": 5, "force_tls": true } }));
    assert_eq!(changed["settings"]["max_watchlist"], 5);
    let changed = change(json!({ "settings": { "max_watchlist": null }, "enabled": false }));
    assert_eq!(changed["settings"]["max_watchlist"], 100);
    assert_eq!(changed["settings"]["force_tls"], true);
    assert_eq!(changed["enabled"], false);
}

#[test]
fn keys_are_made_switched_revealed_and_deleted_and_one_stays_active() {
    let (server, owner) = operated();
    let app = new_app(&server, &owner, &owner.account());
    let keys = format!("{}/keys", path("/apps", &app));
    let first = format!("{keys}/{}", app["key"].as_str().unwrap());
    refused(&owner.tell(&server, "PATCH", &first, &json!({ "active": false })), 409);
    refused(&owner.ask(&server, "DELETE", &first), 409);
    let second = owner.make(&server, &keys, &json!({}));
    let (key, secret) = (second["key"].as_str().unwrap(), second["secret"].as_str().unwrap());
    let served = served(&app, key, secret);
    assert_eq!(published(&server, &served, "c").status, 200);
    let path = format!("{keys}/{key}");
    assert_eq!(owner.tell(&server, "PATCH", &path, &json!({ "active": false })).status, 200);
    assert_eq!(published(&server, &served, "c").status, 401);
    let listed = owner.get(&server, &keys);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(secret));
    let revealed = owner.ask(&server, "POST", &format!("{path}/reveal")).ok();
    assert_eq!(revealed["secret"], secret);
    assert_eq!(owner.ask(&server, "DELETE", &path).status, 204);
    refused(&owner.ask(&server, "POST", &format!("{path}/reveal")), 404);
}

#[test]
fn a_deleted_app_is_gone_when_the_answer_comes() {
    let (server, owner) = operated();
    let app = new_app(&server, &owner, &owner.account());
    let (key, secret) = (app["key"].as_str().unwrap(), app["secret"].as_str().unwrap());
    let mut client = server.connect_to(&served(&app, key, secret));
    assert_eq!(owner.ask(&server, "DELETE", &path("/apps", &app)).status, 204);
    refused(&owner.ask(&server, "GET", &path("/apps", &app)), 404);
    client.expect_refusal(4001);
}

#[test]
fn thousands_of_apps_are_listed_in_pages_and_found_by_name() {
    let (server, owner) = operated();
    let account = owner.account();
    for n in 0..30 {
        let body = json!({ "account_id": account, "name": format!("App {n:02} <b>") });
        owner.make(&server, "/apps", &body);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = owner.get(&server, &format!("/apps?account_id={account}&limit=7{cursor}"));
        assert_eq!(page["total"], 30);
        let found = page["apps"].as_array().unwrap();
        names.extend(found.iter().map(|app| app["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        let escaped: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        cursor = format!("&cursor={escaped}");
    }
    let all: Vec<String> = (0..30).map(|n| format!("App {n:02} <b>")).collect();
    assert_eq!(names, all);
    assert_eq!(owner.get(&server, "/apps?q=pP%2012")["total"], 1);
    refused(&owner.ask(&server, "GET", "/apps?limit=0"), 422);
    refused(&owner.ask(&server, "GET", "/apps?order=name"), 422);
}
