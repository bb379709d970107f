//! What the official `pusher` command line asks (contract D2).

use bellwire_testkit::Request;
use serde_json::json;

use super::browser::{new_app, operated};

#[test]
fn the_official_command_line_lists_apps_and_their_tokens() {
    let (server, owner) = operated();
    let account = owner.account();
    let app = new_app(&server, &owner, &account);
    let body = json!({ "name": "CLI", "scope": "write" });
    let token = owner.make(&server, &format!("/accounts/{account}/tokens"), &body);
    let header = format!("Token token={}", token["token"].as_str().unwrap());
    let ask =
        |path: &str, header: &str| server.http(&Request::get(path).header("Authorization", header));
    let id: u64 = app["id"].as_str().unwrap().parse().unwrap();
    let apps = ask("/apps.json", &header).json();
    assert_eq!(apps, json!([{ "id": id, "name": "Chat", "cluster": "" }]));
    let tokens = ask(&format!("/apps/{id}/tokens.json"), &header).json();
    assert_eq!(tokens, json!([{ "key": app["key"], "secret": app["secret"] }]));
    assert_eq!(ask("/apps/1001/tokens.json", &header).status, 404);
    assert_eq!(ask("/apps.json", "Token token=wrong").status, 401);
    assert_eq!(ask("/apps.json", "").status, 401);
}
