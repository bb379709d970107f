//! Sending again.

use bellwire_testkit::{Answer, Client, Receiver};
use serde_json::{Value, json};

use super::super::listen::Listening;
use super::super::run;
use super::{added, delivery, failed, id_of, occupied, server};
use crate::support::eventually;

// contract: 16.6
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
