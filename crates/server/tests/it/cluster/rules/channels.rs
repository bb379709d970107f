//! Events, counts and questions about channels across nodes.

use bellwire_testkit::{App, Client, Engine, Via};
use serde_json::json;

use crate::cluster::over_redis_and_nats;
use crate::cluster::stage::{SHORT_GRACE, Stage, Truth, app, are_on, known, metric};
use crate::fallback::{fallback, opened_by_polls, subscribed};
use crate::support::eventually;

over_redis_and_nats! {
    what_is_published_on_one_node_is_heard_on_every_node_in_order
    client_events_cross_and_are_not_heard_by_who_said_them
}

// contract: 4.7
fn what_is_published_on_one_node_is_heard_on_every_node_in_order(via: Via) {
    let stage = Stage::start(via, 3);
    let rooms = ["public", "private-room", "presence-room", "private-encrypted-room"];
    let mut clients: Vec<Client> =
        (0..3).map(|node| stage.member(node, &format!("user-{node}"), &rooms)).collect();
    clients.iter_mut().for_each(|client| drop(client.drain()));
    for from in 0..3 {
        for n in 0..50 {
            let room = rooms[n % rooms.len()];
            stage.cluster[from].api().publish(room, "tick", &n.to_string());
        }
        for client in &mut clients {
            // What different channels say may overtake each other on its way between nodes.
            let mut heard: Vec<(String, usize)> = Vec::new();
            while heard.len() < 50 {
                let frame = client.message();
                if frame.event() == "tick" {
                    let channel = frame.channel().unwrap().to_owned();
                    heard.push((channel, frame.data_text().parse().unwrap()));
                }
            }
            for (at, room) in rooms.iter().enumerate() {
                let of_room = heard.iter().filter(|(channel, _)| channel == room);
                let numbers: Vec<usize> = of_room.map(|(_, number)| *number).collect();
                assert_eq!(numbers, (at..50).step_by(rooms.len()).collect::<Vec<_>>(), "{room}");
            }
        }
    }
}

// contract: 4.7
#[test]
fn whoever_has_subscribed_hears_what_is_published_then_on_any_node() {
    let stage = Stage::start(Via::Redis, 2);
    for n in 0..200 {
        let room = [format!("room-{n}")];
        let mut client = stage.member(1, "", &room);
        stage.cluster[0].api().publish(&room[0], "tick", "");
        client.expect("tick");
    }
}

