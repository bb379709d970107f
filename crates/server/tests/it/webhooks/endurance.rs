//! `kill -9` at random moments, again and again, while clients come and go: what the receiver knows is
//! always what is so in the end. `ROUNDS`, `CLIENTS` and `SEED` are numbers of the environment; the
//! seed decides what is done, not what the machine makes of it. With `POWER=1` the disk loses its power
//! at every kill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{
    Answer, App, Client, Config, Delivery, Hook, PATIENCE, Power, Receiver, Server, View, Webhook,
};

use tempfile::TempDir;

use super::dice::{Dice, number};
use super::stage::{HOOK, join, user_data};
use crate::support::{PATH, serve};

const GRACE_MS: u64 = 300;
const RECONNECT_MS: u64 = 700;

// webhooks: P1, P2, P4, P5, P7, P9
#[test]
fn whatever_is_killed_the_receiver_knows_what_is_so_in_the_end() {
    let rounds = number("ROUNDS").unwrap_or(5);
    let clients = usize::try_from(number("CLIENTS").unwrap_or(200)).unwrap();
    let mut world = World::begin(clients);
    for round in 1..=rounds {
        world.live_until_killed();
        world.restart();
        while world.dice.once_in(4) {
            world.die_again();
        }
        world.settle(round);
    }
    world.end(rounds);
}

/// The server, its clients and its receiver.
struct World {
    dice: Dice,
    server: Server,
    receiver: Receiver,
    hook: Hook,
    view: View,
    slots: Vec<Slot>,
    kills: u64,
    restarted: Instant,
    /// What takes back what was not synced, and the folder of its journal.
    power: Option<(Power, TempDir)>,
}

/// A client that may be there or not.
struct Slot {
    user: String,
    client: Option<Client>,
    channels: BTreeSet<String>,
}

/// Channels and their members; none on channels without presence.
type Truth = BTreeMap<String, Vec<String>>;

impl World {
    fn begin(clients: usize) -> Self {
        let dice = Dice::from_environment();
        let receiver = Receiver::start();
        let hook = receiver.hook(HOOK);
        hook.decide(answer);
        let app = App::new(1)
            .with("batch_webhooks = true")
            .with("max_presence_members = 0")
            .webhook(Webhook::to(hook.url()));
        let config = Config::with(app)
            .webhooks(&format!("grace_ms = {GRACE_MS}"))
            .webhooks(&format!("reconnect_ms = {RECONNECT_MS}"));
        // Every third client is the second tab of a user.
        let mut server = serve(config);
        let power = number("POWER").map(|_| {
            let scratch = tempfile::tempdir().unwrap();
            let power = Power::watching(&server.dir().join("data"), scratch.path());
            server.restart_on(&power);
            (power, scratch)
        });
        let slot = |n: usize| Slot {
            user: format!("user-{}", n * 2 / 3),
            client: None,
            channels: BTreeSet::new(),
        };
        Self {
            dice,
            server,
            receiver,
            hook,
            view: View::new(),
            slots: (0..clients).map(slot).collect(),
            kills: 0,
            restarted: Instant::now(),
            power,
        }
    }

