//! What was sent: pages, filters, one delivery with everything, and sending it again.

use std::collections::HashSet;

use bellwire_testkit::Answer;
use serde_json::{Value, json};

use super::office::{APP, Office, config, path_of, refused};
use crate::support::eventually;

fn ids(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery["id"].as_str().unwrap()).collect()
}

#[test]
fn deliveries_are_paged_newest_first() {
    let office = Office::usual();
    let (webhook, hook) = office.heard();
    let channels: Vec<String> = (0..7).map(|n| format!("c-{n}")).collect();
    let names: Vec<&str> = channels.iter().map(String::as_str).collect();
    let _client = office.member(&names);
    for name in &names {
        hook.expect_event("channel_occupied", name);
    }
    // With the test that has warmed it.
    let all = office.deliveries("status=delivered", 8);
    let mut sorted = ids(&all);
    sorted.sort_unstable();
    sorted.reverse();
    assert_eq!(ids(&all), sorted, "ids sort by age");
    let mut paged: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = office.get(&format!("/deliveries?limit=3{cursor}"));
        paged.extend(page["deliveries"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    let whole = office.get("/deliveries?limit=8");
    assert_eq!(whole["next_cursor"], Value::Null, "a page that is just full is the last");
    let first = &all[0];
    assert_eq!(first["webhook_id"], webhook["id"]);
    assert_eq!(first["event_count"], 1);
    assert_eq!(first["events"], json!(["channel_occupied"]));
    assert_eq!(first["attempt_count"], 1);
    assert_eq!(first["last_attempt"]["status"], 200);
    assert_eq!(first["first_seq"], first["last_seq"]);
}

#[test]
fn deliveries_are_filtered() {
    let office = Office::usual();
    let (good, hook) = office.heard();
    let bad_hook = office.receiver.hook("/bad");
    bad_hook.always(Answer::status(500));
    let bad = office.webhook(&bad_hook, &json!({ "channel_prefix": "presence-" }));
    let test = office.ask("POST", &format!("{}/test", path_of(&bad))).json();
    let _client = office.member(&["presence-a", "public"]);
    hook.expect_event("member_added", "presence-a");
    hook.expect_event("channel_occupied", "public");
    bad_hook.expect_requests(2);
    let (good, bad) = (good["id"].as_str().unwrap(), bad["id"].as_str().unwrap());
    let count = |query: &str, count: usize| office.deliveries(query, count);
    count(&format!("endpoint={good}&status=delivered"), 4);
    count(&format!("endpoint={good}&status=pending"), 0);
    count(&format!("endpoint={good}&channel=presence-a"), 2);
    count(&format!("endpoint={good}&channel=presence-a&event=member_added"), 1);
    count(&format!("endpoint={good}&channel=public&event=member_added"), 0);
    let pending = office.get(&format!("/deliveries?endpoint={bad}&status=pending"));
    let pending = pending["deliveries"].as_array().unwrap();
    assert!(pending.iter().any(|delivery| delivery["replay_id"] == test["id"]), "{pending:?}");
    count(&format!("endpoint={bad}&status=delivered"), 0);
    let newest = office.get(&format!("/deliveries?endpoint={good}&limit=1"));
    let at = newest["deliveries"][0]["created_at"].as_str().unwrap().to_owned();
    let day = |year: u32| format!("{year}-01-01T00:00:00%2B01:00");
    let among = |query: &str| !office.deliveries_of(query).is_empty();
    assert!(among(&format!("from={at}&to={at}&endpoint={good}")));
    assert!(among(&format!("from={}&to={}", day(2001), day(2999))));
    assert!(!among(&format!("to={}", day(2001))));
    assert!(!among(&format!("from={}", day(2999))));
    assert!(!among("to=1000"), "milliseconds do as well");
    // Nothing of this is another app's.
    let other = "/management/v1/apps/1002/deliveries";
    let other =
        office.server.http(&office.request("GET", &format!("{other}?endpoint={good}"))).ok();
    assert_eq!(other, json!({ "deliveries": [], "next_cursor": null }));
}

impl Office {
    fn deliveries_of(&self, query: &str) -> Vec<Value> {
        self.get(&format!("/deliveries?{query}"))["deliveries"].as_array().unwrap().clone()
    }
}

#[test]
fn a_query_that_cannot_be_is_refused_with_its_field() {
    let office = Office::usual();
    for (query, field) in [
        ("status=sent", "status"),
        ("event=channel_ocupied", "event"),
        ("endpoint=1", "endpoint"),
        ("from=yesterday", "from"),
        ("to=2026-02-30T00:00:00Z", "to"),
        ("from=2000&to=1000", "to"),
        ("cursor=abc", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("page=2", "page"),
    ] {
        let problem = refused(&office.ask("GET", &format!("/deliveries?{query}")), 422);
        assert_eq!(problem["field"], field, "{query}: {problem}");
    }
    refused(&office.ask("GET", "/deliveries?limit=1&limit=2"), 422);
}

#[test]
fn one_delivery_is_shown_with_everything() {
    let office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let webhook = office.webhook(&hook, &json!({ "headers": { "X-Api-Key": "s3cret" } }));
    office.warm(&webhook, &hook);
    hook.then(Answer::status(503).body("come back later")).then(Answer::ok().body("thanks"));
    let _client = office.member(&["public"]);
    let sent = hook.expect_event("channel_occupied", "public");
    let path = format!("/deliveries/{}", sent.id());
    eventually("it is delivered", || office.get(&path)["status"] == "delivered");
    let shown = office.get(&path);
    assert_eq!(shown["request_body"], sent.text());
    assert_eq!(shown["message_id"], sent.id());
    assert_eq!(shown["webhook_id"], webhook["id"]);
    assert_eq!(shown["channels"], json!(["public"]));
    assert_eq!(shown["last_seq"], sent.sequence());
    assert_eq!((&shown["replay_id"], &shown["parent_id"]), (&Value::Null, &Value::Null));
    assert!(shown["ended_at"].as_str().unwrap() >= shown["created_at"].as_str().unwrap());
    let attempts = shown["attempts"].as_array().unwrap();
    assert_eq!(shown["attempt_count"], attempts.len());
    let [first, second] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!((&first["number"], &second["number"]), (&json!(1), &json!(2)));
    assert_eq!((&first["status"], &first["failure"]), (&json!(503), &json!("status")));
    assert_eq!(first["response_body"], "come back later");
    assert_eq!((&second["status"], &second["failure"]), (&json!(200), &Value::Null));
    assert_eq!(second["response_body"], "thanks");
    assert!(second["duration_ms"].is_u64());
    let remote = hook.url().trim_start_matches("http://").trim_end_matches("/hook");
    assert_eq!(second["remote"], remote);
    let head = second["request_head"].as_str().unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\n"), "{head}");
    let lines: HashSet<&str> = head.lines().collect();
    for (name, value) in sent.headers() {
        let value = if name.eq_ignore_ascii_case("x-api-key") { "***" } else { value };
        assert!(lines.contains(format!("{name}: {value}").as_str()), "{name}: {value} in {head}");
    }
}

#[test]
fn a_delivery_that_is_not_there_is_404() {
    let office = Office::usual();
    let (_, hook) = office.heard();
    let id = hook.accepted()[0].id().to_owned();
    for id in ["msg_0000000000000001", "msg_1", "anything", "ep_1"] {
        refused(&office.ask("GET", &format!("/deliveries/{id}")), 404);
        refused(&office.ask("POST", &format!("/deliveries/{id}/replay")), 404);
    }
    let elsewhere = APP.replace("1001", "1002");
    for (method, path) in [("GET", ""), ("POST", "/replay")] {
        let path = format!("{elsewhere}/deliveries/{id}{path}");
        refused(&office.server.http(&office.request(method, &path)), 404);
    }
}

// webhooks: P8
#[test]
fn a_delivery_that_was_replayed_keeps_its_id_for_the_receiver() {
    let office = Office::usual();
    let (_, hook) = office.heard();
    let _client = office.member(&["public"]);
    let sent = hook.expect_event("channel_occupied", "public");
    let path = format!("/deliveries/{}", sent.id());
    eventually("it is delivered", || office.get(&path)["status"] == "delivered");
    let replay = office.ask("POST", &format!("{path}/replay"));
    assert_eq!(replay.status, 202, "{}", replay.text());
    let replay = replay.json();
    assert_eq!((&replay["kind"], &replay["total"]), (&json!("delivery"), &json!(1)));
    assert_eq!(replay["delivery_id"], sent.id());
    assert_eq!(office.is_done(&replay)["delivered"], 1);
    let again = hook.requests().pop().unwrap();
    assert_eq!((again.id(), again.replay()), (sent.id(), replay["id"].as_str()));
    assert_eq!(again.events(), sent.events());
    let deliveries = office.deliveries("channel=public", 2);
    assert_eq!(deliveries[0]["replay_id"], replay["id"]);
    assert_eq!(deliveries[0]["parent_id"], sent.id());
    assert_eq!(deliveries[0]["message_id"], sent.id());
    assert_ne!(deliveries[0]["id"], sent.id());
}

#[test]
fn a_delivery_that_is_still_tried_cannot_be_replayed() {
    let office = Office::with(config());
    let (_, hook) = office.heard();
    let gate = hook.hold();
    let _client = office.member(&["public"]);
    let requests = hook.expect_requests(2);
    let id = requests[1].id();
    assert_eq!(office.get(&format!("/deliveries/{id}"))["status"], "pending");
    refused(&office.ask("POST", &format!("/deliveries/{id}/replay")), 409);
    gate.open();
}
