//! The engine: facts in, transactions and POSTs out, without a clock, a disk or a network of its
//! own. Whoever drives it hands it what happened and carries out what it orders, one transaction at
//! a time; the simulation drives it through crashes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bellwire_hub::Fact;
use bellwire_protocol::AppId;
use hashbrown::{HashMap, HashSet};

use crate::announcement::Announcement;
use crate::attempt::Answer;
use crate::batch::{Batch, Gap, Outcome};
use crate::courier::Courier;
use crate::endpoint::{Disabled, Endpoint};
use crate::event::{Event, LANES, lane_of};
use crate::hashing::Hashing;
use crate::ids::{BatchId, EndpointId};
use crate::lane::{Part, Stage};
use crate::outbox::{Announced, Found, Read, Remains, Step, Swept, Transaction};
use crate::replay::{Replay, State};
use crate::rerun::Rerun;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::settle::{Announce, Settle, SettleRules};
use crate::turn::{Asker, DeliveryRules, Dispatch, Notice, Turn};

type Map<K, V> = HashMap<K, V, Hashing>;
type Set<T> = HashSet<T, Hashing>;
type Alarms = BTreeSet<(u64, EndpointId)>;

/// Endpoints that have not shown that they are well and have their turn at once: in tests fewer, so
/// that the simulation knows what it is to wait.
const LINE_MAX: usize = if cfg!(test) { 2 } else { 16 };

/// The engine.
#[derive(Debug)]
pub struct Engine {
    settle: Settle,
    desk: Desk,
    /// What a job that runs will have kept.
    in_job: Option<Job>,
    /// The number of the last transaction.
    transaction: u64,
    /// When couriers are to be run again: of each at most one.
    alarms: Alarms,
}

/// Everything but the settling: the logs and the couriers.
#[derive(Debug)]
struct Desk {
    logs: Map<AppId, Log>,
    couriers: Map<EndpointId, Courier>,
    turn: Turn,
    /// Bytes of events that are not kept yet.
    pending_bytes: usize,
    /// Events that wait in memory at all couriers, as of their last run.
    waiting: usize,
    /// Couriers to be run.
    touched: Set<EndpointId>,
    /// Of these, the ones that have their turn after the others.
    line: VecDeque<EndpointId>,
    /// Batches that are kept and can go.
    kept: Vec<Dispatch>,
    /// What there was no room for since the last job.
    overflow: Overflow,
}

/// What there was no room for.
#[derive(Debug, Default)]
struct Overflow {
    events: u64,
    /// Whose logs have places that stay empty.
    apps: Set<AppId>,
    /// What endpoints miss by it, lane by lane.
    gaps: Map<(EndpointId, u8), Gap>,
}

/// The log of an app.
#[derive(Debug, Default)]
struct Log {
    last_seq: u64,
    endpoints: Vec<EndpointId>,
}

/// What a job holds until it is done.
#[derive(Debug)]
struct Job {
    /// Whether it has a transaction.
    keeps: bool,
    bytes: usize,
    cut: Vec<Dispatch>,
}

/// What has to be done now, in this order; the transaction and the reads are one job.
#[derive(Debug, Default)]
pub struct Orders {
    /// To be kept, if it has steps, and answered; the engine gives no other before [`Engine::kept`].
    pub job: Option<(Transaction, Vec<(Asker, Read)>)>,
    /// To be sent.
    pub posts: Vec<Dispatch>,
    /// For people.
    pub notices: VecDeque<Notice>,
}

/// An attempt that has ended.
#[derive(Debug)]
pub struct Answered {
    /// Where.
    pub endpoint: EndpointId,
    /// The lane of the batch.
    pub lane: u8,
    /// What.
    pub batch: BatchId,
    /// When it began, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How it went.
    pub answer: Answer,
}

