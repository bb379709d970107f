//! Contract 16: what each event looks like, byte for byte, and how a request is signed.

use bellwire_testkit::{Client, Config, Delivery, Hook, Receiver, Webhook};
use serde_json::{Value, json};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, mark, user_data};

/// The event comes alone, and its text is this.
#[track_caller]
fn expect_text(hook: &Hook, name: &str, channel: &str, text: &str) -> Delivery {
    let delivery = hook.expect_event(name, channel);
    let body = format!("{{\"time_ms\":{},\"events\":[{text}]}}", delivery.time_ms());
    assert_eq!(delivery.text(), body);
    delivery
}

/// Says something and returns the event that comes of it.
#[track_caller]
fn hears_of(stage: &Stage, client: &mut Client, channel: &str, data: &str) -> Value {
    mark(&stage.hook, client, channel);
    let before = stage.hook.events_of(channel).len();
    client.send(&format!(r#"{{"event":"client-x","channel":"{channel}","data":{data}}}"#));
    mark(&stage.hook, client, channel);
    stage.hook.events_of(channel).swap_remove(before)
}

// contract: 16.1, 16.8
#[test]
fn occupied_and_vacated_name_the_channel() {
    let stage = Stage::usual();
    let client = stage.member("", &["public"]);
    let text = r#"{"name":"channel_occupied","channel":"public"}"#;
    expect_text(&stage.hook, "channel_occupied", "public", text);
    client.leave();
    let text = r#"{"name":"channel_vacated","channel":"public"}"#;
    expect_text(&stage.hook, "channel_vacated", "public", text);
    assert_eq!(stage.hook.names_of("public").len(), 2);
}

// contract: 16.8, 16.11
#[test]
fn members_are_named_between_occupied_and_vacated() {
    let stage = Stage::usual();
    let client = stage.member("ann", &["presence-a"]);
    let text = r#"{"name":"member_added","channel":"presence-a","user_id":"ann"}"#;
    expect_text(&stage.hook, "member_added", "presence-a", text);
    client.leave();
    let text = r#"{"name":"member_removed","channel":"presence-a","user_id":"ann"}"#;
    expect_text(&stage.hook, "member_removed", "presence-a", text);
    let names = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
    stage.hook.expect_names("presence-a", &names);
}

// contract: 16.8, 16.9
// webhooks: fault 8
#[test]
fn a_client_event_on_a_presence_channel_says_who_sent_it() {
    let stage = Stage::usual();
    let mut client = stage.member("ann", &["presence-a"]);
    client.trigger("presence-a", "client-x", &json!({ "a": 1 }));
    let text = format!(
        r#"{{"name":"client_event","channel":"presence-a","event":"client-x","data":"{{\"a\":1}}","socket_id":"{}","user_id":"ann"}}"#,
        client.socket_id()
    );
    expect_text(&stage.hook, "client_event", "presence-a", &text);
}

// contract: 16.8
// webhooks: fault 8
#[test]
fn a_client_event_on_a_private_channel_does_not() {
    let stage = Stage::usual();
    let mut client = stage.connect();
    client.sign_in(r#"{"id":"ann"}"#);
    client.subscribe("private-a");
    client.trigger("private-a", "client-x", &json!("hello"));
    let text = format!(
        r#"{{"name":"client_event","channel":"private-a","event":"client-x","data":"hello","socket_id":"{}"}}"#,
        client.socket_id()
    );
    expect_text(&stage.hook, "client_event", "private-a", &text);
}

// contract: 16.9, 7.9
// webhooks: fault 8
#[test]
fn the_data_of_a_client_event_is_the_string_that_subscribers_got() {
    let stage = Stage::usual();
    let mut ann = stage.member("", &["private-a"]);
    let mut bob = stage.member("", &["private-a"]);
    for data in [
        r#""plain""#,
        r#""{ \"a\" : 1 }""#,
        r#""""#,
        r#"{ "a" : [ 1 , 2.50 ], "b" : null }"#,
        "12345678901234567890123",
        "true",
        "null",
        r#""\u0000 \" \\ \n Zo\u00eb \ud83d\ude00""#,
    ] {
        let heard = hears_of(&stage, &mut ann, "private-a", data);
        let frames = bob.drain();
        let frame = frames.iter().find(|frame| frame.event() == "client-x").unwrap();
        assert_eq!(heard["data"], frame.data_text(), "{data}");
    }
}

// contract: 16.9
// webhooks: fault 8
#[test]
fn a_numeric_user_id_is_told_as_a_string() {
    let stage = Stage::usual();
    let mut client = stage.connect();
    client.join("presence-a", r#"{"user_id":10}"#);
    let text = r#"{"name":"member_added","channel":"presence-a","user_id":"10"}"#;
    expect_text(&stage.hook, "member_added", "presence-a", text);
    let event = hears_of(&stage, &mut client, "presence-a", "1");
    assert_eq!((&event["user_id"], &event["data"]), (&json!("10"), &json!("1")));
}

// contract: 16.9
#[test]
fn names_with_quotes_and_other_scripts_survive() {
    let stage = Stage::usual();
    let user = "\"Zo\u{eb}\" \\ \u{1f600} \u{1}";
    let mut client = stage.connect();
    client.join("presence-a", &user_data(user));
    let added = stage.hook.expect_event("member_added", "presence-a");
    assert_eq!(added.events()[0]["user_id"], user);
    let event = format!("client-{user}");
    client.trigger("presence-a", &event, &json!("x"));
    let said = stage.hook.expect_event("client_event", "presence-a");
    assert_eq!(said.events()[0]["event"], event.as_str());
}

// contract: 16.8
#[test]
fn a_cache_miss_names_the_channel() {
    let stage = Stage::usual();
    stage.member("", &["cache-a"]);
    let text = r#"{"name":"cache_miss","channel":"cache-a"}"#;
    expect_text(&stage.hook, "cache_miss", "cache-a", text);
}

// contract: 16.8
#[test]
fn a_count_is_a_number_and_stands_last() {
    let stage = Stage::with(app().with("subscription_count = true"), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    let text = r#"{"channel":"public","name":"subscription_count","subscription_count":1}"#;
    expect_text(&stage.hook, "subscription_count", "public", text);
}

// contract: 16.8, 16.9, 16.10
#[test]
fn every_kind_of_channel_is_occupied_and_vacated() {
    let stage = Stage::usual();
    let channels = [
        "public",
        "private-a",
        "presence-a",
        "cache-a",
        "private-cache-a",
        "presence-cache-a",
        "private-encrypted-a",
        "private-encrypted-cache-a",
    ];
    let client = stage.member("ann", &channels);
    for channel in channels {
        stage.hook.expect_event("channel_occupied", channel);
    }
    client.leave();
    for channel in channels {
        stage.hook.expect_event("channel_vacated", channel);
    }
}

// contract: 16.2, 16.3, 16.4
#[test]
fn a_request_is_signed_with_the_apps_key_and_with_the_endpoints_secret() {
    const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let receiver = Receiver::start();
    let webhook = Webhook::to(&receiver.url(HOOK)).secret(SECRET);
    let stage = Stage::over(receiver, Config::with(app().webhook(webhook)), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    let delivery = stage.hook.expect_event("channel_occupied", "public");
    assert_eq!(delivery.key(), "key-1");
    assert!(delivery.verify_pusher("secret-1"), "{delivery}");
    assert!(delivery.verify_standard(SECRET), "{delivery}");
    let seconds: u64 = delivery.header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(seconds <= delivery.at_ms / 1000 + 1, "{delivery}");
    assert!(seconds + 300 >= delivery.at_ms / 1000, "receivers refuse what is older");
}

// contract: 16.1, 16.6
#[test]
fn the_time_is_when_the_webhook_was_made() {
    let stage = Stage::usual();
    let first = stage.member("", &["public"]);
    let first_at = stage.hook.expect_event("channel_occupied", "public");
    let _second = stage.member("", &["private-a"]);
    let second_at = stage.hook.expect_event("channel_occupied", "private-a");
    assert!(first_at.time_ms() <= first_at.at_ms, "{first_at}");
    assert!(second_at.time_ms() >= first_at.time_ms(), "{second_at}");
    drop(first);
}

// contract: 16.13
#[test]
fn path_query_and_custom_headers_are_sent_as_they_were_asked_for() {
    let receiver = Receiver::start();
    let url = receiver.url("/hook/deep%20er?token=a%26b&x=1");
    let webhook = Webhook::to(&url).header("X-Env", "prod").header("Authorization", "Bearer t0ken");
    let stage = Stage::over(receiver, Config::with(app().webhook(webhook)), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    let hook = stage.receiver.hook("/hook/deep%20er");
    let delivery = hook.expect_event("channel_occupied", "public");
    assert_eq!(delivery.path_and_query(), "/hook/deep%20er?token=a%26b&x=1");
    assert_eq!(delivery.header("X-Env"), Some("prod"));
    assert_eq!(delivery.header("Authorization"), Some("Bearer t0ken"));
    assert!(stage.receiver.url("").ends_with(delivery.header("Host").unwrap()));
}

// contract: 16.8
#[test]
fn publishing_announces_nothing() {
    let stage = Stage::usual();
    let mut client = stage.member("", &["private-a"]);
    stage.server.api().publish("private-a", "sold", "{}");
    mark(&stage.hook, &mut client, "private-a");
    assert_eq!(stage.hook.names_of("private-a"), ["channel_occupied", "client_event"]);
}

// contract: 16.5
#[test]
fn connections_are_used_again() {
    let stage = Stage::usual();
    let mut client = stage.member("", &["private-a"]);
    for _ in 0..50 {
        mark(&stage.hook, &mut client, "private-a");
    }
    let connections = stage.receiver.connections();
    assert!(connections <= 16, "{connections} connections for 51 requests of one channel");
}
