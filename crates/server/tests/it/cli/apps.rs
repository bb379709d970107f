//! `bellwire apps` beside a running server.

use bellwire_testkit::{App, Config, Server};
use serde_json::json;

use super::{Run, run, run_in};
use crate::support::{eventually, serve, server};

const PATH: &str = "/app/key-7?protocol=7";

/// An app that was made on the command line, with id 2007 and these settings.
fn made(server: &Server, settings: &[&str]) -> App {
    let args = ["apps", "create", "--id", "2007", "--key", "key-7", "--secret", "secret-7"];
    let set: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    run(server, &[&args[..], &set].concat()).ok();
    let app = App::called("2007", "key-7", "secret-7");
    eventually("the new app answers", || server.api_of(&app).get("/channels").send().status == 200);
    app
}

fn set(server: &Server, assignment: &str) -> Run {
    run(server, &["apps", "set", "2007", assignment])
}

// contract: 15.1
#[test]
fn an_app_that_is_made_is_served_at_once_with_new_credentials() {
    let server = server();
    let first = run(&server, &["apps", "create", "--name", "Shop", "--json"]).json();
    assert_eq!(first["name"], "Shop");
    let text = |name: &str| first[name].as_str().unwrap().to_owned();
    assert!(text("id").parse::<u32>().is_ok());
    let app = App::called(&text("id"), &text("key"), &text("secret"));
    eventually("the new app answers", || server.api_of(&app).get("/channels").send().status == 200);
    server.connect_to(&app).subscribe("private-a");
    let second = run(&server, &["apps", "create"]).ok();
    for name in ["app id", "key", "secret"] {
        assert!(second.lines().any(|line| line.starts_with(name)), "{second}");
    }
    assert!(!second.contains(&app.id) && !second.contains(&app.secret));
}

// contract: 15.1
#[test]
fn an_app_can_be_taken_over_with_its_credentials_and_settings() {
    let server = server();
    let app = made(&server, &["client_events=true", "name=Taken over"]);
    server.connect_to(&app).subscribe("private-a");
    let shown = run(&server, &["apps", "show", "2007", "--json"]).json();
    assert_eq!(shown["settings"]["client_events"], true);
    assert_eq!(shown["settings"]["name"], "Taken over");
    let again = ["apps", "create", "--id", "2007"];
    run(&server, &again).fails(1, &["there is an app 2007", "apps set 2007"]);
    let same_key = ["apps", "create", "--key", "key-7", "--secret", "x"];
    run(&server, &same_key).fails(1, &["app key key-7"]);
    run(&server, &["apps", "create", "--key", "k"]).fails(2, &["--secret"]);
    run(&server, &["apps", "create", "--id", "shop"]).fails(2, &["decimal digits"]);
    let wrong = ["apps", "create", "--key", "k", "--secret", "se\u{7}cret"];
    run(&server, &wrong).fails(2, &["--secret: app secret must be"]);
}

// contract: 15.1
#[test]
fn declared_and_stored_apps_are_listed_with_their_source() {
    let server = serve(Config::with(App::new(1).with("enabled = false")));
    made(&server, &["name=Stored"]);
    let list = run(&server, &["apps", "list"]).ok();
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["1001", "disabled", "1", "config"]);
    assert_eq!(rows[2], ["2007", "Stored", "enabled", "1", "store"]);
    let stored = json!({ "id": "2007", "name": "Stored", "enabled": true, "active_keys": 1, "source": "store" });
    assert_eq!(run(&server, &["apps", "list", "--json"]).json()[1], stored);
    let only_stored = ["apps", "list", "--json", "--data-dir", "data"];
    assert_eq!(run(&server, &only_stored).json(), json!([stored]));
}

// contract: 15.1
#[test]
fn secrets_are_hidden_unless_they_are_asked_for() {
    let server = server();
    made(&server, &[]);
    for (id, secret) in [("1001", "secret-1"), ("2007", "secret-7")] {
        for form in [&[][..], &["--json"]] {
            let show = [&["apps", "show", id], form].concat();
            let list = [&["apps", "list"], form].concat();
            for hidden in [run(&server, &show), run(&server, &list)] {
                assert!(!hidden.ok().contains("secret-"), "{show:?}");
            }
            let revealed = run(&server, &[&show[..], &["--reveal"]].concat());
            assert!(revealed.ok().contains(secret), "{show:?}");
        }
    }
    let shown = run(&server, &["apps", "show", "2007"]).ok();
    assert!(shown.contains("max_connections") && shown.contains("key-7"), "{shown}");
}

