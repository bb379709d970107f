//! Laws of hearing many nodes.

use super::*;
use crate::engine::Orders;
use crate::feed::encode;
use crate::outbox::{Announced, Remains};
use crate::settle::SettleRules;
use crate::turn::DeliveryRules;

const RULES: SettleRules = SettleRules { grace_ms: 3_000, reconnect_ms: 10_000 };

/// A desk that hears nodes; its store keeps everything at once.
struct House {
    engine: Engine,
    now_ms: u64,
    roll: Vec<(NodeId, NodeState)>,
    rows: u64,
}

impl House {
    /// A desk on node 1 of so many. `told`: rooms that a former one has told.
    fn new(nodes: u64, told: &[&str]) -> Self {
        let roll: Vec<_> = (1..=nodes).map(|node| (NodeId::of(node), NodeState::Up)).collect();
        let mut engine = Engine::new(RULES, DeliveryRules::default(), 7);
        for room in told {
            let (app, channel) = ("1".parse().unwrap(), room.parse().unwrap());
            engine.told_before(Announced { app, channel, user: None, seq: 1 });
        }
        engine.begin(0, Remains::default(), Vec::new(), &|_| Some(true), Vec::new());
        engine.begin_hearing(0, NodeId::of(1), &roll);
        Self { engine, now_ms: 0, roll, rows: 0 }
    }

    /// A desk to which all nodes have said that nobody is there.
    fn heard(nodes: u64) -> Self {
        let mut house = Self::new(nodes, &[]);
        for node in 1..=nodes {
            house.says(node, vec![Entry::RetellBegins, Entry::RetellEnds]);
        }
        house
    }

    /// A node says something; the steps that follow.
    fn says(&mut self, node: u64, entries: Vec<Entry>) -> Vec<String> {
        let body = encode(&Row { said_ms: 5_000_000, entries });
        self.hears(vec![self.row(node, body)])
    }

    fn row(&self, node: u64, body: Vec<u8>) -> FeedRow {
        FeedRow { node: NodeId::of(node), n: self.rows + 1, body }
    }

    fn hears(&mut self, rows: Vec<FeedRow>) -> Vec<String> {
        self.rows += rows.len() as u64;
        let overheard =
            Overheard { asked_ms: self.now_ms, roll: self.roll.clone(), rows, has_more: false };
        self.engine.hear(self.now_ms, overheard);
        self.steps()
    }

    fn steps(&mut self) -> Vec<String> {
        let Orders { job, notices, .. } = self.engine.orders(self.now_ms);
        let notices = notices.iter().map(|notice| format!("{notice:?}"));
        let mut steps: Vec<String> = notices.collect();
        if let Some((transaction, _)) = job {
            steps.extend(transaction.steps.iter().map(|step| match step {
                Step::Append(event) => format!("{} {}", event.kind.name(), event.channel),
                Step::Heard { node, n } => format!("heard {node} to {n}"),
                other => format!("{other:?}"),
            }));
            self.engine.kept(self.now_ms, Vec::new());
        }
        steps
    }

    fn at(&mut self, now_ms: u64) -> Vec<String> {
        self.now_ms = now_ms;
        self.hears(Vec::new())
    }

    fn is(&mut self, node: u64, state: NodeState) {
        self.roll[node as usize - 1].1 = state;
    }
}

fn fact(channel: &str, what: What) -> Entry {
    let (app, channel) = ("1".parse().unwrap(), channel.parse().unwrap());
    Entry::Fact { fact: Fact { app, channel, at_ms: 5_000_000, what }, quietly: false }
}

fn retells(rooms: &[&str]) -> Vec<Entry> {
    let rooms = rooms.iter().map(|room| fact(room, What::Occupied));
    [Entry::RetellBegins].into_iter().chain(rooms).chain([Entry::RetellEnds]).collect()
}

#[test]
fn what_two_nodes_say_is_told_once_and_goes_with_what_follows_from_it() {
    let mut house = House::heard(2);
    assert_eq!(
        house.says(1, vec![fact("a", What::Occupied)]),
        ["channel_occupied a", "heard 1 to 3"]
    );
    assert_eq!(house.says(2, vec![fact("a", What::Occupied)]), ["heard 2 to 4"]);
    assert_eq!(house.says(1, vec![fact("a", What::Vacated)]), ["heard 1 to 5"]);
    assert!(house.at(60_000).is_empty(), "it is still on the other");
    assert_eq!(house.says(2, vec![fact("a", What::Vacated)]), ["heard 2 to 6"]);
    assert!(house.at(62_999).is_empty());
    assert_eq!(house.at(63_000), ["channel_vacated a"]);
}

