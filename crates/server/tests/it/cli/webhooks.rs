//! `bellwire webhooks` beside a running server, with `bellwire listen` or the test kit's receiver.

use bellwire_testkit::{Answer, App, Client, Config, DeadPort, Hook, Receiver, Server, Webhook};
use serde_json::{Value, json};

use super::listen::Listening;
use super::{run, run_in};
use crate::support::{eventually, serve};

/// A server with one app and a short grace.
fn server() -> Server {
    serve(config())
}

fn config() -> Config {
    Config::with(App::new(1)).webhooks("grace_ms = 300").webhooks("retry_window_ms = 1000")
}

/// An endpoint, once the server knows it: the answer of `add`.
#[track_caller]
fn added(server: &Server, url: &str, args: &[&str]) -> Value {
    let args = [&["webhooks", "add", "1001", url, "--json"], args].concat();
    let made = run(server, &args).json();
    known(server, id_of(&made));
    made
}

fn id_of(json: &Value) -> &str {
    json["id"].as_str().unwrap()
}

/// Waits until the server has the latest of an endpoint: it takes up changes in their order.
#[track_caller]
fn known(server: &Server, id: &str) {
    run(server, &["webhooks", "test", id, "--wait"]).ok();
}

/// A client that has occupied a channel; the event has come to the hook.
#[track_caller]
fn occupied(server: &Server, hook: &Hook, channel: &str) -> Client {
    let mut client = server.connect();
    client.subscribe(channel);
    hook.expect_event("channel_occupied", channel);
    client
}

/// The deliveries that these flags select, newest first.
#[track_caller]
fn deliveries(server: &Server, args: &[&str]) -> Vec<Value> {
    let args = [&["webhooks", "deliveries", "1001", "--json"], args].concat();
    match run(server, &args).json() {
        Value::Array(deliveries) => deliveries,
        other => panic!("no list: {other}"),
    }
}

/// Waits for a delivery that these flags select.
#[track_caller]
fn delivery(server: &Server, args: &[&str]) -> Value {
    eventually(&format!("a delivery {args:?}"), || !deliveries(server, args).is_empty());
    deliveries(server, args).remove(0)
}

