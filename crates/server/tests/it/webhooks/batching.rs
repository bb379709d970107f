//! Contract 16.1 and 16.10: one event a request, or many, if the app wants that.

use std::collections::BTreeSet;

use bellwire_testkit::{App, Client, Config, Delivery, Gate, Hook, Receiver, Webhook};
use serde_json::json;

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, say};

const CHANNEL: &str = "private-a";

/// A stage whose endpoint holds everything, beside another one that has it all at once: what the
/// second has heard waits for the first.
struct Held {
    stage: Stage,
    gate: Gate,
    control: Hook,
}

impl Held {
    #[track_caller]
    fn with(app: App) -> Self {
        let receiver = Receiver::start();
        let app = app
            .webhook(Webhook::to(&receiver.url(HOOK)))
            .webhook(Webhook::to(&receiver.url("/control")));
        let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
        let (gate, control) = (stage.hook.hold(), stage.receiver.hook("/control"));
        Self { stage, gate, control }
    }

    /// A client on the channel, whose occupation is being held.
    #[track_caller]
    fn first(&self) -> Client {
        let client = self.stage.member("", &[CHANNEL]);
        self.gate.expect_waiting(1);
        client
    }
}

fn batching() -> App {
    app().with("batch_webhooks = true")
}

fn sizes(deliveries: &[Delivery]) -> Vec<usize> {
    deliveries.iter().map(|delivery| delivery.events().len()).collect()
}

fn channels(delivery: &Delivery) -> BTreeSet<&str> {
    delivery.events().iter().map(|event| event["channel"].as_str().unwrap()).collect()
}

// contract: 16.1
#[test]
fn without_batching_each_event_comes_alone_however_many_wait() {
    let held = Held::with(app());
    let mut client = held.first();
    say(&mut client, CHANNEL, 0..50);
    expect_said(&held.control, CHANNEL, 50);
    held.gate.open();
    expect_said(&held.stage.hook, CHANNEL, 50);
    assert_eq!(sizes(&held.stage.hook.accepted()), [1; 51]);
    assert_eq!(sizes(&held.control.accepted()), [1; 51]);
}

// contract: 16.1, 16.11
#[test]
fn with_batching_what_has_gathered_comes_together_a_hundred_at_most() {
    let held = Held::with(batching());
    let mut client = held.first();
    say(&mut client, CHANNEL, 0..250);
    expect_said(&held.control, CHANNEL, 250);
    held.gate.open();
    expect_said(&held.stage.hook, CHANNEL, 250);
    let sizes = sizes(&held.stage.hook.accepted());
    assert_eq!(sizes.iter().max(), Some(&100), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 251, "{sizes:?}");
    assert!(sizes.len() < 20, "{sizes:?}");
}

// contract: 16.1
#[test]
fn a_batch_of_large_events_ends_at_a_quarter_of_a_megabyte() {
    let held = Held::with(batching());
    let mut client = held.first();
    for n in 0..80 {
        client.trigger(CHANNEL, "client-large", &json!("x".repeat(10_000)));
        say(&mut client, CHANNEL, n..n + 1);
    }
    expect_said(&held.control, CHANNEL, 80);
    held.gate.open();
    expect_said(&held.stage.hook, CHANNEL, 80);
    let requests = held.stage.hook.accepted();
    let largest = requests.iter().map(|request| request.body.len()).max().unwrap();
    assert!((100_000..=270_000).contains(&largest), "{largest}");
}

// contract: 16.1
#[test]
fn a_batch_may_hold_events_of_several_channels() {
    let held = Held::with(batching());
    let names: Vec<String> = (0..300).map(|n| format!("public-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _client = held.stage.member("", &names);
    for name in &names {
        held.control.expect_event("channel_occupied", name);
    }
    held.gate.open();
    for name in &names {
        held.stage.hook.expect_event("channel_occupied", name);
    }
    let requests = held.stage.hook.accepted();
    assert!(requests.iter().any(|request| channels(request).len() > 1));
    assert!(requests.len() < 300, "{} requests", requests.len());
}

/// That an encrypted channel's events keep to themselves is a rule of the wire, which is checked for
/// every request; here they have company to keep away from.
// contract: 16.10
#[test]
fn encrypted_channels_have_requests_of_their_own_while_others_are_joined() {
    let held = Held::with(batching());
    let kinds = ["private-encrypted", "private", "private-encrypted-cache"];
    let names: Vec<String> =
        (0..100).flat_map(|n| kinds.map(|kind| format!("{kind}-{n}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = held.stage.member("", &names);
    say(&mut client, "private-encrypted-7", 0..5);
    for name in &names {
        held.control.expect_event("channel_occupied", name);
    }
    expect_said(&held.control, "private-encrypted-7", 5);
    held.gate.open();
    for name in &names {
        held.stage.hook.expect_event("channel_occupied", name);
    }
    expect_said(&held.stage.hook, "private-encrypted-7", 5);
    let requests = held.stage.hook.accepted();
    assert!(requests.iter().any(|request| channels(request).len() > 1), "nothing was joined");
    held.stage.receiver.assert_wire_rules();
}

// contract: 16.11
// webhooks: P5
#[test]
fn batches_keep_the_order_of_each_channel() {
    let held = Held::with(batching());
    let mut clients: Vec<Client> =
        (0..5).map(|n| held.stage.member("", &[&format!("private-{n}")])).collect();
    for round in 0..40 {
        for (n, client) in clients.iter_mut().enumerate() {
            say(client, &format!("private-{n}"), round..round + 1);
        }
        if round == 20 {
            held.gate.open();
        }
    }
    for n in 0..5 {
        expect_said(&held.stage.hook, &format!("private-{n}"), 40);
        expect_said(&held.control, &format!("private-{n}"), 40);
    }
}
