//! Adding, changing, removing endpoints; what the config file declares.

use bellwire_testkit::{App, Config, Receiver, Webhook};
use serde_json::{Value, json};

use super::super::listen::Listening;
use super::super::{run, run_in};
use super::{added, config, deliveries, id_of, known, occupied, server};
use crate::support::{eventually, serve};

// contract: 16.2, 16.12
#[test]
fn an_endpoint_that_is_added_hears_what_happens_and_its_secret_is_shown_once() {
    let server = server();
    let listening = Listening::start(server.dir(), &["--json"]);
    let made = run(&server, &["webhooks", "add", "1001", &listening.url()]).ok();
    let value = |line: usize| made.lines().nth(line).unwrap().split_whitespace().last().unwrap();
    let (id, secret) = (value(0), value(1));
    assert!(id.starts_with("ep_") && secret.starts_with("whsec_"), "{made}");
    let tested = run(&server, &["webhooks", "test", id, "--wait"]).ok();
    assert!(tested.starts_with("delivered: 204 after "), "{tested}");
    assert_eq!(listening.running.json()["order"], "none");
    server.connect().subscribe("room");
    let came = listening.running.json();
    assert_eq!(came["events"], json!([{ "name": "channel_occupied", "channel": "room" }]));
    for (check, word) in
        [("pusher_signature", "valid"), ("standard_signature", "valid"), ("age", "fresh")]
    {
        assert_eq!(came[check], word, "{came}");
    }
    let list = run(&server, &["webhooks", "list"]).ok();
    assert!(list.contains(id) && list.contains(&listening.url()), "{list}");
    for args in [&["webhooks", "list", "--json"][..], &["webhooks", "show", id]] {
        assert!(!run(&server, args).ok().contains(secret), "{args:?}");
    }
}

// contract: 16.12
#[test]
fn terms_can_be_set_and_cleared_while_the_server_runs() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let only = ["--event", "channel_occupied,cache_miss", "--channel-prefix", "a"];
    let made =
        added(&server, hook.url(), &[&only[..], &["--header", "X-Api-Key: s3cret"]].concat());
    let id = id_of(&made);
    assert_eq!(made["events"], json!(["channel_occupied", "cache_miss"]));
    assert_eq!(made["headers"], json!({ "X-Api-Key": "***" }));
    let mut client = server.connect();
    client.subscribe("b");
    client.subscribe("a");
    assert_eq!(hook.expect_event("channel_occupied", "a").header("x-api-key"), Some("s3cret"));
    let set = |args: &[&str]| run(&server, &[&["webhooks", "set", id], args].concat());
    let changed = set(&["--no-channel-prefix", "--no-header", "x-api-key", "--retry-hours", "2"]);
    assert_eq!(changed.ok(), "channel prefix  -\nheaders         -\nretry hours     2\n");
    known(&server, id);
    client.subscribe("c");
    assert_eq!(hook.expect_event("channel_occupied", "c").header("x-api-key"), None);
    assert!(hook.events_of("b").is_empty());
    let same = set(&["--retry-hours", "2"]);
    assert!(same.err.contains("like that before"), "{same:?}");
    let shown = run(&server, &["webhooks", "show", id, "--json"]).json();
    assert_eq!((&shown["channel_prefix"], &shown["retry_hours"]), (&Value::Null, &json!(2)));
}

#[test]
fn a_wrong_term_has_its_sentence_and_changes_nothing() {
    let server = server();
    let receiver = Receiver::start();
    let id = added(&server, &receiver.url("/hook"), &[])["id"].as_str().unwrap().to_owned();
    let before = run(&server, &["webhooks", "list", "--json"]).json();
    let url = "http://127.0.0.1:9000/";
    for (args, words) in [
        (&["add", "1001", "example.com"][..], "url: expected an address"),
        (&["add", "1001", "http://a:b@example.com/"], "use a header"),
        (&["add", "shop", url], "decimal digits"),
        (&["add", "1001", url, "--event", "occupied"], "channel_occupied"),
        (&["add", "1001", url, "--header", "X-Pusher-Key: a"], "set by the server"),
        (&["add", "1001", url, "--header", "nothing"], "Name: value"),
        (&["add", "1001", url, "--retry-hours", "73"], "1 to 72"),
        (&["set", &id, "--max-in-flight", "0"], "1 to 64"),
        (&["set", &id, "--max-per-second", "0"], "at least 1"),
        (&["set", &id, "--enable", "--disable"], "cannot be used with"),
        (&["set", &id, "--event", "cache_miss", "--no-event"], "cannot be used with"),
        (&["set", "no-endpoint"], "ep_ and letters or digits"),
        (&["remove", &id], "--yes"),
        (&["rotate-secret", &id, "--overlap-hours", "721"], "0..=720"),
    ] {
        run(&server, &[&["webhooks"], args].concat()).fails(2, &[words]);
    }
    let missing = ["webhooks", "set", &id, "--no-header", "X-Not-There"];
    run(&server, &missing).fails(3, &["no header \"X-Not-There\""]);
    assert_eq!(run(&server, &["webhooks", "list", "--json"]).json(), before);
}

