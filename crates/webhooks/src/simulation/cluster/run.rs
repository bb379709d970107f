//! One life of a cluster: every node is driven as its shell would, in time that only passes here.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use bellwire_protocol::AppId;

use super::court::Court;
use super::node::{Node, State};
use super::records::{LEASE_MS, Records};
use crate::engine::Answered;
use crate::feed::feeder::{FeedRules, Feeder};
use crate::ids::EndpointId;
use crate::node::{NodeId, NodeState};
use crate::simulation::chance::Chance;
use crate::simulation::disk::Disk;
use crate::simulation::laws::Lawful;
use crate::simulation::people::People;
use crate::simulation::plan::Plan;
use crate::simulation::receivers::{Mood, Receiver};
use crate::simulation::world::World;

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    pub(super) now_ms: u64,
    pub(super) records: Records,
    /// Whether the store is slow or fails now and then.
    pub(super) is_store_well: bool,
    pub(super) nodes: Vec<Node>,
    /// On which node each client is, or was last.
    pub(super) whereabouts: Vec<usize>,
    pub(super) receivers: BTreeMap<EndpointId, Receiver>,
    /// Apps that are switched on.
    pub(super) apps: BTreeSet<AppId>,
    /// Replays that people have asked for.
    asked: u64,
    pub(super) agenda: BTreeMap<(u64, u64), (usize, u64, Act)>,
    acts: u64,
    last_id: u64,
    pub(super) feed_rules: FeedRules,
    pub(super) court: Court,
    is_traced: bool,
}

/// Something that will happen on a node.
#[derive(Debug)]
pub(super) enum Act {
    /// The store has what was appended, or not.
    Appended,
    /// It lives on, and looks who has the desk.
    Beats,
    /// The desk looks how the nodes are.
    Calls { run: u64 },
    /// The desk reads the feeds.
    Listens { run: u64, asked_ms: u64, roll: Vec<(NodeId, NodeState)> },
    /// The store is done with the job of the desk.
    Kept { run: u64 },
    /// A POST of the desk ends.
    Ends { run: u64, answered: Box<Answered> },
    /// It hears of what people have written down.
    Configured,
    /// Somebody disables or enables an endpoint.
    Switched(EndpointId, bool),
    /// A client comes, wherever it can.
    Arrives(usize),
    /// A client is gone: the node drains.
    SentAway(usize),
    /// It starts again.
    Starts,
    /// It drains, and its desk is given up as soon as it has nothing on its way.
    HandsOver,
    /// Whoever is still there is sent away.
    Empties,
    /// It has drained, and ends for so long.
    Leaves { down_ms: u64 },
    /// Time has come for something.
    Nothing,
}

/// When every life begins.
const BEGIN_MS: u64 = 1_700_000_000_000;

impl Run {
    pub(super) fn new(seed: u64, is_traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut plan = Plan::new(&mut chance);
        plan.trouble.overflow = chance.one_in(6);
        if !plan.trouble.overflow {
            plan.delivery.pending_bytes_max = 64 << 20;
        }
        let well = || Receiver { mood: Mood::Well };
        let waiting_bytes_max = chance.pick(&[64 << 20, 2_000]);
        let count = chance.between(2, 4) as usize;
        let mut run = Self {
            now_ms: BEGIN_MS,
            records: Records::new(Disk::with(&plan.endpoints)),
            is_store_well: true,
            nodes: Vec::new(),
            whereabouts: vec![0; 8 * plan.apps.len()],
            receivers: plan.endpoints.iter().map(|row| (row.id.clone(), well())).collect(),
            apps: plan.apps.iter().map(|app| app.id.clone()).collect(),
            asked: 0,
            agenda: BTreeMap::new(),
            acts: 0,
            last_id: 0,
            feed_rules: FeedRules { row_bytes_max: 600, waiting_bytes_max },
            court: Court::new(&plan),
            is_traced,
            plan,
            chance,
        };
        run.trace(|| format!("{:?}", run.plan));
        for at in 0..count {
            let node = run.new_node(at);
            run.nodes.push(node);
            run.start(at);
        }
        run
    }

