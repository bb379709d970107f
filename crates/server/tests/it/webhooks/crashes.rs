//! `kill -9`: what was promised is kept, and at most one request a lane comes again.

use std::time::{Duration, Instant};

use bellwire_testkit::{Answer, App, Client, Config, Gate, Receiver, View, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, join, mark, say, transitions};

const SHORT: [&str; 2] = [SHORT_GRACE, "reconnect_ms = 700"];
const ALLOWANCE: Duration = Duration::from_millis(1000);

/// Folds everything that was accepted; alternation and order must be whole.
#[track_caller]
fn assert_sound(stage: &Stage) -> View {
    let mut view = View::new();
    view.catch_up(&stage.hook);
    view.assert_sound();
    view
}

/// Kills the server and waits until nothing that it sent is on its way any more.
#[track_caller]
fn crash(stage: &mut Stage) {
    stage.server.crash();
    stage.receiver.expect_nobody();
}

// contract: 16.7, 16.11
// webhooks: P1, P2, fault 6
#[test]
fn whoever_does_not_return_is_told_to_have_left_after_grace_and_allowance() {
    let mut stage = Stage::with(app(), &SHORT);
    let clients: Vec<Client> =
        (0..10).map(|n| stage.member(&format!("user-{n}"), &["presence-a", "public"])).collect();
    for n in 0..10 {
        stage.hook.expect(&format!("user-{n} is added"), |deliveries| {
            let mut events = deliveries.iter().flat_map(|delivery| delivery.events());
            events.find(|event| event["user_id"] == format!("user-{n}")).map(|_| ())
        });
    }
    stage.hook.expect_event("channel_occupied", "public");
    crash(&mut stage);
    drop(clients);
    let restarted = Instant::now();
    stage.server.restart();
    for channel in ["presence-a", "public"] {
        let vacated = stage.hook.expect_event("channel_vacated", channel);
        let after = vacated.at - restarted;
        assert!(after >= ALLOWANCE - Duration::from_millis(10), "{channel}: after {after:?}");
    }
    let mut expected = vec!["channel_occupied"];
    expected.extend(["member_added"; 10]);
    expected.extend(["member_removed"; 10]);
    expected.push("channel_vacated");
    assert_eq!(transitions(&stage.hook, "presence-a"), expected);
    assert!(assert_sound(&stage).occupied().is_empty());
}

// contract: 16.7
// webhooks: P1, P2
#[test]
fn of_those_who_were_there_only_the_missing_have_left() {
    let mut stage = Stage::with(app(), &["grace_ms = 1000", "reconnect_ms = 4000"]);
    let user = |n: usize| format!("user-{n}");
    let channel = |n: usize| format!("private-{n}");
    let come = |stage: &Stage, n: usize| stage.member(&user(n), &["presence-a", &channel(n)]);
    let clients: Vec<Client> = (0..10).map(|n| come(&stage, n)).collect();
    (0..10).for_each(|n| drop(stage.hook.expect_event("channel_occupied", &channel(n))));
    crash(&mut stage);
    drop(clients);
    stage.server.restart();
    let mut back: Vec<Client> = (0..5).map(|n| come(&stage, n)).collect();
    (5..10).for_each(|n| drop(stage.hook.expect_event("channel_vacated", &channel(n))));
    for (n, client) in back.iter_mut().enumerate() {
        mark(&stage.hook, client, &channel(n));
        mark(&stage.hook, client, "presence-a");
    }
    let view = assert_sound(&stage);
    let mut expected: Vec<String> = (0..5).map(user).collect();
    assert_eq!(view.members("presence-a"), expected);
    assert_eq!(view.members("presence-a"), stage.server.api().users("presence-a"));
    expected = (0..5).map(channel).collect();
    expected.insert(0, "presence-a".to_owned());
    assert_eq!(view.occupied(), expected);
}

// contract: 16.7
// webhooks: P1
#[test]
fn a_leave_whose_grace_the_crash_interrupted_is_told_once() {
    let mut stage = Stage::with(app(), &["grace_ms = 2000", "reconnect_ms = 500"]);
    stage.member("ann", &["presence-a"]).leave();
    stage.hook.expect_event("member_added", "presence-a");
    crash(&mut stage);
    stage.server.restart();
    stage.hook.expect_event("channel_vacated", "presence-a");
    let mut client = stage.member("ann", &["presence-a"]);
    mark(&stage.hook, &mut client, "presence-a");
    let (come, gone) =
        (["channel_occupied", "member_added"], ["member_removed", "channel_vacated"]);
    assert_eq!(transitions(&stage.hook, "presence-a"), [come, gone, come].concat());
}

// contract: 16.5
// webhooks: P3, P4, fault 1
#[test]
fn a_request_that_was_under_way_is_sent_again_with_the_same_name_and_bytes() {
    let mut stage = Stage::batching();
    let gate = stage.hook.hold();
    let client = stage.member("ann", &["presence-a"]);
    gate.expect_waiting(1);
    stage.server.kill();
    stage.server.wait();
    drop(client);
    gate.open();
    stage.receiver.expect_nobody();
    stage.server.restart();
    let requests = stage.hook.expect_requests(2);
    assert_eq!(requests[0].id(), requests[1].id());
    assert_eq!(requests[0].body, requests[1].body);
    stage.hook.expect_event("channel_vacated", "presence-a");
    assert_sound(&stage);
}

