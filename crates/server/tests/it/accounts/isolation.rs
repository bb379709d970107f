//! What is one account's is nobody else's.

use bellwire_testkit::{Request, Server};
use serde_json::{Value, json};

use super::browser::{Browser, another_account, new_app, operated, path};
use crate::management::office::refused;

/// Every operation of the API that names something of an account, with these ids.
fn operations(server: &Server, account: &str, app: &str, ids: &[String]) -> Vec<(String, String)> {
    let document = server.http(&Request::get("/management/openapi.json")).ok();
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/management/v1").unwrap();
        if !path.contains("{app_id}") && !path.contains("{account_id}") {
            continue;
        }
        let path = path.replace("{app_id}", app).replace("{account_id}", account);
        for id in ids {
            let path = path.replace("{id}", id);
            let methods = operations.as_object().unwrap().keys().map(|m| m.to_uppercase());
            all.extend(methods.map(|method| (method, path.clone())));
        }
    }
    all.sort();
    all.dedup();
    all
}

#[test]
fn every_route_called_by_another_account_gives_nothing_away() {
    let (server, owner) = operated();
    let account = owner.account();
    let app = new_app(&server, &owner, &account);
    let webhooks = format!("{}/webhooks", path("/apps", &app));
    let url = json!({ "url": "http://127.0.0.1:9/secret-path" });
    let webhook = owner.make(&server, &webhooks, &url);
    let token = owner.make(
        &server,
        &format!("/accounts/{account}/tokens"),
        &json!({ "name": "hidden", "scope": "write" }),
    );
    let stranger = another_account(&server, &owner, &json!({}));
    let strangers_token = stranger.make(
        &server,
        &format!("/accounts/{}/tokens", stranger.account()),
        &json!({ "name": "mine", "scope": "write" }),
    );
    let bearer = format!("Bearer {}", strangers_token["token"].as_str().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = [text(&webhook["id"]), text(&token["id"]), text(&app["key"])];
    let (app, mut seen) = (text(&app["id"]), 0);
    for (method, path) in operations(&server, &account, &app, &ids) {
        let made_up = path.replace(&app, "999999").replace(&account, "acc_0");
        for (path, by_token) in [(&path, false), (&path, true), (&made_up, false)] {
            let request = if by_token {
                let path = format!("{}{path}", super::browser::BASE);
                Request::new(&method, &path).header("Authorization", &bearer)
            } else {
                stranger.request(&method, path)
            };
            let answer = server.http(&request.body("{}"));
            refused(&answer, 404);
            for hidden in ["secret-path", "Main", "Chat"] {
                assert!(!answer.text().contains(hidden), "{method} {path}: {}", answer.text());
            }
        }
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
    // Nothing has changed, and the owner still sees all.
    assert_eq!(owner.get(&server, &webhooks)["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(stranger.get(&server, "/apps")["total"], 0);
    let named = format!("/apps?account_id={account}");
    assert_eq!(stranger.get(&server, &named)["total"], 0);
    assert_eq!(stranger.get(&server, "/accounts")["accounts"].as_array().unwrap().len(), 1);
    let body = json!({ "account_id": account, "name": "Mine" });
    assert_eq!(
        refused(&stranger.tell(&server, "POST", "/apps", &body), 422)["field"],
        "account_id"
    );
}

#[test]
fn apps_of_the_config_file_are_the_operators() {
    let (server, operator) = operated();
    assert_eq!(operator.get(&server, "/apps/1001")["origin"], "file");
    refused(&operator.tell(&server, "PATCH", "/apps/1001", &json!({ "name": "x" })), 409);
    refused(&operator.ask(&server, "DELETE", "/apps/1001"), 409);
    let stranger = another_account(&server, &operator, &json!({}));
    refused(&stranger.ask(&server, "GET", "/apps/1001"), 404);
    refused(&stranger.ask(&server, "GET", "/apps/1001/webhooks"), 404);
}

#[test]
fn only_operators_make_accounts_and_set_plans() {
    let (server, operator) = operated();
    let stranger = another_account(&server, &operator, &json!({ "max_apps": 1 }));
    let own = format!("/accounts/{}", stranger.account());
    refused(&stranger.tell(&server, "POST", "/accounts", &json!({ "name": "More" })), 403);
    refused(&stranger.ask(&server, "DELETE", &own), 403);
    let plan = json!({ "plan": { "max_apps": 0 } });
    refused(&stranger.tell(&server, "PATCH", &own, &plan), 403);
    let name = json!({ "name": "<script>alert(1)</script>" });
    assert_eq!(stranger.tell(&server, "PATCH", &own, &name).status, 200);
    let changed = operator.tell(&server, "PATCH", &own, &plan).ok();
    assert_eq!(changed["plan"]["max_apps"], 0);
}

#[test]
fn only_operators_see_the_nodes() {
    let (server, operator) = operated();
    let stranger = another_account(&server, &operator, &json!({}));
    refused(&stranger.ask(&server, "GET", "/cluster"), 403);
    let token = stranger.make(
        &server,
        &format!("/accounts/{}/tokens", stranger.account()),
        &json!({ "name": "mine", "scope": "write" }),
    );
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let path = format!("{}/cluster", super::browser::BASE);
    refused(&server.http(&Request::get(&path).header("Authorization", &bearer)), 403);
    refused(&server.http(&Request::get(&path)), 401);
    assert_eq!(operator.get(&server, "/cluster")["state"], "well");
}

#[test]
fn a_token_of_an_account_does_what_its_scope_says() {
    let (server, owner) = operated();
    let account = owner.account();
    let app = new_app(&server, &owner, &account);
    let token = |scope: &str| {
        let body = json!({ "name": scope, "scope": scope });
        let made = owner.make(&server, &format!("/accounts/{account}/tokens"), &body);
        format!("Bearer {}", made["token"].as_str().unwrap())
    };
    let (reads, writes) = (token("read"), token("write"));
    let ask = |bearer: &str, method: &str, path: &str| {
        let path = format!("{}{path}", super::browser::BASE);
        let request = Request::new(method, &path).header("Authorization", bearer);
        server.http(&request.body(if method == "GET" { "" } else { "{\"name\":\"New\"}" }))
    };
    let app = path("/apps", &app);
    assert_eq!(ask(&reads, "GET", &app).status, 200);
    refused(&ask(&reads, "PATCH", &app), 403);
    assert_eq!(ask(&writes, "PATCH", &app).ok()["name"], "New");
    refused(&ask(&writes, "DELETE", &app), 403);
    refused(&ask(&writes, "PATCH", &format!("/accounts/{account}")), 403);
    refused(&ask(&writes, "GET", "/session"), 403);
    refused(&ask(&writes, "GET", "/apps/1001"), 404);
}

#[test]
fn an_expired_or_foreign_cookie_beside_a_good_token_does_no_harm() {
    let (server, owner) = operated();
    let stale = Browser { cookie: Some("stale".into()), ..Browser::default() };
    refused(&stale.ask(&server, "GET", "/apps"), 401);
    let path = format!("/accounts/{}/tokens", owner.account());
    let made = owner.make(&server, &path, &json!({ "name": "x", "scope": "read" }));
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let request = stale.request("GET", "/apps").header("Authorization", &bearer);
    assert_eq!(server.http(&request).status, 200);
}
