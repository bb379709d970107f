//! `bellwire tokens` beside a running server.

use bellwire_testkit::{App, Config, Request, Server};

use super::{run, run_in};
use crate::support::{serve, server};

/// The status of a management request with this token.
fn opens(server: &Server, app: &str, token: &str) -> u16 {
    let path = format!("/management/v1/apps/{app}/webhooks");
    let request = Request::get(&path).header("Authorization", &format!("Bearer {token}"));
    server.http(&request).status
}

#[test]
fn a_token_opens_the_management_api_until_it_is_revoked() {
    let server = server();
    let made = run(&server, &["tokens", "create", "--name", "for the build", "--json"]).json();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(opens(&server, "1001", token), 200);
    assert_eq!(opens(&server, "1001", &token.to_lowercase()), 401);
    let revoked = run(&server, &["tokens", "revoke", id]).ok();
    assert_eq!(revoked, format!("token {id} is revoked\n"));
    assert_eq!(opens(&server, "1001", token), 401);
    run(&server, &["tokens", "revoke", id]).fails(3, &["there is no token", id, "tokens list"]);
}

#[test]
fn a_token_of_one_app_opens_that_app() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let made = run(&server, &["tokens", "create", "--app", "1002", "--json"]).json();
    assert_eq!(made["app_id"], "1002");
    let token = made["token"].as_str().unwrap();
    assert_eq!((opens(&server, "1002", token), opens(&server, "1001", token)), (200, 403));
    run(&server, &["tokens", "create", "--app", "9"]).fails(3, &["there is no app 9"]);
    run(&server, &["tokens", "create", "--app", "shop"]).fails(2, &["decimal digits"]);
}

#[test]
fn a_token_is_shown_once_and_listed_without_what_opens() {
    let server = server();
    let none = run(&server, &["tokens", "list"]);
    assert!(none.err.contains("bellwire tokens create"), "{none:?}");
    assert_eq!(none.ok(), "");
    let made = run(&server, &["tokens", "create", "--name", "CI", "--app", "1001"]).ok();
    let value = |name: &str| {
        let line = made.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let token = value("token");
    let random = token.strip_prefix("blw_").unwrap();
    assert_eq!(random.len(), 40);
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    let list = run(&server, &["tokens", "list"]).ok();
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..3], ["ID", "NAME", "OPENS"]);
    assert_eq!(rows[1][..3], [&value("id"), "CI", "1001"]);
    let json = run(&server, &["tokens", "list", "--json"]).json();
    assert_eq!((&json[0]["name"], &json[0]["app_id"]), (&"CI".into(), &"1001".into()));
    for shown in [list, json.to_string()] {
        assert!(!shown.contains(random), "{shown}");
    }
    let database = std::fs::read(server.dir().join("data/bellwire.db")).unwrap();
    let log = std::fs::read(server.dir().join("data/bellwire.db-wal")).unwrap();
    for kept in [database, log] {
        assert!(!kept.windows(40).any(|part| part == random.as_bytes()), "the token is on disk");
    }
}

#[test]
fn a_folder_without_a_server_has_no_tokens() {
    let server = server();
    let empty = server.dir().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for args in [&["tokens", "list"][..], &["tokens", "create"], &["tokens", "revoke", "tok_1"]] {
        run_in(&empty, args).fails(3, &["no Bellwire database in ./bellwire-data", "--data-dir"]);
    }
    run_in(&empty, &["tokens", "create", "--data-dir", "new"]).ok();
    assert_eq!(run_in(&empty, &["tokens", "list", "--data-dir", "new"]).ok().lines().count(), 2);
}
