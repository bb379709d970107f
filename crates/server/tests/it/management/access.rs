//! Who may ask what, and what is refused before anything is looked at.

use bellwire_testkit::{App, Config, Connection, Request};
use serde_json::{Value, json};

use super::office::{APP, Office, cli, config, refused, token};
use crate::support::{eventually, serve};

#[test]
fn a_request_without_a_good_token_is_refused() {
    let office = Office::usual();
    let path = format!("{APP}/webhooks");
    let wrong = format!("Bearer {}x", office.token);
    let basic = format!("Basic {}", office.token);
    for given in [None, Some(""), Some("Bearer"), Some("Bearer "), Some(&wrong), Some(&basic)] {
        let request = Request::get(&path);
        let request = match given {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        let response = office.server.http(&request);
        refused(&response, 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{given:?}");
    }
    let lower = Request::get(&path).header("authorization", &format!("bearer {}", office.token));
    assert_eq!(office.server.http(&lower).status, 200, "the scheme has no case");
}

#[test]
fn an_apps_key_and_secret_open_nothing_here() {
    let office = Office::usual();
    for wrong in ["key-1", "secret-1", "key-1:secret-1"] {
        let request = Request::get(&format!("{APP}/webhooks"));
        let request = request.header("Authorization", &format!("Bearer {wrong}"));
        refused(&office.server.http(&request), 401);
    }
}

#[test]
fn a_token_of_one_app_opens_no_other() {
    let mut office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let webhook = office.webhook(&hook, &json!({}));
    let id = webhook["id"].as_str().unwrap();
    let ask = |office: &Office, path: &str| {
        let path = format!("/management/v1/apps/{path}");
        office.server.http(&office.request("GET", &path))
    };
    assert_eq!(ask(&office, "1002/webhooks").ok(), json!({ "webhooks": [] }));
    refused(&ask(&office, "9999/webhooks"), 404);
    refused(&ask(&office, "no-number/webhooks"), 404);
    refused(&ask(&office, &format!("1002/webhooks/{id}")), 404);
    office.token = token(&office.server, &["--app", "1001"]).1;
    assert_eq!(ask(&office, &format!("1001/webhooks/{id}")).ok()["id"], id);
    for other in ["1002/webhooks", "9999/webhooks", "no-number/webhooks", "1002/snapshot"] {
        refused(&ask(&office, other), 403);
    }
}

#[test]
fn a_revoked_token_opens_nothing() {
    let mut office = Office::usual();
    let (id, text) = token(&office.server, &[]);
    office.token = text;
    office.get("/webhooks");
    cli(&office.server, &["tokens", "revoke", &id]);
    refused(&office.ask("GET", "/webhooks"), 401);
}

#[test]
fn the_description_needs_no_token_and_every_path_in_it_does() {
    let office = Office::usual();
    let document = office.server.http(&Request::get("/management/openapi.json"));
    assert_eq!(document.header("content-type"), Some("application/json"));
    let document = document.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.replace("{app_id}", "1001").replace("{id}", "ep_0");
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            // Signing in and links need none, and say so.
            if operation.get("security").is_none() {
                refused(&office.server.http(&Request::new(&method, &path)), 401);
                seen += 1;
            }
            // A console's answer goes on and on; a wish that it refuses ends at once.
            let wish = if path.ends_with("/console") { "?types=none" } else { "" };
            let response = office.server.http(&office.request(&method, &format!("{path}{wish}")));
            assert_ne!(response.status, 405, "{method} {path}");
        }
    }
    assert!(seen > 40, "{seen}");
    let post = office.server.http(&Request::new("POST", "/management/openapi.json"));
    refused(&post, 405);
    assert_eq!(post.header("allow"), Some("GET,HEAD"));
}

