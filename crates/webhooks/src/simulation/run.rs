//! One life of the engine: it is handed what happens and does what it orders, as the service does
//! it, in time that only passes here.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_hub::Fact;
use bellwire_protocol::AppId;

use super::agenda::{Act, Agenda};
use super::chance::Chance;
use super::court::{Court, Sight};
use super::disk::Disk;
use super::laws::{Law, Lawful};
use super::orders::{DiskMood, Job};
use super::people::People;
use super::plan::Plan;
use super::receivers::{Mood, Receiver};
use super::world::World;
use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::ids::EndpointId;
use crate::outbox::Outbox;

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    pub(super) now_ms: u64,
    pub(super) engine: Engine,
    pub(super) disk: Disk,
    pub(super) disk_mood: DiskMood,
    pub(super) world: World,
    pub(super) receivers: BTreeMap<EndpointId, Receiver>,
    /// Apps that are switched on.
    pub(super) apps: BTreeSet<AppId>,
    /// Apps of which the engine hears.
    wanted: BTreeSet<AppId>,
    pub(super) agenda: Agenda,
    /// Replays that people have asked for.
    pub(super) asked: u64,
    pub(super) job: Option<Job>,
    pub(super) court: Court,
    is_traced: bool,
}

/// When every life begins.
const BEGIN_MS: u64 = 1_700_000_000_000;
/// How long the calm may take: a replay or a window of hours is over by then.
const CALM_MS: u64 = 24 * 3_600_000;

impl Run {
    pub(super) fn new(seed: u64, is_traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::new(&mut chance);
        let well = || Receiver { mood: Mood::Well };
        let mut run = Self {
            engine: Engine::new(plan.settle, plan.delivery, chance.roll()),
            now_ms: BEGIN_MS,
            disk: Disk::with(&plan.endpoints),
            disk_mood: DiskMood::Well,
            world: World::new(&plan),
            receivers: plan.endpoints.iter().map(|row| (row.id.clone(), well())).collect(),
            apps: plan.apps.iter().map(|app| app.id.clone()).collect(),
            wanted: BTreeSet::new(),
            agenda: Agenda::default(),
            asked: 0,
            job: None,
            court: Court::new(&plan),
            is_traced,
            plan,
            chance,
        };
        run.trace(|| format!("{:?}", run.plan));
        run.begin();
        run
    }

    /// An engine takes over what the store has.
    fn begin(&mut self) {
        self.engine = Engine::new(self.plan.settle, self.plan.delivery, self.chance.roll());
        let engine = &mut self.engine;
        let remains = self.disk.recover(&mut |announced| engine.told_before(announced)).unwrap();
        let rows: Vec<Endpoint> = self.disk.endpoints.values().cloned().collect();
        let replays = self.disk.replays.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        engine.begin(self.now_ms, remains, rows, &batching, replays);
        self.wanted = self.engine.wanted().into_iter().collect();
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        self.court.began(sight);
        self.trace(|| "a run begins".into());
    }

    /// The process is gone; `has_arrived` says whether what was on its way to the disk got there.
    pub(super) fn crash(&mut self, has_arrived: bool, down_ms: u64) -> Lawful {
        self.trace(|| format!("crash; the last job has arrived: {has_arrived}"));
        if let Some(job) = self.job.take().filter(|_| has_arrived) {
            self.disk.fails = None;
            self.commit(&job.transaction)?;
        }
        self.agenda.crash();
        self.world.crashes();
        self.now_ms += down_ms;
        self.begin();
        self.obey()
    }

