use super::*;
use house::{House, NODE, channel};

#[path = "hub_tests/contention.rs"]
mod contention;
#[path = "hub_tests/held.rs"]
mod held;
#[path = "hub_tests/house.rs"]
mod house;
#[path = "hub_tests/laws.rs"]
mod laws;
#[path = "hub_tests/listener.rs"]
mod listener;
#[path = "hub_tests/town.rs"]
mod town;

/// Two connections of one worker and one of another.
fn three() -> [Conn; 3] {
    [Conn::new(0, 1, 0), Conn::new(0, 2, 0), Conn::new(1, 1, 0)]
}

fn many(count: u32) -> Vec<Conn> {
    (0..count).map(|slot| Conn::new((slot % 2) as u8, slot, 0)).collect()
}

const SUCCEEDED: &str = "subscription_succeeded room {}";

// contract: 4.6, 4.7
#[test]
fn nothing_of_a_channel_is_heard_before_its_success_nor_after_its_end() {
    let ([a, b, _], mut house) = (three(), House::new());
    house.join(b, "room");
    house.publish("room", "1");
    house.join(a, "room");
    house.publish("room", "2");
    house.leave(a, "room");
    house.publish("room", "3");
    assert_eq!(house.heard(a), [SUCCEEDED, "event room 2"]);
    assert_eq!(house.heard(b), [SUCCEEDED, "event room 1", "event room 2", "event room 3"]);
}

// contract: 4.7, 8.2
#[test]
fn the_cached_event_follows_success_and_goes_before_everything_else() {
    let ([a, _, c], mut house) = (three(), House::with(|app| app.subscription_count = true));
    house.publish("cache-x", "last");
    house.join(a, "cache-x");
    house.publish("cache-x", "next");
    let expected = [
        "subscription_succeeded cache-x {}",
        "event cache-x last",
        r#"subscription_count cache-x {"subscription_count":1}"#,
        "event cache-x next",
    ];
    assert_eq!(house.heard(a), expected);
    house.join(c, "cache-x");
    assert_eq!(house.heard(c)[1], "event cache-x next");
}

// contract: 4.7, 8.2
#[test]
fn a_miss_is_said_to_the_newcomer_only_and_is_a_fact() {
    let ([a, b, _], mut house) = (three(), House::new());
    house.join(a, "presence-cache-x");
    assert!(house.heard(a)[1].starts_with("cache_miss presence-cache-x {}"));
    house.join_as(b, "presence-cache-x", "u");
    assert_eq!(house.heard(b)[1], "cache_miss presence-cache-x {}");
    assert_eq!(house.heard(a).len(), 1, "only member_added");
    house.join(a, "room");
    assert_eq!(house.heard(a), [SUCCEEDED]);
    let misses = house.facts().iter().filter(|fact| fact.starts_with("cache_miss")).count();
    assert_eq!(misses, 2);
}

// contract: 5.4, 5.5, 5.7
#[test]
fn a_newcomer_is_in_the_snapshot_and_does_not_hear_of_itself() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "bob");
    house.join_as(c, "presence-x", "carol");
    let snapshot =
        |users: &str| format!("subscription_succeeded presence-x {{\"presence\":{users}}}");
    assert_eq!(
        house.heard(a),
        [
            &snapshot(r#"{"ids":["alice"],"hash":{"alice":null},"count":1}"#),
            r#"member_added presence-x {"user_id":"bob"}"#,
            r#"member_added presence-x {"user_id":"carol"}"#,
        ]
    );
    let of_bob = r#"{"ids":["alice","bob"],"hash":{"alice":null,"bob":null},"count":2}"#;
    assert_eq!(house.heard(b)[0], snapshot(of_bob));
    assert_eq!(house.heard(c).len(), 1);
}