/// What waits, for people and metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Events that wait in memory for a batch.
    pub waiting: usize,
    /// POSTs that are cut or under way.
    pub under_way: usize,
    /// Bytes of events that are not kept yet.
    pub pending_bytes: usize,
    /// When the oldest event or batch that waits happened, in milliseconds since the epoch.
    pub oldest_ms: Option<u64>,
    /// Endpoints whose breaker is open.
    pub open_breakers: usize,
    /// Channels that are here or were announced.
    pub channels: usize,
}

impl Engine {
    /// An engine that goes on where a former run ended. `seed` is for chance.
    #[must_use]
    pub fn new(settle: SettleRules, rules: DeliveryRules, seed: u64) -> Self {
        let turn = Turn::new(rules, seed, BatchId::of(0));
        let desk = Desk {
            logs: Map::default(),
            couriers: Map::default(),
            turn,
            pending_bytes: 0,
            waiting: 0,
            touched: Set::default(),
            line: VecDeque::new(),
            kept: Vec::new(),
            overflow: Overflow::default(),
        };
        let settle = Settle::new(settle);
        Self { settle, desk, in_job: None, transaction: 0, alarms: BTreeSet::new() }
    }

    /// Something that a former run has announced and not taken back.
    pub fn told_before(&mut self, announced: Announced) {
        self.settle.told_before(&announced.app, announced.channel, announced.user);
    }

    /// Takes over what a former run has left. After [`Engine::told_before`] for everything, before
    /// anything else.
    pub fn begin(
        &mut self,
        now_ms: u64,
        remains: Remains,
        endpoints: Vec<Endpoint>,
        batching: &dyn Fn(&AppId) -> Option<bool>,
        replays: Vec<Replay>,
    ) {
        self.desk.turn.now_ms = now_ms;
        self.transaction = remains.last_transaction;
        self.desk.turn.last_batch = remains.last_batch.unwrap_or(BatchId::of(0));
        for (app, last_seq) in remains.last_seqs {
            self.desk.logs.entry(app).or_default().last_seq = last_seq;
        }
        self.settle.begin(now_ms);
        self.configure(now_ms, endpoints, batching, Vec::new());
        self.desk.resume(remains.behind, remains.owed, remains.previous);
        self.desk.reopen(remains.open, &replays);
        self.desk.rerun(replays);
        self.desk.discard_disabled();
        self.desk.touch_all();
    }

    /// The endpoints and replays as they are written down now. `batching` says of an app whether it
    /// wants batches, and nothing if there is no such app. Returns the apps of which facts are
    /// wanted from now on and were not before.
    pub fn configure(
        &mut self,
        now_ms: u64,
        endpoints: Vec<Endpoint>,
        batching: &dyn Fn(&AppId) -> Option<bool>,
        replays: Vec<Replay>,
    ) -> Vec<AppId> {
        self.desk.turn.now_ms = now_ms;
        let before = self.wanted();
        self.desk.configure(endpoints, batching);
        self.desk.rerun(replays);
        let after = self.wanted();
        for app in before.iter().filter(|app| !after.contains(*app)) {
            self.settle.forget(now_ms, app);
        }
        let mut new: Vec<AppId> = after.into_iter().filter(|app| !before.contains(app)).collect();
        new.sort();
        new
    }

    /// The apps of which facts are wanted.
    #[must_use]
    pub fn wanted(&self) -> HashSet<AppId, foldhash::fast::RandomState> {
        let logs = self.desk.logs.iter();
        logs.filter(|(_, log)| !log.endpoints.is_empty()).map(|(app, _)| app.clone()).collect()
    }

    /// Something happened. `quietly`: it had happened before anybody wanted to know.
    pub fn take(&mut self, now_ms: u64, fact: Fact, quietly: bool) {
        self.desk.turn.now_ms = now_ms;
        self.settle.take(now_ms, fact, quietly, &mut self.desk);
    }

    /// Events of a lane came when there was no room even to leave them: they get places in the log
    /// that stay empty.
    pub fn lost(&mut self, now_ms: u64, app: &AppId, lane: u8, count: u64) {
        self.desk.turn.now_ms = now_ms;
        self.desk.lose_places(app, lane, count);
    }