// contract: 7.1, 7.4
fn client_events_cross_and_are_not_heard_by_who_said_them(via: Via) {
    let stage = Stage::start(via, 2);
    let rooms = ["private-chat", "presence-chat"];
    let mut ann = stage.member(0, "ann", &rooms);
    let mut bob = stage.member(1, "bob", &rooms);
    let mut eve = stage.member(0, "eve", &rooms);
    [&mut ann, &mut bob, &mut eve].into_iter().for_each(|client| drop(client.drain()));
    eventually("ann knows everybody", || stage.cluster[0].api().users("presence-chat").len() == 3);
    ann.drain();
    ann.trigger("private-chat", "client-hi", &json!({ "a": 1 }));
    ann.trigger("presence-chat", "client-hi", &json!("hello"));
    for client in [&mut bob, &mut eve] {
        let frames = [next(client, "client-hi"), next(client, "client-hi")];
        let of = |name| frames.iter().find(|f| f.channel() == Some(name)).unwrap();
        assert_eq!(of("private-chat").data_text(), r#"{"a":1}"#);
        assert!(of("private-chat").json().get("user_id").is_none());
        assert_eq!(of("presence-chat").data_text(), "hello");
        assert_eq!(of("presence-chat").json()["user_id"], "ann");
    }
    ann.settle();
}

/// The next of these events; others are passed over.
#[track_caller]
pub(super) fn next(client: &mut Client, event: &str) -> bellwire_testkit::Frame {
    loop {
        let frame = client.message();
        if frame.event() == event {
            return frame;
        }
    }
}

// contract: 12.11, 17.1
#[test]
fn whom_a_publisher_excludes_hears_nothing_though_it_is_on_another_node() {
    let stage = Stage::start(Via::Redis, 2);
    let mut ann = stage.member(0, "", &["a", "b"]);
    let mut bob = stage.member(1, "", &["a", "b"]);
    let event = json!({
        "name": "x", "data": "", "channels": ["a", "b"], "socket_id": ann.socket_id(),
    });
    stage.cluster[1].api().events(&event).ok();
    let batch = json!([{ "name": "y", "data": "", "channel": "a", "socket_id": bob.socket_id() }]);
    stage.cluster[0].api().batch(&batch).ok();
    stage.cluster[1].api().publish("a", "marker", "");
    let heard = |client: &mut Client| {
        let mut names = Vec::new();
        loop {
            let frame = client.message();
            if frame.event() == "marker" {
                return names;
            }
            names.push(frame.event().to_owned());
        }
    };
    let of_ann = heard(&mut ann);
    assert!(!of_ann.contains(&"x".to_owned()), "{of_ann:?}");
    let of_bob = heard(&mut bob);
    assert!(!of_bob.contains(&"y".to_owned()), "{of_bob:?}");
    assert_eq!(of_bob.iter().filter(|name| *name == "x").count(), 2, "{of_bob:?}");
}

// contract: 14.1, 14.2
#[test]
fn the_count_of_subscribers_is_that_of_all_nodes() {
    let app = app().with("subscription_count = true");
    let stage = Stage::with(app, &[SHORT_GRACE], Via::Redis, 2);
    let mut ann = stage.member(0, "", &["room"]);
    let mut bob = stage.member(1, "", &["room"]);
    let eve = stage.member(1, "", &["room"]);
    for client in [&mut ann, &mut bob] {
        hears_of(client, 3);
    }
    for node in stage.cluster.nodes() {
        eventually("the API says three", || {
            node.api().channel("room", "subscription_count")["subscription_count"] == 3
        });
    }
    eve.leave();
    for client in [&mut ann, &mut bob] {
        hears_of(client, 2);
    }
}

/// Reads until the count is this.
#[track_caller]
fn hears_of(client: &mut Client, count: u64) {
    while next(client, "pusher_internal:subscription_count").data()
        != json!({ "subscription_count": count })
    {}
}

// contract: 12.16, 12.17, 12.18, 12.19
#[test]
fn channels_and_their_members_are_the_same_on_every_node() {
    let stage = Stage::start(Via::Redis, 3);
    let mut truth = Truth::new();
    let clients: Vec<Client> = (0..3)
        .map(|node| {
            let rooms = ["public".to_owned(), "presence-room".to_owned(), format!("only-{node}")];
            let user = format!("user-{node}");
            are_on(&mut truth, &user, &rooms);
            stage.member(node, &user, &rooms)
        })
        .collect();
    for node in stage.cluster.nodes() {
        eventually("it knows them all", || known(node) == truth);
        let room = node.api().channel("presence-room", "user_count");
        assert_eq!((&room["occupied"], &room["user_count"]), (&json!(true), &json!(3)));
        assert_eq!(node.api().channel("only-2", "")["occupied"], true);
        assert_eq!(node.api().channel("nobody", "")["occupied"], false);
        let some = node.api().get("/channels").query("filter_by_prefix", "presence-");
        let some = some.query("info", "user_count").send().ok();
        assert_eq!(some["channels"], json!({ "presence-room": { "user_count": 3 } }));
    }
    clients.into_iter().for_each(Client::leave);
    for node in stage.cluster.nodes() {
        eventually("nobody is there any more", || known(node).is_empty());
    }
}

// contract: B3.1, B5.1
#[test]
fn whoever_has_no_websocket_hears_publishers_of_other_nodes() {
    let stage = Stage::start(Via::Redis, 2);
    let streaming = fallback(&stage.cluster[0]);
    let mut stream = streaming.stream();
    stream.expect("pusher:connection_established");
    subscribed(&streaming, &mut stream, "room");
    let polling = opened_by_polls(&stage.cluster[1]);
    polling.say("pusher:subscribe", &json!({ "channel": "room", "auth": "" }));
    polling.poll_messages();
    for node in stage.cluster.nodes() {
        node.api().publish("room", "tick", "1");
        assert_eq!(stream.expect("tick").data_text(), "1");
        assert_eq!(polling.poll_messages()[0].event(), "tick");
    }
}

#[test]
fn a_node_without_subscribers_gets_no_message() {
    let stage = Stage::start(Via::Redis, 2);
    let Engine::Redis(redis) = &stage.cluster.bus else { unreachable!() };
    let listeners = || {
        let channels = redis.ask(&["PUBSUB", "CHANNELS", "*"]);
        let channel = channels.lines().find(|name| name.contains("only-here"))?;
        let told = redis.ask(&["PUBSUB", "NUMSUB", channel]);
        Some(told.lines().last().unwrap().trim().parse::<usize>().unwrap())
    };
    stage.cluster[1].api().publish("only-here", "tick", "");
    assert_eq!(listeners(), None);
    let in_vain = || metric(&stage.cluster[0], "bellwire_cluster_events_in_vain_total");
    assert_eq!(in_vain(), 0);
    let mut ann = stage.member(0, "", &["only-here"]);
    assert_eq!(listeners(), Some(1), "the node with the subscriber only");
    stage.cluster[1].api().publish("only-here", "tick", "");
    ann.expect("tick");
    let bob = stage.member(1, "", &["only-here"]);
    assert_eq!(listeners(), Some(2));
    bob.leave();
    ann.leave();
    eventually("nobody listens any more", || listeners().is_none());
}

#[test]
fn an_app_that_is_made_on_one_node_is_known_on_the_other() {
    let stage = Stage::start(Via::Redis, 2);
    let made = stage.command(0, &["apps", "create", "--name", "new"]);
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    let (id, key, secret) = (text("id"), text("key"), text("secret"));
    let app = App::called(&id, &key, &secret);
    let is_known =
        |node: usize| stage.cluster[node].api_of(&app).get("/channels").send().status == 200;
    eventually("both know it", || is_known(0) && is_known(1));
    let mut ann = stage.cluster[0].connect_to(&app);
    ann.subscribe("room");
    stage.cluster[1].api_of(&app).publish("room", "tick", "");
    ann.expect("tick");
}