// contract: 5.7, 5.8, 5.9
#[test]
fn only_the_first_and_the_last_connection_of_a_user_are_told_to_others() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "bob");
    house.join_as(c, "presence-x", "bob");
    assert_eq!(house.info("presence-x"), (3, 2));
    house.leave(b, "presence-x");
    assert_eq!(house.info("presence-x"), (2, 2));
    house.leave(c, "presence-x");
    assert_eq!(
        house.heard(a)[1..],
        [
            r#"member_added presence-x {"user_id":"bob"}"#,
            r#"member_removed presence-x {"user_id":"bob"}"#,
        ]
    );
    let users = house.hub.users(&house.app, &channel("presence-x"));
    assert_eq!(users.iter().map(UserId::as_str).collect::<Vec<_>>(), ["alice"]);
}

// contract: 5.11
#[test]
fn what_the_first_connection_said_of_a_user_stands() {
    let ([a, b, _], mut house) = (three(), House::new());
    let member = |info: &str| Member { id: "alice".parse().unwrap(), info: Some(info.into()) };
    house.subscribe(a, "presence-x", Some(member(r#"{"n":1}"#))).unwrap();
    house.subscribe(b, "presence-x", Some(member(r#"{"n":2}"#))).unwrap();
    assert!(house.heard(b)[0].contains(r#""hash":{"alice":{"n":1}}"#));
    assert_eq!(house.heard(a).len(), 1, "nothing emitted");
}

// contract: 5.3
#[test]
fn a_full_presence_channel_takes_only_those_who_are_there() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.max_presence_members = 1));
    house.join_as(a, "presence-x", "alice");
    house.heard(a);
    house.facts();
    assert_eq!(house.try_join_as(b, "presence-x", "bob"), Err(Refusal::PresenceFull(1)));
    assert!(house.is_quiet());
    assert_eq!(house.info("presence-x"), (1, 1));
    house.join_as(c, "presence-x", "alice");
    house.leave(a, "presence-x");
    house.leave(c, "presence-x");
    house.join_as(b, "presence-x", "bob");
    house.change(|app| app.max_presence_members = 0);
    house.join_as(a, "presence-x", "alice");
    assert_eq!(house.info("presence-x"), (2, 2));
}

// contract: 16.11
#[test]
fn facts_of_a_channel_come_in_the_order_of_its_life() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.subscription_count = true));
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "alice");
    house.leave(a, "presence-x");
    house.leave(b, "presence-x");
    house.join(a, "cache-x");
    house.leave(a, "cache-x");
    assert_eq!(
        house.facts(),
        [
            "channel_occupied presence-x",
            "member_added presence-x alice",
            "member_removed presence-x alice",
            "channel_vacated presence-x",
            "channel_occupied cache-x",
            "cache_miss cache-x",
            "subscription_count cache-x 1",
            "subscription_count cache-x 0",
            "channel_vacated cache-x",
        ]
    );
}

// contract: 8.2
#[test]
fn the_first_event_that_fills_an_empty_cache_is_a_fact_where_somebody_listens() {
    let ([a, ..], mut house) = (three(), House::new());
    house.publish("cache-x", "nobody listens");
    house.join(a, "cache-y");
    house.facts();
    house.publish("cache-y", "1");
    house.publish("cache-y", "2");
    assert_eq!(house.facts(), ["cache_filled cache-y"]);
}

#[test]
fn the_present_state_can_be_told_again_as_facts() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "alice");
    house.join(c, "room");
    house.join(c, "gone");
    house.leave(c, "gone");
    house.facts();
    house.hub.retell(house.now_ms, &house.app, &*house.log);
    let mut told = house.facts();
    let first = told.iter().position(|fact| fact.starts_with("channel_occupied presence")).unwrap();
    let second = told.iter().position(|fact| fact.starts_with("member_added")).unwrap();
    assert!(first < second, "{told:?}");
    told.sort();
    let expected =
        ["channel_occupied presence-x", "channel_occupied room", "member_added presence-x alice"];
    assert_eq!(told, expected);
}

