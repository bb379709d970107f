//! P5: a channel's events come in order, whatever becomes of single requests.

use std::time::Instant;

use bellwire_testkit::{Answer, Client, Config, DeadPort, Delivery, Hook, Receiver, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, say};

/// The events of a channel in the order in which they were *sent*, with whether they were accepted.
fn sent(hook: &Hook, channel: &str) -> Vec<(String, bool)> {
    let mut sent = Vec::new();
    for request in hook.requests() {
        for event in request.events().iter().filter(|event| event["channel"] == channel) {
            sent.push((event.to_string(), request.is_accepted()));
        }
    }
    sent
}

/// Nothing of a channel was sent before what comes before it was accepted.
#[track_caller]
fn assert_one_after_the_other(hook: &Hook, channel: &str) {
    let mut waiting: Option<String> = None;
    for (event, is_accepted) in sent(hook, channel) {
        let is_next = waiting.is_none_or(|waiting| waiting == event);
        assert!(is_next, "{event} was sent too early on {channel}");
        waiting = (!is_accepted).then_some(event);
    }
}

#[track_caller]
fn three_channels(stage: &Stage) -> [String; 3] {
    let channels = [0, 1, 2].map(|n| format!("private-{n}"));
    let mut clients: Vec<Client> =
        channels.iter().map(|channel| stage.member("", &[channel])).collect();
    for n in 0..3 {
        for (channel, client) in channels.iter().zip(&mut clients) {
            say(client, channel, n..n + 1);
        }
    }
    for channel in &channels {
        expect_said(&stage.hook, channel, 3);
    }
    channels
}

fn first_time(status: u16) -> impl Fn(&Delivery) -> Answer {
    move |delivery| match delivery.attempt() {
        1 => Answer::status(status),
        _ => Answer::ok(),
    }
}

// contract: 16.11
// webhooks: P5
#[test]
fn order_survives_a_receiver_that_is_unwell_at_every_first_attempt() {
    let stage = Stage::usual();
    stage.hook.decide(first_time(503));
    for channel in three_channels(&stage) {
        assert_one_after_the_other(&stage.hook, &channel);
    }
}

// contract: 16.11
// webhooks: P5
#[test]
fn order_survives_a_receiver_that_refuses_every_first_attempt() {
    let stage = Stage::usual();
    stage.hook.decide(first_time(404));
    for channel in three_channels(&stage) {
        assert_one_after_the_other(&stage.hook, &channel);
    }
}

// contract: 16.11
// webhooks: P5
#[test]
fn order_survives_with_batching_too() {
    let stage = Stage::batching();
    stage.hook.decide(first_time(500));
    for channel in three_channels(&stage) {
        let events: Vec<_> = sent(&stage.hook, &channel);
        let accepted = events.iter().filter(|(_, is_accepted)| *is_accepted).count();
        assert_eq!(accepted, 4, "each event of {channel} is accepted once: {events:?}");
    }
}

// contract: 16.5, 16.11
// webhooks: P5, fault 1
#[test]
fn everything_waits_in_order_for_a_receiver_that_is_down() {
    let port = DeadPort::take();
    let app = app().with("batch_webhooks = true").webhook(Webhook::to(&port.url(HOOK)));
    let config = Config::with(app).webhooks(SHORT_GRACE);
    let server = crate::support::serve(config);
    let channels = [0, 1, 2, 3, 4].map(|n| format!("private-{n}"));
    for channel in &channels {
        let mut client = server.connect();
        client.subscribe(channel);
        say(&mut client, channel, 0..200);
    }
    let receiver = port.revive();
    let hook = receiver.hook(HOOK);
    for channel in &channels {
        expect_said(&hook, channel, 200);
        assert_eq!(hook.events_of(channel)[0]["name"], "channel_occupied");
        hook.expect_event("channel_vacated", channel);
    }
    receiver.assert_wire_rules();
}

// webhooks: P5
#[test]
fn channels_do_not_wait_for_each_other() {
    let stage = Stage::usual();
    let gate = bellwire_testkit::Gate::closed();
    let behind = gate.clone();
    stage.hook.decide(move |delivery| match delivery.has("channel_occupied", "private-100") {
        true => Answer::ok().behind(&behind),
        false => Answer::ok(),
    });
    let _held = stage.member("", &["private-100"]);
    gate.expect_waiting(1);
    // Of these, a few may share the lane of the held one.
    let names: Vec<String> = (0..100).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _others = stage.member("", &names);
    stage.hook.expect("nine in ten come while one is held", |deliveries| {
        (deliveries.len() >= 90).then_some(())
    });
    assert_eq!(gate.waiting(), 1);
    gate.open();
    for name in names {
        stage.hook.expect_event("channel_occupied", name);
    }
}

// webhooks: P5
#[test]
fn channels_that_differ_in_a_number_only_do_not_wait_for_each_other() {
    let stage = Stage::usual();
    let _first = stage.proven();
    let gate = stage.hook.hold();
    let names: Vec<String> = (0..100).map(|n| format!("private-room-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _client = stage.member("", &names);
    // As many as an endpoint has under way if it does not say otherwise.
    gate.expect_waiting(16);
    gate.open();
    for name in names {
        stage.hook.expect_event("channel_occupied", name);
    }
}

// webhooks: P5
#[test]
fn no_more_requests_are_under_way_than_the_endpoint_allows() {
    let receiver = Receiver::start();
    let app = app()
        .webhook(Webhook::to(&receiver.url(HOOK)).with("max_in_flight = 2"))
        .webhook(Webhook::to(&receiver.url("/control")));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let gate = stage.hook.hold();
    let names: Vec<String> = (0..50).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _clients = stage.member("", &names);
    let control = stage.receiver.hook("/control");
    names.iter().for_each(|name| drop(control.expect_event("channel_occupied", name)));
    gate.expect_waiting(2);
    assert_eq!(gate.waiting(), 2);
    gate.open();
    names.iter().for_each(|name| drop(stage.hook.expect_event("channel_occupied", name)));
}

// webhooks: P5
#[test]
fn an_endpoint_is_not_called_more_often_than_it_allows() {
    let receiver = Receiver::start();
    let app = app().webhook(Webhook::to(&receiver.url(HOOK)).with("max_per_second = 5"));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let names: Vec<String> = (0..25).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let started = Instant::now();
    let _clients = stage.member("", &names);
    let requests = stage.hook.expect_requests(25);
    // A second's worth may come at once, then 200 ms lie between two.
    let span = requests[24].at - started;
    assert!(span.as_millis() >= 3_000, "25 requests in {span:?}");
}