/// Waits for a delivery of this channel that was given up.
#[track_caller]
fn failed(server: &Server, channel: &str) -> Value {
    delivery(server, &["--status", "failed", "--channel", channel])
}

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
fn what_is_not_there_is_code_3() {
    let server = server();
    for (args, words) in [
        (&["add", "9", "http://127.0.0.1:9000/"][..], "there is no app 9"),
        (&["list", "9"], "there is no app 9"),
        (&["deliveries", "9"], "there is no app 9"),
        (&["deliveries", "--endpoint", "ep_0"], "webhooks list"),
        (&["gaps", "9"], "there is no app 9"),
        (&["snapshot", "9"], "there is no app 9"),
        (&["set", "ep_0", "--enable"], "there is no endpoint ep_0"),
        (&["remove", "ep_0", "--yes"], "there is no endpoint ep_0"),
        (&["test", "ep_0"], "there is no endpoint ep_0"),
        (&["rotate-secret", "ep_0"], "there is no endpoint ep_0"),
        (&["show", "ep_0"], "there is no endpoint ep_0"),
        (&["show", "msg_0000000000000001"], "there is no delivery msg_0000000000000001"),
        (&["replay", "msg_0000000000000001"], "keep_failed_hours"),
        (&["replay", "--endpoint", "ep_0", "--failed"], "there is no endpoint ep_0"),
        (&["replay", "--cancel", "rpl_0000000000000001"], "webhooks replays"),
    ] {
        run(&server, &[&["webhooks"], args].concat()).fails(3, &[words]);
    }
    let empty = server.dir().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for args in [&["list"][..], &["verify"], &["deliveries"], &["replays"]] {
        let args = [&["webhooks"], args].concat();
        run_in(&empty, &args).fails(3, &["no Bellwire database in ./bellwire-data", "--data-dir"]);
    }
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

#[test]
fn a_config_that_requires_https_refuses_anything_else() {
    let server = serve(config().webhooks("require_https = true"));
    let add = ["webhooks", "add", "1001", "http://127.0.0.1:9000/"];
    run(&server, &add).fails(2, &["not https", "require_https"]);
}

#[test]
fn a_test_that_fails_tells_of_every_attempt() {
    let server = server();
    let dead = DeadPort::take();
    let add = ["webhooks", "add", "1001", &dead.url("/"), "--json"];
    let made = run(&server, &add).json();
    let id = id_of(&made);
    let tested = run(&server, &["webhooks", "test", id, "--wait"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    assert!(tested.out.starts_with("failed: refused after "), "{tested:?}");
    for words in ["attempt 1: refused: nobody listens at", "it is tried again", "was not delivered"]
    {
        assert!(tested.err.contains(words), "{words}: {tested:?}");
    }
    let json = run(&server, &["webhooks", "test", id, "--wait", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json["status"], &json["last_attempt"]["failure"]),
        (&json!("failed"), &json!("refused"))
    );
}

#[test]
fn what_is_asked_for_while_the_server_is_down_is_done_when_it_is_up() {
    let mut server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    server.crash();
    let made = run(&server, &["webhooks", "add", "1001", hook.url(), "--json"]).json();
    let id = id_of(&made);
    let asked = run(&server, &["webhooks", "test", id, "--json"]).json();
    assert_eq!((&asked["kind"], &asked["state"]), (&json!("test"), &json!("running")));
    server.restart();
    let came = hook.expect_requests(1).remove(0);
    assert_eq!(came.replay(), Some(id_of(&asked)));
    assert!(came.verify_standard(made["secret"].as_str().unwrap()));
}

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

#[test]
fn deliveries_are_selected_and_paged() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    hook.decide(|delivery| match delivery.has("channel_occupied", "bad") {
        true => Answer::status(500).body("no\u{1b}[31m"),
        false => Answer::ok(),
    });
    let made = added(&server, hook.url(), &[]);
    let mut client = occupied(&server, &hook, "good");
    client.subscribe("bad");
    let failed = failed(&server, "bad");
    assert_eq!(
        (&failed["last_attempt"]["status"], &failed["events"]),
        (&json!(500), &json!(["channel_occupied"]))
    );
    let of = |args: &[&str]| -> Vec<String> {
        let found = deliveries(&server, args);
        found.iter().map(|delivery| delivery["channels"][0].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&["--status", "failed"]), ["bad"]);
    assert_eq!(of(&["--channel", "good"]), ["good"]);
    assert_eq!(
        of(&["--event", "channel_occupied", "--endpoint", id_of(&made)]),
        ["bad", "good", "bellwire-test"]
    );
    assert!(of(&["--event", "cache_miss"]).is_empty());
    assert!(of(&["--to", "1d"]).is_empty());
    assert_eq!(of(&["--from", "1d", "--to", "2100-01-01T00:00:00Z"]).len(), 3);
    let newest = deliveries(&server, &["--limit", "1"]).remove(0);
    let rest = deliveries(&server, &["--before", id_of(&newest)]);
    assert_eq!(rest.len(), 2);
    let page = run(&server, &["webhooks", "deliveries", "--limit", "1"]);
    assert!(page.err.contains(&format!("--before {}", id_of(&newest))), "{page:?}");
    let table = run(&server, &["webhooks", "deliveries", "--status", "failed"]).ok();
    let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words[0], id_of(&failed));
    assert_eq!((words[3], &words[5..]), ("failed", &["500", "channel_occupied", "bad"][..]));
    for wrong in [
        &["--status", "lost"][..],
        &["--from", "yesterday"],
        &["--limit", "0"],
        &["--before", "1"],
        &["--to", "3h", "--from", "2h"],
    ] {
        run(&server, &[&["webhooks", "deliveries"], wrong].concat()).fails(2, &[wrong[0]]);
    }
}

#[test]
fn a_delivery_is_shown_with_every_attempt_and_can_be_repeated_with_curl() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    added(&server, hook.url(), &["--header", "Authorization: Bearer it's"]);
    hook.then(Answer::status(503).body("come later\u{1b}[31m\nplease"));
    let _client = occupied(&server, &hook, "room");
    let found = delivery(&server, &["--channel", "room", "--status", "delivered"]);
    let id = id_of(&found);
    let shown = run(&server, &["webhooks", "show", id]).ok();
    for words in [
        "POST /hook HTTP/1.1\n",
        "Content-Type: application/json\n",
        "Authorization: ***\n",
        "\",\"channel\":\"room\"}\n]}\n",
        "  503 after ",
        "  come later\\u{1b}[31m\n  please\n",
        "  200 after ",
    ] {
        assert!(shown.contains(words), "{words:?} is not in: {shown}");
    }
    assert!(run(&server, &["webhooks", "show", id, "--reveal"]).ok().contains("Bearer it's"));
    let first = hook.requests().into_iter().find(|d| d.has("channel_occupied", "room")).unwrap();
    let json = run(&server, &["webhooks", "show", id, "--json"]).json();
    assert_eq!(json["request_body"], first.text());
    assert_eq!(json["attempts"].as_array().unwrap().len(), 2);
    let curl = run(&server, &["webhooks", "show", id, "--curl"]).ok();
    assert!(curl.starts_with(&format!("curl --include --request POST '{}'", hook.url())), "{curl}");
    assert!(curl.contains(&format!("--data-binary '{}'", first.text())), "{curl}");
    assert!(curl.contains(&format!("'X-Pusher-Signature: {}'", first.signature())), "{curl}");
    assert!(curl.contains(r"'Authorization: Bearer it'\''s'"), "{curl}");
    run(&server, &["webhooks", "show", id, "--curl", "--json"]).fails(2, &["cannot be used with"]);
    run(&server, &["webhooks", "show", "room"]).fails(2, &["msg_ and 16 hex digits"]);
}

