//! Contract 16.5: anything but a 2xx is tried again, the same request, less and less often.

use std::time::{Duration, Instant};

use bellwire_testkit::{Answer, Config, Gate, Hook, Receiver, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, say};
use crate::support::serve;

const DRIP: Duration = Duration::from_millis(200);

/// The first two requests are the same but for their attempt.
#[track_caller]
fn assert_tried_again(hook: &Hook, what: &str) {
    let requests = hook.expect_requests(2);
    let [first, second] = &requests[..] else { unreachable!() };
    assert_eq!(first.id(), second.id(), "{what}");
    assert_eq!(first.body, second.body, "{what}");
    assert_eq!((first.attempt(), second.attempt()), (1, 2), "{what}");
    assert_eq!(first.sequence(), second.sequence(), "{what}");
    assert!(second.verify_pusher("secret-1"), "{what}");
}

/// An endpoint for each of these answers, which it gives once before it accepts.
#[track_caller]
fn try_all(answers: &[Answer]) {
    let receiver = Receiver::start();
    let hooks: Vec<Hook> = (0..answers.len()).map(|n| receiver.hook(&format!("/{n}"))).collect();
    let app = hooks.iter().fold(app(), |app, hook| app.webhook(Webhook::to(hook.url())));
    for (hook, answer) in hooks.iter().zip(answers) {
        hook.then(answer.clone());
    }
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    for (hook, answer) in hooks.iter().zip(answers) {
        assert_tried_again(hook, &format!("{answer:?}"));
        hook.expect_event("channel_occupied", "public");
    }
}

// contract: 16.5
// webhooks: fault 1, fault 9
#[test]
fn every_status_but_2xx_is_tried_again() {
    let statuses = [301, 302, 303, 307, 308, 304, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503];
    try_all(&statuses.map(Answer::status));
}

// contract: 16.5
// webhooks: fault 1
#[test]
fn a_connection_that_ends_without_an_answer_is_tried_again() {
    try_all(&[Answer::reset(), Answer::close(), Answer::garbage()]);
}

// contract: 16.5
// webhooks: fault 1
#[test]
fn an_answer_that_takes_too_long_is_tried_again() {
    try_all(&[Answer::silence(), Answer::slow_head(DRIP), Answer::slow_body(DRIP)]);
}

// contract: 16.5
#[test]
fn every_2xx_is_an_acceptance() {
    let receiver = Receiver::start();
    let statuses = [200, 201, 202, 204, 299];
    let hooks = statuses.map(|status| receiver.hook(&format!("/{status}")));
    let app = hooks.iter().fold(app(), |app, hook| app.webhook(Webhook::to(hook.url())));
    for (hook, status) in hooks.iter().zip(statuses) {
        hook.always(Answer::status(status));
    }
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    // That the channel's second event comes shows that the first is done with.
    stage.member("", &["public"]).leave();
    for hook in &hooks {
        hook.expect_names("public", &["channel_occupied", "channel_vacated"]);
        assert_eq!(hook.requests().len(), 2, "{}", hook.url());
    }
}

// contract: 16.5
// webhooks: P4
#[test]
fn attempts_are_counted_and_everything_else_stays_the_same() {
    let stage = Stage::usual();
    stage.hook.times(3, &Answer::status(500));
    let _client = stage.member("", &["public"]);
    let requests = stage.hook.expect_requests(4);
    let attempts: Vec<u64> = requests.iter().map(|request| request.attempt()).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    for pair in requests.windows(2) {
        assert_eq!((pair[0].id(), &pair[0].body), (pair[1].id(), &pair[1].body));
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= Duration::from_millis(500), "only {apart:?} between two attempts");
    }
    let accepted = stage.hook.expect_event("channel_occupied", "public");
    assert_eq!(accepted.number, requests[3].number);
}

// contract: 16.5
// webhooks: fault 9
#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start();
    let stage = Stage::usual();
    for status in [301, 302, 307, 308] {
        stage.hook.then(Answer::status(status).header("Location", &elsewhere.url("/there")));
    }
    let _client = stage.member("", &["public"]);
    stage.hook.expect_event("channel_occupied", "public");
    assert_eq!(stage.hook.requests().len(), 5);
    assert_eq!(elsewhere.connections(), 0);
}

