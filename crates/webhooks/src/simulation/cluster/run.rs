//! One life of a cluster: every node is driven as its shell would, in time that only passes here.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, BTreeSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;

use super::court::{Court, Sight};
use super::node::{Desk, Job, Node, State};
use super::records::{LEASE_MS, Records};
use crate::engine::{Answered, Engine, Overheard};
use crate::feed::decode;
use crate::feed::feeder::{FeedRules, Feeder};
use crate::ids::EndpointId;
use crate::node::{NodeId, NodeState};
use crate::outbox::{Found, Outbox, Step};
use crate::sabotage::{Sabotage, sabotaged};
use crate::simulation::chance::Chance;
use crate::simulation::disk::Disk;
use crate::simulation::laws::{Law, Lawful};
use crate::simulation::plan::Plan;
use crate::simulation::receivers::{Mood, Receiver};
use crate::simulation::world::World;
use crate::turn::Dispatch;

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
    agenda: BTreeMap<(u64, u64), (usize, u64, Act)>,
    acts: u64,
    last_id: u64,
    feed_rules: FeedRules,
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
    Listens { run: u64, roll: Vec<(NodeId, NodeState)> },
    /// The store is done with the job of the desk.
    Kept { run: u64 },
    /// A POST of the desk ends.
    Ends { run: u64, answered: Box<Answered> },
    /// It hears of what people have written down.
    Configured,
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
/// How long the calm may take.
const CALM_MS: u64 = 24 * 3_600_000;
const LISTEN_MS: u64 = 200;
/// Rows that the desk reads at once.
const ROWS: usize = 3;