// contract: 4.14, 5.7
#[test]
fn a_connection_that_is_gone_leaves_everything_and_is_told_nothing() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "bob");
    house.join(a, "room");
    house.join(c, "room");
    house.facts();
    house.end(a);
    assert_eq!(house.heard(b)[1..], [r#"member_removed presence-x {"user_id":"alice"}"#]);
    assert_eq!(house.facts(), ["member_removed presence-x alice"]);
    house.publish("room", "1");
    assert_eq!(house.heard(c), [SUCCEEDED, "event room 1"]);
    assert!(house.heard(a).is_empty());
}

#[test]
fn each_life_of_a_channel_has_a_number_of_its_own() {
    let ([a, b, _], mut house) = (three(), House::new());
    let first = house.join(a, "room");
    assert_eq!(house.join(b, "room"), first);
    house.leave(a, "room");
    house.leave(b, "room");
    assert_ne!(house.join(a, "room"), first);
    assert_ne!(house.join(a, "room2"), first);
}

// contract: 14.1, 14.2
#[test]
fn every_change_is_counted_to_everyone_the_newcomer_too() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.subscription_count = true));
    let count = |n: u32| format!("subscription_count room {{\"subscription_count\":{n}}}");
    house.join(a, "room");
    house.join(b, "room");
    house.join(c, "room");
    house.leave(b, "room");
    house.end(a);
    assert_eq!(house.heard(c), [SUCCEEDED, &count(3), &count(2), &count(1)]);
    assert_eq!(house.heard(b), [SUCCEEDED, &count(2), &count(3)]);
}

// contract: 14.2, 6.8
#[test]
fn only_channels_without_members_or_owner_announce_counts() {
    let ([a, ..], mut house) = (three(), House::with(|app| app.subscription_count = true));
    for silent in ["presence-x", "presence-cache-x", "#server-to-user-1"] {
        house.join(a, silent);
        assert!(!house.heard(a).join(" ").contains("subscription_count"), "{silent}");
    }
    for counted in ["room", "cache-x", "private-x", "private-encrypted-x"] {
        house.join(a, counted);
        assert!(house.heard(a).join(" ").contains("subscription_count"), "{counted}");
    }
    house.facts();
    house.change(|app| app.subscription_count = false);
    house.join(a, "room2");
    assert_eq!(house.heard(a).len(), 1);
    assert_eq!(house.facts(), ["channel_occupied room2"]);
}

// contract: 14.3, 14.5
#[test]
fn above_a_hundred_a_count_comes_every_five_seconds_and_the_last_is_not_lost() {
    let mut house = House::with(|app| app.subscription_count = true);
    let conns = many(104);
    let first = conns[0];
    for conn in &conns[..100] {
        house.join(*conn, "room");
    }
    assert_eq!(house.heard(first).len(), 101, "not throttled up to a hundred");
    for conn in &conns[100..] {
        house.join(*conn, "room");
    }
    house.leave(conns[103], "room");
    assert!(house.heard(first).is_empty());
    house.wait(4_999);
    assert!(house.heard(first).is_empty());
    house.wait(1);
    let last = r#"subscription_count room {"subscription_count":103}"#;
    assert_eq!(house.heard(first), [last]);
    house.wait(60_000);
    assert!(house.heard(first).is_empty(), "nothing has changed");
    house.leave(conns[102], "room");
    assert_eq!(house.heard(first), [last.replace("103", "102")], "the window was over");
}

