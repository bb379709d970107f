//! Contract 14.4 and 16.8: how many listen, as webhooks tell it.

use std::time::Instant;

use bellwire_testkit::{Client, Config, Hook, Receiver, Webhook};

use super::stage::{SHORT_GRACE, Stage, app, join, mark};
use crate::support::eventually;

const CHANNEL: &str = "private-a";

fn counting() -> Stage {
    Stage::with(app().with("subscription_count = true"), &[SHORT_GRACE])
}

fn counts(hook: &Hook) -> Vec<u64> {
    let events = hook.events_of(CHANNEL);
    events.iter().filter_map(|event| event["subscription_count"].as_u64()).collect()
}

#[track_caller]
fn expect_count(hook: &Hook, count: u64) {
    hook.expect(&format!("a count of {count}"), |deliveries| {
        let mut events = deliveries.iter().flat_map(|delivery| delivery.events());
        events.find(|event| event["subscription_count"] == count).map(|_| ())
    });
}

// contract: 14.4, 16.8
// webhooks: fault 5
#[test]
fn up_to_a_hundred_every_coming_and_going_is_told_even_if_a_socket_drops() {
    let stage = counting();
    let mut first = stage.member("", &[CHANNEL]);
    let second = stage.member("", &[CHANNEL]);
    let third = stage.member("", &[CHANNEL]);
    expect_counts(&stage.hook, &[1, 2, 3]);
    drop(second);
    expect_counts(&stage.hook, &[1, 2, 3, 2]);
    third.leave();
    expect_counts(&stage.hook, &[1, 2, 3, 2, 1]);
    first.unsubscribe(CHANNEL);
    join(&mut first, "", CHANNEL);
    expect_counts(&stage.hook, &[1, 2, 3, 2, 1, 1]);
}

/// Waits for as many counts, and compares them; whether nobody is a count is left open.
#[track_caller]
fn expect_counts(hook: &Hook, expected: &[u64]) {
    let told = || counts(hook).into_iter().filter(|count| *count > 0);
    eventually("as many counts come", || told().count() >= expected.len());
    assert_eq!(told().collect::<Vec<_>>(), expected);
}

// contract: 14.3, 14.4, 14.5
// webhooks: fault 5
#[test]
fn above_a_hundred_the_counts_are_thinned_out_and_the_last_one_is_not_lost() {
    let stage = counting();
    let started = Instant::now();
    let crowd: Vec<Client> = (0..140).map(|_| stage.member("", &[CHANNEL])).collect();
    expect_count(&stage.hook, 140);
    let windows = started.elapsed().as_secs() / 5 + 2;
    let counts = counts(&stage.hook);
    let expected: Vec<u64> = (1..=100).collect();
    assert_eq!(counts[..100], expected);
    let above = counts.len() as u64 - 100;
    assert!(above <= windows, "{above} counts above a hundred in {windows} windows: {counts:?}");
    drop(crowd);
    expect_count_after(&stage.hook, 140, 100);
}

/// The count falls to this again, once it has been at `top`.
#[track_caller]
fn expect_count_after(hook: &Hook, top: u64, count: u64) {
    hook.expect(&format!("{count} after {top}"), |deliveries| {
        let events = deliveries.iter().flat_map(|delivery| delivery.events());
        let mut after = events.skip_while(|event| event["subscription_count"] != top);
        after.find(|event| event["subscription_count"] == count).map(|_| ())
    });
}

// contract: 16.8
#[test]
fn each_endpoint_gets_the_count_by_the_name_that_it_asked_for() {
    let receiver = Receiver::start();
    let app = app()
        .with("subscription_count = true")
        .webhook(Webhook::to(&receiver.url("/count")).events(&["subscription_count"]))
        .webhook(Webhook::to(&receiver.url("/changed")).events(&["subscription_count_changed"]))
        .webhook(Webhook::to(&receiver.url("/all")));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let _client = stage.member("", &[CHANNEL]);
    for (path, name) in [
        ("/count", "subscription_count"),
        ("/changed", "subscription_count_changed"),
        ("/all", "subscription_count"),
    ] {
        let delivery = stage.receiver.hook(path).expect_event(name, CHANNEL);
        let event = format!(r#"{{"channel":"{CHANNEL}","name":"{name}","subscription_count":1}}"#);
        assert!(delivery.text().ends_with(&format!("[{event}]}}")), "{delivery}");
    }
}

// contract: 14.2, 14.4
#[test]
fn without_the_toggle_and_on_presence_channels_nothing_is_counted() {
    let stage = Stage::usual();
    let mut clients = [stage.member("", &[CHANNEL]), stage.member("", &[CHANNEL])];
    mark(&stage.hook, &mut clients[0], CHANNEL);
    assert_eq!(stage.hook.names_of(CHANNEL), ["channel_occupied", "client_event"]);
    let stage = counting();
    let mut client = stage.member("ann", &["presence-a"]);
    mark(&stage.hook, &mut client, "presence-a");
    let names = ["channel_occupied", "member_added", "client_event"];
    assert_eq!(stage.hook.names_of("presence-a"), names);
}
