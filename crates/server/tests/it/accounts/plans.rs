//! Plans are enforced by the running server, at once.

use bellwire_testkit::App;
use serde_json::{Value, json};

use super::browser::{Browser, another_account, new_app, operated, path, published};
use crate::management::office::refused;
use crate::support::eventually;

/// An app as the test kit knows it.
fn served(app: &Value) -> App {
    let text = |name: &str| app[name].as_str().unwrap().to_owned();
    App::called(&text("id"), &text("key"), &text("secret"))
}

fn set_plan(server: &bellwire_testkit::Server, operator: &Browser, account: &str, plan: &Value) {
    let path = format!("/accounts/{account}");
    let answer = operator.tell(server, "PATCH", &path, &json!({ "plan": plan }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_plan_bounds_apps_and_webhooks() {
    let (server, operator) = operated();
    let plan = json!({ "name": "Small", "max_apps": 1, "max_webhooks_per_app": 1 });
    let owner = another_account(&server, &operator, &plan);
    let app = new_app(&server, &owner, &owner.account());
    let body = json!({ "account_id": owner.account(), "name": "Second" });
    let problem = refused(&owner.tell(&server, "POST", "/apps", &body), 403);
    assert_eq!(problem["detail"], "The plan \"Small\" allows 1 apps, and there are 1");
    let webhooks = format!("{}/webhooks", path("/apps", &app));
    let url = json!({ "url": "https://example.com/" });
    owner.make(&server, &webhooks, &url);
    refused(&owner.tell(&server, "POST", &webhooks, &url), 403);
    set_plan(
        &server,
        &operator,
        &owner.account(),
        &json!({ "max_apps": 2, "max_webhooks_per_app": null }),
    );
    owner.make(&server, &webhooks, &url);
    owner.make(&server, "/apps", &body);
    let usage = owner.get(&server, &format!("/accounts/{}/usage", owner.account()));
    assert_eq!(usage["apps"], json!({ "used": 2, "limit": 2, "percent": 100 }));
    assert_eq!(usage["warnings"][0], "All the apps used: 2 of 2");
}

#[test]
fn a_plan_bounds_connections_of_each_app() {
    let (server, operator) = operated();
    let owner = another_account(&server, &operator, &json!({ "max_connections_per_app": 2 }));
    let app = served(&new_app(&server, &owner, &owner.account()));
    let first = server.connect_to(&app);
    let _second = server.connect_to(&app);
    let door = format!("/app/{}?protocol=7", app.key);
    server.open(&door).expect_refusal(4004);
    drop(first);
    eventually("there is room again", || server.open(&door).try_established());
    set_plan(&server, &operator, &owner.account(), &json!({ "max_connections_per_app": 0 }));
    let _all: Vec<_> = (0..4).map(|_| server.connect_to(&app)).collect();
}

#[test]
fn a_plan_bounds_the_messages_of_all_apps_together() {
    let (server, operator) = operated();
    let owner = another_account(&server, &operator, &json!({ "max_messages_per_day": 6 }));
    let apps = [(); 2].map(|()| served(&new_app(&server, &owner, &owner.account())));
    for app in &apps {
        for _ in 0..3 {
            assert_eq!(published(&server, app, "c").status, 200);
        }
    }
    eventually("the quota is used up", || published(&server, &apps[0], "c").status == 403);
    let refused = published(&server, &apps[1], "c");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("message quota"), "{}", refused.text());
    set_plan(&server, &operator, &owner.account(), &json!({ "max_messages_per_day": 1000 }));
    assert_eq!(published(&server, &apps[1], "c").status, 200);
}
