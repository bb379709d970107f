//! The store as its port describes it, in memory: the plainest thing that keeps its promises, and
//! the first to say when the engine breaks its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwire_protocol::{AppId, UserId};

use super::laws::{Broken, Law, Lawful};
use crate::attempt::Attempt;
use crate::batch::{Batch, Gap, Outcome, REPLAY_LANE};
use crate::endpoint::{Disabled, Endpoint};
use crate::event::{Event, Kind};
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::ledger::Lost;
use crate::outbox::{
    Announced, Found, Outbox, OutboxError, Read, Remains, Retention, Step, Swept, Transaction,
};
use crate::replay::{Replay, ReplayOf, State};

/// The store.
#[derive(Debug, Default)]
pub(super) struct Disk {
    last_transaction: u64,
    pub(super) logs: BTreeMap<AppId, Log>,
    pub(super) announced: BTreeMap<Named, u64>,
    pub(super) batches: BTreeMap<BatchId, Kept>,
    behind: BTreeMap<LaneId, u64>,
    pub(super) owed: BTreeMap<LaneId, Gap>,
    previous: BTreeMap<LaneId, u64>,
    pub(super) lost: Vec<Lost>,
    pub(super) endpoints: BTreeMap<EndpointId, Endpoint>,
    pub(super) replays: BTreeMap<ReplayId, Replay>,
    /// In which batch an event goes to an endpoint.
    cut_in: BTreeMap<(EndpointId, u64), BatchId>,
    /// How the next commit fails, if it does: whether it has arrived nevertheless.
    pub(super) fails: Option<bool>,
    /// What a commit has found wrong.
    pub(super) broken: Option<Broken>,
}

/// A channel, or a user on it, of an app.
pub(super) type Named = (AppId, String, Option<UserId>);
/// A lane of an endpoint.
pub(super) type LaneId = (EndpointId, u8);

/// The log of an app.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) last_seq: u64,
    /// All that was ever in it.
    pub(super) events: BTreeMap<u64, Arc<Event>>,
    /// Events before this place were swept away.
    swept_to: u64,
}

/// A batch with what became of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) batch: Arc<Batch>,
    attempts: Vec<Arc<Attempt>>,
    pub(super) outcome: Option<Outcome>,
    ended_at_ms: u64,
    /// Whether it was swept away: the laws remember it, the engine cannot read it.
    is_swept: bool,
}

impl Disk {
    pub(super) fn with(endpoints: &[Endpoint]) -> Self {
        let rows = endpoints.iter().map(|row| (row.id.clone(), row.clone()));
        Self { endpoints: rows.collect(), ..Self::default() }
    }

    pub(super) fn event(&self, app: &AppId, seq: u64) -> Option<&Arc<Event>> {
        self.logs.get(app)?.events.get(&seq)
    }

    /// Whether it is on record that an endpoint misses a place.
    pub(super) fn has_lost(&self, endpoint: &EndpointId, seq: u64) -> bool {
        let mut lost = self.lost.iter().filter(|lost| lost.endpoint == *endpoint);
        lost.any(|lost| (lost.gap.first..=lost.gap.last).contains(&seq))
    }

    /// Removes an endpoint with its history, as its owner does.
    pub(super) fn remove_endpoint(&mut self, id: &EndpointId) {
        self.endpoints.remove(id);
        self.batches.retain(|_, kept| kept.batch.endpoint != *id);
        self.behind.retain(|(endpoint, _), _| endpoint != id);
        self.owed.retain(|(endpoint, _), _| endpoint != id);
        self.previous.retain(|(endpoint, _), _| endpoint != id);
        self.replays.retain(|_, replay| replay.endpoint != *id);
    }

    pub(super) fn set_enabled(&mut self, id: &EndpointId, on: bool, now_ms: u64) {
        let Some(endpoint) = self.endpoints.get_mut(id) else { return };
        endpoint.disabled = (!on).then(|| Disabled { reason: "manual".into(), at_ms: now_ms });
        if on {
            endpoint.failing_since_ms = None;
        }
    }