// contract: 14.3, 14.5
#[test]
fn back_at_a_hundred_the_count_is_said_at_once_and_once() {
    let mut house = House::with(|app| app.subscription_count = true);
    let conns = many(101);
    for conn in &conns {
        house.join(*conn, "room");
    }
    house.heard(conns[0]);
    house.leave(conns[100], "room");
    assert_eq!(house.heard(conns[0]), [r#"subscription_count room {"subscription_count":100}"#]);
    house.wait(10_000);
    assert!(house.heard(conns[0]).is_empty());
}

// contract: 14.5
#[test]
fn a_channel_waits_for_its_turn_only_once() {
    let mut house = House::with(|app| app.subscription_count = true);
    let conns = many(101);
    for conn in &conns {
        house.join(*conn, "room");
    }
    house.heard(conns[0]);
    let holders = Arc::strong_count(&house.app);
    for _ in 0..1_000 {
        house.leave(conns[100], "room");
        house.join(conns[100], "room");
        house.wait(1);
        house.frames(conns[0]);
    }
    assert_eq!(Arc::strong_count(&house.app), holders);
    house.wait(5_000);
    let last = r#"subscription_count room {"subscription_count":101}"#;
    assert_eq!(house.heard(conns[0]), [last]);
}

// contract: 14.5
#[test]
fn a_waiting_count_is_dropped_with_its_toggle_or_its_channel() {
    let mut house = House::with(|app| app.subscription_count = true);
    let conns = many(101);
    for conn in &conns {
        house.join(*conn, "room");
        house.join(*conn, "room2");
    }
    house.heard(conns[0]);
    conns.iter().for_each(|conn| house.leave(*conn, "room2"));
    house.heard(conns[0]);
    house.change(|app| app.subscription_count = false);
    house.wait(10_000);
    assert!(house.heard(conns[0]).is_empty());
}

// contract: 14.4
#[test]
fn every_count_is_a_fact_and_whoever_hears_facts_throttles_them() {
    let mut house = House::with(|app| app.subscription_count = true);
    let conns = many(103);
    for conn in conns {
        house.join(conn, "room");
    }
    let counts: Vec<String> = (1..=103).map(|n| format!("subscription_count room {n}")).collect();
    assert_eq!(house.facts()[1..], counts);
    house.wait(5_000);
    assert!(house.facts().is_empty());
}

// contract: 7.1, 7.4
#[test]
fn a_client_event_reaches_all_but_the_connection_that_said_it() {
    let ([a, b, c], mut house) = (three(), House::new());
    for (conn, user) in [(a, "alice"), (b, "alice"), (c, "bob")] {
        house.join_as(conn, "presence-x", user);
    }
    for conn in [a, b, c] {
        house.heard(conn);
    }
    house.say(a, "presence-x", "hi");
    assert_eq!(house.heard(b)[..], ["client-e presence-x hi by alice"], "another tab");
    assert_eq!(house.heard(c)[..], ["client-e presence-x hi by alice"]);
    assert!(house.heard(a).is_empty());
}

// contract: 7.9
#[test]
fn a_client_event_is_a_fact_that_names_its_sender() {
    let ([a, ..], mut house) = (three(), House::new());
    let socket_id = a.socket_id(NODE);
    house.join_as(a, "presence-x", "alice");
    house.join(a, "private-x");
    house.facts();
    house.say(a, "presence-x", "hi");
    house.say(a, "private-x", "hi");
    assert_eq!(
        house.facts(),
        [
            format!("client_event presence-x client-e hi from {socket_id} by alice"),
            format!("client_event private-x client-e hi from {socket_id} by nobody"),
        ]
    );
}

// contract: 7.7, 8.5
#[test]
fn client_events_and_member_events_are_not_cached() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.join_as(a, "presence-cache-x", "alice");
    house.say(a, "presence-cache-x", "hi");
    house.join_as(b, "presence-cache-x", "bob");
    house.leave(b, "presence-cache-x");
    assert!(house.hub.cached(house.now_ms, &house.app, &channel("presence-cache-x")).is_none());
    house.publish("presence-cache-x", "api");
    house.say(a, "presence-cache-x", "hi");
    house.join_as(c, "presence-cache-x", "carol");
    assert_eq!(house.heard(c)[1], "event presence-cache-x api");
}

// contract: 8.1, 8.6
#[test]
fn the_last_event_is_cached_on_an_empty_channel_and_whoever_is_excluded() {
    let ([a, ..], mut house) = (three(), House::new());
    house.publish("private-cache-x", "1");
    house.publish_except("private-cache-x", "2", Some(a.socket_id(NODE)));
    assert_eq!(house.hub.totals().channels, 0);
    house.join(a, "private-cache-x");
    assert_eq!(house.heard(a)[1], "event private-cache-x 2");
    house.leave(a, "private-cache-x");
    house.join(a, "private-cache-x");
    assert_eq!(house.heard(a)[1], "event private-cache-x 2", "survives the last subscriber");
    house.publish("private-x", "3");
    assert!(house.hub.cached(house.now_ms, &house.app, &channel("private-x")).is_none());
}

// contract: 8.3, 8.7
#[test]
fn a_cached_event_has_its_time_from_publication_on() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.cache_ttl_s = 60));
    let left = |house: &House| {
        let cached = house.hub.cached(house.now_ms, &house.app, &channel("cache-x"));
        cached.map(|(_, left_ms)| left_ms)
    };
    house.publish("cache-x", "1");
    house.wait(59_999);
    house.join(a, "cache-x");
    assert_eq!(house.heard(a)[1], "event cache-x 1");
    assert_eq!(left(&house), Some(1));
    house.now_ms += 1;
    house.join(b, "cache-x");
    assert_eq!(house.heard(b)[1], "cache_miss cache-x {}");
    assert!(house.hub.totals().cache_bytes > 0);
    house.wait(0);
    assert_eq!((left(&house), house.hub.totals().cache_bytes), (None, 0));
    house.publish("cache-x", "2");
    assert_eq!(left(&house), Some(60_000));
}

