//! Targets that misbehave: an endpoint beside them notices nothing.

use std::time::Duration;

use bellwire_testkit::{Answer, Config, DeadPort, Deaf, Receiver, Server, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app};

const DRIP: Duration = Duration::from_millis(50);

/// An endpoint at `url` and a healthy one in the same app: the healthy one gets everything, and the
/// server does not grow by what the other one sends.
#[track_caller]
fn neighbour_of(url: &str) -> Stage {
    neighbour_with(Receiver::start(), url)
}

#[track_caller]
fn neighbour_with(receiver: Receiver, url: &str) -> Stage {
    let app = app().webhook(Webhook::to(url)).webhook(Webhook::to(&receiver.url(HOOK)));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let before = stage.server.rss_bytes();
    let channels: Vec<String> = (0..60).map(|n| format!("presence-{n}")).collect();
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    stage.member("ann", &channels).leave();
    let names = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
    for channel in channels {
        stage.hook.expect_names(channel, &names);
    }
    assert_small(&stage.server, before);
    stage
}

#[track_caller]
fn assert_small(server: &Server, before: u64) {
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 64 << 20, "the server grew by {growth} bytes");
}

/// The same for an endpoint that always answers so.
#[track_caller]
fn neighbour_of_one_that(answer: Answer) {
    let receiver = Receiver::start();
    let bad = receiver.hook("/bad");
    bad.always(answer);
    let stage = neighbour_with(receiver, bad.url());
    assert!(!bad.requests().is_empty(), "the bad one was asked too");
    drop(stage);
}

// webhooks: P6, fault 1
#[test]
fn one_that_refuses_connections() {
    let port = DeadPort::take();
    neighbour_of(&port.url("/"));
}

// webhooks: P6, fault 1
#[test]
fn one_that_resets_connections() {
    neighbour_of_one_that(Answer::reset());
}

// webhooks: P6, fault 1
#[test]
fn one_that_hangs_up() {
    neighbour_of_one_that(Answer::close());
}

// webhooks: P6, fault 1
#[test]
fn one_that_never_answers() {
    neighbour_of_one_that(Answer::silence());
}

// webhooks: P6, fault 1
#[test]
fn one_that_never_accepts() {
    let deaf = Deaf::never_accepts();
    neighbour_of(&deaf.url("/"));
}

// webhooks: P6, fault 1
#[test]
fn one_that_cannot_be_connected_to() {
    let deaf = Deaf::full();
    neighbour_of(&deaf.url("/"));
}

// webhooks: P6
#[test]
fn one_whose_name_does_not_exist() {
    neighbour_of("http://no-such-host.invalid/");
}

// webhooks: P6, fault 9
#[test]
fn one_whose_head_drips() {
    neighbour_of_one_that(Answer::slow_head(DRIP));
}

// webhooks: P6, fault 9
#[test]
fn one_whose_body_drips() {
    neighbour_of_one_that(Answer::slow_body(DRIP));
}

// webhooks: P6, fault 9
#[test]
fn one_whose_body_never_ends() {
    neighbour_of_one_that(Answer::endless_body());
}

// webhooks: P6, fault 9
#[test]
fn one_that_answers_with_a_hundred_megabytes() {
    neighbour_of_one_that(Answer::long_body(100 << 20));
}

// webhooks: P6, fault 9
#[test]
fn one_that_redirects_to_itself() {
    let receiver = Receiver::start();
    let bad = receiver.hook("/bad");
    bad.always(Answer::redirect(bad.url()));
    let url = bad.url().to_owned();
    neighbour_with(receiver, &url);
}

// webhooks: P6
#[test]
fn one_that_speaks_no_http() {
    neighbour_of_one_that(Answer::garbage());
}

// webhooks: P6
#[test]
fn one_that_says_it_is_unwell() {
    neighbour_of_one_that(Answer::status(503));
}

// webhooks: P6
#[test]
fn one_that_asks_for_a_rest_of_an_hour() {
    neighbour_of_one_that(Answer::retry_after(429, 3600));
}

// webhooks: P6
#[test]
fn one_with_a_very_long_head() {
    neighbour_of_one_that(Answer::ok().header("X-Long", &"x".repeat(1 << 20)));
}