    /// An attempt has ended.
    pub fn answered(&mut self, now_ms: u64, answered: Answered) {
        let Desk { couriers, turn, touched, .. } = &mut self.desk;
        turn.now_ms = now_ms;
        let Answered { endpoint, lane, batch, at_ms, answer } = answered;
        if let Some(courier) = couriers.get_mut(&endpoint) {
            courier.answered(batch, lane, at_ms, answer, turn);
            touched.insert(endpoint);
        }
    }

    /// The job is done: its transaction is kept, its questions are answered.
    pub fn kept(&mut self, now_ms: u64, found: Vec<(Asker, Found)>) {
        self.desk.turn.now_ms = now_ms;
        if let Some(job) = self.in_job.take() {
            self.desk.pending_bytes -= job.bytes;
            self.desk.kept = job.cut;
        }
        for (asker, found) in found {
            self.desk.found(asker, found);
        }
    }

    /// The store has let go of what somebody waited for.
    pub fn swept(&mut self, swept: Swept) {
        for (endpoint, lane, gap) in swept.lost {
            if let Some(courier) = self.desk.couriers.get_mut(&endpoint) {
                courier.lanes[usize::from(lane % LANES)].skip_to(gap.last);
                courier.lanes[usize::from(lane % LANES)].misses(gap);
                self.desk.touched.insert(endpoint);
            }
        }
    }

    /// The server goes down: whoever leaves from now on was told to come back.
    pub fn close(&mut self) {
        #[cfg(test)]
        if sabotaged(Sabotage::VacatedAtTheEnd) {
            return;
        }
        self.settle.close();
    }

    /// The number of the transaction with which all that was said so far will be kept.
    #[must_use]
    pub fn promised(&self) -> u64 {
        let has_more = !self.desk.turn.steps.is_empty() || self.desk.overflow.events > 0;
        self.transaction + u64::from(has_more)
    }

    /// The number of the last transaction that is known to be kept.
    #[must_use]
    pub fn last_kept(&self) -> u64 {
        self.transaction - u64::from(self.in_job.as_ref().is_some_and(|job| job.keeps))
    }

