//! Snapshot, log and gaps: what a receiver asks that wants to know the truth.

use std::collections::BTreeSet;

use bellwire_testkit::Answer;
use serde_json::{Value, json};

use super::office::{Office, config, refused};
use crate::support::eventually;

/// Channels, and members as `channel/user`.
fn truth(snapshot: &Value) -> BTreeSet<String> {
    let mut truth = BTreeSet::new();
    for channel in snapshot["channels"].as_array().unwrap() {
        let name = channel["name"].as_str().unwrap();
        truth.insert(name.to_owned());
        for member in channel["members"].as_array().into_iter().flatten() {
            truth.insert(format!("{name}/{}", member["user_id"].as_str().unwrap()));
        }
    }
    truth
}

/// Applies an event to what is known.
fn apply(truth: &mut BTreeSet<String>, event: &Value) {
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let member = || format!("{}/{}", text("channel"), text("user_id"));
    match text("name").as_str() {
        "channel_occupied" => assert!(truth.insert(text("channel"))),
        "channel_vacated" => assert!(truth.remove(&text("channel"))),
        "member_added" => assert!(truth.insert(member())),
        "member_removed" => assert!(truth.remove(&member())),
        _ => {}
    }
}

#[test]
fn a_snapshot_names_channels_and_members_as_of_a_place() {
    let office = Office::usual();
    let (_, hook) = office.heard();
    assert_eq!(office.get("/snapshot")["channels"], json!([]));
    let _client = office.member(&["public", "presence-a", "private-b"]);
    let mut latest = 0;
    for (event, channel) in [
        ("channel_occupied", "public"),
        ("member_added", "presence-a"),
        ("channel_occupied", "private-b"),
    ] {
        latest = latest.max(hook.expect_event(event, channel).sequence());
    }
    let snapshot = office.get("/snapshot");
    assert_eq!(snapshot["seq"], latest);
    let names: Vec<&Value> = snapshot["channels"].as_array().unwrap().iter().collect();
    let [presence, private, public] = &names[..] else { panic!("{snapshot}") };
    assert_eq!(presence["name"], "presence-a");
    assert_eq!(presence["members"][0]["user_id"], "ann");
    assert!(presence["members"][0]["seq"].as_u64() > presence["seq"].as_u64());
    assert_eq!((&private["name"], private.get("members")), (&json!("private-b"), None));
    assert_eq!(public["name"], "public");
    assert_eq!(truth(&snapshot).len(), 4);
}

// webhooks: P9
#[test]
fn snapshot_and_log_together_are_the_truth() {
    let office = Office::usual();
    let (_, hook) = office.heard();
    let client = office.member(&["public", "presence-a"]);
    hook.expect_event("member_added", "presence-a");
    hook.expect_event("channel_occupied", "public");
    let snapshot = office.get("/snapshot");
    let mut known = truth(&snapshot);
    drop(client);
    let _other = office.member(&["presence-b"]);
    hook.expect_event("channel_vacated", "presence-a");
    hook.expect_event("channel_vacated", "public");
    hook.expect_event("member_added", "presence-b");
    let mut after = snapshot["seq"].as_u64().unwrap();
    loop {
        let page = office.get(&format!("/log?after={after}&limit=2"));
        for entry in page["events"].as_array().unwrap() {
            assert!(entry["seq"].as_u64().unwrap() > after);
            assert!(entry["at"].as_str().unwrap().ends_with('Z'));
            after = entry["seq"].as_u64().unwrap();
            apply(&mut known, &entry["event"]);
        }
        assert_eq!(page["next_after"], after);
        if page["has_more"] == false {
            break;
        }
        assert_eq!(page["events"].as_array().unwrap().len(), 2);
    }
    let expected = ["presence-b", "presence-b/ann"].map(String::from);
    assert_eq!(known, BTreeSet::from(expected));
    assert_eq!(truth(&office.get("/snapshot")), known);
}

#[test]
fn the_log_is_read_from_its_beginning_and_beyond_its_end() {
    let office = Office::usual();
    let (_, hook) = office.heard();
    let _client = office.member(&["public"]);
    let sent = hook.expect_event("channel_occupied", "public");
    let all = office.get("/log");
    assert_eq!(all["events"][0]["event"], sent.events()[0]);
    assert_eq!(
        (&all["events"][0]["seq"], &all["has_more"]),
        (&json!(sent.sequence()), &json!(false))
    );
    let beyond = office.get("/log?after=18446744073709551615");
    assert_eq!((&beyond["events"], &beyond["has_more"]), (&json!([]), &json!(false)));
    for (query, field) in
        [("after=-1", "after"), ("after=x", "after"), ("limit=1001", "limit"), ("from=1", "from")]
    {
        assert_eq!(refused(&office.ask("GET", &format!("/log?{query}")), 422)["field"], field);
    }
}

#[test]
fn what_was_given_up_is_a_gap() {
    let office = Office::with(config().webhooks("retry_window_ms = 1000"));
    let (webhook, hook) = office.heard();
    assert_eq!(office.get("/gaps"), json!({ "gaps": [] }));
    hook.always(Answer::status(500));
    let _client = office.member(&["public"]);
    let sequence = hook.expect_requests(2)[1].sequence();
    eventually("there is a gap", || office.get("/gaps")["gaps"] != json!([]));
    let gaps = office.get("/gaps");
    let gap = &gaps["gaps"][0];
    assert_eq!(gap["webhook_id"], webhook["id"]);
    assert_eq!((&gap["first_seq"], &gap["last_seq"]), (&json!(sequence), &json!(sequence)));
    assert_eq!((&gap["count"], &gap["reason"]), (&json!(1), &json!("expired")));
    assert!(gap["at"].as_str().unwrap().ends_with('Z'));
}
