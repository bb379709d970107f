//! Contract 16.12: each endpoint hears what it asked for and nothing else.

use bellwire_testkit::{App, Client, Config, Gate, Hook, Receiver, Server, Webhook};

use super::stage::{SHORT_GRACE, Stage, app, flush, join, mark, unique};
use crate::support::{eventually, serve};

/// A receiver and an app with these endpoints, by path.
fn staged(endpoints: impl Fn(&Receiver) -> Vec<Webhook>) -> Stage {
    let receiver = Receiver::start();
    let app = endpoints(&receiver).into_iter().fold(app(), App::webhook);
    Stage::over(receiver, Config::with(app), &[SHORT_GRACE])
}

/// Every name and channel that a hook has accepted, but for the flush.
fn heard(hook: &Hook) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let events = hook.events().into_iter();
    let mut heard: Vec<_> = events.map(|e| (text(&e["channel"]), text(&e["name"]))).collect();
    heard.retain(|(channel, _)| !channel.contains("flush-"));
    heard.sort();
    heard
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(channel, name)| ((*channel).to_owned(), (*name).to_owned())).collect()
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn an_endpoint_hears_the_events_it_named() {
    let stage = staged(|receiver| {
        vec![
            Webhook::to(&receiver.url("/members")).events(&["member_added", "member_removed"]),
            Webhook::to(&receiver.url("/channels"))
                .events(&["channel_occupied", "channel_vacated"]),
        ]
    });
    let (members, channels) = (stage.receiver.hook("/members"), stage.receiver.hook("/channels"));
    let client = stage.member("ann", &["presence-a", "public"]);
    client.leave();
    for (name, channel) in [("channel_vacated", "presence-a"), ("channel_vacated", "public")] {
        channels.expect_event(name, channel);
    }
    flush(&stage.server, &members, "member_added", |name| format!("presence-{name}"));
    flush(&stage.server, &channels, "channel_occupied", |name| format!("presence-{name}"));
    let (occupied, vacated) = ("channel_occupied", "channel_vacated");
    let ann = [("presence-a", "member_added"), ("presence-a", "member_removed")];
    assert_eq!(heard(&members), pairs(&ann));
    let both = ["presence-a", "public"].map(|channel| [(channel, occupied), (channel, vacated)]);
    assert_eq!(heard(&channels), pairs(both.as_flattened()));
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn an_endpoint_hears_of_the_channels_that_start_or_end_as_it_asked() {
    let stage = staged(|receiver| {
        let to = |path| Webhook::to(&receiver.url(path)).events(&["channel_occupied"]);
        vec![
            to("/prefix").prefix("presence-room-"),
            to("/suffix").suffix("-log"),
            to("/both").prefix("presence-").suffix("-log"),
        ]
    });
    let hook = |path| stage.receiver.hook(path);
    let channels = ["presence-room-1", "presence-room-1-log", "public-log", "presence-roo", "log"];
    let _client = stage.member("ann", &channels);
    let room = |name: &str| format!("presence-room-{name}");
    let log = |name: &str| format!("presence-{name}-log");
    flush(&stage.server, &hook("/prefix"), "channel_occupied", room);
    flush(&stage.server, &hook("/suffix"), "channel_occupied", log);
    flush(&stage.server, &hook("/both"), "channel_occupied", log);
    let occupied = |channels: &[&'static str]| {
        pairs(&channels.iter().map(|channel| (*channel, "channel_occupied")).collect::<Vec<_>>())
    };
    assert_eq!(heard(&hook("/prefix")), occupied(&["presence-room-1", "presence-room-1-log"]));
    assert_eq!(heard(&hook("/suffix")), occupied(&["presence-room-1-log", "public-log"]));
    assert_eq!(heard(&hook("/both")), occupied(&["presence-room-1-log"]));
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn with_batching_too_an_endpoint_gets_only_what_it_asked_for() {
    let receiver = Receiver::start();
    let app = app()
        .with("batch_webhooks = true")
        .webhook(Webhook::to(&receiver.url("/members")).events(&["member_added"]))
        .webhook(Webhook::to(&receiver.url("/channels")).events(&["channel_occupied"]));
    let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
    let (members, channels) = (stage.receiver.hook("/members"), stage.receiver.hook("/channels"));
    let gates = [members.hold(), channels.hold()];
    let names: Vec<String> = (0..100).map(|n| format!("presence-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _client = stage.member("ann", &names);
    gates.iter().for_each(Gate::open);
    for name in &names {
        members.expect_event("member_added", name);
        channels.expect_event("channel_occupied", name);
    }
    assert!(members.events().iter().all(|event| event["name"] == "member_added"));
    assert!(channels.events().iter().all(|event| event["name"] == "channel_occupied"));
}

// contract: 16.12
// webhooks: fault 2
#[test]
fn two_endpoints_with_one_url_both_get_theirs() {
    let stage = staged(|receiver| {
        let to = |twin: &str| Webhook::to(&receiver.url("/twins")).header("X-Twin", twin);
        vec![
            to("one").events(&["channel_occupied"]),
            to("two").events(&["channel_occupied", "channel_vacated"]),
        ]
    });
    let twins = stage.receiver.hook("/twins");
    stage.member("", &["a", "b", "c"]).leave();
    let came = twins.expect("nine events come", |deliveries| {
        let came: Vec<_> = deliveries.iter().map(|delivery| (*delivery).clone()).collect();
        (came.len() >= 9).then_some(came)
    });
    let of = |twin: &str| -> Vec<&str> {
        let mine = came.iter().filter(|delivery| delivery.header("X-Twin") == Some(twin));
        let mut names: Vec<_> =
            mine.map(|delivery| delivery.events()[0]["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(of("one"), ["channel_occupied"; 3]);
    assert_eq!(of("two"), [["channel_occupied"; 3], ["channel_vacated"; 3]].as_flattened());
}

// contract: 16.12
#[test]
fn an_endpoint_that_a_reload_adds_hears_from_then_on() {
    let receiver = Receiver::start();
    let mut server = serve(Config::with(app()).webhooks(SHORT_GRACE));
    let webhook = Webhook::to(&receiver.url("/new"));
    server.reload(Config::with(app().webhook(webhook)).webhooks(SHORT_GRACE));
    let hook = receiver.hook("/new");
    eventually("the new endpoint hears", || {
        let _client = occupy_another(&server);
        !hook.events().is_empty()
    });
    receiver.assert_wire_rules();
}

// contract: 16.12
#[test]
fn an_endpoint_that_a_reload_removes_hears_no_more() {
    let receiver = Receiver::start();
    let webhook = |path| Webhook::to(&receiver.url(path));
    let config = |app: App| Config::with(app).webhooks(SHORT_GRACE);
    let mut server = serve(config(app().webhook(webhook("/stays")).webhook(webhook("/goes"))));
    let (stays, goes) = (receiver.hook("/stays"), receiver.hook("/goes"));
    let mut client = server.connect();
    join(&mut client, "", "private-a");
    mark(&goes, &mut client, "private-a");
    server.reload(config(app().webhook(webhook("/stays"))));
    eventually("the endpoint hears no more", || {
        let before = goes.requests().len();
        for _ in 0..20 {
            mark(&stays, &mut client, "private-a");
        }
        goes.requests().len() == before
    });
    let before = goes.requests().len();
    for _ in 0..20 {
        mark(&stays, &mut client, "private-a");
    }
    assert_eq!(goes.requests().len(), before);
}

fn occupy_another(server: &Server) -> Client {
    let mut client = server.connect();
    client.subscribe(&format!("another-{}", unique()));
    client
}