    /// Whether every POST has ended and everything is kept.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.in_job.is_none()
            && self.desk.turn.steps.is_empty()
            && self.desk.couriers.values().all(|courier| courier.under_way == 0)
    }

    /// When to ask for orders again, if nothing happens before; milliseconds since the epoch.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        let alarm = self.alarms.first().map(|(at_ms, _)| *at_ms);
        let settles = self.settle.next_ms().filter(|_| self.desk.has_room());
        [alarm, settles].into_iter().flatten().min()
    }

    /// What has to be done now.
    pub fn orders(&mut self, now_ms: u64) -> Orders {
        self.desk.turn.now_ms = now_ms;
        self.settle.tick(now_ms, &mut self.desk);
        while self.alarms.first().is_some_and(|(at_ms, _)| *at_ms <= now_ms) {
            let Some((_, endpoint)) = self.alarms.pop_first() else { break };
            self.desk.touched.insert(endpoint);
        }
        for dispatch in std::mem::take(&mut self.desk.kept) {
            self.desk.go(dispatch);
        }
        self.run_couriers(now_ms);
        let job = self.job();
        let turn = &mut self.desk.turn;
        let posts = std::mem::take(&mut turn.posts);
        Orders { job, posts, notices: std::mem::take(&mut turn.notices) }
    }

    /// What waits.
    #[must_use]
    pub fn load(&self) -> Load {
        let couriers = self.desk.couriers.values();
        let lanes = couriers.clone().flat_map(|courier| courier.lanes.iter());
        Load {
            waiting: self.desk.waiting,
            under_way: couriers.clone().map(|courier| courier.under_way).sum(),
            pending_bytes: self.desk.pending_bytes,
            oldest_ms: lanes.filter_map(crate::lane::Lane::oldest_ms).min(),
            open_breakers: couriers.filter(|courier| courier.breaker.is_open()).count(),
            channels: self.settle.channels(),
        }
    }

    fn run_couriers(&mut self, now_ms: u64) {
        // While a job runs, what would be cut cannot be kept, and it may still grow.
        if self.in_job.is_some() {
            return;
        }
        let (first, last): (Vec<EndpointId>, Vec<EndpointId>) =
            self.desk.touched.drain().partition(|id| {
                let courier = self.desk.couriers.get(id);
                courier.is_none_or(|courier| !courier.is_patient(now_ms))
            });
        for id in first {
            self.run_courier(now_ms, id);
        }
        self.run_line(now_ms, last);
    }

    /// Those that have their turn after the others: some now, the rest after the job to which these
    /// lead, so that however many they are, nobody waits for them. What must be kept of the rest is
    /// kept now.
    fn run_line(&mut self, now_ms: u64, more: Vec<EndpointId>) {
        for id in &more {
            let Some(courier) = self.desk.couriers.get_mut(id) else { continue };
            if !std::mem::replace(&mut courier.is_in_line, true) {
                self.desk.line.push_back(id.clone());
            }
        }
        let mut now = LINE_MAX;
        while now > 0 || !self.has_work() {
            let Some(id) = self.desk.line.pop_front() else { break };
            self.run_courier(now_ms, id);
            now = now.saturating_sub(1);
        }
        let Desk { couriers, turn, waiting, .. } = &mut self.desk;
        for id in more {
            let Some(courier) = couriers.get_mut(&id).filter(|courier| courier.is_in_line) else {
                continue;
            };
            *waiting -= courier.waiting.min(*waiting);
            courier.bookmark(turn);
            *waiting += courier.waiting;
            let last_ms = courier.last_ms();
            set_alarm(&mut self.alarms, courier, id, last_ms);
        }
    }

    fn run_courier(&mut self, now_ms: u64, id: EndpointId) {
        let Desk { couriers, turn, waiting, .. } = &mut self.desk;
        #[cfg(test)]
        let permits = crate::sabotage::permits(couriers.values());
        let Some(courier) = couriers.get_mut(&id) else { return };
        #[cfg(test)]
        if permits == 0 && !courier.has_parts() {
            self.alarms.insert((now_ms + 100, id));
            return;
        }
        courier.is_in_line = false;
        *waiting -= courier.waiting.min(*waiting);
        courier.run(turn);
        *waiting += courier.waiting;
        let next_ms = courier.next_ms(now_ms).map(|at_ms| at_ms.max(now_ms + 1));
        set_alarm(&mut self.alarms, courier, id, next_ms);
    }

    /// Whether there is something for the store to do.
    fn has_work(&self) -> bool {
        let turn = &self.desk.turn;
        !turn.steps.is_empty() || !turn.reads.is_empty() || self.desk.overflow.events > 0
    }

    fn job(&mut self) -> Option<(Transaction, Vec<(Asker, Read)>)> {
        if self.in_job.is_some() || !self.has_work() {
            return None;
        }
        self.desk.keep_overflow();
        let turn = &mut self.desk.turn;
        let steps = std::mem::take(&mut turn.steps);
        // Where there is nothing to keep, there is no transaction either.
        self.transaction += u64::from(!steps.is_empty());
        let cut = std::mem::take(&mut turn.cut);
        let reads = std::mem::take(&mut turn.reads);
        self.in_job = Some(Job { keeps: !steps.is_empty(), bytes: bytes(&steps), cut });
        Some((Transaction { number: self.transaction, steps }, reads))
    }
}

