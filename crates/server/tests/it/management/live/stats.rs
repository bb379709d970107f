use serde_json::{Value, json};

use super::office;
use super::office::{Office, refused};
use crate::support::eventually;

fn totals(office: &Office) -> Value {
    office.get("/stats?range=1h")["totals"].clone()
}

// contract: 17.2
#[test]
fn messages_are_counted_by_kind() {
    let office = office();
    let mut ann = office.server.connect();
    ann.join("presence-lobby", r#"{"user_id":"ann"}"#);
    let mut bob = office.server.connect();
    bob.join("presence-lobby", r#"{"user_id":"bob"}"#);
    ann.expect_on("pusher_internal:member_added", "presence-lobby");
    ann.trigger("presence-lobby", "client-x", &json!({}));
    bob.expect("client-x");
    office.server.api().publish("presence-lobby", "e", "0123456789");
    ann.expect("e");
    bob.expect("e");
    let expected = json!({
        "api": 1, "client_in": 1, "broadcast": 2, "client_out": 1, "presence": 1, "webhook": 0
    });
    eventually("all are counted", || totals(&office)["messages"] == expected);
    let totals = totals(&office);
    assert_eq!(totals["connections"], json!({ "now": 2, "peak": 2 }));
    let bytes = &totals["message_bytes"];
    assert!(bytes["max"].as_u64() > Some(60) && bytes["average"].as_u64() <= bytes["max"].as_u64());
    assert_eq!((&totals["api"]["requests"], &totals["api"]["errors"]), (&json!(1), &json!(0)));
    assert!(totals["api"]["p95_ms"].as_f64() > Some(0.0), "{totals}");
}

#[test]
fn refusals_and_webhooks_are_counted() {
    let office = office();
    let (_, hook) = office.heard();
    assert_eq!(office.server.api().post("/events", &json!({})).send().status, 400);
    let unsigned = office.server.api().get("/channels").unsigned().send();
    assert_eq!(unsigned.status, 401);
    hook.then(bellwire_testkit::Answer::status(500));
    let _client = office.member(&["news"]);
    hook.expect_event("channel_occupied", "news");
    eventually("both webhooks are counted", || {
        let totals = totals(&office);
        totals["webhooks"] == json!({ "accepted": 2, "failed": 1 })
            && totals["messages"]["webhook"] == 3
    });
    assert_eq!(totals(&office)["api"]["errors"], 2);
}

#[test]
fn statistics_and_the_messages_of_the_day_survive_a_restart() {
    let mut office = office();
    for _ in 0..3 {
        office.server.api().publish("news", "e", "x");
    }
    assert_eq!(totals(&office)["messages"]["api"], 3);
    office.server.crash();
    office.server.restart();
    office.server.api().publish("news", "e", "x");
    assert_eq!(totals(&office)["messages"]["api"], 4);
    assert_eq!(office.get("")["messages_today"], 4);
}

#[test]
fn a_series_has_all_points_of_its_range() {
    let office = office();
    let seconds = |name: &str| match name {
        "1h" => (60, 60),
        "6h" => (120, 180),
        "24h" => (600, 144),
        "7d" => (3_600, 168),
        "30d" => (14_400, 180),
        _ => (43_200, 180),
    };
    for range in ["1h", "6h", "24h", "7d", "30d", "90d"] {
        let stats = office.get(&format!("/stats?range={range}"));
        let (step_s, points) = seconds(range);
        assert_eq!((&stats["range"], &stats["step_s"]), (&json!(range), &json!(step_s)));
        let series = stats["series"].as_array().unwrap();
        assert_eq!(series.len(), points, "{range}");
        assert_eq!(series[0]["at"], stats["from"]);
    }
    assert_eq!(office.get("/stats")["range"], "24h");
    assert_eq!(refused(&office.ask("GET", "/stats?range=2h"), 422)["field"], "range");
}
