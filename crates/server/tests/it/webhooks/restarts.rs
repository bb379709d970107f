//! SIGTERM and a new start: clients are told to come back, so nobody has left.

use std::time::{Duration, Instant};

use bellwire_testkit::{App, Client, Config, Receiver, View, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, expect_said, mark, say, transitions};

const CHANNELS: [&str; 3] = ["presence-a", "private-a", "public"];

/// A stage whose server takes a second to send its clients away.
#[track_caller]
fn staged(app: App, settings: &[&str]) -> Stage {
    let receiver = Receiver::start();
    let app = app.webhook(Webhook::to(&receiver.url(HOOK)));
    Stage::over(receiver, Config::with(app).setting("drain_window_s = 1"), settings)
}

#[track_caller]
fn crowd(stage: &Stage) -> Vec<Client> {
    (0..20).map(|n| stage.member(&format!("user-{n}"), &CHANNELS)).collect()
}

/// Ends the server well.
#[track_caller]
fn shut_down(stage: &mut Stage) {
    stage.server.terminate();
    assert_eq!(stage.server.wait().code(), Some(0));
}

fn leaves(stage: &Stage) -> usize {
    let names = stage.hook.events();
    let is_leave = |name: &str| ["channel_vacated", "member_removed"].contains(&name);
    names.iter().filter(|event| is_leave(event["name"].as_str().unwrap())).count()
}

// contract: 1.17, 16.7
// webhooks: P2, fault 7
#[test]
fn a_shutdown_vacates_nothing_and_a_start_to_which_nobody_returns_vacates_all() {
    let mut stage = staged(app(), &[SHORT_GRACE, "reconnect_ms = 700"]);
    let mut clients = crowd(&stage);
    for channel in CHANNELS {
        mark_if_possible(&stage, &mut clients[0], channel);
    }
    stage.server.terminate();
    for mut client in clients {
        assert_eq!(client.expect_close().code, 4200);
    }
    assert_eq!(stage.server.wait().code(), Some(0));
    assert_eq!(leaves(&stage), 0, "the shutdown itself was told");

    let started = Instant::now();
    stage.server.restart();
    for channel in CHANNELS {
        let vacated = stage.hook.expect_event("channel_vacated", channel);
        assert!(vacated.at - started >= Duration::from_millis(990), "{:?}", vacated.at - started);
    }
    assert_eq!(leaves(&stage), 20 + CHANNELS.len());
    let mut view = View::new();
    view.catch_up(&stage.hook);
    view.assert_sound();
    assert!(view.occupied().is_empty());
}

#[track_caller]
fn mark_if_possible(stage: &Stage, client: &mut Client, channel: &str) {
    match channel {
        "public" => drop(stage.hook.expect_event("channel_occupied", channel)),
        _ => mark(&stage.hook, client, channel),
    }
}

// contract: 16.7
// webhooks: P2, fault 7
#[test]
fn a_restart_to_which_clients_return_is_silent() {
    const RECONNECT: Duration = Duration::from_secs(8);
    // On a machine that took longer than that to come back, nothing was shown: once more.
    let is_shown = (0..5).any(|_| {
        let mut stage = staged(app(), &["grace_ms = 1000", "reconnect_ms = 8000"]);
        let mut clients = crowd(&stage);
        let goner = stage.member("goner", &["private-gone"]);
        for channel in CHANNELS {
            mark_if_possible(&stage, &mut clients[0], channel);
        }
        stage.hook.expect_event("channel_occupied", "private-gone");
        drop((clients, goner));
        shut_down(&mut stage);
        let started = Instant::now();
        stage.server.restart();
        let mut clients = crowd(&stage);
        let was_in_time = started.elapsed() < RECONNECT;
        stage.hook.expect_event("channel_vacated", "private-gone");
        for channel in ["presence-a", "private-a"] {
            mark(&stage.hook, &mut clients[0], channel);
        }
        if was_in_time {
            assert_eq!(transitions(&stage.hook, "private-a"), ["channel_occupied"]);
            assert_eq!(transitions(&stage.hook, "public"), ["channel_occupied"]);
            let mut joined = vec!["channel_occupied"];
            joined.extend(["member_added"; 20]);
            assert_eq!(transitions(&stage.hook, "presence-a"), joined);
        }
        was_in_time
    });
    assert!(is_shown, "this machine takes longer than {RECONNECT:?} to come back");
}

// contract: 16.5
// webhooks: fault 7
#[test]
fn what_a_shutdown_leaves_undelivered_is_delivered_by_the_next_start() {
    let mut stage = staged(app().with("batch_webhooks = true"), &[SHORT_GRACE]);
    let gate = stage.hook.hold();
    let mut client = stage.member("", &["private-a"]);
    gate.expect_waiting(1);
    say(&mut client, "private-a", 0..300);
    shut_down(&mut stage);
    gate.open();
    stage.server.restart();
    expect_said(&stage.hook, "private-a", 300);
}

// contract: 16.5
// webhooks: P7
#[test]
fn a_lane_goes_on_where_it_was_before_the_restart() {
    let mut stage = staged(app(), &[SHORT_GRACE]);
    let mut client = stage.member("", &["private-a"]);
    mark(&stage.hook, &mut client, "private-a");
    let last = stage.hook.accepted().pop().unwrap().sequence();
    drop(client);
    shut_down(&mut stage);
    stage.server.restart();
    let mut client = stage.member("", &["private-a"]);
    mark(&stage.hook, &mut client, "private-a");
    let next = stage.hook.accepted().pop().unwrap();
    assert_eq!(next.previous(), last, "{next}");
    assert!(next.sequence() > last);
}