#[test]
fn one_delivery_is_sent_again_with_its_id() {
    let server = server();
    let listening = Listening::start(server.dir(), &["--json"]);
    added(&server, &listening.url(), &[]);
    listening.running.json();
    let mut client = server.connect();
    client.subscribe("room");
    let first = listening.running.json();
    let found = delivery(&server, &["--channel", "room", "--status", "delivered"]);
    let replayed = run(&server, &["webhooks", "replay", id_of(&found), "--json"]).json();
    let counts =
        |json: &Value| (json["state"].clone(), json["delivered"].clone(), json["failed"].clone());
    assert_eq!(counts(&replayed), (json!("done"), json!(1), json!(0)));
    let again = listening.running.json();
    assert_eq!(again["id"], first["id"]);
    assert_eq!((&again["duplicate"], &again["replay_id"]), (&json!(true), &replayed["id"]));
    assert_eq!((&again["standard_signature"], &again["age"]), (&json!("valid"), &json!("fresh")));
}

#[test]
fn what_failed_is_counted_replayed_and_told_as_a_gap() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let made = added(&server, hook.url(), &[]);
    let id = id_of(&made);
    let mut client = server.connect();
    hook.always(Answer::status(500));
    client.subscribe("a");
    failed(&server, "a");
    let replay = |args: &[&str]| {
        run(&server, &[&["webhooks", "replay", "--endpoint", id, "--failed"], args].concat())
    };
    assert_eq!(replay(&["--dry-run"]).ok(), "would repeat 1 delivery\n");
    assert_eq!(replay(&["--dry-run", "--to", "1h", "--json"]).json()["count"], 0);
    assert_eq!(replay(&["--to", "1h"]).ok(), "nothing is repeated: 0 deliveries\n");
    let gaps = run(&server, &["webhooks", "gaps", "1001", "--json"]).json();
    assert_eq!((&gaps[0]["webhook_id"], &gaps[0]["reason"]), (&json!(id), &json!("expired")));
    assert!(run(&server, &["webhooks", "gaps", "1001"]).ok().contains("expired"));
    let again = replay(&[]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("1 delivery could not be delivered"), "{again:?}");
    hook.always(Answer::ok());
    assert!(replay(&["--from", "1h"]).ok().contains("delivered  1\n"));
    hook.expect_event("channel_occupied", "a");
    eventually("nothing is left", || replay(&["--dry-run", "--json"]).json()["count"] == 0);
}

#[test]
fn a_part_of_the_log_is_sent_again_in_new_deliveries() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let made = added(&server, hook.url(), &[]);
    let id = id_of(&made);
    let mut clients: Vec<Client> = Vec::new();
    for channel in ["a", "b", "c"] {
        clients.push(occupied(&server, &hook, channel));
    }
    let before = hook.accepted().len();
    let replay = |args: &[&str]| {
        run(&server, &[&["webhooks", "replay", "--endpoint", id, "--log"], args].concat())
    };
    let count =
        |args: &[&str]| replay(&[args, &["--dry-run", "--json"]].concat()).json()["count"].clone();
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["--from-seq", "2"]), 2);
    assert_eq!(count(&["--to-seq", "1"]), 1);
    assert_eq!(count(&["--channel", "b"]), 1);
    assert_eq!(count(&["--event", "subscription_count_changed"]), 0);
    assert_eq!(count(&["--to", "1h"]), 0);
    let done = replay(&["--from-seq", "2", "--to-seq", "3"]);
    assert!(done.err.contains("of 2 event(s)"), "{done:?}");
    assert!(done.ok().contains("delivered  2\n"));
    let came = hook.accepted().split_off(before);
    let sequences: Vec<u64> = came.iter().map(|delivery| delivery.sequence()).collect();
    assert_eq!(sequences, [2, 3]);
    assert!(came.iter().all(|delivery| delivery.replay().is_some()));
    let listed = run(&server, &["webhooks", "replays", "1001"]).ok();
    assert!(listed.contains("log from 2 to 3"), "{listed}");
}