    /// What a replay repeats, whatever its cursor: places of the log, or numbers of batches.
    pub(super) fn range(&self, replay: &Replay) -> Vec<u64> {
        let mut all = replay.clone();
        all.progress.cursor = 0;
        match self.replayed(&all, u32::MAX) {
            Found::Events(events) => events.iter().map(|event| event.seq).collect(),
            Found::Batches(batches) => batches.iter().map(|batch| batch.id.number()).collect(),
        }
    }

    fn apply(&mut self, transaction: &Transaction) -> Lawful {
        let before: BTreeMap<AppId, u64> =
            self.logs.iter().map(|(app, log)| (app.clone(), log.last_seq)).collect();
        for step in &transaction.steps {
            self.step(step)?;
        }
        self.check_places(&before, &transaction.steps)
    }

    fn step(&mut self, step: &Step) -> Lawful {
        match step {
            Step::Append(event) => return self.append(event),
            Step::Skip { app, last } => {
                let log = self.logs.entry(app.clone()).or_default();
                log.last_seq = log.last_seq.max(*last);
            }
            Step::Cut(batch) => return self.cut(batch),
            Step::Attempt(attempt) => return self.attempt(attempt),
            Step::End { batch, outcome, at_ms } => return self.end(*batch, *outcome, *at_ms),
            Step::Replayed { replay, progress } => {
                let replay = self.replays.get_mut(replay);
                // Whoever cancels a replay has the last word.
                if let Some(replay) = replay.filter(|r| r.progress.state == State::Running) {
                    replay.progress = *progress;
                }
            }
            of_an_endpoint => self.step_of_endpoint(of_an_endpoint),
        }
        Ok(())
    }

    fn step_of_endpoint(&mut self, step: &Step) {
        let (Step::Behind { endpoint, .. }
        | Step::CaughtUp { endpoint, .. }
        | Step::Owes { endpoint, .. }
        | Step::Paid { endpoint, .. }
        | Step::Lost { endpoint, .. }
        | Step::Failing { endpoint, .. }
        | Step::Disable { endpoint, .. }) = step
        else {
            return;
        };
        // It may have been removed since.
        let Some(row) = self.endpoints.get_mut(endpoint) else { return };
        let lane_id = |lane: &u8| (endpoint.clone(), *lane);
        match step {
            Step::Behind { lane, cursor, .. } => {
                self.behind.insert(lane_id(lane), *cursor);
            }
            Step::CaughtUp { lane, .. } => {
                self.behind.remove(&lane_id(lane));
            }
            Step::Owes { lane, gap, .. } => {
                self.owed.insert(lane_id(lane), *gap);
            }
            Step::Paid { lane, .. } => {
                self.owed.remove(&lane_id(lane));
            }
            Step::Lost { gap, reason, at_ms, .. } => self.lost.push(Lost {
                endpoint: endpoint.clone(),
                gap: *gap,
                reason: (*reason).to_owned(),
                at_ms: *at_ms,
            }),
            Step::Failing { since_ms, .. } => row.failing_since_ms = *since_ms,
            Step::Disable { reason, at_ms, .. } => {
                row.disabled = Some(Disabled { reason: (*reason).to_owned(), at_ms: *at_ms });
            }
            _ => {}
        }
    }

    fn append(&mut self, event: &Arc<Event>) -> Lawful {
        let log = self.logs.entry(event.app.clone()).or_default();
        if event.seq <= log.last_seq {
            return Law::Alternation.broken(format!("place {} is taken already", event.seq));
        }
        log.last_seq = event.seq;
        log.events.insert(event.seq, Arc::clone(event));
        self.announce(event)
    }

