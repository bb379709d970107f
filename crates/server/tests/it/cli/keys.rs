//! `bellwire keys` beside a running server.

use bellwire_testkit::{Api, App, Server};

use super::run;
use crate::support::{self, eventually};

const PATH: &str = "/app/key-7?protocol=7";

/// A server with an app 2007 in its store, whose key is `key-7`.
fn server() -> Server {
    let server = support::server();
    let args = ["apps", "create", "--id", "2007", "--key", "key-7", "--secret", "secret-7"];
    run(&server, &args).ok();
    server
}

fn answers(server: &Server, key: &str, secret: &str, status: u16) {
    let api = Api::new(server.target(), "2007", key, secret);
    eventually("the API follows", || api.get("/channels").send().status == status);
}

// contract: 15.1, 1.13
#[test]
fn a_new_key_is_good_at_once_and_a_revoked_one_for_nothing() {
    let server = server();
    let made = run(&server, &["keys", "create", "2007", "--json"]).json();
    let (key, secret) = (made["key"].as_str().unwrap(), made["secret"].as_str().unwrap());
    answers(&server, key, secret, 200);
    server.connect_to(&App::called("2007", key, secret)).subscribe("private-a");
    let mut old = server.connect_to(&App::called("2007", "key-7", "secret-7"));
    let revoked = run(&server, &["keys", "revoke", "2007", "key-7"]).ok();
    assert_eq!(revoked, "key key-7 of app 2007 is revoked\n");
    answers(&server, "key-7", "secret-7", 401);
    server.open(PATH).expect_refusal(4001);
    old.ask("private-a", None);
    old.expect_subscription_refused("private-a");
    run(&server, &["keys", "activate", "2007", "key-7"]).ok();
    answers(&server, "key-7", "secret-7", 200);
    server.open(PATH).expect_established();
}

// contract: 15.1
#[test]
fn the_last_active_key_is_revoked_only_by_force() {
    let server = server();
    let revoke = ["keys", "revoke", "2007", "key-7"];
    run(&server, &revoke).fails(1, &["last active key", "keys create 2007", "--force"]);
    answers(&server, "key-7", "secret-7", 200);
    let forced = run(&server, &[&revoke[..], &["--force", "--json"]].concat()).json();
    assert_eq!(forced["active"], false);
    answers(&server, "key-7", "secret-7", 401);
    let again = run(&server, &revoke);
    assert!(again.err.contains("revoked before"), "{again:?}");
    again.ok();
    let last = ["trigger", "a", "b", "c", "--app-id", "2007"];
    run(&server, &last).fails(1, &["no active key", "keys create 2007"]);
}

// contract: 15.1
#[test]
fn keys_are_listed_without_their_secrets() {
    let server = server();
    let given = ["keys", "create", "2007", "--key", "key-8", "--secret", "secret-8"];
    run(&server, &given).ok();
    run(&server, &["keys", "revoke", "2007", "key-8"]).ok();
    let list = run(&server, &["keys", "list", "2007"]).ok();
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["KEY", "STATE", "CREATED", "SECRET"]);
    assert_eq!(rows[1][..2], ["key-7", "active"]);
    assert_eq!(rows[2][..2], ["key-8", "revoked"]);
    assert!(rows[1][2].starts_with("20") && rows[1][2].ends_with('Z'), "{list}");
    assert!(!list.contains("secret-"), "{list}");
    let json = run(&server, &["keys", "list", "2007", "--json"]).json();
    assert_eq!(json[1]["active"], false);
    assert!(!json.to_string().contains("secret"), "{json}");
    let revealed = run(&server, &["keys", "list", "2007", "--json", "--reveal"]).json();
    assert_eq!(revealed[0]["secret"], "secret-7");
}

// contract: 15.1
#[test]
fn an_unknown_app_or_key_is_code_3() {
    let server = server();
    run(&server, &["keys", "list", "9"]).fails(3, &["there is no app 9"]);
    run(&server, &["keys", "create", "9"]).fails(3, &["there is no app 9"]);
    run(&server, &["keys", "revoke", "2007", "nope"]).fails(3, &["no key nope", "keys list 2007"]);
    let taken = ["keys", "create", "2007", "--key", "key-7", "--secret", "x"];
    run(&server, &taken).fails(1, &["app key key-7"]);
}