impl Run {
    pub(super) fn new(seed: u64, is_traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut plan = Plan::new(&mut chance);
        plan.retention = None;
        plan.delivery.disable_after_ms = u64::MAX / 2;
        plan.trouble.overflow = chance.one_in(6);
        if !plan.trouble.overflow {
            plan.delivery.pending_bytes_max = 64 << 20;
        }
        let switched: Vec<AppId> = if plan.trouble.people {
            plan.apps[1..].iter().map(|app| app.id.clone()).collect()
        } else {
            Vec::new()
        };
        let well = || Receiver { mood: Mood::Well };
        let waiting_bytes_max = chance.pick(&[64 << 20, 64 << 20, 3_000]);
        let count = chance.between(2, 4) as usize;
        let mut run = Self {
            now_ms: BEGIN_MS,
            records: Records::new(Disk::with(&plan.endpoints)),
            is_store_well: true,
            nodes: Vec::new(),
            whereabouts: vec![0; 8 * plan.apps.len()],
            receivers: plan.endpoints.iter().map(|row| (row.id.clone(), well())).collect(),
            apps: plan.apps.iter().map(|app| app.id.clone()).collect(),
            agenda: BTreeMap::new(),
            acts: 0,
            last_id: 0,
            feed_rules: FeedRules { row_bytes_max: 600, waiting_bytes_max },
            court: Court::new(&plan, &switched),
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

    fn new_node(&mut self, at: usize) -> Node {
        let mut world = World::new(&self.plan);
        world.said = at as u64 * 1_000_000;
        Node {
            id: NodeId::of(0),
            process: 0,
            world,
            feeder: Feeder::new(self.feed_rules),
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
    fn start(&mut self, at: usize) {
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
    fn join(&mut self, at: usize) {
        self.last_id += 1;
        let node = &mut self.nodes[at];
        node.id = NodeId::of(self.last_id);
        node.known_run = None;
        node.lease_ms = self.now_ms + LEASE_MS;
        self.records.join(self.now_ms, node.id);
    }

    fn apps_with_endpoints(&self) -> BTreeSet<AppId> {
        let rows = self.records.disk.endpoints.values().map(|row| row.app.clone());
        rows.filter(|app| self.apps.contains(app)).collect()
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
        let is_of_the_node = !matches!(act, Act::Arrives(_) | Act::Starts);
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
            Act::Listens { run, roll } => self.listens(at, run, roll),
            Act::Kept { run } => return self.keeps(at, run),
            Act::Ends { run, answered } => self.ends(at, run, *answered),
            Act::Configured => self.configure(at),
            Act::Arrives(client) => self.arrives(client),
            Act::SentAway(client) => self.departs(client, true),
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
        Ok(())
    }

    /// How long the store takes.
    fn store_ms(&mut self) -> u64 {
        if self.is_store_well { self.chance.between(1, 15) } else { self.chance.between(5, 2_000) }
    }

    /// Whether the store does what a node asks.
    fn store_answers(&mut self, at: usize) -> bool {
        self.nodes[at].reaches_store(self.now_ms) && (self.is_store_well || !self.chance.one_in(4))
    }

    fn drive_feed(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if let Some(run) = node.known_run.filter(|run| node.feeder.wants_retelling(*run)) {
            node.feeder.begin_retelling(run);
            let clock_ms = node.clock(self.now_ms);
            for app in &node.wanted {
                let facts = node.world.retells(clock_ms, app);
                for fact in facts.into_iter().chain(node.world.counts(clock_ms, app)) {
                    node.feeder.take(fact, false);
                }
            }
            node.feeder.end_retelling();
        }
        let clock_ms = node.clock(self.now_ms);
        if node.is_appending {
            return;
        }
        if node.feeder.row(clock_ms).is_none() {
            return;
        }
        node.is_appending = true;
        let takes_ms = self.store_ms();
        self.later(at, takes_ms, Act::Appended);
    }

    fn appended(&mut self, at: usize) {
        let answers = self.store_answers(at);
        // It may arrive although nobody says so.
        let arrives =
            self.nodes[at].reaches_store(self.now_ms) && (answers || self.chance.one_in(2));
        let (id, clock_ms) = (self.nodes[at].id, self.nodes[at].clock(self.now_ms));
        let row = self.nodes[at].feeder.row(clock_ms);
        let Some((n, body)) = row.map(|(n, body)| (n, body.to_vec())) else {
            self.nodes[at].is_appending = false;
            return;
        };
        if arrives && self.records.append(self.now_ms, id, n, &body) {
            let row = decode(&body).unwrap();
            self.trace(|| format!("node {id} says {n}: {row:?}"));
            self.court.appended(id, n, &row);
            if answers {
                self.nodes[at].feeder.kept();
                self.nodes[at].is_appending = false;
                return;
            }
        }
        self.nodes[at].feeder.failed();
        let again_ms = self.chance.between(100, 2_000);
        self.later(at, again_ms, Act::Appended);
    }

    /// A node says that it lives, looks who has the desk, and takes it if nobody has.
    fn beats(&mut self, at: usize) -> Lawful {
        let is_soon = self.nodes[at].known_run.is_none();
        let next_ms = if is_soon { 500 } else { self.chance.between(800, 1_200) };
        self.later(at, next_ms, Act::Beats);
        if !self.store_answers(at) {
            return Ok(());
        }
        let id = self.nodes[at].id;
        if !self.records.beat(self.now_ms, id) {
            self.becomes_another(at);
            return Ok(());
        }
        self.nodes[at].lease_ms = self.now_ms + LEASE_MS;
        self.nodes[at].known_run = Some(self.records.run).filter(|run| *run > 0);
        self.nodes[at].feeder.answered();
        let heard = self.records.heard(id);
        self.let_in(at, heard)?;
        let may_take = self.nodes[at].state == State::Up && self.nodes[at].desk.is_none();
        if may_take && let Some(run) = self.records.take(self.now_ms, id) {
            self.take_desk(at, run);
        }
        Ok(())
    }

    /// Who waited finds kept what was told of its channel.
    fn let_in(&mut self, at: usize, heard: u64) -> Lawful {
        for (app, channel) in self.nodes[at].feeder.heard(heard) {
            let name = (app, channel.as_str().to_owned(), None);
            let is_told = self.records.disk.announced.contains_key(&name);
            let is_here = self.nodes[at].world.here().contains(&name);
            let is_wanted = self.nodes[at].wanted.contains(&name.0);
            let is_so = is_told || !is_here || !is_wanted || self.plan.trouble.overflow;
            Law::Committed.holds(is_so, || format!("let in before {name:?} was kept"))?;
        }
        Ok(())
    }

    /// A node has lost its lease: it begins again as another one, and its clients stay.
    fn becomes_another(&mut self, at: usize) {
        self.trace(|| format!("node {} has lost its lease", self.nodes[at].id));
        let id = self.nodes[at].id;
        self.court.lost(id);
        self.nodes[at].desk = None;
        self.nodes[at].feeder.begin_anew();
        self.join(at);
    }

    fn take_desk(&mut self, at: usize, run: u64) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let mut engine = Engine::new(self.plan.settle, self.plan.delivery, self.chance.roll());
        let disk = &mut self.records.disk;
        let remains = disk.recover(&mut |announced| engine.told_before(announced)).unwrap();
        let rows = disk.endpoints.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        engine.begin(clock_ms, remains, rows, &batching, Vec::new());
        let roll = self.records.roll(self.now_ms);
        engine.begin_hearing(clock_ms, self.nodes[at].id, &roll);
        self.trace(|| format!("node {} takes the desk, run {run}; {roll:?}", self.nodes[at].id));
        self.court.began(&self.records);
        self.nodes[at].desk = Some(Desk {
            run,
            engine,
            job: None,
            is_listening: false,
            next_listen_ms: self.now_ms,
            is_parking: false,
            under_way: 0,
        });
        self.later(at, 1, Act::Configured);
    }

    fn drive_desk(&mut self, at: usize) -> Lawful {
        let (now_ms, clock_ms) = (self.now_ms, self.nodes[at].clock(self.now_ms));
        let Some(desk) = self.nodes[at].desk.as_mut() else { return Ok(()) };
        let run = desk.run;
        if !desk.is_listening && now_ms >= desk.next_listen_ms && desk.engine.has_room() {
            desk.is_listening = true;
            self.later(at, 1, Act::Calls { run });
        }
        let Some(desk) = self.nodes[at].desk.as_mut() else { return Ok(()) };
        let orders = desk.engine.orders(clock_ms);
        let is_parking = desk.is_parking;
        if let Some((transaction, reads)) = orders.job {
            self.trace(|| format!("desk {run}: {transaction:?} {reads:?}"));
            if let Some(desk) = self.nodes[at].desk.as_mut() {
                desk.job = Some(Job { ordered_ms: now_ms, transaction, reads });
            }
            let takes_ms = self.store_ms();
            self.later(at, takes_ms, Act::Kept { run });
        }
        for notice in &orders.notices {
            if run == self.records.run {
                let (court, sight) = self.court(clock_ms);
                court.noticed(sight, notice)?;
            }
        }
        for dispatch in orders.posts.iter().filter(|_| !is_parking) {
            self.post(at, run, dispatch)?;
        }
        Ok(())
    }

    fn court(&mut self, desk_ms: u64) -> (&mut Court, Sight<'_>) {
        let (now_ms, records, plan) = (self.now_ms, &self.records, &self.plan);
        (&mut self.court, Sight { now_ms, desk_ms, records, plan })
    }

    /// The fence is asked, then the receiver is called.
    fn post(&mut self, at: usize, run: u64, dispatch: &Dispatch) -> Lawful {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let may_send = self.now_ms < self.nodes[at].lease_ms || sabotaged(Sabotage::FencedSends);
        if !may_send {
            return Ok(());
        }
        self.trace(|| format!("desk {run}: {dispatch:?}"));
        let (court, sight) = self.court(clock_ms);
        court.dispatched(sight, run, dispatch)?;
        let Some(receiver) = self.receivers.get(&dispatch.endpoint.id) else { return Ok(()) };
        let reply = receiver.receive(&dispatch.batch.events, &mut self.chance);
        if reply.is_accepted {
            let (court, sight) = self.court(clock_ms);
            court.accepted(sight, dispatch);
        }
        let answered = Box::new(Answered {
            endpoint: dispatch.endpoint.id.clone(),
            lane: dispatch.batch.lane,
            batch: dispatch.batch.id,
            at_ms: clock_ms,
            answer: reply.answer,
        });
        if let Some(desk) = self.nodes[at].desk.as_mut() {
            desk.under_way += 1;
        }
        self.later(at, reply.after_ms, Act::Ends { run, answered });
        Ok(())
    }

    /// The desk with a number, if a node has it.
    pub(super) fn desk(&mut self, at: usize, run: u64) -> Option<&mut Desk> {
        self.nodes[at].desk.as_mut().filter(|desk| desk.run == run)
    }

    fn ends(&mut self, at: usize, run: u64, answered: Answered) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let is_current = run == self.records.run;
        let Some(desk) = self.nodes[at].desk.as_mut().filter(|desk| desk.run == run) else {
            return;
        };
        desk.under_way -= 1;
        if is_current {
            self.court.answered(clock_ms, &answered);
        }
        desk.engine.answered(clock_ms, answered);
    }

    /// The desk asks how the nodes are; what they have said it reads a little later.
    fn calls(&mut self, at: usize, run: u64) {
        let roll = self.records.roll(self.now_ms);
        let after_ms = self.chance.between(0, 10);
        self.later(at, after_ms, Act::Listens { run, roll });
    }

    fn listens(&mut self, at: usize, run: u64, roll: Vec<(NodeId, NodeState)>) {
        let (now_ms, clock_ms) = (self.now_ms, self.nodes[at].clock(self.now_ms));
        let answers = self.store_answers(at);
        let next_ms = now_ms + self.chance.between(1, LISTEN_MS);
        let Some(desk) = self.nodes[at].desk.as_mut().filter(|desk| desk.run == run) else {
            return;
        };
        desk.is_listening = false;
        desk.next_listen_ms = next_ms;
        if answers {
            let rows = self.records.feeds(&desk.engine.places(), ROWS);
            if sabotaged(Sabotage::ForgottenWhenRead) {
                self.records.forget(&rows);
            }
            if run == self.records.run {
                self.court.hears(&rows);
            }
            let overheard = Overheard { roll, has_more: rows.len() >= ROWS, rows };
            desk.engine.hear(clock_ms, overheard);
        }
        // So that time comes to that.
        self.later(at, next_ms - now_ms, Act::Nothing);
    }

    /// The store is done with the job of a desk, or has failed.
    fn keeps(&mut self, at: usize, run: u64) -> Lawful {
        let answers = self.store_answers(at);
        let arrives =
            self.nodes[at].reaches_store(self.now_ms) && (answers || self.chance.one_in(2));
        let Some(job) = self.desk(at, run).and_then(|desk| desk.job.take()) else { return Ok(()) };
        let kept = if arrives { self.commit(run, &job)? } else { false };
        let clock_ms = self.nodes[at].clock(self.now_ms);
        if kept && answers {
            let read = |(asker, read)| (asker, self.records.disk.read(&read).unwrap());
            let found: Vec<(_, Found)> = job.reads.into_iter().map(read).collect();
            if let Some(desk) = self.desk(at, run) {
                desk.engine.kept(clock_ms, found);
            }
            return Ok(());
        }
        if let Some(desk) = self.desk(at, run) {
            desk.job = Some(job);
        }
        let again_ms = self.chance.between(100, 2_000);
        self.later(at, again_ms, Act::Kept { run });
        Ok(())
    }

    /// Keeps a job's transaction if it comes from the desk.
    fn commit(&mut self, run: u64, job: &Job) -> Lawful<bool> {
        let Some(kept) = self.records.commit(run, &job.transaction)? else { return Ok(false) };
        for step in job.transaction.steps.iter().filter(|_| kept.is_new) {
            if let Step::Append(event) = step {
                let (court, sight) = self.court(0);
                court.announced(sight, job.ordered_ms, event)?;
            }
        }
        for (id, row) in kept.heard {
            let node = self.nodes.iter().find(|node| node.id == id && node.state != State::Down);
            let here = node.map(|node| node.world.here()).unwrap_or_default();
            self.court.heard(id, &row, &here);
        }
        Ok(true)
    }

    /// A node, and the desk if it is there, hear of what people have written down.
    fn configure(&mut self, at: usize) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let rows: Vec<_> = self.records.disk.endpoints.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        if let Some(desk) = self.nodes[at].desk.as_mut() {
            if desk.run == self.records.run {
                let off = rows.iter().filter(|row| !self.apps.contains(&row.app));
                off.for_each(|row| self.court.let_go(row));
            }
            desk.engine.configure(clock_ms, rows, &batching, Vec::new());
        }
        let after = self.apps_with_endpoints();
        let node = &mut self.nodes[at];
        let before = std::mem::replace(&mut node.wanted, after.clone());
        for app in before.difference(&after) {
            self.court.forgotten(node.id, app);
            node.feeder.anew(app.clone());
        }
        for app in after.difference(&before) {
            node.feeder.anew(app.clone());
            let facts = node.world.retells(clock_ms, app);
            for fact in facts.into_iter().chain(node.world.counts(clock_ms, app)) {
                node.feeder.take(fact, true);
            }
        }
    }

    /// Something has happened on a node.
    pub(super) fn happen(&mut self, at: usize, facts: Vec<Fact>) {
        for fact in facts {
            let node = &mut self.nodes[at];
            if !node.wanted.contains(&fact.app) {
                continue;
            }
            let is_first = matches!(fact.what, What::Occupied);
            let name = (fact.app.clone(), fact.channel.clone());
            node.feeder.take(fact, false);
            if is_first && self.chance.one_in(4) {
                node.feeder.hold(name);
            }
        }
    }

    /// A node is gone, at once. What its desk had on its way may have arrived.
    pub(super) fn crash(&mut self, at: usize) -> Lawful {
        let id = self.nodes[at].id;
        self.trace(|| format!("node {id} crashes"));
        if let Some(desk) = self.nodes[at].desk.take()
            && let Some(job) = desk.job.filter(|_| self.chance.one_in(2))
            && self.nodes[at].reaches_store(self.now_ms)
        {
            self.commit(desk.run, &job)?;
        }
        self.court.lost(id);
        self.stops(at);
        Ok(())
    }

    fn stops(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.process += 1;
        (node.state, node.desk) = (State::Down, None);
        (node.frozen_ms, node.cut_off_ms) = (0, 0);
        node.world.crashes();
    }

    /// A desk that sends nothing new ends once nothing is on its way.
    fn hands_over(&mut self, at: usize) {
        let Some(desk) = self.nodes[at].desk.as_ref() else { return };
        if desk.job.is_some() || desk.under_way > 0 {
            self.later(at, 50, Act::HandsOver);
            return;
        }
        self.trace(|| format!("node {} hands the desk over", self.nodes[at].id));
        self.nodes[at].desk = None;
        self.records.release(self.nodes[at].id);
    }

    /// A node that drains ends, if all it had to say is said and its desk has nothing on its way.
    fn leaves(&mut self, at: usize, down_ms: u64) {
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

    pub(super) fn clock_of(&self, at: usize) -> u64 {
        self.nodes[at].clock(self.now_ms)
    }

    /// Everybody is well and time passes, until nothing is left to do.
    pub(super) fn calm(&mut self) -> Lawful {
        self.trace(|| "calm".into());
        self.is_store_well = true;
        for receiver in self.receivers.values_mut() {
            receiver.mood = Mood::Well;
        }
        for at in 0..self.nodes.len() {
            self.nodes[at].frozen_ms = 0;
            self.nodes[at].cut_off_ms = 0;
            if self.nodes[at].state == State::Down {
                self.start(at);
            }
            self.later(at, 1, Act::Configured);
        }
        // Longer than every lease, grace and return.
        self.pass(90_000)?;
        self.everybody_is_counted();
        self.drive()?;
        let end_ms = self.now_ms + CALM_MS;
        while self.now_ms < end_ms && !self.is_done() {
            self.pass(10_000)?;
        }
        Law::Rest.holds(self.is_done(), || "it never rests".into())?;
        self.pass(20_000)?;
        self.check_end()
    }

    fn is_done(&self) -> bool {
        let is_quiet = |desk: &Desk| {
            let load = desk.engine.load();
            let nothing = (load.waiting, load.pending_bytes, load.under_way, desk.under_way);
            desk.engine.is_quiet() && nothing == (0, 0, 0, 0) && load.oldest_ms.is_none()
        };
        let mut desks = self.nodes.iter().filter_map(|node| node.desk.as_ref());
        desks.all(is_quiet) && !self.records.has_rows()
    }

    fn check_end(&mut self) -> Lawful {
        let desk_ms = self.nodes.iter().find(|node| node.desk.is_some());
        let desk_ms = desk_ms.map_or(self.now_ms, |node| node.clock(self.now_ms));
        let worlds: Vec<&World> = self.nodes.iter().map(|node| &node.world).collect();
        let mut counted = BTreeMap::new();
        for fact in worlds
            .iter()
            .flat_map(|world| self.plan.apps.iter().flat_map(|app| world.counts(0, &app.id)))
        {
            let What::SubscriptionCount(count) = fact.what else { continue };
            *counted.entry((fact.app, fact.channel.as_str().to_owned())).or_default() += count;
        }
        let sight =
            Sight { now_ms: self.now_ms, desk_ms, records: &self.records, plan: &self.plan };
        self.court.check_end(sight, &worlds, &self.apps_with_endpoints(), &counted)
    }

    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{:>9} {}", self.now_ms - BEGIN_MS, what());
        }
    }
}

/// Whether an app wants batches; nothing if it is switched off.
fn batching(plan: &Plan, apps: &BTreeSet<AppId>, id: &AppId) -> Option<bool> {
    let app = plan.apps.iter().find(|app| app.id == *id)?;
    apps.contains(id).then_some(app.batching)
}