#[test]
fn a_replay_that_waits_for_its_endpoint_can_be_cancelled() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let made = added(&server, hook.url(), &[]);
    let id = id_of(&made);
    let _client = occupied(&server, &hook, "room");
    run(&server, &["webhooks", "set", id, "--disable"]).ok();
    let asked = run(&server, &["webhooks", "replay", "--endpoint", id, "--log"]);
    assert!(asked.err.contains("is disabled: the replay waits"), "{asked:?}");
    asked.ok();
    let listed = run(&server, &["webhooks", "replays", "--json"]).json();
    assert_eq!((&listed[0]["kind"], &listed[0]["state"]), (&json!("log"), &json!("running")));
    let cancel = ["webhooks", "replay", "--cancel", id_of(&listed[0])];
    assert!(run(&server, &cancel).ok().ends_with(" is cancelled\n"));
    let again = run(&server, &cancel);
    assert!(again.err.contains("was cancelled before"), "{again:?}");
}

#[test]
fn a_replay_without_a_target_or_a_kind_is_a_wrong_line() {
    let server = server();
    for (args, words) in [
        (&[][..], "<DELIVERY_ID|"),
        (&["--endpoint", "ep_1"], "--failed"),
        (&["--failed"], "--endpoint"),
        (&["--endpoint", "ep_1", "--failed", "--log"], "cannot be used with"),
        (&["--endpoint", "ep_1", "--failed", "--from-seq", "1"], "cannot be used with"),
        (&["msg_0000000000000001", "--endpoint", "ep_1", "--log"], "cannot be used with"),
        (&["msg_0000000000000001", "--from", "1h"], "--failed"),
        (&["--cancel", "rpl_0000000000000001", "--dry-run"], "cannot be used with"),
        (&["rpl_0000000000000001"], "msg_ and 16 hex digits"),
    ] {
        run(&server, &[&["webhooks", "replay"], args].concat()).fails(2, &[words]);
    }
}

#[test]
fn the_announced_state_is_shown_and_verified() {
    let server = server();
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    added(&server, hook.url(), &[]);
    let mut client = occupied(&server, &hook, "room");
    client.join("presence-lobby", r#"{"user_id":"ann"}"#);
    hook.expect_event("member_added", "presence-lobby");
    let snapshot = run(&server, &["webhooks", "snapshot", "1001", "--json"]).json();
    assert_eq!(snapshot["seq"], 3);
    let mut channels = snapshot["channels"].as_array().unwrap().clone();
    channels.sort_by_key(|channel| channel["name"].to_string());
    let member = json!({ "user_id": "ann", "seq": 3 });
    assert_eq!(channels[0], json!({ "name": "presence-lobby", "seq": 2, "members": [member] }));
    assert_eq!(channels[1], json!({ "name": "room", "seq": 1 }));
    let table = run(&server, &["webhooks", "snapshot", "1001"]);
    assert!(table.err.contains("as of sequence 3"), "{table:?}");
    assert!(table.ok().lines().any(|line| line.starts_with("presence-lobby  ann")));
    let verified = run(&server, &["webhooks", "verify"]).ok();
    assert!(verified.starts_with("ok: 3 event(s)"), "{verified}");
    let json = run(&server, &["webhooks", "verify", "--json"]).json();
    assert_eq!(json, json!({ "ok": true, "events": 3, "announced": 3, "broken": [] }));
}

#[test]
fn a_receiver_that_refuses_at_first_gets_the_same_webhook_again() {
    let server = serve(Config::with(App::new(1)));
    let listening = Listening::start(server.dir(), &["--json", "--status", "503", "--first", "1"]);
    added(&server, &listening.url(), &[]);
    let (first, second) = (listening.running.json(), listening.running.json());
    assert_eq!((&first["answered"], &second["answered"]), (&json!(503), &json!(204)));
    assert_eq!((&first["attempt"], &second["attempt"]), (&json!(1), &json!(2)));
    assert_eq!((&first["id"], &second["duplicate"]), (&second["id"], &json!(false)));
}
