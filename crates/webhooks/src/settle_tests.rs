//! Laws of settling.

use super::*;

const RULES: SettleRules = SettleRules { grace_ms: 3_000, reconnect_ms: 10_000 };

/// The outside world: what it was told, as the body of each event, and whether there is room.
#[derive(Default)]
struct World {
    told: Vec<String>,
    quiet: usize,
    passed_over: usize,
    is_full: bool,
}

impl Announce for World {
    fn has_room(&self) -> bool {
        !self.is_full
    }

    fn announce(&mut self, announcement: Announcement) {
        if announcement.quietly {
            self.quiet += 1;
        }
        self.told.push(announcement.body.into());
    }

    fn pass_over(&mut self, _: &Announcement) {
        self.passed_over += 1;
    }
}

struct House {
    settle: Settle,
    world: World,
}

impl House {
    fn new() -> Self {
        Self { settle: Settle::new(RULES), world: World::default() }
    }

    fn at(&mut self, now_ms: u64, channel: &str, what: What) -> &mut Self {
        self.settle.tick(now_ms, &mut self.world);
        let (app, channel) = ("1".parse().unwrap(), channel.parse().unwrap());
        let fact = Fact { app, channel, at_ms: now_ms, what };
        self.settle.take(now_ms, Seat::ALONE, fact, false, &mut self.world);
        self
    }

    fn tick(&mut self, now_ms: u64) -> &mut Self {
        self.settle.tick(now_ms, &mut self.world);
        self
    }

    /// What was told since the last look.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.told)
    }

    /// The same, shortened to `name user`.
    fn names(&mut self) -> Vec<String> {
        let short = |body: &String| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let user = body["user_id"].as_str().map(|user| format!(" {user}")).unwrap_or_default();
            format!("{}{user}", body["name"].as_str().unwrap())
        };
        self.told().iter().map(short).collect()
    }
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