#[test]
fn a_node_that_is_gone_leaves_with_the_grace_and_one_that_drained_with_the_time_to_return() {
    for (state, drains, after_ms) in [
        (NodeState::Gone, false, 3_000),
        (NodeState::Left, false, 13_000),
        (NodeState::Gone, true, 13_000),
    ] {
        let mut house = House::heard(2);
        let drained = drains.then_some(Entry::Drains);
        house.says(2, [fact("a", What::Occupied)].into_iter().chain(drained).collect());
        house.is(2, state);
        assert!(house.at(1_000).is_empty());
        assert!(house.at(1_000 + after_ms - 1).is_empty(), "{state:?}");
        // What waits for a departure is the grace after it.
        let told = house.steps().into_iter().chain(house.at(1_000 + after_ms + 3_000));
        assert_eq!(told.collect::<Vec<_>>(), ["channel_vacated a"], "{state:?}");
    }
}

#[test]
fn nothing_is_taken_back_before_every_live_node_has_said_who_is_there() {
    let mut house = House::new(2, &["a", "b"]);
    house.says(1, retells(&["a"]));
    assert!(house.at(600_000).is_empty(), "nobody has asked node 2");
    house.says(2, retells(&[]));
    assert!(house.at(602_999).is_empty());
    assert_eq!(house.at(603_000), ["channel_vacated b"]);
}

#[test]
fn a_node_that_comes_back_as_another_while_the_desk_hears_is_waited_for() {
    let mut house = House::new(2, &["a"]);
    house.at(1_000);
    house.says(1, retells(&[]));
    house.roll.push((NodeId::of(3), NodeState::Up));
    house.is(2, NodeState::Left);
    assert!(house.at(600_000).is_empty());
    assert!(house.at(650_000).is_empty(), "node 3 has not told who is there");
    house.says(3, retells(&["a"]));
    assert!(house.at(700_000).is_empty(), "it was never away");
}

#[test]
fn who_is_gone_is_not_waited_for_and_alone_there_is_time_to_return() {
    let mut house = House::new(2, &["a"]);
    house.says(1, retells(&[]));
    house.is(2, NodeState::Gone);
    house.at(600_000);
    assert_eq!(house.at(603_000), ["channel_vacated a"]);
    let mut house = House::new(1, &["a"]);
    house.says(1, retells(&[]));
    assert!(house.at(12_999).is_empty());
    assert_eq!(house.at(13_000), ["channel_vacated a"]);
}

#[test]
fn what_is_not_named_when_a_node_says_its_state_anew_is_not_there_any_more() {
    let mut house = House::heard(1);
    house.says(1, vec![fact("a", What::Occupied), fact("b", What::Occupied)]);
    // It begins, is cut short, and begins again.
    house.says(1, vec![Entry::RetellBegins, fact("b", What::Occupied)]);
    assert!(house.at(60_000).is_empty(), "it is still speaking");
    house.says(1, retells(&["a"]));
    assert_eq!(house.at(63_000), ["channel_vacated b"]);
}

#[test]
fn nobody_leaves_while_the_return_may_lie_unread() {
    let mut house = House::heard(2);
    house.at(1_000);
    house.says(1, vec![fact("a", What::Occupied), fact("b", What::Occupied)]);
    house.says(1, vec![fact("a", What::Vacated), fact("b", What::Vacated)]);
    let mut looks = |now_ms: u64, asked_ms: u64, rows: Vec<FeedRow>, has_more: bool| {
        house.now_ms = now_ms;
        house.rows += rows.len() as u64;
        let roll = house.roll.clone();
        house.engine.hear(now_ms, Overheard { asked_ms, roll, rows, has_more });
        house.steps()
    };
    assert!(looks(4_500, 4_500, Vec::new(), true).is_empty(), "there is more");
    assert!(looks(5_000, 3_999, Vec::new(), false).is_empty(), "nobody has looked since");
    let entries = vec![fact("a", What::Occupied)];
    let body = encode(&Row { said_ms: 5_000_000, entries });
    let row = FeedRow { node: NodeId::of(2), n: 9, body };
    assert_eq!(looks(5_500, 5_400, vec![row], true), ["heard 2 to 9"]);
    assert_eq!(looks(6_000, 5_900, Vec::new(), false), ["channel_vacated b"]);
}