    pub(super) fn new_node(&mut self, at: usize) -> Node {
        let mut world = World::new(&self.plan);
        world.said = at as u64 * 1_000_000;
        Node {
            id: NodeId::of(0),
            process: 0,
            world,
            feeder: Feeder::new(self.feed_rules),
            lives: HashMap::new(),
            wanted: BTreeSet::new(),
            ahead_ms: self.chance.pick(&[0, 0, 3, 900, 60_000, 400_000]),
            lease_ms: 0,
            known_run: None,
            is_appending: false,
            state: State::Down,
            frozen_ms: 0,
            cut_off_ms: 0,
            desk: None,
        }
    }

    /// A node starts.
    pub(super) fn start(&mut self, at: usize) {
        self.nodes[at].state = State::Up;
        self.nodes[at].process += 1;
        self.nodes[at].feeder = Feeder::new(self.feed_rules);
        self.nodes[at].wanted = self.apps_with_endpoints();
        self.nodes[at].is_appending = false;
        self.join(at);
        self.trace(|| format!("node {at} starts as {}", self.nodes[at].id));
        self.later(at, 1, Act::Beats);
    }

    /// A node is on the roll with a new name.
    pub(super) fn join(&mut self, at: usize) {
        self.last_id += 1;
        let node = &mut self.nodes[at];
        node.id = NodeId::of(self.last_id);
        node.known_run = None;
        node.lease_ms = self.now_ms + LEASE_MS;
        self.records.join(self.now_ms, node.id);
    }

    /// Something will happen on a node.
    pub(super) fn later(&mut self, at: usize, after_ms: u64, act: Act) {
        self.acts += 1;
        let process = self.nodes[at].process;
        self.agenda.insert((self.now_ms + after_ms, self.acts), (at, process, act));
    }

