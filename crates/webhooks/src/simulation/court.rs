//! Who watches a run: it hears of everything and asks every law about it.

use std::collections::BTreeSet;

use bellwire_hub::Fact;
use bellwire_protocol::AppId;

use super::disk::Disk;
use super::laws::{self, Isolation, Law, Lawful, LogLaws, Scene, SendingLaws, Settings};
use super::plan::Plan;
use super::world::World;
use crate::engine::{Answered, Engine};
use crate::outbox::{Step, Transaction};
use crate::turn::{Dispatch, Notice};

/// The court.
#[derive(Debug)]
pub(super) struct Court {
    log: LogLaws,
    sending: SendingLaws,
    isolation: Isolation,
    settings: Settings,
    times: Times,
    /// Until when the store was not well.
    trouble_ms: u64,
    /// How often in a row the engine woke in vain, and since when.
    vain: (u64, u64),
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    /// When this run began.
    began_ms: u64,
    /// When the last job was ordered and when it was done.
    last_job: (u64, u64),
}

/// What the court looks at while it judges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    now_ms: u64,
    disk: &'a Disk,
    plan: &'a Plan,
    /// Apps that are switched on.
    apps: &'a BTreeSet<AppId>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(
        now_ms: u64,
        disk: &'a Disk,
        plan: &'a Plan,
        apps: &'a BTreeSet<AppId>,
    ) -> Self {
        Self { now_ms, disk, plan, apps }
    }
}

impl Court {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            log: LogLaws::new(plan.settle),
            sending: SendingLaws::default(),
            isolation: Isolation::new(plan.endpoints[0].clone()),
            settings: Settings::default(),
            times: Times::default(),
            trouble_ms: 0,
            vain: (0, 0),
        }
    }

    /// An engine begins.
    pub(super) fn began(&mut self, sight: Sight<'_>) {
        self.times.began_ms = sight.now_ms;
        self.log.restarted(sight.now_ms);
        self.configured(sight);
        self.sending.restarted(sight.disk);
    }

    /// The engine is told to close.
    pub(super) fn closing(&mut self, now_ms: u64) {
        self.log.closing(now_ms);
    }

    /// The engine hears of a fact.
    pub(super) fn told(&mut self, fact: &Fact, quietly: bool) {
        self.log.told(fact, quietly);
    }

    /// Nobody wants to hear of an app any more.
    pub(super) fn forgotten(&mut self, now_ms: u64, app: &AppId) {
        self.log.forgotten(now_ms, app);
    }

    /// The engine hears of what people have written down.
    pub(super) fn configured(&mut self, sight: Sight<'_>) {
        let Sight { now_ms, disk, apps, .. } = sight;
        self.sending.configured(&mut self.settings, now_ms, disk, apps);
    }

    /// The engine says something.
    pub(super) fn noticed(&mut self, sight: Sight<'_>, notice: &Notice) -> Lawful {
        self.vain.0 = 0;
        let scene = scene(sight, &self.settings, self.times);
        match notice {
            Notice::GivenUp { batch, reason, .. } => {
                self.sending.given_up(scene, *batch, reason)?;
            }
            Notice::Disabled { endpoint, reason } => {
                if *reason == "failing" {
                    let after_ms = sight.plan.delivery.disable_after_ms;
                    self.sending.health.check_failing(sight.now_ms, after_ms, endpoint)?;
                }
                self.settings.disabled(sight.now_ms, endpoint);
                self.sending.let_go(endpoint);
            }
            _ => {}
        }
        Ok(())
    }

    /// The engine orders a transaction.
    pub(super) fn ordered(&mut self, transaction: &Transaction) -> Lawful {
        self.vain.0 = 0;
        for step in &transaction.steps {
            if let Step::Append(event) = step {
                self.log.announced(event)?;
            }
        }
        Ok(())
    }

    /// A transaction that was ordered at a time is kept now.
    pub(super) fn kept(
        &mut self,
        sight: Sight<'_>,
        engine: &Engine,
        ordered_ms: u64,
        transaction: &Transaction,
    ) -> Lawful {
        let now_ms = sight.now_ms;
        self.times.last_job = (ordered_ms, now_ms);
        for step in &transaction.steps {
            if let Step::Append(event) = step {
                self.isolation.kept(now_ms, event);
            }
        }
        let load = engine.load();
        let is_bounded = load.pending_bytes <= sight.plan.delivery.pending_bytes_max + 1_000;
        Law::Memory.holds(is_bounded, || format!("{load:?}"))
    }

    /// The store is not well.
    pub(super) fn troubled(&mut self, now_ms: u64) {
        self.trouble_ms = now_ms;
    }

    /// The engine orders a POST.
    pub(super) fn dispatched(&mut self, sight: Sight<'_>, dispatch: &Dispatch) -> Lawful {
        self.vain.0 = 0;
        let scene = scene(sight, &self.settings, self.times);
        self.sending.dispatched(scene, dispatch)
    }

    /// A receiver takes it.
    pub(super) fn accepted(&mut self, sight: Sight<'_>, dispatch: &Dispatch) {
        let scene = scene(sight, &self.settings, self.times);
        self.sending.accepted(scene, dispatch);
        self.isolation.accepted(&dispatch.batch);
    }

    /// The engine hears of an answer.
    pub(super) fn answered(&mut self, now_ms: u64, answered: &Answered) {
        self.sending.answered(now_ms, answered.batch, &answered.answer);
    }

    /// The engine wakes by itself.
    pub(super) fn woke(&mut self, now_ms: u64) -> Lawful {
        if self.vain.0 == 0 {
            self.vain.1 = now_ms;
        }
        self.vain.0 += 1;
        let is_restless = self.vain.0 > 100 && now_ms < self.vain.1 + 1_000;
        Law::Rest.holds(!is_restless, || format!("it wakes in vain since {}", self.vain.1))
    }

    /// The engine has given all its orders. `is_busy`: a job is not done yet.
    pub(super) fn check(&mut self, sight: Sight<'_>, engine: &Engine, is_busy: bool) -> Lawful {
        let next_ms = engine.next_ms().filter(|_| !is_busy);
        let sleeps = next_ms.is_none_or(|next_ms| next_ms > sight.now_ms);
        Law::Rest.holds(sleeps, || format!("more to do at once: {next_ms:?}"))?;
        self.sending.health.check_gone(&self.settings)?;
        let since_ms = self.trouble_ms.max(self.times.began_ms);
        self.isolation.check(sight.now_ms, since_ms, sight.disk)
    }

    /// Nothing will happen any more.
    pub(super) fn check_end(
        &self,
        sight: Sight<'_>,
        engine: &Engine,
        world: &World,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Lawful {
        let load = engine.load();
        let rests = engine.is_quiet() && !self.sending.has_flights();
        Law::Rest.holds(rests, || format!("it waits for nothing: {load:?}"))?;
        let is_empty = (load.waiting, load.pending_bytes, load.under_way) == (0, 0, 0);
        Law::Memory.holds(is_empty, || format!("{load:?}"))?;
        let scene = scene(sight, &self.settings, self.times);
        if !sight.plan.trouble.overflow {
            self.log.check_end()?;
        }
        laws::check_end(scene, &[world], is_wanted, &self.log.quiet, &self.sending)
    }
}

fn scene<'a>(sight: Sight<'a>, settings: &'a Settings, times: Times) -> Scene<'a> {
    let Sight { now_ms, disk, plan, .. } = sight;
    let Times { began_ms, last_job } = times;
    Scene { now_ms, disk, plan, settings, began_ms, last_job, decided: None }
}
