//! Nodes are killed, frozen, ended and cut off by chance while clients come and go: in the end the
//! receiver knows what is so, and so does every node. `ROUNDS`, `SEED` and `NATS` are numbers of the
//! environment.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use bellwire_testkit::{Client, LEASE, Via};

use super::stage::{Stage, Truth, are_on};
use crate::webhooks::dice::{Dice, number};
use crate::webhooks::stage::join;

const NODES: usize = 3;

// webhooks: P1, P2, P4, P5, P7, P9
#[test]
fn whatever_happens_to_nodes_everybody_knows_what_is_so_in_the_end() {
    let rounds = number("ROUNDS").unwrap_or(3);
    let via = if number("NATS").is_some() { Via::Nats } else { Via::Redis };
    let mut world = World {
        dice: Dice::from_environment(),
        stage: Stage::apart(via, NODES),
        slots: (0..40).map(Slot::new).collect(),
        silent: [false; NODES],
    };
    for round in 1..=rounds {
        world.live(60);
        let mut troubles = world.troubles();
        eprintln!("round {round}: {troubles:?}");
        for trouble in &troubles {
            world.begin(*trouble);
            world.live(30);
            world.stage.may_come_again();
            thread::sleep(Duration::from_millis(world.dice.of(0..2 * LEASE.as_millis() as u64)));
            world.live(30);
        }
        // A node does not start without the engines.
        troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.of()));
        for trouble in troubles {
            world.end(trouble);
            world.live(30);
        }
        world.settle();
    }
}

/// What happens to a node.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Killed(usize),
    Ended(usize),
    Frozen(usize),
    WithoutBus(usize, Way),
    WithoutDatabase(usize, Way),
    NoBusAnywhere,
    NoDatabaseAnywhere,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Cut,
    Stalled,
}

impl Trouble {
    /// What is in trouble: a node, or an engine.
    fn of(self) -> usize {
        match self {
            Self::Killed(node) | Self::Ended(node) | Self::Frozen(node) => node,
            Self::WithoutBus(node, _) | Self::WithoutDatabase(node, _) => node,
            Self::NoBusAnywhere => NODES,
            Self::NoDatabaseAnywhere => NODES + 1,
        }
    }
}

struct World {
    dice: Dice,
    stage: Stage,
    slots: Vec<Slot>,
    /// Which nodes do not answer just now.
    silent: [bool; NODES],
}

/// A client that may be there or not, on some node.
struct Slot {
    user: String,
    client: Option<Client>,
    node: usize,
    channels: BTreeSet<String>,
}

impl World {
    /// Clients come, go, join and leave.
    fn live(&mut self, turns: usize) {
        for _ in 0..turns {
            let at = self.dice.below(self.slots.len());
            self.slots[at].act(&self.stage, &mut self.dice, self.silent);
        }
    }

    /// One trouble, or two that do not end each other; one node answers in any case.
    fn troubles(&mut self) -> Vec<Trouble> {
        let mut troubles = vec![self.trouble()];
        let second = self.trouble();
        if self.dice.once_in(2) && second.of() != troubles[0].of() {
            troubles.push(second);
        }
        troubles
    }

    fn trouble(&mut self) -> Trouble {
        let node = self.dice.below(NODES);
        let way = if self.dice.once_in(2) { Way::Cut } else { Way::Stalled };
        match self.dice.of(0..8) {
            0 | 1 => Trouble::Killed(node),
            2 => Trouble::Ended(node),
            3 => Trouble::Frozen(node),
            4 => Trouble::WithoutBus(node, way),
            5 => Trouble::WithoutDatabase(node, way),
            6 => Trouble::NoBusAnywhere,
            _ => Trouble::NoDatabaseAnywhere,
        }
    }

