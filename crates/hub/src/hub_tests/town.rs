//! Several nodes whose news reach each other: what subscribers of one hear of the others.

use proptest::prelude::*;

use super::house::{House, channel};
use super::*;
use crate::peers::{News, Saying, Seat};

/// Nodes in a row. News travel when the test says so.
struct Town {
    houses: Vec<House>,
    /// What each has said and others have not heard yet.
    roads: Vec<Vec<News>>,
}

impl Town {
    fn new(nodes: u64, change: impl Fn(&mut crate::Settings)) -> Self {
        let houses = (1..=nodes).map(|node| House::neighbour(node, &change)).collect();
        Self { houses, roads: (0..nodes).map(|_| Vec::new()).collect() }
    }

    /// Lets whoever waits for other nodes in, and takes what is to be said to them.
    fn gather(&mut self, node: usize) {
        let house = &self.houses[node];
        for news in house.log.take_news() {
            if let Saying::Opens(held) = &news.what {
                house.hub.release(house.now_ms, held);
            }
            self.roads[node].push(news);
        }
    }

    /// The others hear all that a node has said.
    fn carry(&mut self, from: usize) {
        self.gather(from);
        for news in std::mem::take(&mut self.roads[from]) {
            for to in (0..self.houses.len()).filter(|to| *to != from) {
                self.hears(to, from, &news);
            }
        }
    }

    fn carry_all(&mut self) {
        (0..self.houses.len()).for_each(|node| self.carry(node));
    }

    fn hears(&self, to: usize, from: usize, news: &News) {
        let House { hub, app, now_ms, .. } = &self.houses[to];
        let node = Seat::new(from as u8).unwrap();
        match news.what.clone() {
            Saying::Opens(_) | Saying::Closes(_) => {}
            Saying::Listeners(channel, count) => {
                hub.listeners_elsewhere(*now_ms, app, &channel, node, count);
            }
            Saying::Joined(channel, member) => hub.joined_elsewhere(app, &channel, node, &member),
            Saying::Left(channel, user) => hub.left_elsewhere(app, &channel, node, &user),
            Saying::Online(user) => hub.user_elsewhere(app, node, &user, true),
            Saying::Offline(user) => hub.user_elsewhere(app, node, &user, false),
            Saying::Event(event) => drop(hub.hear(*now_ms, app, event)),
            Saying::Terminate(user) => hub.terminated_elsewhere(app, &user),
        }
    }

    fn heard(&mut self, node: usize, conn: Conn) -> Vec<String> {
        self.houses[node].heard(conn)
    }
}

/// Two connections, of the same names on every node, which must not matter.
fn pair() -> (Conn, Conn) {
    (Conn::new(0, 1, 0), Conn::new(0, 2, 0))
}

// contract: 4.7
#[test]
fn a_newcomer_waits_until_other_nodes_are_heard() {
    let (a, _) = pair();
    let mut town = Town::new(2, |_| {});
    town.houses[0].join(a, "room");
    town.houses[1].publish("room", "too early");
    town.carry(1);
    assert_eq!(town.heard(0, a), [""; 0]);
    town.carry(0);
    town.houses[1].publish("room", "1");
    town.carry(1);
    assert_eq!(town.heard(0, a), [SUCCEEDED, "event room 1"]);
}

// contract: 7.4, 12.11
#[test]
fn events_reach_other_nodes_once_and_never_whom_they_exclude() {
    let (a, b) = pair();
    let mut town = Town::new(2, |app| app.client_events = true);
    town.houses[0].join(a, "private-x");
    town.houses[1].join(b, "private-x");
    town.carry_all();
    town.heard(0, a);
    town.heard(1, b);
    town.houses[0].say(a, "private-x", "hello");
    town.houses[0].publish_except("private-x", "not b", Some(b.socket_id(2)));
    town.houses[0].publish_except("private-x", "not a", Some(a.socket_id(1)));
    town.carry_all();
    assert_eq!(town.heard(0, a), ["event private-x not b"]);
    assert_eq!(town.heard(1, b), ["client-e private-x hello", "event private-x not a"]);
}

