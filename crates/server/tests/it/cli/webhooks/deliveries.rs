//! Tests, deliveries and what is announced.

use bellwire_testkit::{Answer, App, Config, DeadPort, Receiver};
use serde_json::{Value, json};

use super::super::listen::Listening;
use super::super::run;
use super::{added, deliveries, delivery, failed, id_of, occupied, server};
use crate::support::serve;

// contract: 16.5
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

// contract: 16.5
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

// contract: 16.5
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