    /// When something happens next.
    fn next_ms(&self) -> Option<u64> {
        let act = self.agenda.first_key_value().map(|((at_ms, _), _)| *at_ms);
        let desk = self.nodes.iter().filter_map(|node| {
            let desk = node.desk.as_ref().filter(|desk| desk.job.is_none())?;
            let next_ms = desk.engine.next_ms()?.saturating_sub(node.ahead_ms);
            Some(next_ms.max(node.frozen_ms).max(self.now_ms))
        });
        desk.chain(act).min()
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, ms: u64) -> Lawful {
        let to_ms = self.now_ms + ms;
        while let Some(next_ms) = self.next_ms().filter(|next_ms| *next_ms <= to_ms) {
            self.now_ms = self.now_ms.max(next_ms);
            let first = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now_ms);
            if let Some((at, process, act)) = first.map(OccupiedEntry::remove) {
                self.act_on(at, process, act)?;
            }
            self.drive()?;
        }
        self.now_ms = to_ms;
        Ok(())
    }

    fn act_on(&mut self, at: usize, process: u64, act: Act) -> Lawful {
        let (node, now_ms) = (&self.nodes[at], self.now_ms);
        if matches!(act, Act::Starts) && node.state != State::Down {
            return Ok(());
        }
        let is_of_the_node = !matches!(act, Act::Arrives(_) | Act::Starts | Act::Switched(..));
        if is_of_the_node && (node.process != process || node.state == State::Down) {
            return Ok(());
        }
        if is_of_the_node && node.frozen_ms > now_ms {
            let after_ms = node.frozen_ms - now_ms;
            self.later(at, after_ms, act);
            return Ok(());
        }
        match act {
            Act::Appended => self.appended(at),
            Act::Beats => return self.beats(at),
            Act::Calls { run } => self.calls(at, run),
            Act::Listens { run, asked_ms, roll } => self.listens(at, run, asked_ms, roll),
            Act::Kept { run } => return self.keeps(at, run),
            Act::Ends { run, answered } => self.ends(at, run, *answered),
            Act::Configured => self.configure(at),
            Act::Switched(endpoint, on) => {
                self.records.disk.set_enabled(&endpoint, on, self.now_ms);
                self.tell_all();
            }
            Act::Arrives(client) => self.arrives(client),
            Act::SentAway(client) if self.whereabouts[client] == at => self.departs(client, true),
            Act::SentAway(_) => {}
            Act::Starts => self.start(at),
            Act::HandsOver => self.hands_over(at),
            Act::Empties => self.empties(at),
            Act::Leaves { down_ms } => self.leaves(at, down_ms),
            Act::Nothing => {}
        }
        Ok(())
    }

    /// Lets every node do what is to be done.
    pub(super) fn drive(&mut self) -> Lawful {
        for at in 0..self.nodes.len() {
            if self.nodes[at].is_running(self.now_ms) {
                self.drive_feed(at);
                self.drive_desk(at)?;
            }
        }
        self.look_at_desk()
    }

    /// How long the store takes.
    pub(super) fn store_ms(&mut self) -> u64 {
        if self.is_store_well { self.chance.between(1, 15) } else { self.chance.between(5, 2_000) }
    }

    /// Whether the store does what a node asks.
    pub(super) fn store_answers(&mut self, at: usize) -> bool {
        self.nodes[at].reaches_store(self.now_ms) && (self.is_store_well || !self.chance.one_in(4))
    }

    /// A node is gone, at once. What its desk had on its way may have arrived.
    pub(super) fn crash(&mut self, at: usize) -> Lawful {
        let id = self.nodes[at].id;
        self.trace(|| format!("node {id} crashes"));
        if let Some(desk) = self.nodes[at].desk.take()
            && let Some(job) = desk.job.filter(|_| self.chance.one_in(2))
            && self.nodes[at].reaches_store(self.now_ms)
        {
            self.commit(at, desk.run, &job)?;
        }
        self.court.lost(id);
        self.stops(at);
        Ok(())
    }

    pub(super) fn stops(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.process += 1;
        (node.state, node.desk) = (State::Down, None);
        (node.frozen_ms, node.cut_off_ms) = (0, 0);
        node.world.crashes();
    }

    /// A node that drains ends, if all it had to say is said and its desk has nothing on its way.
    pub(super) fn leaves(&mut self, at: usize, down_ms: u64) {
        let is_busy = self.nodes[at].feeder.has_more() || self.nodes[at].desk.is_some();
        let id = self.nodes[at].id;
        if is_busy || !self.nodes[at].world.here().is_empty() {
            self.empties(at);
            self.later(at, 500, Act::Leaves { down_ms });
            return;
        }
        self.trace(|| format!("node {id} leaves"));
        self.records.leave(id);
        self.stops(at);
        self.later(at, down_ms, Act::Starts);
    }

    /// People, and what is within their reach.
    pub(super) fn people(&mut self) -> People<'_> {
        let Self { plan, chance, records, receivers, apps, asked, .. } = self;
        let disk = &mut records.disk;
        People { now_ms: self.now_ms, plan, chance, disk, receivers, apps, asked }
    }

    /// Every node will hear of what people have written down.
    pub(super) fn tell_all(&mut self) {
        for at in 0..self.nodes.len() {
            let later_ms = self.chance.between(1, 1_000);
            self.later(at, later_ms, Act::Configured);
        }
    }

    pub(super) fn clock_of(&self, at: usize) -> u64 {
        self.nodes[at].clock(self.now_ms)
    }

    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{:>9} {}", self.now_ms - BEGIN_MS, what());
        }
    }
}

/// Whether an app wants batches; nothing if it is switched off.
pub(super) fn batching(plan: &Plan, apps: &BTreeSet<AppId>, id: &AppId) -> Option<bool> {
    let app = plan.apps.iter().find(|app| app.id == *id)?;
    apps.contains(id).then_some(app.batching)
}