#[test]
fn it_is_known_when_to_look_so_that_a_leave_need_not_wait() {
    let mut house = House::heard(1);
    house.at(1_000);
    house.says(1, vec![fact("a", What::Occupied)]);
    assert_eq!(house.engine.unsure_ms(), None);
    house.says(1, vec![fact("a", What::Vacated)]);
    assert_eq!(house.engine.unsure_ms(), Some(4_000));
    assert_eq!(house.at(4_000), ["channel_vacated a"]);
    assert_eq!(house.engine.unsure_ms(), None);
}

#[test]
fn a_desk_that_never_hears_all_does_not_hold_a_leave_for_ever() {
    let mut house = House::heard(1);
    house.at(1_000);
    house.says(1, vec![fact("a", What::Occupied)]);
    house.says(1, vec![fact("a", What::Vacated)]);
    let mut looks = |now_ms: u64| {
        house.now_ms = now_ms;
        let (roll, rows) = (house.roll.clone(), Vec::new());
        let overheard = Overheard { asked_ms: now_ms, roll, rows, has_more: true };
        house.engine.hear(now_ms, overheard);
        (house.steps(), house.engine.next_ms())
    };
    assert_eq!(looks(33_999), (Vec::new(), Some(34_000)));
    assert_eq!(looks(34_000).0, ["channel_vacated a"]);
}

#[test]
fn a_row_that_cannot_be_read_is_said_and_passed_over() {
    let mut house = House::heard(1);
    let bad = house.row(1, vec![9]);
    let steps = house.hears(vec![bad]);
    assert!(steps[0].contains("a row of version 9"), "{steps:?}");
    assert_eq!(steps[1], "heard 1 to 2");
    // What said that its channel is there was in it.
    let steps = house.says(1, vec![fact("presence-a", What::MemberAdded("7".parse().unwrap()))]);
    assert_eq!(steps, ["channel_occupied presence-a", "member_added presence-a", "heard 1 to 3"]);
}

#[test]
fn a_count_is_the_sum_over_all_nodes_and_a_node_that_is_gone_takes_its_part_away() {
    let body = |house: &mut House| {
        let job = house.engine.orders(house.now_ms).job;
        house.engine.kept(house.now_ms, Vec::new());
        let steps = job.map(|(transaction, _)| transaction.steps).unwrap_or_default();
        let body = |step: &Step| match step {
            Step::Append(event) => Some(event.body.to_string()),
            _ => None,
        };
        steps.iter().filter_map(body).next_back()
    };
    let mut house = House::heard(2);
    let endpoint = crate::endpoint::Endpoint::of_a_test("ep_1", "1".parse().unwrap(), terms());
    house.engine.configure(0, vec![endpoint], &|_| Some(true), Vec::new());
    house.steps();
    let said = |house: &mut House, node: u64, count: usize| {
        let entries = vec![fact("a", What::Occupied), fact("a", What::SubscriptionCount(count))];
        let row = house.row(node, encode(&Row { said_ms: 5_000_000, entries }));
        house.rows += 1;
        let (roll, rows) = (house.roll.clone(), vec![row]);
        house
            .engine
            .hear(house.now_ms, Overheard { asked_ms: house.now_ms, roll, rows, has_more: false });
        body(house)
    };
    assert!(said(&mut house, 1, 3).unwrap().ends_with(":3}"));
    assert!(said(&mut house, 2, 4).unwrap().ends_with(":7}"));
    house.is(2, NodeState::Gone);
    let (roll, rows) = (house.roll.clone(), Vec::new());
    house
        .engine
        .hear(house.now_ms, Overheard { asked_ms: house.now_ms, roll, rows, has_more: false });
    assert!(body(&mut house).unwrap().ends_with(":3}"));
}

fn terms() -> crate::endpoint::Terms {
    crate::endpoint::Terms::new("https://example.com/")
}

#[test]
fn a_node_for_which_there_is_no_seat_is_heard_once_there_is_one() {
    let mut house = House::heard(u64::from(SEATS) + 1);
    let last = u64::from(SEATS) + 1;
    assert!(house.engine.places().contains(&(NodeId::of(last), u64::MAX)));
    house.is(5, NodeState::Gone);
    house.at(1);
    house.at(2);
    assert!(!house.engine.places().iter().any(|(id, _)| *id == NodeId::of(last)));
    let steps = house.says(last, vec![fact("a", What::Occupied)]);
    assert_eq!(steps[0], "channel_occupied a", "{steps:?}");
}