#[test]
fn a_disabled_endpoint_hears_nothing_until_it_is_enabled() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let made = added(&server, hook.url(), &[]);
    let id = id_of(&made);
    let disabled = run(&server, &["webhooks", "set", id, "--disable", "--json"]).json();
    assert_eq!(
        (&disabled["enabled"], &disabled["disabled"]["reason"]),
        (&json!(false), &json!("manual"))
    );
    known(&server, id);
    let mut client = server.connect();
    client.subscribe("while-off");
    assert!(run(&server, &["webhooks", "list"]).ok().contains("disabled (manual)"));
    let snapshot = ["webhooks", "snapshot", "1001"];
    eventually("it is in the log", || run(&server, &snapshot).ok().contains("while-off"));
    assert_eq!(run(&server, &["webhooks", "set", id, "--enable"]).ok(), "state  enabled\n");
    known(&server, id);
    client.subscribe("while-on");
    hook.expect_event("channel_occupied", "while-on");
    assert!(hook.events_of("while-off").is_empty());
}

#[test]
fn an_endpoint_that_is_removed_is_gone_with_its_history() {
    let server = server();
    let receiver = Receiver::start();
    let made = added(&server, &receiver.url("/hook"), &[]);
    let id = id_of(&made);
    assert!(!deliveries(&server, &["--endpoint", id]).is_empty());
    let removed = run(&server, &["webhooks", "remove", id, "--yes"]).ok();
    assert_eq!(removed, format!("endpoint {id} is removed\n"));
    run(&server, &["webhooks", "remove", id, "--yes"]).fails(3, &["there is no endpoint"]);
    assert!(deliveries(&server, &[]).is_empty());
    assert_eq!(run(&server, &["webhooks", "list", "1001", "--json"]).json(), json!([]));
}

#[test]
fn an_endpoint_of_the_config_file_is_read_only_but_can_be_tried() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let app = App::new(1).webhook(Webhook::to(hook.url()));
    let server = serve(Config::with(app).webhooks("grace_ms = 300"));
    let listed = run(&server, &["webhooks", "list", "--json"]).json();
    assert_eq!(listed[0]["origin"], "file");
    let id = id_of(&listed[0]);
    for args in [
        &["set", id, "--description", "mine"][..],
        &["set", id, "--disable"],
        &["remove", id, "--yes"],
        &["rotate-secret", id],
    ] {
        run(&server, &[&["webhooks"], args].concat())
            .fails(1, &["read-only here", "[[apps.webhooks]]"]);
    }
    run(&server, &["webhooks", "set", id, "--enable"]).ok();
    known(&server, id);
    let _client = occupied(&server, &hook, "room");
    run(&server, &["webhooks", "replay", "--endpoint", id, "--log"]).ok();
}

#[test]
fn the_data_folder_alone_shows_what_is_known_of_an_app_of_the_config_file() {
    let app = App::new(1).webhook(Webhook::to("http://127.0.0.1:1/hook"));
    let server = serve(Config::with(app));
    let empty = tempfile::tempdir().unwrap();
    let data = server.dir().join("data");
    for noun in ["list", "deliveries", "replays", "gaps", "snapshot"] {
        let look = |id| {
            let args = ["webhooks", noun, id, "--json", "--data-dir", data.to_str().unwrap()];
            run_in(empty.path(), &args)
        };
        look("1001").ok();
        look("7").fails(3, &["there is no app 7"]);
    }
}

#[test]
fn an_endpoint_that_the_config_file_names_no_more_can_be_removed() {
    let receiver = Receiver::start();
    let app = App::new(1).webhook(Webhook::to(&receiver.url("/hook")));
    let mut server = serve(Config::with(app));
    let listed = run(&server, &["webhooks", "list", "--json"]).json();
    let id = id_of(&listed[0]);
    server.crash();
    server.restart_with(config());
    run(&server, &["webhooks", "set", id, "--enable"]).fails(1, &["does not name endpoint", id]);
    run(&server, &["webhooks", "remove", id, "--yes"]).ok();
    assert_eq!(run(&server, &["webhooks", "list", "--json"]).json(), json!([]));
}

// contract: 16.13
#[test]
fn a_config_that_requires_https_refuses_anything_else() {
    let server = serve(config().webhooks("require_https = true"));
    let add = ["webhooks", "add", "1001", "http://127.0.0.1:9000/"];
    run(&server, &add).fails(2, &["not https", "require_https"]);
}

// contract: 16.2
#[test]
fn a_rotated_secret_signs_beside_the_old_one_or_alone() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let made = added(&server, hook.url(), &[]);
    let id = id_of(&made);
    let first = made["secret"].as_str().unwrap();
    let rotate = |hours: &str| {
        let args = ["webhooks", "rotate-secret", id, "--overlap-hours", hours, "--json"];
        run(&server, &args).json()["secret"].as_str().unwrap().to_owned()
    };
    let tested = || {
        known(&server, id);
        let last = hook.requests().pop().unwrap();
        move |secret: &str| last.verify_standard(secret)
    };
    let second = rotate("24");
    let signed = tested();
    assert!(signed(first) && signed(&second));
    let third = rotate("0");
    let signed = tested();
    assert!(signed(&third) && !signed(first) && !signed(&second));
}