    fn begin(&mut self, trouble: Trouble) {
        let cluster = &mut self.stage.cluster;
        match trouble {
            Trouble::Killed(node) => cluster[node].crash(),
            Trouble::Ended(node) => {
                cluster[node].terminate();
                cluster[node].wait();
            }
            Trouble::Frozen(node) => cluster[node].freeze(),
            Trouble::WithoutBus(node, Way::Cut) => cluster[node].bus().cut(),
            Trouble::WithoutBus(node, Way::Stalled) => cluster[node].bus().stall(),
            Trouble::WithoutDatabase(node, Way::Cut) => cluster[node].database().cut(),
            Trouble::WithoutDatabase(node, Way::Stalled) => cluster[node].database().stall(),
            Trouble::NoBusAnywhere => cluster.bus.stop(),
            Trouble::NoDatabaseAnywhere => cluster.postgres().kill(),
        }
        if let Trouble::Killed(node) | Trouble::Ended(node) | Trouble::Frozen(node) = trouble {
            self.silent[node] = true;
        }
        if let Trouble::Killed(node) | Trouble::Ended(node) = trouble {
            let gone = self.slots.iter_mut().filter(|slot| slot.node == node);
            gone.for_each(|slot| slot.come_back(&self.stage, &mut self.dice, self.silent));
        }
    }

    fn end(&mut self, trouble: Trouble) {
        let cluster = &mut self.stage.cluster;
        match trouble {
            Trouble::Killed(node) | Trouble::Ended(node) => cluster[node].restart(),
            Trouble::Frozen(node) => cluster[node].thaw(),
            Trouble::WithoutBus(node, _) => cluster[node].bus().restore(),
            Trouble::WithoutDatabase(node, _) => cluster[node].database().restore(),
            Trouble::NoBusAnywhere => cluster.bus.start_again(),
            Trouble::NoDatabaseAnywhere => cluster.postgres().start_again(),
        }
        if let Some(silent) = self.silent.get_mut(trouble.of()) {
            *silent = false;
        }
    }

    /// Waits until everybody knows what is so.
    fn settle(&mut self) {
        let mut truth = Truth::new();
        for slot in &mut self.slots {
            if let Some(client) = &mut slot.client {
                client.drain();
                let channels: Vec<&String> = slot.channels.iter().collect();
                are_on(&mut truth, &slot.user, &channels);
            }
        }
        self.stage.converges(&[0, 1, 2], &truth);
        self.stage.is_verified(self.dice.below(NODES), &truth);
    }
}

impl Slot {
    /// Every third client is the second tab of a user.
    fn new(n: u64) -> Self {
        let user = format!("user-{}", n * 2 / 3);
        Self { user, client: None, node: 0, channels: BTreeSet::new() }
    }

    /// Its node is gone. Half of them come back elsewhere, with the same channels.
    fn come_back(&mut self, stage: &Stage, dice: &mut Dice, silent: [bool; NODES]) {
        if self.client.take().is_none() || dice.once_in(2) {
            return self.channels.clear();
        }
        self.connect(stage, dice, silent);
        let client = self.client.as_mut().unwrap();
        self.channels.iter().for_each(|channel| join(client, &self.user, channel));
    }

    /// Does something by chance, on nodes that answer.
    fn act(&mut self, stage: &Stage, dice: &mut Dice, silent: [bool; NODES]) {
        if self.client.is_none() {
            self.connect(stage, dice, silent);
            self.channels.clear();
        } else if silent[self.node] {
            return;
        }
        let client = self.client.as_mut().unwrap();
        match dice.of(0..10) {
            0..5 => {
                let channel = any_channel(dice);
                if self.channels.insert(channel.clone()) {
                    join(client, &self.user, &channel);
                }
            }
            5..8 => {
                if let Some(channel) = self.channels.pop_first() {
                    client.unsubscribe(&channel);
                }
            }
            _ => {
                if let Some(client) = self.client.take() {
                    client.leave();
                }
                self.channels.clear();
            }
        }
    }

    fn connect(&mut self, stage: &Stage, dice: &mut Dice, silent: [bool; NODES]) {
        self.node = dice.below(NODES);
        while silent[self.node] {
            self.node = (self.node + 1) % NODES;
        }
        self.client = Some(stage.cluster[self.node].connect());
    }
}

fn any_channel(dice: &mut Dice) -> String {
    let room = dice.of(0..12);
    if dice.once_in(3) { format!("lobby-{room}") } else { format!("presence-room-{room}") }
}