// contract: 17.1
#[test]
fn an_excluded_socket_is_one_connection_of_one_node() {
    let ([a, b, c], mut house) = (three(), House::new());
    for conn in [a, b, c] {
        house.join(conn, "room");
        house.heard(conn);
    }
    for (except, heard) in [
        (a.socket_id(NODE), [0, 1, 1]),
        (c.socket_id(NODE), [1, 1, 0]),
        (a.socket_id(NODE + 1), [1, 1, 1]),
        (Conn::new(0, 1, 1).socket_id(NODE), [1, 1, 1]),
        (SocketId::NOBODY, [1, 1, 1]),
    ] {
        house.publish_except("room", "1", Some(except));
        assert_eq!([a, b, c].map(|conn| house.heard(conn).len()), heard, "{except}");
    }
}

// contract: 6.3, 6.12, 6.14
#[test]
fn a_sign_in_says_success_then_the_cut_then_who_is_here() {
    let change = |app: &mut crate::Settings| (app.watchlist, app.max_watchlist) = (true, 2);
    let ([a, b, _], mut house) = (three(), House::with(change));
    house.sign_in(b, "bob", &[]);
    house.sign_in(a, "alice", &["bob", "carol", "dave"]);
    let heard = house.heard(a);
    assert!(heard[0].starts_with(r#"signin_success {"user_data":"{\"id\":\"alice\""#), "{heard:?}");
    assert!(heard[1].starts_with(r#"error {"code":4302,"message":"#), "{heard:?}");
    assert!(heard[1].contains("first 2 user ids were accepted, up to carol"), "{heard:?}");
    assert_eq!(
        heard[2],
        r#"watchlist_events {"events":[{"name":"online","user_ids":["bob"]},{"name":"offline","user_ids":["carol"]}]}"#
    );
    assert_eq!(heard.len(), 3);
}

// contract: 6.10, 6.11
#[test]
fn watchers_hear_of_the_first_sign_in_and_the_last_sign_out() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.sign_in(a, "alice", &["bob"]);
    house.heard(a);
    house.sign_in(b, "bob", &["alice"]);
    house.sign_in(c, "bob", &[]);
    house.sign_out(b, "bob", &["alice"]);
    house.sign_out(c, "bob", &[]);
    let event = |name: &str| {
        format!(r#"watchlist_events {{"events":[{{"name":"{name}","user_ids":["bob"]}}]}}"#)
    };
    assert_eq!(house.heard(a), [event("online"), event("offline")]);
    house.sign_out(a, "alice", &["bob"]);
    house.sign_in(b, "bob", &[]);
    assert!(house.heard(a).is_empty());
}

// contract: 6.10
#[test]
fn being_watched_gives_no_view_back_and_no_list_gives_no_frame() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.sign_in(b, "bob", &[]);
    assert_eq!(house.heard(b).len(), 1);
    house.sign_in(a, "alice", &["bob"]);
    house.sign_out(a, "alice", &["bob"]);
    assert!(house.heard(b).is_empty());
}

// contract: 6.10
#[test]
fn whoever_watches_itself_is_told_once_that_it_is_here() {
    let ([a, ..], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.sign_in(a, "alice", &["alice"]);
    let online = r#"watchlist_events {"events":[{"name":"online","user_ids":["alice"]}]}"#;
    assert_eq!(house.heard(a)[1..], [online]);
    house.sign_out(a, "alice", &["alice"]);
    assert!(house.heard(a).is_empty(), "the connection is gone");
}

// contract: 6.11
#[test]
fn members_of_presence_channels_are_not_online() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.join_as(b, "presence-x", "bob");
    house.sign_in(a, "alice", &["bob"]);
    let offline = r#"watchlist_events {"events":[{"name":"offline","user_ids":["bob"]}]}"#;
    assert_eq!(house.heard(a)[1..], [offline]);
    house.leave(b, "presence-x");
    assert!(house.heard(a).is_empty());
}

// contract: 6.13
#[test]
fn without_the_toggle_there_are_no_watchlist_frames() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.max_watchlist = 1));
    house.sign_in(a, "alice", &["bob", "carol"]);
    house.sign_in(b, "bob", &[]);
    assert_eq!(house.heard(a).len(), 1, "only success");
    house.change(|app| app.watchlist = true);
    house.sign_in(c, "carol", &["bob"]);
    assert_eq!(house.heard(c).len(), 2, "from the next sign-in on");
}