// contract: 16.5
#[test]
fn a_receiver_that_asks_for_a_rest_gets_it() {
    for status in [429, 503] {
        let stage = Stage::usual();
        stage.hook.then(Answer::retry_after(status, 4));
        let _client = stage.member("", &["public"]);
        let requests = stage.hook.expect_requests(2);
        let apart = requests[1].at - requests[0].at;
        assert!(apart >= Duration::from_millis(3_900), "{status}: tried again after {apart:?}");
    }
}

// contract: 16.5
#[test]
fn with_hours_to_try_each_attempt_has_a_time_of_its_own() {
    let receiver = Receiver::start();
    let hook = receiver.hook(HOOK);
    hook.times(2, &Answer::status(500));
    let app = app().webhook(Webhook::to(hook.url()).with("retry_hours = 1"));
    let server = serve(Config::with(app).webhooks(SHORT_GRACE));
    let mut client = server.connect();
    client.subscribe("public");
    let requests = hook.expect_requests(3);
    for pair in requests.windows(2) {
        assert_eq!(pair[0].id(), pair[1].id());
        assert_eq!(pair[0].events(), pair[1].events());
        assert!(pair[0].time_ms() < pair[1].time_ms());
    }
    assert!(requests.iter().all(|request| request.verify_pusher("secret-1")));
}

// contract: 16.5
// webhooks: fault 1
#[test]
fn requests_that_fail_all_at_once_do_not_keep_a_receiver_waiting_that_is_well_again() {
    let stage = Stage::usual();
    let _first = stage.proven();
    let gate = Gate::closed();
    stage.hook.times(16, &Answer::status(503).behind(&gate));
    let names: Vec<String> = (0..100).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _client = stage.member("", &names);
    gate.expect_waiting(16);
    gate.open();
    for name in names {
        stage.hook.expect_event("channel_occupied", name);
    }
}

// contract: 16.5
// webhooks: fault 1
#[test]
fn a_thousand_events_survive_a_receiver_that_refuses_every_third_request_up_to_twice() {
    let stage = Stage::batching();
    stage.hook.decide(|delivery| match delivery.number % 3 {
        2 if delivery.attempt() < 3 => Answer::status(404),
        _ => Answer::ok(),
    });
    let names: Vec<String> = (0..500).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.member("", &names).leave();
    for name in names {
        stage.hook.expect_names(name, &["channel_occupied", "channel_vacated"]);
    }
}

/// How long a receiver is unwell: 4 minutes of the 290 s for which it is asked, or the same share of
/// a shorter window. `make endurance` takes the time.
fn unwell() -> (Duration, u64) {
    let seconds = std::env::var("UNWELL_S").ok().and_then(|text| text.parse().ok());
    seconds.map_or((Duration::from_secs(10), 12_000), |s| (Duration::from_secs(s), 290_000))
}

// contract: 16.5, 16.6
// webhooks: P5, P6, fault 1
#[test]
fn a_receiver_that_answers_500_for_most_of_the_window_and_is_well_then_has_lost_nothing() {
    let (time, window_ms) = unwell();
    let receiver = Receiver::start();
    let app = app()
        .webhook(Webhook::to(&receiver.url(HOOK)))
        .webhook(Webhook::to(&receiver.url("/neighbour")));
    let window = format!("retry_window_ms = {window_ms}");
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE, &window]);
    let begins = Instant::now();
    stage.hook.decide(move |_| match begins.elapsed() < time {
        true => Answer::status(500),
        false => Answer::ok(),
    });
    let names: Vec<String> = (0..40).map(|n| format!("private-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = stage.member("", &names);
    for name in &names {
        say(&mut client, name, 0..5);
    }
    let neighbour = stage.receiver.hook("/neighbour");
    names.iter().for_each(|name| expect_said(&neighbour, name, 5));
    // It is asked less and less often: the next attempt may be as far off as the window's end.
    let has_all = || stage.hook.events().len() == names.len() * 6;
    while !has_all() && begins.elapsed() < Duration::from_millis(window_ms + 10_000) {
        std::thread::sleep(Duration::from_millis(50));
    }
    names.iter().for_each(|name| expect_said(&stage.hook, name, 5));
    assert!(stage.hook.accepted().iter().all(|request| request.gap().is_none()));
}