// contract: 5.4, 5.7, 5.9, 12.1
#[test]
fn members_of_all_nodes_are_one_list() {
    let (a, b) = pair();
    let mut town = Town::new(2, |_| {});
    town.houses[0].join_as(a, "presence-x", "alice");
    town.carry_all();
    town.houses[1].join_as(b, "presence-x", "bob");
    town.carry_all();
    let of_both =
        r#"{"presence":{"ids":["alice","bob"],"hash":{"alice":null,"bob":null},"count":2}}"#;
    assert_eq!(town.heard(1, b), [format!("subscription_succeeded presence-x {of_both}")]);
    assert_eq!(town.heard(0, a)[1..], [r#"member_added presence-x {"user_id":"bob"}"#]);
    assert_eq!(town.houses[0].info("presence-x"), (2, 2));
    // Alice comes to the other node as well, and leaves the first.
    town.houses[1].join_as(a, "presence-x", "alice");
    town.carry_all();
    town.houses[0].leave(a, "presence-x");
    town.carry_all();
    assert_eq!(town.heard(1, b), [""; 0], "alice was there all the time");
    town.houses[1].leave(a, "presence-x");
    assert_eq!(town.heard(1, b), [r#"member_removed presence-x {"user_id":"alice"}"#]);
    town.carry_all();
    assert_eq!(town.houses[0].info("presence-x"), (1, 1), "known, though nobody listens here");
}

// contract: 14.2, 14.5
#[test]
fn subscribers_are_counted_on_all_nodes() {
    let (a, b) = pair();
    let mut town = Town::new(2, |app| app.subscription_count = true);
    town.houses[0].join(a, "room");
    town.carry_all();
    town.heard(0, a);
    town.houses[1].join(b, "room");
    town.carry_all();
    assert_eq!(town.heard(0, a), [r#"subscription_count room {"subscription_count":2}"#]);
    town.houses[1].leave(b, "room");
    town.carry_all();
    assert_eq!(town.heard(0, a), [r#"subscription_count room {"subscription_count":1}"#]);
    let facts = town.houses[1].facts();
    assert!(facts.contains(&"subscription_count room 1".into()), "its own: {facts:?}");
}

// contract: 8.2, 8.6
#[test]
fn a_cached_event_is_there_on_every_node() {
    let (_, b) = pair();
    let mut town = Town::new(2, |_| {});
    town.houses[0].publish("cache-x", "last");
    town.carry_all();
    town.houses[1].join(b, "cache-x");
    town.carry_all();
    assert_eq!(town.heard(1, b)[1..], ["event cache-x last"]);
}

// contract: 6.10, 11.2
#[test]
fn watchers_and_terminations_know_no_nodes() {
    let (a, b) = pair();
    let mut town = Town::new(2, |app| app.watchlist = true);
    town.houses[0].sign_in(a, "alice", &["bob"]);
    town.carry_all();
    town.heard(0, a);
    town.houses[1].sign_in(b, "bob", &["alice"]);
    let online = r#"watchlist_events {"events":[{"name":"online","user_ids":["#;
    assert_eq!(town.heard(1, b)[1..], [format!(r#"{online}"alice"]}}]}}"#)]);
    town.carry_all();
    assert_eq!(town.heard(0, a), [format!(r#"{online}"bob"]}}]}}"#)]);
    let close = bellwire_protocol::close::TERMINATED;
    town.houses[0].hub.terminate(&town.houses[0].app, "bob", &close);
    town.carry_all();
    assert_eq!(town.houses[1].closed(), [(b, 4009)]);
}

#[test]
fn what_a_node_has_said_can_be_taken_back_whole() {
    let (a, b) = pair();
    let mut town = Town::new(2, |_| {});
    town.houses[0].join_as(a, "presence-x", "alice");
    town.houses[0].join(b, "room");
    town.houses[0].sign_in(a, "alice", &[]);
    town.carry_all();
    let House { hub, app, .. } = &town.houses[1];
    let node = Seat::new(0).unwrap();
    assert_eq!(hub.channels(app, "").len(), 2);
    for said in hub.said_by(node) {
        assert_eq!(said.app, app.handle);
        said.users.iter().for_each(|user| hub.left_elsewhere(app, &said.channel, node, user));
        hub.listeners_elsewhere(0, app, &said.channel, node, 0);
    }
    for (_, user) in hub.online_on(node) {
        hub.user_elsewhere(app, node, &user, false);
    }
    assert_eq!((hub.channels(app, "").len(), hub.online_on(node).len()), (0, 0));
    assert_eq!(hub.totals().channels, 0);
}

/// Something that happens in a town.
#[derive(Debug, Clone)]
enum Step {
    Toggle { node: usize, user: usize, room: usize },
    Carry { node: usize },
    Report { node: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let toggle = (0..3_usize, 0..3_usize, 0..2_usize);
    let step = prop_oneof![
        6 => toggle.prop_map(|(node, user, room)| Step::Toggle { node, user, room }),
        3 => (0..3_usize).prop_map(|node| Step::Carry { node }),
        1 => (0..3_usize).prop_map(|node| Step::Report { node }),
    ];
    proptest::collection::vec(step, 1..80)
}

proptest! {
    // contract: 5.4, 5.7, 5.9, 12.1
    #[test]
    fn all_nodes_agree_once_all_is_heard_and_nobody_hears_twice(steps in steps()) {
        let (rooms, users) = (["presence-a", "presence-b"], ["u0", "u1", "u2"]);
        let mut town = Town::new(3, |_| {});
        let mut there = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Toggle { node, user, room } => {
                    let conn = Conn::new(0, (user * 2 + room) as u32, 0);
                    if there.remove(&(node, user, room)) {
                        town.houses[node].leave(conn, rooms[room]);
                    } else {
                        there.insert((node, user, room));
                        town.houses[node].join_as(conn, rooms[room], users[user]);
                    }
                }
                Step::Carry { node } => town.carry(node),
                // Said again, between other news.
                Step::Report { node } => {
                    let House { hub, app, log, .. } = &town.houses[node];
                    hub.report(app, &mut |news| log.tell(news));
                }
            }
        }
        town.carry_all();
        for node in 0..3 {
            for (at, room) in rooms.into_iter().enumerate() {
                let here = || there.iter().filter(|(_, _, room)| *room == at);
                let wanted: std::collections::BTreeSet<&str> =
                    here().map(|(_, user, _)| users[*user]).collect();
                let House { hub, app, .. } = &town.houses[node];
                let found = hub.users(app, &channel(room));
                let found: std::collections::BTreeSet<&str> =
                    found.iter().map(UserId::as_str).collect();
                prop_assert_eq!(&found, &wanted, "node {} room {}", node, room);
                prop_assert_eq!(town.houses[node].info(room), (here().count(), wanted.len()));
            }
            // Comings and goings of a user alternate for everyone who listens.
            for (_, user, room) in there.iter().filter(|(n, ..)| *n == node) {
                let conn = Conn::new(0, (user * 2 + room) as u32, 0);
                alternates(&town.houses[node].heard(conn))?;
            }
        }
    }
}

/// After a snapshot, each user comes and goes in turn, beginning as the snapshot says.
fn alternates(heard: &[String]) -> Result<(), TestCaseError> {
    let mut present: std::collections::BTreeMap<String, bool> = Default::default();
    for line in heard {
        let user = |line: &str| line.split('"').nth(3).unwrap_or_default().to_owned();
        if let Some(snapshot) = line.strip_prefix("subscription_succeeded ") {
            let json = snapshot.split_once(' ').unwrap().1;
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            let ids = json["presence"]["ids"].as_array().unwrap().clone();
            present = ids.iter().map(|id| (id.as_str().unwrap().to_owned(), true)).collect();
        } else if line.starts_with("member_added") {
            prop_assert_eq!(
                present.insert(user(line), true).unwrap_or(false),
                false,
                "{:?}",
                heard
            );
        } else if line.starts_with("member_removed") {
            prop_assert_eq!(present.insert(user(line), false), Some(true), "{:?}", heard);
        }
    }
    Ok(())
}