// contract: 6.5, 6.10
#[test]
fn signing_in_anew_is_no_news_and_replaces_the_watchlist() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.sign_in(a, "alice", &["bob"]);
    house.sign_in(c, "carol", &["alice"]);
    house.heard(a);
    house.heard(c);
    house.sign_in_anew(a, "alice", &["dave"], &["bob"]);
    house.heard(a);
    house.sign_in(b, "bob", &[]);
    assert!(house.heard(a).is_empty(), "watches bob no more");
    assert!(house.heard(c).is_empty(), "alice was here all the time");
    house.sign_out(a, "alice", &["dave"]);
    assert_eq!(house.heard(c).len(), 1, "and left with one sign-out");
}

// contract: 6.15
#[test]
fn offline_is_said_without_grace() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.sign_in(b, "bob", &[]);
    house.sign_in(a, "alice", &["bob"]);
    house.heard(a);
    house.sign_out(b, "bob", &[]);
    house.sign_in(b, "bob", &[]);
    assert_eq!(house.heard(a).len(), 2);
}

// contract: 11.1, 11.2, 11.4
#[test]
fn terminating_ends_the_connections_that_signed_in_as_the_user() {
    let ([a, b, c], mut house) = (three(), House::new());
    house.sign_in(a, "alice", &[]);
    house.sign_in(c, "alice", &[]);
    house.join_as(b, "presence-x", "alice");
    let close = &bellwire_protocol::close::TERMINATED;
    assert_eq!(house.hub.terminate(&house.app, "alice", close), 2);
    assert_eq!(house.closed(), [(a, 4009), (c, 4009)]);
    assert_eq!(house.hub.terminate(&house.app, "nobody", close), 0);
    house.sign_out(a, "alice", &[]);
    house.sign_out(c, "alice", &[]);
    assert_eq!(house.hub.terminate(&house.app, "alice", close), 0);
    assert!(house.closed().is_empty());
}

// contract: 6.7, 6.8
#[test]
fn server_to_user_channels_deliver_and_leave_no_trace() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.subscription_count = true));
    house.join(a, "#server-to-user-1");
    house.join(c, "#server-to-user-1");
    house.join(b, "#server-to-user-2");
    house.publish("#server-to-user-1", "hi");
    for conn in [a, c] {
        assert_eq!(house.heard(conn)[1..], ["event #server-to-user-1 hi"]);
    }
    assert_eq!(house.heard(b).len(), 1);
    assert!(house.hub.channels(&house.app, "").is_empty());
    house.leave(a, "#server-to-user-1");
    house.end(c);
    assert!(house.facts().is_empty());
}