impl Desk {
    fn configure(&mut self, endpoints: Vec<Endpoint>, batching: &dyn Fn(&AppId) -> Option<bool>) {
        for log in self.logs.values_mut() {
            log.endpoints.clear();
        }
        let mut gone: Set<EndpointId> = self.couriers.keys().cloned().collect();
        for mut endpoint in endpoints {
            gone.remove(&endpoint.id);
            #[cfg(test)]
            if sabotaged(Sabotage::OneAddress) && self.has_address(&endpoint) {
                continue;
            }
            let batching = batching(&endpoint.app);
            if batching.is_some() {
                let log = self.logs.entry(endpoint.app.clone()).or_default();
                log.endpoints.push(endpoint.id.clone());
            } else {
                // The endpoints of an app that is switched off are as good as disabled.
                let at_ms = self.turn.now_ms;
                endpoint.disabled.get_or_insert(Disabled { reason: "app".into(), at_ms });
            }
            self.install(endpoint, batching.unwrap_or_default());
        }
        for id in gone {
            if let Some(courier) = self.couriers.remove(&id) {
                self.waiting -= courier.waiting.min(self.waiting);
            }
        }
    }

    fn install(&mut self, endpoint: Endpoint, batching: bool) {
        let id = endpoint.id.clone();
        let Some(courier) = self.couriers.get_mut(&id) else {
            let last_seq = self.logs.get(&endpoint.app).map_or(0, |log| log.last_seq);
            self.couriers.insert(id, Courier::new(endpoint, batching, last_seq));
            return;
        };
        let was_disabled = courier.is_disabled();
        courier.endpoint = Arc::new(endpoint);
        courier.batching = batching;
        match (was_disabled, courier.is_disabled()) {
            (false, true) => courier.discard(&mut self.turn),
            (true, false) => courier.wake(&mut self.turn),
            (true, true) | (false, false) => {}
        }
        self.touched.insert(id);
    }

    fn resume(
        &mut self,
        behind: Vec<(EndpointId, u64)>,
        owed: Vec<(EndpointId, u8, Gap)>,
        previous: Vec<(EndpointId, u8, u64)>,
    ) {
        let couriers = &mut self.couriers;
        let mut lane =
            |endpoint: &EndpointId, lane: u8, change: &dyn Fn(&mut crate::lane::Lane)| {
                let courier = couriers.get_mut(endpoint);
                if let Some(lane) = courier.and_then(|c| c.lanes.get_mut(usize::from(lane))) {
                    change(lane);
                }
            };
        for (endpoint, at, place) in previous {
            lane(&endpoint, at, &|lane| lane.previous = place);
        }
        for (endpoint, at, gap) in owed {
            lane(&endpoint, at, &|lane| lane.owed_before(gap));
        }
        for (endpoint, after) in behind {
            if let Some(courier) = couriers.get_mut(&endpoint) {
                courier.resume(after);
            }
        }
    }

    /// Batches that a former run has cut go on as they were.
    fn reopen(&mut self, mut open: Vec<(Batch, u32)>, replays: &[Replay]) {
        // Halves of a split batch have later names than what follows them.
        open.sort_by_key(|(batch, _)| (batch.seqs.first().copied(), batch.id));
        for (batch, attempts) in open {
            #[cfg(test)]
            if attempts > 0 && sabotaged(Sabotage::RetryInMemory) {
                let (batch, at_ms) = (batch.id, self.turn.now_ms);
                self.turn.steps.push(Step::End { batch, outcome: Outcome::Discarded, at_ms });
                continue;
            }
            let now_ms = self.turn.now_ms;
            let Some(courier) = self.couriers.get_mut(&batch.endpoint) else { continue };
            let mut part = Part::new(Arc::new(batch), Stage::Due(now_ms));
            part.attempts = attempts;
            if let Some(lane) = courier.lanes.get_mut(usize::from(part.batch.lane)) {
                lane.parts.push_back(part);
            } else {
                let replay = replays.iter().find(|replay| Some(replay.id) == part.batch.replay);
                match replay.filter(|replay| replay.progress.state == State::Running) {
                    Some(replay) => courier.reruns.push(Rerun::new(replay.clone(), Some(part))),
                    None => courier.end(&part, Outcome::Discarded, &mut self.turn),
                }
            }
        }
    }