// contract: 16.8, 16.9
#[test]
fn bodies_have_pushers_fields_in_pushers_order() {
    let mut house = House::new();
    let client_event = |user: Option<UserId>| What::ClientEvent {
        event: "client-x".into(),
        data: "{\"a\":\"\\\"\"}".into(),
        socket_id: "1.2".parse().unwrap(),
        user,
    };
    house.at(0, "room", What::Occupied);
    house.at(0, "presence-a", What::MemberAdded(user("7")));
    house.at(0, "presence-a", client_event(Some(user("7"))));
    house.at(0, "private-a", client_event(None));
    house.at(0, "cache-a", What::CacheMiss);
    house.at(0, "room", What::SubscriptionCount(2));
    let data = r#""event":"client-x","data":"{\"a\":\"\\\"\"}","socket_id":"1.2""#;
    assert_eq!(
        house.told(),
        [
            r#"{"name":"channel_occupied","channel":"room"}"#.to_owned(),
            r#"{"name":"member_added","channel":"presence-a","user_id":"7"}"#.to_owned(),
            format!(r#"{{"name":"client_event","channel":"presence-a",{data},"user_id":"7"}}"#),
            format!(r#"{{"name":"client_event","channel":"private-a",{data}}}"#),
            r#"{"name":"cache_miss","channel":"cache-a"}"#.to_owned(),
            r#"{"channel":"room","name":"subscription_count","subscription_count":2}"#.to_owned(),
        ]
    );
}

// contract: 16.7
#[test]
fn a_blip_shorter_than_the_grace_is_silent() {
    let mut house = House::new();
    house.at(0, "room", What::Occupied).told();
    house.at(1_000, "room", What::Vacated).at(3_999, "room", What::Occupied).tick(60_000);
    assert!(house.told().is_empty());
    // Each leave has a grace of its own.
    house.at(61_000, "room", What::Vacated).at(62_000, "room", What::Occupied);
    house.at(63_000, "room", What::Vacated).tick(65_999);
    assert!(house.told().is_empty());
    assert_eq!(house.tick(66_000).names(), ["channel_vacated"]);
    assert_eq!(house.settle.channels(), 0);
}

// contract: 16.11
#[test]
fn members_come_after_their_channel_and_leave_before_it() {
    let mut house = House::new();
    house.at(0, "presence-a", What::Occupied).at(0, "presence-a", What::MemberAdded(user("7")));
    house.at(9, "presence-a", What::MemberRemoved(user("7"))).at(9, "presence-a", What::Vacated);
    let told = ["channel_occupied", "member_added 7", "member_removed 7", "channel_vacated"];
    assert_eq!(house.tick(3_009).names(), told);
}

#[test]
fn a_restart_takes_back_who_does_not_return_in_time_members_first() {
    let mut house = House::new();
    let app: AppId = "1".parse().unwrap();
    for (channel, member) in [("presence-a", None), ("presence-a", Some("7")), ("room", None)] {
        house.settle.told_before(&app, channel.parse().unwrap(), member.map(user));
    }
    house.settle.begin(100_000);
    house.at(105_000, "room", What::Occupied).tick(112_999);
    assert!(house.told().is_empty(), "who is back was never away");
    assert_eq!(house.tick(113_000).names(), ["member_removed 7", "channel_vacated"]);
}

// contract: 16.8
#[test]
fn a_miss_is_told_once_until_the_cache_is_filled_or_the_channel_vacated() {
    let mut house = House::new();
    house.at(0, "cache-a", What::Occupied).told();
    house.at(0, "cache-a", What::CacheMiss).at(1, "cache-a", What::CacheMiss);
    assert_eq!(house.names(), ["cache_miss"]);
    house.at(2, "cache-a", What::CacheFilled).at(3, "cache-a", What::CacheMiss);
    assert_eq!(house.names(), ["cache_miss"]);
    house.at(4, "cache-a", What::Vacated).tick(3_004).told();
    house.at(9_000, "cache-a", What::Occupied).at(9_000, "cache-a", What::CacheMiss);
    assert_eq!(house.names(), ["channel_occupied", "cache_miss"]);
}

#[test]
fn counts_above_a_hundred_are_told_every_five_seconds_and_the_last_one_always() {
    let mut house = House::new();
    for count in [1, 2, 99, 100] {
        house.at(0, "room", What::SubscriptionCount(count));
    }
    assert_eq!(house.told().len(), 4);
    for count in 101..200 {
        house.at(1_000 + count as u64, "room", What::SubscriptionCount(count));
    }
    let told = house.tick(60_000).told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("\"subscription_count\":199}"), "{told:?}");
}

#[test]
fn without_room_transitions_wait_and_what_came_and_went_is_passed_over() {
    let mut house = House::new();
    house.world.is_full = true;
    house.at(0, "stays", What::Occupied).at(0, "goes", What::Occupied);
    house.at(1, "goes", What::Vacated).tick(60_000);
    assert!(house.told().is_empty());
    house.world.is_full = false;
    assert_eq!(house.tick(60_001).names(), ["channel_occupied"]);
    assert_eq!(house.world.passed_over, 1);
    assert_eq!(house.settle.channels(), 1);
}

#[test]
fn whoever_leaves_a_server_that_goes_down_was_told_to_come_back() {
    let mut house = House::new();
    house.at(0, "room", What::Occupied).at(0, "gone", What::Occupied);
    house.at(0, "gone", What::Vacated).told();
    house.settle.close();
    house.at(1, "room", What::Vacated).tick(60_000);
    assert!(house.told().is_empty());
}

#[test]
fn what_happened_before_anybody_asked_is_for_the_log_alone() {
    let mut house = House::new();
    let (app, channel) = ("1".parse().unwrap(), "room".parse().unwrap());
    let fact = Fact { app, channel, at_ms: 0, what: What::Occupied };
    house.settle.take(0, Seat::ALONE, fact, true, &mut house.world);
    assert_eq!(house.world.quiet, 1);
    house.at(1, "room", What::Vacated).tick(9_000);
    assert_eq!((house.world.quiet, house.world.told.len()), (1, 2));
}