// contract: 12.7
#[test]
fn a_publish_answers_with_what_is_known_right_after_it() {
    let ([a, b, _], mut house) = (three(), House::new());
    let nothing = house.publish("presence-x", "1");
    assert_eq!(nothing, ChannelInfo::default());
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "alice");
    let info = house.publish("presence-x", "1");
    assert_eq!(info, ChannelInfo { subscriptions: 2, users: 1 });
}

// contract: 6.8
#[test]
fn occupied_channels_are_listed_by_prefix_and_name() {
    let ([a, b, _], mut house) = (three(), House::new());
    for name in ["presence-b", "presence-a", "room", "#server-to-user-1"] {
        house.join(a, name);
    }
    house.join(b, "gone");
    house.leave(b, "gone");
    let listed = |prefix: &str| -> Vec<String> {
        let channels = house.hub.channels(&house.app, prefix);
        channels.iter().map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(listed(""), ["presence-a", "presence-b", "room"]);
    assert_eq!(listed("presence-"), ["presence-a", "presence-b"]);
    assert_eq!(house.hub.totals().channels, 4);
}

#[test]
fn two_apps_share_no_channel_no_cache_and_no_user() {
    let ([a, b, _], mut house) = (three(), House::with(|app| app.watchlist = true));
    house.join(a, "cache-x");
    house.sign_in(a, "alice", &["bob"]);
    house.heard(a);
    let spec = |id: &str, key: &str| crate::AppSpec {
        id: id.parse().unwrap(),
        settings: crate::Settings { watchlist: true, ..crate::Settings::default() },
        keys: vec![crate::KeySpec {
            key: key.parse().unwrap(),
            secret: "s".parse().unwrap(),
            active: true,
            created_at_ms: None,
        }],
        owner: None,
        is_declared: false,
        created_at_ms: None,
    };
    let apps = crate::Apps::default();
    apps.replace(vec![spec("1", "a")]).unwrap();
    apps.replace(vec![spec("1", "a"), spec("2", "b")]).unwrap();
    house.app = apps.by_id("2").unwrap();
    house.sign_in(b, "bob", &[]);
    house.publish("cache-x", "1");
    assert!(house.heard(a).is_empty());
    house.join(a, "cache-y");
    let channels = house.hub.channels(&house.app, "");
    assert_eq!(channels.len(), 1);
    assert_eq!(house.hub.terminate(&house.app, "alice", &bellwire_protocol::close::TERMINATED), 0);
}

// contract: 17.2
#[test]
fn events_and_member_news_count_as_messages_and_the_rest_does_not() {
    let ([a, b, c], mut house) = (three(), House::with(|app| app.subscription_count = true));
    for conn in [a, b, c] {
        house.join(conn, "private-cache-x");
    }
    house.sign_in(a, "alice", &[]);
    assert_eq!(house.counted(), 0, "successes, misses, counts and sign-ins");
    house.publish("private-cache-x", "1");
    assert_eq!(house.counted(), 3);
    house.say(a, "private-cache-x", "1");
    assert_eq!(house.counted(), 2);
    house.join_as(a, "presence-x", "alice");
    house.join_as(b, "presence-x", "bob");
    assert_eq!(house.counted(), 1, "member_added");
    house.leave(b, "presence-x");
    assert_eq!(house.counted(), 1, "member_removed");
}

#[test]
fn the_end_of_an_app_is_told_to_every_worker() {
    let mut house = House::new();
    house.hub.close_app(&house.app, &bellwire_protocol::close::APP_DISABLED);
    let workers: Vec<(u8, u16)> =
        house.closed().iter().map(|(conn, code)| (conn.worker(), *code)).collect();
    assert_eq!(workers, [(0, 4003), (1, 4003)]);
}