    /// Starts what somebody asked to be sent again, and stops what somebody cancelled.
    fn rerun(&mut self, replays: Vec<Replay>) {
        for replay in replays {
            let Some(courier) = self.couriers.get_mut(&replay.endpoint) else { continue };
            let at = courier.reruns.iter().position(|rerun| rerun.replay.id == replay.id);
            match (at, replay.progress.state == State::Running) {
                (None, true) => courier.reruns.push(Rerun::new(replay.clone(), None)),
                (Some(at), false) => courier.end_rerun(at, &mut self.turn),
                (None, false) | (Some(_), true) => continue,
            }
            self.touched.insert(replay.endpoint);
        }
    }

    #[cfg(test)]
    fn has_address(&self, endpoint: &Endpoint) -> bool {
        let others = self.couriers.values().map(|courier| &courier.endpoint);
        let mut others = others.filter(|other| other.id != endpoint.id);
        others.any(|other| other.terms.url == endpoint.terms.url)
    }

    /// What waited for an endpoint that was disabled since.
    fn discard_disabled(&mut self) {
        for courier in self.couriers.values_mut().filter(|courier| courier.is_disabled()) {
            courier.discard(&mut self.turn);
        }
    }

    fn touch_all(&mut self) {
        self.touched.extend(self.couriers.keys().cloned());
    }

    /// A batch is kept and goes, unless it was discarded meanwhile.
    fn go(&mut self, mut dispatch: Dispatch) {
        let Some(courier) = self.couriers.get_mut(&dispatch.endpoint.id) else { return };
        self.touched.insert(dispatch.endpoint.id.clone());
        if courier.kept(&dispatch, self.turn.now_ms) {
            dispatch = courier.dispatch(dispatch.batch, dispatch.attempt, self.turn.now_ms);
            self.turn.posts.push(dispatch);
        }
    }

    fn found(&mut self, asker: Asker, found: Found) {
        match (asker, found) {
            (Asker::Lane(endpoint, lane), Found::Events(events)) => {
                let Some(courier) = self.couriers.get_mut(&endpoint) else { return };
                let is_all = events.len() < crate::courier::READ as usize;
                let last = events.last().map(|event| event.seq);
                let wanted = events.into_iter().filter(|event| courier.wants(event));
                let wanted: Vec<Arc<Event>> = wanted.map(Arc::new).collect();
                courier.lanes[usize::from(lane)].found(wanted, last, is_all);
                self.touched.insert(endpoint);
            }
            (Asker::Replay(endpoint, replay), found) => {
                let Some(courier) = self.couriers.get_mut(&endpoint) else { return };
                let spec = Arc::clone(&courier.endpoint);
                let rerun = courier.reruns.iter_mut().find(|rerun| rerun.replay.id == replay);
                if let Some(rerun) = rerun {
                    rerun.found(found, |event| spec.terms.wants(event.kind, &event.channel));
                }
                self.touched.insert(endpoint);
            }
            (Asker::Lane(..), Found::Batches(_)) => {}
        }
    }

    /// There was no room: the place in the log stays empty, and whoever wanted to hear will be told
    /// that something is missing.
    fn lose(&mut self, announcement: &Announcement, seq: u64) {
        let lane = lane_of(announcement.channel.as_str());
        let gap = Gap { first: seq, last: seq, count: 1 };
        self.skip(&announcement.app, gap, lane, |endpoint| {
            endpoint.terms.wants(announcement.kind, &announcement.channel)
        });
    }

    /// The same for events of which nothing is known but their lane.
    fn lose_places(&mut self, app: &AppId, lane: u8, count: u64) {
        let log = self.logs.entry_ref(app).or_default();
        let first = log.last_seq + 1;
        log.last_seq += count;
        let gap = Gap { first, last: log.last_seq, count };
        self.skip(app, gap, lane, |_| true);
    }

