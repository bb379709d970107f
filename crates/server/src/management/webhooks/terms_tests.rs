//! What terms can be said, and what is refused.

use serde_json::json;

use super::*;

fn terms() -> Terms {
    let given = json!({
        "url": "https://a.example/x",
        "channel_prefix": "private-",
        "retry_hours": 5,
        "headers": { "X-A": "1", "X-B": "2" },
    });
    new(given).unwrap()
}

fn refusal(result: Result<Terms, Problem>) -> Value {
    serde_json::to_value(result.unwrap_err()).unwrap()
}

#[test]
fn what_a_change_does_not_name_stays() {
    let patch = json!({ "description": "a note", "headers": { "X-B": "3" } });
    let after = changed(&terms(), patch).unwrap();
    assert_eq!(after.description, "a note");
    assert_eq!(after.headers["X-A"], "1");
    assert_eq!(after.headers["X-B"], "3");
    assert_eq!(after.retry_hours, Some(5));
}

#[test]
fn null_gives_the_default() {
    let patch = json!({ "retry_hours": null, "channel_prefix": null, "headers": { "X-A": null } });
    let after = changed(&terms(), patch).unwrap();
    assert_eq!((after.retry_hours, after.channel_prefix), (None, None));
    assert!(!after.headers.contains_key("X-A"));
    assert_eq!(changed(&terms(), json!({ "headers": null })).unwrap().headers.len(), 0);
    let problem = refusal(changed(&terms(), json!({ "url": null })));
    assert_eq!((problem["status"].as_u64(), problem["field"].as_str()), (Some(422), Some("url")));
}

#[test]
fn a_hidden_value_is_kept_and_never_written() {
    let after = changed(&terms(), json!({ "headers": { "x-a": "***" } })).unwrap();
    assert_eq!(after, terms());
    let problem = refusal(changed(&terms(), json!({ "headers": { "X-New": "***" } })));
    assert_eq!(problem["field"], "headers");
    assert_eq!(
        refusal(new(json!({ "url": "https://a", "headers": { "A": "***" } })))["status"],
        422
    );
}

#[test]
fn every_refusal_names_its_field() {
    let with = |key: &str, value: Value| {
        let mut given = json!({ "url": "https://a.example/" });
        given[key] = value;
        refusal(new(given))
    };
    for (key, value, field) in [
        ("url", json!("ftp://a"), "url"),
        ("url", json!(5), "url"),
        ("urll", json!("https://a"), "urll"),
        ("events", json!(["channel_ocupied"]), "events"),
        ("events", json!(["cache_miss", 5]), "events[1]"),
        ("headers", json!({ "X-Pusher-Key": "a" }), "headers"),
        ("headers", json!({ "A": 1 }), "headers.A"),
        ("headers", json!({ "X-A": "1", "x-a": "2" }), "headers"),
        ("retry_hours", json!(0), "retry_hours"),
        ("retry_hours", json!(-1), "retry_hours"),
        ("retry_hours", json!(300), "retry_hours"),
        ("max_in_flight", json!(65), "max_in_flight"),
        ("max_in_flight", json!(100_000), "max_in_flight"),
        ("max_per_second", json!(0), "max_per_second"),
        ("max_per_second", json!("5"), "max_per_second"),
    ] {
        let problem = with(key, value.clone());
        assert_eq!(problem["field"], field, "{key} = {value}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("{field}: ")), "{detail}");
    }
    let missing = refusal(new(json!({})));
    assert_eq!(missing["detail"], "url: it is missing");
    assert_eq!(refusal(new(json!([])))["detail"], "Expected a JSON object");
}

#[test]
fn plain_http_is_warned_of_where_it_leaves_private_networks() {
    for url in ["http://example.com/", "http://93.184.216.34/", "http://[2606:2800::1]/"] {
        assert_eq!(warnings(url).len(), 1, "{url}");
    }
    for url in [
        "https://example.com/",
        "http://localhost:8000/",
        "http://app.localhost/",
        "http://127.0.0.1/",
        "http://10.1.2.3:99/",
        "http://192.168.0.7/",
        "http://[::1]/",
        "http://[fd00::7]/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        assert_eq!(warnings(url), Vec::<String>::new(), "{url}");
    }
}
