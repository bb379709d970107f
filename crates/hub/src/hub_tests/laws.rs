//! What holds whatever happens, in whatever order: random lives of a few connections against a
//! plain model, and threads that meet at one channel.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::house::{House, Workers, channel};
use super::listener::Listener;
use super::*;
use crate::Fact;

const CHANNELS: [&str; 5] =
    ["room", "cache-x", "presence-x", "presence-cache-x", "#server-to-user-u0"];
const USERS: [&str; 3] = ["u0", "u1", "u2"];
const CONNS: usize = 5;
/// Fewer than there are users, so that channels fill up.
const MEMBERS_MAX: usize = 2;
const CACHE_TTL_MS: u64 = 2_000;

#[derive(Debug, Clone)]
enum Step {
    Subscribe { conn: usize, channel: usize, user: usize },
    Unsubscribe { conn: usize, channel: usize },
    Publish { channel: usize, except: Option<usize> },
    Say { conn: usize, channel: usize },
    SignIn { conn: usize, user: usize, watchlist: u8 },
    SignOut { conn: usize },
    End { conn: usize },
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (conn, channel, user) = (0..CONNS, 0..CHANNELS.len(), 0..USERS.len());
    prop_oneof![
        8 => (conn.clone(), channel.clone(), user.clone())
            .prop_map(|(conn, channel, user)| Step::Subscribe { conn, channel, user }),
        5 => (conn.clone(), channel.clone())
            .prop_map(|(conn, channel)| Step::Unsubscribe { conn, channel }),
        5 => (channel.clone(), proptest::option::of(conn.clone()))
            .prop_map(|(channel, except)| Step::Publish { channel, except }),
        3 => (conn.clone(), channel).prop_map(|(conn, channel)| Step::Say { conn, channel }),
        3 => (conn.clone(), user, 0..8u8)
            .prop_map(|(conn, user, watchlist)| Step::SignIn { conn, user, watchlist }),
        2 => conn.clone().prop_map(|conn| Step::SignOut { conn }),
        1 => conn.prop_map(|conn| Step::End { conn }),
        2 => (0..3_000u64).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// An event that was sent to a channel.
struct Sent {
    data: String,
    except: Option<usize>,
}

/// A subscription, as the model knows it.
struct Seat {
    user: Option<usize>,
    /// What a newcomer finds cached.
    cached: Option<String>,
    /// Events of the channel that were there before.
    from: usize,
}

/// The simplest thing that knows what should be.
#[derive(Default)]
struct Model {
    /// By connection and channel.
    seats: BTreeMap<(usize, usize), Seat>,
    /// Every event of every channel.
    sent: [Vec<Sent>; CHANNELS.len()],
    /// The last event of the API and the end of its time.
    cached: [Option<(String, u64)>; CHANNELS.len()],
    /// User and watchlist by connection.
    signed_in: BTreeMap<usize, (usize, Vec<&'static str>)>,
}

impl Model {
    fn users(&self, channel: usize) -> BTreeSet<String> {
        let seats = self.seats.iter().filter(|((_, at), _)| *at == channel);
        seats.filter_map(|(_, seat)| seat.user).map(|user| USERS[user].to_owned()).collect()
    }

    fn subscriptions(&self, channel: usize) -> usize {
        self.seats.keys().filter(|(_, at)| *at == channel).count()
    }

    fn is_online(&self, user: &str) -> bool {
        self.signed_in.values().any(|(at, _)| USERS[*at] == user)
    }

    /// What a connection must have heard on a channel since its admission.
    fn heard(&self, conn: usize, channel: usize) -> Vec<&str> {
        let seat = &self.seats[&(conn, channel)];
        let live = self.sent[channel][seat.from..].iter();
        let live = live.filter(|sent| sent.except != Some(conn)).map(|sent| sent.data.as_str());
        seat.cached.as_deref().into_iter().chain(live).collect()
    }
}

/// The hub and the model, side by side.
struct Trial {
    house: House,
    model: Model,
    listeners: Vec<Listener>,
    history: History,
    events: usize,
}

impl Trial {
    fn new() -> Self {
        let house = House::with(|app| {
            (app.subscription_count, app.watchlist) = (true, true);
            app.max_presence_members = MEMBERS_MAX;
            app.cache_ttl_s = (CACHE_TTL_MS / 1000) as u32;
        });
        Self {
            house,
            model: Model::default(),
            listeners: (0..CONNS).map(|_| Listener::default()).collect(),
            history: History::default(),
            events: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        let known = |conn: usize, channel: usize, trial: &Self| {
            trial.model.seats.contains_key(&(conn, channel))
        };
        match *step {
            Step::Subscribe { conn, channel, user } if !known(conn, channel, self) => {
                self.subscribe(conn, channel, user);
            }
            Step::Unsubscribe { conn, channel } if known(conn, channel, self) => {
                self.house.leave(name(conn), CHANNELS[channel]);
                self.model.seats.remove(&(conn, channel));
                // Whatever came before the dismissal belongs to the picture that ends here.
                self.listen();
                self.listeners[conn].pictures.remove(CHANNELS[channel]);
            }
            Step::Publish { channel, except } => self.publish(channel, except),
            Step::Say { conn, channel } if known(conn, channel, self) => {
                let data = self.next_event();
                self.house.say(name(conn), CHANNELS[channel], &data);
                self.model.sent[channel].push(Sent { data, except: Some(conn) });
            }
            Step::SignIn { conn, user, watchlist } => self.sign_in(conn, user, watchlist),
            Step::SignOut { conn } => self.sign_out(conn),
            Step::End { conn } => {
                self.house.end(name(conn));
                self.model.seats.retain(|(at, _), _| *at != conn);
                self.sign_out(conn);
                self.listeners[conn] = Listener::default();
            }
            Step::Wait { ms } => self.house.wait(ms),
            _ => {}
        }
        self.listen();
        self.history.follow(&self.house.log.take_facts());
        self.compare();
    }

    fn subscribe(&mut self, conn: usize, at: usize, user: usize) {
        let kind = channel(CHANNELS[at]).kind();
        if !kind.is_presence() {
            self.house.join(name(conn), CHANNELS[at]);
            return self.seat(conn, at, None);
        }
        let users = self.model.users(at);
        let full = users.len() >= MEMBERS_MAX && !users.contains(USERS[user]);
        let answer = self.house.try_join_as(name(conn), CHANNELS[at], USERS[user]);
        assert_eq!(answer.is_err(), full);
        if !full {
            self.seat(conn, at, Some(user));
        }
    }

    fn seat(&mut self, conn: usize, at: usize, user: Option<usize>) {
        let now_ms = self.house.now_ms;
        let cached = self.model.cached[at].as_ref().filter(|(_, ends_ms)| *ends_ms > now_ms);
        let cached = cached.map(|(data, _)| data.clone());
        let seat = Seat { user, cached, from: self.model.sent[at].len() };
        self.model.seats.insert((conn, at), seat);
    }

    fn publish(&mut self, at: usize, except: Option<usize>) {
        let data = self.next_event();
        let socket_id = except.map(|conn| name(conn).socket_id(NODE));
        let info = self.house.publish_except(CHANNELS[at], &data, socket_id);
        assert_eq!(info.subscriptions, self.model.subscriptions(at));
        if channel(CHANNELS[at]).kind().is_cache() {
            self.model.cached[at] = Some((data.clone(), self.house.now_ms + CACHE_TTL_MS));
        }
        self.model.sent[at].push(Sent { data, except });
    }

    fn sign_in(&mut self, conn: usize, user: usize, watchlist: u8) {
        let before = self.model.signed_in.get(&conn);
        if before.is_some_and(|(earlier, _)| *earlier != user) {
            return;
        }
        let before = before.map_or(Vec::new(), |(_, watchlist)| watchlist.clone());
        let bits = USERS.iter().enumerate().filter(|(at, _)| watchlist >> at & 1 == 1);
        let watchlist: Vec<&str> = bits.map(|(_, user)| *user).collect();
        self.house.sign_in_anew(name(conn), USERS[user], &watchlist, &before);
        self.model.signed_in.insert(conn, (user, watchlist));
    }

    fn sign_out(&mut self, conn: usize) {
        if let Some((user, watchlist)) = self.model.signed_in.remove(&conn) {
            self.house.sign_out(name(conn), USERS[user], &watchlist);
            self.listeners[conn].watched.clear();
        }
    }

    fn next_event(&mut self) -> String {
        self.events += 1;
        self.events.to_string()
    }

    fn listen(&mut self) {
        for conn in 0..CONNS {
            for frame in self.house.frames(name(conn)) {
                self.listeners[conn].hear(&frame);
            }
        }
    }

    /// The hub, its clients and whoever listens to facts know what the model knows.
    fn compare(&self) {
        let Self { house, model, .. } = self;
        for (at, channel_name) in CHANNELS.iter().enumerate() {
            let (subscriptions, users) = (model.subscriptions(at), model.users(at));
            assert_eq!(house.info(channel_name), (subscriptions, users.len()));
            let in_hub = house.hub.users(&house.app, &channel(channel_name));
            assert_eq!(in_hub.iter().map(UserId::to_string).collect::<BTreeSet<_>>(), users);
            if channel(channel_name).kind().is_listed() {
                assert_eq!(self.history.occupied.contains(*channel_name), subscriptions > 0);
                assert_eq!(self.history.members(channel_name), users);
            }
        }
        for (conn, listener) in self.listeners.iter().enumerate() {
            self.compare_listener(conn, listener);
        }
    }

    fn compare_listener(&self, conn: usize, listener: &Listener) {
        let seats = self.model.seats.keys().filter(|(at, _)| *at == conn);
        let channels: BTreeSet<&str> = seats.map(|(_, channel)| CHANNELS[*channel]).collect();
        assert_eq!(listener.pictures.keys().map(String::as_str).collect::<BTreeSet<_>>(), channels);
        for (at, name) in CHANNELS.iter().enumerate() {
            let Some(picture) = listener.pictures.get(*name) else { continue };
            let kind = channel(name).kind();
            assert_eq!(picture.events, self.model.heard(conn, at), "{name}");
            assert_eq!(picture.members, self.model.users(at), "{name}");
            let misses = kind.is_cache() && self.model.seats[&(conn, at)].cached.is_none();
            assert_eq!(picture.missed, misses, "{name}");
            let count = kind.announces_count().then(|| self.model.subscriptions(at) as u64);
            assert_eq!(picture.count, count, "{name}");
        }
        let watchlist = self.model.signed_in.get(&conn).map_or(&[][..], |(_, list)| list);
        let expected: BTreeMap<String, bool> =
            watchlist.iter().map(|user| ((*user).to_owned(), self.model.is_online(user))).collect();
        assert_eq!(listener.watched, expected);
    }
}

/// What somebody knows who hears nothing but facts.
#[derive(Default)]
struct History {
    occupied: BTreeSet<String>,
    members: BTreeSet<(String, String)>,
}

impl History {
    /// Occupied and vacated alternate, so do added and removed; members come after *occupied* and
    /// go before *vacated*.
    fn follow(&mut self, facts: &[Fact]) {
        for fact in facts {
            let channel = fact.channel.to_string();
            let occupied = self.occupied.contains(&channel);
            match &fact.what {
                What::Occupied => assert!(self.occupied.insert(channel), "{fact:?}"),
                What::Vacated => {
                    assert!(self.members(&channel).is_empty(), "{fact:?}");
                    assert!(self.occupied.remove(&channel), "{fact:?}");
                }
                What::MemberAdded(user) => {
                    assert!(occupied && self.members.insert((channel, user.to_string())));
                }
                What::MemberRemoved(user) => {
                    assert!(occupied && self.members.remove(&(channel, user.to_string())));
                }
                What::ClientEvent { .. }
                | What::CacheMiss
                | What::CacheFilled
                | What::SubscriptionCount(_) => {
                    assert!(occupied, "{fact:?}");
                }
            }
        }
    }

    fn members(&self, channel: &str) -> BTreeSet<String> {
        let members = self.members.iter().filter(|(at, _)| at == channel);
        members.map(|(_, user)| user.clone()).collect()
    }
}

/// Connections of two workers.
fn name(conn: usize) -> Conn {
    Conn::new((conn % 2) as u8, conn as u32, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // contract: 4.7, 5.7, 5.9, 6.10, 8.2, 14.2, 16.11, 17.1
    #[test]
    fn hub_clients_and_facts_agree_with_a_plain_model(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut trial = Trial::new();
        for step in &steps {
            trial.take(step);
        }
        // When all are gone, nothing is left.
        for conn in 0..CONNS {
            trial.take(&Step::End { conn });
        }
        trial.take(&Step::Wait { ms: CACHE_TTL_MS });
        prop_assert_eq!(trial.house.hub.totals(), Totals::default());
    }
}

// contract: 4.7, 5.7, 16.11
#[test]
fn threads_that_meet_at_a_channel_leave_one_order_for_everybody() {
    const ROUNDS: usize = 500;
    let house = House::new();
    let (hub, app, room) = (&house.hub, &house.app, &channel("presence-x"));
    let member = |user: usize| Member { id: USERS[user].parse().unwrap(), info: None };
    let join = |conn: usize, user: usize| {
        hub.subscribe(0, app, room, name(conn), Some(&member(user))).unwrap();
    };
    let come_and_go = |conn: usize, user: usize| {
        for _ in 0..ROUNDS {
            join(conn, user);
            hub.unsubscribe(0, app, room, name(conn), Some(&member(user).id), false);
        }
    };
    let publish = |publisher: usize| {
        for at in 0..ROUNDS {
            let data = bellwire_protocol::JsonStr::encode(&format!("{publisher}-{at}"));
            let frame = server::event(&bellwire_protocol::JsonStr::encode("e"), room, &data, None);
            hub.publish(0, app, room, frame, None);
        }
    };
    // Two witnesses, one a worker, hear everything.
    join(0, 0);
    join(1, 0);
    let start = &std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            scope.spawn(move || (start.wait(), publish(thread)));
            scope.spawn(move || (start.wait(), come_and_go(2 + thread, 1 + thread)));
        }
    });
    let mut history = History::default();
    history.follow(&house.log.take_facts());
    assert_eq!(history.members("presence-x"), ["u0".to_owned()].into());
    let mut heard = replay(&house);
    let witnessed = heard.remove(&name(0)).unwrap().remove(0);
    assert_eq!(witnessed.len(), 2 * ROUNDS);
    assert_eq!(heard.remove(&name(1)).unwrap(), [witnessed.as_slice()]);
    for (conn, stays) in heard {
        assert_eq!(stays.len(), ROUNDS);
        for stay in stays.iter().filter(|stay| !stay.is_empty()) {
            let from = witnessed.iter().position(|event| *event == stay[0]).unwrap();
            assert_eq!(witnessed[from..from + stay.len()], stay[..], "{conn:?}");
        }
    }
}

/// Lets workers and listeners live through what the hub said: the events of every stay of every
/// connection.
fn replay(house: &House) -> BTreeMap<Conn, Vec<Vec<String>>> {
    let (mut workers, mut stays) = (Workers::default(), BTreeMap::new());
    let mut listeners: BTreeMap<Conn, Listener> = BTreeMap::new();
    for (worker, message) in house.log.take_messages() {
        let dismissed = match &message {
            Message::Dismiss { conn, .. } => Some(*conn),
            _ => None,
        };
        workers.take(worker, message);
        for conn in (0..CONNS).map(name) {
            let listener = listeners.entry(conn).or_default();
            workers.heard(conn).iter().for_each(|frame| listener.hear(frame));
        }
        if let Some(conn) = dismissed {
            end_stay(&mut stays, conn, listeners.entry(conn).or_default());
        }
    }
    for (conn, mut listener) in listeners {
        end_stay(&mut stays, conn, &mut listener);
    }
    stays
}

fn end_stay(stays: &mut BTreeMap<Conn, Vec<Vec<String>>>, conn: Conn, listener: &mut Listener) {
    if let Some(picture) = listener.pictures.remove("presence-x") {
        stays.entry(conn).or_default().push(picture.events);
    }
}
