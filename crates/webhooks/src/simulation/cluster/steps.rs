//! What happens to a cluster, by chance: people, moods, and everything that can become of a node.

use bellwire_hub::Fact;

use super::node::State;
use super::run::{Act, Run};
use crate::simulation::laws::Lawful;
use crate::simulation::world::World;

impl Run {
    /// Lives the whole life.
    pub(super) fn live(&mut self) -> Lawful {
        self.pass(2_000)?;
        for client in 0..self.whereabouts.len() {
            if self.chance.one_in(4) {
                continue;
            }
            self.arrives(client);
            for _ in 0..self.chance.between(1, 3) {
                self.toggles(client);
            }
            self.drive()?;
        }
        for _ in 0..self.plan.steps {
            self.step()?;
            self.drive()?;
        }
        self.calm()
    }

    fn step(&mut self) -> Lawful {
        let trouble = self.plan.trouble;
        match self.chance.below(1_000) {
            0..450 => self.people_move(),
            450..700 => return self.while_of(0, 40),
            700..790 => return self.while_of(100, 4_000),
            790..850 => return self.while_of(3_000, 20_000),
            850..880 if trouble.receivers => self.mood_changes(),
            880..900 if trouble.disk => self.is_store_well = self.chance.one_in(2),
            900..920 if trouble.crashes => return self.node_crashes(),
            920..935 if trouble.crashes => self.node_freezes(),
            935..955 if trouble.crashes => self.node_is_cut_off(),
            955..975 => self.node_drains(),
            975..990 if trouble.people => self.change_of_mind(),
            990..995 => self.sweeps(),
            _ => return self.while_of(0, 40),
        }
        Ok(())
    }

    fn while_of(&mut self, first_ms: u64, last_ms: u64) -> Lawful {
        let ms = self.chance.between(first_ms, last_ms);
        self.pass(ms)
    }

    /// Somebody does something.
    fn people_move(&mut self) {
        let client = self.chance.index(self.whereabouts.len());
        match self.chance.below(100) {
            0..15 => self.arrives(client),
            15..35 => self.toggles(client),
            35..50 => {
                // A blip, perhaps to another node.
                self.departs(client, false);
                let back_ms = self.chance.between(0, 2 * self.plan.settle.grace_ms);
                self.later(0, back_ms, Act::Arrives(client));
            }
            50..80 => self.talks(client),
            80..90 => self.crowds(),
            90..95 => self.publishes(),
            _ => self.departs(client, false),
        }
    }