    fn skip(&mut self, app: &AppId, gap: Gap, lane: u8, missed_by: impl Fn(&Endpoint) -> bool) {
        self.overflow.events += gap.count;
        self.overflow.apps.insert(app.clone());
        let Some(log) = self.logs.get(app) else { return };
        for id in &log.endpoints {
            let Some(courier) = self.couriers.get_mut(id) else { continue };
            if missed_by(&courier.endpoint) {
                courier.lanes[usize::from(lane % LANES)].misses(gap);
                let known = self.overflow.gaps.entry((id.clone(), lane)).or_insert(gap);
                if known.last < gap.first {
                    *known = known.and(gap);
                }
                self.touched.insert(id.clone());
            }
        }
    }

    /// Writes down what there was no room for.
    fn keep_overflow(&mut self) {
        let Overflow { events, apps, gaps } = std::mem::take(&mut self.overflow);
        for app in apps {
            let last = self.logs.get(&app).map_or(0, |log| log.last_seq);
            self.turn.steps.push(Step::Skip { app, last });
        }
        let at_ms = self.turn.now_ms;
        for ((endpoint, _), gap) in gaps {
            self.turn.steps.push(Step::Lost { endpoint, gap, reason: "overflow", at_ms });
        }
        if events > 0 {
            self.turn.notice(Notice::Overflowed { events });
        }
    }
}

impl Announce for Desk {
    fn pass_over(&mut self, announcement: &Announcement) {
        let log = self.logs.entry_ref(&announcement.app).or_default();
        log.last_seq += 1;
        let seq = log.last_seq;
        self.lose(announcement, seq);
    }

    fn has_room(&self) -> bool {
        self.pending_bytes < self.turn.rules.pending_bytes_max
    }

    fn announce(&mut self, announcement: Announcement) {
        let log = self.logs.entry_ref(&announcement.app).or_default();
        log.last_seq += 1;
        let seq = log.last_seq;
        if !self.has_room() {
            self.lose(&announcement, seq);
            return;
        }
        let Announcement { app, kind, channel, user, at_ms, quietly, body } = announcement;
        let event = Arc::new(Event { app, seq, kind, channel, user, at_ms, body });
        self.pending_bytes += cost(&event);
        self.turn.steps.push(Step::Append(Arc::clone(&event)));
        if quietly {
            return;
        }
        let in_memory = self.waiting < self.turn.rules.waiting_max;
        #[cfg(test)]
        if sabotaged(Sabotage::AppsMixed) {
            for courier in self.couriers.values_mut() {
                courier.hear(&event, in_memory);
            }
            self.touched.extend(self.couriers.keys().cloned());
            return;
        }
        let Some(log) = self.logs.get(&event.app) else { return };
        for id in &log.endpoints {
            let Some(courier) = self.couriers.get_mut(id) else { continue };
            if courier.wants(&event) {
                let waited = courier.waiting;
                let is_urgent = courier.hear(&event, in_memory);
                self.waiting += courier.waiting - waited;
                if is_urgent {
                    self.touched.insert(id.clone());
                }
            }
        }
    }
}

/// Says when a courier is to be run again, and forgets what was said before.
fn set_alarm(alarms: &mut Alarms, courier: &mut Courier, id: EndpointId, next_ms: Option<u64>) {
    if let Some(at_ms) = std::mem::replace(&mut courier.alarm_ms, next_ms) {
        alarms.remove(&(at_ms, id.clone()));
    }
    alarms.extend(next_ms.map(|at_ms| (at_ms, id)));
}

fn bytes(steps: &[Step]) -> usize {
    let appended = |step: &Step| match step {
        Step::Append(event) => cost(event),
        _ => 0,
    };
    steps.iter().map(appended).sum()
}

/// What an event costs in memory, roughly.
fn cost(event: &Event) -> usize {
    event.body.len() + 200
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