// contract: 7.2
#[test]
fn a_toggle_takes_effect_on_open_connections() {
    let server = server();
    let app = made(&server, &[]);
    let (mut ann, mut bob) = (server.connect_to(&app), server.connect_to(&app));
    ann.subscribe("private-a");
    bob.subscribe("private-a");
    ann.trigger("private-a", "client-x", &json!({}));
    ann.expect_error();
    assert_eq!(set(&server, "client_events=true").ok(), "client_events  true\n");
    eventually("client events pass", || {
        ann.trigger("private-a", "client-x", &json!({}));
        ann.drain().is_empty()
    });
    bob.expect("client-x");
}

// contract: 1.15
#[test]
fn a_lowered_quota_keeps_new_connections_out() {
    let server = server();
    let app = made(&server, &[]);
    let mut first = server.connect_to(&app);
    let changed = run(&server, &["apps", "set", "2007", "max_connections=1", "--json"]).json();
    assert_eq!(changed["settings"]["max_connections"], 1);
    eventually("new connections are refused", || {
        server.open(PATH).message().event() == "pusher:error"
    });
    server.open(PATH).expect_refusal(4004);
    first.settle();
}

// contract: 1.16
#[test]
fn an_app_that_is_disabled_is_refused_from_then_on() {
    let server = server();
    let app = made(&server, &[]);
    set(&server, "enabled=false").ok();
    eventually("the API says 403", || server.api_of(&app).get("/channels").send().status == 403);
    server.open(PATH).expect_refusal(4003);
}

// contract: 15.1
#[test]
fn an_app_that_is_deleted_is_gone_with_its_connections() {
    let server = server();
    let app = made(&server, &[]);
    let mut client = server.connect_to(&app);
    let unsure = run(&server, &["apps", "delete", "2007"]);
    unsure.fails(2, &["nobody is here to confirm", "--yes"]);
    client.settle();
    assert_eq!(run(&server, &["apps", "delete", "2007", "--yes"]).ok(), "app 2007 is deleted\n");
    client.expect_refusal(4001);
    server.open(PATH).expect_refusal(4001);
    let again = ["apps", "delete", "2007", "--yes", "--json"];
    run(&server, &again).fails(3, &["there is no app 2007", "apps list"]);
}

// contract: 12.1
#[test]
fn a_wrong_setting_has_its_sentence_and_changes_nothing() {
    let server = server();
    made(&server, &[]);
    let before = run(&server, &["apps", "show", "2007", "--json"]).json();
    for (assignment, words) in [
        ("client_event=true", &["\"client_event\"", "client_events", "max_connections"][..]),
        ("client_events=yes", &["client_events=yes", "true or false"]),
        ("max_connections=many", &["max_connections=many", "whole number"]),
        ("max_client_events_per_s=9999999999", &["too large"]),
        ("cache_ttl_s=0", &["cache_ttl_s", "1 to 1800"]),
        ("client_events", &["name=value"]),
    ] {
        set(&server, assignment).fails(2, words);
    }
    let both = ["apps", "set", "2007", "client_events=true", "watchlist=1"];
    run(&server, &both).fails(2, &["watchlist=1"]);
    run(&server, &["apps", "create", "--set", "x=1"]).fails(2, &["there is no setting \"x\""]);
    assert_eq!(run(&server, &["apps", "show", "2007", "--json"]).json(), before);
    let same = set(&server, "client_events=false");
    assert!(same.err.contains("like that before"), "{same:?}");
}

// contract: 15.1
#[test]
fn an_app_of_the_config_file_is_read_only() {
    let server = server();
    for args in [
        &["apps", "set", "1001", "client_events=true"][..],
        &["apps", "delete", "1001", "--yes"],
        &["keys", "create", "1001"],
        &["keys", "revoke", "1001", "key-1", "--force"],
        &["keys", "activate", "1001", "key-1"],
    ] {
        run(&server, args).fails(1, &["read-only", "hint: ", "config file"]);
    }
    run(&server, &["apps", "create", "--id", "1001"]).fails(1, &["there is an app 1001"]);
}

// contract: 12.1
#[test]
fn a_folder_without_a_server_is_named_and_left_as_it_is() {
    let server = server();
    let empty = server.dir().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for args in [&["apps", "list"][..], &["apps", "create"], &["keys", "list", "1"]] {
        run_in(&empty, args).fails(3, &["no Bellwire database in ./bellwire-data", "--data-dir"]);
    }
    assert!(std::fs::read_dir(&empty).unwrap().next().is_none());
    let there = ["--data-dir", "new"];
    run_in(&empty, &[&["apps", "create", "--name", "Early"][..], &there].concat()).ok();
    let list = run_in(&empty, &[&["apps", "list"][..], &there].concat()).ok();
    assert!(list.contains("Early"), "{list}");
}