    /// Nodes on which people can do something.
    fn open_nodes(&self) -> Vec<usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(|(_, node)| node.is_running(self.now_ms)).map(|(at, _)| at).collect()
    }

    /// Something changes on a node. `is_sent`: who leaves was told to come back.
    fn change(
        &mut self,
        at: usize,
        is_sent: bool,
        work: impl FnOnce(&mut World, u64) -> Vec<Fact>,
    ) {
        let clock_ms = self.clock_of(at);
        let before = self.nodes[at].world.here();
        let facts = work(&mut self.nodes[at].world, clock_ms);
        let after = self.nodes[at].world.here();
        let rules = self.plan.settle;
        let until_ms = self.now_ms + rules.grace_ms + rules.reconnect_ms;
        let is_live = self.records.is_live(self.now_ms, self.nodes[at].id);
        let returns = (is_sent && is_live).then_some((self.now_ms, until_ms));
        for thing in before.difference(&after) {
            let returns = returns.filter(|_| self.nodes[at].wanted.contains(&thing.0));
            let at_ms = is_live.then_some(self.now_ms);
            self.court.went(self.nodes[at].id, thing, at_ms, returns);
        }
        after.difference(&before).for_each(|thing| self.court.came(thing));
        self.happen(at, facts);
    }

    /// A client comes to some node that takes it.
    pub(super) fn arrives(&mut self, client: usize) {
        let before = self.whereabouts[client];
        let mut nodes = self.open_nodes();
        nodes.retain(|at| self.nodes[*at].state == State::Up);
        if self.nodes[before].world.clients[client].is_here || nodes.is_empty() {
            return;
        }
        let at = self.chance.pick(&nodes);
        if at != before {
            let (low, high) = self.nodes.split_at_mut(at.max(before));
            let (here, there) =
                if at < before { (&mut low[at], &high[0]) } else { (&mut high[0], &low[before]) };
            here.world.knows_from(client, &there.world);
            self.whereabouts[client] = at;
        }
        self.change(at, false, |world, clock_ms| world.arrives(clock_ms, client));
    }

    /// The connection of a client ends.
    pub(super) fn departs(&mut self, client: usize, is_sent: bool) {
        let at = self.whereabouts[client];
        if self.nodes[at].is_running(self.now_ms) {
            let is_sent = is_sent || self.nodes[at].state == State::Draining;
            self.change(at, is_sent, |world, clock_ms| world.departs(clock_ms, client));
        }
    }

    fn toggles(&mut self, client: usize) {
        let at = self.whereabouts[client];
        if !self.nodes[at].is_running(self.now_ms) {
            return;
        }
        let hall = self.nodes[at].world.clients[client].hall;
        let room = self.chance.index(self.nodes[at].world.halls[hall].rooms.len());
        let is_sent = self.nodes[at].state == State::Draining;
        self.change(at, is_sent, |world, clock_ms| world.toggles(clock_ms, client, room));
    }

    fn talks(&mut self, client: usize) {
        let at = self.whereabouts[client];
        if self.nodes[at].is_running(self.now_ms) {
            for _ in 0..self.chance.between(1, 5) {
                self.change(at, false, |world, clock_ms| world.says(clock_ms, client, false));
            }
        }
    }

    fn crowds(&mut self) {
        let nodes = self.open_nodes();
        if nodes.is_empty() {
            return;
        }
        let at = self.chance.pick(&nodes);
        let hall = self.chance.index(self.nodes[at].world.halls.len());
        let room = self.chance.index(self.nodes[at].world.halls[hall].rooms.len());
        let crowd = self.chance.pick(&[0, 1, 60, 99, 101, 110]);
        if self.nodes[at].state == State::Up {
            self.change(at, false, |world, clock_ms| world.crowds(clock_ms, hall, room, crowd));
        }
    }

    fn publishes(&mut self) {
        let nodes = self.open_nodes();
        if nodes.is_empty() {
            return;
        }
        let at = self.chance.pick(&nodes);
        let hall = self.chance.index(self.nodes[at].world.halls.len());
        let room = self.chance.index(self.nodes[at].world.halls[hall].rooms.len());
        self.change(at, false, |world, clock_ms| world.publishes(clock_ms, hall, room));
    }

    /// Every channel that can be counted is, on every node; some by a crowd.
    pub(super) fn everybody_is_counted(&mut self) {
        for at in self.open_nodes() {
            for hall in 0..self.nodes[at].world.halls.len() {
                for room in 0..self.nodes[at].world.halls[hall].rooms.len() {
                    let crowds = if self.chance.one_in(6) { [101, 104] } else { [1, 2] };
                    for crowd in crowds {
                        self.change(at, false, |world, clock_ms| {
                            world.crowds(clock_ms, hall, room, crowd)
                        });
                    }
                }
            }
        }
    }

    fn mood_changes(&mut self) {
        let deed = self.people().mood_changes();
        self.trace(|| deed.what);
    }

    fn change_of_mind(&mut self) {
        let deed = self.people().change_of_mind();
        self.trace(|| deed.what);
        for (after_ms, endpoint, on) in deed.switches {
            self.later(0, after_ms, Act::Switched(endpoint, on));
        }
        self.tell_all();
    }

    fn some_node(&mut self) -> Option<usize> {
        let nodes = self.open_nodes();
        (!nodes.is_empty()).then(|| self.chance.pick(&nodes))
    }

    /// Those on a node, of whom most come back elsewhere.
    fn clients_return(&mut self, at: usize) {
        for client in 0..self.whereabouts.len() {
            let is_here =
                self.whereabouts[client] == at && self.nodes[at].world.clients[client].is_here;
            if is_here && !self.chance.one_in(4) {
                let back_ms = self.chance.between(1, 2 * self.plan.settle.reconnect_ms);
                self.later(0, back_ms, Act::Arrives(client));
            }
        }
    }

    fn node_crashes(&mut self) -> Lawful {
        let Some(at) = self.some_node() else { return Ok(()) };
        self.clients_return(at);
        self.crash(at)?;
        let down_ms = self.chance.pick(&[1, 500, 5_000, 20_000, 100_000]);
        self.later(at, down_ms, Act::Starts);
        Ok(())
    }

    fn node_freezes(&mut self) {
        let Some(at) = self.some_node() else { return };
        let for_ms = self.chance.pick(&[500, 5_000, 14_000, 16_000, 40_000]);
        self.trace(|| format!("node {} freezes for {for_ms}", self.nodes[at].id));
        self.nodes[at].frozen_ms = self.now_ms + for_ms;
    }

    fn node_is_cut_off(&mut self) {
        let Some(at) = self.some_node() else { return };
        let for_ms = self.chance.pick(&[500, 5_000, 14_000, 16_000, 40_000]);
        self.trace(|| format!("node {} is cut off for {for_ms}", self.nodes[at].id));
        self.nodes[at].cut_off_ms = self.now_ms + for_ms;
    }

    /// A node goes down in order: its clients are told to go elsewhere, in time.
    fn node_drains(&mut self) {
        let Some(at) = self.some_node() else { return };
        let reaches = self.nodes[at].reaches_store(self.now_ms);
        let is_live = self.records.is_live(self.now_ms, self.nodes[at].id);
        if self.nodes[at].state != State::Up || !reaches || !is_live {
            return;
        }
        self.trace(|| format!("node {} drains", self.nodes[at].id));
        self.nodes[at].state = State::Draining;
        self.nodes[at].feeder.close();
        self.records.drain(self.nodes[at].id);
        if let Some(desk) = self.nodes[at].desk.as_mut() {
            desk.is_parking = true;
            self.later(at, 1, Act::HandsOver);
        }
        let takes_ms = self.chance.pick(&[100, 5_000]);
        for client in 0..self.whereabouts.len() {
            let is_here =
                self.whereabouts[client] == at && self.nodes[at].world.clients[client].is_here;
            if is_here {
                let goes_ms = self.chance.below(takes_ms);
                self.later(at, goes_ms, Act::SentAway(client));
                let back_ms = goes_ms + self.chance.between(1, self.plan.settle.reconnect_ms);
                self.later(0, back_ms, Act::Arrives(client));
            }
        }
        self.later(at, takes_ms, Act::Empties);
        let down_ms = self.chance.between(takes_ms + 1, 30_000);
        self.later(at, takes_ms + 1, Act::Leaves { down_ms });
    }

    /// Whoever is still on a node that drains is sent away.
    pub(super) fn empties(&mut self, at: usize) {
        for client in 0..self.whereabouts.len() {
            if self.whereabouts[client] == at {
                self.departs(client, true);
            }
        }
        for hall in 0..self.nodes[at].world.halls.len() {
            for room in 0..self.nodes[at].world.halls[hall].rooms.len() {
                self.change(at, true, |world, clock_ms| world.crowds(clock_ms, hall, room, 0));
            }
        }
    }
}