    fn announce(&mut self, event: &Event) -> Lawful {
        let channel = event.channel.as_str().to_owned();
        let key = (event.app.clone(), channel.clone(), event.user.clone());
        let of_channel = (event.app.clone(), channel, None);
        let is_told = self.announced.contains_key(&key);
        let is_occupied = self.announced.contains_key(&of_channel);
        let alternates = match event.kind {
            Kind::Occupied => !is_told,
            Kind::MemberAdded => !is_told && is_occupied,
            Kind::MemberRemoved => is_told && is_occupied,
            Kind::Vacated => is_told && self.members(&of_channel) == 0,
            Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount => return Ok(()),
        };
        if !alternates {
            return Law::Alternation.broken(format!("stray {event:?}"));
        }
        if matches!(event.kind, Kind::Occupied | Kind::MemberAdded) {
            self.announced.insert(key, event.seq);
        } else {
            self.announced.remove(&key);
        }
        Ok(())
    }

    fn members(&self, channel: &Named) -> usize {
        let rest = self.announced.range(channel.clone()..);
        let same = |key: &Named| key.0 == channel.0 && key.1 == channel.1;
        rest.take_while(|(key, _)| same(key)).filter(|(key, _)| key.2.is_some()).count()
    }

    /// Places ascend by one, except for those that this transaction skips.
    fn check_places(&self, before: &BTreeMap<AppId, u64>, steps: &[Step]) -> Lawful {
        let skips: BTreeSet<&AppId> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Skip { app, .. } => Some(app),
                _ => None,
            })
            .collect();
        for (app, log) in &self.logs {
            let from = before.get(app).copied().unwrap_or(0);
            let added = log.events.range(from + 1..).count() as u64;
            if from + added != log.last_seq && !skips.contains(app) {
                let what = format!("places between {from} and {} are missing", log.last_seq);
                return Law::Alternation.broken(what);
            }
        }
        Ok(())
    }

    fn cut(&mut self, batch: &Arc<Batch>) -> Lawful {
        if !self.endpoints.contains_key(&batch.endpoint) {
            return Ok(());
        }
        if self.batches.contains_key(&batch.id) {
            return Law::SameBytes.broken(format!("{} is cut again", batch.id));
        }
        if batch.lane != REPLAY_LANE {
            self.check_cut_once(batch)?;
            self.check_chain(batch)?;
        }
        let kept = Kept {
            batch: Arc::clone(batch),
            attempts: Vec::new(),
            outcome: None,
            ended_at_ms: 0,
            is_swept: false,
        };
        self.batches.insert(batch.id, kept);
        Ok(())
    }

    fn check_cut_once(&mut self, batch: &Batch) -> Lawful {
        for seq in &batch.seqs {
            let key = (batch.endpoint.clone(), *seq);
            let before = self.cut_in.insert(key, batch.id);
            if before.is_some() && before != batch.parent {
                return Law::SameBytes.broken(format!("{seq} is in {before:?} and {}", batch.id));
            }
        }
        Ok(())
    }

    fn check_chain(&mut self, batch: &Batch) -> Lawful {
        if batch.parent.is_some() {
            return Ok(());
        }
        let lane = (batch.endpoint.clone(), batch.lane);
        let last = self.previous.insert(lane, batch.last_seq()).unwrap_or(0);
        if batch.previous == last {
            return Ok(());
        }
        Law::Chain.broken(format!("{} follows {}, not {last}", batch.id, batch.previous))
    }

    fn attempt(&mut self, attempt: &Arc<Attempt>) -> Lawful {
        let Some(kept) = self.batches.get_mut(&attempt.batch) else { return Ok(()) };
        let expected = kept.attempts.len() as u32 + 1;
        kept.attempts.push(Arc::clone(attempt));
        if attempt.number == expected {
            return Ok(());
        }
        Law::SameBytes.broken(format!("attempt {} is not {expected}", attempt.number))
    }

    fn end(&mut self, id: BatchId, outcome: Outcome, at_ms: u64) -> Lawful {
        let Some(kept) = self.batches.get_mut(&id) else { return Ok(()) };
        let replay = kept.batch.replay.and_then(|id| self.replays.get(&id));
        let runs = replay.is_some_and(|replay| replay.progress.state == State::Running);
        let is_dropped = outcome == Outcome::Discarded && runs;
        Law::Replays.holds(!is_dropped, || format!("{replay:?} loses {id}"))?;
        let before = kept.outcome.replace(outcome);
        kept.ended_at_ms = at_ms;
        // A replay that was accepted makes good what failed.
        if before.is_none() || outcome == Outcome::Delivered {
            return Ok(());
        }
        Law::SameBytes.broken(format!("{id} ended {before:?} and again {outcome:?}"))
    }

    fn lane(&self, app: &AppId, lane: u8, after: u64, limit: u32) -> Vec<Event> {
        let Some(log) = self.logs.get(app) else { return Vec::new() };
        let first = (after + 1).max(log.swept_to);
        let of_lane = log.events.range(first..).filter(|(_, event)| event.lane() == lane);
        of_lane.take(limit as usize).map(|(_, event)| Event::clone(event)).collect()
    }

    fn replayed(&self, replay: &Replay, limit: u32) -> Found {
        match &replay.of {
            ReplayOf::Log(_) => Found::Events(self.replayed_events(replay, limit as usize)),
            _ => Found::Batches(self.replayed_batches(replay, limit as usize)),
        }
    }

    fn replayed_events(&self, replay: &Replay, limit: usize) -> Vec<Event> {
        let (ReplayOf::Log(filter), Some(log)) = (&replay.of, self.logs.get(&replay.app)) else {
            return Vec::new();
        };
        let first = filter.from_seq.unwrap_or(0).max(replay.progress.cursor + 1);
        let first = first.max(log.swept_to);
        let last = filter.to_seq.unwrap_or(u64::MAX);
        if first > last {
            return Vec::new();
        }
        let channel = filter.channel.as_deref();
        let kind = filter.event.as_deref();
        let span = filter.span;
        log.events
            .range(first..=last)
            .map(|(_, event)| event)
            .filter(|event| channel.is_none_or(|channel| event.channel.as_str() == channel))
            .filter(|event| kind.is_none_or(|kind| event.kind.name() == kind))
            .filter(|event| span.from_ms.is_none_or(|from| event.at_ms >= from))
            .filter(|event| span.to_ms.is_none_or(|to| event.at_ms <= to))
            .take(limit)
            .map(|event| Event::clone(event))
            .collect()
    }

    fn replayed_batches(&self, replay: &Replay, limit: usize) -> Vec<Batch> {
        let after = replay.progress.cursor;
        let later = self.batches.values().filter(|kept| kept.batch.id.number() > after);
        later
            .filter(|kept| kept.batch.endpoint == replay.endpoint && !kept.is_swept)
            .filter(|kept| repeats(&replay.of, kept, replay.created_at_ms))
            .take(limit)
            .map(|kept| Batch::clone(&kept.batch))
            .collect()
    }

    /// What waits in lanes and is too old is lost; the rest that is too old just goes.
    fn sweep_lanes(&mut self, oldest_ms: u64, now_ms: u64) -> Swept {
        let mut swept = Swept::default();
        for ((endpoint, lane), cursor) in &mut self.behind {
            let Some(row) = self.endpoints.get(endpoint) else { continue };
            let Some(log) = self.logs.get(&row.app) else { continue };
            let old = log.events.range(*cursor + 1..).filter(|(_, event)| event.lane() == *lane);
            let old = old.take_while(|(_, event)| event.at_ms < oldest_ms);
            let gap = old.map(|(seq, _)| Gap { first: *seq, last: *seq, count: 1 });
            let Some(gap) = gap.reduce(Gap::and) else { continue };
            *cursor = gap.last;
            let owed = self.owed.entry((endpoint.clone(), *lane)).or_insert(gap);
            *owed = if *owed == gap { gap } else { owed.and(gap) };
            let (endpoint, reason) = (endpoint.clone(), "retention".to_owned());
            swept.lost.push((endpoint.clone(), *lane, gap));
            self.lost.push(Lost { endpoint, gap, reason, at_ms: now_ms });
        }
        swept
    }
}

