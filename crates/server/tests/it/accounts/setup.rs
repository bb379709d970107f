//! The first operator.

use serde_json::json;

use super::browser::{Browser, PASSWORD, set_up, setup_token};
use crate::management::office::{cli, refused};
use crate::support::serve;
use bellwire_testkit::{App, Config, Server};

#[test]
fn the_link_that_is_printed_makes_the_first_operator_once() {
    let server = serve(Config::default());
    let nobody = Browser::default();
    assert_eq!(nobody.get(&server, "/setup")["needed"], true);
    let token = setup_token(&server);
    refused(&set_up(&server, "wrong"), 403);
    let operator = Browser::signed_in(&set_up(&server, &token));
    assert_eq!(operator.session["user"]["operator"], true);
    assert_eq!(operator.session["accounts"][0]["name"], "Main");
    assert_eq!(nobody.get(&server, "/setup")["needed"], false);
    refused(&set_up(&server, &token), 403);
    // The app that was made at the first start is theirs.
    let apps = operator.get(&server, "/apps");
    assert_eq!(apps["apps"][0]["name"], "First app");
    assert_eq!(apps["apps"][0]["account_id"], operator.account().as_str());
}

#[test]
fn every_start_without_an_operator_prints_the_link_again_until_it_is_used() {
    let mut server = serve(Config::with(App::new(1)));
    let token = setup_token(&server);
    server.crash();
    server.restart();
    let links = |server: &Server| server.stdout().matches(&token).count();
    crate::support::eventually("the link once more", || links(&server) == 2);
    assert_eq!(set_up(&server, &token).status, 201);
    refused(&set_up(&server, &token), 403);
    let said = server.stdout();
    server.crash();
    server.restart();
    assert_eq!(server.stdout(), said, "nothing more to say");
}

#[test]
fn each_field_of_the_first_operator_is_checked() {
    let server = serve(Config::with(App::new(1)));
    let token = setup_token(&server);
    for (field, value) in
        [("name", "  "), ("email", "nobody"), ("password", "short"), ("password", "aaaaaaaaaaaa")]
    {
        let mut body = json!({
            "token": token, "name": "Ada", "email": "ada@example.com", "password": PASSWORD,
        });
        body[field] = value.into();
        let answer = Browser::default().tell(&server, "POST", "/setup", &body);
        assert_eq!(refused(&answer, 422)["field"], field);
    }
    assert_eq!(set_up(&server, &token).status, 201);
}

#[test]
fn the_command_line_makes_operators_and_resets_passwords_while_the_server_runs() {
    let server = serve(Config::default());
    let printed = cli(&server, &["people", "create-operator", "Bob@Example.com", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let password = made["password"].as_str().unwrap();
    let bob = Browser::sign_in(&server, "bob@example.com", password);
    assert_eq!(bob.session["user"]["operator"], true);
    assert_eq!(bob.get(&server, "/apps")["total"], 1, "the first app was adopted");
    refused(&set_up(&server, &setup_token(&server)), 403);
    let printed = cli(&server, &["people", "reset-password", "bob@example.com", "--json"]);
    let reset: serde_json::Value = serde_json::from_str(&printed).unwrap();
    refused(&bob.ask(&server, "GET", "/session"), 401);
    Browser::sign_in(&server, "bob@example.com", reset["password"].as_str().unwrap());
    let listed = cli(&server, &["people", "list"]);
    assert!(listed.contains("bob@example.com") && listed.contains("Main (owner)"), "{listed}");
    cli(&server, &["people", "create-operator", "eve@example.com"]);
    cli(&server, &["people", "remove", "eve@example.com"]);
    assert!(!cli(&server, &["people", "list"]).contains("eve@example.com"));
}