// contract: 16.5
// webhooks: fault 1
#[test]
fn what_waited_for_its_next_attempt_gets_it() {
    let mut stage = Stage::usual();
    stage.hook.always(Answer::status(503));
    let client = stage.member("", &["public"]);
    let first = stage.hook.expect_requests(2).remove(1);
    crash(&mut stage);
    drop(client);
    stage.hook.always(Answer::ok());
    stage.server.restart();
    let accepted = stage.hook.expect_event("channel_occupied", "public");
    assert_eq!(accepted.id(), first.id());
    assert_eq!(accepted.body, first.body);
    assert!(accepted.attempt() >= 2, "{accepted}");
}

// contract: 16.5, 16.11
// webhooks: P3, P4, P5
#[test]
fn everything_that_was_announced_comes_in_order_though_the_server_dies_on_it() {
    for durability in ["power", "process"] {
        let receiver = Receiver::start();
        let app = app()
            .with("batch_webhooks = true")
            .webhook(Webhook::to(&receiver.url(HOOK)))
            .webhook(Webhook::to(&receiver.url("/control")));
        let durability = format!("durability = {durability:?}");
        let mut stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE, &durability]);
        let control = stage.receiver.hook("/control");
        let gate = stage.hook.hold();
        let mut clients: Vec<Client> =
            (0..4).map(|n| stage.member("", &[&format!("private-{n}")])).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            say(client, &format!("private-{n}"), 0..400);
        }
        for n in 0..4 {
            expect_said(&control, &format!("private-{n}"), 400);
        }
        stage.server.kill();
        stage.server.wait();
        gate.open();
        stage.receiver.expect_nobody();
        stage.server.restart();
        for n in 0..4 {
            expect_said(&stage.hook, &format!("private-{n}"), 400);
        }
        assert_sound(&stage);
    }
}

// contract: 16.5
// webhooks: P4
#[test]
fn after_a_crash_at_most_one_request_a_lane_comes_again() {
    let mut stage = Stage::batching();
    let mut view = View::new();
    for round in 0..3 {
        let names: Vec<String> = (0..100).map(|n| format!("private-{round}-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let gate = Gate::closed();
        stage.hook.times(8, &Answer::ok()).always(Answer::ok().behind(&gate));
        let client = stage.member("", &names);
        gate.expect_waiting(8);
        stage.server.kill();
        stage.server.wait();
        drop(client);
        gate.open();
        stage.receiver.expect_nobody();
        stage.hook.always(Answer::ok());
        view.catch_up(&stage.hook);
        view.crashed();
        stage.server.restart();
        for name in names {
            // What was not promised before the crash may be missing, what was is here and gone.
            if stage.hook.names_of(name).contains(&"channel_occupied".to_owned()) {
                stage.hook.expect_event("channel_vacated", name);
            }
        }
        view.catch_up(&stage.hook);
        view.assert_sound();
    }
    assert!(view.duplicates() >= 8, "{} came again", view.duplicates());
}

// webhooks: P1
#[test]
fn crashes_of_an_empty_server_say_nothing() {
    let mut stage = Stage::with(app(), &SHORT);
    let mut view = View::new();
    let client = stage.member("ann", &["presence-a"]);
    stage.hook.expect_event("member_added", "presence-a");
    crash(&mut stage);
    drop(client);
    stage.server.restart();
    stage.hook.expect_event("channel_vacated", "presence-a");
    for _ in 0..3 {
        crash(&mut stage);
        view.catch_up(&stage.hook);
        view.crashed();
        stage.server.restart();
    }
    let mut client = stage.connect();
    join(&mut client, "ann", "presence-a");
    mark(&stage.hook, &mut client, "presence-a");
    assert_eq!(transitions(&stage.hook, "presence-a").len(), 6);
    view.catch_up(&stage.hook);
    view.assert_sound();
}

// webhooks: P1, P2
#[test]
fn two_apps_that_crash_together_are_each_put_right() {
    let receiver = Receiver::start();
    let one = app().webhook(Webhook::to(&receiver.url(HOOK)));
    let two = App::new(2).webhook(Webhook::to(&receiver.url("/two")));
    let mut stage = Stage::over(receiver, Config::with(one).app(two), &SHORT);
    let hooks = [stage.hook.clone(), stage.receiver.hook("/two")];
    let clients: Vec<Client> = [1, 2]
        .map(|n| stage.server.connect_to(stage.server.config().numbered(n)))
        .into_iter()
        .map(|mut client| {
            join(&mut client, "ann", "presence-a");
            client
        })
        .collect();
    hooks.iter().for_each(|hook| drop(hook.expect_event("member_added", "presence-a")));
    crash(&mut stage);
    drop(clients);
    stage.server.restart();
    let expected = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
    hooks.iter().for_each(|hook| hook.expect_names("presence-a", &expected));
}
