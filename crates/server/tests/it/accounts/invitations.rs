//! Coming into an account, and what roles may do.

use serde_json::json;

use super::browser::{Browser, PASSWORD, invited, link_token, operated};
use crate::management::office::refused;

#[test]
fn an_invitation_is_good_once_and_shows_what_it_is_for() {
    let (server, owner) = operated();
    let path = format!("/accounts/{}/invitations", owner.account());
    let wanted = json!({ "role": "developer", "email": "bob@example.com" });
    let made = owner.make(&server, &path, &wanted);
    let token = link_token(&made);
    let nobody = Browser::default();
    let shown = nobody.tell(&server, "POST", "/invitation", &json!({ "token": token })).ok();
    assert_eq!((&shown["account"]["name"], &shown["role"]), (&json!("Main"), &json!("developer")));
    assert_eq!((&shown["known"], &shown["invited_by"]), (&json!(false), &json!("Ada")));
    let accept = |email: &str| {
        let body = json!({ "token": token, "name": "Bob", "email": email, "password": PASSWORD });
        nobody.tell(&server, "POST", "/invitation/accept", &body)
    };
    assert_eq!(refused(&accept("eve@example.com"), 422)["field"], "email");
    let bob = Browser::signed_in(&accept("bob@example.com"));
    assert_eq!(bob.session["accounts"][0]["role"], "developer");
    refused(&accept("bob@example.com"), 404);
    assert_eq!(owner.get(&server, &path)["invitations"], json!([]));
}

#[test]
fn who_is_signed_in_joins_with_a_click_and_keeps_the_larger_role() {
    let (server, owner) = operated();
    let account = owner.account();
    let path = format!("/accounts/{account}/invitations");
    let made = owner.make(&server, &path, &json!({ "role": "viewer" }));
    let body = json!({ "token": link_token(&made) });
    let answer = owner.tell(&server, "POST", "/invitation/accept", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let members = owner.get(&server, &format!("/accounts/{account}/members"));
    assert_eq!(members["members"][0]["role"], "owner");
    let other =
        owner.make(&server, &path, &json!({ "role": "viewer", "email": "bob@example.com" }));
    let body = json!({ "token": link_token(&other) });
    refused(&owner.tell(&server, "POST", "/invitation/accept", &body), 403);
}

#[test]
fn an_invitation_that_was_taken_back_opens_nothing() {
    let (server, owner) = operated();
    let path = format!("/accounts/{}/invitations", owner.account());
    let made = owner.make(&server, &path, &json!({ "role": "viewer" }));
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(owner.ask(&server, "DELETE", &one).status, 204);
    refused(&owner.ask(&server, "DELETE", &one), 404);
    let body = json!({ "token": link_token(&made) });
    refused(&Browser::default().tell(&server, "POST", "/invitation", &body), 404);
}

#[test]
fn a_viewer_changes_nothing_and_a_developer_nothing_of_the_account() {
    let (server, owner) = operated();
    let account = owner.account();
    let app = super::browser::new_app(&server, &owner, &account);
    let viewer = invited(&server, &owner, &account, "viewer", "v@example.com");
    let developer = invited(&server, &owner, &account, "developer", "d@example.com");
    let document = server.http(&bellwire_testkit::Request::get("/management/openapi.json")).ok();
    let (app, mut seen) = (app["id"].as_str().unwrap(), 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/management/v1").unwrap();
        if !path.contains("{app_id}") && !path.contains("{account_id}") {
            continue;
        }
        let is_accounts = path.contains("{account_id}");
        let path = path.replace("{app_id}", app).replace("{account_id}", &account);
        let path = path.replace("{id}", "ep_0");
        for method in operations.as_object().unwrap().keys().filter(|method| *method != "get") {
            let method = method.to_uppercase();
            refused(&viewer.tell(&server, &method, &path, &json!({})), 403);
            if is_accounts {
                refused(&developer.tell(&server, &method, &path, &json!({})), 403);
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    refused(&developer.ask(&server, "DELETE", &format!("/apps/{app}")), 403);
    let renamed = json!({ "name": "Renamed" });
    assert_eq!(developer.tell(&server, "PATCH", &format!("/apps/{app}"), &renamed).status, 200);
    assert_eq!(viewer.get(&server, &format!("/apps/{app}"))["name"], "Renamed");
    let body = json!({ "account_id": account, "name": "Mine" });
    refused(&viewer.tell(&server, "POST", "/apps", &body), 403);
}

#[test]
fn an_account_keeps_an_owner_and_a_member_who_left_sees_nothing() {
    let (server, owner) = operated();
    let account = owner.account();
    let members = format!("/accounts/{account}/members");
    let bob = invited(&server, &owner, &account, "viewer", "bob@example.com");
    let list = owner.get(&server, &members);
    let id = |n: usize| list["members"][n]["user_id"].as_str().unwrap().to_owned();
    let (ada, bobs) = (format!("{members}/{}", id(0)), format!("{members}/{}", id(1)));
    refused(&owner.ask(&server, "DELETE", &ada), 409);
    refused(&owner.tell(&server, "PATCH", &ada, &json!({ "role": "viewer" })), 409);
    let wrong = owner.tell(&server, "PATCH", &bobs, &json!({ "role": "king" }));
    assert_eq!(refused(&wrong, 422)["field"], "role");
    assert_eq!(owner.ask(&server, "DELETE", &bobs).status, 204);
    refused(&bob.ask(&server, "GET", &members), 404);
    assert_eq!(bob.get(&server, "/apps")["total"], 0);
}