    /// The server goes down.
    pub(super) fn close(&mut self) {
        self.trace(|| "closing".into());
        self.engine.close();
        self.court.closing(self.now_ms);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// The engine hears of facts, if it wants to.
    pub(super) fn happen(&mut self, facts: Vec<Fact>) -> Lawful {
        self.tell(facts, false);
        self.obey()
    }

    fn tell(&mut self, facts: Vec<Fact>, quietly: bool) {
        for fact in facts {
            if self.wanted.contains(&fact.app) {
                self.trace(|| format!("quietly {quietly}: {fact:?}"));
                self.court.told(&fact, quietly);
                self.engine.take(self.now_ms, fact, quietly);
            }
        }
    }

    /// Something will happen.
    pub(super) fn later(&mut self, after_ms: u64, act: Act) {
        self.agenda.add(self.now_ms + after_ms, act);
    }

    /// When something happens next.
    fn next_ms(&self) -> Option<u64> {
        let act = self.agenda.next_ms();
        // What the engine wants kept has to wait for the store.
        let engine = self.engine.next_ms().filter(|_| self.job.is_none());
        [act, engine].into_iter().flatten().min()
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, ms: u64) -> Lawful {
        let to_ms = self.now_ms + ms;
        while let Some(next_ms) = self.next_ms().filter(|next_ms| *next_ms <= to_ms) {
            self.now_ms = self.now_ms.max(next_ms);
            match self.agenda.due(self.now_ms) {
                Some(act) => self.act_on(act)?,
                None => self.court.woke(self.now_ms)?,
            }
            self.obey()?;
        }
        self.now_ms = to_ms;
        Ok(())
    }

    /// Does what happens, and perhaps more that happens at the same time, before the engine is
    /// asked.
    fn act_on(&mut self, first: Act) -> Lawful {
        let mut next = Some(first);
        while let Some(act) = next {
            self.act(act)?;
            next = if self.chance.one_in(4) { None } else { self.agenda.due(self.now_ms) };
        }
        Ok(())
    }

    fn act(&mut self, act: Act) -> Lawful {
        match act {
            Act::Kept => self.keep()?,
            Act::Ends(answered) => {
                self.trace(|| format!("{answered:?}"));
                self.court.answered(self.now_ms, &answered);
                self.engine.answered(self.now_ms, *answered);
            }
            Act::Arrives(client) => {
                let facts = self.world.arrives(self.now_ms, client);
                self.tell(facts, false);
            }
            Act::Configured => self.configure(),
            Act::Switched(endpoint, on) => {
                self.disk.set_enabled(&endpoint, on, self.now_ms);
                self.configure();
            }
        }
        Ok(())
    }

    /// The engine hears of what people have written down.
    fn configure(&mut self) {
        let rows: Vec<Endpoint> = self.disk.endpoints.values().cloned().collect();
        let replays = self.disk.replays.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        let new = self.engine.configure(self.now_ms, rows, &batching, replays);
        self.trace(|| format!("configured; new: {new:?}"));
        let wanted: BTreeSet<AppId> = self.engine.wanted().into_iter().collect();
        for app in self.wanted.difference(&wanted) {
            self.court.forgotten(self.now_ms, app);
        }
        self.wanted = wanted;
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        self.court.configured(sight);
        for app in new {
            let facts = self.world.retells(self.now_ms, &app);
            self.tell(facts, true);
        }
    }

    /// Everybody is well and time passes, until the engine rests.
    pub(super) fn calm(&mut self) -> Lawful {
        self.trace(|| "calm".into());
        self.disk_mood = DiskMood::Well;
        for receiver in self.receivers.values_mut() {
            receiver.mood = Mood::Well;
        }
        self.later(1, Act::Configured);
        let end_ms = self.now_ms + CALM_MS;
        while let Some(next_ms) = self.next_ms() {
            let is_soon = next_ms < end_ms;
            Law::Rest.holds(is_soon, || format!("it never rests: {:?}", self.engine.load()))?;
            self.pass(next_ms.saturating_sub(self.now_ms))?;
        }
        let is_wanted = |app: &str| self.wanted.contains(app);
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        self.court.check_end(sight, &self.engine, &self.world, is_wanted)
    }

    /// People, and what is within their reach.
    pub(super) fn people(&mut self) -> People<'_> {
        let Self { plan, chance, disk, receivers, apps, asked, .. } = self;
        People { now_ms: self.now_ms, plan, chance, disk, receivers, apps, asked }
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
