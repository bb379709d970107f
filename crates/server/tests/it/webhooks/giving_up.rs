//! What becomes of events that an endpoint does not take: they expire, or they alone are refused, or
//! the endpoint is gone. The receiver can tell (P7).

use std::thread;
use std::time::Duration;

use bellwire_testkit::{Answer, Client, Config, Delivery, Receiver, Webhook};
use serde_json::json;

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, mark, say};
use crate::support::eventually;

const CHANNEL: &str = "private-a";

fn refuses(word: &'static str, status: u16) -> impl Fn(&Delivery) -> Answer {
    move |delivery| match delivery.text().contains(word) {
        true => Answer::status(status),
        false => Answer::ok(),
    }
}

// contract: 16.6
// webhooks: P7
#[test]
fn after_an_expiry_the_next_request_names_the_gap() {
    let stage = Stage::with(app(), &[SHORT_GRACE, "retry_window_ms = 2000"]);
    stage.hook.decide(refuses("client-doomed", 500));
    let mut client = stage.member("", &[CHANNEL]);
    stage.hook.expect_event("channel_occupied", CHANNEL);
    client.trigger(CHANNEL, "client-doomed", &json!("x"));
    client.trigger(CHANNEL, "client-fine", &json!("x"));
    let fine = stage.hook.expect_event("client_event", CHANNEL);
    let requests = stage.hook.requests();
    let doomed = requests.iter().find(|r| r.text().contains("client-doomed")).unwrap();
    let gap = fine.gap().expect("the next request names no gap");
    assert!(gap.first <= doomed.sequence() && doomed.sequence() <= gap.last, "{fine}\n{doomed}");
    assert!(gap.last < fine.sequence(), "{fine}");
    mark(&stage.hook, &mut client, CHANNEL);
    let last = stage.hook.accepted().pop().unwrap();
    assert_eq!(last.gap(), None, "a gap is named until it was heard, and not longer");
    assert_eq!(last.previous(), fine.sequence());
}

// contract: 16.5
// webhooks: P7
#[test]
fn each_request_names_the_one_it_follows() {
    let stage = Stage::usual();
    let mut client = stage.member("", &[CHANNEL]);
    say(&mut client, CHANNEL, 0..30);
    expect_said(&stage.hook, CHANNEL, 30);
    let accepted = stage.hook.accepted();
    assert_eq!(accepted[0].previous(), 0);
    for pair in accepted.windows(2) {
        assert_eq!(pair[1].previous(), pair[0].sequence());
        assert_eq!(pair[1].gap(), None);
    }
}

// contract: 16.5
#[test]
fn one_event_that_is_always_refused_does_not_take_the_batch_with_it() {
    let stage = Stage::batching();
    let gate = stage.hook.hold();
    let mut client = stage.member("", &[CHANNEL]);
    gate.expect_waiting(1);
    say(&mut client, CHANNEL, 0..9);
    client.trigger(CHANNEL, "client-poison", &json!("x"));
    say(&mut client, CHANNEL, 9..20);
    let mut other = stage.member("", &["private-other"]);
    stage.hook.decide(refuses("client-poison", 400));
    gate.open();
    eventually("everything but the poison comes", || {
        // That others are accepted meanwhile shows that it is the event and not the endpoint.
        mark(&stage.hook, &mut other, "private-other");
        super::stage::said(&stage.hook.events(), CHANNEL).len() == 20
    });
    expect_said(&stage.hook, CHANNEL, 20);
    let requests = stage.hook.requests();
    let poisoned: Vec<&Delivery> =
        requests.iter().filter(|r| r.text().contains("client-poison")).collect();
    assert!(poisoned.iter().all(|request| !request.is_accepted()));
    assert_eq!(poisoned.last().unwrap().events().len(), 1, "in the end it stands alone");
    mark(&stage.hook, &mut client, CHANNEL);
}

// contract: 16.5
#[test]
fn a_batch_that_is_refused_while_the_receiver_is_confused_is_not_lost() {
    let stage = Stage::batching();
    let gate = stage.hook.hold();
    let mut client = stage.member("", &[CHANNEL]);
    gate.expect_waiting(1);
    say(&mut client, CHANNEL, 0..20);
    stage.hook.times(4, &Answer::status(400)).always(Answer::ok());
    gate.open();
    expect_said(&stage.hook, CHANNEL, 20);
}

// contract: 16.5
#[test]
fn an_endpoint_that_is_gone_is_left_alone() {
    let receiver = Receiver::start();
    let app = app()
        .webhook(Webhook::to(&receiver.url(HOOK)))
        .webhook(Webhook::to(&receiver.url("/control")));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let control = stage.receiver.hook("/control");
    stage.hook.always(Answer::status(410));
    let mut client = stage.member("", &[CHANNEL]);
    stage.hook.expect_requests(1);
    eventually("it hears no more", || is_left_alone(&stage, &control, &mut client));
    // A first retry would have come by now.
    thread::sleep(Duration::from_secs(3));
    assert!(is_left_alone(&stage, &control, &mut client));
    assert!(stage.hook.requests().len() <= 3, "it was asked again and again");
}

#[track_caller]
fn is_left_alone(stage: &Stage, control: &bellwire_testkit::Hook, client: &mut Client) -> bool {
    let before = stage.hook.requests().len();
    for _ in 0..20 {
        mark(control, client, CHANNEL);
    }
    stage.hook.requests().len() == before
}