    /// Clients come, go, join and leave, until the server dies in the middle of it.
    fn live_until_killed(&mut self) {
        let longest_ms = 20 + 4 * self.slots.len() as u64;
        let delay = Duration::from_millis(self.dice.of(20..longest_ms));
        let is_dead = AtomicBool::new(false);
        let (server, slots, dice) = (&self.server, &mut self.slots, &mut self.dice);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(delay);
                server.kill();
                is_dead.store(true, Ordering::Relaxed);
            });
            while !is_dead.load(Ordering::Relaxed) {
                let rooms = rooms(slots.len());
                let at = dice.below(slots.len());
                slots[at].act(server, dice, rooms);
            }
        });
        self.bury();
    }

    /// The server is dead: what it had sent is folded before anything else comes.
    fn bury(&mut self) {
        self.kills += 1;
        self.server.wait();
        if let Some((power, _)) = &self.power {
            power.lose();
        }
        self.receiver.expect_nobody();
        self.view.catch_up(&self.hook);
        self.view.crashed();
        self.slots.iter_mut().for_each(|slot| slot.client = None);
    }

    /// Half of those who were there come back.
    fn restart(&mut self) {
        self.restarted = Instant::now();
        self.server.restart();
        for slot in &mut self.slots {
            if slot.channels.is_empty() || self.dice.once_in(2) {
                slot.channels.clear();
            } else {
                slot.come_back(&self.server);
            }
        }
    }

    /// Another kill while clients are coming back and what was announced is being taken back.
    fn die_again(&mut self) {
        thread::sleep(Duration::from_millis(self.dice.of(0..GRACE_MS + RECONNECT_MS)));
        self.server.kill();
        self.bury();
        self.restart();
    }

    /// Waits until nothing is left to be taken back, and the receiver's picture is the server's.
    fn settle(&mut self, round: u64) {
        self.slots.iter_mut().filter_map(|slot| slot.client.as_mut()).for_each(|client| {
            client.drain();
        });
        let allowance = Duration::from_millis(GRACE_MS + RECONNECT_MS);
        thread::sleep((self.restarted + allowance).saturating_duration_since(Instant::now()));
        let deadline = Instant::now() + PATIENCE * 2;
        loop {
            self.view.catch_up(&self.hook);
            self.view.assert_sound();
            let (seen, truth) = (self.seen(), truth(&self.server));
            if seen == truth {
                return;
            }
            let differs = || difference(&seen, &truth);
            assert!(Instant::now() < deadline, "round {round}: {}", differs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the receiver knows.
    fn seen(&self) -> Truth {
        let channels = self.view.occupied().into_iter();
        channels.map(|channel| (channel.clone(), self.view.members(&channel))).collect()
    }

    fn end(mut self, rounds: u64) {
        // Whoever is told too late, or twice, is told now.
        thread::sleep(Duration::from_millis(2 * (GRACE_MS + RECONNECT_MS)));
        self.settle(rounds);
        self.receiver.assert_wire_rules();
        let gap = self.hook.accepted().into_iter().find(|delivery| delivery.gap().is_some());
        assert!(gap.is_none(), "something was lost: {}", gap.unwrap());
        eprintln!(
            "{rounds} rounds, {} kills, {} clients: {} requests, {} events, {} requests came again",
            self.kills,
            self.slots.len(),
            self.hook.requests().len(),
            self.view.events(),
            self.view.duplicates(),
        );
    }
}

/// At any moment something is under way, and something has failed and waits for its next attempt.
fn answer(delivery: &Delivery) -> Answer {
    let late = Duration::from_millis(delivery.number as u64 * 7 % 20);
    match delivery.number % 6 {
        5 if delivery.attempt() == 1 => Answer::close(),
        _ => Answer::ok().after(late),
    }
}

impl Slot {
    /// Does something by chance. Whatever fails because the server dies is left as it is.
    fn act(&mut self, server: &Server, dice: &mut Dice, rooms: u64) {
        let Some(client) = &mut self.client else {
            self.client = try_connect(server);
            self.channels.clear();
            for _ in 0..dice.of(1..4) {
                let channel = any_channel(dice, rooms);
                self.try_join(channel);
            }
            return;
        };
        match dice.of(0..10) {
            0..4 => {
                let channel = any_channel(dice, rooms);
                self.try_join(channel);
            }
            4..7 => {
                if let Some(channel) = self.channels.pop_first() {
                    let message = serde_json::json!({
                        "event": "pusher:unsubscribe", "data": { "channel": channel },
                    });
                    let _ = client.try_send(&message.to_string());
                }
            }
            7 => {
                let channels = std::mem::take(&mut self.channels);
                self.client = try_connect(server);
                channels.into_iter().for_each(|channel| self.try_join(channel));
            }
            _ => {
                self.client = None;
                self.channels.clear();
            }
        }
    }

    fn try_join(&mut self, channel: String) {
        let Some(client) = &mut self.client else { return };
        if self.channels.contains(&channel) {
            return;
        }
        let data = channel.starts_with("presence-").then(|| user_data(&self.user));
        let message = client.subscription(&channel, data.as_deref());
        if client.try_send(&message.to_string()).is_ok() {
            self.channels.insert(channel);
        }
    }

    /// Comes back as pusher-js does: a new connection, the same channels.
    fn come_back(&mut self, server: &Server) {
        let mut client = server.connect();
        self.channels.iter().for_each(|channel| join(&mut client, &self.user, channel));
        self.client = Some(client);
    }
}

fn try_connect(server: &Server) -> Option<Client> {
    let app = server.config().first_app();
    let mut client = Client::try_open(server.target(), PATH, &[]).ok()?;
    client.sign_with(&app.key, &app.secret);
    client.try_established().then_some(client)
}

/// Rooms of each kind: about eight clients in each.
fn rooms(clients: usize) -> u64 {
    (clients as u64 / 8).max(2)
}

fn any_channel(dice: &mut Dice, rooms: u64) -> String {
    let room = dice.of(0..rooms);
    if dice.once_in(3) { format!("lobby-{room}") } else { format!("presence-room-{room}") }
}

/// What is so, as the API tells it.
fn truth(server: &Server) -> Truth {
    let api = server.api();
    let channels = api.get("/channels").send().ok();
    let names = channels["channels"].as_object().unwrap().keys();
    let members = |name: &String| match name.starts_with("presence-") {
        true => api.users(name),
        false => Vec::new(),
    };
    names.map(|name| (name.clone(), members(name))).collect()
}

/// The first things in which two pictures differ.
fn difference(seen: &Truth, truth: &Truth) -> String {
    let names: BTreeSet<&String> = seen.keys().chain(truth.keys()).collect();
    let differing = names.into_iter().filter(|name| seen.get(*name) != truth.get(*name));
    let lines: Vec<String> = differing
        .take(5)
        .map(|name| format!("{name}: seen {:?}, is {:?}", seen.get(name), truth.get(name)))
        .collect();
    lines.join("\n")
}
