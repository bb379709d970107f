//! Contract 16.12 and 15.2: an app's webhooks are its own, signed with its own oldest active key.

use bellwire_testkit::{App, Client, Config, Delivery, Gate, Hook, Receiver, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app, join, mark};
use crate::support::eventually;

fn app_two() -> App {
    App::new(2).with("client_events = true").with("batch_webhooks = true")
}

/// Clients of both apps on channels of the same names.
fn crowd(stage: &Stage, channels: u32) -> Vec<Client> {
    let mut clients: Vec<Client> =
        [1, 2].map(|n| stage.server.connect_to(stage.server.config().numbered(n))).into();
    for n in 0..channels {
        for (client, user) in clients.iter_mut().zip(["one", "two"]) {
            join(client, user, &format!("presence-{n}"));
        }
    }
    clients
}

/// Everything in a request is of the app whose key it carries.
#[track_caller]
fn assert_one_app(delivery: &Delivery) {
    let (user, secret, other) = match delivery.key() {
        "key-1" => ("one", "secret-1", "secret-2"),
        "key-2" => ("two", "secret-2", "secret-1"),
        key => panic!("signed with {key}"),
    };
    assert!(delivery.verify_pusher(secret) && !delivery.verify_pusher(other), "{delivery}");
    let mut members = delivery.events().iter().filter(|event| event["name"] == "member_added");
    assert!(members.all(|event| event["user_id"] == user), "{delivery}");
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn two_apps_never_mix_though_both_have_much_to_say_at_once() {
    let receiver = Receiver::start();
    let one = app().with("batch_webhooks = true").webhook(Webhook::to(&receiver.url("/one")));
    let two = app_two().webhook(Webhook::to(&receiver.url("/two")));
    let stage = Stage::over(receiver, Config::with(one).app(two), &[SHORT_GRACE]);
    let hooks = ["/one", "/two"].map(|path| stage.receiver.hook(path));
    let gates = hooks.each_ref().map(Hook::hold);
    let _clients = crowd(&stage, 60);
    gates.iter().for_each(Gate::open);
    for (hook, key) in hooks.iter().zip(["key-1", "key-2"]) {
        for n in 0..60 {
            hook.expect_event("member_added", &format!("presence-{n}"));
        }
        for delivery in hook.requests() {
            assert_eq!(delivery.key(), key);
            assert_one_app(&delivery);
        }
    }
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn two_apps_with_one_url_never_share_a_request() {
    let receiver = Receiver::start();
    let webhook = || Webhook::to(&receiver.url(HOOK)).events(&["member_added"]);
    let one = app().with("batch_webhooks = true").webhook(webhook());
    let two = app_two().webhook(webhook());
    let stage = Stage::over(receiver, Config::with(one).app(two), &[SHORT_GRACE]);
    let gate = stage.hook.hold();
    let _clients = crowd(&stage, 60);
    gate.open();
    stage.hook.expect("both apps' members come", |deliveries| {
        let events: usize = deliveries.iter().map(|delivery| delivery.events().len()).sum();
        (events >= 120).then_some(())
    });
    stage.hook.requests().iter().for_each(assert_one_app);
}

// contract: 15.2, 16.2
#[test]
fn the_oldest_active_key_signs_and_a_reload_changes_which_that_is() {
    let receiver = Receiver::start();
    let keys = |is_first_active: bool| {
        format!(
            r#"[
            {{ key = "key-new", secret = "secret-new", created_at = "2026-03-01T00:00:00Z" }},
            {{ key = "key-1", secret = "secret-1", created_at = "2026-02-01T00:00:00Z" }},
            {{ key = "key-first", secret = "secret-first", active = {is_first_active}, created_at = "2026-01-01T00:00:00Z" }},
        ]"#
        )
    };
    let url = receiver.url(HOOK);
    let config = |is_first_active: bool| {
        let app = app().keys(&keys(is_first_active)).webhook(Webhook::to(&url));
        Config::with(app).webhooks(SHORT_GRACE)
    };
    let mut stage = Stage::over(receiver, config(false), &[]);
    let mut client = stage.member("", &["private-a"]);
    let delivery = stage.hook.expect_event("channel_occupied", "private-a");
    assert_eq!(delivery.key(), "key-1");
    assert!(delivery.verify_pusher("secret-1"));
    stage.server.reload(config(true));
    eventually("the key that is the oldest now signs", || {
        mark(&stage.hook, &mut client, "private-a");
        let last = stage.hook.accepted().pop().unwrap();
        last.key() == "key-first" && last.verify_pusher("secret-first")
    });
}

// contract: 15.2
#[test]
fn a_key_without_a_date_is_older_than_any_dated_one() {
    let receiver = Receiver::start();
    let app = app()
        .with(r#"keys = [{ key = "key-b", secret = "secret-b", created_at = "2001-01-01T00:00:00Z" }]"#)
        .webhook(Webhook::to(&receiver.url(HOOK)));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    assert_eq!(stage.hook.expect_event("channel_occupied", "public").key(), "key-1");
}