#[test]
fn what_is_not_there_is_404_and_a_wrong_method_405() {
    let office = Office::usual();
    for path in ["/webhook", "/webhooks/", "/webhooks/ep_1/nothing", "/replays/rpl_1", "/%ff"] {
        refused(&office.ask("GET", path), 404);
    }
    for path in ["/management", "/management/", "/management/v2/apps/1001/webhooks"] {
        refused(&office.server.http(&office.request("GET", path)), 404);
    }
    let response = office.ask("PUT", "/webhooks");
    refused(&response, 405);
    let allowed = response.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[test]
fn a_large_body_is_refused_before_it_is_read() {
    let office = Office::usual();
    let path = format!("{APP}/webhooks");
    let large = office.request("POST", &path).body(vec![b' '; 65_537]);
    refused(&office.server.http(&large), 413);
    let chunk = format!("10001\r\n{}\r\n0\r\n\r\n", " ".repeat(0x10001));
    let chunked = office.request("POST", &path).header("Transfer-Encoding", "chunked").body(chunk);
    refused(&office.server.http(&chunked), 413);
    let fits = office.request("POST", &path).body(vec![b' '; 65_536]);
    refused(&office.server.http(&fits), 400);
}

#[test]
fn a_large_body_of_a_stranger_still_gets_its_answer() {
    let office = Office::usual();
    let request = Request::new("POST", &format!("{APP}/webhooks")).body(vec![b' '; 500_000]);
    refused(&office.server.http(&request), 401);
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let office = Office::usual();
    let send = |body: &str| {
        let request = office.request("POST", &format!("{APP}/webhooks")).body(body);
        office.server.http(&request)
    };
    for body in ["{", "nothing", "{\"url\":}", "\u{feff}{}", "{} {}"] {
        refused(&send(body), 400);
    }
    for body in ["[]", "5", "\"https://example.com\""] {
        refused(&send(body), 422);
    }
    assert_eq!(refused(&send(""), 422)["field"], "url");
}

#[test]
fn it_lives_below_the_prefix_and_not_on_the_admin_listener() {
    let config = Config::with(App::new(1))
        .setting("admin_listen = \"{admin}\"")
        .setting("path_prefix = \"/ws\"");
    let office = Office::with(config);
    let path = format!("/ws{APP}/webhooks");
    assert_eq!(office.server.http(&office.request("GET", &path)).status, 200);
    let document = office.server.http(&Request::get("/ws/management/openapi.json")).ok();
    assert_eq!(document["servers"][0]["url"], "/ws");
    let mut admin = Connection::open(office.server.admin());
    assert_eq!(admin.exchange(&office.request("GET", &format!("{APP}/webhooks"))).status, 404);
    assert_eq!(admin.exchange(&Request::get("/management/openapi.json")).status, 404);
}

#[test]
fn pages_of_other_origins_get_nothing_and_nobody_keeps_a_copy() {
    let office = Office::usual();
    let asks = office.request("GET", &format!("{APP}/webhooks"));
    let response = office.server.http(&asks.header("Origin", "https://evil.example"));
    assert_eq!(response.header("access-control-allow-origin"), None);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let preflight = Request::new("OPTIONS", &format!("{APP}/webhooks"))
        .header("Origin", "https://evil.example")
        .header("Access-Control-Request-Method", "POST");
    let response = office.server.http(&preflight);
    assert!(response.status >= 400);
    assert_eq!(response.header("access-control-allow-origin"), None);
}

#[test]
fn tokens_and_secrets_do_not_get_into_the_log() {
    let config = config().setting("log = \"trace\"");
    let office = Office::with(config);
    let hook = office.receiver.hook("/hook");
    let webhook = office.webhook(&hook, &json!({ "headers": { "X-Api-Key": "s3cret-of-mine" } }));
    office.warm(&webhook, &hook);
    let rotated =
        office.ask("POST", &format!("{}/rotate-secret", super::office::path_of(&webhook)));
    let log = || office.server.stderr();
    eventually("it is logged who did it", || log().contains("webhook.secret_rotated"));
    let text = |value: &Value| value.as_str().unwrap().trim_start_matches("whsec_").to_owned();
    let secrets = [text(&webhook["secret"]), text(&rotated.ok()["secret"])];
    for hidden in [&office.token, "s3cret-of-mine", &secrets[0], &secrets[1]] {
        assert!(!log().contains(hidden), "{hidden} is in the log");
    }
}

#[test]
fn the_server_comes_up_and_answers_after_a_restart_with_the_same_tokens_and_webhooks() {
    let mut office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let webhook = office.webhook(&hook, &json!({}));
    office.server.crash();
    office.server.restart();
    let shown = office.get(&super::office::path_of(&webhook));
    assert_eq!(shown["created_at"], webhook["created_at"]);
}

#[test]
fn pushers_api_is_where_it_was() {
    let server = serve(config());
    assert_eq!(server.api().get("/channels").send().ok(), json!({ "channels": {} }));
    assert_eq!(server.http(&Request::get("/management/openapi.json")).status, 200);
}