/// Whether a replay of deliveries repeats one.
fn repeats(of: &ReplayOf, kept: &Kept, asked_at_ms: u64) -> bool {
    let batch = &kept.batch;
    match (of, kept.outcome) {
        (ReplayOf::Delivery(id), Some(_)) => batch.id.to_string() == *id,
        (ReplayOf::Failed(span), Some(Outcome::Failed)) => {
            // It does not chase what fails while it runs, its own batches least of all.
            batch.replay.is_none()
                && span.from_ms.is_none_or(|from| batch.time_ms >= from)
                && batch.time_ms <= span.to_ms.unwrap_or(asked_at_ms)
        }
        _ => false,
    }
}

impl Outbox for Disk {
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError> {
        for ((app, channel, user), seq) in &self.announced {
            let channel = channel.parse().map_err(|_| OutboxError(channel.clone()))?;
            let (app, user) = (app.clone(), user.clone());
            announced(Announced { app, channel, user, seq: *seq });
        }
        let open = self.batches.values().filter(|kept| kept.outcome.is_none());
        let lanes = |places: &BTreeMap<LaneId, u64>| {
            places.iter().map(|((id, lane), place)| (id.clone(), *lane, *place)).collect()
        };
        Ok(Remains {
            last_transaction: self.last_transaction,
            last_seqs: self.logs.iter().map(|(app, log)| (app.clone(), log.last_seq)).collect(),
            last_batch: self.batches.keys().next_back().copied(),
            open: open
                .map(|kept| (Batch::clone(&kept.batch), kept.attempts.len() as u32))
                .collect(),
            behind: lanes(&self.behind),
            owed: self.owed.iter().map(|((id, lane), gap)| (id.clone(), *lane, *gap)).collect(),
            previous: lanes(&self.previous),
        })
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError> {
        let failure = self.fails.take();
        let last = self.last_transaction;
        let is_new = transaction.number != last && failure != Some(false);
        if is_new && transaction.number != last + 1 {
            let what = format!("transaction {} after {last}", transaction.number);
            self.broken = Law::SameBytes.broken::<()>(what).err();
        } else if is_new {
            self.last_transaction += 1;
            self.broken = self.apply(transaction).err();
        }
        failure.map_or(Ok(()), |_| Err(OutboxError("no space left on device".into())))
    }

    fn read(&mut self, read: &Read) -> Result<Found, OutboxError> {
        Ok(match read {
            Read::Lane { app, lane, after, limit } => {
                Found::Events(self.lane(app, *lane, *after, *limit))
            }
            Read::Replay { replay, limit } => self.replayed(replay, *limit),
        })
    }

    fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Result<Swept, OutboxError> {
        let oldest_ms = now_ms.saturating_sub(rules.failed_ms);
        let swept = self.sweep_lanes(oldest_ms, now_ms);
        for log in self.logs.values_mut() {
            let young =
                log.events.range(log.swept_to..).find(|(_, event)| event.at_ms >= oldest_ms);
            log.swept_to = young.map_or(log.last_seq + 1, |(seq, _)| *seq);
        }
        for kept in self.batches.values_mut() {
            let keep_ms = match kept.outcome {
                None => continue,
                Some(Outcome::Delivered) => rules.delivered_ms,
                Some(_) => rules.failed_ms,
            };
            kept.is_swept |= kept.ended_at_ms + keep_ms < now_ms;
        }
        Ok(swept)
    }
}
