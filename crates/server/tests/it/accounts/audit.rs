//! Who changed what.

use serde_json::{Value, json};

use super::browser::{PASSWORD, new_app, operated, path};
use crate::management::office::refused;

#[test]
fn what_was_done_is_told_with_who_and_what_and_no_secret() {
    let (server, owner) = operated();
    let account = owner.account();
    let app = new_app(&server, &owner, &account);
    let here = path("/apps", &app);
    let patch = json!({ "name": "Talk", "settings": { "client_events": true } });
    owner.tell(&server, "PATCH", &here, &patch).ok();
    let webhook =
        json!({ "url": "https://example.com/", "headers": { "X-Key": "s3cret-of-mine" } });
    let webhook = owner.make(&server, &format!("{here}/webhooks"), &webhook);
    let headers = json!({ "headers": { "X-Key": "an0ther-secret" } });
    let one = format!("{here}/webhooks/{}", webhook["id"].as_str().unwrap());
    owner.tell(&server, "PATCH", &one, &headers).ok();
    let rotated = owner.ask(&server, "POST", &format!("{one}/rotate-secret")).ok();
    owner.ask(&server, "POST", &format!("{here}/keys/{}/reveal", app["key"].as_str().unwrap()));
    let all = owner.get(&server, &format!("/accounts/{account}/audit"));
    let entries = all["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries.iter().map(|e| e["action"].as_str().unwrap()).collect();
    let expected = [
        "key.revealed",
        "webhook.secret_rotated",
        "webhook.changed",
        "webhook.created",
        "app.changed",
        "app.created",
    ];
    assert_eq!(actions[..6], expected);
    let changed = &entries[4];
    assert_eq!(
        (&changed["actor"]["name"], &changed["actor"]["kind"]),
        (&json!("Ada"), &json!("user"))
    );
    assert_eq!(changed["app_id"], app["id"]);
    let fields = json!([
        { "field": "name", "from": "Chat", "to": "Talk" },
        { "field": "settings.client_events", "from": false, "to": true },
    ]);
    assert_eq!(changed["changes"], fields);
    assert_eq!(entries[2]["changes"][0]["field"], "headers");
    let secrets: [&Value; 3] = [&app["secret"], &webhook["secret"], &rotated["secret"]];
    let text = all.to_string();
    for hidden in secrets.map(|s| s.as_str().unwrap()).into_iter().chain([
        PASSWORD,
        "s3cret-of-mine",
        "an0ther-secret",
    ]) {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

#[test]
fn the_audit_is_filtered_and_paged_and_survives_the_app() {
    let (server, owner) = operated();
    let account = owner.account();
    let audit = |query: &str| owner.get(&server, &format!("/accounts/{account}/audit?{query}"));
    let app = new_app(&server, &owner, &account);
    new_app(&server, &owner, &account);
    owner.ask(&server, "DELETE", &path("/apps", &app));
    let id = app["id"].as_str().unwrap();
    let of_app = audit(&format!("app_id={id}"));
    assert_eq!(of_app["entries"].as_array().unwrap().len(), 2);
    let first = audit("action=app&limit=2");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = audit(&format!("action=app&limit=2&cursor={cursor}"));
    assert_eq!(second["entries"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], Value::Null);
    let path = format!("/accounts/{account}/audit?cursor=x");
    assert_eq!(refused(&owner.ask(&server, "GET", &path), 422)["field"], "cursor");
}
